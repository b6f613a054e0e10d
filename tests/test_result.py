"""What a finished call gave is taken only where a replay can give it again."""

from pathlib import Path

import pytest

from skillcache import outcome
from skillcache.event import ToolEvent
from skillcache.result import NO_MATCHES, Result, Unusable, read_result

CAP = 50_000


def event(name: str, **fields: object) -> ToolEvent:
    known: dict[str, object] = {"tool": "Bash", "tool_input": {}, "tool_use_id": "t", "cwd": "/w"}
    return ToolEvent(name, **{**known, **fields})  # type: ignore[arg-type]


def success(**response: object) -> Result:
    whole = {"stdout": "ok", "stderr": "", "interrupted": False, "isImage": False, **response}
    return read_result(event("PostToolUse", response=whole), CAP)


def failure(error: str, **fields: object) -> Result:
    return read_result(event("PostToolUseFailure", error=error, **fields), CAP)


def refusal(call: object) -> outcome.Outcome:
    assert callable(call)
    with pytest.raises(Unusable) as caught:
        call()
    return caught.value.outcome


def test_a_success_is_its_standard_output() -> None:
    result = success(stdout="  1 passed ✓", noOutputExpected=False)
    assert (result.status, result.output, result.meaning) == (0, "  1 passed ✓".encode(), "")


def test_an_empty_success_is_empty() -> None:
    assert success(stdout="").output == b""


def test_a_last_grep_that_found_nothing_is_no_failure() -> None:
    result = success(stdout="", returnCodeInterpretation=NO_MATCHES)
    assert (result.status, result.meaning) == (1, NO_MATCHES)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"interrupted": True}, outcome.INTERRUPTED),
        ({"backgroundTaskId": "b1"}, outcome.MOVED_TO_BACKGROUND),
        ({"timedOutAfterMs": 5}, outcome.MOVED_TO_BACKGROUND),
        ({"isImage": True}, outcome.NOT_TEXT),
        ({"stderr": "Shell cwd was reset to /w"}, outcome.NOT_TEXT),
        ({"stdout": None}, outcome.NOT_TEXT),
        ({"stdout": "data:image/png;base64,AAAA"}, outcome.NOT_TEXT),
        ({"stdout": "half \ud83c"}, outcome.NOT_TEXT),
        ({"structuredContent": [1]}, outcome.NOT_TEXT),
        ({"returnCodeInterpretation": "Files differ"}, outcome.NOT_TEXT),
        ({"rawOutputPath": "/x"}, outcome.CUT),
        ({"stdout": "x" * 30_001}, outcome.CUT),
    ],
)
def test_a_success_that_cannot_be_replayed(fields: dict[str, object], expected: outcome.Outcome) -> None:
    assert refusal(lambda: success(**fields)) is expected


def test_a_long_output_is_read_whole_from_the_clients_file(tmp_path: Path) -> None:
    whole = b"line\r\n" * 6_000
    path = tmp_path / "output.txt"
    path.write_bytes(whole)
    result = success(stdout="cut", persistedOutputPath=str(path), persistedOutputSize=len(whole))
    assert result.output == whole


def test_a_long_output_that_is_not_all_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "output.txt"
    path.write_bytes(b"part")
    fields = {"persistedOutputPath": str(path), "persistedOutputSize": 5}
    assert refusal(lambda: success(**fields)) is outcome.CUT
    assert refusal(lambda: success(persistedOutputPath=str(tmp_path / "gone"))) is outcome.CUT
    assert refusal(lambda: success(persistedOutputPath="relative")) is outcome.CUT
    assert refusal(lambda: success(persistedOutputPath=7)) is outcome.CUT
    assert refusal(lambda: success(persistedOutputPath=str(path), persistedOutputSize=CAP + 1)) is outcome.TOO_BIG
    path.write_bytes(b"\xff" * 40_000)
    assert refusal(lambda: success(persistedOutputPath=str(path))) is outcome.NOT_TEXT


def test_a_failure_is_its_status_and_output() -> None:
    result = failure("Exit code 3\n\n  out\nerr")
    assert (result.status, result.output) == (3, b"\n  out\nerr")


def test_a_failure_without_output_is_its_status() -> None:
    result = failure("Exit code 127")
    assert (result.status, result.output) == (127, b"")


@pytest.mark.parametrize(
    "error",
    ["", "permission denied", "Exit code x\n", "Exit code 0\n", "Exit code 999\n", "exit code 1", "Exit code 1 "],
)
def test_an_error_of_another_form_is_no_result(error: str) -> None:
    assert refusal(lambda: failure(error)) is outcome.NOT_TEXT


def test_a_failure_the_client_has_cut_is_refused() -> None:
    assert failure("Exit code 1\n" + "x" * 9_900).status == 1
    assert refusal(lambda: failure("Exit code 1\n" + "x" * 10_050)) is outcome.CUT
    assert refusal(lambda: failure("Exit code 1\n" + "\U0001f389" * 5_000)) is outcome.CUT


def test_an_interrupted_call_has_no_result() -> None:
    assert refusal(lambda: failure("Exit code 130\n", interrupted=True)) is outcome.INTERRUPTED


def test_an_output_over_the_cap_is_refused() -> None:
    small = ToolEvent("PostToolUse", tool="Bash", tool_input={}, tool_use_id="t", cwd="/w", response={"stdout": "éé"})
    assert read_result(small, 4).output == "éé".encode()
    assert refusal(lambda: read_result(small, 3)) is outcome.TOO_BIG
