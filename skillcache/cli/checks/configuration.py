"""The configuration files and variables, and what they switch off."""

from skillcache.cli.checks.finding import MEND, NOTE, OK, Finding, Place
from skillcache.cli.setup.client_environment import place_of
from skillcache.core.errors import ConfigError
from skillcache.core.paths import config_file
from skillcache.settings.in_force import disabled, load
from skillcache.settings.trust import Untrusted

_SUBJECT = "configuration"


def check(place: Place) -> list[Finding]:
    try:
        settings = load(place.environ, place.project)
    except Untrusted:  # a check of its own says so
        return []
    except ConfigError as fault:
        return [Finding(MEND, _SUBJECT, str(fault), f"correct {place_of(fault.where, place.environ, place.project)}")]
    except OSError as fault:
        return [Finding(MEND, _SUBJECT, str(fault), "correct it there")]
    findings = [Finding(MEND, _SUBJECT, warning, "correct or remove it") for warning in settings.warnings]
    if disabled(place.environ):
        findings.append(
            Finding(MEND, _SUBJECT, "SKILLCACHE_DISABLE switches skillcache off", "unset SKILLCACHE_DISABLE")
        )
    elif settings.flag("disable"):
        text = "disable = true switches skillcache off"
        findings.append(Finding(MEND, _SUBJECT, text, f"remove it from {config_file(place.environ)} or the project's"))
    if settings.number("verify") == 1:
        findings.append(Finding(NOTE, _SUBJECT, "verify = 1: every call runs, none is replayed"))
    return findings or [Finding(OK, _SUBJECT, "read without fault")]
