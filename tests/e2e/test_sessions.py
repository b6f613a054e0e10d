"""What a session is told of those before it, by the real client: in its first model request, whatever ended them."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skillcache.cli.checks.client import Session
from skillcache.cli.checks.messages_api import Request, ToolCall, Turn, bash
from skillcache.core import counts
from skillcache.core.outcomes import HIT
from tests.e2e.project import CHECK_RULE, COUNT, MCP_RULE, Place

ORIGIN = "https://example.org/somebody/widgets.git"
SECRET = "ghp_" + "a1B2c3D4e5F6" * 3
# The client gives these tools to a scripted session only where it is told to.
TASKS = {"CLAUDE_CODE_ENABLE_TASKS": "1", "CLAUDE_CODE_ENABLE_TODO_TOOLS": "1"}


@pytest.fixture
def work(bare_place: Place) -> Place:
    """A project whose person has sessions recorded."""
    return recorded(bare_place)


def recorded(place: Place) -> Place:
    place.client.env |= {**TASKS, "SKILLCACHE_RECORD_SESSIONS": "1", "USER": "somebody"}
    place.git("remote", "add", "origin", ORIGIN)
    place.skillcache("install", "--scope", "user")
    return place


def play(place: Place, *turns: Turn, **options: Any) -> Session:
    """One session; a turn that is a text is what the model says."""
    return place.client.run(place.project, turns, **options)


def write(place: Place, name: str, text: str = "new\n") -> ToolCall:
    return ToolCall("Write", {"file_path": str(place.project / name), "content": text})


def brief_of(session: Session) -> str:
    """What our hook gave the first request of the main conversation; "" for nothing."""
    texts = [text for text in everything_in(session.requests[0]) if "skillcache keeps a record" in text]
    assert len(texts) <= 1
    return texts[0].partition("<recorded>\n")[2].partition("\n</recorded>")[0] if texts else ""


def everything_in(request: Request) -> list[str]:
    texts = []
    for message in request.body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        texts += [block["text"] for block in blocks if block["type"] == "text"]
    return texts


def facts_of_a_working_session(place: Place) -> list[Turn]:
    return [
        write(place, "parser.py"),
        write(place, "lexer.py"),
        bash("echo two failed; exit 3"),
        bash("git status --short"),
        ToolCall("TaskCreate", {"subject": "measure the parser", "description": "how slow it is"}),
        ToolCall("TaskCreate", {"subject": "rewrite the lexer", "description": "so that it is quick"}),
        ToolCall("TaskUpdate", {"taskId": "1", "status": "completed"}),
        ToolCall("TaskUpdate", {"taskId": "2", "status": "in_progress"}),
    ]


def require_facts(brief: str) -> None:
    for fact in (
        "make the parser faster",
        "- in progress: rewrite the lexer",
        "- measure the parser",
        "by folder:\n- lexer.py, parser.py",
        "echo two failed; exit 3 | it said: two failed",
    ):
        assert fact in brief, (fact, brief)
    assert "git status" not in brief


def test_a_killed_session_is_told_whole_to_the_next(work: Place) -> None:
    # What is told runs beside the client: it dies once the last of it is there.
    told = "grep -aqs in_progres[s] ~/.cache/skillcache/sessions.sqlite3*"
    last = bash(f"for i in $(seq 300); do {told} && break; sleep 0.1; done; kill -9 $PPID")
    turns = [*facts_of_a_working_session(work), last]
    killed = play(work, *turns, prompt="make the parser faster")
    assert killed.exit_code != 0

    second = play(work, "ok", prompt="go on")

    brief = brief_of(second)
    require_facts(brief)
    assert brief.startswith(f"The last session on this branch: {killed.id[:8]}, by somebody@")
    assert "stopped without an end (killed or crashed)." in brief
    assert {(run.stderr, run.exit_code, run.outcome) for run in second.hooks} == {("", 0, "success")}
    assert [run.event for run in second.hooks if run.stdout] == ["SessionStart"]


def test_a_session_that_ended_is_told_with_its_last_reply(work: Place) -> None:
    first = play(work, *facts_of_a_working_session(work), "The lexer is half done.", prompt="make the parser faster")
    assert brief_of(first) == ""
    work.commit("Write the parser")

    brief = brief_of(play(work, "ok", prompt="go on"))

    assert ", ended.\n" in brief
    assert "Its last reply began: The lexer is half done." in brief
    assert "Commits since, newest first: Write the parser" in brief


def test_a_resumed_session_is_told_only_what_changed(work: Place) -> None:
    first = play(work, write(work, "parser.py"), write(work, "lexer.py"), "done", prompt="make the parser faster")
    unchanged = play(work, "ok", prompt="and now", resume=first.id)
    assert brief_of(unchanged) == ""
    assert [run.stdout for run in unchanged.hooks if run.event == "SessionStart"] == [""]
    assert "\n".join(everything_in(unchanged.requests[0])).count("skillcache replays") == 1  # as it was told then
    play(work, write(work, "other.py"), "done", prompt="something else")
    work.write("lexer.py", "changed by hand\n")
    work.git("add", "parser.py")
    work.git("commit", "--quiet", "-m", "Write the parser")

    resumed = play(work, "ok", prompt="what now", resume=first.id)

    brief = brief_of(resumed)
    assert "Write the parser" in brief
    assert "written or removed since:\n- lexer.py\n" in brief
    assert "edited other.py; its last prompt: something else" in brief
    assert "make the parser faster" not in brief
    assert "- parser.py" not in brief


def test_a_compacted_session_gets_back_what_compaction_loses_and_a_cleared_one_what_was_before(work: Place) -> None:
    first = play(work, *facts_of_a_working_session(work), "ok", prompt="make the parser faster")
    work.skillcache("note", "the lexer is generated from grammar.txt")

    compacted = play(work, "a summary", prompt="/compact", resume=first.id)

    (printed,) = [run.stdout for run in compacted.hooks if "What this session has on record" in run.stdout]
    context = json.loads(printed)["hookSpecificOutput"]["additionalContext"]
    for fact in (
        "- in progress: rewrite the lexer",
        "- parser.py, lexer.py",
        "failed (exit 3)",
        "the lexer is generated from grammar.txt",
    ):
        assert fact in context
    after = play(work, "ok", prompt="go on", resume=first.id)
    assert "What this session has on record" in "".join(everything_in(after.requests[0]))
    assert "PostCompact" in {run.event for run in compacted.hooks}

    cleared = play(work, "ok", prompt="/clear", resume=first.id)
    (printed,) = [run.stdout for run in cleared.hooks if "The last session" in run.stdout]
    assert "ended by /clear" in printed
    assert "make the parser faster" in printed


@pytest.mark.parametrize("lane", ["place", "plugged"])
def test_a_story_tells_what_was_replayed_of_commands_and_of_other_calls(
    lane: str, request: pytest.FixtureRequest
) -> None:
    place: Place = request.getfixturevalue(lane)  # answered by hooks, or by the plugin's module
    place.client.env["SKILLCACHE_RECORD_SESSIONS"] = "1"
    place.configure(CHECK_RULE + MCP_RULE)
    if lane == "place":
        place.skillcache("install")
    session = place.play("./check", "./check", "./check", COUNT, COUNT, mcp_config=place.servers())
    told = place.skillcache("sessions", "show", session.id)
    assert re.search(
        r"\n  replayed 2 of 3 commands, \S+ m?s saved: \./check \(2 times\)"
        r"\n  replayed 1 of 2 other calls, \S+ m?s saved: mcp__words__count_words\n",
        told,
    ), told
    commands, calls = json.loads(place.skillcache("sessions", "show", session.id, "--json"))["replays"]
    hits = [count for count in counts.read(str(place.home / ".cache/skillcache")) if count.outcome.kind == HIT]
    assert commands["saved_ms"] == hits[0].run + hits[1].run
    assert calls["saved_ms"] == hits[2].run


def test_a_fork_is_told_what_changed_since_the_conversation_it_goes_on_with(work: Place) -> None:
    first = play(work, write(work, "parser.py"), "done", prompt="make the parser faster")
    work.write("parser.py", "changed by hand\n")

    fork = play(work, "ok", prompt="another way", resume=first.id, options=["--fork-session"])

    assert fork.id != first.id
    assert "written or removed since:\n- parser.py" in brief_of(fork)


def test_a_session_beside_another_is_told_what_that_one_is_editing(work: Place) -> None:
    beside: list[Session] = []

    def meanwhile(_request: Request) -> Turn:
        beside.append(play(work, "hello", prompt="what is going on"))
        return "done"

    play(work, write(work, "parser.py"), bash("sleep 0.5"), meanwhile, prompt="make the parser faster")

    brief = brief_of(beside[0])
    assert brief.startswith("Running now:\n- ")
    assert ", is editing parser.py (" in brief
    assert "its last prompt: make the parser faster" in brief
    after = brief_of(play(work, "hi", prompt="later"))
    assert "what is going on" in after
    assert "make the parser faster" in after


def test_another_machine_is_told_over_redis(
    bare_place: Place, second_place: Place, redis_factory: Callable[[], Any]
) -> None:
    url = redis_factory().unix_url
    second_place.git("commit", "--quiet", "--allow-empty", "-m", "only there")
    for place in (bare_place, second_place):
        place.client.env["SKILLCACHE_REDIS_URL"] = url
        recorded(place)
    play(bare_place, write(bare_place, "parser.py"), bash("exit 4"), "half done", prompt="make the parser faster")

    brief = brief_of(play(second_place, "ok", prompt="go on"))

    assert "make the parser faster" in brief
    assert "parser.py" not in brief  # which is not here
    assert "failed (exit 4)" in brief
    assert "began: half done" in brief


def test_a_session_without_redis_is_told_once_redis_is_there(work: Place, redis_factory: Callable[..., Any]) -> None:
    server = redis_factory()
    port = server.port
    work.client.env["SKILLCACHE_REDIS_URL"] = server.url
    server.stop()
    first = play(work, *facts_of_a_working_session(work), "half done", prompt="make the parser faster")
    # What runs beside the client is cut off where that ends first, on a busy machine.
    ended = [run for run in first.hooks if run.outcome != "cancelled"]
    assert {(run.stderr, run.exit_code, run.outcome) for run in ended} == {("", 0, "success")}
    (spool,) = (work.home / ".cache/skillcache/spool").glob("*.log")
    assert spool.stat().st_mode & 0o777 == 0o600
    redis_factory(options=("--port", str(port)))

    require_facts(brief_of(play(work, "ok", prompt="go on")))
    assert not spool.exists()


def test_a_credential_typed_into_a_prompt_is_nowhere(work: Place, redis_factory: Callable[..., Any]) -> None:
    server = redis_factory()
    work.client.env["SKILLCACHE_REDIS_URL"] = server.url
    play(work, bash(f"echo {SECRET}"), f"I used {SECRET}", prompt=f"log in with {SECRET} please")

    brief = brief_of(play(work, "ok", prompt="go on"))

    assert "log in with [redacted:" in brief
    assert SECRET[:12] not in brief
    import redis

    with redis.Redis.from_url(server.url) as client:
        assert client.dbsize() > 0
        assert not any(SECRET[4:16].encode() in (client.dump(key) or b"") for key in client.keys("*"))
    for path in (work.home / ".cache/skillcache").rglob("*"):
        assert not path.is_file() or SECRET[4:16].encode() not in path.read_bytes()


def test_subagents_are_kept_apart(work: Place) -> None:
    task = ToolCall(
        "Agent",
        {
            "description": "look",
            "prompt": "check the project for me",
            "subagent_type": "general-purpose",
            "run_in_background": False,
        },
    )
    agents = {"check the project for me": [bash("exit 5"), "the inner answer"]}
    play(work, task, "the outer answer", prompt="make the parser faster", agents=agents)

    brief = brief_of(play(work, "ok", prompt="go on"))

    assert "began: the outer answer" in brief
    assert "the inner answer" not in brief
    story = [json.loads(entry) for (entry,) in rows(work.home, "SELECT entry FROM log ORDER BY id")]
    inner = [entry["kind"] for entry in story if "agent" in entry]
    assert inner[0] == "agent"
    assert set(inner) == {"agent", "command", "answer"}


def test_a_replayed_command_is_recorded_as_any_other_and_the_person_is_told_at_the_turns_end(work: Place) -> None:
    session = play(work, bash("./check"), bash("./check"), bash("sleep 0.5"), "done", prompt="check it twice")
    assert work.replayed() == 1
    story = [json.loads(entry) for (entry,) in rows(work.home, "SELECT entry FROM log ORDER BY id")]
    assert [entry["status"] for entry in story if entry.get("text") == "./check"] == [0, 0]
    (told,) = [json.loads(run.stdout) for run in session.hooks if run.event == "Stop" and run.stdout]
    line = r"skillcache: ./check replayed, [0-9.]+ s saved \(this session: 1 of 2 checks replayed, [0-9.]+ s saved\)"
    assert re.fullmatch(line, told["systemMessage"])
    assert not any("s saved" in text for request in session.requests for text in everything_in(request))


def rows(home: Path, query: str) -> list[tuple[str, ...]]:
    connection = sqlite3.connect(home / ".cache/skillcache/sessions.sqlite3")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_the_client_gives_a_hooks_words_whole_up_to_a_length(bare_place: Place) -> None:
    """What briefs and messages stay below: `sessions/brief`, `messages/message.py`."""
    words = [f"begin {letter * (length - 10)} end" for letter, length in (("x", 10_000), ("y", 10_001))]
    hooks = []
    for number, each in enumerate(words):
        said = json.dumps({"hookSpecificOutput": {"hookEventName": "SessionStart", "additionalContext": each}})
        (bare_place.root / f"said-{number}").write_text(said)
        hooks.append({"type": "command", "command": f"cat {bare_place.root}/said-{number}"})
    settings = bare_place.home / ".claude/settings.json"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(json.dumps({"hooks": {"SessionStart": [{"hooks": hooks}]}}))

    text = "\n".join(everything_in(play(bare_place, "ok").requests[0]))

    assert words[0] in text
    assert "begin yyy" in text
    assert words[1] not in text
    assert text.count("y") < 3_000
