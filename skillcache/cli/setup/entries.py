"""Our entries in the client's settings: which hooks, with which matchers, and what the plugin hears.

An entry is a line for `/bin/sh`, which any client takes. It ends with status 0 and says nothing whatever is missing of
us: status 2 would refuse the person's call, others would be shown. The shell stays, so that a hook that fails or is
killed is silent, too; the client's own signals reach both (observed). No other line gives a hook this last argument.
It begins with a name, for /hooks shows only the first fifty characters (observed on 2.1.332), and a path may be longer.

Commands are answered where they run: of their lines those are heard that put results out of date. Observed: the
client compares names itself, and has the module tell whether an expression fits, about every call. So tools are named
where they can be.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from skillcache.claude.patterns import parse
from skillcache.claude.patterns import parse as parse_pattern
from skillcache.core import KW_ONLY, Record
from skillcache.rules.words import literal_of

EVENTS = {
    "PreToolUse": "pre_tool_use.py",
    "PostToolUse": "post_tool_use.py",
    "PostToolUseFailure": "post_tool_use_failure.py",
}
# The tools that built-in rules name. Commands are answered where they run: SessionStart sees to that.
WEB = "WebFetch|WebSearch"
# What answers commands: event, matcher, script, and whether the client waits for it. It waits where there is an answer,
# and at a turn's end, which may be the session's: the client then stops what it does not wait for (observed with -p).
COMMAND_ENTRIES = (
    ("SessionStart", None, "session_start.py", True),
    ("SubagentStart", None, "session_start.py", True),
    ("Stop", None, "record.py", True),
)
# What records sessions besides: what they change, and calls that no rule names, for `skillcache suggest`.
_CHANGES = "^(Edit|Write|NotebookEdit|TodoWrite|TaskCreate|TaskUpdate|Bash|Agent|mcp__.*)$"
SESSION_ENTRIES = (
    ("UserPromptSubmit", None, "record.py", False),
    ("PostToolUse", _CHANGES, "record.py", False),
    ("PostToolUseFailure", "Bash", "record.py", False),
    ("SubagentStart", None, "record.py", False),
    ("SubagentStop", None, "record.py", False),
    ("PreCompact", None, "record.py", False),
    ("PostCompact", None, "record.py", False),
    ("SessionEnd", None, "record.py", True),
)
# At these an agent is known to others, and given what they wrote.
DELIVERING = (
    "SessionStart", "SubagentStart", "UserPromptSubmit", "PostToolBatch", "Stop", "SubagentStop", "SessionEnd",
)  # fmt: skip
# Every event that an entry of ours may have, in the order in which they are compared.
ORDER = tuple(dict.fromkeys([*EVENTS, *(event for event, *_ in (*COMMAND_ENTRIES, *SESSION_ENTRIES)), *DELIVERING]))
MARK = "skillcache"  # the last argument that every entry of ours gives its hook
_FLAGS = ["-I", "-S"]  # neither the environment nor installed packages have a say
_SCRIPT, _INTERPRETER = 3, 6  # their places among the words of a line of ours

_MOST_PIECES = 3
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")  # of a matcher that the client holds against the whole name

Json = dict[str, object]


class Found(NamedTuple):
    """An entry of ours in a file."""

    event: str
    matcher: object
    handler: Json


class Started(NamedTuple):
    """What an entry starts, by absolute paths."""

    interpreter: str
    script: str

    def line(self) -> str:
        """For any shell."""
        interpreter, script = shlex.quote(self.interpreter), shlex.quote(self.script)
        started = " ".join((interpreter, *_FLAGS, script, MARK))
        # Without its script an interpreter would take ten times as long to say so as the shell takes to look.
        return f"{{ [ -f {script} ] && {started}; }} 2>/dev/null || :"

    def entry(self) -> str:
        """The line of an entry, which people are to know again among others."""
        return f": {MARK} {os.path.basename(self.script)[:-3].replace('_', ' ')}; {self.line()}"


# What the client gives ends with a line's end, which a shell's `read` waits for.
_WHOLE, _CUT = "j=$(cat; echo .); j=${j%.}", "j=$(cat)"  # the second as it was written before


class Line(NamedTuple):
    """A status line of ours. theirs: the person's own command, which stands before it, '' for none."""

    started: Started
    theirs: str = ""

    def text(self, read: str = _WHOLE) -> str:
        """For the shell that the client takes; theirs runs in the same, and where ours is gone it stays."""
        if not self.theirs:
            return self.started.line()
        own = f't=$(printf %s "$j" | "${{0:-sh}}" -c {shlex.quote(self.theirs)})'
        return f'{read}; {own}; [ -z "$t" ] || printf \'%s\\n\' "$t"; printf %s "$j" | {self.started.line()}'


def line_of(command: object) -> Line | None:
    """What a command of ours for the status line is made of; None for any other."""
    if not isinstance(command, str):
        return None
    started = _started_by_line(command)
    if started is not None:
        return Line(started) if started.script.endswith("/status_line.py") else None
    try:
        words = shlex.split(command)
        theirs = words[words.index("-c") + 1].removesuffix(");")
    except (ValueError, IndexError):
        return None
    begun = _started_by_line(f"{{ {command.rpartition(' | { ')[2]}")
    found = Line(begun, theirs) if begun is not None else None
    return found if found is not None and command in (found.text(), found.text(_CUT)) else None


class Edit(Record):
    """A way to write entries. What answers commands is always there."""

    interpreter: str  # an absolute path
    hooks: str  # the scripts' folder, absolute
    _: KW_ONLY
    rules: Sequence[str] = ()  # the patterns of the person's own rules
    writers: Sequence[str] = ()  # those in their `invalidated_by`
    web: bool = True  # whether calls of the web's tools are answered
    timeout: int = 10  # seconds
    sessions: bool = False  # whether to write the entries that record sessions
    messages: bool = False  # whether to write those that bring messages

    def groups(self) -> list[tuple[str, Json]]:
        """Each event and an element that its list gains."""
        groups: list[tuple[str, Json]] = []
        matchers = (*((WEB,) if self.web else ()), *matchers_of(self.rules))
        for event, script in EVENTS.items():
            handler = {"type": "command", **self.start(script)}
            groups += [(event, {"matcher": matcher, "hooks": [handler]}) for matcher in matchers]
        if "Agent" in matchers:
            handler = {"type": "command", **self.start("subagent_stop.py")}
            groups.append(("SubagentStop", {"hooks": [handler]}))
        groups += self._invalidating()
        noticing = [entry for entry in SESSION_ENTRIES if self.sessions or (self.messages and entry[1] == _CHANGES)]
        for event, matcher, script, waits in (*COMMAND_ENTRIES, *noticing):
            handler = {"type": "command", **self.start(script), **({} if waits else {"async": True})}
            groups.append((event, {**({"matcher": matcher} if matcher else {}), "hooks": [handler]}))
        for event in DELIVERING if self.messages else ():
            groups.append((event, {"hooks": [{"type": "command", **self.start("deliver.py")}]}))
        return groups

    def _invalidating(self) -> list[tuple[str, Json]]:
        """What starts at the end of the calls that put others' results out of date."""
        handler = {"type": "command", **self.start("invalidate.py")}
        lines = [{"if": pattern, **handler} for pattern in patterns_of(self.writers)]
        groups: list[tuple[str, Json]] = []
        for event in ("PostToolUse", "PostToolUseFailure"):  # one that failed may have done a part
            groups += [(event, {"matcher": "Bash", "hooks": lines})] if lines else []
            groups += [(event, {"matcher": matcher, "hooks": [handler]}) for matcher in matchers_of(self.writers)]
        return groups

    def entries(self) -> list[Found]:
        found = [
            Found(event, group.get("matcher"), handler)
            for event, group in self.groups()
            for handler in group["hooks"]  # type: ignore[attr-defined]
        ]
        return sorted(found, key=lambda entry: ORDER.index(entry.event))

    def start(self, script: str) -> Json:
        """What every entry that starts this script has."""
        return {"command": Started(self.interpreter, f"{self.hooks}/{script}").entry(), "timeout": self.timeout}


def patterns_of(rules: Iterable[str]) -> tuple[str, ...]:
    """The `if` patterns for the lines that hold what patterns of Bash calls name, wherever in the line it stands."""
    patterns: dict[str, None] = {}
    for rule in rules:
        if rule.startswith("Bash("):
            literal = _literal(rule)
            patterns[f"Bash(*{literal}*)" if literal else "Bash(*)"] = None
    return tuple(patterns)


def matchers_of(rules: Iterable[str]) -> tuple[str, ...]:
    """The matchers for what a person's own rules name besides Bash and the web."""
    matchers: dict[str, None] = {}
    for rule in rules:
        tool, _ = parse_pattern(rule)
        if tool == "Agent":
            matchers[tool] = None
        elif tool.startswith("mcp__"):
            whole = tool if "__" in tool.removeprefix("mcp__") or "*" in tool else f"{tool}__*"
            matchers[whole if _PLAIN.fullmatch(whole) else _expression(whole)] = None
    return tuple(matchers)


def _expression(tool: str) -> str:
    """A matcher that is not a plain name is an expression, which the client searches for anywhere."""
    return f"^{'.*'.join(few_wildcards(tool.replace('.', '[.]')))}$"


def few_wildcards(tool: str) -> list[str]:
    """The pieces between a name's wildcards; of one with many, which a search could be held up by, the ends alone."""
    pieces = tool.split("*")
    return pieces if len(pieces) <= _MOST_PIECES else [pieces[0], pieces[-1]]


def _literal(rule: str) -> str:
    """What stands in every line that the rule names; of a pattern with escapes or parentheses the longest piece."""
    _, inside = parse_pattern(rule)
    pieces = re.split(r"[\\()]", (inside or "").removesuffix(":*"))
    return max([piece.strip("*: ") for piece in pieces], key=len)


def is_ours(handler: object) -> bool:
    """Whether this version of the package or one before it wrote it."""
    return started_by(handler) is not None


def started_by(handler: object) -> Started | None:
    """What an entry of ours starts; None for any other."""
    if not isinstance(handler, dict) or handler.get("type") != "command":
        return None
    command, args = handler.get("command"), handler.get("args")
    if not isinstance(command, str):
        return None
    if args is None:
        named = command.startswith(f": {MARK} ")  # without a name as it was written before
        started = _started_by_line(command.partition("; ")[2] if named else command)
        return started if started is not None and (not named or command == started.entry()) else None
    if not (isinstance(args, list) and len(args) == 4 and all(isinstance(arg, str) for arg in args)):
        return None
    *flags, script, mark = args  # as it was written before there was a line
    return Started(command, script) if flags == _FLAGS and mark == MARK and _is_hook(script) else None


def _started_by_line(line: str) -> Started | None:
    try:
        words = shlex.split(line)
    except ValueError:  # a quote that nothing closes
        return None
    if len(words) < _INTERPRETER + 1:
        return None
    started = Started(words[_INTERPRETER], words[_SCRIPT])
    return started if _is_hook(started.script) and started.line() == line else None


def _is_hook(path: str) -> bool:
    return "/hooks/" in path and path.endswith(".py")


_META = set("\\^$.*+?()[]{}|/")


def module(start: Sequence[str], rules: Iterable[str], writers: Iterable[str], *, cli: Sequence[str] = ()) -> str:
    """What it hears, and how to start the server (`start`) and the command line (`cli`).

    `rules`, `writers`: patterns of own rules and of their `invalidated_by`.
    """
    rules, writers = list(rules), list(writers)
    answered = [*WEB.split("|"), *(tool for tool in map(_tool, rules) if tool not in ("Bash", "Skill"))]
    ended = [*answered, *(tool for tool in map(_tool, writers) if tool != "Bash")]
    writing = _lines(writers)
    written = [
        f"[{_pattern_of([_wild(_tool(pattern))], whole=True)}, {_pattern_of(_lines([pattern]))}]" for pattern in writers
    ]
    return (
        "// Made by `skillcache plugin-path` from the built-in rules and the person's own.\n"
        f"export const start = {json.dumps(list(start))}\n"
        f"export const cli = {json.dumps(list(cli))}\n"
        f"export const tools = {_names(answered)}\n"
        f"export const writingLines = {_pattern_of(writing) if writing else 'undefined'}\n"
        f"export const endedTools = {_names(ended)}\n"
        f"const written = [{', '.join(written)}]\n"
        "export const writes = e =>\n"
        "  written.some(([tool, line]) => tool.test(e.tool_name) && line.test(String(e.tool_input?.command ?? '')))\n"
    )


def _tool(pattern: str) -> str:
    """As `names` of skillcache.claude.patterns reads it."""
    tool, _ = parse(pattern)
    whole = "__" in tool.removeprefix("mcp__") or "*" in tool
    return tool if whole or not tool.startswith("mcp__") else f"{tool}__*"


def _lines(patterns: Iterable[str]) -> list[str]:
    """What must stand in the lines that the patterns of Bash calls name."""
    parsed = map(parse, patterns)
    return [_plain(literal_of(specifier or "")) for tool, specifier in parsed if tool == "Bash"]


def _wild(tool: str) -> str:
    return ".*".join(map(_plain, few_wildcards(tool)))


def _plain(text: str) -> str:
    return "".join(f"\\{char}" if char in _META else char for char in text)


def _names(tools: Iterable[str]) -> str:
    """A list in JavaScript: names, and expressions for those with a wildcard."""
    listed = (_pattern_of([_wild(tool)], whole=True) if "*" in tool else json.dumps(tool) for tool in tools)
    return f"[{', '.join(dict.fromkeys(listed))}]"


def _pattern_of(parts: Iterable[str], *, whole: bool = False) -> str:
    """In JavaScript. Case never tells two calls apart here; nothing to look for is in everything."""
    inside = "|".join(dict.fromkeys(parts))
    text = json.dumps(f"^(?:{inside})$" if whole else inside)
    return f"new RegExp({text}, 'i')"
