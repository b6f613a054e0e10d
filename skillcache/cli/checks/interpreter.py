"""The Python that runs the hooks, the hook scripts, and the bytecode that makes them start quickly."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence

from skillcache.cli.checks.finding import MEND, OK, Finding, Place
from skillcache.cli.checks.settings import installed
from skillcache.cli.setup.client_environment import is_trusted
from skillcache.cli.setup.entries import EVENTS, started_by
from skillcache.cli.setup.settings_file import SCOPES, USER
from skillcache.core.paths import hooks_folder

_SUBJECT = "python"
_OLDEST = (3, 11)
_ASK = "import json, sys; print(json.dumps([list(sys.version_info[:3]), sys.implementation.cache_tag]))"
_COLD = ("cli", "hooks")  # folders of the package that no hook imports


def check(place: Place) -> list[Finding]:
    findings = [finding for path in _of_the_person(place) for finding in _check_interpreter(path)]
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


def _check_interpreter(path: str) -> list[Finding]:
    if not os.access(path, os.X_OK):
        return [Finding(MEND, _SUBJECT, f"{path}, which the settings name, is gone", "skillcache install")]
    try:
        done = subprocess.run([path, "-I", "-S", "-c", _ASK], capture_output=True, timeout=10, check=True)
        version, tag = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as fault:
        return [Finding(MEND, _SUBJECT, f"{path} does not run: {type(fault).__name__}", "skillcache install")]
    if tuple(version) < _OLDEST:
        text = f"{path} is Python {_dotted(version)}; {_dotted(_OLDEST)} is the oldest that works"
        return [Finding(MEND, _SUBJECT, text, "skillcache install, run by a newer Python")]
    findings = [Finding(OK, _SUBJECT, f"{path} is Python {_dotted(version)}")]
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
