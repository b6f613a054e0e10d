"""Which lane answers calls, the hooks of the settings or the plugin, and why."""

import json
import os

from skillcache.claude import resident
from skillcache.cli.checks.finding import MEND, NOTE, OK, Finding, Place
from skillcache.cli.checks.settings import installed
from skillcache.cli.setup import plugin_client
from skillcache.cli.setup.bundle import ID, MODERN, marketplace_file, marketplace_text
from skillcache.core.errors import SkillcacheError
from skillcache.events.server.patterns import is_met

_SUBJECT = "plugin"


def check(place: Place) -> list[Finding]:
    """Nothing where the plugin is not installed: the settings' own check says what is."""
    if not plugin_client.is_installed(place.environ):
        return []
    if not plugin_client.is_enabled(place.environ):
        return [Finding(MEND, _SUBJECT, f"{ID} is installed and switched off", f"claude plugin enable {ID}")]
    findings = [_acting(place)]
    if not _is_of_this_python(place):
        text = "the plugin is of another Python or package"
        findings.append(Finding(MEND, _SUBJECT, text, "skillcache install --plugin"))
    if not _hears(place):
        text = "the plugin does not hear what rules of this project name"
        findings.append(Finding(MEND, _SUBJECT, text, f"skillcache install --plugin --project {place.project}"))
    if installed(place):
        text = "the settings have the hooks as well: they stand down where the plugin's server runs"
        findings.append(Finding(NOTE, _SUBJECT, text))
    if resident.socket_path(place.environ) is not None and not resident.is_served(place.environ):
        findings.append(Finding(NOTE, _SUBJECT, "this session has no server: its calls run, or its hooks answer"))
    return findings


def _acting(place: Place) -> Finding:
    try:
        version = plugin_client.version(plugin_client.find(place.environ, place.project), place.environ)
    except SkillcacheError as fault:
        return Finding(NOTE, _SUBJECT, f"{ID} is installed; which lane acts depends on the client: {fault}")
    name = f"Claude Code {'.'.join(map(str, version))}"
    if version < MODERN:
        least = ".".join(map(str, MODERN))
        return Finding(OK, _SUBJECT, f"its hooks answer calls in {name}; from {least} its module does")
    return Finding(OK, _SUBJECT, f"its module answers calls in {name}: a hit is an ordinary result for every tool")


def _is_of_this_python(place: Place) -> bool:
    try:
        with open(marketplace_file(place.environ), "rb") as file:
            return bool(json.loads(file.read()) == json.loads(marketplace_text()))
    except (OSError, ValueError, SkillcacheError):
        return False


def _hears(place: Place) -> bool:
    try:
        return is_met(os.path.abspath(place.project), place.environ)
    except (OSError, SkillcacheError):  # the configuration's own check says what is wrong
        return True
