"""The person's own permission rules, held against a call before a hook answers it.

The client asks them after the hooks, so a hit that did not ask here would slip past a deny or an ask rule.
Stops are judged generously (in doubt the rule matches), approvals strictly (in doubt it does not).

WebFetch(domain:host)   pages of that host and no other; `*.host` its subdomains; a `*` elsewhere, part of one label
mcp__server             every tool of the server, as is mcp__server__*; other wildcards in the tool's part
Agent(type)             agents of that type; Task is another name for Agent
Tool(field:value)       calls whose input has that value, `*` for anything
What the client did with a matrix of rules and calls is in tests/data/tool_permission_matrix.json.
"""

import os

from skillcache.claude import urls
from skillcache.claude.event import DEFAULT_AGENT, MCP_PREFIX
from skillcache.claude.patterns import fits, matches, parse
from skillcache.claude.permission_sources import Layer, client_arguments, from_arguments, from_files
from skillcache.core.outcomes import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Rules:
    """deny, ask, allow: the rules as written."""

    __slots__ = ("allow", "ask", "deny")

    def __init__(self, deny: "Sequence[str]" = (), ask: "Sequence[str]" = (), allow: "Sequence[str]" = ()) -> None:
        self.deny = tuple(deny)
        self.ask = tuple(ask)
        self.allow = tuple(allow)


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


_ALIASES = {"Task": "Agent"}
_DOMAIN = "domain:"


def verdict(rules: Rules, tool: str, tool_input: "Mapping[str, object]") -> str | None:
    """What the rules say of this call: "deny", "ask", "allow", or None where they are silent."""
    for kind, listed in (("deny", rules.deny), ("ask", rules.ask)):
        if any(_may_name(rule, tool, tool_input) for rule in listed):
            return kind
    return "allow" if any(_surely_names(rule, tool, tool_input) for rule in rules.allow) else None


def _may_name(rule: str, tool: str, tool_input: "Mapping[str, object]") -> bool:
    """For stops: whether the rule may be meant for the call."""
    name, opened, rest = rule.strip().partition("(")
    name = name.strip()
    name = _ALIASES.get(name, name)
    if not (_is_glob_of(name, tool) or (tool.startswith(MCP_PREFIX) and _may_be_server_of(name, tool))):
        return False
    specifier = rest.strip().removesuffix(")").strip()
    if not opened or specifier in {"", "*"}:
        return True
    if tool == "WebFetch" and specifier.startswith(_DOMAIN):
        host = _host_of(tool_input)
        return host is None or urls.is_domain(specifier.removeprefix(_DOMAIN), host)
    kind = str(tool_input.get("subagent_type") or DEFAULT_AGENT)
    if tool == "Agent" and _is_glob_of(_plain(specifier), _plain(kind)):
        return True
    field, colon, value = specifier.partition(":")
    if tool == "Agent" and field.strip() not in tool_input:
        return False
    if not colon:
        return True  # the client may know what it says
    return field.strip() in tool_input and matches(value.casefold(), str(tool_input[field.strip()]).casefold())


def _surely_names(rule: str, tool: str, tool_input: "Mapping[str, object]") -> bool:
    """For approvals: whether the rule is meant for the call."""
    try:
        name, specifier = parse(rule)
    except ConfigError:
        return False
    name = _ALIASES.get(name, name)
    if tool.startswith(MCP_PREFIX):  # with parentheses the client takes such a rule for none
        return specifier is None and (name == tool or _is_server_of(name, tool))
    if name != tool:
        return False
    if specifier is None or specifier == "*":
        return True
    if tool == "WebFetch" and specifier.startswith(_DOMAIN):
        host = _host_of(tool_input)
        return host is not None and urls.is_domain(specifier.removeprefix(_DOMAIN), host)
    return tool == "Agent" and specifier == tool_input.get("subagent_type")


def _host_of(tool_input: "Mapping[str, object]") -> str | None:
    try:
        return urls.split(str(tool_input.get("url"))).host
    except ValueError:
        return None


def _may_be_server_of(name: str, tool: str) -> bool:
    """Where a server's name ends in a tool's cannot be told from the tool's name alone."""
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "_-*") else "_" for char in name)
    return _is_glob_of(plain.lower(), tool.lower()) or tool.lower().startswith(plain.lower() + "__")


def _is_server_of(name: str, tool: str) -> bool:
    if tool.count("__") != 2 or "___" in tool:
        return False
    server, _, pattern = name.removeprefix(MCP_PREFIX).partition("__")
    ours, _, own = tool.removeprefix(MCP_PREFIX).partition("__")
    return name.startswith(MCP_PREFIX) and server == ours and (not pattern or _is_glob_of(pattern, own))


def _plain(kind: str) -> str:
    return "".join(char for char in kind.lower() if char.isalnum() or char in ":*")


def _is_glob_of(pattern: str, text: str) -> bool:
    return fits(pattern.split("*"), text)
