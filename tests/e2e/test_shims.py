"""Commands are answered where they run, however a line has them run; every line with its real runs and its text."""

from __future__ import annotations

import re
import shutil

import pytest

from skillcache.cli.checks.messages_api import Turn
from tests.e2e.project import Place, after
from tests.e2e.stubs import (
    ENDED_FAILING,
    FAILED,
    FAILED_AGAIN,
    RAN,
    RAN_FAILING,
    RAN_FRESH,
    REPLAYED,
    SAID,
    UNSEEN,
    Step,
    play,
    said_by_hooks,
    sentences,
    told,
)

# No run may have left a trace in the project that the next would see.
INTO_PROJECT = "pytest -q > out.txt; cat out.txt; rm out.txt"


def edited(place: Place, answer: str, call: Turn) -> Turn:
    return after(lambda: place.write("answer", answer), call)


@pytest.mark.parametrize("stubbed", ["newest hooks bash", "earlier plugin zsh"], indirect=True)
def test_a_command_is_answered_wherever_a_line_has_it_run(stubbed: Place) -> None:
    place, out = stubbed, stubbed.root / "out.txt"
    by_path = f"{place.project}/gradlew test"
    absent = next(name for name in ("rspec", "phpunit", "gofmt", "zig") if not shutil.which(name))
    session = play(
        place,
        Step("pytest -q", SAID, 1, RAN),
        Step("pytest -q", SAID),
        Step("pytest -q 2>&1 | tail -1", "all is well"),
        Step("pytest -q 2>&1 | grep -c o", "2"),
        Step("(pytest -q)", SAID),
        Step("(cd sub && pytest -q)", SAID, 1, RAN),
        Step("(cd sub; pytest -q)", SAID),
        Step("pytest -q 2>/dev/null | grep one", "one -q", 1, RAN),  # streams apart are recorded apart
        Step('said=$(pytest -q 2>/dev/null); echo "<$said>"', "<one -q\nall is well>"),
        Step("pytest -q 2>&1 >/dev/null", "two"),
        Step(
            "for i in 1 2 3; do pytest -q; done",
            "\n".join([SAID] * 3),
            2,
            [*REPLAYED, "repeated", "stored", "repeated", "stored"],
        ),
        Step(f"pytest -q > {out} 2>&1; cat {out}", SAID),
        Step(INTO_PROJECT, "two\none -q\nall is well", 1, ["streams"]),
        Step(INTO_PROJECT, "two\none -q\nall is well", 1, ["streams"]),
        Step("sh -c 'pytest -q'", SAID),
        Step("env pytest -q", SAID),
        Step("command pytest -q", SAID),
        Step("timeout 5 pytest -q", SAID),
        Step("echo -q | xargs pytest", SAID),
        Step("make test", SAID, 1, ["no_entry", *RAN, "stored"]),
        Step("make test", SAID),
        Step("make all", SAID),  # of which only the recipe's command can be a report
        Step("git commit --quiet --allow-empty -m step", SAID, 1, RAN),
        Step("git commit --quiet --allow-empty -m step", SAID),
        Step("source .venv/bin/activate && pytest -q", SAID, 1, RAN),
        Step("source .venv/bin/activate && pytest -q 2>&1 | tail -1", "all is well"),
        Step(".venv/bin/pytest -q", SAID, 1, RAN),
        Step(".venv/bin/pytest -q 2>&1 | grep one", "one -q"),
        Step("./gradlew test", "one test\ntwo\nall is well", 1, RAN),
        Step("./gradlew test && echo passed", "one test\ntwo\nall is well\npassed"),
        Step(by_path, "one test\ntwo\nall is well", 1, RAN),
        Step(by_path, "one test\ntwo\nall is well"),
        Step("python -m pytest -q", "one -m pytest -q\ntwo\nall is well", 1, RAN),
        Step("python -m pytest -q", "one -m pytest -q\ntwo\nall is well"),
        Step("pytest -q # fresh", SAID, 1, RAN_FRESH),
        Step("SKILLCACHE_FRESH=1 pytest -q", SAID, 1, RAN_FRESH),
        Step(edited(place, "all is different\n", "pytest -q"), "one -q\ntwo\nall is different", 1, RAN),
        Step("pytest -q", "one -q\ntwo\nall is different"),
        Step(edited(place, "all is well\n", "pytest -q"), SAID),
        Step(
            f"command -v pytest >/dev/null && echo found; command -v {absent} || echo missing",
            "found\nmissing",
            0,
            UNSEEN,
        ),
    )
    assert sentences(session) == 1
    (line,) = told(session)
    commands = r"pytest -q, make test, \.venv/bin/pytest -q, \./gradlew test and 2 more"
    saved = r"\d+\.\d s saved"
    in_all = rf"\(this session: 24 of 40 checks replayed, {saved}\)"
    assert re.fullmatch(rf"skillcache: {commands} replayed, {saved} {in_all}", line), line
    assert "ermission" not in said_by_hooks(session)


@pytest.mark.parametrize("stubbed", ["earlier hooks zsh"], indirect=True)
def test_a_failure_is_given_to_the_next_call_that_looks_at_it_in_another_way(stubbed: Place) -> None:
    place = stubbed
    place.write("status", ENDED_FAILING)
    status = "set -o pipefail; pytest -q 2>&1 |"
    session = play(
        place,
        Step("pytest -q", FAILED, 1, RAN_FAILING),
        Step("pytest -q", FAILED, 1, FAILED_AGAIN),
        Step("pytest -q 2>&1 | tail -1", "all is well"),
        Step("pytest -q 2>&1 | grep one", "one -q", 1, FAILED_AGAIN),  # the call before this one ran nothing
        Step("pytest -q 2>&1 | grep one", "one -q", 1, FAILED_AGAIN),  # the same again is meant to run
        Step("pytest -q 2>&1 | grep two", "two"),
        Step("pytest -q 2>&1", FAILED, 1, FAILED_AGAIN),
        Step("echo in between", "in between", 0, UNSEEN),
        Step("pytest -q 2>&1 | tail -1", "all is well", 1, FAILED_AGAIN),
        Step(f"{status} tail -1", "Exit code 3\nall is well", 1, FAILED_AGAIN),
        Step(f"{status} grep one", "Exit code 3\none -q"),
        Step("pytest -q; echo status $?", f"{SAID}\nstatus 3", 1, FAILED_AGAIN),
        Step("pytest -q 2>&1 | cat; echo changed >answer", SAID, 1, FAILED_AGAIN),
        Step(edited(place, "all is worse\n", "pytest -q 2>&1 | cat"), "one -q\ntwo\nall is worse", 1, RAN_FAILING),
        Step(after(lambda: place.write("status", "0\n"), "pytest -q"), "one -q\ntwo\nall is worse", 1, RAN),
    )
    assert [result.is_error for result in session.results] == [step[0] == "E" for step in session.texts]
    assert len(told(session)) == 1
