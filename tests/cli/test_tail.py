"""`skillcache tail`: what happens in a project, as it happens."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from skillcache.core import outcomes
from skillcache.core.outcomes import NO_RULE, REPLAYED, STORED
from skillcache.core.paths import hooks_folder
from tests.messages.client import Project, Session


@pytest.fixture(params=["embedded", "redis"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    return Project(tmp_path, request.getfixturevalue("redis_server").url if request.param == "redis" else "")


def record(session: Session, name: str, **fields: Any) -> None:
    script = f"{hooks_folder()}/record.py"
    data = session.event(name, **fields)
    subprocess.run([sys.executable, "-I", "-S", script], input=data, env=session.project.environ, check=True)


def bash(session: Session, command: str) -> None:
    record(session, "UserPromptSubmit", prompt="check it")
    given = {"tool_name": "Bash", "tool_input": {"command": command}, "tool_response": {"stdout": "ok"}}
    record(session, "PostToolUse", **given)


def test_nothing_has_happened(project: Project) -> None:
    assert project.run("tail", "--once") == "Nothing has happened in this project yet.\n"


def test_runs_edits_hits_and_messages_are_told_in_order(project: Project) -> None:
    session = Session(project)
    session.start()
    bash(session, "pytest -q")
    edited = {"file_path": f"{project.root}/parser.py"}
    record(session, "PostToolUse", tool_name="Edit", tool_input=edited, tool_response={})
    project.run("send", "--to", "somebody-1", "done\nyet?")
    session.hook("SessionEnd", reason="other")
    outcomes.record(str(project.cache), time.time() + 2, REPLAYED, "Bash(pytest:*)", run=12_300)
    outcomes.record(str(project.cache), time.time() + 2, NO_RULE)

    lines = [line.split("  ", 1)[1] for line in project.run("tail", "--once").splitlines()]

    own = session.id[:8]
    assert lines == [
        f"{own}  asked: check it",
        f"{own}  passed: pytest -q",
        f"{own}  edited parser.py",
        "message   somebody to somebody-1: done yet?",
        "message   came back to somebody, ended: somebody to somebody-1: done yet?",
        "cache     served from the cache (Bash(pytest:*)), 12.3 s saved",
    ]


def test_what_happens_within_a_second_is_told_in_its_order(project: Project) -> None:
    now = int(time.time()) + 2
    for at, outcome, rule in (
        (0.2, STORED, "z"),
        (0.2, REPLAYED, "m"),  # in the same moment, after it
        (0.2, STORED, "a"),
        (0.7, REPLAYED, "z"),
        (0.65, STORED, "b"),  # by another process, whose line was written later
    ):
        outcomes.record(str(project.cache), now + at, outcome, rule)
    with open(project.cache / "outcomes.log", "ab") as log:
        log.write(b"%d\t%d\told\t0\t0\n" % (now, REPLAYED.id))  # as it was written before there were milliseconds
    told = [line.rpartition("(")[2] for line in project.run("tail", "--once").splitlines()]
    assert told == ["old)", "z)", "m)", "a)", "b)", "z)"]


def test_it_follows_what_happens(project: Project) -> None:
    session = Session(project)
    session.start()
    following = subprocess.Popen(
        [sys.executable, "-m", "skillcache", "tail"],
        cwd=project.root,
        env={**project.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert following.stdout is not None
    for number in range(3):
        project.run("send", "--to", "somebody-1", str(number))
        assert following.stdout.readline().endswith(f"  message   somebody to somebody-1: {number}\n")
    following.send_signal(signal.SIGINT)
    _, said = following.communicate(timeout=20)
    assert (following.returncode, said.strip()) == (130, "Stopped.")
    assert len(json.loads(project.run("agents", "--json"))) == 1
