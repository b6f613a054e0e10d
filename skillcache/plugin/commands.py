"""The command line as the plugin writes it: of this very Python, whatever is on PATH."""

from __future__ import annotations

import shlex

from skillcache.cli.present import present_interpreter
from skillcache.errors import SkillcacheError

_MOST = 400  # characters: the client takes 500 of a command that gives a plugin's folder


def python_line() -> str:
    """Raises SkillcacheError. `-P`: nothing in the folder where it is run is taken for a module."""
    line = f"{shlex.quote(present_interpreter())} -P -m skillcache"
    if not (line.isascii() and line.isprintable() and len(line) <= _MOST):
        raise SkillcacheError(
            f"{present_interpreter()}: Claude Code takes plain short paths only for a plugin's command"
        )
    return line
