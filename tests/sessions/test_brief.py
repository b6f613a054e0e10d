"""What a brief says of which session, for each way a session starts."""

from __future__ import annotations

import pytest

from skillcache.core import json, processes
from tests.sessions.conftest import (
    HOUR,
    PROJECT,
    ROOT,
    Project,
    Teller,
    bash,
    edit,
    end,
    event,
    prompt,
    reply,
    start,
    todo,
)


def test_nothing_is_said_of_a_project_without_sessions(project: Project) -> None:
    assert project.brief() is None
    assert project.brief("resume") is None
    assert project.brief("compact") is None


def test_a_session_that_only_began_is_not_spoken_of(project: Project) -> None:
    project.tell(start(), end())
    assert project.brief() is None


def test_a_start_is_told_everything_of_the_last_session(project: Project) -> None:
    project.tell(
        start(),
        prompt("first"),
        prompt("make the parser\nfaster"),
        edit("parser.py"),
        edit("parser.py"),
        edit("lexer.py"),
        bash("pytest -q", status=1, said="2 failed in 3s"),
        bash("ruff check"),
        bash("ls"),
        bash("make install", status=2, said="No rule"),
        bash("grep -r lexer", status=1),
        todo(("completed", "measure"), ("in_progress", "rewrite the lexer"), ("pending", "document it")),
        reply("The lexer is half done."),
        end(reason="prompt_input_exit"),
    )
    assert project.lines() == [
        (
            "The last session on this branch: one, by somebody@box, began 1 h ago, was last active 1 h ago,"
            " ended by the person."
        ),
        "The person's prompts, newest first:",
        "- 1 h ago: make the parser faster",
        "- 1 h ago: first",
        "Open tasks (2):",
        "- in progress: rewrite the lexer",
        "- pending: document it",
        "Tasks done (1):",
        "- measure",
        "Its checks:",
        "- passed 1 h ago: ruff check",
        "- failed (exit 1) 1 h ago: pytest -q | it said: 2 failed in 3s",
        "What failed last:",
        "- failed (exit 2) 1 h ago: make install | it said: No rule",
        "Its last reply began: The lexer is half done.",
        "Files edited most here in the last seven days, by folder:",
        "- parser.py, lexer.py",
    ]


def test_a_command_counts_as_it_ended_last(project: Project) -> None:
    project.tell(start(), bash("pytest", status=1), bash("make", status=2), bash("pytest"))
    said = "\n".join(project.lines())
    assert "What failed last:\n- failed (exit 2) 1 h ago: make" in said
    assert "passed 1 h ago: pytest" in said
    assert "failed (exit 1)" not in said


def test_commands_that_only_look_are_not_named(project: Project) -> None:
    project.tell(start(), prompt("x"), bash("ls -la"), bash("grep -r x | wc -l", status=1), bash("git log --oneline"))
    assert project.lines()[1:] == ["The person's prompts, newest first:", "- 1 h ago: x"]


@pytest.mark.parametrize(
    ("line", "status", "told"),
    [
        ("pytest -q", 0, "passed 1 h ago: pytest -q"),
        ("cd /home/somebody/widgets && uv run pytest -q", 0, "passed 1 h ago: uv run pytest -q"),
        (f"cd sub && mypy {ROOT}/sub/a.py", 1, f"failed (exit 1) 1 h ago: cd sub && mypy {ROOT}/sub/a.py"),
        ("ruff check . && mypy src", 1, "failed (exit 1) 1 h ago: ruff check . && mypy src"),
        ("CI=1 npm test > log.txt 2>&1", 0, "passed 1 h ago: CI=1 npm test"),
        # The status is not the check's, or may be another's.
        ("pytest -q 2>&1 | tail -20", 0, "end unknown, 1 h ago: pytest -q"),
        ("pytest -q || true", 0, "end unknown, 1 h ago: pytest -q"),
        ("pytest -q; echo done", 0, "end unknown, 1 h ago: pytest -q"),
        ("pytest -q && git push", 1, "end unknown, 1 h ago: pytest -q"),
        ("make build && pytest -q", 2, "end unknown, 1 h ago: pytest -q"),
        ("pytest -q &", 0, "end unknown, 1 h ago: pytest -q"),
        ("pytest -q " + "x" * 600, 0, None),
        # It may not have run at all.
        ("test -e built || pytest -q", 0, "end unknown, 1 h ago: pytest -q"),
        ("exit 0; pytest -q", 0, "end unknown, 1 h ago: pytest -q"),
        ('echo "a\\" && ls" && pytest -q', 0, "passed 1 h ago: pytest -q"),
        ("pytest \\\n  -q", 0, "passed 1 h ago: pytest -q"),
        ("cat <<'END' >notes && pytest -q\nsome; text && ls\nEND", 0, "passed 1 h ago: pytest -q"),
        ("pytest -q <<< x # twice; ls", 0, "passed 1 h ago: pytest -q"),
        # Elsewhere.
        ("pushd sub && pytest -q", 0, "passed 1 h ago: pushd sub && pytest -q"),
        ("(cd sub && pytest -q)", 0, "passed 1 h ago: (cd sub && pytest -q)"),
        ("cd -- sub && pytest -q", 0, "passed 1 h ago: cd -- sub && pytest -q"),
    ],
)
def test_a_check_is_told_alone_and_its_end_where_it_is_known(
    project: Project, line: str, status: int, told: str | None
) -> None:
    project.tell(start(), bash(line, status=status))
    said = project.lines()
    assert said[1] == "Its checks:"
    assert said[2] == f"- {told}" if told else said[2].startswith("- end unknown, 1 h ago: pytest -q xxx")


@pytest.mark.parametrize(
    "line",
    [
        "cat >ci.sh <<'END'\npytest -q\nEND",
        "cat >ci.sh << END\npytest -q && ls\nEND\nls",
        "cat <<-a; cat <<b\npytest -q\n\ta\npytest -q\nb\nls",
        "cat >ci.sh <<END\npytest -q\nmypy src",
        "ls # && pytest -q",
        "ls\n# pytest -q && ls\nls",
        'echo "a\\" && pytest -q && echo b\\""',
        "echo it\\'s && echo '; pytest -q'",
    ],
)
def test_what_a_line_only_speaks_of_is_no_check(project: Project, line: str) -> None:
    project.tell(start(), prompt("x"), bash(line))
    assert not [each for each in project.lines() if each.startswith("Its checks")]


def test_the_person_and_the_rest_are_told_how_to_see_more(project: Project) -> None:
    project.tell(start("0123456789ab"), prompt("x", "0123456789ab"))
    brief = project.brief()
    assert brief is not None
    assert brief.text.split("\n")[-1] == "All of it: skillcache sessions show 01234567"
    assert brief.message == "skillcache: gave this session a brief of the last one (1 h ago)"


@pytest.mark.parametrize(
    ("reason", "words"),
    [("clear", "ended by /clear"), ("logout", "ended by a logout"), ("other", " ended."), ("<b>", " ended.")],
)
def test_how_the_last_session_ended(project: Project, reason: str, words: str) -> None:
    project.tell(start(), prompt("x"), end(reason=reason))
    assert words in project.lines()[0]


def test_a_killed_session_is_told_from_a_running_one(project: Project) -> None:
    project.teller.process = {**processes.describe(1), "boot": processes.here(), "pid": "1", "pid_start": "0"}
    project.tell(start(), prompt("x"))
    assert "stopped without an end (killed or crashed)" in project.lines()[0]


def test_a_resumed_session_has_not_ended(project: Project) -> None:
    project.tell(start(), prompt("x"), end(), start(source="resume"), prompt("y"))
    project.later = 1_000
    assert project.lines()[0] == "Running now:"


def test_a_session_elsewhere_counts_as_running_while_it_is_active(project: Project) -> None:
    project.tell(start(), prompt("x"))
    project.later = 14 * 60_000
    assert project.lines()[0] == "Running now:"
    project.later = 16 * 60_000
    assert "has no end on record" in project.lines()[0]


def test_this_branch_comes_before_others(project: Project) -> None:
    project.tell(start("here"), prompt("on main", "here"), end("here"))
    side = Teller(project.teller.at, branch="side")
    project.tell(start("there"), prompt("on side", "there"), edit("b.py", "there"), end("there"), teller=side)
    project.teller.at = side.at

    said = project.lines()

    assert said[0].startswith("The last session on this branch: here,")
    assert said[-2:] == [
        "Other sessions:",
        "- there, by somebody@box, on branch side, last active 1 h ago, edited b.py; its last prompt: on side",
    ]
    assert "Files edited most here in the last seven days, by folder:" in said
    assert project.lines(branch="side")[0].startswith("The last session on this branch: there,")
    assert project.lines(branch="new")[0].startswith("The last session in this project: there,")


def test_a_running_session_is_listed_with_what_it_touches(project: Project) -> None:
    project.tell(start("old"), prompt("before", "old"), end("old"))
    other = Teller(project.teller.at + HOUR, branch="side")
    project.tell(start("busy"), prompt("rework the policy", "busy"), edit("policy.py", "busy"), teller=other)
    project.teller.at, project.later = other.at, 40_000

    said = project.lines()

    assert said[0].startswith("The last session on this branch: old,")
    assert (
        "- busy, by somebody@box, on branch side, is editing policy.py (40 s ago), active 40 s ago; its last prompt:"
        " rework the policy" in said
    )


def test_notes_are_carried(project: Project) -> None:
    note = {"text": "the parser is generated: edit grammar.txt", "at": project.teller.at, "by": "somebody"}
    project.journal.add_note(PROJECT, "n1", json.dumps(note))
    assert project.lines() == [
        "Notes on this project:",
        "- 1 h ago, somebody: the parser is generated: edit grammar.txt",
    ]
    project.tell(start(), prompt("x"))
    assert project.lines()[-1] == "- 1 h ago, somebody: the parser is generated: edit grammar.txt"


def test_a_note_that_has_grown_old_is_marked(project: Project) -> None:
    for id_, days in (("n1", 13), ("n2", 15)):
        note = {"text": f"of {days} days", "at": project.teller.at - days * 86_400_000, "by": ""}
        project.journal.add_note(PROJECT, id_, json.dumps(note))
    assert project.lines()[1:] == [
        "- 13 days ago: of 13 days",
        "- 15 days ago (old, nobody has checked whether it holds): of 15 days",
    ]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("/clear", ""),
        ("/plugin:some-command", ""),
        ("/review the lexer", "/review the lexer"),
        ("/usr/bin/env is missing", "/usr/bin/env is missing"),
        ("[Request interrupted by user for tool use]", ""),
        (
            "<command-name>/model</command-name>\n<command-message>m</command-message>\n<command-args></command-args>",
            "",
        ),
        (
            "<command-message>m</command-message><command-name>/fix</command-name><command-args>it</command-args>",
            "/fix it",
        ),
        ("<local-command-stdout>Set model</local-command-stdout>", ""),
        ("<system-reminder>\nDo not.\n</system-reminder>\nmake it faster", "make it faster"),
        ("make it <system-reminder>x</system-reminder>faster<ide_selection>let a</ide_selection>", "make it faster"),
        ("<task-notification>a background command of which the end was " + "x" * 3_000, ""),
        ("why does <system-reminder> stand there?", "why does \u2039system-reminder> stand there?"),
        ("Caveat: The messages below were generated by the user while running local commands.", ""),
        ("This session is being continued from a previous conversation that ran out of context.", ""),
    ],
)
def test_a_prompt_is_told_without_what_the_client_adds(project: Project, given: str, told: str) -> None:
    project.tell(start(), prompt("before"), prompt(given))
    said = project.lines()
    assert said[1:] == [
        "The person's prompts, newest first:",
        *[f"- 1 h ago: {text}" for text in (told, "before") if text],
    ]


def test_a_resumed_session_where_nothing_changed_is_told_nothing(project: Project) -> None:
    project.tell(start(), prompt("x"), edit("a.py"), reply("ok"), end())
    assert project.brief("resume", "one") is None


def test_a_resumed_session_is_told_of_others_and_of_new_notes_only(project: Project) -> None:
    project.tell(start("other"), prompt("before", "other"), end("other"))
    project.tell(start(), prompt("mine"), edit("mine.py"), reply("ok"), end())
    project.journal.add_note(PROJECT, "old", json.dumps({"text": "old", "at": project.teller.at - HOUR}))
    assert project.brief("resume", "one") is None
    project.tell(start("third"), prompt("theirs", "third"), edit("theirs.py", "third"), end("third"))
    project.journal.add_note(PROJECT, "new", json.dumps({"text": "a new one", "at": project.teller.at}))

    said = project.lines("resume", "one")

    assert said == [
        "Since this session was last active, 1 h ago:",
        "Other sessions of this project since:",
        "- third, by somebody@box, last active 1 h ago, edited theirs.py; its last prompt: theirs",
        "Notes on this project:",
        "- 1 h ago: a new one",
    ]
    assert "mine" not in "\n".join(said)


def test_starting_twice_says_the_same_twice(project: Project) -> None:
    project.tell(start(), prompt("mine"), end(), start("two"), prompt("theirs", "two"), end("two"))
    first = project.lines("resume", "one")
    project.tell(start(source="resume"))
    assert project.lines("resume", "one") == first


def test_a_fork_is_told_what_changed_since_the_conversation_it_continues(project: Project) -> None:
    project.tell(start(), prompt("mine"), reply("the last word"))
    heard = project.teller.at
    project.tell(start("two"), prompt("theirs", "two"), reply("later", "two"), end("two"))

    said = project.lines("fork", "three", since=heard + 900)

    assert said[0] == "Since this session was last active, 1 h ago:"
    assert any(line.startswith("- two, by somebody@box") for line in said)
    assert not any("one, by" in line for line in said)
    assert project.brief("fork", "three", since=heard - HOUR) is None
    assert project.brief("fork", "three") is None


def test_a_compacted_session_gets_back_what_it_had(project: Project) -> None:
    project.tell(
        start(),
        prompt("the task"),
        edit("a.py"),
        edit("a.py"),
        edit("b.py"),
        bash("pytest", status=1, said="1 failed"),
        bash("make"),
        bash("pytest"),
        todo(("pending", "the rest")),
        event("PreCompact", trigger="auto"),
    )
    assert project.lines("compact", "one") == [
        "What this session has on record:",
        "Open tasks (1):",
        "- pending: the rest",
        "Files edited, by folder:",
        "- a.py, b.py",
        "Checks, as each ended last:",
        "- passed 1 h ago: pytest",
        "The person's prompts, newest first:",
        "- 1 h ago: the task",
    ]


def test_a_cleared_session_is_the_last_session_of_the_next(project: Project) -> None:
    project.tell(start(), prompt("before"), end(reason="clear"), start("two", "clear"))
    assert "ended by /clear" in project.lines("clear", "two")[0]


def test_subagents_do_not_speak_for_the_person(project: Project) -> None:
    inner = [bash("pytest", agent="a1"), event("SubagentStop", agent="a1", last_assistant_message="found")]
    project.tell(start(), prompt("mine"), *inner, reply("outer"))
    said = "\n".join(project.lines())
    assert "began: outer" in said
    assert "- passed 1 h ago: pytest" in said


def test_a_small_size_keeps_what_matters_most(project: Project) -> None:
    project.tell(start(), prompt("x" * 300), *(edit(f"{n}.py") for n in range(30)), todo(("pending", "remember me")))
    brief = project.brief(size=700)
    assert brief is not None
    assert len(brief.text) <= 700
    assert "- pending: remember me" in brief.text
    assert project.brief(size=100) is None
