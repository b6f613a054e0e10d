"""The key tells every two calls apart that may give different results."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.stores import entry
from skillcache.stores.entry import Row


def test_the_form_is_pinned() -> None:
    text = entry.text_of((("tool", "", "Bash"), ("command", "", '["pytest", "-q"]'), ("env", "CI", "unset")))
    assert text == '[1,["tool","","Bash"],["command","","[\\"pytest\\", \\"-q\\"]"],["env","CI","unset"]]'
    assert entry.digest_of(text) == "e2d485aa92b2308f2feeacdf26c0abba6a52ae62"


def test_no_narrowing_differs_from_a_narrowing_of_that_name() -> None:
    assert entry.narrowing_of(None) != entry.narrowing_of(("everything",))


ROWS = st.lists(st.tuples(st.text(), st.text(), st.text())).map(tuple)


@given(ROWS, ROWS)
def test_only_equal_rows_share_a_text(one: tuple[Row, ...], other: tuple[Row, ...]) -> None:
    assert (entry.text_of(one) == entry.text_of(other)) == (one == other)


@given(ROWS)
def test_rows_come_back_from_their_text(rows: tuple[Row, ...]) -> None:
    assert entry.rows_of(entry.text_of(rows)) == rows


@pytest.mark.parametrize("text", ["", "[]", "{}", "[2]", '[1,["a"]]', "[1,2]", "null"])
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises((TypeError, ValueError)):
        entry.rows_of(text)
