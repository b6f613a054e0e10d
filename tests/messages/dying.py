"""A program that does one thing over a cluster, and is killed before a step of it.

`python -m tests.messages.dying URL STEPS NOW ACT`: STEPS requests are answered, before the next one it is gone. Each is
one of its own, also where several would be on their way at once.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from skillcache.messages.inbox import Letter, Post
from skillcache.messages.message import Message
from skillcache.messages.opening import over
from skillcache.stores import link_to
from skillcache.stores.connection import PATIENT

PROJECT = "example.org/widgets"


class Dying:
    """A link that is good for so many requests."""

    longest = 5.0
    is_spread = True

    def __init__(self, url: str, steps: int) -> None:
        self._link = link_to(url, PATIENT)
        self._left = steps

    def ask(self, request: Any, patience: float = 0.0) -> Any:
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1
        return self._link.ask(request, patience)

    def ask_all(self, requests: Sequence[Any]) -> list[Any]:
        return [self.ask(each) for each in requests]

    def close(self) -> None:
        self._link.close()


def letter(text: str, to: str = "b", ttl: int = 3_600) -> Letter:
    fields = {"id": text, "kind": "text", "from": "a", "to": to, "project": PROJECT, "text": text, "form": "text"}
    return Letter(Message(fields), ttl=ttl)


def fields_of(session: str) -> dict[str, str]:
    return {"type": "main", "session": session, "project": PROJECT, "user": "somebody", "host": "box"}


def refuse(post: Post) -> None:
    taken = post.take("b", 9).deliveries
    post.settle("b", (), [(each.entry, "refused") for each in taken])


ACTS: dict[str, Callable[[Post], object]] = {
    "register": lambda post: post.register("b", fields_of("b"), "main"),
    "move": lambda post: post.register("b", {**fields_of("b"), "project": "another"}, "main"),
    "send": lambda post: post.send([letter("1"), letter("2"), letter("3", to="c")]),
    "end": lambda post: post.end("b"),
    "look": lambda post: post.look("a", {}),
    "stop": lambda post: post.look("b", {}, moment="again", most=0, ends=True),
    "refuse": refuse,
}


if __name__ == "__main__":
    url, steps, now, act = sys.argv[1:]
    ACTS[act](over(Dying(url, int(steps)), None, now=float(now)))
