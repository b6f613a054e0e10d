"""Our entries in Claude Code's settings files: present, and what install would write now."""

import json

from skillcache.claude_settings import Found, ours, patterns_of
from skillcache.cli.checks import MEND, OK, Finding, Place
from skillcache.cli.install import own_rules, present_edit
from skillcache.cli.settings_file import LOCAL, SCOPES, USER, locate, read
from skillcache.errors import SkillcacheError

_SUBJECT = "settings"


def check(place: Place) -> list[Finding]:
    findings = []
    for scope in SCOPES:
        findings += _check_scope(scope, place)
    found = installed(place)
    if not found and not any(finding.level == MEND for finding in findings):
        text = f"no hooks in {' or '.join(locate(scope, place.project, place.environ) for scope in SCOPES)}"
        findings.append(Finding(MEND, _SUBJECT, text, "skillcache install"))
    return findings + (_check_rules(found, place) if found else [])


def installed(place: Place) -> list[tuple[str, list[Found]]]:
    """Our entries of every scope that has any; a file that cannot be read has none."""
    found = []
    for scope in SCOPES:
        try:
            path = locate(scope, place.project, place.environ)
            entries = ours(read(path) or "", path)
        except SkillcacheError:
            continue
        if entries:
            found.append((scope, entries))
    return found


def _check_scope(scope: str, place: Place) -> list[Finding]:
    path = locate(scope, place.project, place.environ)
    try:
        text = read(path)
        entries = ours(text or "", path)
    except SkillcacheError as fault:
        return [Finding(MEND, _SUBJECT, str(fault), "mend the file by hand")]
    findings = []
    if text and json.loads(text).get("disableAllHooks") is True:
        mend = "remove disableAllHooks from it"
        findings.append(Finding(MEND, _SUBJECT, f"{path} switches all hooks off", mend))
    if not entries:
        return findings
    try:
        wanted = present_edit(scope, place.project, place.environ).entries()
    except SkillcacheError:  # the configuration's own check says what is wrong
        return findings
    if entries == wanted:
        return [*findings, Finding(OK, _SUBJECT, f"{path} has the hooks")]
    names = "another Python, package or set of rules"
    mend = install_command(scope, place)
    return [*findings, Finding(MEND, _SUBJECT, f"{path} has hooks of {names}", mend)]


def _check_rules(found: list[tuple[str, list[Found]]], place: Place) -> list[Finding]:
    """A project's rules may need entries that an install for all projects did not write."""
    try:
        needed = patterns_of(own_rules(LOCAL, place.project, place.environ))
    except SkillcacheError:
        return []
    present = {entry.handler.get("if") for _, entries in found for entry in entries}
    missing = [pattern for pattern in needed if pattern not in present]
    if not missing:
        return []
    text = f"no entry starts the hooks for {', '.join(missing)}, which rules of this project name"
    return [Finding(MEND, _SUBJECT, text, install_command(LOCAL, place))]


def install_command(scope: str, place: Place) -> str:
    return "skillcache install" if scope == USER else f"skillcache install --scope {scope} --project {place.project}"
