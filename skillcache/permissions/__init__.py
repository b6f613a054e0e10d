"""The person's own permission rules, held against a call before a hook answers it.

The client asks them after the hooks, so a hit that did not ask here would slip past a deny or an ask rule.
Stops are judged generously (in doubt the rule matches), approvals strictly (in doubt it does not).
"""

import os

from skillcache.permissions.rules import Rules
from skillcache.permissions.sources import Layer, client_arguments, from_arguments, from_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Rules", "load"]


def load(cwd: str, environ: "Mapping[str, str]", arguments: "Sequence[str] | None" = None) -> Rules:
    """The rules in force for a call in `cwd`, merged as the client merges them: the lists concatenate.

    `environ` is the hook's (HOME, CLAUDE_CONFIG_DIR, CLAUDE_PROJECT_DIR, CLAUDE_PID); `arguments` the client's own
    command line, read from the system when None. Raises Bypass when a settings file is there and cannot be used.
    Not seen: rules given for one session in the client's own dialogs, and on macOS its command line.
    """
    home = environ.get("HOME") or os.path.expanduser("~")
    project = environ.get("CLAUDE_PROJECT_DIR") or cwd
    layers = from_files(cwd, project, environ.get("CLAUDE_CONFIG_DIR") or f"{home}/.claude")
    layers += from_arguments(client_arguments(environ) if arguments is None else arguments, project)
    return Rules(_stops(layers, "deny"), _stops(layers, "ask"), _approvals(layers))


def _stops(layers: list[Layer], kind: str) -> tuple[str, ...]:
    return tuple(rule for layer in layers for rule in layer.rules[kind])


def _approvals(layers: list[Layer]) -> tuple[str, ...]:
    managed_only = any(layer.managed_only for layer in layers)
    return tuple(
        rule
        for layer in layers
        if layer.approves and (layer.managed or not managed_only)
        for rule in layer.rules["allow"]
    )
