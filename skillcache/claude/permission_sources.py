"""Where permission rules stand: the settings files the client merges, and its own command line.

Observed on 2.1.330: settings.json is read in the folder the client was started in, settings.local.json there and at
the git root (in a linked worktree, of the main one). For stops every folder from the call's up to the git root counts
as well: reading too many rules costs a run, reading too few would pass one by.
"""

import os
import sys

from skillcache.core.files import load
from skillcache.core.git import own_folder
from skillcache.core.json import loads
from skillcache.core.outcomes import UNSETTLED_SETTINGS, Bypass, Outcome

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
