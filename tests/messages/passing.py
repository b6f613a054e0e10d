"""Messages that are on their way while a server fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from skillcache.core.outcomes import StoreError
from skillcache.messages.inbox import Post
from skillcache.messages.message import decode
from skillcache.messages.opening import over
from skillcache.stores import link_to
from skillcache.stores.connection import Limits
from tests.conftest import until
from tests.messages.conftest import letter

MESSAGES = 120
BOUND = Limits(connect=1, silence=1, operation=2)
_TRIES = 1_500


class Passing:
    """One that sends, each until it is told that it was, and one that reads; each time as a process of its own would.

    heard: texts in order; lost: what could not be sent; longest: seconds of one call, at most.
    """

    def __init__(self, url: str, reader: str = "b", project: str = "p") -> None:
        self._url, self._reader, self._project = url, reader, project
        self.heard: list[str] = []
        self.lost: list[int] = []
        self.longest = 0.0

    def run(self, fail: Callable[[], object]) -> None:
        """`fail` is called while they are at it."""
        begun = threading.Event()
        sender = threading.Thread(target=self._send, args=(begun,))
        sender.start()
        begun.wait(30)
        self._read()
        fail()
        until(lambda: self._read() and len(self.heard) >= MESSAGES)
        sender.join(30)
        self._read()

    def _send(self, begun: threading.Event) -> None:
        for number in range(MESSAGES):
            made = letter(str(number), to=self._reader, project=self._project)
            for _ in range(_TRIES):
                if self._timed(lambda post: post.send([made])):  # noqa: B023 - called at once
                    break
                time.sleep(0.02)
            else:
                self.lost.append(number)
            if number == MESSAGES // 3:
                begun.set()

    def _read(self) -> bool:
        def read(post: Post) -> None:
            taken = post.take(self._reader, 10).deliveries
            found = [message for each in taken if (message := decode(each.text))]
            shown = [(each.entry, message["id"]) for each, message in zip(taken, found, strict=True)]
            post.settle(self._reader, shown)
            self.heard.extend(message["text"] for message in found)

        return self._timed(read)

    def _timed(self, act: Callable[[Post], object]) -> bool:
        post, began = over(link_to(self._url, BOUND), None), time.monotonic()
        try:
            act(post)
        except StoreError:
            return False
        finally:
            post.close()
            self.longest = max(self.longest, time.monotonic() - began)
        return True
