"""What a killed process leaves of a file that it was about to put in place goes, and nothing else does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import skillcache
from skillcache.core import files

ROOT = Path(skillcache.__file__).parents[1]
DAY = 86_400.0
# Each is killed where the draft is whole and not yet in its place.
KILLED = "import os; os.rename = os.link = lambda *_: os.kill(os.getpid(), 9)\n"
WRITERS = {
    "a file": "from skillcache.core import files; files.write(CACHE + '/quarantine/x', b'y')",
    "a file of the folder itself": "from skillcache.core import files; files.write(CACHE + '/durations.bin', b'y')",
    "a store": "from skillcache.stores import open_store\n"
    "open_store('embedded:' + CACHE + '/s', now=1).write('k', b'v', 9)",
    "a key": "from skillcache.messages import message as seal; seal.key_of(CACHE)",
    "a spool": "from skillcache.sessions import delivery\n"
    "s = delivery.make(CACHE + '/spool/x'); s.add(b'a'); s.keep([b'b'])",
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_draft_of_a_killed_process_is_swept_when_it_is_old(tmp_path: Path, writer: str) -> None:
    cache = tmp_path / "cache"
    head = f"import sys; sys.path.append({str(ROOT)!r}); CACHE = {str(cache)!r}\n"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", head + KILLED + WRITERS[writer]],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = [path for path in cache.rglob("*") if path.is_file() and ".new" in path.name]
    assert left
    newest = max(path.stat().st_mtime for path in left)

    files.sweep_drafts(str(cache), newest + DAY - 60)
    assert all(path.exists() for path in left)

    files.sweep_drafts(str(cache), newest + DAY + 60)
    assert not any(path.exists() for path in left)


@pytest.mark.parametrize("name", ["notes.new", "a.1.new", "a.1.b.new", "a.1.2.newer", "1.2.new", "a.1.2.new.txt"])
def test_a_file_that_is_no_draft_of_ours_stays(tmp_path: Path, name: str) -> None:
    for folder in (tmp_path, tmp_path / "inside"):
        folder.mkdir(exist_ok=True)
        (folder / name).touch()
        os.utime(folder / name, (1, 1))

    files.sweep_drafts(str(tmp_path), 10 * DAY)

    assert (tmp_path / name).exists()
    assert (tmp_path / "inside" / name).exists()


def test_a_folder_that_is_gone_is_swept(tmp_path: Path) -> None:
    files.sweep_drafts(str(tmp_path / "gone"), DAY)
