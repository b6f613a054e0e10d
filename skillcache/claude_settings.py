"""Our entries in a Claude Code settings file: what they are, and how a file's text gains and loses them.

An edit touches the text of our entries alone: everything else keeps its bytes. An entry of ours is known by the
last argument it passes to its hook, which no other hook has.

One entry cannot name two patterns, so each event has an entry per word. The client runs every entry whose `if`
matches a part of the command line, and all of them for a line that it does not take apart (`$(...)`, loops), so the
words are few: the hook sees to it that one process answers.
"""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from skillcache.errors import ConfigError
from skillcache.json_spans import BadJson, Node, parse
from skillcache.policy.pattern import parse as parse_pattern

EVENTS = {
    "PreToolUse": "pre_tool_use.py",
    "PostToolUse": "post_tool_use.py",
    "PostToolUseFailure": "post_tool_use_failure.py",
}
MARK = "skillcache"  # the last argument of every entry of ours
MATCHER = "Bash"
# What the commands of the built-in rules have in common; the first five are in 92 % of the replayable lines that agents
# were seen to run. Each word starts one more process for a line that the client does not take apart, so the words of
# rare tools are not here: a rule of one's own adds them.
WORDS = (
    "test", "check", "lint", "tsc", "vet", "mypy", "clippy", "verify", "analy", "spec", "jest", "pyright", "unit",
    "rubocop",
)  # fmt: skip
_FLAGS = ["-I", "-S"]  # neither the environment nor installed packages have a say
_MEND = "Mend the file, then run the command again; it is as it was."

Json = dict[str, object]


class Edit:
    """A way to write entries: `interpreter` and `hooks` (the scripts' folder) are absolute paths, `timeout` seconds."""

    __slots__ = ("hooks", "interpreter", "patterns", "timeout")

    def __init__(self, interpreter: str, hooks: str, *, patterns: Sequence[str] = (), timeout: int = 10) -> None:
        self.interpreter = interpreter
        self.hooks = hooks
        self.patterns = (*(f"Bash(*{word}*)" for word in WORDS), *patterns)
        self.timeout = timeout

    def handlers(self, event: str) -> list[Json]:
        return [
            {
                "type": "command",
                "if": pattern,
                "command": self.interpreter,
                "args": [*_FLAGS, f"{self.hooks}/{EVENTS[event]}", MARK],
                "timeout": self.timeout,
            }
            for pattern in self.patterns
        ]

    def groups(self) -> dict[str, Json]:
        """The one element that each event's list gains."""
        return {event: {"matcher": MATCHER, "hooks": self.handlers(event)} for event in EVENTS}

    def entries(self) -> "list[Found]":
        return [Found(event, MATCHER, handler) for event in EVENTS for handler in self.handlers(event)]


def patterns_of(rules: Iterable[str]) -> tuple[str, ...]:
    """The further `if` patterns that a person's own rules need, wherever in a line their command stands."""
    patterns: dict[str, None] = {}
    for rule in rules:
        if not has_word(rule):
            literal = _literal(rule)
            patterns[f"Bash(*{literal}*)" if literal else "Bash(*)"] = None
    return tuple(patterns)


def has_word(rule: str) -> bool:
    """Whether every call that the rule names starts the hooks anyway."""
    return any(word in _literal(rule) for word in WORDS)


def _literal(rule: str) -> str:
    _, inside = parse_pattern(rule)
    return (inside or "").removesuffix(":*").strip("* ")


def is_ours(handler: object) -> bool:
    """Whether any version of this package wrote it."""
    if not isinstance(handler, dict) or handler.get("type") != "command":
        return False
    args = handler.get("args")
    if not (isinstance(args, list) and len(args) == 4 and all(isinstance(arg, str) for arg in args)):
        return False
    return args[:2] == _FLAGS and "/hooks/" in args[2] and args[2].endswith(".py") and args[3] == MARK


class Found(NamedTuple):
    """An entry of ours in a file."""

    event: str
    matcher: object
    handler: Json


def ours(text: str, where: str) -> list[Found]:
    """Our entries, those of EVENTS first, else in the order of the file. Raises ConfigError."""
    root = _read(text, where)
    groups = root.members["hooks"][1].members if "hooks" in root.members else {}
    return [
        Found(event, group.members["matcher"][1].value if "matcher" in group.members else None, handler.value)
        for event in sorted(groups, key=lambda event: (*EVENTS, event).index(event))
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
    for event, group in edit.groups().items():
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
