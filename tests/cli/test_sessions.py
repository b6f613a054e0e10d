"""`skillcache sessions` and `skillcache note`, over the record of a scripted session."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from skillcache.core import outcomes
from skillcache.core.paths import hooks_folder
from tests.cli.conftest import Person
from tests.sessions.test_repository import git

FIRST, SECOND = "aaaa1111-0000", "aaaa2222-0000"

NOTHING = "A session that starts so would be told nothing here.\n"


class Worker:
    """A person in a project, whose client starts hooks."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.project = person.home / "project"
        self.project.mkdir()
        git(self.project, "init", "--quiet")
        git(self.project, "commit", "--quiet", "--allow-empty", "-m", "first")
        (self.project / "parser.py").touch()
        person.variables |= {"USER": "somebody", "TZ": "UTC"}

    def hook(self, session: str, name: str, **fields: Any) -> str:
        told = {"session_id": session, "cwd": str(self.project), "hook_event_name": name, **fields}
        script = "session_start" if name == "SessionStart" else "record"
        done = subprocess.run(
            [
                "/bin/sh",
                "-c",
                'CLAUDE_PID=$$ "$@"; exit $?',
                "sh",
                sys.executable,
                "-I",
                "-S",
                f"{hooks_folder()}/{script}.py",
            ],
            input=json.dumps(told),
            env={**self.person.variables, "CLAUDE_PROJECT_DIR": str(self.project)},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout

    def work(self, session: str, prompt: str) -> None:
        self.hook(session, "SessionStart", source="startup")
        self.hook(session, "UserPromptSubmit", prompt=prompt)
        given = {"file_path": str(self.project / "parser.py")}
        self.hook(session, "PostToolUse", tool_name="Edit", tool_input=given, tool_response={})
        failed = {"command": "pytest -q"}
        error = "Exit code 1\nF\n1 failed"
        self.hook(session, "PostToolUseFailure", tool_name="Bash", tool_input=failed, error=error, duration_ms=2500)
        self.hook(session, "Stop", last_assistant_message="half done")
        self.hook(session, "SessionEnd", reason="prompt_input_exit")

    def run(self, *words: str, answer: str = "") -> str:
        ran = self.person.skillcache(*words, folder=self.project, answer=answer)
        assert (ran.status, ran.err.replace(NOTHING, "")) == (0, ""), ran
        return ran.out

    def fail(self, *words: str) -> str:
        ran = self.person.skillcache(*words, folder=self.project)
        assert (ran.status, ran.out) == (1, "")
        return ran.err


@pytest.fixture
def worker(person: Person) -> Worker:
    return Worker(person)


@pytest.fixture
def worked(worker: Worker) -> Worker:
    worker.work(FIRST, "make the parser faster")
    worker.work(SECOND, "now the lexer\x1b[31m")
    return worker


def test_a_project_without_sessions_says_so(worker: Worker) -> None:
    assert worker.run("sessions", "list").startswith("No session of this project is on record.")
    assert json.loads(worker.run("sessions", "list", "--json")) == []
    assert "this project has no sessions" in worker.fail("sessions", "show")
    assert worker.run("sessions", "brief") == ""
    assert worker.person.skillcache("sessions", "brief", folder=worker.project).err == NOTHING
    assert worker.run("sessions", "export") == ""


def test_the_list_has_a_line_for_each_session(worked: Worker) -> None:
    second, first = worked.run("sessions", "list").splitlines()
    assert re.fullmatch(r"aaaa1111  ended    +(just now|\d+ s ago)  main +make the parser faster", first)
    assert second.endswith("now the lexer[31m")
    found = json.loads(worked.run("sessions", "list", "--json"))
    assert [session["id"] for session in found] == [SECOND, FIRST]
    assert found[1]["state"]["prompt"] == "make the parser faster"


def test_a_story_is_told_with_times(worked: Worker) -> None:
    story = worked.run("sessions", "show", "aaaa1")
    timed = [line.strip() for line in story.splitlines() if re.match(r"  \d\d:", line)]
    steps = [re.sub(r"\d\d:\d\d:\d\d", "TIME", line) for line in timed]
    assert steps == [
        "TIME  began (startup)",
        "TIME  asked: make the parser faster",
        "TIME  edited parser.py",
        "TIME  failed (1) in 2.5 s: pytest -q | 1 failed",
        "TIME  replied: half done",
        "TIME  ended (prompt_input_exit)",
    ]
    assert "ended (prompt_input_exit); by somebody@" in story
    assert "  parser.py (1 edit)" in story
    whole = json.loads(worked.run("sessions", "show", "aaaa1", "--json"))
    assert whole["files"] == {"parser.py": 1}
    assert [entry["kind"] for entry in whole["log"]] == ["start", "prompt", "edit", "command", "reply", "end"]


def test_a_story_tells_what_was_replayed_in_both_lanes(worked: Worker) -> None:
    for session, outcome, command, run in (
        (FIRST, outcomes.REPLAYED, "pytest -q", 61_000),
        (FIRST, outcomes.REPLAYED, "pytest -q", 61_000),
        (FIRST, outcomes.WAITED, "ruff check", 1_000),
        (FIRST, outcomes.NO_ENTRY, "mypy", 0),
        (FIRST, outcomes.STORED, "mypy", 2_500),
        (FIRST, outcomes.TOO_FAST, "true", 0),  # nothing was looked up
        (FIRST, outcomes.REPLAYED, "mypy src", 9_000),
        (FIRST, outcomes.UNDONE, "mypy src", 9_000),  # it ran after all
        (FIRST, outcomes.REPLAYED, "WebFetch", 1_500),
        (FIRST, outcomes.EXPIRED, "mcp__docs__read", 0),
        (SECOND, outcomes.NO_ENTRY, "mypy", 0),
        ("another", outcomes.REPLAYED, "pytest -q", 61_000),
    ):
        call = (str(worked.project), session, command)
        outcomes.record(str(worked.person.cache), 1_700_000_000, outcome, "a rule", run=run, call=call)
    told = [line for line in worked.run("sessions", "show", FIRST).splitlines() if "replayed" in line]
    assert told == [
        "  replayed 3 of 5 commands, 2 min 3 s saved: pytest -q (2 times), ruff check",
        "  replayed 1 of 2 other calls, 1.5 s saved: WebFetch",
    ]
    assert json.loads(worked.run("sessions", "show", FIRST, "--json"))["replays"][0] == {
        "of": "commands",
        "lookups": 5,
        "replayed": 3,
        "saved_ms": 123_000,
        "each": {"pytest -q": 2, "ruff check": 1},
    }
    assert "  replayed 0 of 1 commands\n" in worked.run("sessions", "show", SECOND)


def test_the_last_session_is_shown_by_default_and_no_escape_reaches_the_terminal(worked: Worker) -> None:
    story = worked.run("sessions", "show")
    assert "aaaa2222" in story
    assert "\x1b" not in story


def test_a_name_must_be_of_one_session(worked: Worker) -> None:
    assert worked.fail("sessions", "show", "aaaa") == (
        f"skillcache: 2 sessions begin with aaaa: {SECOND}, {FIRST}. Name one by more of its id; all:"
        " skillcache sessions list --all\n"
    )
    assert "no session of this project begins with b" in worked.fail("sessions", "show", "b")


def test_brief_prints_exactly_what_a_start_is_told(worked: Worker) -> None:
    for source in ("startup", "clear"):
        printed = worked.run("sessions", "brief", "--source", source)
        told = json.loads(worked.hook("new", "SessionStart", source=source))["hookSpecificOutput"]["additionalContext"]
        ages = r"\d+ s ago|just now"
        assert re.sub(ages, "AGO", printed) == re.sub(ages, "AGO", told) + "\n"
    said = json.loads(worked.run("sessions", "brief", "--source", "compact", "--session", "aaaa1", "--json"))
    assert "What this session has on record" in said["context"]
    assert said["message"].startswith("skillcache: ")
    assert "now the lexer" in worked.run("sessions", "brief", "--source", "resume", "--session", "aaaa1")
    assert worked.run("sessions", "brief", "--source", "resume", "--session", "aaaa2") == ""
    assert "aaaa2222" in worked.run("sessions", "brief", "--source", "fork", "--session", "aaaa1")


def test_what_was_exported_can_be_imported_elsewhere(worked: Worker, tmp_path: Path) -> None:
    exported = worked.run("sessions", "export")
    story = worked.run("sessions", "show", "aaaa1", "--json")
    assert len(exported.splitlines()) == 2
    worked.person.variables["SKILLCACHE_HOME"] = str(tmp_path / "elsewhere")
    assert worked.run("sessions", "import", answer=exported) == "2 sessions taken.\n"
    assert worked.run("sessions", "show", "aaaa1", "--json") == story
    assert worked.run("sessions", "export") == exported
    (tmp_path / "file").write_text(exported)
    assert worked.run("sessions", "import", str(tmp_path / "file")) == "2 sessions taken.\n"


def test_an_import_leaves_what_is_newer_here(worked: Worker) -> None:
    exported = worked.run("sessions", "export", "aaaa1")
    worked.hook(FIRST, "UserPromptSubmit", prompt="newer")
    assert worked.run("sessions", "import", answer=exported) == "0 sessions taken, 1 newer here kept.\n"
    assert "newer" in worked.run("sessions", "show", "aaaa1")


WHOLE: dict[str, Any] = {
    "version": 1,
    "project": "p",
    "id": "s",
    "state": {},
    "log": [],
    "files": [],
    "tasks": {},
}
NONE = "is not a session that export printed: "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", NONE + "Input should be a valid dictionary or instance of Exported"),
        ('{"version": 1}', NONE + "project: Field required"),
        ('{"version": 2}', "form 2 is not known to this version"),
        (json.dumps({**WHOLE, "id": 7}), NONE + "id: Input should be a valid string"),
        (json.dumps({**WHOLE, "state": []}), NONE + "state: Input should be a valid dictionary"),
        (json.dumps({**WHOLE, "state": {"branch": 7}}), NONE + "state.branch: Input should be a valid string"),
        (json.dumps({**WHOLE, "log": ["", "x"]}), NONE + "log.0: String should have at least 1 character"),
        (json.dumps({**WHOLE, "files": [["a.py"]]}), NONE + "files.0.1: Field required"),
        (json.dumps({**WHOLE, "files": [["a.py", "x"]]}), NONE + "files.0.1: Input should be a valid integer, unable"),
    ],
)
def test_an_import_of_something_else_says_where(worker: Worker, text: str, message: str) -> None:
    ran = worker.person.skillcache("sessions", "import", folder=worker.project, answer=f"\n{text}\n")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith(f"skillcache: <stdin>, line 2: {message}")
    assert ran.err.count("\n") == 1


def test_what_no_store_takes_is_refused_and_a_new_field_left_aside(worker: Worker) -> None:
    """Python's JSON lets half a character through, which the store then met with a traceback."""
    text = json.dumps({**WHOLE, "files": [["\udcff.py", 2]]})
    ran = worker.person.skillcache("sessions", "import", folder=worker.project, answer=text)
    assert ran.status == 1
    assert ran.err.startswith(f"skillcache: <stdin>, line 1: {NONE}files.0.0: Input should be a valid string")

    text = json.dumps({**WHOLE, "extra": "of a later version"})
    assert worker.run("sessions", "import", answer=text) == "1 session taken.\n"


def test_sessions_can_be_forgotten(worked: Worker) -> None:
    assert (
        "Nothing was dropped."
        in worked.person.skillcache("sessions", "forget", "--all", folder=worked.project, answer="n\n").out
    )
    assert worked.run("sessions", "forget", "aaaa1", "--yes") == "The record of 1 session was dropped.\n"
    assert "make the parser faster" not in worked.run("sessions", "list")
    worked.run("sessions", "forget", "--all", "--yes")
    assert worked.run("sessions", "brief") == ""
    store = (worked.person.cache / "sessions.sqlite3").read_bytes()
    assert worked.person.skillcache("sessions", "forget", folder=worked.project).status == 2
    assert store


def test_a_note_is_carried_until_it_is_removed(worker: Worker) -> None:
    added = worker.run("note", "the parser", "is generated")
    found = re.fullmatch(r"Noted as (\w+)\. Take it out with: skillcache note remove \1\n", added)
    assert found
    id_ = found[1]
    assert worker.run("note", "add", "the parser is generated") == added
    listed = worker.run("note", "list")
    assert re.fullmatch(rf"{id_} +(just now|\d+ s ago)  somebody: the parser is generated\n", listed)
    (note,) = json.loads(worker.run("note", "list", "--json"))
    assert (note["id"], note["text"], note["by"]) == (id_, "the parser is generated", "somebody")
    assert "somebody: the parser is generated" in worker.run("sessions", "brief")
    assert "the parser is generated" in worker.hook("new", "SessionStart", source="startup")

    worker.run("note", "remove", id_[:4])

    assert worker.run("note", "list") == "No notes on this project.\n"
    assert worker.run("sessions", "brief") == ""
    assert "no note of this project begins with" in worker.fail("note", "remove", id_)


def test_a_note_holds_no_credential(worker: Worker) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6" * 3
    worker.run("note", f"log in with {secret}")
    assert secret not in worker.run("note", "list", "--json")
    assert "[redacted:" in worker.run("note", "list")


def test_what_waits_in_the_spool_is_delivered_by_the_command_line(worker: Worker, redis_server: Any) -> None:
    worker.person.variables["SKILLCACHE_REDIS_URL"] = redis_server.url
    redis_server.command("CLIENT", "PAUSE", "1000", "ALL")
    worker.hook(FIRST, "UserPromptSubmit", prompt="while it hung")
    assert os.listdir(worker.person.cache / "spool") != []
    redis_server.command("PING")
    assert "while it hung" in worker.run("sessions", "list")
    assert os.listdir(worker.person.cache / "spool") == []


def test_a_store_out_of_reach_is_one_line(worker: Worker) -> None:
    worker.person.variables["SKILLCACHE_REDIS_URL"] = "redis://127.0.0.1:1/0"
    assert worker.fail("sessions", "list").startswith(
        "skillcache: Redis at 127.0.0.1:1, database 0: the store could not be reached: ECONNREFUSED."
    )
