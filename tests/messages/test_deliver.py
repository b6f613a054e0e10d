"""The hook as a process: who is registered, what an agent is told and when, and that nothing else is ever said."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from skillcache.core import counts as tally
from skillcache.core import outcomes
from skillcache.messages import message
from tests.conftest import free_port
from tests.messages.client import HOOK, Project, Session, quoted
from tests.messages.conftest import letter


@pytest.fixture(params=["embedded", "redis"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    url = request.getfixturevalue("redis_server").url if request.param == "redis" else ""
    return Project(tmp_path, url)


@pytest.fixture
def session(project: Project) -> Session:
    session = Session(project)
    assert session.start() == ""
    return session


def send(project: Project, to: str, text: str, *more: str) -> str:
    """The message's id."""
    sent = json.loads(project.run("send", "--to", to, "--json", *more, text))
    return str(sent[0]["id"])


def test_sessions_and_subagents_are_there_under_readable_names(project: Project, session: Session) -> None:
    other = Session(project)
    other.start()
    told = session.hook("SubagentStart", "a1")
    session.hook("SubagentStart", "a2")

    assert {each["name"]: each["type"] for each in project.agents()} == {
        "somebody-1": "main",
        "somebody-2": "main",
        "reviewer-1": "reviewer",
        "reviewer-2": "reviewer",
    }
    assert told.startswith("Other agents of this project know you as reviewer-1. ")
    assert {each["id"] for each in project.agents()} == {session.id, other.id, "a1", "a2"}
    (first,) = [each for each in project.agents() if each["name"] == "reviewer-1"]
    assert (first["session"], first["branch"], first["user"]) == (session.id, "main", "somebody")
    assert first["host"] == os.uname().nodename


def test_an_agent_is_known_by_what_it_does(project: Project, session: Session) -> None:
    session.hook("UserPromptSubmit", prompt="make the parser\nfaster, please")
    session.hook("SubagentStart", "a1")
    session.hook(
        "PostToolBatch",
        tool_calls=[
            {
                "tool_name": "Agent",
                "tool_input": {"description": "look at the lexer", "prompt": "..."},
                "tool_response": [{"type": "text", "text": "Async agent launched.\nagentId: a1 (internal ID)"}],
            }
        ],
    )
    session.batch("a1", file_path="/somewhere/lexer.py", tool="Edit")

    does = {each["name"]: (each.get("task"), each.get("tool")) for each in project.agents()}

    assert does == {
        "somebody-1": ("make the parser faster, please", "Agent: look at"),
        "reviewer-1": ("look at the lexer", "Edit: lexer.py"),
    }
    session.hook("Stop", stop_hook_active=False)
    assert [each["tool"] for each in project.agents() if each["name"] == "somebody-1"] == [""]


def test_a_credential_is_not_told_of_an_agent(project: Project, session: Session) -> None:
    secret = "ghp_" + "a1B2c3D4e5F6" * 3
    session.hook("UserPromptSubmit", prompt=f"log in with {secret}")
    session.batch(command=f"{secret} --x")
    (agent,) = project.agents()
    assert secret[:10] not in json.dumps(agent)


def test_an_empty_inbox_says_nothing(session: Session) -> None:
    assert session.hook("UserPromptSubmit", prompt="x") == ""
    assert session.batch() == ""
    assert session.hook("Stop", stop_hook_active=False) == ""
    assert session.hook("SessionEnd", reason="other") == ""


def test_a_message_reaches_the_agent_it_is_for_and_no_other(project: Project, session: Session) -> None:
    session.hook("SubagentStart", "a1")
    session.hook("SubagentStart", "a2")
    id_ = send(project, "reviewer-2", "stop\nlooking at lexer.py")

    assert session.batch() == ""
    assert session.batch("a1") == ""
    text = session.batch("a2")

    assert text.split("\n")[1:] == [
        f"<message {id_} from somebody (somebody@{os.uname().nodename}), sent just now>",
        "> stop",
        "> looking at lexer.py",
        "</message>",
        "An answer is written with: skillcache send --from reviewer-2 --to NAME --reply-to ID TEXT",
    ]
    assert session.batch("a2") == ""


@pytest.mark.parametrize("event", ["UserPromptSubmit", "PostToolBatch", "Stop", "SubagentStop"])
def test_a_message_is_given_at_every_event_that_a_model_hears_of(
    project: Project, session: Session, event: str
) -> None:
    agent = "a1" if event == "SubagentStop" else ""
    session.hook("SubagentStart", "a1")
    send(project, "reviewer-1" if agent else "somebody-1", "hello")
    fields: dict[str, Any] = {"stop_hook_active": False} if "Stop" in event else {"prompt": "x", "tool_calls": []}
    assert quoted(session.hook(event, agent, **fields)) == ["hello"]
    assert session.hook(event, agent, **fields) == ""


def test_an_answer_finds_its_way_back(project: Project, session: Session) -> None:
    session.hook("SubagentStart", "a1")
    id_ = send(project, "reviewer-1", "are you done?")
    session.batch("a1")
    project.run(
        "send", "--from", "reviewer-1", "--to", "somebody", "--reply-to", id_, "yes", CLAUDE_CODE_SESSION_ID=session.id
    )

    answer = project.run("inbox")

    assert f" from reviewer-1 (somebody@{os.uname().nodename}), sent just now, in reply to {id_}>\n> yes\n" in answer
    assert project.run("inbox") == ""


def test_claude_writes_and_reads_as_its_session(project: Project, session: Session) -> None:
    other = Session(project)
    other.start()
    project.run("send", "--to", "@main", "what are you doing?", CLAUDE_CODE_SESSION_ID=session.id)
    assert session.batch() == ""
    text = other.batch()
    assert quoted(text) == ["what are you doing?"]
    assert " from somebody-1 (" in text
    project.run("send", "--to", "somebody-1", "nothing", CLAUDE_CODE_SESSION_ID=other.id)
    given = {"CLAUDE_CODE_SESSION_ID": session.id, "SKILLCACHE_MESSAGES_DELIVER": "0"}
    assert quoted(project.run("inbox", **given)) == ["nothing"]
    assert session.batch() == ""


def test_no_agent_of_a_session_takes_what_is_another_s(project: Project, session: Session) -> None:
    session.hook("SubagentStart", "a1")
    send(project, "somebody-1", "for the session")
    done = project.skillcache("inbox", "--follow", CLAUDE_CODE_SESSION_ID=session.id)  # which any of them may run
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "Messages for the agents of this session arrive by themselves, with their next step.\n"
    assert session.batch("a1") == ""
    assert quoted(session.batch()) == ["for the session"]


def test_messages_to_all_and_to_a_type(project: Project, session: Session) -> None:
    session.hook("SubagentStart", "a1")
    session.hook("SubagentStart", "a2")
    project.run("send", "--all", "to all")
    project.run("send", "--to", "@reviewer", "to reviewers")
    assert quoted(session.batch()) == ["to all"]
    assert quoted(session.batch("a1")) == ["to all", "to reviewers"]
    assert quoted(session.batch("a2")) == ["to all", "to reviewers"]


def test_a_message_to_a_finished_agent_comes_back(project: Project, session: Session) -> None:
    session.hook("SubagentStart", "a1")
    session.hook("SubagentStop", "a1", stop_hook_active=False)
    done = project.skillcache("send", "--to", "reviewer-1", "too late")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "reviewer-1 has ended: the message was not delivered. Who is there: skillcache agents\n"


def test_unread_messages_of_a_session_that_ends_come_back_to_who_sent_them(project: Project, session: Session) -> None:
    other = Session(project)
    other.start()
    project.run("send", "--to", "somebody-1", "from an agent", CLAUDE_CODE_SESSION_ID=other.id)
    send(project, "somebody-1", "from a person")
    session.hook("SessionEnd", reason="other")

    text = other.batch()

    assert " of your own comes back undelivered: somebody-1 had ended before it read it>" in text
    assert quoted(text) == ["from an agent"]
    assert "An answer is written with" not in text
    assert quoted(project.run("inbox")) == ["from a person"]


def test_a_session_whose_client_was_killed_has_ended(project: Project, session: Session) -> None:
    assert [each["name"] for each in project.agents()] == ["somebody-1"]
    with project.post() as post:
        post.register(session.id, {**session_state(project, session), "pid_start": "1"}, "")
    assert project.skillcache("send", "--to", "somebody-1", "x").returncode == 1
    assert project.agents() == []
    assert [each["name"] for each in project.agents("--all") if each["type"] == "main"] == ["somebody-1"]


def session_state(project: Project, session: Session) -> dict[str, str]:
    (found,) = [each for each in project.agents("--all") if each["id"] == session.id]
    return {name: text for name, text in found.items() if name not in ("id", "started", "active")}


def test_more_than_an_answer_holds_comes_with_the_next_one(project: Project, session: Session) -> None:
    for number in range(4):
        send(project, "somebody-1", f"{number} " + "x" * (message.MOST_TEXT - 10))
    first, second = session.batch(), session.batch()
    assert [line[:1] for line in quoted(first) + quoted(second)] == ["0", "1", "2", "3"]
    assert first.endswith("2 more messages will follow.")
    assert len(first) <= 10_000
    assert session.batch() == ""


def test_what_a_hook_has_printed_is_not_shown_again_though_it_did_not_get_to_say_so(
    project: Project, session: Session
) -> None:
    send(project, "somebody-1", "once")
    with project.post() as post:
        post.take(session.id, 10)  # a hook that was killed
    assert quoted(session.batch()) == ["once"]

    send(project, "somebody-1", "twice")
    with project.post() as post:
        taken = post.take(session.id, 10)
    (text,) = [json.loads(each.text) for each in taken.deliveries]
    with session.transcript.open("a") as file:
        file.write(json.dumps({"content": f"<message {text['id']} from ..."}) + "\n")
    assert session.batch() == ""
    with project.post() as post:
        assert post.take(session.id, 10).deliveries == []


def test_an_agent_is_kept_from_stopping_less_often_than_the_client_allows(project: Project, session: Session) -> None:
    heard = []
    for turn in range(10):
        send(project, "somebody-1", str(turn))
        heard += quoted(session.hook("Stop", stop_hook_active=turn > 0))
    assert heard == [str(turn) for turn in range(message.KEPT)]
    assert quoted(session.hook("UserPromptSubmit", prompt="go on")) == [str(n) for n in range(message.KEPT, 10)]


def test_who_finds_another_at_the_inbox_leaves_the_messages_to_the_next_event(
    project: Project, session: Session
) -> None:
    send(project, "somebody-1", "x")
    (project.cache / "messages").mkdir(exist_ok=True)
    held = [os.open(project.cache / f"messages/{n:02}.lock", os.O_RDWR | os.O_CREAT, 0o600) for n in range(61)]
    for handle in held:
        fcntl.flock(handle, fcntl.LOCK_EX)
    assert session.batch() == ""
    for handle in held:
        os.close(handle)
    assert quoted(session.batch()) == ["x"]


def test_a_client_without_a_cap_is_kept_no_more_often(project: Project, session: Session) -> None:
    project.environ["CLAUDE_CODE_STOP_HOOK_BLOCK_CAP"] = "0"
    heard = []
    for turn in range(8):
        send(project, "somebody-1", str(turn))
        heard += quoted(session.hook("Stop", stop_hook_active=turn > 0))
    assert heard == [str(turn) for turn in range(message.KEPT)]


def test_a_flood_of_messages_comes_in_pieces(project: Project, session: Session) -> None:
    with project.post() as post:
        post.send([letter("x" * message.MOST_TEXT, session.id, id=str(n), seal="") for n in range(50)])
    project.environ["SKILLCACHE_MESSAGES_FROM"] = "anyone"
    told = [session.batch() for _ in range(10)]
    assert message.PACE <= sum(map(len, told)) < message.PACE + 2 * message.ANSWER
    assert told[-1] == ""
    assert session.hook("UserPromptSubmit", prompt="go on") == ""


def test_a_subagent_that_may_not_be_kept_ends_and_its_messages_come_back(project: Project, session: Session) -> None:
    project.environ["CLAUDE_CODE_STOP_HOOK_BLOCK_CAP"] = "2"
    session.hook("SubagentStart", "a1")
    send(project, "reviewer-1", "x")
    assert session.hook("SubagentStop", "a1", stop_hook_active=True) == ""
    assert "comes back undelivered: reviewer-1 had ended before it read it>" in project.run("inbox")


def test_a_stranger_s_message_is_not_shown_and_comes_back(project: Project, session: Session) -> None:
    stranger = {"HOME": str(project.folder / "stranger"), "USER": "stranger"}
    if "SKILLCACHE_REDIS_URL" not in project.environ:
        stranger["XDG_CACHE_HOME"] = str(project.folder / "shared")
        project.environ["XDG_CACHE_HOME"] = str(project.folder / "shared")
        session.start()
        project.run("send", "--to", "somebody-1", "mine")  # makes the key
        key = project.folder / "shared/skillcache/seal.key"
        key.rename(project.folder / "mine.key")
        project.run("send", "--to", "somebody-1", "a stranger's", **stranger)
        key.unlink()
        (project.folder / "mine.key").rename(key)
    else:
        project.run("send", "--to", "somebody-1", "mine")
        project.run("send", "--to", "somebody-1", "a stranger's", **stranger)
    assert quoted(session.batch()) == ["mine"]
    assert session.batch() == ""
    if "SKILLCACHE_REDIS_URL" in project.environ:
        back = project.run("inbox", **stranger)
        assert "somebody-1 takes no messages from this sender (its setting messages.from)>" in back


def test_anybody_s_message_is_shown_where_the_person_says_so(project: Project, session: Session) -> None:
    if "SKILLCACHE_REDIS_URL" not in project.environ:
        pytest.skip("an embedded store is one person's")
    stranger = {"HOME": str(project.folder / "stranger"), "USER": "stranger"}
    project.run("send", "--to", "somebody-1", "1", **stranger)
    project.environ["SKILLCACHE_MESSAGES_FROM"] = "anyone"
    assert quoted(session.batch()) == ["1"]
    project.environ["SKILLCACHE_MESSAGES_FROM"] = "team"
    project.environ["SKILLCACHE_TEAM"] = "widgets"
    project.run("send", "--to", "somebody-1", "2", **stranger)
    project.run("send", "--to", "somebody-1", "3", **stranger, SKILLCACHE_TEAM="another")
    assert quoted(session.batch()) == ["2"]


def test_what_another_program_writes_into_an_inbox_is_shown_or_dropped_and_never_in_the_way(
    project: Project, session: Session
) -> None:
    if "SKILLCACHE_REDIS_URL" not in project.environ:
        pytest.skip("an embedded store is one person's")
    import redis

    project.environ["SKILLCACHE_MESSAGES_FROM"] = "anyone"
    inbox = f"agent_comm:{session.id}:inbox"
    with redis.Redis.from_url(project.environ["SKILLCACHE_REDIS_URL"]) as client:
        client.xadd(inbox, {"message": "not JSON"})
        client.xadd(inbox, {"message": '{"free": "form"}'})
        client.xadd(inbox, {"message": '"just a text"'})
        client.xadd(inbox, {"other": "field"})
        client.xadd(inbox, {"message": b"\xff\xfe"})
        client.xadd(inbox, {"envelope": json.dumps({"version": 1, "text": "hi", "bounce": 7, "to": 5, "at": "x"})})
        client.xadd(inbox, {"envelope": json.dumps({"version": 2, "text": "from the future"})})
        client.xadd(inbox, {"envelope": "not JSON"})
    text = session.batch()
    assert quoted(text) == ["not JSON", '{"free": "form"}', "just a text", "\ufffd\ufffd", "hi"]
    assert text.count("<message - from - (-@-, unproven), sent at an unknown time>") == 5
    assert session.batch() == ""
    project.environ["SKILLCACHE_MESSAGES_FROM"] = "user"
    with redis.Redis.from_url(project.environ["SKILLCACHE_REDIS_URL"]) as client:
        client.xadd(inbox, {"message": "not JSON"})
        assert session.batch() == ""
        assert client.xlen(inbox) == 0


def test_messages_that_are_not_delivered_here_cost_nothing(project: Project, session: Session) -> None:
    send(project, "somebody-1", "x")
    project.environ["SKILLCACHE_MESSAGES_DELIVER"] = "0"
    assert session.batch() == ""
    project.environ["SKILLCACHE_MESSAGES_DELIVER"] = "1"
    assert quoted(session.batch()) == ["x"]


def test_a_session_that_was_there_before_is_registered_with_its_next_step(project: Project) -> None:
    session = Session(project)
    assert session.batch() == ""
    assert [each["name"] for each in project.agents()] == ["somebody-1"]
    assert Session(project).hook("SubagentStop", "a9", stop_hook_active=False) == ""
    assert [each["name"] for each in project.agents("--all")] == ["somebody-1"]


def test_the_client_s_own_agents_are_nobody(project: Project, session: Session) -> None:
    told = json.loads(session.event("SubagentStart", "a1"))
    del told["agent_type"]
    done = subprocess.run(HOOK, input=json.dumps(told).encode(), env=project.environ, capture_output=True, check=True)
    assert done.stdout == b""
    assert [each["name"] for each in project.agents()] == ["somebody-1"]


def test_a_store_out_of_reach_is_asked_once_and_nothing_is_said(tmp_path: Path) -> None:
    project = Project(tmp_path, f"redis://127.0.0.1:{free_port()}/0")
    session = Session(project)
    assert session.start() == ""
    assert session.batch() == ""
    counts = [count.outcome for count in tally.read(str(project.cache))]
    assert counts == [outcomes.STORE_UNREACHABLE]


@pytest.mark.parametrize("data", [b"", b"[]", b'{"session_id": "a b"}', b'{"hook_event_name": "Stop"}'])
def test_an_event_that_is_none_is_counted_and_nothing_is_said(project: Project, data: bytes) -> None:
    done = subprocess.run(HOOK, input=data, env=project.environ, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")
    assert [count.outcome for count in tally.read(str(project.cache))] == [outcomes.BAD_EVENT]
