"""No credential is stored, and no credential is missed for the sake of speed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.core.credentials import find, keep_in_mind
from skillcache.sessions.text import cut, may_hold_secret, stored
from tests.core.test_credentials import TRUE, surrounded


def test_a_credential_never_gets_past_the_quick_look() -> None:
    for kind, text in TRUE:
        for shown in surrounded(kind, text):
            assert may_hold_secret(shown), kind
            assert find.find(stored(shown, 10_000)) is None


@given(st.text(max_size=300))
def test_what_the_quick_look_passes_is_clean(text: str) -> None:
    if not may_hold_secret(text):
        assert find.find(text) is None


def test_a_key_of_ours_is_one_whatever_it_looks_like() -> None:
    keep_in_mind(("correct horse, battery", "0123"))
    try:
        text = "say: correct horse, battery; or 0123 and 0123."
        assert may_hold_secret(text)
        assert stored(text, 100) == "say: [redacted:team key]; or [redacted:team key] and [redacted:team key]."
    finally:
        keep_in_mind(())


@pytest.mark.parametrize("text", ["fix the failing test in parser.py", "pytest -q tests/sessions", "ls -la | head -3"])
def test_an_everyday_text_needs_no_second_look(text: str) -> None:
    assert not may_hold_secret(text)
    assert stored(text, 100) == text


def test_a_text_is_cut_after_it_was_redacted() -> None:
    secret = "ghp_" + "a1B2c3D4e5F6" * 3
    assert stored("x" * 90 + " " + secret, 100).startswith("x" * 90 + " [redact")
    assert secret[:12] not in stored("x" * 90 + " " + secret, 100)


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_what_is_stored_is_short_and_can_be_encoded(text: str, limit: int) -> None:
    kept = stored(text + "\ud83c", limit)
    assert len(kept) <= limit
    kept.encode("utf-8")


def test_what_is_no_text_is_nothing() -> None:
    values: list[object] = [None, 7, ["x"], {}]
    assert [stored(value, 10) for value in values] == [""] * 4
    assert cut("abcdef", 4) == "abc…"


def test_a_prompt_of_a_megabyte_is_read_no_further_than_its_beginning() -> None:
    assert stored("word " * 250_000, 2_000).startswith("word word")
