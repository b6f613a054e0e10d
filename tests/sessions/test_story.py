"""What each event leaves in the record of its session."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.core.credentials import find
from skillcache.sessions import journal as limits
from skillcache.sessions.journal import decode, encode
from skillcache.sessions.story import Scene, tell
from tests.sessions.conftest import ROOT, Teller, bash, edit, end, event, prompt, reply, start, todo, tool

SECRET = "ghp_" + "a1B2c3D4e5F6" * 3


def log_of(told: Any) -> dict[str, object]:
    return Teller().record(told).log


def nothing(told: Any) -> bool:
    return tell(told, Scene("r", 1, root=ROOT)) is None


def test_a_start_says_who_works_where() -> None:
    teller = Teller(branch="feature")
    teller.process = {"pid": "7", "pid_start": "8", "boot": "b"}
    record = teller.record(start(session_title="Widgets"))
    assert record.state["opened"] == {
        "source": "startup",
        "cwd": ROOT,
        "root": ROOT,
        "boot": "b",
        "pid": "7",
        "pid_start": "8",
        "user": "somebody",
        "host": "box",
    }
    assert record.state["placed"] == {"branch": "feature", "commit": teller.commit}
    assert record.state["titled"] == {"title": "Widgets"}
    assert not record.active


def test_a_prompt_is_kept_in_the_person_s_words() -> None:
    record = Teller().record(prompt("make it\n  faster"))
    assert record.state["prompted"] == {"prompt": "make it\n  faster"}
    assert record.log == {"kind": "prompt", "text": "make it\n  faster"}
    assert record.count == ["prompts"]


def test_prompts_can_be_left_out() -> None:
    teller = Teller()
    teller.prompts = False
    record = teller.record(prompt("private", session_title="private"))
    assert b"private" not in encode(record)
    assert record.count == ["prompts"]
    assert b"private" not in encode(teller.record(prompt("private", source="system")))


@pytest.mark.parametrize("source", ["system", "loop_wakeup", "schedule_wakeup", "poll_event"])
def test_what_the_client_says_itself_is_no_prompt(source: str) -> None:
    record = Teller().record(prompt("tick", source=source))
    assert record.log == {"kind": "notice", "source": source, "text": "tick"}
    assert "prompted" not in record.state
    assert record.count == []


@pytest.mark.parametrize("name", ["Edit", "Write", "NotebookEdit"])
def test_an_edited_file_is_named_below_the_root(name: str) -> None:
    field = "notebook_path" if name == "NotebookEdit" else "file_path"
    record = Teller().record(tool(name, {field: f"{ROOT}/src/a.py"}))
    assert record.files == ["src/a.py"]
    assert record.state["edited"] == {"file": "src/a.py"}
    assert record.log == {"kind": "edit", "path": "src/a.py", "tool": name}


def test_a_file_outside_the_root_keeps_its_path() -> None:
    assert Teller().record(tool("Edit", {"file_path": f"{ROOT}-2/a.py"})).files == [f"{ROOT}-2/a.py"]


def test_a_passing_command_is_kept_with_its_duration() -> None:
    record = Teller().record(bash("pytest -q", duration_ms=1234))
    assert record.log == {"kind": "command", "text": "pytest -q", "status": 0, "ms": 1234}
    assert record.state["passed_at"] == {"passed": "pytest -q"}


def test_a_failing_command_is_kept_with_its_status_and_its_last_line() -> None:
    record = Teller().record(bash("pytest -q", status=2, said="F..\n\n1 failed in 0.1s\n"))
    assert record.log == {"kind": "command", "text": "pytest -q", "status": 2, "said": "1 failed in 0.1s"}
    assert record.state["failed_at"] == {
        "failed": "pytest -q",
        "failed_status": "2",
        "failed_said": "1 failed in 0.1s",
    }


@pytest.mark.parametrize(
    ("response", "status"), [({"backgroundTaskId": "b1"}, "background"), ({"interrupted": True}, "interrupted")]
)
def test_a_command_without_an_end_is_neither_passed_nor_failed(response: dict[str, Any], status: str) -> None:
    record = Teller().record(tool("Bash", {"command": "sleep 9"}, response))
    assert record.log["status"] == status
    assert set(record.state) == {"placed"}


def test_files_that_a_command_changed_are_known_where_the_client_says_so() -> None:
    changed = {"bashEditDiff": {"changedFiles": [f"{ROOT}/a.py", 7, f"{ROOT}/b.py"]}}
    record = Teller().record(tool("Bash", {"command": "sed -i s/a/b/ *.py"}, changed))
    assert record.files == ["a.py", "b.py"]
    assert record.state["edited"] == {"file": "b.py"}


def test_a_list_of_tasks_takes_the_place_of_the_one_before() -> None:
    record = Teller().record(todo(("completed", "one"), ("pending", "two")))
    assert record.tasks == [("0000", "one", "completed"), ("0001", "two", "pending")]
    assert record.replace
    assert record.log == {"kind": "tasks", "tasks": [["completed", "one"], ["pending", "two"]]}


def test_a_subagent_s_list_of_tasks_is_its_own() -> None:
    record = Teller().record(todo(("pending", "inner"), agent="a1"))
    assert record.tasks == []
    assert not record.replace
    assert record.log["agent"] == "a1"


def test_a_task_is_made_and_changed() -> None:
    made = Teller().record(tool("TaskCreate", {"subject": "s"}, {"task": {"id": "3", "subject": "as saved"}}))
    assert made.tasks == [("3", "as saved", "pending")]
    changed = Teller().record(tool("TaskUpdate", {"taskId": "3", "status": "completed"}, {"success": True}))
    assert changed.tasks == [("3", "", "completed")]
    assert nothing(tool("TaskUpdate", {"taskId": "3", "status": "completed"}, {"success": False}))
    assert nothing(tool("TaskUpdate", {"taskId": "3:status", "status": "completed"}, {"success": True}))


def test_a_reply_is_kept_from_its_beginning() -> None:
    record = Teller().record(reply("x" * 5_000))
    assert len(record.state["replied"]["reply"]) == limits.REPLY
    assert len(str(record.log["text"])) == limits.LINE


def test_subagents_are_kept_apart() -> None:
    assert log_of(event("SubagentStart", agent="a1")) == {"kind": "agent", "type": "general-purpose", "agent": "a1"}
    answered = Teller().record(event("SubagentStop", agent="a1", last_assistant_message="found it"))
    assert answered.log == {"kind": "answer", "type": "general-purpose", "text": "found it", "agent": "a1"}
    assert answered.state == {}
    assert Teller().record(edit("a.py", agent="a1")).log["agent"] == "a1"


def test_the_client_s_own_subagents_leave_nothing() -> None:
    assert nothing(event("SubagentStop", agent_id="x", agent_type="", last_assistant_message="summary"))


def test_a_compaction_leaves_its_summary() -> None:
    assert log_of(event("PreCompact", trigger="auto")) == {"kind": "compact", "trigger": "auto"}
    record = Teller().record(event("PostCompact", trigger="auto", compact_summary="so far"))
    assert record.state["compacted"] == {"summary": "so far"}


def test_an_end_has_a_reason_and_is_no_activity() -> None:
    record = Teller().record(end(reason="clear"))
    assert record.state["ended"] == {"end": "clear"}
    assert not record.active


@pytest.mark.parametrize(
    "told",
    [
        event("Notification", message="x"),
        tool("Read", {"file_path": "/x"}),
        tool("Edit", {"file_path": 7}),
        tool("Bash", {}),
        tool("TodoWrite", {"todos": "x"}),
        tool("TaskCreate", {"subject": "s"}, "x"),
        event("PostToolUseFailure", tool_name="Edit", tool_input={"file_path": f"{ROOT}/a.py"}, error="no"),
    ],
)
def test_what_says_nothing_leaves_nothing(told: Any) -> None:
    assert nothing(told)


@pytest.mark.parametrize(
    "told",
    [
        start(session_title=f"title {SECRET}"),
        prompt(f"use {SECRET} please"),
        prompt(SECRET, source="system"),
        edit(f"{SECRET}.py"),
        bash(f"curl -H 'Authorization: Bearer {SECRET}'"),
        bash("x", status=1, said=f"bad: {SECRET}"),
        todo(("pending", SECRET)),
        tool("TaskCreate", {}, {"task": {"id": "1", "subject": SECRET}}),
        tool("TaskUpdate", {"taskId": SECRET, "status": "pending"}),
        reply(f"your key is {SECRET}"),
        event("SubagentStop", agent="a", last_assistant_message=SECRET),
        event("PreCompact", trigger=SECRET),
        event("PostCompact", compact_summary=SECRET),
        end(reason=SECRET),
    ],
)
def test_no_field_holds_a_credential(told: Any) -> None:
    assert SECRET[:16].encode() not in encode(Teller().record(told))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = ["SessionStart", "UserPromptSubmit", "PostToolUse", "PostToolUseFailure", "Stop", "SubagentStop", "SessionEnd"]
FIELDS = ["prompt", "source", "tool_input", "tool_response", "error", "last_assistant_message", "reason", "duration_ms"]


@given(
    st.sampled_from(NAMES),
    st.sampled_from(["Bash", "Edit", "TodoWrite", "TaskCreate", "TaskUpdate", "Read"]),
    st.dictionaries(st.sampled_from(FIELDS), JSON),
)
def test_whatever_an_event_holds_its_record_can_be_written_and_read(
    name: str, tool_name: str, fields: dict[str, Any]
) -> None:
    record = tell(event(name, tool_name=tool_name, **fields), Scene("r", 1, root=ROOT))
    if record is not None:
        line = encode(record)
        assert b"\n" not in line
        assert find.find(line.decode()) is None or "redacted" in line.decode()
        assert decode(line) is not None
