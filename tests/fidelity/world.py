"""A project in which everything happens that may happen between two runs of one command, with the hooks beside it.

`World.step` does one random thing; a call goes through the real hooks, and whatever they serve is held against a
fresh run of the same command at the same moment. The same steps serve the bounded test and the long benchmark.
"""

import os
import shutil
import stat
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

from skillcache import tally
from tests.fidelity import observer
from tests.fidelity.hooks import Ran, event_after, event_before, run_command, run_hook

DAY = 86_400
_TOOLS = ("pytest", "ruff", "mypy")
_FILES = ("app.py", "tests/test_app.py", "sub/mod.py", "sub/data.txt", "notes.txt")
_IGNORED = (".env", "local_settings.py", "build/gen.py")
_CONTENTS = ("one\n", "two\n", "three\n")
_VARIABLES = {"CI": (None, "1"), "PYTEST_ADDOPTS": (None, "", "-x"), "PYTHONPATH": (None, "sub")}


class Command(NamedTuple):
    """text: the line; safe: whether repeats on equal inputs are to be served; flaky: whether runs may differ."""

    text: str
    safe: bool
    flaky: bool = False


COMMANDS = (
    Command("pytest", safe=True),
    Command("pytest -q", safe=True),
    Command("pytest tests/test_app.py", safe=True),
    Command("ruff check .", safe=True),
    Command("mypy sub", safe=True),
    Command("pytest -q 2>&1 | tail -3", safe=True),
    Command("pytest | grep passed", safe=True),
    Command('pytest -q; echo "exit: $?"', safe=True),
    Command("cd sub && pytest -q", safe=True),
    Command("cd sub && pytest -q && cd ..", safe=True),
    Command("ruff check . && mypy sub && pytest", safe=True),
    Command("CI=1 pytest", safe=True),
    Command("timeout 60 pytest -q", safe=True),
    Command("cat .env && pytest -q", safe=True),
    Command("pytest -k cache", safe=True),
    Command("pytest -q # fresh", safe=False),
    Command("pytest -k writes", safe=False),
    Command("pytest -k flaky", safe=False, flaky=True),
    Command("pytest -k flaky | tail -1", safe=False, flaky=True),
    Command("pytest > out.txt", safe=False),
    Command("rm -rf build && pytest", safe=False),
    Command("echo three > app.py; pytest", safe=False),
    Command("ruff check --fix .", safe=False),
    Command("git log -1 --format=%T && pytest", safe=False),
    Command("pytest -q $(echo tests)", safe=False),
    Command("pytest -q &", safe=False),
)  # fmt: skip


class Report:
    """What a run of steps came to. wrong: descriptions of wrong hits, empty when all is well."""

    def __init__(self) -> None:
        self.steps = self.calls = self.hits = self.safe_repeats = self.safe_served = self.flaky_hits = 0
        self.wrong: list[str] = []
        self.missed: Counter[str] = Counter()


class World:
    def __init__(self, base: Path, store: str, random: Random) -> None:
        self.base = base
        self.random = random
        self.report = Report()
        self.shift = 0.0
        self.calls = 0
        self.recent: list[Command] = []
        self.sessions = ["s1"]
        # What each command was last seen to give for each state, and when: the repeats that are safe to serve.
        self.known: dict[tuple[str, ...], float] = {}
        self.roots = [base / "workshop", base / "elsewhere" / "annexe"]
        self.environ = {
            "PATH": f"{base}/bin:{os.environ['PATH']}",
            "HOME": str(base / "home"),
            "LANG": "C.UTF-8",
            "USER": "someone",
            "SKILLCACHE_HOME": str(base / "cache"),
            "SKILLCACHE_MIN_DURATION": "0.5",
            "SKILLCACHE_VERIFY": "0",
            "SKILLCACHE_WAIT": "0",  # calls overlap here, but one process makes them all
            "OBSERVER_COUNTER": str(base / "counter"),
            "GIT_CONFIG_GLOBAL": str(base / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            **({"SKILLCACHE_REDIS_URL": store} if store else {}),
        }
        self._make()

    def _make(self) -> None:
        (self.base / "home").mkdir()
        (self.base / "gitconfig").write_text("[user]\nname = x\nemail = x@x\n[init]\ndefaultBranch = main\n")
        self._install_tools("1")
        root = self.roots[0]
        for name in _FILES:
            self._write(root / name, "one\n")
        self._write(root / ".gitignore", ".env\nlocal_settings.py\nbuild/\n.venv/\n__pycache__/\n.pytest_cache/\n")
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("commit", "-qm", "first")
        self.git("branch", "side")
        self.git("worktree", "add", "-q", "--detach", str(self.roots[1]))
        for place in self.roots:
            self._write(place / ".venv/pyvenv.cfg", "home = /usr/bin\nversion = 3.11.2\n")
            self._package(place, "six-1.0")

    def _install_tools(self, version: str) -> None:
        source = Path(observer.__file__).read_text().replace('VERSION = "1"', f'VERSION = "{version}"')
        (self.base / "bin").mkdir(exist_ok=True)
        for name in _TOOLS:
            path = self.base / "bin" / name
            # Not the interpreter of a virtual environment, whose packages a result would depend on as well.
            path.write_text(f"#!{os.path.realpath(sys.executable)} -IS\n{source}")
            path.chmod(0o755)

    def _package(self, root: Path, name: str) -> None:
        (root / ".venv/lib/python3.11/site-packages" / f"{name}.dist-info").mkdir(parents=True, exist_ok=True)

    @staticmethod
    def _write(path: Path, content: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            path.unlink()
        path.write_text(content)

    def git(self, *arguments: str, root: Path | None = None) -> int:
        return subprocess.run(
            ["git", *arguments], cwd=root or self.roots[0], env=self.environ, capture_output=True, check=False
        ).returncode

    # What may happen.

    def step(self) -> None:
        self.report.steps += 1
        if self.random.random() < 0.75:
            # Agents ask again for what they have just asked.
            again = self.recent and self.random.random() < 0.5
            self.call(self.random.choice(self.recent) if again else None)
        else:
            self.random.choice(self.changes())()

    def changes(self) -> tuple[Callable[[], object], ...]:
        return (
            self.edit, self.edit, self.edit, self.edit_ignored, self.add_file, self.delete_file, self.rename_file,
            self.change_mode, self.change_link, self.commit, self.stage, self.switch_branch, self.stash,
            self.set_variable, self.install_package, self.upgrade_tool, self.pass_time, self.begin_session,
            self.touch, self.restore,
        )  # fmt: skip

    def _root(self) -> Path:
        return self.random.choice(self.roots)

    def _file(self) -> Path:
        return self._root() / self.random.choice(_FILES)

    def edit(self) -> None:
        content = "BUG\n" if self.random.random() < 0.05 else self.random.choice(_CONTENTS)
        self._write(self._file(), content)

    def edit_ignored(self) -> None:
        self._write(self._root() / self.random.choice(_IGNORED), self.random.choice(_CONTENTS))

    def add_file(self) -> None:
        self._write(self._root() / f"new{self.random.randrange(2)}.py", self.random.choice(_CONTENTS))

    def delete_file(self) -> None:
        path = self._root() / self.random.choice((*_FILES, *_IGNORED, "new0.py", "new1.py", "written.txt", "out.txt"))
        path.unlink(missing_ok=True)

    def rename_file(self) -> None:
        root = self._root()
        if (root / "new0.py").exists():
            (root / "new0.py").rename(root / "new1.py")

    def change_mode(self) -> None:
        path = self._file()
        if path.exists() and not path.is_symlink():
            path.chmod(path.stat().st_mode ^ stat.S_IXUSR)

    def change_link(self) -> None:
        path = self._root() / "link"
        if path.is_symlink():
            path.unlink()
        path.symlink_to(self.random.choice(("app.py", "notes.txt", "missing")))

    def commit(self) -> None:
        root = self._root()
        self.git("add", "-A", root=root)
        self.git("commit", "-qm", "more", root=root)

    def stage(self) -> None:
        self.git("add", "-A", root=self._root())

    def switch_branch(self) -> None:
        self.git("checkout", "-q", self.random.choice(("main", "side", "HEAD~1")), root=self._root())

    def stash(self) -> None:
        self.git("stash", self.random.choice(("push", "pop")), "-q", root=self._root())

    def restore(self) -> None:
        self.git("checkout", "-q", "--", ".", root=self._root())

    def touch(self) -> None:
        path = self._file()
        if path.exists():
            os.utime(path, (1, 1))

    def set_variable(self) -> None:
        name = self.random.choice(sorted(_VARIABLES))
        value = self.random.choice(_VARIABLES[name])
        self.environ.pop(name, None)
        if value is not None:
            self.environ[name] = value

    def install_package(self) -> None:
        root = self._root()
        name = self.random.choice(("six-1.0", "six-1.1", "attrs-2.0"))
        path = root / ".venv/lib/python3.11/site-packages" / f"{name}.dist-info"
        if path.exists():
            shutil.rmtree(path)
        else:
            self._package(root, name)

    def upgrade_tool(self) -> None:
        self._install_tools(self.random.choice("123"))

    def pass_time(self) -> None:
        self.shift += self.random.choice((60, 3600, DAY / 4))

    def begin_session(self) -> None:
        self.sessions = [*self.sessions[-2:], f"s{self.calls}"]

    # One call through the hooks.

    def call(self, command: Command | None = None) -> None:
        self.report.calls += 1
        self.calls += 1
        command = command or self.random.choice(COMMANDS)
        self.recent = [*self.recent[-2:], command]
        root = self._root()
        cwd = str(root / "sub" if self.random.random() < 0.1 and (root / "sub").is_dir() else root)
        environ = {**self.environ, "CLAUDE_PROJECT_DIR": str(root)}
        before = event_before(command.text, cwd, f"toolu_{self.calls}", self.random.choice(self.sessions))
        state = self._state(command, root, cwd)
        is_repeat = command.safe and self.known.get(state, -DAY) > self.shift - DAY + 60
        self.report.safe_repeats += is_repeat
        answer = run_hook("pre_tool_use.py", before, environ, shift=self.shift)
        if answer:
            self.report.hits += 1
            self.report.safe_served += is_repeat
            self._check(command, cwd, environ, answer["hookSpecificOutput"]["updatedInput"]["command"])
            return
        if is_repeat:
            self.report.missed[tally.read(self.environ["SKILLCACHE_HOME"])[-1].outcome.name] += 1
        calm = self._meanwhile()
        ran = run_command(command.text, cwd, environ)
        calm = self._meanwhile() and calm
        script, after = event_after(before, ran, duration=900, outputs=self.base / "home")
        run_hook(script, after, environ, shift=self.shift)
        after_state = self._state(command, root, cwd)
        if calm and state == after_state:
            passed = ran.status == 0 and "failed" not in ran.text and "exit: 1" not in ran.text
            if passed and inside(ran.cwd, root):
                self.known[state] = self.shift
            else:
                self.known.pop(state, None)

    def _meanwhile(self) -> bool:
        """Perhaps something happens while a command runs; whether nothing did."""
        if self.random.random() > 0.1:
            return True
        self.random.choice(self.changes())()
        return False

    def _state(self, command: Command, root: Path, cwd: str) -> tuple[str, ...]:
        versions = [(self.base / "bin" / name).read_text()[:0] + self._version(name) for name in _TOOLS]
        variables = [f"{name}={self.environ.get(name)}" for name in observer.VARIABLES]
        place = os.path.relpath(cwd, root)
        return (command.text, place, *versions, *variables, *observer.look(str(root)))

    def _version(self, name: str) -> str:
        text = (self.base / "bin" / name).read_text()
        return text.split('VERSION = "', 1)[1][:1]

    def _check(self, command: Command, cwd: str, environ: dict[str, str], replay: str) -> None:
        served = run_command(replay, cwd, environ)
        root = Path(environ["CLAUDE_PROJECT_DIR"])
        before = observer.look(str(root))
        fresh = run_command(command.text, cwd, environ)
        if command.flaky:
            self.report.flaky_hits += 1
            return
        if served != fresh:
            self.report.wrong.append(_difference(command, served, fresh))
        elif observer.look(str(root)) != before:
            self.report.wrong.append(f"{command.text}: a command that writes was served")


def inside(path: str, root: Path) -> bool:
    return Path(path).is_relative_to(root.resolve())


def _difference(command: Command, served: Ran, fresh: Ran) -> str:
    one, other = served.text.splitlines(), fresh.text.splitlines()
    lines = [f"- {line}" for line in one if line not in other] + [f"+ {line}" for line in other if line not in one]
    return "\n".join(
        [f"{command.text}: {served.status} in {served.cwd}, fresh {fresh.status} in {fresh.cwd}", *lines[:20]]
    )
