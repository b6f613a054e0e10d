"""What the hook of messages imports: nothing dear, and for an empty inbox next to nothing of messages."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.messages.client import HOOK, Project, Session
from tests.test_borders import COLD, FORBIDDEN, OPTIONS, is_in

SECRETS = "core.credentials.find"


@pytest.mark.parametrize("store", ["embedded", "redis"])
def test_the_hook_imports_nothing_dear(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("redis_server").url if store == "redis" else ""
    project = Project(tmp_path, url)
    session = Session(project)
    session.start()

    empty = imported(session, "PostToolBatch")
    project.run("send", "--to", "somebody-1", "hello")
    full = imported(session, "PostToolBatch")

    assert "skillcache.messages.inbox" in empty
    assert not any(name.startswith("skillcache.messages.arrival") for name in empty)
    assert "skillcache.messages.arrival" in full
    for each in (empty, full, imported(session, "SubagentStart", "a1"), imported(session, "SessionEnd")):
        assert each & FORBIDDEN == set()
        assert [
            name for name in each if is_in(name.removeprefix("skillcache."), (*COLD, "core.credentials.find"))
        ] == []


def imported(session: Session, name: str, agent: str = "") -> set[str]:
    done = subprocess.run(
        [*HOOK[:3], *OPTIONS, *HOOK[3:]],
        input=session.event(name, agent, reason="other", tool_calls=[]),
        env=session.project.environ,
        capture_output=True,
        check=True,
    )
    if done.stdout:
        assert json.loads(done.stdout)
    lines = os.fsdecode(done.stderr).splitlines()
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
