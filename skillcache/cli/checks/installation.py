"""What is installed: the Python that runs the hooks, the scripts, the stand-ins, and the programs they use."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence

from skillcache.cli.checks.finding import MEND, NOTE, OK, Finding, Place
from skillcache.cli.checks.settings import installed
from skillcache.cli.line import whole_lines
from skillcache.cli.setup import lasting
from skillcache.cli.setup.client_environment import is_trusted
from skillcache.cli.setup.entries import EVENTS, started_by
from skillcache.cli.setup.settings_file import SCOPES, USER
from skillcache.commands.shims.folder import shell
from skillcache.commands.shims.session import make
from skillcache.core.errors import Bypass, SkillcacheError
from skillcache.core.git import Git, find, find_root
from skillcache.core.paths import hooks_folder, shims_folder
from skillcache.settings.in_force import Settings, load
from skillcache.settings.trust import Untrusted

_PYTHON = "python"
_SHIMS = "shims"

_OLDEST = (3, 11)
_ASK = "import json, sys; print(json.dumps([list(sys.version_info[:3]), sys.implementation.cache_tag]))"
_COLD = ("cli", "hooks")  # folders of the package that no hook imports


def check_interpreter(place: Place) -> list[Finding]:
    """The Python that runs the hooks, the hook scripts, and the bytecode that makes them start quickly."""
    findings = [finding for path in _of_the_person(place) for finding in _look_at(path)]
    missing = [script for script in EVENTS.values() if not os.path.isfile(os.path.join(hooks_folder(), script))]
    if missing:
        text = f"{hooks_folder()} lacks {', '.join(missing)}"
        findings.append(Finding(MEND, "hooks", text, "pip install --force-reinstall skillcache"))
    return findings


def interpreters(place: Place, scopes: Sequence[str] = SCOPES) -> list[str]:
    """Those that the entries name."""
    started = [started_by(entry.handler) for entry in installed(place, scopes)]
    return sorted({each.interpreter for each in started if each is not None})


def _of_the_person(place: Place) -> list[str]:
    """Not one that only a project names which the client was not told to trust: it may be any program."""
    if is_trusted(place.environ, place.project):
        return interpreters(place)
    known = {sys.executable, *interpreters(place, [USER])}
    return [path for path in interpreters(place) if path in known]


def _look_at(path: str) -> list[Finding]:
    if not os.access(path, os.X_OK):
        return [Finding(MEND, _PYTHON, f"{path}, which the settings name, is gone", "skillcache install")]
    try:
        done = subprocess.run([path, "-I", "-S", "-c", _ASK], capture_output=True, timeout=10, check=True)
        version, tag = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as fault:
        return [Finding(MEND, _PYTHON, f"{path} does not run: {type(fault).__name__}", "skillcache install")]
    if tuple(version) < _OLDEST:
        text = f"{path} is Python {_dotted(version)}; {_dotted(_OLDEST)} is the oldest that works"
        return [Finding(MEND, _PYTHON, text, "skillcache install, run by a newer Python")]
    findings = [Finding(OK, _PYTHON, f"{path} is Python {_dotted(version)}")]
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    stale = _without_bytecode(package, tag)
    if stale:
        text = f"{len(stale)} modules have no bytecode of {tag}: each hook start takes some 10 ms longer"
        findings.append(Finding(MEND, "bytecode", text, f"{path} -m compileall -q {package}"))
    else:
        findings.append(Finding(OK, "bytecode", f"present in {package}"))
    return findings


def _without_bytecode(package: str, tag: str) -> list[str]:
    """The modules a hook may import whose bytecode is missing or older than they are."""
    stale = []
    for folder, names, files in os.walk(package):
        names[:] = [name for name in names if name != "__pycache__" and (folder != package or name not in _COLD)]
        for name in files:
            stem, extension = os.path.splitext(name)
            source = os.path.join(folder, name)
            if extension == ".py" and not _is_current(os.path.join(folder, "__pycache__", f"{stem}.{tag}.pyc"), source):
                stale.append(source)
    return stale


def _is_current(bytecode: str, source: str) -> bool:
    """Whether the interpreter would use it: its header names the source's time and size (PEP 552)."""
    try:
        with open(bytecode, "rb") as file:
            header = file.read(16)
        found = os.stat(source)
    except OSError:
        return False
    if header[4:8] != bytes(4):  # made from the source's hash
        return True
    wanted = [int(found.st_mtime) & 0xFFFFFFFF, found.st_size & 0xFFFFFFFF]
    return [int.from_bytes(header[at : at + 4], "little") for at in (8, 12)] == wanted


def _dotted(version: Iterable[int]) -> str:
    return ".".join(str(part) for part in version)


def check_lasting(place: Place) -> list[Finding]:
    """Whether the Python that our entries name lies where it will stay."""
    found = {path: lasting.passing(path, place.environ) for path in interpreters(place)}
    return [
        Finding(NOTE, "python", f"{path} lies in {where}; without it the hooks do nothing", lasting.MEND)
        for path, where in found.items()
        if where
    ]


_ELSEWHERE = "set SKILLCACHE_HOME to a folder where programs can be executed"


def check_shims(place: Place) -> list[Finding]:
    """Whether commands can be answered where they run: shims that the system starts, and rules that name commands.

    Nothing where the configuration cannot be read: a check of its own says so.
    """
    try:
        settings = load(place.environ, place.project)
    except (Untrusted, SkillcacheError, OSError):
        return []
    lost = [Finding(MEND, "rule", each.text, each.mend) for each in whole_lines(settings)]
    return [_startable(place, settings), *lost]


def _startable(place: Place, settings: Settings) -> Finding:
    there = shims_folder(settings.cache)
    if shell() is None:
        return Finding(MEND, _SHIMS, "there is no bash, which shims are written for: commands run", "install bash")
    if ":" in there:
        text = f"{there} has a colon in it, so it cannot stand on PATH: commands run"
        return Finding(MEND, _SHIMS, text, "set SKILLCACHE_HOME to a folder without one")
    try:
        path = make(place.environ, os.path.abspath(place.project), settings, counts=False)
    except OSError as fault:
        return Finding(MEND, _SHIMS, f"{there} cannot be written ({fault.strerror}): commands run", _ELSEWHERE)
    if path is None:
        return Finding(MEND, _SHIMS, f"the system starts no program in {there}: commands run", _ELSEWHERE)
    return Finding(OK, _SHIMS, f"{there} has the stand-ins that a session's Bash calls find first on PATH")


_SECONDS = 10


def check_git(place: Place) -> list[Finding]:
    """git, which has to answer in the project."""
    try:
        git = find(place.environ, place.project)
    except Bypass:
        text = "git is not on PATH: in a repository no call can be answered from the cache"
        return [Finding(MEND, "git", text, "install git")]
    return [_answer(place) or Finding(OK, "git", git)]


def _answer(place: Place) -> Finding | None:
    """What is wrong with git in the project, asked as a capture asks it."""
    root = find_root(os.path.realpath(place.project))
    if root is None:
        return None
    git = Git(root, place.environ, time.monotonic() + _SECONDS)
    try:
        git.run("rev-parse", "--git-dir")
    except Bypass as bypass:
        name = shlex.quote(root)
        if _is_of_another(root):
            text = f"git refuses {root}, which belongs to another user: no call in it is answered from the cache"
            return Finding(MEND, "git", text, f"git config --global --add safe.directory {name}")
        text = f"git does not answer in {root}, so no call in it is answered from the cache: {bypass.detail}"
        return Finding(MEND, "git", text, f"see what it says: git -C {name} status")
    return None


def _is_of_another(root: str) -> bool:
    return any(os.lstat(path).st_uid != os.geteuid() for path in (root, os.path.join(root, ".git")))
