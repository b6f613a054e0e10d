"""Doctor where all calls come to nothing: what they were counted as, and git that refuses a folder."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from skillcache.cli.checks import MEND, OK, Finding, Place
from skillcache.cli.checks.folder import MENDS, check_calls
from skillcache.cli.checks.installation import check_git
from skillcache.core import outcomes
from skillcache.core.outcomes import (
    ALL,
    BYPASS,
    ERROR,
    NO_ENTRY,
    NO_GIT,
    NO_RULE,
    REPLAYED,
    SPOOL_FULL,
    SPOOLED,
    STORE_REFUSED,
    STORED,
    Outcome,
)
from tests.cli.conftest import Person

NOW = 1_700_000_000.0
# Of the call itself, or of what a person has chosen; and what is counted beside another outcome.
OF_THE_CALL = """no_rule too_fast
command_writes command_fresh outside deny_rule ask_rule serving_off unknown_server isolated unknown_option sandboxed
streams spooled spool_full live"""
# Of a value in the store, which doctor tells of by itself.
OF_SIGNATURES = "unsigned missigned unknown_key untrusted outlived"


def found(person: Person, *met: Outcome, ago: int = 60) -> list[Finding]:
    for outcome in met:
        outcomes.record(str(person.cache), NOW - ago, outcome)
    return check_calls(Place(person.variables, str(person.home), NOW))


def test_calls_that_all_ended_with_one_fault_are_named_with_its_mend(person: Person) -> None:
    assert found(person, NO_GIT, NO_RULE, NO_GIT, NO_RULE) == []

    text = (
        "nothing was stored or replayed lately: 3 calls ended with no_git (git is missing or did not answer as"
        " expected), the last 1 min 0 s ago"
    )
    ((level, subject, said, mend),) = found(person, NO_GIT)
    assert (level, subject, said) == (MEND, "calls", text)
    assert mend.endswith("git config --global --add safe.directory FOLDER")
    assert found(person, STORED) == []


def test_lookups_that_miss_prove_nothing_of_the_store(person: Person) -> None:
    (finding,) = found(person, *[NO_ENTRY, STORE_REFUSED] * 3)
    assert "3 calls ended with store_refused" in finding.text
    assert found(person, REPLAYED) == []


def test_yesterdays_calls_say_nothing(person: Person) -> None:
    assert found(person, *[NO_GIT] * 5, ago=90_000) == []


def test_every_fault_that_is_not_of_the_call_has_a_mend() -> None:
    standing = {outcome.name for outcome in ALL if outcome.kind in (BYPASS, ERROR)}
    assert {outcome.name for outcome in MENDS} == standing - set(OF_THE_CALL.split()) - set(OF_SIGNATURES.split())
    assert {SPOOLED, SPOOL_FULL}.isdisjoint(MENDS)


def ask_git(person: Person, folder: Path) -> Finding:
    (finding,) = check_git(Place(person.variables, str(folder), NOW))
    return finding


@pytest.fixture
def repository(person: Person) -> Path:
    folder = person.home / "a project"
    subprocess.run(["git", "init", "--quiet", folder], env=person.variables, check=True)
    return folder


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a folder away")
def test_a_folder_of_another_user_is_named_and_the_command_mends_it(person: Person, repository: Path) -> None:
    os.chown(repository, 12345, 12345)

    finding = ask_git(person, repository / ".git" / "..")

    assert finding.text.startswith(f"git refuses {repository}, which belongs to another user: ")
    assert finding.mend == f"git config --global --add safe.directory '{repository}'"
    subprocess.run(finding.mend, shell=True, env=person.variables, check=True)  # noqa: S602 - as a person would
    assert ask_git(person, repository).level == OK


def test_a_git_that_does_not_answer_is_found(person: Person, repository: Path) -> None:
    assert ask_git(person, repository).level == OK
    (repository / ".git" / "HEAD").write_text("nothing of git's")
    finding = ask_git(person, repository)
    assert finding.text.startswith(f"git does not answer in {repository}, ")
    assert finding.mend == f"see what it says: git -C '{repository}' status"


def test_on_a_terminal_it_says_what_it_looks_at_and_leaves_the_findings_alone(person: Person) -> None:
    shown, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "skillcache", "doctor"], cwd=person.home, env=person.variables, stdout=terminal
    ) as doctor:
        os.close(terminal)
        said = b""
        try:
            while piece := os.read(shown, 65536):
                said += piece
        except OSError:  # Linux says so that the other end is closed
            pass
        os.close(shown)
    lines = said.decode().replace("\r\n", "\n").split("\n")
    left = [re.sub(r"^.*\r\x1b\[K", "", line) for line in lines]
    assert doctor.returncode == 1
    assert "\r\x1b[K...   store" in said.decode()
    assert left[0].startswith("mend  settings: no hooks in ")
    assert left[-2:] == ["1 finding to mend.", ""]
    assert not any("..." in line or "\x1b" in line for line in left)
