"""The parts of a line as permission rules see them."""

import pytest

from skillcache.shell.split import parts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b", ("a b",)),
        ("a && b || c; d | e\nf", ("a", "b", "c", "d", "e", "f")),
        ("X=1 a 2>&1 | b", ("X=1 a 2>&1", "b")),
        ("(a; b) | { c; }", ("a", "b", "c")),
        ("time a", ("a",)),
        ("a 'x; y' \"p && q\"", ("a 'x; y' \"p && q\"",)),
        ("a # b; c", ("a",)),
        ("a > out.txt; b", ("a > out.txt", "b")),
    ],
)
def test_a_line_is_split_at_its_operators(text: str, expected: tuple[str, ...]) -> None:
    assert parts(text) == expected


@pytest.mark.parametrize(
    "text", ["a $(b)", "a `b`", "if a; then b; fi", "for x in y; do z; done", "a <<E\nb\nE", "a &", "a '"]
)
def test_what_is_not_surely_split_is_none(text: str) -> None:
    assert parts(text) is None
