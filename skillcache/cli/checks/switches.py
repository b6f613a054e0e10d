"""What switches hooks off in Claude Code's own settings, ours among them."""

import json
import os
from typing import Any

from skillcache.claude.permission_sources import MANAGED
from skillcache.cli.checks.finding import MEND, Finding, Place
from skillcache.cli.setup.settings_file import LOCAL, PROJECT, USER, locate, read
from skillcache.core.errors import SkillcacheError

_SUBJECT = "settings"


def check(place: Place, managed: str = MANAGED) -> list[Finding]:
    """`managed`: the folder of the settings that an organisation sets."""
    organisation = os.path.join(managed, "managed-settings.json")
    if _settings(organisation).get("allowManagedHooksOnly") is True:
        return [Finding(MEND, _SUBJECT, f"{organisation} allows no hooks but its own", "ask who manages this machine")]
    # The first that says anything decides.
    for path in (organisation, *(locate(scope, place.project, place.environ) for scope in (LOCAL, PROJECT, USER))):
        switch = _settings(path).get("disableAllHooks")
        if switch is True:
            return [Finding(MEND, _SUBJECT, f"{path} switches all hooks off", "remove disableAllHooks from it")]
        if switch is False:
            break
    return []


def _settings(path: str) -> dict[str, Any]:
    """The file's object; {} for one that is missing or that the check of entries finds broken."""
    try:
        value = json.loads(read(path) or "{}")
    except (SkillcacheError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
