"""The key tells every two calls apart that may give different results."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache import key
from skillcache.key import Row

CALLED: dict[str, tuple[object, object]] = {
    "command": ("pytest -q", "pytest"),
    "directory": ("", "sub"),
    "unsandboxed": (False, True),
    "depends": (None, ("src/**",)),
}
CAPTURED: tuple[Row, ...] = (("content", "", "0f"), ("env", "CI", "unset"))


def text_of(**parts: object) -> str:
    rows = key.rows_of_bash(
        str(parts["command"]),
        str(parts["directory"]),
        unsandboxed=bool(parts["unsandboxed"]),
        depends=parts["depends"],  # type: ignore[arg-type]
    )
    return key.text_of((*rows, *CAPTURED))


def test_every_combination_of_parts_has_its_own_digest() -> None:
    combinations = [dict(zip(CALLED, values, strict=True)) for values in itertools.product(*CALLED.values())]
    assert len({key.digest_of(text_of(**parts)) for parts in combinations}) == len(combinations)


def test_no_narrowing_differs_from_a_narrowing_of_that_name() -> None:
    parts = {name: values[0] for name, values in CALLED.items()}
    assert text_of(**parts) != text_of(**{**parts, "depends": ("everything",)})


def test_the_form_is_pinned() -> None:
    text = text_of(**{name: values[0] for name, values in CALLED.items()})
    assert text == (
        '[1,["tool","","Bash"],["command","","pytest -q"],["directory","",""],["sandbox","","on"],'
        '["depends","","everything"],["content","","0f"],["env","CI","unset"]]'
    )
    assert key.digest_of(text) == "0d0c72b9c20b7e4813b5773259160399340ef08c"


ROWS = st.lists(st.tuples(st.text(), st.text(), st.text())).map(tuple)


@given(ROWS, ROWS)
def test_only_equal_rows_share_a_text(one: tuple[Row, ...], other: tuple[Row, ...]) -> None:
    assert (key.text_of(one) == key.text_of(other)) == (one == other)


@given(ROWS)
def test_rows_come_back_from_their_text(rows: tuple[Row, ...]) -> None:
    assert key.rows_of(key.text_of(rows)) == rows


@pytest.mark.parametrize("text", ["", "[]", "{}", "[2]", '[1,["a"]]', "[1,2]", "null"])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises((TypeError, ValueError)):
        key.rows_of(text)
