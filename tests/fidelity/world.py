"""A project in which everything happens that may happen between two runs of one command, with the shims in its shells.

`World.step` does one random thing; a call goes through a real shell as the client starts it, and whatever was served in
it is held against a fresh run of the same line at the same moment. The same steps serve the bounded test and the long
benchmark.

Which commands really ran is what they say themselves (see `observer`): one that the fresh run has beyond those was
served. A repeat is safe to serve where a run of the same command, on a state that gave the same output, has passed.
"""

import json
import os
import shutil
import stat
import subprocess
import venv
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import NamedTuple

from skillcache.core import counts
from skillcache.core.outcomes import HIT, Outcome
from skillcache.core.paths import tally_file
from tests.fidelity import observer
from tests.fidelity.bash_tool import BashTool, Ran
from tests.fidelity.hooks import bare_python, observing, path_of_machine
from tests.fidelity.lines import LINES, Line
from tests.fidelity.surroundings import SHARED, TRACKED, Surroundings

DAY = 86_400
_TOOLS = ("pytest", "ruff", "mypy", "checker", "flake8")
_STARTED = "mypy"  # by a script of that name, which sources another file
_FILES = ("app.py", "tests/test_app.py", "sub/mod.py", "sub/data.txt", "notes.txt")
_IGNORED = (".env", "local_settings.py", "build/gen.py")
_CONTENTS = ("one\n", "two\n", "three\n")
_VARIABLES = {"CI": (None, "1"), "PYTEST_ADDOPTS": (None, "", "-x"), "PYTHONPATH": (None, "sub")}
_NEVER_SURE = frozenset(["flaky", "writes", "--fix"])
_ALWAYS_RUN = frozenset(["writes", "--fix"])
_PATIENCE = 120  # seconds for another look at a failure
_NOTHING = ":\n"  # as many lines as the preamble has
_MAKEFILE = """check:
\t@pytest -q
\truff check .
\tchecker
lint:
	checker
both: one other
one:
\t@pytest tests
other:
\t@mypy sub
"""


OUT = "written-by-lines"  # no word of the observing tool, which goes up from where it lies


class Done(NamedTuple):
    """A command that ran, as it says itself. state: a digest of all that it saw."""

    name: str
    arguments: tuple[str, ...]
    state: int
    streams: str
    status: int

    @property
    def is_sure(self) -> bool:
        """Whether a run on the same state gives the same, and leaves it."""
        return _NEVER_SURE.isdisjoint(self.arguments)

    @property
    def call(self) -> "Done":
        """Without what may differ between two runs."""
        return self._replace(status=0)


class Look(NamedTuple):
    """The failures of one Bash call, which the next may look at once more. number: of the call in its session."""

    number: int
    at: float
    head: str
    filters: str
    failed: frozenset[Done]


class Report:
    """What a run of steps came to. wrong: descriptions of wrong hits, empty when all is well."""

    def __init__(self) -> None:
        self.steps = self.lines = self.commands = self.hits = self.safe_repeats = self.safe_served = 0
        self.compared = self.looks = 0
        self.wrong: list[str] = []
        self.missed: Counter[str] = Counter()
        # By what happened last before a call: steps, and what `lines` to `wrong` say of the calls.
        self.kinds: dict[str, Counter[str]] = defaultdict(Counter)

    def table(self) -> str:
        names = ("steps", "lines", "hits", "wrong", "safe", "served")
        rows = [
            f"| {kind} | {' | '.join(str(of[name]) for name in names)} |" for kind, of in sorted(self.kinds.items())
        ]
        head = "| the last step before | steps | lines | hits | wrong | safe repeats | served of these |"
        return "\n".join([head, "|---|---|---|---|---|---|---|", *rows])

    def _of_kinds(self) -> list[tuple[str, Counter[str]]]:
        return sorted(self.kinds.items())


# Half of the rules of the walk's commands.
_AHEAD = "".join(f'[[rules]]\nmatch = "Bash({name}:*)"\nahead = true\n' for name in ("pytest", "mypy"))


class World:
    """ahead: whether half of the rules have `ahead`: then every call is held against a fresh run, and nothing counted.

    What ran ahead leaves its lines in the notes whenever it does, so that nobody could say what was served.
    """

    def __init__(self, base: Path, store: str, random: Random, *, ahead: bool = False) -> None:
        self.ahead = ahead
        self.base = base
        self.random = random
        self.report = Report()
        self.shift = 0.0
        self.kind = "begin"  # of the last step that was no call
        self.recent: list[Line] = []
        self.sessions = ["s1"]
        # When a command was last seen to pass on a state: the repeats that are safe to serve.
        self.known: dict[Done, float] = {}
        self.looks: dict[str, Look] = {}
        self.failed: Call | None = None  # the last, if it failed
        self.begun: Counter[str] = Counter()
        self.preambles: dict[tuple[str, Path], str] = {}
        self.roots = [base / "workshop", base / "abroad" / "annexe", base / "clone"]  # no words of the tool, either
        self.cache = str(base / "home/.cache/skillcache")
        self.environ = {
            "PATH": f"{base}/bin:{path_of_machine()}",
            "HOME": str(base / "home"),
            "LANG": "C.UTF-8",
            "USER": "someone",
            "GIT_CONFIG_GLOBAL": str(base / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        self._make(store)
        self.around = Surroundings(base, self.roots, self.environ, random)

    def _make(self, store: str) -> None:
        (self.base / OUT).mkdir()
        # A busy machine decides no test.
        settings = [
            "min_duration = 0",
            "verify = 0",
            "capture_time = 60",
            *([f'redis_url = "{store}"'] if store else []),
        ]
        settings.append(_AHEAD if self.ahead else "")
        self._write(self.base / "home/.config/skillcache/config.toml", "\n".join(settings))
        (self.base / "gitconfig").write_text("[user]\nname = x\nemail = x@x\n[init]\ndefaultBranch = main\n")
        (self.base / "hooks").mkdir()
        for name in ("session_start.py", "stand_in.py"):
            (self.base / "hooks" / name).symlink_to(Path(__file__).with_name("shifted_clock.py"))
        self._set_clock()
        self.notes = self._folder("notes")  # not beside the tools, whose text spells the names of these files
        self.python = bare_python(self.base / "python")
        self._install_tools("1")
        self.tools = [
            BashTool(self._folder(f"calls{number}"), self.base / "hooks") for number in range(len(self.roots))
        ]
        self._make_roots()

    def _make_roots(self) -> None:
        root = self.roots[0]
        for name in _FILES:
            self._write(root / name, "one\n")
        self._write(root / "Makefile", _MAKEFILE)
        self._write(root / "names.txt", "tests/test_app.py\nsub\n")
        ignored = (".env", "local_settings.py", "build/", "*.log", ".venv/", "node_modules/", *observer.CACHES)
        self._write(root / ".gitignore", "\n".join(ignored) + "\n")
        for name, content in TRACKED.items():
            self._write(root / name, content)
        (root / SHARED).symlink_to(f"../{SHARED}")
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("commit", "-qm", "first")
        self.git("branch", "side")
        self.git("worktree", "add", "-q", "--detach", str(self.roots[1]))
        self.git("clone", "-q", str(root), str(self.roots[2]), root=self.base)
        for place in (root, self.roots[2]):
            self._write(place / ".git/hooks/pre-commit", "#!/bin/sh\nexec pytest -q tests\n")
            (place / ".git/hooks/pre-commit").chmod(0o755)
        for place in self.roots:
            venv.create(place / ".venv")
            for name in _TOOLS:
                shutil.copy(self.base / "bin" / name, place / ".venv/bin" / name)
            self._package(place, "six-1.0")

    def _folder(self, name: str) -> Path:
        (folder := self.base / name).mkdir()
        return folder

    def _set_clock(self) -> None:
        (self.base / "hooks/clock").write_text(str(self.shift))

    def _install_tools(self, version: str) -> None:
        for folder in ("bin", "libexec"):
            (self.base / folder).mkdir(exist_ok=True)
        for name in _TOOLS:
            path = self.base / "bin" / name
            if name == _STARTED:
                self._write(
                    path, f'#!/bin/sh\n. {self.base}/libexec/flavour.sh\nexec {self.base}/libexec/{name} "$@"\n'
                )
                path.chmod(0o755)
                path = self.base / "libexec" / name
            source = observing(self.notes, name).replace('VERSION = "1"', f'VERSION = "{version}"')
            path.write_text(f"#!{self.python} -IS\n{source}")
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
        if self.failed is not None and self.random.random() < 0.5:
            # Whoever sees a failure wants to see more of it.
            call, self.failed = self.failed, None
            self.call_at(self.random.choice(_others(call.line)), call.number, session=call.session, cwd=call.cwd)
            return
        if self.random.random() < 0.75:
            # Agents ask again for what they have just asked.
            again = self.recent and self.random.random() < 0.5
            self.call(self.random.choice(self.recent) if again else None)
            return
        if self.random.random() < 0.5:
            change: Callable[..., object] = self.random.choice(self.changes())
            change()
        else:
            change = self.random.choice(self.around.kinds())
            change(self._root())
        self.took(change)

    def took(self, change: Callable[..., object]) -> None:
        self.kind = change.__name__.replace("_", " ")
        self.report.kinds[self.kind]["steps"] += 1

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
        content = "DEFECT\n" if self.random.random() < 0.05 else self.random.choice(_CONTENTS)
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
        """Nobody commits what is broken: else all would soon fail for ever."""
        root = self._root()
        for name in _FILES:
            if (path := root / name).is_file() and path.read_text() == "DEFECT\n":
                self._write(path, "one\n")
        self.git("add", "-A", root=root)
        self.git("commit", "-qm", "more", "--no-verify", root=root)

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
        if self.ahead:  # what runs ahead has no clock of the walk's
            return
        self.shift += self.random.choice((60, 3600, DAY / 4))
        self._set_clock()

    def begin_session(self) -> None:
        self.sessions = [*self.sessions[-2:], f"s{self.report.lines}"]

    # One line through a shell.

    def call(self, line: Line | None = None) -> None:
        """One line, or at times the same one in two places at the same moment."""
        line = line or self.random.choice(LINES)
        self.recent = [*self.recent[-2:], line]
        numbers = [self.random.randrange(len(self.roots))]
        alone = not line.calm or "{out}" in line.text or "commit" in line.text
        chance = self.random.random()
        # Two would race for what is to happen meanwhile.
        happens = line.calm and chance < 0.05 and self._plan(self.roots[numbers[0]])
        if not alone and chance > 0.95:
            numbers = self.random.sample(range(len(self.roots)), 2)
        self.call_at(line, *numbers, calm=line.calm and not happens)
        (self.notes / "meanwhile").unlink(missing_ok=True)

    def call_at(self, line: Line, *numbers: int, calm: bool = True, session: str = "", cwd: str = "") -> "list[Call]":
        """At the same moment in each of these roots. `calm`: nothing else happens to those."""
        calls = [Call(self, line, number, session, cwd) for number in numbers]
        with ThreadPoolExecutor() as pool:
            list(pool.map(Call.run, calls))
        for call in calls:
            call.judge(calm=calm)
        self.failed = None
        for call in calls:
            call.remember(calm=calm)
        return calls

    def _plan(self, root: Path) -> bool:
        """Something happens while the next command runs."""
        path = root / self.random.choice((*_FILES, *_IGNORED, "new0.py"))
        (self.notes / "meanwhile").write_text(json.dumps([str(path), self.random.choice(_CONTENTS)]))
        return True

    def preamble(self, session: str, root: Path) -> str:
        if (session, root) not in self.preambles:
            tool = self.tools[self.roots.index(root)]
            self.preambles[session, root] = tool.begin(session, str(root), self.environ)
        return self.preambles[session, root]


class Call:
    """A line in one of the world's roots."""

    def __init__(self, world: World, line: Line, number: int, session: str, cwd: str) -> None:
        self.world = world
        self.line = line
        self.number = number
        self.root = world.roots[number]
        self.tool = world.tools[number]
        in_sub = world.random.random() < 0.1 and (self.root / "sub").is_dir()
        self.cwd = cwd or str(self.root / "sub" if in_sub else self.root)
        self.session = session or f"{world.random.choice(world.sessions)}-{number}"
        self.preamble = world.preamble(self.session, self.root)
        self.text = line.text.replace("{out}", str(world.base / OUT))
        self.is_compared = world.random.random() < 0.1  # even if nothing was served
        self.counted_from = _size(tally_file(world.cache))
        self.before = self._files()
        world.begun[self.session] += 1

    def run(self) -> None:
        self.ran = self._run(self.preamble)

    def _run(self, preamble: str) -> Ran:
        return self.tool.run(self.text, self.cwd, self.world.environ, session=self.session, preamble=preamble)

    def judge(self, *, calm: bool) -> None:
        """Hold it against a fresh run, and count."""
        report = self.world.report
        report.lines += 1
        self.tally = report.kinds[self.world.kind]
        self.tally["lines"] += 1
        self.really = really = self._take_runs()
        outcomes = self._outcomes()
        if self.world.ahead:
            self._judge_all(outcomes, calm=calm)
            return
        fresh = really
        if (self.is_compared or any(outcome.kind == HIT for outcome in outcomes)) and calm:
            report.compared += 1
            fresh = self._compare()
        served = Counter(done.call for done in fresh) - Counter(done.call for done in really)
        report.commands += len(fresh)
        report.hits += sum(served.values())
        self.tally["hits"] += sum(served.values())
        look = self._look()
        self._judge_served(fresh, really, served, look)
        # git tells a hook the time, and its clock is not the walk's.
        if self.line.safe and calm and not (self.world.shift and "git commit" in self.text):
            self._count_repeats(fresh, served, look, [outcome.name for outcome in outcomes if outcome.kind != HIT])

    def _judge_all(self, outcomes: list[Outcome], *, calm: bool) -> None:
        report = self.world.report
        report.hits += sum(outcome.kind == HIT for outcome in outcomes)
        if calm:
            report.compared += 1
            report.commands += len(self._compare())

    def _compare(self) -> list[Done]:
        after = self._files()
        for path in {path for path, _ in self.before.items() ^ after.items()}:
            _put(path, self.before.get(path))
        fresh = self._run(_NOTHING)
        done = self._take_runs()
        if "flaky" not in self.text:
            if self._level(self.ran) != self._level(fresh):
                self._wrong(_difference(self.ran, fresh))
            elif changed := after.items() ^ self._files().items():
                self._wrong(f"other files: {sorted({str(path) for path, _ in changed})}")
        return done

    def _level(self, ran: Ran) -> object:
        return ran if self.line.ordered else (ran.status, ran.cwd, sorted(ran.text))

    def _judge_served(self, fresh: list[Done], really: list[Done], served: Counter[Done], look: "Look | None") -> None:
        times, ran = Counter(done.call for done in fresh), Counter(done.call for done in really)
        for done in fresh:
            if not served[done.call]:
                continue
            if not self.line.safe or not _ALWAYS_RUN.isdisjoint(done.arguments):
                self._wrong(f"{done} is to run always")
            elif times[done.call] > 1 and ran[done.call] < times[done.call] - 1:
                self._wrong(f"{done} was served again in the same call")
            elif done.status and done.is_sure and not (look is not None and done in look.failed):
                self._wrong(f"{done}: a failure that is to run again")

    def _count_repeats(self, fresh: list[Done], served: Counter[Done], look: "Look | None", reasons: list[str]) -> None:
        report, known, counted = self.world.report, self.world.known, set[Done]()
        for done in fresh:
            if not done.is_sure or done in counted:
                continue
            is_looked_at = bool(done.status) and look is not None and done in look.failed
            counted.add(done)
            if not is_looked_at and known.get(done, -DAY) <= self.world.shift - DAY + 60:
                continue
            report.safe_repeats += 1
            self.tally["safe"] += 1
            report.looks += is_looked_at
            if served[done.call]:
                report.safe_served += 1
                self.tally["served"] += 1
            else:
                kind = "failure, " if is_looked_at else ""
                report.missed[
                    f"{kind}{self.line.text}: {done.name} {' '.join(done.arguments)}: {', '.join(reasons)}"
                ] += 1

    def remember(self, *, calm: bool) -> None:
        """What it has run may be served from now on, or not any more."""
        known = self.world.known
        failed = set()
        for done in self.really:
            if not calm or done.status or not done.is_sure:
                for form in "joined", "apart":
                    known.pop(done._replace(streams=form, status=0), None)
                failed.add(done)
                continue
            known[done] = self.world.shift
            if done.streams == "apart" and "loud" not in done.arguments:
                known[done._replace(streams="joined")] = self.world.shift
        head, filters = _split(self.text)
        if failed and calm and self.line.safe:
            number = self.world.begun[self.session]
            self.world.failed = self
            self.world.looks[self.session] = Look(number, self.world.shift, head, filters, frozenset(failed))

    def _look(self) -> "Look | None":
        """The failures that this call looks at once more."""
        look = self.world.looks.get(self.session)
        head, filters = _split(self.text)
        if look is None or look.number + 1 != self.world.begun[self.session] or self.world.shift - look.at > _PATIENCE:
            return None
        return look if look.head == head and filters and filters != look.filters else None

    def _take_runs(self) -> list[Done]:
        """What ran in this root since the last time."""
        path = self.world.notes / "ran"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        mine = [line for line in lines if line[0] == str(self.root)]
        path.write_text("".join(json.dumps(line) + "\n" for line in lines if line not in mine))
        return [Done(name, tuple(words), *rest) for _, name, words, *rest in mine]

    def _outcomes(self) -> list[Outcome]:
        path = Path(tally_file(self.world.cache))
        counted = path.read_bytes()[self.counted_from :] if path.exists() else b""
        return [count.outcome for count in counts.parse(counted)]

    def _files(self) -> dict[Path, tuple[int, bytes]]:
        """Mode and content of what a line may touch, by path."""
        found = {}
        for place in (self.root, self.world.base / OUT):
            for folder, folders, names in os.walk(place):
                folders[:] = [name for name in folders if name not in {".git", ".venv"}]
                links = [name for name in folders if os.path.islink(f"{folder}/{name}")]
                for name in (*names, *links):
                    path = Path(folder, name)
                    if name not in {".git", "runs"}:
                        found[path] = _state(path)
        return found

    def _wrong(self, what: str) -> None:
        self.tally["wrong"] += 1
        self.world.report.wrong.append(f"{self.line.text} in {self.cwd} ({self.session}): {what}")


def _state(path: Path) -> tuple[int, bytes]:
    mode = path.lstat().st_mode
    return mode, os.fsencode(os.readlink(path)) if stat.S_ISLNK(mode) else path.read_bytes()


def _put(path: Path, state: tuple[int, bytes] | None) -> None:
    path.unlink(missing_ok=True)
    if state is None:
        return
    mode, content = state
    path.parent.mkdir(parents=True, exist_ok=True)
    if stat.S_ISLNK(mode):
        path.symlink_to(os.fsdecode(content))
    else:
        path.write_bytes(content)
        path.chmod(stat.S_IMODE(mode))


def _split(text: str) -> tuple[str, str]:
    """A line up to its first pipe, and the filters behind it."""
    head, _, filters = text.replace("||", "\0").partition("|")
    return head.removesuffix("2>&1 ").strip(), filters.strip()


def _others(line: Line) -> list[Line]:
    """The lines that look at the same through a filter; the line itself where there are none."""
    head = _split(line.text)[0]
    return [other for other in LINES if _split(other.text)[0] == head and "|" in other.text] or [line]


def _size(path: str) -> int:
    return os.path.getsize(path) if os.path.exists(path) else 0


def _difference(served: Ran, fresh: Ran) -> str:
    one, other = served.text.splitlines(), fresh.text.splitlines()
    lines = [f"- {line}" for line in one if line not in other] + [f"+ {line}" for line in other if line not in one]
    return "\n".join([f"{served.status} in {served.cwd}, fresh {fresh.status} in {fresh.cwd}", *lines[:20]])
