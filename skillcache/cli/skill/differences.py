"""In what two runs of one command differ, as a person would say it."""

import re
from typing import NamedTuple

_TIMES = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?)?(?:\s?(?:Z|UTC|[+-]\d\d:?\d\d))?"
    r"|\d\d?:\d\d:\d\d(?:[.,]\d+)?"
    r"|(?<![\w.])1\d{9}(?:\.\d+|\d{3}|\d{6}|\d{9})?(?!\w)"
    r"|(?<![\w.])\d+(?:\.\d+)?(?:e-\d+)?\s?(?:ns|µs|us|ms|s|secs?|seconds?)\b"
)
_PATHS = re.compile(r"(?<![\w.])/[^\s\"':,;)\]}]+")
_NUMBERS = re.compile(r"0x[0-9a-fA-F]+|\b(?=\w*\d)[0-9a-fA-F]{8,}\b|[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")
_UUIDS = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


class Difference(NamedTuple):
    """what: that differs, such as `standard output`; how: as the kind is called; line: the first, 0 where it has none.

    first, second: that line, or what there is in its place, of each run.
    """

    what: str
    how: str
    line: int = 0
    first: str = ""
    second: str = ""


def of_bytes(what: str, first: bytes, second: bytes) -> Difference | None:
    if first == second:
        return None
    try:
        one, other = first.decode("utf-8"), second.decode("utf-8")
    except UnicodeDecodeError:
        one = other = "\0"
    if "\0" in one or "\0" in other:
        return Difference(what, "in bytes that are no text", first=f"{len(first)} bytes", second=f"{len(second)} bytes")
    lines, others = one.splitlines(), other.splitlines()
    at = next(
        (at for at, (a, b) in enumerate(zip(lines, others, strict=False)) if a != b), min(len(lines), len(others))
    )
    return Difference(what, _kind(one, other), at + 1, *("".join(each[at : at + 1]) for each in (lines, others)))


def _kind(one: str, other: str) -> str:
    if sorted(one.splitlines()) == sorted(other.splitlines()):
        return "in the order of its lines"
    for kind, pattern in (
        ("in a time", _TIMES),
        ("in a path", _PATHS),
        ("in a number", _UUIDS),
        ("in a number", _NUMBERS),
    ):
        if pattern.sub("", one) == pattern.sub("", other):
            return kind
    if sorted(re.findall(r"\w+", one)) == sorted(re.findall(r"\w+", other)):
        return "in the order of its words"
    return "in its text"
