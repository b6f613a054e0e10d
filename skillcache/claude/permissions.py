"""The person's own permission rules: where they stand, and a call held against them before a hook answers it.

The client asks them after the hooks, so a hit that did not ask here would slip past a deny or an ask rule.
Stops are judged generously (in doubt the rule matches), approvals strictly (in doubt it does not).

WebFetch(domain:host)   pages of that host and no other; `*.host` its subdomains; a `*` elsewhere, part of one label
mcp__server             every tool of the server, as is mcp__server__*; other wildcards in the tool's part
Agent(type)             agents of that type; Task is another name for Agent
Tool(field:value)       calls whose input has that value, `*` for anything
What the client did with a matrix of rules and calls is in tests/data/tool_permission_matrix.json.

Observed on 2.1.330: settings.json is read in the folder the client was started in, settings.local.json there and at
the git root (in a linked worktree, of the main one). For stops every folder from the call's up to the git root counts
as well: reading too many rules costs a run, reading too few would pass one by.
"""

import os
import sys

from skillcache.claude import DEFAULT_AGENT, MCP_PREFIX, urls
from skillcache.claude.patterns import fits, matches, parse
from skillcache.core.files import load
from skillcache.core.git import own_folder
from skillcache.core.json import loads
from skillcache.core.outcomes import UNSETTLED_SETTINGS, Bypass, ConfigError, Outcome

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


KINDS = ("deny", "ask", "allow")
LARGEST = 4_000_000  # bytes of a settings file
MANAGED = "/Library/Application Support/ClaudeCode" if sys.platform == "darwin" else "/etc/claude-code"
_MANAGED_PREFERENCES = "/Library/Managed Preferences/com.anthropic.claudecode.plist"


class Layer:
    """The rules of one source; approves: its allow rules count; managed_only: it forbids all but managed rules."""

    __slots__ = ("approves", "managed", "managed_only", "rules")

    def __init__(self, settings: "Mapping[str, object]", where: str, *, approves: bool, managed: bool = False) -> None:
        self.rules = _rules_of(settings, where)
        self.approves = approves
        self.managed = managed
        self.managed_only = managed and settings.get("allowManagedPermissionRulesOnly") is True


def from_files(cwd: str, project: str, config: str, managed: str | None = None) -> list[Layer]:
    """The layers of every settings file there is; Bypass names the first that cannot be used."""
    managed = managed or MANAGED
    layers = []
    for path in (f"{managed}/managed-settings.json", *_drop_ins(f"{managed}/managed-settings.d")):
        layers += _layer(path, approves=True, managed=True)
    layers += _layer(f"{config}/remote-settings.json", approves=False, managed=True)
    if sys.platform == "darwin":
        _refuse_managed_preferences()
    layers += _layer(f"{config}/settings.json", approves=True)
    started_in = os.path.normpath(project)
    for folder in roots_of(cwd, project):
        approves = folder == started_in
        layers += _layer(f"{folder}/.claude/settings.json", approves=approves)
        layers += _layer(f"{folder}/.claude/settings.local.json", approves=approves)
    return layers


def is_sandboxed(cwd: str, project: str, config: str, arguments: "Sequence[str]") -> bool:
    """Whether commands may run in the client's sandbox: some file says so, or cannot be read."""
    paths = [f"{MANAGED}/managed-settings.json", f"{config}/remote-settings.json", f"{config}/settings.json"]
    for folder in roots_of(cwd, project):
        paths += [f"{folder}/.claude/settings.json", f"{folder}/.claude/settings.local.json"]
    try:
        texts = [_read(path) for path in (*paths, *_drop_ins(f"{MANAGED}/managed-settings.d"))]
        texts += [
            value.encode() if value.lstrip().startswith("{") else _read(os.path.join(project, value))
            for value in values_of(arguments, ("--settings",))
        ]
        for text in texts:
            if text is not None and b'"sandbox"' in text:
                sandbox = parse_object(text, "settings").get("sandbox")
                if not isinstance(sandbox, dict) or sandbox.get("enabled") is not False:
                    return True
    except Bypass:
        return True
    return False


def roots_of(cwd: str, project: str) -> tuple[str, ...]:
    """The folders whose `.claude` may hold rules: the project's, and the call's up to its git root, no one twice."""
    found = [os.path.normpath(project)]
    for start in (cwd, project):
        chain, folder = [], os.path.normpath(start)
        while not os.path.lexists(f"{folder}/.git"):
            chain.append(folder)
            if os.path.dirname(folder) == folder:
                chain = chain[:1]  # in no repository
                break
            folder = os.path.dirname(folder)
        else:
            chain += [folder, *_main_worktree(folder)]
        found += [each for each in chain if each not in found]
    return tuple(found)


def client_arguments(environ: "Mapping[str, str]") -> tuple[str, ...]:
    """The command line of the client that started this hook; empty where the system does not show it."""
    pid = environ.get("CLAUDE_PID", "")
    text = _read(f"/proc/{pid}/cmdline") if pid.isdigit() else None
    return tuple((text or b"").decode("utf-8", "replace").split("\0")[:-1])


def from_arguments(arguments: "Sequence[str]", project: str) -> list[Layer]:
    """The layers of `--settings`, `--disallowedTools` and `--allowedTools`."""
    layers = []
    for value in values_of(arguments, ("--settings",)):
        if value.lstrip().startswith("{"):
            layers.append(Layer(parse_object(value.encode(), "--settings"), "--settings", approves=True))
        else:
            path = os.path.join(project, value)
            found = _layer(path, approves=True)
            if not found:
                raise Bypass(UNSETTLED_SETTINGS, path)
            layers += found
    denied = values_of(arguments, ("--disallowedTools", "--disallowed-tools"))
    allowed = values_of(arguments, ("--allowedTools", "--allowed-tools"))
    lists = {"deny": _separate(denied), "allow": _separate(allowed)}
    layers.append(Layer({"permissions": lists}, "arguments", approves=True))
    if "--setting-sources" in " ".join(arguments):  # some of the files are not in force: which is not worth knowing
        layers.append(Layer({"allowManagedPermissionRulesOnly": True}, "arguments", approves=False, managed=True))
    return layers


def values_of(arguments: "Sequence[str]", names: tuple[str, ...]) -> list[str]:
    values, taking = [], False
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if name in names:
            taking = not equals
            values += [value] if equals else []
        elif argument.startswith("-"):
            taking = False
        elif taking:
            values.append(argument)
    return values


def _separate(values: list[str]) -> list[str]:
    """The rules of lists separated by commas or blanks outside parentheses."""
    rules = []
    for value in values:
        rule, depth = "", 0
        for char in value:
            depth += (char == "(") - (char == ")")
            if depth <= 0 and char in ", ":
                rules.append(rule)
                rule = ""
            else:
                rule += char
        rules.append(rule)
    return [rule for rule in rules if rule]


def _rules_of(settings: "Mapping[str, object]", where: str) -> dict[str, tuple[str, ...]]:
    permissions = settings.get("permissions", {})
    if not isinstance(permissions, dict):
        raise Bypass(UNSETTLED_SETTINGS, f"{where}: permissions is not an object")
    rules = {}
    for kind in KINDS:
        listed = permissions.get(kind, [])
        if not isinstance(listed, list):
            raise Bypass(UNSETTLED_SETTINGS, f"{where}: permissions.{kind} is not a list")
        rules[kind] = tuple(rule for rule in listed if isinstance(rule, str))  # the client skips the rest as well
    return rules


def _layer(path: str, *, approves: bool, managed: bool = False) -> list[Layer]:
    text = _read(path)
    if text is None or not text.strip():
        return []
    return [Layer(parse_object(text, path), path, approves=approves, managed=managed)]


def parse_object(text: bytes, where: str, outcome: Outcome = UNSETTLED_SETTINGS) -> dict[str, object]:
    """Raises Bypass of `outcome` for what is no JSON object."""
    try:
        value = loads(text)
    except ValueError as error:
        raise Bypass(outcome, f"{where}: {error}") from None
    if not isinstance(value, dict):
        raise Bypass(outcome, f"{where}: not a JSON object")
    return value


def _read(path: str) -> bytes | None:
    """The file's bytes, None when there is none; Bypass when it cannot be read whole."""
    try:
        return load(path, LARGEST)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise Bypass(UNSETTLED_SETTINGS, f"{path}: {error.strerror}") from None


def _drop_ins(folder: str) -> list[str]:
    try:
        names = sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise Bypass(UNSETTLED_SETTINGS, f"{folder}: {error.strerror}") from None
    return [f"{folder}/{name}" for name in names if name.endswith(".json")]


def _main_worktree(root: str) -> list[str]:
    """The main worktree of a linked one, whose `.git` is a file that names its folder in the main one's."""
    try:
        folder = own_folder(root) or ""
    except OSError:
        return []
    main, found, _name = folder.partition("/.git/worktrees/")
    return [os.path.normpath(main)] if found else []


def _refuse_managed_preferences() -> None:
    """A binary property list costs a hook too much to read; that it speaks of permissions is told by its bytes."""
    if b"ermission" in (_read(_MANAGED_PREFERENCES) or b""):
        raise Bypass(UNSETTLED_SETTINGS, _MANAGED_PREFERENCES)


class Rules:
    """deny, ask, allow: the rules as written."""

    __slots__ = ("allow", "ask", "deny")

    def __init__(self, deny: "Sequence[str]" = (), ask: "Sequence[str]" = (), allow: "Sequence[str]" = ()) -> None:
        self.deny = tuple(deny)
        self.ask = tuple(ask)
        self.allow = tuple(allow)


__all__ = ["Rules", "load_rules"]


def load_rules(cwd: str, environ: "Mapping[str, str]", arguments: "Sequence[str] | None" = None) -> Rules:
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
    if tool == "Bash":
        return _may_be_command(specifier, str(tool_input.get("command")))
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


def _may_be_command(specifier: str, command: str) -> bool:
    """`pytest:*` and `pytest *` name what begins so; more than the client would say is named, never less."""
    beginning = specifier.removesuffix(":*") if specifier.endswith(":*") else specifier.removesuffix(" *")
    is_open = beginning != specifier
    return _is_glob_of(f"{beginning}*" if is_open else specifier, command)


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
