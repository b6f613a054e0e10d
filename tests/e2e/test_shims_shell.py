"""A person's own shell: what their lines go through, and their own names for programs."""

from __future__ import annotations

import pytest

from tests.e2e.project import Place, after
from tests.e2e.stubs import FAILED_AGAIN, RAN, RAN_FAILING, SAID, Step, play, tool

# A name of their own for each way of calling a tool.
OWN = """\
alias pytest='pytest --aliased'
ruff() { echo mine; command ruff "$@"; }
alias mypy=ruff
"""


@pytest.mark.parametrize("stubbed", ["earlier plugin zsh"], indirect=True)
def test_lines_that_go_through_a_program_of_the_persons_are_answered(stubbed: Place) -> None:
    place, through = stubbed, stubbed.root / "through"
    shell = place.client.env["SHELL"]
    tool(place.root / "prefix", f'#!/bin/sh\nexport WRAPPED=yes\necho x >>{through}\nexec {shell} -c "$@"\n')
    place.client.env["CLAUDE_CODE_SHELL_PREFIX"] = str(place.root / "prefix")

    def fail() -> None:
        place.write("status", "3\n")

    play(
        place,
        Step("pytest -q", SAID, 1, RAN),
        Step("pytest -q; echo $WRAPPED", f"{SAID}\nyes"),
        Step("pytest -q # fresh", SAID, 1, ("fresh", "stored")),
        Step("./gradlew test", "one test\ntwo\nall is well", 1, RAN),
        Step("./gradlew test 2>&1 | tail -1", "all is well"),
        Step(after(fail, "pytest -q"), f"Exit code 3\n{SAID}", 1, RAN_FAILING),
        Step("pytest -q 2>&1 | tail -1", "all is well"),
        Step("pytest -q 2>&1 | tail -1", "all is well", 1, FAILED_AGAIN),
    )
    assert len(through.read_text().splitlines()) >= 8


@pytest.mark.parametrize("stubbed", ["newest plugin bash"], indirect=True)
def test_aliases_and_functions_stay_the_persons(stubbed: Place) -> None:
    place = stubbed
    shell = place.client.env["SHELL"].rpartition("/")[2]
    (place.home / f".{shell}rc").write_text(OWN)
    tool(place.root / "bin/ruff")
    ruff = "mine\none check .\ntwo\nall is well"
    aliased = "one --aliased -q\ntwo\nall is well"
    play(
        place,
        Step("pytest -q", aliased, 1, ("unknown_option",)),
        Step("pytest -q", aliased, 1, ("unknown_option",)),
        Step("command pytest -q", SAID, 1, RAN),
        Step("ruff check .", ruff, 1, RAN),
        Step("ruff check .", ruff),
        Step("mypy check .", ruff),
        Step("ruff check . | tail -1", "two\nall is well", 1, RAN),
    )
