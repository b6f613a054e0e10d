"""A project with checks that may run ahead, each of which ends when the test lets it."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from skillcache.commands import replayed
from skillcache.commands.ahead import ledger, running
from skillcache.commands.ahead.line import Asked
from skillcache.commands.ahead.start import start
from skillcache.core import files, processes
from skillcache.core.git import identity
from skillcache.settings.in_force import load
from tests.conftest import until
from tests.shims.shell import SHELLS, Shell

RULES = """
[[rules]]
match = "Bash(check:*)"
ttl = 3600
ahead = true
[[rules]]
match = "Bash(other:*)"
ttl = 3600
"""
# Says that it has begun, ends when its gate is there, as what is in that says.
CHECK = """#!/bin/sh
echo "$*" >>"$COUNTER"
while [ ! -e "$GATES/$1" ]; do sleep 0.02; done
echo "$1 is done"
exit "$(cat "$GATES/$1")"
"""
OTHER = '#!/bin/sh\necho "other says $*"\n'
NAMES = ("one", "two", "three", "four", "five")
SAID = "one is done\n"


class Place(Shell):
    """Whatever it starts bears its folder in its words, as programs and the cache lie there."""

    def __init__(self, base: Path, rules: str = RULES, kind: str = "bash") -> None:
        super().__init__(base, kind, plain=True)
        self.gates = self.base / "gates"
        self.gates.mkdir()
        self.environ |= {"GATES": str(self.gates), "SKILLCACHE_AHEAD_LOAD": "1000000"}
        config = self.home / ".config/skillcache/config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(rules)
        self.tool("check", CHECK)
        self.tool("other", OTHER)
        self.git("add", "data")
        self.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "begin")
        self.keep(*[f"{tool} {name}" for tool in ("check", "other") for name in NAMES])
        self.start()

    def keep(self, *lines: str, below: str = "") -> None:
        """As if results of these had been stored before, on other content."""
        path = replayed.path_of(str(self.cache), identity(str(self.project)))
        for line in lines:
            kept = [int(time.time() * 1000), "check", "0" * 40, "another", "", "", "", below, line.split()]
            files.append(path, json.dumps(kept).encode() + b"\n")

    def git(self, *words: str) -> None:
        subprocess.run(["git", "-C", str(self.project), *words], env=self.environ, check=True)

    def open(self, name: str, status: int = 0) -> None:
        """Let checks of that name end."""
        draft = self.gates / f"{name}.new"
        draft.write_text(f"{status}\n")
        draft.rename(self.gates / name)

    def ahead(self, *lines: str, why: str = "line", begins: bool = True, cwd: str = "", **environ: str) -> None:
        """Start these, as somebody in a Bash call would; `begins`: and wait until the first has begun."""
        before = self.runs()
        self.keep(*lines, below=os.path.relpath(cwd, self.project) if cwd else "")
        asked = [Asked(tuple(line.split()), cwd or str(self.project)) for line in lines]
        known = {**self.within, **environ}
        start(load(known, str(self.project)), known, asked, why, "one")
        if begins:
            until(lambda: self.runs() > before)
            until(lambda: self.current().digest)

    @cached_property
    def within(self) -> dict[str, str]:
        """The environment of a command in a Bash call: asked for before anything runs ahead, for it would end that."""
        said = self.call("/usr/bin/env -0").stdout
        return dict(word.split("=", 1) for word in said.split("\0") if word)

    def current(self) -> running.Running:
        found = running.current(str(self.cache))
        assert found is not None
        return found

    def command(self) -> int:
        """The process of the check that runs ahead."""
        (number,) = [
            number for number in self.processes("/check") if processes.parent_of(number) == self.current().group
        ]
        return number

    def is_idle(self) -> bool:
        """Whether nothing runs ahead, its keeper has gone, and another may come."""
        if running.current(str(self.cache)) is not None or self.processes():
            return False
        handle = running.lock(str(self.cache))
        if handle is not None:
            os.close(handle)
        return handle is not None

    def settle(self) -> None:
        until(self.is_idle)

    def settle_but(self, other: subprocess.Popen[bytes]) -> None:
        """The same, where that one of ours goes on."""
        until(lambda: self.processes() in ([], [other.pid]))

    def processes(self, mark: str = "") -> list[int]:
        """Those that bear the folder, and the mark, in their words."""
        found = []
        for name in os.listdir("/proc"):
            try:
                words = Path(f"/proc/{name}/cmdline").read_bytes() if name.isdecimal() else b""
            except OSError:
                continue
            if os.fsencode(self.base) in words and os.fsencode(mark) in words and int(name) != os.getpid():
                found.append(int(name))
        return found

    def became(self) -> list[str]:
        """What the runs ahead came to, in order."""
        return [run.what for run in ledger.runs(str(self.cache))]

    @contextmanager
    def calling(self, line: str) -> Iterator[subprocess.Popen[str]]:
        """A Bash call under way."""
        file = self.base / "client/sessionstart-hook-1.sh"
        text = f"{file.read_text()}\n: && eval '{line}' < /dev/null && pwd -P >| /dev/null"
        command = [*SHELLS[self.kind], text]
        with subprocess.Popen(
            command, cwd=self.project, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            yield process
            process.kill()
