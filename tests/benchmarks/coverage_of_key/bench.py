"""One tool's project below a home folder of its own, a run of the tool under strace, and the key of its command."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from skillcache.commands.invocation import Program, find_program
from skillcache.commands.stand_in import ruled
from skillcache.core.outcomes import Bypass
from skillcache.fingerprint import traced
from skillcache.fingerprint.traced import Trace
from skillcache.settings.in_force import load
from tests.benchmarks.coverage_of_key.projects import HOME, PROJECT, TOOLS

_SECONDS = 300  # of a run: strace makes it two to four times as long


def folder_of(tools: str, packages: tuple[str, ...]) -> str:
    """Where the packages are installed."""
    return f"{tools}/{packages[0].replace('/', '+')}"


class Run:
    """What a run gave."""

    def __init__(self, trace: Trace, status: int, seconds: float, output: str) -> None:
        self.trace = trace
        self.status = status
        self.seconds = seconds
        self.output = output


class Bench:
    def __init__(self, name: str, tools: str) -> None:
        """`tools`: the folder with what is installed."""
        self.name = name
        self.tool = TOOLS[name]
        self.tools = tools
        own = [f"{PROJECT}/.venv/bin", f"{PROJECT}/node_modules/.bin", *self.tool.path]
        self.environ = {
            **dict.fromkeys(("USER", "LOGNAME"), "ada"),
            "HOME": HOME,
            "PWD": PROJECT,
            "LANG": "C.UTF-8",
            "SHELL": "/bin/bash",
            "npm_config_update_notifier": "false",
            "PATH": ":".join([*own, "/usr/local/bin", "/usr/bin", "/bin"]),
            **dict(self.tool.environ),
        }
        self.asked = 0

    def build(self) -> None:
        for name, text in {".gitignore": "node_modules/\n.venv/\n", **self.tool.files}.items():
            path = Path(PROJECT, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for source, name in self._installations():
            os.mkdir(f"{PROJECT}/{name}")
            subprocess.run(["mount", "--bind", source, f"{PROJECT}/{name}"], check=True)
        if self.tool.py:
            self._move_environment(Path(PROJECT, ".venv/bin"))
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
        for words in ((*git, "init", "-q"), (*git, "add", "-A"), (*git, "commit", "-qm", "begun"), *self.tool.before):
            environ = {name: value for name, value in self.environ.items() if not name.startswith("GIT_")}
            subprocess.run(words, cwd=PROJECT, check=True, env=environ, capture_output=True)

    def _installations(self) -> Iterator[tuple[str, str]]:
        if self.tool.js:
            yield f"{folder_of(self.tools, self.tool.js)}/node_modules", "node_modules"
        if self.tool.py:
            yield folder_of(self.tools, self.tool.py), ".venv"

    def _move_environment(self, folder: Path) -> None:
        """What pip wrote of the folder that it made the environment in."""
        source = folder_of(self.tools, self.tool.py).encode()
        for path in folder.iterdir():
            if not path.is_symlink() and path.stat().st_size < 1 << 16 and source in path.read_bytes():
                path.write_bytes(path.read_bytes().replace(source, f"{PROJECT}/.venv".encode()))

    def run(self) -> Run:
        log = f"{tempfile.mkdtemp(prefix='trace')}/log"
        begun = time.monotonic()
        done = subprocess.run(
            [*traced.command("strace", log), *self.tool.words],
            cwd=PROJECT,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=_SECONDS,
        )
        spent = time.monotonic() - begun
        trace = traced.read(log, PROJECT)[0]
        shutil.rmtree(os.path.dirname(log))
        return Run(trace, done.returncode, spent, done.stdout.decode(errors="replace")[-400:])

    def tracked(self) -> frozenset[str]:
        words = ["git", "ls-files"]
        done = subprocess.run(words, cwd=PROJECT, env=self.environ, capture_output=True, text=True, check=True)
        return frozenset(done.stdout.splitlines())

    def key(self) -> str:
        """The key's digest now, or the name of the bypass; in a process of its own, so that nothing is remembered."""
        self.asked += 1
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(writer, self.key_here().encode("utf-8", "replace"))
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as file:
            text = file.read().decode()
        os.waitpid(child, 0)
        return text

    def key_here(self) -> str:
        os.chdir(PROJECT)
        words = self.tool.words
        try:
            program = Program(find_program(words[0], self.environ), words, self.environ)
            task = ruled(program, PROJECT, self.environ, load(self.environ, PROJECT), fresh=False, joined=False)
            return task.capture_key((), seconds=60).digest
        except Bypass as bypass:
            return f"bypass: {bypass.outcome.name}: {bypass.detail}"
        except Exception as fault:  # noqa: BLE001 - it is told
            return f"fault: {fault!r}"
