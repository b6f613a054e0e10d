"""Commands that are killed at random moments, in bash: `python -m tests.benchmarks.kills [COUNT] [SEED]`.

Each is one of a few that miss, are served or wait for one another; killed is the process that the shell waits for or,
in every third, all of its group. Prints what the killed commands ended with and what was left: processes of theirs, a
store that is damaged, a claim that holds the next run, files that are not swept away.
"""

from __future__ import annotations

import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from skillcache.commands.housekeeping import tidy
from tests.conftest import until
from tests.shims.shell import Shell

_LONGEST = 0.5  # seconds until a kill
_DAY = 86_400
_DRAFT = re.compile(r"\.\d+\.\d+\.\w+$", re.ASCII)
_TOOL = '#!/bin/sh\necho "$*" >>"$COUNTER"\necho "one $*"\nsleep 0.1\necho "two $*" >&2\nsleep 0.1\necho three\n'


def main(count: int, seed: int) -> int:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        shell = Shell(Path(folder), "bash")
        shell.tool("pytest", _TOOL)
        shell.start()
        environ = {**shell.environ, "PATH": f"{shell.shims()}:{shell.environ['PATH']}"}
        ended: Counter[int] = Counter()
        wrong = 0
        for turn in range(count):
            status, text, is_right = _kill_one(shell, environ, turn, chance)
            ended[status] += 1
            if not is_right:
                wrong += 1
                print(f"WRONG in turn {turn}: status {status}, {text!r}")
        wrong += _left(shell)
    print(f"{count} commands, ended with {dict(ended)}, {wrong} faults")
    return 1 if wrong else 0


def _kill_one(shell: Shell, environ: dict[str, str], turn: int, chance: random.Random) -> tuple[int, bytes, bool]:
    word = f"case_{turn % 40}.py"
    if turn % 120 == 0:
        (shell.project / "data").write_text(f"{turn}\n")  # what was stored is out of date
    before = shell.runs()
    command = [str(shell.shims() / "pytest"), "-q", word]
    process, other = (
        subprocess.Popen(
            command,
            env=environ,
            cwd=shell.project,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0,
        )
        for _ in range(2)
    )
    time.sleep(chance.random() * _LONGEST)  # the moment
    if turn % 3:
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)
    (text, _), (whole, _) = process.communicate(timeout=60), other.communicate(timeout=60)
    expected = f"one -q {word}\nthree\n".encode()
    until(lambda: not _running(word))
    return (
        process.returncode,
        text,
        process.returncode in (0, -signal.SIGKILL)
        and expected.startswith(text)
        and (process.returncode != 0 or text == expected)
        and (other.returncode, whole) == (0, expected)
        and shell.runs() - before <= 2,
    )


def _left(shell: Shell) -> int:
    """How many faults the next to come would meet."""
    found = 0
    with sqlite3.connect(shell.cache / "store.sqlite3") as store:
        found += store.execute("PRAGMA integrity_check").fetchall() != [("ok",)]
    store.close()
    (shell.project / "data").write_text("at the end\n")
    begun, before = time.monotonic(), shell.runs()
    said = [shell.call("pytest -q case_1.py").stdout for _ in range(2)]
    seconds = time.monotonic() - begun
    found += said[0] != said[1] or shell.runs() - before != 1
    left = _temporary(shell.cache)
    tidy(str(shell.cache), time.time() + 2 * _DAY)
    stay = _temporary(shell.cache)
    print(f"afterwards: {seconds:.1f} s for a run and a hit; {len(left)} files left behind, {len(stay)} when swept")
    return found + len(stay)


def _temporary(cache: Path) -> list[Path]:
    """Drafts, and what is kept while a command runs."""
    return [
        path for path in cache.rglob("*") if path.is_file() and (_DRAFT.search(path.name) or path.parent.name == "runs")
    ]


def _running(word: str) -> bool:
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and word.encode() in (entry / "cmdline").read_bytes().split(b"\0"):
                return True
        except OSError:
            continue
    return False


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*asked, *(500, 1)[len(asked) :]))
