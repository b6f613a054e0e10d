"""What is swept out of the cache folder, and what somebody still uses."""

import os
from pathlib import Path

from skillcache.commands.housekeeping import tidy
from tests.shims.shell import Shell

DAY = 86_400
NOW = 1_700_000_000.0


def test_what_is_kept_for_a_call_is_gone_after_a_day(tmp_path: Path) -> None:
    folders = (
        "pending",
        "calls",
        "called",
        "failed",
        "seen",
        "replayed",
        "runs",
        "told",
        "ahead/failed",
        "ahead/unfit",
    )
    for folder in folders:
        for name, age in (("old", 1.5 * DAY), ("new", 0.5 * DAY)):
            path = tmp_path / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            os.utime(path, (NOW - age, NOW - age))
    tidy(str(tmp_path), NOW)
    assert {folder: os.listdir(tmp_path / folder) for folder in folders} == {folder: ["new"] for folder in folders}


def test_shims_that_no_session_uses_are_gone_after_a_month(tmp_path: Path) -> None:
    shell = Shell(tmp_path, "bash")
    shell.tool("pytest")
    shell.start()
    before = set(shell.cache.glob("shims/*"))
    shell.tool("ruff")
    shell.start()
    everything = sorted(shell.cache.glob("shims/*"))
    assert before < set(everything)
    for path in everything:
        os.utime(path, (NOW, NOW))

    tidy(str(shell.cache), NOW + 29 * DAY)
    assert sorted(shell.cache.glob("shims/*")) == everything

    used = next(path for path in everything if path.suffix == ".sh" and path not in before)
    os.utime(used, (NOW + 29 * DAY, NOW + 29 * DAY))
    tidy(str(shell.cache), NOW + 31 * DAY)
    left = [path for path in everything if path.exists()]
    assert sorted(path.suffix for path in left) == ["", ".sh"]
    assert str(next(path for path in left if path.is_dir())) in used.read_text().replace("'\\''", "'")
    assert shell.call("ruff check x; command -v ruff").stdout.splitlines()[-1].startswith(str(shell.cache))
