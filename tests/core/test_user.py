"""The person has a name wherever we run, and the same one in hooks and on the command line."""

from __future__ import annotations

import os
import pwd

import pytest

from skillcache.core.processes import user_name


def test_the_environment_names_the_person() -> None:
    assert user_name({"USER": "one", "LOGNAME": "two"}) == "one"
    assert user_name({"USER": "", "LOGNAME": "two"}) == "two"


def test_without_the_environment_the_account_does() -> None:
    assert user_name({}) == pwd.getpwuid(os.getuid()).pw_name


def test_a_number_without_an_account_is_said_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_001)
    assert user_name({}) == "uid-4000000001"
