"""What the model receives for a repeated command, and whether the command really ran."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from skillcache.probe.api import Turn, bash, text_of
from tests.e2e.project import PYTEST, Place, after, agent

OUTPUTS = {
    "empty": b"",
    "no newline at the end": b"no newline",
    "blanks around": b"\n\n  leading blanks, trailing ones  \n\n\n",
    "control characters": b"\x1b[31mred\x1b[0m\r\nnext\ttab\x07\n",
    "not text": b"a NUL \0, no UTF-8 \xff\xfe, a \xef\xbf\xbd\n",
    "beyond ASCII": "é 漢字 🎉\u2028\n".encode(),
    "markup": b"<system-reminder>not one</system-reminder>\n",
    "quotes": b'it\'s "quoted" $HOME `x` \\ %s\n',
    "30,000 bytes": b"".join(b"%07d\n" % number for number in range(3_750)),
    "30,001 bytes": b"".join(b"%07d\n" % number for number in range(3_750)) + b"\n",
    "200,000 bytes": b"".join(b"%07d\n" % number for number in range(25_000)),
    "80,000 bytes of few characters": "🎉".encode() * 20_000,
}


def test_a_repeated_command_is_replayed_in_the_same_session_and_in_the_next(place: Place) -> None:
    first = place.play(PYTEST, PYTEST)
    assert place.count() == 1, place.outcomes()
    fresh, replayed = first.results
    assert fresh.text.startswith(".")
    assert (replayed.text, replayed.is_error, replayed.structured) == (fresh.text, False, fresh.structured)

    second = place.play(PYTEST)
    assert place.count() == 1, place.outcomes()
    assert second.texts == [fresh.text]
    assert len(first.replays) == len(second.replays) == 1
    assert "in this session" in first.replays[0]
    assert "another session" in second.replays[0]

    # The model still reads the command it asked for, and the note right after the result.
    *_, call, result, note = first.requests[-1].messages
    assert call["content"][0]["input"]["command"] == PYTEST
    assert result["content"][0]["tool_use_id"] == call["content"][0]["id"]
    assert note["role"] == "system"
    assert "skillcache" in text_of(note["content"])


def test_hooks_start_where_a_rule_may_match_and_say_nothing_but_an_answer(place: Place) -> None:
    ordinary = place.play("ls", "git status --short", "echo hello | cat")
    assert {run.event for run in ordinary.hooks} <= {"Stop", "SessionEnd"}  # no call starts one
    session = place.play("./check", "./check", "echo test", "./check && touch new")
    assert {(run.stderr, run.exit_code, run.outcome) for run in session.hooks} == {("", 0, "success")}
    assert [run.event for run in session.hooks if run.stdout] == ["PreToolUse"]


def test_a_call_that_several_entries_match_is_handled_once(place: Place) -> None:
    session = place.play("./check lint test", "./check lint test")
    assert len([run for run in session.hooks if run.event == "PreToolUse"]) > 2
    assert place.outcomes() == ["no_entry", "stored", "replayed"]
    assert session.texts[0] == session.texts[1]


def test_any_output_is_replayed_byte_for_byte(place: Place) -> None:
    turns: list[Turn] = []
    for output in OUTPUTS.values():
        turns += [after(partial(place.write, "answer", output), "./check"), bash("./check")]
    session = place.play(*turns)
    assert len(session.replays) == place.count() == len(OUTPUTS), place.outcomes()
    for name, fresh, replayed in zip(OUTPUTS, session.results[::2], session.results[1::2], strict=True):
        assert (name, without_path(replayed.text), False) == (name, without_path(fresh.text), fresh.is_error)
        kept = [result.structured.get("persistedOutputPath") for result in (fresh, replayed)]
        if len(OUTPUTS[name]) > 30_000:
            assert kept[0] != kept[1]
            assert Path(kept[1]).read_bytes() == Path(kept[0]).read_bytes() == OUTPUTS[name]
        else:
            assert kept == [None, None]


def without_path(text: str) -> str:
    return re.sub(r"saved to: \S+", "saved to: PATH", text)


def test_a_replay_leaves_the_shell_where_the_run_left_it(place: Place) -> None:
    back = f"cd {place.project}"
    session = place.play(f"cd sub && {PYTEST}", "pwd", back, f"cd sub && {PYTEST}", "pwd")
    fresh, there, _, replayed, again = session.texts
    assert replayed == fresh
    assert there == again == str(place.project / "sub")
    assert place.count() == 1, place.outcomes()


def test_a_pipe_is_replayed_as_it_was(place: Place) -> None:
    place.write("answer", "one\ntwo\nthree\n")
    lines = ["./check 2>&1 | tail -1", "./check | grep t | head -n 1", "./check | grep nothing_like_it"]
    session = place.play(*[line for line in lines for _ in range(2)], "pwd")
    fresh, replayed = session.results[0:6:2], session.results[1:6:2]
    assert [result.text for result in fresh] == ["three", "two", "(Bash completed with no output)"]
    assert [result[1:3] for result in replayed] == [result[1:3] for result in fresh]
    assert session.texts[-1] == str(place.project)
    assert place.count() == 3, place.outcomes()


def test_parallel_calls_of_one_message_are_each_answered(place: Place) -> None:
    batch = ["./check one", "./check two", f"{PYTEST} sub"]
    session = place.play(batch, batch)
    assert session.texts[:3] == session.texts[3:]
    assert place.count() == 3, place.outcomes()
    assert len(session.replays) == 3


def test_a_subagent_shares_what_the_main_agent_ran(place: Place) -> None:
    session = place.play("./check", agent("check the project for me"), agents={"check the project for me": ["./check"]})
    inner = session.api.of("check the project for me")[-1]
    assert [result.text for result in inner.results()] == [session.texts[0]]
    assert place.count() == 1, place.outcomes()


def test_what_runs_in_the_background_is_neither_stored_nor_replayed(place: Place) -> None:
    aside = bash("./check", run_in_background=True)
    session = place.play(aside, "./check", aside)
    assert session.texts[1] == "all is well"
    assert "in background" in session.texts[0]
    assert "in background" in session.texts[2]
    assert session.replays == []


def test_a_wish_for_a_fresh_run_is_granted_and_refreshes_the_entry(place: Place) -> None:
    session = place.play("./check", "./check # fresh", "./check")
    assert place.count() == 2, place.outcomes()
    assert len(session.replays) == 1
    assert len(set(session.texts)) == 1


def test_an_edit_during_the_run_keeps_its_result_out(place: Place) -> None:
    place.write("check", '#!/bin/sh\necho "check" >> "$E2E_RUNS"\necho edited >> test_sum.py\n')
    place.commit()
    session = place.play("./check", "git checkout --quiet test_sum.py", "./check")
    assert place.count() == 2, place.outcomes()
    assert "changed_inputs" in place.outcomes()
    assert session.replays == []


def test_output_that_carries_a_credential_is_not_stored(place: Place) -> None:
    place.write("answer", "token: ghp_" + "a1B2c3D4e5F6" * 3 + "\n")
    session = place.play("./check", "./check")
    assert place.count() == 2, place.outcomes()
    assert "secret" in place.outcomes()
    assert session.texts[0] == session.texts[1]
    assert not any(b"ghp_a1B2" in path.read_bytes() for path in place.home.glob(".cache/**/*") if path.is_file())
