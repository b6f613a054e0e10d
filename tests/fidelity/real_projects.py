"""Well-known packages with their own test suites, each in a real repository with a real virtual environment.

A source distribution is downloaded once into a cache folder outside the checkout. `Workshop.call` runs a line as the
client does, with the shims, and holds whatever was served against a fresh run of the same line at the same moment.
"""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from skillcache.cache.verify import normalized
from skillcache.core import counts
from skillcache.core.outcomes import HIT, Outcome
from tests.conftest import unavailable
from tests.fidelity.bash_tool import BashTool, Ran


class Project(NamedTuple):
    """A package and what to do with it.

    whole, piped, part: lines that run all tests, many with the report cut, and one file of them; `source` and `wrong`:
    a file of the package, and a replacement in it that fails `part`; test: the file that `part` names; asks_git: that
    its code asks git for its version, which another index, commit or branch may change.
    """

    name: str
    version: str
    whole: str
    piped: str
    part: str
    test: str
    source: str
    wrong: tuple[str, str]
    editable: bool = False
    asks_git: bool = False
    ignored: str = ".venv/\n__pycache__/\n.pytest_cache/\n"


PROJECTS = (
    Project(
        "toolz", "1.0.0",
        whole="python -m pytest -q",
        piped="python -m pytest toolz -q | tail -3",
        part="python -m pytest toolz/tests/test_itertoolz.py -v",
        test="toolz/tests/test_itertoolz.py",
        source="toolz/itertoolz.py",
        wrong=("    next(seq)\n    return next(seq)\n", "    return next(seq)\n"),
        asks_git=True,
        # What Python leaves behind stays in sight of git here.
        ignored=".venv/\n",
    ),
    Project(
        "idna", "3.10",
        whole="python -m unittest 2>&1",
        piped="cd tests && python -m pytest -q 2>&1 | tail -n 3",
        part="pytest -q tests/test_idna_codec.py",
        test="tests/test_idna_codec.py",
        source="idna/codec.py",
        wrong=('if errors != "strict":', 'if errors == "strict":'),
        editable=True,
    ),
)  # fmt: skip
_NOTHING = ":\n"  # as many lines as the preamble has
_NEEDS = ("pytest==8.4.2", "flit_core==3.10.1")


def pip(*words: str) -> bool:
    """Whether pip of this interpreter, as its user has configured it, did so."""
    argv = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *words]
    return subprocess.run(argv, capture_output=True, timeout=240, check=False).returncode == 0


def source_of(project: Project) -> Path:
    """The archive of the source distribution, downloaded where it is not there yet."""
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = Path(caches, "skillcache-test", "sdists")
    archive = folder / f"{project.name}-{project.version}.tar.gz"
    if not archive.exists():
        folder.mkdir(parents=True, exist_ok=True)
        # Only this package from its source: the backend that pip asks for its metadata may come as a wheel.
        wanted = ("--no-binary", project.name, f"{project.name}=={project.version}")
        if not pip("download", "--no-deps", "--dest", str(folder), *wanted) or not archive.exists():
            unavailable(f"the source distribution of {project.name} could not be downloaded")
    return archive


class Workshop:
    """One project in two worktrees, and the calls made in it.

    wrong: hits that differ from a fresh run, and hits where something had changed; missed: outcomes of safe repeats
    that were not served.
    """

    def __init__(self, base: Path, project: Project) -> None:
        self.base = base
        self.project = project
        self.root = base / "workshop"
        self.other_root = base / "elsewhere" / "annexe"
        self.calls = self.hits = self.safe = 0
        self.wrong: list[str] = []
        self.missed: Counter[str] = Counter()
        self.seen: dict[str, list[str]] = {}
        self.preambles: dict[str, str] = {}
        self.environ = {
            "PATH": os.pathsep.join([str(self.root / ".venv/bin"), "/usr/local/bin", "/usr/bin", "/bin"]),
            "VIRTUAL_ENV": str(self.root / ".venv"),
            "HOME": str(base / "home"),
            "LANG": "C.UTF-8",
            "USER": "someone",
            "GIT_CONFIG_GLOBAL": str(base / "home/of-tests.gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "SKILLCACHE_HOME": str(base / "cache"),
            "SKILLCACHE_MIN_DURATION": "0.1",
            "SKILLCACHE_VERIFY": "0",
            "SKILLCACHE_CAPTURE_TIME": "60",  # a busy machine decides no test
        }
        for name in ("home", "calls"):
            (base / name).mkdir()
        self.tool = BashTool(base / "calls")
        (base / "home/of-tests.gitconfig").write_text("[user]\nname = x\nemail = x@x\n[init]\ndefaultBranch = main\n")
        # Not by `tarfile`, whose `filter` the first releases of Python 3.11 do not have.
        subprocess.run(["tar", "-xzf", str(source_of(project)), "--no-same-owner"], cwd=base, check=True, timeout=60)
        (base / f"{project.name}-{project.version}").rename(self.root)
        (self.root / ".gitignore").write_text(project.ignored)
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("commit", "-qm", "first")
        self._install()

    def _install(self) -> None:
        environment = self.root / ".venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True, timeout=60)
        # As uv does: of what is installed a suite imports a tenth, and compiles that itself.
        words = ["--python", str(environment / "bin/python"), "install", "--no-compile"]
        if not pip(*words, *_NEEDS) or (
            self.project.editable and not pip(*words, "--no-build-isolation", "--no-deps", "--editable", str(self.root))
        ):
            unavailable(f"the virtual environment of {self.project.name} could not be made")

    def git(self, *words: str) -> None:
        subprocess.run(["git", *words], cwd=self.root, env=self.environ, check=True, capture_output=True, timeout=60)

    @property
    def packages(self) -> Path:
        return next((self.root / ".venv/lib").glob("python3*")) / "site-packages"

    def add_worktree(self) -> None:
        self.git("worktree", "add", "-q", "--detach", str(self.other_root))

    def move_in(self) -> dict[str, str]:
        """An environment of the other worktree's own, as the same installation there gives it; its variables."""
        own = self.other_root / ".venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", own], check=True, timeout=60)
        theirs = next((own / "lib").glob("python3*")) / "site-packages"
        shutil.rmtree(theirs)
        shutil.copytree(self.packages, theirs, ignore=shutil.ignore_patterns("__pycache__"))
        scripts = [path for path in (self.root / ".venv/bin").iterdir() if not (own / "bin" / path.name).exists()]
        for path in scripts:
            shutil.copy(path, own / "bin" / path.name)
        for path in (
            *(own / "bin" / path.name for path in scripts),
            *theirs.glob("*.pth"),
            *theirs.glob("*.dist-info/direct_url.json"),
        ):
            path.write_text(path.read_text().replace(str(self.root), str(self.other_root)))
        search = self.environ["PATH"].replace(str(self.root), str(self.other_root))
        return {"PATH": search, "VIRTUAL_ENV": str(own)}

    def call(
        self, line: str, *, repeats: bool, passes: bool = True, root: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """`repeats`: whether this is a safe repeat; `passes`: whether the run is one that may be stored."""
        self.calls += 1
        self.safe += repeats
        place = str(root or self.root)
        environ = {**self.environ, **(variables or {})}
        counted = len(self.outcomes())
        ran = self._run(line, place, environ, self._preamble(place))
        outcomes = self.outcomes()[counted:]
        if any(outcome.kind == HIT for outcome in outcomes):
            self.hits += 1
            self._check(line, place, ran, self._run(line, place, environ, _NOTHING))
            if not repeats:
                self.wrong.append(f"{line}: served although something had changed")
            return
        if repeats:
            self.missed[", ".join(outcome.name for outcome in outcomes)] += 1
        self.seen.setdefault(line, []).append(ran.text.replace(place, "<root>"))
        expected = {"stored"} if passes else {"failure"}
        assert outcomes[-1].name in expected, f"{line}: {outcomes[-1].name}\n{ran.text[-2000:]}"

    def _run(self, line: str, place: str, environ: dict[str, str], preamble: str) -> Ran:
        # Every call comes from another session.
        return self.tool.run(line, place, environ, session=f"s{self.calls}", preamble=preamble)

    def _preamble(self, place: str) -> str:
        if place not in self.preambles:
            self.preambles[place] = self.tool.begin(f"b{len(self.preambles)}", place, self.environ)
        return self.preambles[place]

    def _check(self, line: str, place: str, served: Ran, fresh: Ran) -> None:
        texts = [normalized(ran.text, place) for ran in (served, fresh)]
        if served._replace(text="") != fresh._replace(text="") or texts[0] != texts[1]:
            self.wrong.append(f"{line} in {place}:\n--- served\n{served}\n--- fresh\n{fresh}")
        if served.text.replace(place, "<root>") not in self.seen.get(line, []):
            self.wrong.append(f"{line}: a text that no run has given:\n{served.text}")

    def outcomes(self) -> list[Outcome]:
        return [count.outcome for count in counts.read(self.environ["SKILLCACHE_HOME"])]

    def figures(self) -> str:
        return (
            f"{self.project.name} {self.project.version}: {self.calls} calls, {self.hits} hits,"
            f" {len(self.wrong)} wrong, {self.safe} safe repeats, not served of these: {dict(self.missed) or 'none'}"
        )
