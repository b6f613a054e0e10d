"""The lane that acts, proved in the client at hand by scripted sessions: offline, in a home folder of their own."""

import subprocess

from skillcache.cli.checks.finding import MEND, NOTE, OK, Finding, Place
from skillcache.cli.checks.settings import installed
from skillcache.cli.probe.proof import HOOKS, PLUGIN, Proof, prove
from skillcache.cli.setup import plugin_client
from skillcache.cli.setup.bundle import MODERN
from skillcache.core.errors import SkillcacheError

_SUBJECT = "proof"
_INSTALL = {HOOKS: "skillcache uninstall, then skillcache install", PLUGIN: "skillcache install --plugin"}
_NAMES = {HOOKS: "the hooks", PLUGIN: "the plugin"}
_WORKING = {HOOKS: "the hooks work", PLUGIN: "the plugin works"}


def check(place: Place) -> list[Finding]:
    """Nothing where neither lane is installed."""
    with_plugin = plugin_client.is_installed(place.environ) and plugin_client.is_enabled(place.environ)
    if not with_plugin and not installed(place):
        return []
    try:
        path = plugin_client.find(place.environ, place.project)
        place.tell(f"asking {path} for its version")
        version = plugin_client.version(path, place.environ)
    except SkillcacheError:
        return [Finding(NOTE, _SUBJECT, "no Claude Code was found on PATH, so nothing was proved in one")]
    lane = PLUGIN if with_plugin and version >= MODERN else HOOKS
    name = f"Claude Code {'.'.join(map(str, version))}"
    try:
        proof = prove(path, lane, place.environ, place.tell)
    except (SkillcacheError, OSError, ValueError, subprocess.SubprocessError) as fault:
        return [Finding(NOTE, _SUBJECT, f"{name} played no session here: {type(fault).__name__}: {fault}")]
    if proof.works:
        text = (
            f"{name} reached a shim, gave a repeated command its recorded bytes without running it, and obeyed a deny"
            f" rule; a call took {proof.bare:.0f} ms without skillcache, a miss {_added(proof.miss)}, a hit"
            f" {_added(proof.hit)}"
        )
        return [Finding(OK, _SUBJECT, text)]
    return [Finding(MEND, _SUBJECT, f"{name} with {_NAMES[lane]}: {_faults(proof)}", _way_out(path, lane, place))]


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
        works = prove(path, other, place.environ, place.tell).works
    except (SkillcacheError, OSError, ValueError, subprocess.SubprocessError):
        works = False
    if works:
        return f"{_INSTALL[other]}: {_WORKING[other]} in it"
    return "neither lane works in it: SKILLCACHE_DISABLE=1 until skillcache is updated"
