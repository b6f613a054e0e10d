"""What is installed and set: Python, scripts, stand-ins, our entries in the client's settings, our configuration."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

from skillcache.claude.permissions import MANAGED
from skillcache.cli import setup
from skillcache.cli.checks import MEND, NOTE, OK, Finding, Place
from skillcache.cli.line import whole_lines
from skillcache.cli.output import duration, several
from skillcache.cli.setup import settings_file
from skillcache.cli.setup.client_environment import is_trusted, place_of
from skillcache.cli.setup.entries import EVENTS, Found, started_by
from skillcache.cli.setup.plugin import is_installed
from skillcache.cli.setup.settings_file import LOCAL, PROJECT, SCOPES, USER, locate, ours, present_edit, read
from skillcache.cli.skill.states import State, states
from skillcache.commands.shims.session import make, shell
from skillcache.core import counts
from skillcache.core.git import Git, find, find_root
from skillcache.core.outcomes import Bypass, ConfigError, SkillcacheError
from skillcache.core.paths import cache_folder, config_file, hooks_folder, shims_folder
from skillcache.settings import Untrusted, require_folder
from skillcache.settings.in_force import Settings, disabled, load
from skillcache.settings.team import NoKeys

_SETTINGS = "settings"
_CONFIGURATION = "configuration"


def check_entries(place: Place) -> list[Finding]:
    """Our entries in Claude Code's settings files: present, and what install would write now."""
    findings = []
    for path, scope in _files(place).items():
        findings += _check_file(path, scope, place)
    found = installed(place)
    if not found and not is_installed(place.environ) and not any(finding.level == MEND for finding in findings):
        text = f"no hooks in {' or '.join(_files(place))}"
        findings.append(Finding(MEND, _SETTINGS, text, "skillcache install"))
    return findings + (_check_rules(found, place) if found else [])


def installed(place: Place, scopes: Sequence[str] = SCOPES) -> list[Found]:
    """Our entries of these scopes; a file that cannot be read has none."""
    found = []
    for path, scope in _files(place).items():
        if scope not in scopes:
            continue
        try:
            found += ours(read(path) or "", path)
        except SkillcacheError:
            continue
    return found


def _files(place: Place) -> dict[str, str]:
    """Path and scope of each settings file; in a home folder, the project's is the person's own."""
    files: dict[str, str] = {}
    for scope in SCOPES:
        files.setdefault(locate(scope, place.project, place.environ), scope)
    return files


def _check_file(path: str, scope: str, place: Place) -> list[Finding]:
    try:
        entries = ours(read(path) or "", path)
    except SkillcacheError as fault:
        return [Finding(MEND, _SETTINGS, str(fault), "mend the file by hand")]
    if not entries:
        return []
    try:
        wanted = present_edit(scope, place.project, place.environ).entries()
    except SkillcacheError:  # the configuration's own check says what is wrong
        return []
    if entries == wanted:
        return [Finding(OK, _SETTINGS, f"{path} has the hooks")]
    names = "another Python, package or set of rules"
    mend = install_command(scope, place)
    return [Finding(MEND, _SETTINGS, f"{path} has hooks of {names}", mend)]


def _check_rules(found: list[Found], place: Place) -> list[Finding]:
    """A project's rules may need entries that an install for all projects did not write."""
    try:
        needed = present_edit(LOCAL, place.project, place.environ).entries()
    except SkillcacheError:
        return []
    present = {(entry.matcher, entry.handler.get("if")) for entry in found}
    missing = dict.fromkeys(
        str(entry.handler.get("if") or entry.matcher)
        for entry in needed
        if (entry.matcher, entry.handler.get("if")) not in present
    )
    if not missing:
        return []
    text = f"no entry starts the hooks for {', '.join(missing)}, which rules of this project name"
    return [Finding(MEND, _SETTINGS, text, install_command(LOCAL, place))]


def install_command(scope: str, place: Place) -> str:
    return "skillcache install" if scope == USER else f"skillcache install --scope {scope} --project {place.project}"


def check_switches(place: Place, managed: str = MANAGED) -> list[Finding]:
    """What switches hooks off in Claude Code's own settings, ours among them.

    `managed`: the folder of the settings that an organisation sets.
    """
    organisation = os.path.join(managed, "managed-settings.json")
    if _object(organisation).get("allowManagedHooksOnly") is True:
        return [Finding(MEND, _SETTINGS, f"{organisation} allows no hooks but its own", "ask who manages this machine")]
    # The first that says anything decides.
    for path in (organisation, *(locate(scope, place.project, place.environ) for scope in (LOCAL, PROJECT, USER))):
        switch = _object(path).get("disableAllHooks")
        if switch is True:
            return [Finding(MEND, _SETTINGS, f"{path} switches all hooks off", "remove disableAllHooks from it")]
        if switch is False:
            break
    return []


def _object(path: str) -> dict[str, Any]:
    """The file's object; {} for one that is missing or that the check of entries finds broken."""
    try:
        value = json.loads(read(path) or "{}")
    except (SkillcacheError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def check_configuration(place: Place) -> list[Finding]:
    """The configuration files and variables, and what they switch off."""
    try:
        settings = load(place.environ, place.project)
    except Untrusted:  # a check of its own says so
        return []
    except NoKeys as fault:
        return [Finding(MEND, "team", fault.text, fault.mend)]
    except ConfigError as fault:
        return [
            Finding(MEND, _CONFIGURATION, str(fault), f"correct {place_of(fault.where, place.environ, place.project)}")
        ]
    except OSError as fault:
        return [Finding(MEND, _CONFIGURATION, str(fault), "correct it there")]
    findings = [Finding(MEND, _CONFIGURATION, warning, "correct or remove it") for warning in settings.warnings]
    if disabled(place.environ):
        findings.append(
            Finding(MEND, _CONFIGURATION, "SKILLCACHE_DISABLE switches skillcache off", "unset SKILLCACHE_DISABLE")
        )
    elif settings.flag("disable"):
        text = "disable = true switches skillcache off"
        findings.append(
            Finding(MEND, _CONFIGURATION, text, f"remove it from {config_file(place.environ)} or the project's")
        )
    if settings.number("verify") == 1:
        findings.append(Finding(NOTE, _CONFIGURATION, "verify = 1: every call runs, none is replayed"))
    return findings or [Finding(OK, _CONFIGURATION, "read without fault")]


def check_trust(place: Place) -> list[Finding]:
    """Whether our folder is the person's alone: the hooks use no other."""
    try:
        require_folder(place.environ, place.project)
    except Untrusted as fault:
        return [Finding(MEND, "folder", f"{fault.text}; until then the hooks do nothing", fault.mend)]
    return []


def check_skills(place: Place) -> list[Finding]:
    """Skills that declare themselves in their SKILL.md: cached, or what keeps each out."""
    try:
        settings = load(place.environ, place.project)
        counted = counts.read(cache_folder(place.environ))
    except (SkillcacheError, OSError):  # checks of their own say what is wrong
        return []
    return [_of_a_skill(state, place.now) for state in states(place.environ, place.project, settings, counted)]


def _of_a_skill(state: State, now: float) -> Finding:
    said = f"{state.name} ({state.folder})"
    if state.why:
        return Finding(MEND if state.sure else NOTE, "skill", f"{said} is {state.why}", state.mend)
    if not state.last:
        return Finding(OK, "skill", f"{said} is cached; no command of it was seen yet")
    ago = duration(max(0, now - state.last) * 1000)
    return Finding(OK, "skill", f"{said} is cached: {several(state.hits, 'hit')}, its last command {ago} ago")


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
        findings.append(Finding(MEND, "hooks", text, f"pip install --force-reinstall {setup.package()}"))
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
    found = {path: settings_file.passing(path, place.environ) for path in interpreters(place)}
    return [
        Finding(NOTE, "python", f"{path} lies in {where}; without it the hooks do nothing", settings_file.to_last())
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
