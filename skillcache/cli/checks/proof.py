"""Which lane answers calls, the hooks of the settings or the plugin, and why; proved in the client at hand."""

import json
import os
import subprocess

from skillcache import claude
from skillcache.claude.mcp_servers import config_folder
from skillcache.cli.checks import MEND, NOTE, OK, Finding, Place
from skillcache.cli.checks.client import HOOKS, PLUGIN, Proof, prove
from skillcache.cli.checks.installation import installed
from skillcache.cli.setup import plugin as plugin_client
from skillcache.cli.setup.bundle import ID, MARKETPLACE, MODERN, marketplace_file, marketplace_text
from skillcache.core.outcomes import SkillcacheError
from skillcache.core.paths import package_folder
from skillcache.events.server.world import is_met

_PLUGIN = "plugin"
_PROOF = "proof"


def check_lanes(place: Place) -> list[Finding]:
    """Nothing where the plugin is not installed: the settings' own check says what is."""
    if not plugin_client.is_installed(place.environ):
        return []
    if not plugin_client.is_enabled(place.environ):
        return [Finding(MEND, _PLUGIN, f"{ID} is installed and switched off", f"claude plugin enable {ID}")]
    findings = [_acting(place)]
    repository = _repository(place)
    if repository:
        if repository != os.path.dirname(package_folder()):
            text = f"it is the plugin of the repository at {repository}, which acts in place of this package's"
            findings.append(Finding(NOTE, _PLUGIN, text))
    elif not _is_of_this_python(place):
        text = "the plugin is of another Python or package"
        findings.append(Finding(MEND, _PLUGIN, text, "skillcache install --plugin"))
    if not _hears(place):
        text = "the plugin does not hear what rules of this project name"
        findings.append(Finding(MEND, _PLUGIN, text, f"skillcache install --plugin --project {place.project}"))
    if installed(place):
        text = "the settings have the hooks as well: they stand down where the plugin's server runs"
        findings.append(Finding(NOTE, _PLUGIN, text))
    if claude.socket_path(place.environ) is not None and not claude.is_served(place.environ):
        findings.append(Finding(NOTE, _PLUGIN, "this session has no server: its calls run, or its hooks answer"))
    return findings


def _acting(place: Place) -> Finding:
    try:
        version = plugin_client.version_of(plugin_client.find(place.environ, place.project), place.environ)
    except SkillcacheError as fault:
        return Finding(NOTE, _PLUGIN, f"{ID} is installed; which lane acts depends on the client: {fault}")
    name = f"Claude Code {'.'.join(map(str, version))}"
    if version < MODERN:
        least = ".".join(map(str, MODERN))
        return Finding(OK, _PLUGIN, f"its hooks answer calls in {name}; from {least} its module does")
    return Finding(OK, _PLUGIN, f"its module answers calls in {name}: a hit is an ordinary result for every tool")


def _repository(place: Place) -> str:
    """Where it is the plugin of a clone, by the client's own `/plugin marketplace add`; else ""."""
    try:
        with open(f"{config_folder(place.environ)}/plugins/known_marketplaces.json", "rb") as file:
            folder = json.loads(file.read())[MARKETPLACE]["installLocation"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return folder if isinstance(folder, str) and os.path.exists(f"{folder}/hooks/plugin_path.sh") else ""


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


_INSTALL = {HOOKS: "skillcache uninstall, then skillcache install", PLUGIN: "skillcache install --plugin"}
_NAMES = {HOOKS: "the hooks", PLUGIN: "the plugin"}
_WORKING = {HOOKS: "the hooks work", PLUGIN: "the plugin works"}


def check_proof(place: Place) -> list[Finding]:
    """By scripted sessions: offline, in a home folder of their own. Nothing where neither lane is installed."""
    with_plugin = plugin_client.is_installed(place.environ) and plugin_client.is_enabled(place.environ)
    if not with_plugin and not installed(place):
        return []
    try:
        path = plugin_client.find(place.environ, place.project)
        place.tell(f"asking {path} for its version")
        version = plugin_client.version_of(path, place.environ)
    except SkillcacheError:
        return [Finding(NOTE, _PROOF, "no Claude Code was found on PATH, so nothing was proved in one")]
    lane = PLUGIN if with_plugin and version >= MODERN else HOOKS
    name = f"Claude Code {'.'.join(map(str, version))}"
    try:
        proof = prove(path, lane, place.environ, place.tell)
    except (SkillcacheError, OSError, ValueError, subprocess.SubprocessError) as fault:
        return [Finding(NOTE, _PROOF, f"{name} played no session here: {type(fault).__name__}: {fault}")]
    if proof.works:
        text = (
            f"{name} reached a shim, gave a repeated command its recorded bytes without running it, and obeyed a deny"
            f" rule; a call took {proof.bare:.0f} ms without skillcache, a miss {_added(proof.miss)}, a hit"
            f" {_added(proof.hit)}"
        )
        return [Finding(OK, _PROOF, text)]
    return [Finding(MEND, _PROOF, f"{name} with {_NAMES[lane]}: {_faults(proof)}", _way_out(path, lane, place))]


def _added(milliseconds: float) -> str:
    return f"{abs(milliseconds):.0f} ms {'more' if milliseconds >= 0 else 'less'}"


def _faults(proof: Proof) -> str:
    if not proof.prepared:
        return "it gives hooks at a session's start no CLAUDE_ENV_FILE, so its Bash calls cannot be answered"
    faults = {
        "no shim stood in for a command": proof.reached,
        "a repeated command was not given its recorded result": proof.answered,
        "a repeated command ran": proof.spared,
        "a call that a rule denies was not refused": proof.respected,
    }
    return ", ".join(fault for fault, is_well in faults.items() if not is_well)


def _way_out(path: str, lane: str, place: Place) -> str:
    """The other lane, where that one works."""
    other = HOOKS if lane == PLUGIN else PLUGIN
    try:
        works = prove(path, other, place.environ, place.tell, timed=False).works
    except (SkillcacheError, OSError, ValueError, subprocess.SubprocessError):
        works = False
    if works:
        return f"{_INSTALL[other]}: {_WORKING[other]} in it"
    return "neither lane works in it: SKILLCACHE_DISABLE=1 until skillcache is updated"
