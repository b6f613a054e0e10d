"""Our entries in Claude Code's settings files: present, and what install would write now."""

from collections.abc import Sequence

from skillcache.cli.checks.finding import MEND, OK, Finding, Place
from skillcache.cli.setup.entries import Found
from skillcache.cli.setup.plugin_client import is_installed
from skillcache.cli.setup.present import present_edit
from skillcache.cli.setup.settings_file import LOCAL, SCOPES, USER, locate, read
from skillcache.cli.setup.settings_text import ours
from skillcache.core.errors import SkillcacheError

_SUBJECT = "settings"


def check(place: Place) -> list[Finding]:
    findings = []
    for path, scope in _files(place).items():
        findings += _check_file(path, scope, place)
    found = installed(place)
    if not found and not is_installed(place.environ) and not any(finding.level == MEND for finding in findings):
        text = f"no hooks in {' or '.join(_files(place))}"
        findings.append(Finding(MEND, _SUBJECT, text, "skillcache install"))
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
        return [Finding(MEND, _SUBJECT, str(fault), "mend the file by hand")]
    if not entries:
        return []
    try:
        wanted = present_edit(scope, place.project, place.environ).entries()
    except SkillcacheError:  # the configuration's own check says what is wrong
        return []
    if entries == wanted:
        return [Finding(OK, _SUBJECT, f"{path} has the hooks")]
    names = "another Python, package or set of rules"
    mend = install_command(scope, place)
    return [Finding(MEND, _SUBJECT, f"{path} has hooks of {names}", mend)]


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
    return [Finding(MEND, _SUBJECT, text, install_command(LOCAL, place))]


def install_command(scope: str, place: Place) -> str:
    return "skillcache install" if scope == USER else f"skillcache install --scope {scope} --project {place.project}"
