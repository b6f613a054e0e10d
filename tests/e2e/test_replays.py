"""What the model receives for a repeated command, and whether the command really ran."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.api import ToolCall, bash
from tests.e2e.project import PYTEST, Place


def test_a_repeated_command_is_replayed_in_the_same_session_and_in_the_next(place: Place) -> None:
    first = place.play(PYTEST, PYTEST)
    assert place.count() == 1
    fresh, replayed = first.results
    assert fresh.text.startswith(".")
    assert (replayed.text, replayed.is_error, replayed.structured) == (fresh.text, False, fresh.structured)

    second = place.play(PYTEST)
    assert place.count() == 1
    assert second.texts == [fresh.text]
    assert len(first.replays) == len(second.replays) == 1
    assert "in this session" in first.replays[0]
    assert "another session" in second.replays[0]


def test_the_model_still_reads_the_command_it_asked_for_and_the_note_right_after_the_result(place: Place) -> None:
    session = place.play(PYTEST, PYTEST)
    *_, call, result, note = session.requests[-1].messages
    assert call["content"][0]["input"]["command"] == PYTEST
    assert result["content"][0]["tool_use_id"] == call["content"][0]["id"]
    assert note["role"] == "system"
    assert "skillcache" in note["content"]


def test_a_call_that_no_rule_can_match_starts_no_hook(place: Place) -> None:
    session = place.play("ls", "git status --short", "echo hello | cat")
    assert session.hooks == []


def test_no_hook_prints_anything_but_an_answer_and_none_fails(place: Place) -> None:
    session = place.play(PYTEST, PYTEST, "./check", "echo test")
    assert session.hooks
    assert {(run.stderr, run.exit_code, run.outcome) for run in session.hooks} == {("", 0, "success")}
    assert [run.event for run in session.hooks if run.stdout] == ["PreToolUse"]


@pytest.mark.parametrize(
    "output",
    [
        b"",
        b"no newline",
        b"\n\n  leading blanks, trailing ones  \n\n\n",
        b"\x1b[31mred\x1b[0m\r\nnext\ttab\x07\n",
        b"a NUL \0, no UTF-8 \xff\xfe, a \xef\xbf\xbd\n",
        "é 漢字 🎉\u2028\n".encode(),
        b"<system-reminder>not one</system-reminder>\n",
        b'it\'s "quoted" $HOME `x` \\ %s\n',
        b"Exit code 3\nnot really\n",
    ],
    ids=["empty", "unended", "blanks", "control", "binary", "unicode", "markup", "quotes", "status"],
)
def test_any_output_is_replayed_byte_for_byte(place: Place, output: bytes) -> None:
    place.write("answer", output)
    session = place.play("./check", "./check")
    fresh, replayed = session.results
    assert (replayed.text, replayed.is_error) == (fresh.text, fresh.is_error)
    assert place.count() == 1


@pytest.mark.parametrize("size", [30_000, 30_001, 200_000])
def test_a_long_output_is_replayed_whole(place: Place, size: int) -> None:
    lines = b"".join(b"%07d\n" % number for number in range(size // 8 + 1))
    place.write("answer", lines[: size - 1] + b"\n")
    fresh, replayed = place.play("./check", "./check").results
    assert place.count() == 1
    assert _without_path(replayed.text) == _without_path(fresh.text)
    kept = [result.structured.get("persistedOutputPath") for result in (fresh, replayed)]
    if size > 30_000:
        assert kept[0] != kept[1]
        assert Path(kept[0]).read_bytes() == Path(kept[1]).read_bytes()
    else:
        assert kept == [None, None]


def _without_path(text: str) -> str:
    return re.sub(r"saved to: \S+", "saved to: PATH", text)


def test_a_replay_leaves_the_shell_where_the_run_left_it(place: Place) -> None:
    back = f"cd {place.project}"
    session = place.play(f"cd sub && {PYTEST}", "pwd", back, f"cd sub && {PYTEST}", "pwd")
    fresh, there, _, replayed, again = session.texts
    assert replayed == fresh
    assert there == again == str(place.project / "sub")
    assert place.count() == 1


def test_a_pipe_is_replayed_as_it_was(place: Place) -> None:
    piped = f"{PYTEST} 2>&1 | tail -1"
    session = place.play(piped, piped, f"{PYTEST} | grep nothing_like_it", f"{PYTEST} | grep nothing_like_it")
    assert session.texts[0] == session.texts[1]
    assert session.results[2][1:3] == session.results[3][1:3]
    assert place.count() == 2


def test_parallel_calls_of_one_message_are_each_answered(place: Place) -> None:
    batch = ["./check one", "./check two", f"cd sub && {PYTEST}"]
    session = place.play(batch, batch)
    assert session.texts[:3] == session.texts[3:]
    assert place.count() == 3
    assert len(session.replays) == 3


def test_a_subagent_shares_what_the_main_agent_ran(place: Place) -> None:
    task = ToolCall(
        "Agent",
        {
            "description": "check it",
            "prompt": "check the project for me",
            "subagent_type": "general-purpose",
            "run_in_background": False,
        },
    )
    session = place.play(PYTEST, task, agents={"check the project for me": [bash(PYTEST), "it is fine"]})
    inner = session.api.of("check the project for me")[-1]
    assert [result.text for result in inner.results()] == [session.texts[0]]
    assert place.count() == 1


def test_a_background_run_is_neither_stored_nor_replayed(place: Place) -> None:
    session = place.play(bash("./check", run_in_background=True), "./check", bash("./check", run_in_background=True))
    assert session.texts[1] == "all is well"
    assert "background" in session.texts[0]
    assert "background" in session.texts[2]
    assert session.replays == []


def test_a_wish_for_a_fresh_run_is_granted_and_refreshes_the_entry(place: Place) -> None:
    session = place.play("./check", "./check # fresh", "./check")
    assert place.count() == 2
    assert len(session.replays) == 1
    assert len(set(session.texts)) == 1


def test_an_edit_during_the_run_keeps_its_result_out(place: Place) -> None:
    place.write("check", 'echo "check" >> "$E2E_RUNS"\necho edited >> test_sum.py\n')
    place.commit()
    session = place.play("./check", "git checkout --quiet test_sum.py", "./check")
    assert place.count() == 2
    assert session.replays == []


def test_output_that_carries_a_credential_is_not_stored(place: Place) -> None:
    place.write("answer", "token: ghp_" + "a1B2c3D4e5F6" * 3 + "\n")
    session = place.play("./check", "./check")
    assert place.count() == 2
    assert session.texts[0] == session.texts[1]
    assert not any(b"ghp_a1B2" in path.read_bytes() for path in place.home.glob(".cache/**/*") if path.is_file())
