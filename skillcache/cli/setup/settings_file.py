"""The client's settings file, edited as text so that every other byte stays, and what of ours is in it already.

Where each scope's is, and how it is changed without ever being half written.

Beside a file that we change for the first time stays a copy of it, `<name>.skillcache-backup`, until the uninstall.
"""

import contextlib
import json
import os
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from shlex import quote

from skillcache.claude.permissions import LARGEST
from skillcache.cli import setup
from skillcache.cli.setup.entries import ORDER, Edit, Found, Line, Started, is_ours, line_of
from skillcache.core import files
from skillcache.core.json_spans import BadJson, Node, parse
from skillcache.core.outcomes import ConfigError, SkillcacheError
from skillcache.core.paths import config_file, hooks_folder, project_config_file
from skillcache.settings import PROJECT as PROJECT_FILE
from skillcache.settings import USER as USER_FILE
from skillcache.settings.configuration import parse as parse_configuration
from skillcache.settings.in_force import load

_MEND = "Mend the file, then run the command again; it is as it was."


def ours(text: str, where: str) -> list[Found]:
    """Our entries, in the order of ORDER, else of the file. Raises ConfigError."""
    root = _read(text, where)
    groups = root.members["hooks"][1].members if "hooks" in root.members else {}
    return [
        Found(event, group.members["matcher"][1].value if "matcher" in group.members else None, handler.value)
        for event in sorted(groups, key=lambda event: (*ORDER, event).index(event))
        for group in groups[event][1].items
        if "hooks" in group.members
        for handler in group.members["hooks"][1].items
        if isinstance(handler.value, dict) and is_ours(handler.value)
    ]


def add(text: str, edit: Edit, where: str) -> str:
    """The text with exactly the entries of `edit` as ours; the same text when it has them. Raises ConfigError."""
    if ours(text, where) == edit.entries():
        return text
    text = remove(text, where)
    if not text.strip():
        text = "{}\n"
    for event, group in edit.groups():
        root = _read(text, where)
        if "hooks" not in root.members:
            text = _insert(text, root, _member("hooks", {event: [group]}, text), 0)
            continue
        hooks = root.members["hooks"][1]
        if event not in hooks.members:
            text = _insert(text, hooks, _member(event, [group], text), 1)
        else:
            text = _insert(text, hooks.members[event][1], _write(group, text), 2)
    return text


def remove(text: str, where: str) -> str:
    """The text without our entries and without what held nothing else. Raises ConfigError."""
    while (place := _first_of_ours(_read(text, where))) is not None:
        container, index = place
        text = _cut(text, container, index)
    return text


_LINE = "statusLine"


def with_status_line(text: str, started: Started, where: str) -> str:
    """The text with our status line, a person's own kept beside it. Raises ConfigError."""
    root = _read(text, where)
    if _LINE not in root.members:
        value = {"type": "command", "command": Line(started).text()}
        return _insert(text if text.strip() else "{}\n", root, _member(_LINE, value, text), 0)
    known = root.members[_LINE][1]
    command = known.members.get("command", (0, known))[1]
    if not isinstance(command.value, str) or not command.value.strip():
        raise _misshapen(text, known, where, f'"{_LINE}" has no command to stand beside')
    ours = line_of(command.value)
    line = Line(started, command.value if ours is None else ours.theirs)
    return text[: command.start] + _string(line.text()) + text[command.end :]


def _string(text: str) -> str:
    """As JSON; half a character is written as it was given."""
    is_whole = text.encode("utf-8", "replace").decode() == text
    return json.dumps(text, ensure_ascii=not is_whole)


def has_status_line(text: str, where: str) -> bool:
    """Whether it is ours. Raises ConfigError."""
    return _our_line(_read(text, where)) is not None


def without_status_line(text: str, where: str) -> str:
    """The text with the person's own status line alone, or with none. Raises ConfigError."""
    root = _read(text, where)
    found = _our_line(root)
    if found is None:
        return text
    command, line = found
    if line.theirs:
        return text[: command.start] + _string(line.theirs) + text[command.end :]
    return _cut(text, root, list(root.members).index(_LINE))


def _our_line(root: Node) -> tuple[Node, Line] | None:
    if _LINE not in root.members or "command" not in root.members[_LINE][1].members:
        return None
    command = root.members[_LINE][1].members["command"][1]
    line = line_of(command.value)
    return (command, line) if line is not None else None


def same_but_for_empty_hooks(one: str, other: str, where: str) -> bool:
    """Whether two texts say the same, in the same order; a `hooks` or an event that holds nothing counts as absent."""
    return _pruned(one, where) == _pruned(other, where)


def _pruned(text: str, where: str) -> str:
    value = _read(text, where).value
    assert isinstance(value, dict)  # noqa: S101 - _read holds it
    hooks = {event: groups for event, groups in value.get("hooks", {}).items() if groups}
    return json.dumps({**value, "hooks": hooks} if hooks else {k: v for k, v in value.items() if k != "hooks"})


def _read(text: str, where: str) -> Node:
    """The root object, whose `hooks` have the shape that the client takes; an empty file is an empty object."""
    try:
        root = parse(text if text.strip() else "{}")
    except BadJson as fault:
        raise ConfigError(where, f"{fault}. {_MEND}") from None
    if not isinstance(root.value, dict):
        raise ConfigError(where, f"settings must be an object: {{ ... }}. {_MEND}")
    if "hooks" in root.members:
        hooks = root.members["hooks"][1]
        if not isinstance(hooks.value, dict):
            raise _misshapen(text, hooks, where, '"hooks" must be an object')
        for event, (_, groups) in hooks.members.items():
            if not isinstance(groups.value, list):
                raise _misshapen(text, groups, where, f'"hooks"."{event}" must be a list')
    return root


def _misshapen(text: str, node: Node, where: str, message: str) -> ConfigError:
    return ConfigError(where, f"{BadJson(text, node.start, message)}. {_MEND}")


def _first_of_ours(root: Node) -> tuple[Node, int] | None:
    """The container and index of the first element to cut; of nested elements that are wholly ours, the outermost."""
    if "hooks" not in root.members:
        return None
    hooks = root.members["hooks"][1]
    for number, (_, groups) in enumerate(hooks.members.values()):
        for place, group in enumerate(groups.items):
            if "hooks" not in group.members:
                continue
            handlers = group.members["hooks"][1]
            mine = [index for index, handler in enumerate(handlers.items) if is_ours(handler.value)]
            if not mine:
                continue
            if len(mine) < len(handlers.items):
                return handlers, mine[0]
            if len(groups.items) > 1:
                return groups, place
            if len(hooks.members) > 1:
                return hooks, number
            return root, list(root.members).index("hooks")
    return None


def _cut(text: str, container: Node, index: int) -> str:
    extents = container.extents()
    start, end = extents[index]
    if len(extents) == 1:
        return text[: container.start + 1] + text[container.end - 1 :]
    if index == len(extents) - 1:
        return text[: extents[index - 1][1]] + text[end:]
    return text[:start] + text[extents[index + 1][0] :]


def _insert(text: str, container: Node, piece: str, depth: int) -> str:
    """The text with `piece` as the container's last element; `depth`: how many objects or lists hold the container."""
    newline, unit = _style(text)
    last = container.extents()[-1][1] if container.extents() else container.start + 1
    comma = "," if container.extents() else ""
    if not newline:
        return text[:last] + comma + (" " if comma and _is_spaced(text) else "") + piece + text[last:]
    inner = newline + unit * (depth + 1)
    tail = text[last : container.end - 1]
    closing = tail if "\n" in tail else newline + unit * depth
    return text[:last] + comma + inner + piece.replace("\n", inner) + closing + text[container.end - 1 :]


def _member(key: str, value: object, text: str) -> str:
    colon = ": " if _is_spaced(text) else ":"
    return f'"{key}"{colon}{_write(value, text)}'


def _write(value: object, text: str) -> str:
    """JSON with a handler per line; its line ends are bare newlines, or none where the file has none."""
    newline, unit = _style(text)
    if newline:
        return _lines(value, unit)
    return json.dumps(value, ensure_ascii=False, separators=None if _is_spaced(text) else (",", ":"))


def _lines(value: object, unit: str) -> str:
    if isinstance(value, dict) and "type" not in value:
        parts = [f"{json.dumps(key)}: {_lines(item, unit)}" for key, item in value.items()]
        return _bracket("{", parts, "}", unit)
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return _bracket("[", [_lines(item, unit) for item in value], "]", unit)
    return json.dumps(value, ensure_ascii=False)


def _bracket(opener: str, parts: list[str], closer: str, unit: str) -> str:
    body = ",\n".join(parts).replace("\n", "\n" + unit)
    return f"{opener}\n{unit}{body}\n{closer}"


def _style(text: str) -> tuple[str, str]:
    """The file's line end ('' when it is all on one line, unless it is empty) and its unit of indentation."""
    newline = "\r\n" if "\r\n" in text else "\n"
    first, *others = text.strip().split("\n")
    for line in others:
        indent = line[: len(line) - len(line.lstrip(" \t"))]
        if indent:
            return newline, indent
    return ("" if first.strip("{} ") and not others else newline), "  "


def _is_spaced(text: str) -> bool:
    """Whether the file has blanks behind its colons, as any file of several lines has or may have."""
    return '":' not in text or '": ' in text or "\n" in text.strip()


USER, PROJECT, LOCAL = SCOPES = ("user", "project", "local")
_BACKUP = ".skillcache-backup"


class Unwritable(SkillcacheError):
    """A settings file could not be written; it is as it was."""

    def __init__(self, path: str, fault: OSError) -> None:
        super().__init__(f"{path}: cannot be written: {fault.strerror}. It is as it was; see: ls -ld {_place(path)}")


def _place(path: str) -> str:
    """For a shell."""
    return f"{quote(os.path.dirname(path))} {quote(path)}"


def locate(scope: str, project: str, environ: Mapping[str, str]) -> str:
    """The absolute path of the scope's settings file, which need not exist."""
    if scope == USER:
        home = environ.get("HOME") or os.path.expanduser("~")
        return os.path.join(environ.get("CLAUDE_CONFIG_DIR") or os.path.join(home, ".claude"), "settings.json")
    name = "settings.json" if scope == PROJECT else "settings.local.json"
    return os.path.join(os.path.abspath(project), ".claude", name)


def read(path: str) -> str | None:
    """The text, or None when there is no such file. Raises ConfigError."""
    try:
        return files.load(path, LARGEST).decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as fault:
        raise ConfigError(path, f"is not UTF-8 text (byte {fault.start}). {_MEND}") from None
    except OSError as fault:
        raise ConfigError(
            path, f"cannot be read: {fault.strerror}. It is as it was; see: ls -ld {_place(path)}"
        ) from None


def backup_of(path: str) -> str:
    return path + _BACKUP


def write(path: str, text: str, *, backup: str | None) -> None:
    """Replace the file's text in one step, mode and symbolic link kept; `backup`: what to keep a copy of."""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if backup is not None:
            _replace(backup_of(path), backup, _mode(path))
        _replace(os.path.realpath(path), text, _mode(path))
    except OSError as fault:
        raise Unwritable(path, fault) from None


def original(path: str, text: str) -> str | None:
    """What an uninstall leaves of `text`: None for no file at all. Raises ConfigError.

    A file that nobody else has changed since the install gets back the very bytes it had.
    """
    rest = without_status_line(remove(text, path), path)
    if rest == text:
        return text
    kept = read(backup_of(path))
    if kept is None:
        return None if rest.strip() == "{}" else rest
    with contextlib.suppress(ConfigError):  # somebody changed the copy
        if same_but_for_empty_hooks(kept, rest, path):
            return kept
    return rest


def restore(path: str, text: str | None) -> None:
    """Make the file hold `text`, or be gone with the folder that then is empty; our copy of it goes too."""
    try:
        if text is None:
            os.unlink(path)
        else:
            _replace(os.path.realpath(path), text, _mode(path))
        with contextlib.suppress(FileNotFoundError):
            os.unlink(backup_of(path))
    except OSError as fault:
        raise Unwritable(path, fault) from None
    if text is None:
        with contextlib.suppress(OSError):  # it holds something else
            os.rmdir(os.path.dirname(path))


def _mode(path: str) -> int:
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _replace(path: str, text: str, mode: int) -> None:
    handle, temporary = tempfile.mkstemp(prefix=".skillcache-", dir=os.path.dirname(path))
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def to_last() -> str:
    """The commands that have this package in an environment that stays."""
    name = setup.package()
    return f"pipx install {name}, or: uv tool install {name}; then install the hooks from there"


_CACHES = (".cache", "Caches")
_TAG = "CACHEDIR.TAG"  # https://bford.info/cachedir/: pipx and uv mark theirs so
_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/var/folders")  # noqa: S108 - looked for, not used


def passing(interpreter: str, environ: Mapping[str, str]) -> str:
    """Where it lies, in words, when that may be gone tomorrow; else "". `interpreter`: an absolute path."""
    folder = os.path.realpath(os.path.dirname(os.path.dirname(interpreter)))
    above = list(_above(folder))
    if any(os.path.basename(path) in _CACHES or os.path.exists(os.path.join(path, _TAG)) for path in above):
        return "a cache, as those of uvx and pipx run"
    temporary = {os.path.realpath(path) for path in (*_TEMPORARY, environ.get("TMPDIR") or "/tmp")}  # noqa: S108
    if not temporary.isdisjoint(above):
        return "a folder for temporary files"
    # Whoever keeps a home folder in git keeps no project there.
    home = os.path.realpath(environ.get("HOME") or os.path.expanduser("~"))
    if os.path.isfile(os.path.join(folder, "pyvenv.cfg")) and any(
        os.path.exists(os.path.join(path, ".git")) for path in above if path not in (home, *_above(home))
    ):
        return "a project's virtual environment"
    return ""


def _above(folder: str) -> Iterator[str]:
    """The folders that hold it, but for the root."""
    while (folder := os.path.dirname(folder)) != "/":
        yield folder


def present_edit(scope: str, project: str, environ: Mapping[str, str]) -> Edit:
    """The entries that this installation needs now, in this scope. Raises SkillcacheError."""
    settings = load(environ, project)
    rules = own_rules(scope, project, environ)
    return Edit(
        present_interpreter(),
        hooks_folder(),
        rules=[str(rule["match"]) for rule in rules],
        writers=[pattern for rule in rules for pattern in _texts(rule.get("invalidated_by"))],
        web=settings.word("serve.web") == "on",
        sessions=settings.flag("record.sessions"),
        messages=settings.flag("messages.deliver"),
    )


def _texts(value: object) -> list[str]:
    return [str(text) for text in value] if isinstance(value, list) else []


def present_interpreter() -> str:
    """The absolute path of this Python, by one of its names whichever of them started us. Raises SkillcacheError."""
    if not sys.executable:
        raise SkillcacheError("this Python does not know its own path. Take another one: python3 -m skillcache install")
    path = os.path.abspath(sys.executable)
    usual = os.path.join(os.path.dirname(path), "python3")
    try:
        return usual if os.path.samefile(usual, path) else path
    except OSError:
        return path


def note(environ: Mapping[str, str]) -> str:
    """A line for a Python that may be gone tomorrow, and the hooks with it; "" for any other."""
    path = present_interpreter()
    where = passing(path, environ)
    return f"{path} lies in {where}; without it the hooks do nothing. To keep them: {to_last()}\n" if where else ""


def own_rules(scope: str, project: str, environ: Mapping[str, str]) -> list[dict[str, object]]:
    """The person's rules that are in force, and the project's where the scope is one project."""
    files = [(config_file(environ), USER_FILE)]
    if scope != USER:
        files.append((project_config_file(os.path.abspath(project)), PROJECT_FILE))
    found: list[dict[str, object]] = []
    for path, who in files:
        text = read(path)
        if text is not None:
            _, rules, _ = parse_configuration(text.encode(), path, who)
            found.extend(rule for rule in rules if rule.get("enabled") is not False)
    return found
