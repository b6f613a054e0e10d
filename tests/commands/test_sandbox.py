"""Nothing is given or kept in a sandbox of bubblewrap, whatever a command's environment says of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from skillcache.core import counts
from tests.conftest import require_program
from tests.shims.shell import Shell

# As the client's: what runs in it sees bwrap as its first process. It has the same files, so that only this differs.
INSIDE = "bwrap --dev-bind / / --unshare-pid --proc /proc"


@pytest.mark.parametrize("line", ["ruff check .", f"{sys.executable} -m skillcache run -- ruff check --show-files"])
def test_a_command_in_a_sandbox_runs_though_its_environment_says_nothing(tmp_path: Path, line: str) -> None:
    require_program("bwrap")
    shell = Shell(tmp_path, "bash", plain=True)
    shell.tool("ruff")
    shell.start()
    bare = shell.run(line, SKILLCACHE_DISABLE="1")
    for where, runs in ((line, 1), (f"{INSIDE} {line}", 2)):
        before = shell.runs()
        for _ in range(2):
            done = shell.call(where)
            assert (done.stdout, done.returncode) == (bare.stdout, bare.returncode)
        assert shell.runs() - before == runs, where
    outcomes = [count.outcome.name for count in counts.read(str(shell.cache))]
    assert outcomes[-2:] == ["sandboxed"] * 2
