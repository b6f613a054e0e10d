"""`skillcache agents`: who works on this project."""

from __future__ import annotations

import os
from pathlib import Path

from tests.messages.client import Project, Session


def test_nobody_is_at_work(tmp_path: Path) -> None:
    project = Project(tmp_path)
    said = "No agent is at work on this project, or messages are not delivered here (messages.deliver).\n"
    assert project.run("agents") == said
    assert project.run("agents", "--json") == "[]\n"


def test_agents_are_shown_with_what_they_do(tmp_path: Path) -> None:
    project = Project(tmp_path)
    session = Session(project)
    session.start()
    session.hook("UserPromptSubmit", prompt="make the parser\x1b[31m faster")
    session.hook("SubagentStart", "a1")
    session.batch("a1", command="pytest -q")

    head, *rows = project.run("agents").splitlines()

    assert head.split() == ["NAME", "TYPE", "WHERE", "BRANCH", "SINCE", "ACTIVE", "DOING"]
    place = f"somebody@{os.uname().nodename}"[:28]
    assert [row.split()[:4] for row in sorted(rows)] == [
        ["reviewer-1", "reviewer", place, "main"],
        ["somebody-1", "main", place, "main"],
    ]
    assert [row[-len("Bash: pytest -q") :] for row in rows if "reviewer" in row] == ["Bash: pytest -q"]
    assert "make the parser[31m faster" in "\n".join(rows)


def test_people_and_agents_that_have_ended_are_shown_where_all_are(tmp_path: Path) -> None:
    project = Project(tmp_path)
    session = Session(project)
    session.start()
    session.hook("SubagentStart", "a1")
    project.run("send", "--to", "somebody-1", "hello")
    session.hook("SubagentStop", "a1", stop_hook_active=False)

    assert [row.split()[0] for row in project.run("agents").splitlines()[1:]] == ["somebody-1"]
    rows = {row.split()[0]: row for row in project.run("agents", "--all").splitlines()[1:]}
    assert set(rows) == {"somebody", "somebody-1", "reviewer-1"}
    assert " ended" in rows["reviewer-1"]
    assert rows["somebody"].split()[1] == "person"
