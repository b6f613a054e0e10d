"""The client's own sandbox: a command in it runs, and no result goes in or out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from skillcache.cli.checks.messages_api import ToolCall, bash
from tests.conftest import require_program
from tests.e2e import stubs
from tests.e2e.project import Place, after
from tests.e2e.stubs import RAN, SAID, UNSEEN, Step, play, settle

SANDBOXED = ("sandboxed",)
GRADLE = "one test\ntwo\nall is well"
# Of its environment a command may keep next to nothing: what it was recorded with outside is then the same inside.
KEPT = ("PATH", "HOME", "E2E_PROJECT", "E2E_LOG", "SKILLCACHE_MIN_DURATION", "SKILLCACHE_VERIFY")
BARE = f"env -i {' '.join(f'{name}=${name}' for name in KEPT)} pytest -q"
DECLARED = f"{sys.executable} -m skillcache run -- pytest -q"
DECLARED_RAN = ("no_entry", *RAN, "stored")  # and the shim of what it starts


@pytest.fixture
def stubbed(stubbed: Place, runtime: Path) -> Place:
    require_program("bwrap")
    require_program("socat")
    stubbed.client.env["TMPDIR"] = str(runtime)  # the client's sockets lie there, and their paths must be short
    return stubbed


def sandbox(place: Place, *, writable: list[Path], hidden: tuple[str, ...] = ()) -> None:
    folders: dict[str, Any] = {"allowWrite": [str(path) for path in writable], "denyRead": list(hidden)}
    settle(place, sandbox={"enabled": True, "failIfUnavailable": True, "filesystem": folders})


def test_no_result_goes_into_the_sandbox_or_out_of_it(stubbed: Place, bare_place: Place) -> None:
    place, cache = stubbed, stubbed.home / ".cache/skillcache"
    bare_place.client.binary = place.client.binary
    stubs.furnish(bare_place)
    bare_place.client.env["TMPDIR"] = place.client.env["TMPDIR"]
    bare_place.runs.touch()
    sandbox(bare_place, writable=[bare_place.runs])
    lines = ("pytest -q", "./gradlew test")
    without = bare_place.play(*lines)
    assert without.texts == [SAID, GRADLE]

    inside = [Step(line, text, 1, UNSEEN) for line, text in zip(lines, without.texts, strict=True)]
    outside = Step(bash("pytest -q", dangerouslyDisableSandbox=True), SAID)
    place.runs.touch()
    sandbox(place, writable=[place.runs])  # our folder can be read there and not be written
    play(place, outside._replace(runs=1, outcomes=RAN), *inside, outside)
    sandbox(place, writable=[place.runs], hidden=("~/",))
    play(place, *inside, outside)

    sandbox(place, writable=[place.runs, cache])
    inside = [step._replace(outcomes=SANDBOXED) for step in inside]
    other = SAID.replace("well", "different")
    edit = after(lambda: place.write("answer", "all is different\n"), "pytest -q")
    play(
        place,
        *inside,
        inside[0],
        outside,
        inside[0]._replace(call=edit, text=other),
        outside._replace(text=other, runs=1, outcomes=RAN),
        inside[0]._replace(text=other),
    )


@pytest.mark.parametrize("stubbed", ["newest hooks bash"], indirect=True)
def test_a_command_without_its_environment_is_in_the_sandbox_all_the_same(stubbed: Place) -> None:
    """In another repository, where nothing of the client's own shows in the content."""
    place, other = stubbed, stubbed.root / "other"
    place.git("init", "--quiet", str(other))
    place.runs.touch()
    lines = [f"(cd {other} && {line})" for line in (BARE, DECLARED)]
    inside = [Step(lines[0], SAID, 1, SANDBOXED), Step(lines[1], SAID, 1, SANDBOXED * 2)]
    sandbox(place, writable=[place.runs, other, place.home / ".cache/skillcache"])
    play(
        place,
        *inside,
        *[Step(out(line), SAID, 1, outcomes) for line, outcomes in zip(lines, (RAN, DECLARED_RAN), strict=True)],
        *[Step(out(line), SAID) for line in lines],
        *inside,
    )


def out(line: str) -> ToolCall:
    return bash(line, dangerouslyDisableSandbox=True)
