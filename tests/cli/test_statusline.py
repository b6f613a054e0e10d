"""The client's status line: what it says, beside a person's own, and put back by uninstall."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from skillcache.cli.setup.entries import Line, Started, line_of
from skillcache.cli.setup.settings_file import with_status_line, without_status_line
from skillcache.commands.replayed import JOINED, RAN, REPLAYED, news, remember
from skillcache.core.files import sweep
from skillcache.core.outcomes import ConfigError
from skillcache.core.paths import hooks_folder
from tests.cli.conftest import Person

GIVEN = json.dumps({"session_id": "one", "model": {"display_name": "a model"}, "cwd": "/"}) + "\n"  # as observed
THEIRS = """jq -r '.model.display_name + " it'"'"'s "'; : "$HOME" # (own);"""
SAID = "skillcache: 2 of 3 checks replayed, 1 min 1 s saved\n"
STARTED = Started("/a b/python3", "/p/hooks/status_line.py")


def happened(cache: Path, session: str = "one") -> None:
    remember(str(cache), session, "pytest -q", 41_000)
    remember(str(cache), session, "mypy src", 5_000, RAN)
    remember(str(cache), session, "ruff check", 20_000, JOINED)


def shown(person: Person, given: str = GIVEN, shell: str = "/bin/sh") -> str:
    """What the client, which takes a shell for it, is given by the entry in the settings."""
    line = json.loads(person.settings.read_text())["statusLine"]
    assert line["type"] == "command"
    done = subprocess.run(
        [shell, "-c", line["command"]], env=person.variables, input=given, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout


def test_it_says_what_the_session_was_spared(person: Person) -> None:
    person.skillcache("install", "--statusline")
    assert shown(person) == ""
    happened(person.cache)
    happened(person.cache, "other")
    assert shown(person) == SAID
    assert subprocess.run(
        [sys.executable, "-m", "skillcache", "statusline"],
        env=person.variables,
        input=GIVEN,
        capture_output=True,
        text=True,
        check=True,
    ).stdout == SAID  # fmt: skip
    for given in ("", "no JSON", "[]", '{"session_id": "../one"}', '{"session_id": 7}', "{}"):
        assert shown(person, given) == ""


@pytest.mark.table
@pytest.mark.parametrize(
    "theirs",
    [
        THEIRS,
        'while read -r l; do echo "$l"; done',
        "wc -c",
        "echo 'a line'",
        "printf 'one\\ntwo'",
        "cat >/dev/null; exit 3",
        "true",
    ],
)
@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_a_line_of_ones_own_stays_above_it_and_is_put_back(person: Person, theirs: str, shell: str) -> None:
    own = '{\n  "statusLine": {"padding": 2, "command": ' + json.dumps(theirs) + ', "type": "command"}\n}\n'
    person.write_settings(own.encode())
    alone = shown(person, shell=shell) if "exit" not in theirs else ""
    happened(person.cache)
    person.skillcache("install", "--statusline")
    settings = json.loads(person.settings.read_text())
    assert settings["statusLine"]["padding"] == 2
    assert shown(person, shell=shell) == (alone.rstrip("\n") + "\n" if alone.strip() else "") + SAID
    before = person.settings.read_text()
    for again in (("install", "--statusline"), ("install",)):
        person.skillcache(*again)
        assert person.settings.read_text() == before
    person.skillcache("uninstall")
    assert person.settings.read_text() == own


def test_without_us_the_persons_own_goes_on(person: Person) -> None:
    gone = Started(sys.executable, "/nowhere/hooks/status_line.py")
    own = '{"statusLine": {"type": "command", "command": "echo mine"}}'
    person.write_settings(with_status_line(own, gone, "x").encode())
    assert shown(person) == "mine\n"
    person.write_settings(with_status_line("{}", gone, "x").encode())
    assert shown(person) == ""


@pytest.mark.parametrize("theirs", ["", THEIRS, "a\nb", "x);", "'", '"', "j=$(cat)", " | { ", "-c 'x'"])
def test_our_command_is_known_and_theirs_read_out_of_it(theirs: str) -> None:
    line = Line(STARTED, theirs)
    found = line_of(line.text())
    assert found == line
    assert line_of(line.text("j=$(cat)")) == line  # as it was before
    assert line_of(line.text() + " ") is None
    assert line_of(theirs) is None


@pytest.mark.parametrize(
    "text",
    ["{}", "", '{"a": 1}', '{"statusLine":{"command":"x"},"a":1}', '{\n\t"a": [],\n\t"b": 2\n}'],
)
def test_the_rest_of_the_file_keeps_its_bytes(text: str) -> None:
    changed = with_status_line(text, STARTED, "x")
    assert with_status_line(changed, STARTED, "x") == changed
    assert json.loads(without_status_line(changed, "x")) == json.loads(text or "{}")
    moved = with_status_line(changed, Started("/new/python3", STARTED.script), "x")
    assert "/a b/" not in moved
    assert without_status_line(moved, "x") == without_status_line(changed, "x")


def test_what_it_cannot_stand_beside_is_left(person: Person) -> None:
    with pytest.raises(ConfigError, match="no command to stand beside"):
        with_status_line('{"statusLine": {"type": "other"}}', STARTED, "x")
    with pytest.raises(ConfigError, match="no command to stand beside"):
        with_status_line('{"statusLine": {"type": "command", "command": " "}}', STARTED, "x")
    half = '{"statusLine": {"command": "echo \\ud800"}}'
    assert without_status_line(with_status_line(half, STARTED, "x"), "x") == half
    with_status_line(half, STARTED, "x").encode()
    person.write_settings(b'{"statusLine": []}')
    ran = person.skillcache("install", "--statusline")
    assert ran.status != 0
    assert json.loads(person.settings.read_text())["statusLine"] == []


def test_by_hand_it_says_where_it_belongs(person: Person) -> None:
    ran = person.skillcache("statusline")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == (
        "skillcache: the session is read from standard input, as Claude Code gives it: not JSON."
        " To have the line there: skillcache install --statusline\n"
    )


def test_with_the_plugin_or_for_a_look_alone(person: Person) -> None:
    ran = person.skillcache("install", "--statusline", "--dry-run")
    assert f"{hooks_folder()}/status_line.py" in ran.out
    assert not person.settings.exists()


def test_a_turns_end_tells_what_was_spared_in_it_and_in_the_session(tmp_path: Path) -> None:
    cache = str(tmp_path)
    assert news(cache, "one") == ""
    remember(cache, "one", "mypy src", 5_000, RAN)
    assert news(cache, "one") == ""
    remember(cache, "one", "pytest -q", 41_000)
    assert news(cache, "one") == (
        "skillcache: pytest -q replayed, 41.0 s saved (this session: 1 of 2 checks replayed, 41.0 s saved)"
    )
    assert news(cache, "one") == ""
    for path in (tmp_path / "replayed").iterdir():
        os.utime(path, (1, 1))  # for a day nothing was spared
    remember(cache, "one", "mypy src", 5_000, RAN)
    sweep(f"{cache}/replayed", time.time())
    assert news(cache, "one") == ""
    remember(cache, "one", "ruff check", 20_000, JOINED)
    remember(cache, "one", "pytest -q", 41_000, REPLAYED)
    assert news(cache, "one") == (
        "skillcache: pytest -q replayed, ruff check taken from a run that was under way, 1 min 1 s saved"
        " (this session: 3 of 5 checks replayed, 1 min 42 s saved)"
    )
    remember(cache, "two", "pytest -q", 2_500)
    assert news(cache, "two") == "skillcache: pytest -q replayed, 2.5 s saved"
