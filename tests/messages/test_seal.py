"""Who may write to whom, by the setting `messages.from`."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from skillcache.messages import message as seal
from skillcache.messages.message import FIELDS, Message
from tests.messages.conftest import KEY, message

OTHER = bytes(32)


def may(given: Message, reader: str = "b", *, key: bytes = KEY, writers: str = "user", team: str = "") -> bool:
    return seal.may_reach(given, writers, team, own=seal.is_own(given, reader, key))


def test_the_same_person_on_the_same_machine_may_write() -> None:
    assert may(message())


def test_nobody_else_may() -> None:
    assert not may(message(), key=OTHER)
    assert not may(message(seal=""))


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "seal"])
def test_a_sealed_message_cannot_be_changed(name: str) -> None:
    changed = message(reply_to="1", team="widgets")
    changed.fields[name] += "x"
    assert not may(changed)


def test_parts_do_not_run_into_each_other() -> None:
    assert message("ab", **{"from": "c"})["seal"] != message("a", **{"from": "bc"})["seal"]


def test_a_message_to_one_agent_cannot_be_given_to_another() -> None:
    assert not may(message(to="b"), "c")


def test_what_comes_back_is_one_s_own() -> None:
    sent = message()
    back = Message(sent.fields, sent.times, "ended")
    assert may(back, "a")
    assert not may(back, "b")
    assert not may(back, "a", key=OTHER)
    assert not may(back, "a", key=OTHER, writers="anyone")
    assert not may(Message({**sent.fields, "text": "never said"}, sent.times, "ended"), "a", writers="anyone")


def test_a_team_and_anyone_may_write_where_the_setting_says_so() -> None:
    assert may(message(team="widgets"), key=OTHER, writers="team", team="widgets")
    assert not may(message(team="others"), key=OTHER, writers="team", team="widgets")
    assert not may(message(team=""), key=OTHER, writers="team", team="")
    assert may(message(), key=OTHER, writers="anyone")


def test_a_notice_is_of_this_machine_or_of_nobody() -> None:
    assert may(message(kind="notice"))
    assert not may(message(kind="notice"), key=OTHER, writers="anyone")


def test_one_key_is_made_however_many_ask_first(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: _key_of_a_process(tmp_path), range(16)))
    assert len(keys) == 1
    assert (tmp_path / "seal.key").stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["seal.key"]


def _key_of_a_process(folder: Path) -> bytes:
    import subprocess
    import sys

    code = f"import sys; sys.path.insert(0, {os.getcwd()!r}); from skillcache.messages import message as seal;"
    code += f" sys.stdout.buffer.write(seal.key_of({str(folder)!r}))"
    found = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, check=True).stdout
    assert len(found) == 32
    return found


def test_a_key_that_was_cut_short_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "seal.key").write_bytes(b"short")
    key = seal.key_of(str(tmp_path))
    assert len(key) == 32
    assert seal.key_of(str(tmp_path)) == key
