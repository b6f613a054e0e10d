"""The package, or the Python that the entries name, goes in mid-session: neither model nor person hears of it."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import skillcache
from skillcache.cli.checks.client import Session
from skillcache.cli.checks.messages_api import ToolCall
from skillcache.cli.setup.entries import Edit, Started, started_by
from skillcache.cli.setup.settings_file import add
from skillcache.core.paths import hooks_folder
from tests.e2e.plugin import Plugged
from tests.e2e.project import Place, after
from tests.e2e.test_plugin_faults import start_instead

TOOL = "a tool's $HOME"  # the folder, of a name that a shell would make much of


def settle(place: Place) -> Path:
    """A Python of its own with the package, as `pip install` into a venv leaves one."""
    tool = place.root / TOOL
    shutil.copytree(Path(skillcache.__file__).parent, tool / "lib/skillcache")
    shutil.copytree(hooks_folder(), tool / "lib/skillcache/hooks", dirs_exist_ok=True)
    (tool / "bin").mkdir()
    (tool / "bin/python3").symlink_to(os.path.realpath(sys.executable))
    return tool


def uninstall(tool: Path) -> None:
    shutil.rmtree(tool / "lib/skillcache")


def upgrade(tool: Path) -> None:
    for path in (tool / "lib/skillcache").rglob("*.py"):
        path.write_text("import nothing_that_is_there_yet\n")


def replace(tool: Path) -> None:
    (tool / "bin/python3").unlink()
    (tool / "bin/python3").write_text("#!/bin/sh\necho python3: no such version is installed >&2\nexit 2\n")
    (tool / "bin/python3").chmod(0o755)


def remove(tool: Path) -> None:
    """Also where a hook that nobody waits for leaves something there meanwhile."""
    while tool.exists():
        shutil.rmtree(tool, ignore_errors=True)


GOING: dict[str, Callable[[Path], object]] = {
    "package uninstalled": uninstall,
    "package upgraded": upgrade,
    "venv removed": remove,
    "python replaced": replace,
}


def written(place: Place, name: str) -> list[ToolCall]:
    return [ToolCall("Write", {"file_path": str(place.project / name), "content": "x\n"})]


def play(place: Place, tool: Path, going: Callable[[Path], object]) -> Session:
    return place.play(
        "./check",
        "./check",
        after(lambda: going(tool), "./check"),
        "./check | cat",
        "echo test; false",
        written(place, "new.txt"),
        "done",
    )


def require_ordinary(session: Session) -> None:
    assert session.exit_code == 0
    assert session.stderr == ""
    texts = [(result.text, result.is_error) for result in session.results]
    assert texts[:4] == [("all is well", False)] * 4
    assert texts[4] == ("Exit code 1\ntest", True)
    assert texts[5][1] is False
    assert {(run.stderr, run.exit_code, run.outcome) for run in session.hooks} == {("", 0, "success")}


def require_runs(place: Place, going: str) -> None:
    """One was replayed before; without what its shell was given, the link that is replaced is in nobody's way."""
    assert (place.count(), place.replayed()) == ((2, 2) if going == "python replaced" else (3, 1))


@pytest.mark.parametrize("going", GOING)
def test_the_settings_entries_stay_silent(bare_place: Place, going: str) -> None:
    tool = settle(bare_place)
    bare_place.client.env["SKILLCACHE_RECORD_SESSIONS"] = "1"
    edit = Edit(
        str(tool / "bin/python3"),
        str(tool / "lib/skillcache/hooks"),
        rules=["Bash(./check:*)"],
        sessions=True,
        messages=True,
    )
    settings = bare_place.home / ".claude/settings.json"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text(add("", edit, str(settings)))

    session = play(bare_place, tool, GOING[going])

    require_ordinary(session)
    require_runs(bare_place, going)
    assert [run.event for run in session.hooks if run.stdout] == ["SessionStart"]


# Its handlers are the lines of the settings: what else may go is said there.
def test_the_plugin_stays_silent(plugged: Plugged) -> None:
    going = "python replaced"
    tool = settle(plugged)
    plugged.client.env["SKILLCACHE_RECORD_SESSIONS"] = "1"
    plugged.lay_out()
    hooks = plugged.folder / "hooks/hooks.json"
    held = json.loads(hooks.read_text())
    for handler in (each for groups in held["hooks"].values() for group in groups for each in group["hooks"]):
        script = Path(started_by(handler).script).name  # type: ignore[union-attr]
        handler["command"] = Started(str(tool / "bin/python3"), str(tool / "lib/skillcache/hooks" / script)).line()
    hooks.write_text(json.dumps(held))
    start_instead(plugged, str(tool / "bin/python3"), "-I", str(tool / "lib/skillcache/hooks/serve.py"))

    session = play(plugged, tool, GOING[going])

    require_ordinary(session)
    require_runs(plugged, going)
