"""A person's shell as the client starts it for each Bash call, with the preamble of a session in it."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

from skillcache.commands.invocation import Program
from skillcache.commands.shims.session import make, prepare
from skillcache.commands.stand_in import ruled
from skillcache.settings.in_force import Settings, load
from tests.fidelity.bash_tool import spelled

SECONDS = 60
SHELLS = {"bash": ("/bin/bash", "-c"), "zsh": ("/usr/bin/zsh", "-fc")}

# A tool says how it was called and ends as the file `status` beside it says; each real run leaves a line.
_TOOL = """#!/bin/sh
echo "$0 $*" >>"$COUNTER"
echo "${0##*/} says$(printf ' <%s>' "$@")"
[ ! -e "${0%/*}/status" ] || exit "$(cat "${0%/*}/status")"
"""


class Shell:
    """`bin`: where the tools lie; `project`: a git repository. Blanks and quotes are in all paths."""

    def __init__(self, base: Path, kind: str, *, plain: bool = False) -> None:
        self.kind = kind
        self.base = base / ("place" if plain else 'it\'s "a" $place')
        self.home = self.base / "home"
        self.project = self.base / "project"
        self.bin = self.base / "bin"
        self.counter = self.base / "counter"
        self.environ = {
            "HOME": str(self.home),
            "PATH": f"{self.bin}:/usr/bin:/bin",
            "COUNTER": str(self.counter),
            "CLAUDE_PROJECT_DIR": str(self.project),
            "CLAUDE_CODE_SESSION_ID": "one",
            "GIT_CONFIG_NOSYSTEM": "1",
            "SHELL": SHELLS[kind][0],
            "SHLVL": "1",
            "SKILLCACHE_MIN_DURATION": "0",
            "SKILLCACHE_VERIFY": "0",
            "SKILLCACHE_CAPTURE_TIME": "60",
        }
        for folder in (self.home, self.project, self.bin):
            folder.mkdir(parents=True)
        subprocess.run(["git", "init", "-q", str(self.project)], env=self.environ, check=True)
        (self.project / "data").write_text("one\n")

    @property
    def cache(self) -> Path:
        return self.home / ".cache/skillcache"

    def tool(self, name: str, text: str = _TOOL, folder: Path | None = None) -> Path:
        path = (folder or self.bin) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def start(self) -> Path:
        """What a session's start does; the file that the client splices into each call."""
        file = self.base / "client/sessionstart-hook-1.sh"
        file.parent.mkdir(exist_ok=True)
        prepare({**self.environ, "CLAUDE_ENV_FILE": str(file)}, str(self.project), "one", self._settings())
        return file

    def preamble(self) -> str:
        path = make(self.environ, str(self.project), self._settings(), counts=True)
        assert path is not None
        return path

    def call(self, line: str, *, before: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        """One Bash call. before: shell text that comes first."""
        file = self.base / "client/sessionstart-hook-1.sh"
        spliced = file.read_text() if file.exists() else ""
        called = f"eval {spelled(line)} && pwd -P >| /dev/null"
        text = f"{before}\nsource /dev/null 2>/dev/null || true && {spliced}\n: && {called}"
        return self.run(text, **environ)

    def run(self, text: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """One shell with that text, its streams in one pipe."""
        return subprocess.run(
            [*SHELLS[self.kind], text],
            cwd=self.project,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def same(self, line: str, *, runs: int, **environ: str) -> None:
        """With us as without, twice where it is to run, and it really ran so often."""
        bare = self.run(line, **environ)
        before = self.runs()
        for _ in range(2 if runs else 1):
            done = self.call(line, **environ)
            assert (done.stdout, done.returncode) == (bare.stdout, bare.returncode), line
        assert self.runs() - before == runs, line

    def key(self, line: str, *, folder: str = "", **environ: str) -> str:
        """The digest of what a command, its words alone, depends on here and now: what a stand-in would look up.

        In this process: a table of what counts is a matter of keys, and that a call is answered by its key is said
        elsewhere, through the lane. `folder`: in which it is called, if not the project's. Raises Bypass where no
        stand-in would look anything up.
        """
        words = tuple(shlex.split(line))
        known = {**self.environ, **environ}
        path = shutil.which(words[0], path=known["PATH"])
        assert path is not None, line
        place = folder or str(self.project)
        task = ruled(Program(path, words, known), place, known, self._settings(), fresh=False, joined=True)
        return task.capture_key((), seconds=SECONDS).digest

    def runs(self) -> int:
        return len(self.counter.read_text().splitlines()) if self.counter.exists() else 0

    def shims(self) -> Path:
        """The one folder of shims that holds most."""
        folders = [path for path in (self.cache / "shims").iterdir() if path.is_dir()]
        return max(folders, key=lambda path: len(list(path.iterdir())))

    def _settings(self) -> Settings:
        return load(self.environ, str(self.project))


def environment(path: Path) -> dict[bytes, bytes]:
    """What a tool that copied /proc/self/environ was given."""
    return dict(word.split(b"=", 1) for word in path.read_bytes().split(b"\0") if word)
