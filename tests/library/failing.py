"""Processes that ask for one value which leaves nothing: `failing.py URL COUNT FILE none|raise`.

Each run adds a byte to FILE; the first ends once all others wait for it. Prints what each got, as a JSON list.
"""

import json
import os
import sys
from typing import Any

from skillcache import SkillCache
from skillcache.library import source
from skillcache.library.runs import Wait


def main(url: str, count: int, log: str, how: str) -> None:
    source.SECONDS = 20.0  # as in the crowd
    waiters, wait = os.pipe()
    results, answer = os.pipe()
    children = []
    for _ in range(count):
        child = os.fork()
        if child == 0:
            _notice(wait)
            got = _ask(url, lambda: _run(log, waiters, count - 1, how))
            os.write(answer, f"{json.dumps(got)}\n".encode())
            os._exit(0)
        children.append(child)
    os.close(answer)
    text = b""
    while piece := os.read(results, 65536):
        text += piece
    for child in children:
        os.waitpid(child, 0)
    sys.stdout.write(json.dumps([json.loads(line) for line in text.splitlines()]))


def _ask(url: str, run: Any) -> object:
    try:
        return SkillCache(url).fetch("report", {"q": 1}, run)
    except LookupError as fault:
        return str(fault)


def _run(log: str, waiters: int, others: int, how: str) -> None:
    handle = os.open(log, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, b".")
    is_first = os.fstat(handle).st_size == 1
    os.close(handle)
    while is_first and others:
        others -= len(os.read(waiters, others))
    if how == "raise":
        raise LookupError("nothing")


def _notice(wait: int) -> None:
    """Say once that this process waits."""
    take = source.Source.take
    said: list[int] = []

    def taking(self: source.Source, step: Any) -> Any:
        if isinstance(step, Wait) and not said:
            said.append(1)
            os.write(wait, b"w")
        return take(self, step)

    source.Source.take = taking  # type: ignore[method-assign]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4])
