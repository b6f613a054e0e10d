"""An exception that several raise: each its own, with all that it says."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from skillcache import SkillCache
from skillcache.library.records import own_copy
from tests.library.steps import Waiters


class Coded(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code


class Slotted(Exception):
    __slots__ = ("where",)

    def __init__(self, where: str) -> None:
        super().__init__()
        self.where = where


class Counting(Exception):
    made = 0

    def __init__(self) -> None:
        Counting.made += 1


class Single(Exception):
    def __new__(cls, *_: object) -> Any:
        return ONLY[0] if ONLY else super().__new__(cls)


ONLY: list[Exception] = []
ONLY.append(Single())


def failing(call: Any) -> Exception:
    with pytest.raises((ValueError, ImportError, SyntaxError)) as caught:
        call()
    return caught.value


ERRORS = [
    ValueError("x", 1),
    KeyError("k"),
    FileNotFoundError(2, "No such file", "/a/b"),
    failing(b"\xff".decode),
    failing(lambda: __import__("no_such_module")),
    failing(lambda: compile("a b", "<text>", "exec")),
    Coded(1, "text"),
    Slotted("here"),
    Counting(),
    ExceptionGroup("several", [ValueError("one")]),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_copy_says_the_same(error: Exception) -> None:
    error.add_note("of the run")
    copy: Any = own_copy(error)
    assert copy is not error
    assert type(copy) is type(error)
    assert (copy.args, str(copy), repr(copy)) == (error.args, str(error), repr(error))
    assert copy.__cause__ is error
    for name in ("errno", "filename", "start", "object", "name", "lineno", "text", "code", "where", "exceptions"):
        assert getattr(copy, name, None) == getattr(error, name, None)
    copy.add_note("mine")
    assert error.__notes__ == ["of the run"]
    assert copy.__notes__ == ["of the run", "mine"]
    assert Counting.made == 1


def test_what_cannot_be_copied_is_the_same() -> None:
    assert own_copy(ONLY[0]) is ONLY[0]


def test_each_who_waits_raises_its_own(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    waiters = Waiters(monkeypatch)
    raised: list[BaseException] = []
    with SkillCache(url) as cache:

        def fail() -> None:
            waiters.await_(3)
            raise KeyError("k")

        def ask(number: int) -> None:
            try:
                cache.fetch("report", 1, fail)
            except KeyError as fault:
                fault.add_note(str(number))
                raised.append(fault)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    assert len({id(each) for each in raised}) == 4
    assert sorted(each.__notes__ for each in raised) == [["0"], ["1"], ["2"], ["3"]]
    assert sum(isinstance(each.__cause__, KeyError) for each in raised) == 3
