"""What is set: our entries in Claude Code's settings, its own switches, our configuration, and what skills declare."""

import json
import os
from collections.abc import Sequence
from typing import Any

from skillcache.claude.permission_sources import MANAGED
from skillcache.cli.checks.finding import MEND, NOTE, OK, Finding, Place
from skillcache.cli.format import duration, several
from skillcache.cli.setup.client_environment import place_of
from skillcache.cli.setup.entries import Found
from skillcache.cli.setup.plugin_client import is_installed
from skillcache.cli.setup.present import present_edit
from skillcache.cli.setup.settings_file import LOCAL, PROJECT, SCOPES, USER, locate, read
from skillcache.cli.setup.settings_text import ours
from skillcache.cli.skill.states import State, states
from skillcache.core import counts
from skillcache.core.errors import ConfigError, SkillcacheError
from skillcache.core.paths import cache_folder, config_file
from skillcache.settings.in_force import disabled, load
from skillcache.settings.trust import Untrusted, require

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
        require(place.environ, place.project)
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
