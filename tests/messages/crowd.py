"""Many agents that write to each other at once, each a thread with a post of its own."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

from skillcache.core.outcomes import StoreError
from skillcache.messages.inbox import Letter, Post
from skillcache.messages.message import Message, decode
from skillcache.messages.opening import open_post
from tests.messages.conftest import PROJECT, agent

T = TypeVar("T")

_BATCH = 32


class Crowd:
    """`agents` agents send `messages` in all, to each in turn, and read their own at the same time."""

    def __init__(self, target: str, *, agents: int, messages: int) -> None:
        self.target = target
        self.names = [f"agent-{number}" for number in range(agents)]
        self.messages = messages
        self.read: dict[str, list[Message]] = defaultdict(list)
        self.faults: list[BaseException] = []
        self.sent = 0
        self._lock = threading.Lock()

    def work(self) -> None:
        post = self._open()
        for name in self.names:
            post.register(name, agent(), "agent")
        post.close()
        writers = [threading.Thread(target=self._guard, args=(self._write, name)) for name in self.names]
        readers = [threading.Thread(target=self._guard, args=(self._read, name)) for name in self.names]
        for thread in (*writers, *readers):
            thread.start()
        for thread in (*writers, *readers):
            thread.join()

    def verdict(self) -> str:
        """Raises AssertionError unless every message arrived once, where it was sent, in order per sender."""
        assert self.faults == []
        count = 0
        for reader, messages in self.read.items():
            last: dict[str, int] = {}
            for message in messages:
                assert message["to"] == reader
                number = int(message["text"])
                assert number > last.get(message["from"], -1), "out of order, or twice"
                last[message["from"]] = number
                count += 1
        assert count == self.messages, f"{count} arrived of {self.messages}"
        return "every one arrived once, in order per sender"

    def _guard(self, work: Callable[[str], None], name: str) -> None:
        try:
            work(name)
        except BaseException as fault:  # noqa: BLE001 - told by the main thread
            self.faults.append(fault)

    def _write(self, name: str) -> None:
        own = self.names.index(name)
        share = range(own, self.messages, len(self.names))
        for turn, number in enumerate(share):
            to = self.names[(own + 1 + turn) % len(self.names)]
            fields = {"id": f"{number:x}", "kind": "text", "from": name, "to": to, "text": str(number)}
            assert self._send(Letter(Message({**fields, "project": PROJECT}), ttl=3_600)) == [0]
            with self._lock:
                self.sent += 1

    def _read(self, name: str) -> None:
        while True:
            with self._lock:
                over = self.sent == self.messages or self.faults
            taken = self._do(lambda post: post.take(name, _BATCH)).deliveries
            found = [message for each in taken if (message := decode(each.text)) is not None]
            self.read[name] += found
            if taken:
                shown = [(each.entry, message["id"]) for each, message in zip(taken, found, strict=True)]
                self._settle(name, shown)
            elif over:
                return
            else:
                time.sleep(0.005)

    def _send(self, letter: Letter) -> list[int]:
        return self._do(lambda post: post.send([letter]))

    def _settle(self, name: str, shown: list[tuple[str, str]]) -> None:
        self._do(lambda post: post.settle(name, shown))

    def _do(self, step: Callable[[Post], T]) -> T:
        """As a process of its own does it, and once more where a busy store did not answer in time."""
        for _ in range(20):
            post = self._open()
            try:
                return step(post)
            except StoreError as fault:
                last = fault
            finally:
                post.close()
        raise last

    def _open(self) -> Post:
        return open_post(self.target, now=time.time(), patient=True)
