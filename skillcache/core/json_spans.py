"""JSON with the place of every value in its text, so that a file can be edited without being written anew.

A node's `start` and `end` are character offsets. `parse` is strict: what it accepts, every JSON reader accepts.
"""

import json
from bisect import bisect_right
from dataclasses import dataclass, field

from skillcache.core.outcomes import SkillcacheError

_DECODER = json.JSONDecoder(strict=True)
_SPACE = " \t\n\r"
_DEPTH = 200


class BadJson(SkillcacheError):
    """The text is not one JSON value; `line` and `column` count from 1."""

    def __init__(self, text: str, at: int, message: str) -> None:
        starts = [0, *[place + 1 for place, char in enumerate(text) if char == "\n"]]
        self.line = bisect_right(starts, at)
        self.column = at - starts[self.line - 1] + 1
        super().__init__(f"line {self.line}, column {self.column}: {message}")


@dataclass
class Node:
    """A value. `members` of an object, with where each key begins; `items` of an array; else both are empty."""

    start: int
    end: int
    value: object
    members: "dict[str, tuple[int, Node]]" = field(default_factory=dict)
    items: "list[Node]" = field(default_factory=list)

    def extents(self) -> list[tuple[int, int]]:
        """Where each member (from its key on) or item begins and ends."""
        if isinstance(self.value, dict):
            return [(start, node.end) for start, node in self.members.values()]
        return [(node.start, node.end) for node in self.items]


def parse(text: str) -> Node:
    """Raises BadJson."""
    node = _value(text, _skip(text, 0), 0)
    rest = _skip(text, node.end)
    if rest < len(text):
        raise _fault(text, rest, "more text after the end of the value")
    return node


def _value(text: str, at: int, depth: int) -> Node:
    if depth > _DEPTH:
        raise BadJson(text, at, "nested too deeply")
    char = text[at : at + 1]
    if char == "{":
        return _object(text, at, depth)
    if char == "[":
        return _array(text, at, depth)
    try:
        value, end = _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as fault:
        raise _fault(text, fault.pos, "a value is missing or broken") from None
    except ValueError:
        raise BadJson(text, at, "a number too long to read") from None
    if isinstance(value, float) and text[at:end].lstrip("-") in {"NaN", "Infinity"}:
        raise BadJson(text, at, f"{text[at:end]} is not JSON")
    return Node(at, end, value)


def _object(text: str, at: int, depth: int) -> Node:
    members: dict[str, tuple[int, Node]] = {}
    place = _skip(text, at + 1)
    closed = text[place : place + 1] == "}"
    while not closed:
        if text[place : place + 1] != '"':
            raise _fault(text, place, "a name in double quotes is expected")
        key = _value(text, place, depth)
        name = str(key.value)
        if name in members:
            raise BadJson(text, place, f'"{name}" is given twice')
        colon = _skip(text, key.end)
        if text[colon : colon + 1] != ":":
            raise _fault(text, colon, "a colon is expected")
        node = _value(text, _skip(text, colon + 1), depth + 1)
        members[name] = (place, node)
        place, closed = _next(text, node.end, "}")
    return Node(at, place + 1, {name: node.value for name, (_, node) in members.items()}, members=members)


def _array(text: str, at: int, depth: int) -> Node:
    items: list[Node] = []
    place = _skip(text, at + 1)
    closed = text[place : place + 1] == "]"
    while not closed:
        items.append(_value(text, place, depth + 1))
        place, closed = _next(text, items[-1].end, "]")
    return Node(at, place + 1, [item.value for item in items], items=items)


def _next(text: str, at: int, closer: str) -> tuple[int, bool]:
    """Where the next element begins, or where the closer is."""
    place = _skip(text, at)
    char = text[place : place + 1]
    if char == closer:
        return place, True
    if char != ",":
        raise _fault(text, place, f"a comma or {closer} is expected")
    after = _skip(text, place + 1)
    if text[after : after + 1] == closer:
        raise BadJson(text, place, f"a comma before {closer} is not JSON")
    return after, False


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _fault(text: str, at: int, message: str) -> BadJson:
    if at >= len(text):
        return BadJson(text, len(text), "the text ends too early")
    if text.startswith(("//", "/*", "#"), at):
        return BadJson(text, at, "comments are not JSON")
    if text[at] == "\ufeff":
        return BadJson(text, at, "a byte order mark is not JSON")
    return BadJson(text, at, message)
