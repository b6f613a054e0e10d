"""Our entries in Claude Code's settings: which events and lines start the hooks, and how an entry is known as ours.

An entry of ours passes its hook a last argument that nobody else's has.

One entry cannot name two patterns, so each event has an entry per word. The client runs every entry whose `if`
matches a part of the command line, and all of them for a line that it does not take apart (`$(...)`, loops), so the
words are few: the hook sees to it that one process answers.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from skillcache.policy.pattern import parse as parse_pattern

EVENTS = {
    "PreToolUse": "pre_tool_use.py",
    "PostToolUse": "post_tool_use.py",
    "PostToolUseFailure": "post_tool_use_failure.py",
}
# The tools that built-in rules name besides Bash.
WEB = "WebFetch|WebSearch"
# What is seen of calls that no rule names, for `skillcache suggest`.
OBSERVED = "^(mcp__.*|Agent)$"
# What records sessions: event, matcher, script, and whether the client waits for it. It waits where there is an answer,
# and at a turn's end, which may be the session's: the client then stops what it does not wait for (observed with -p).
_CHANGES = "Edit|Write|NotebookEdit|TodoWrite|TaskCreate|TaskUpdate|Bash"
SESSION_ENTRIES = (
    ("SessionStart", None, "session_start.py", True),
    ("UserPromptSubmit", None, "record.py", False),
    ("PostToolUse", _CHANGES, "record.py", False),
    ("PostToolUse", OBSERVED, "record.py", False),
    ("PostToolUseFailure", "Bash", "record.py", False),
    ("Stop", None, "record.py", True),
    ("SubagentStart", None, "record.py", False),
    ("SubagentStop", None, "record.py", False),
    ("PreCompact", None, "record.py", False),
    ("PostCompact", None, "record.py", False),
    ("SessionEnd", None, "record.py", True),
    ("PermissionRequest", None, "record.py", False),
)
# At these the hook that records also gives up what runs that have no end hold.
RELEASING = ("Stop", "SubagentStop", "SessionEnd", "PermissionRequest")
# At these an agent is known to others, and given what they wrote.
DELIVERING = (
    "SessionStart", "SubagentStart", "UserPromptSubmit", "PostToolBatch", "Stop", "SubagentStop", "SessionEnd",
)  # fmt: skip
# Every event that an entry of ours may have, in the order in which they are compared.
ORDER = tuple(dict.fromkeys([*EVENTS, *(event for event, *_ in SESSION_ENTRIES), *DELIVERING]))
WAITING = "waiting for the same run of another agent"
MARK = "skillcache"  # the last argument of every entry of ours
MATCHER = "Bash"
# What the commands of the built-in rules have in common, and those of skills; the first five are in 92 % of the
# replayable lines that agents were seen to run. Each word starts one more process for a line that the client does not
# take apart, so the words of rare tools are not here: a rule of one's own adds them.
WORDS = (
    "test", "check", "lint", "tsc", "vet", "mypy", "clippy", "verify", "analy", "spec", "jest", "pyright", "unit",
    "rubocop",
    "skills/",  # a script of a skill
)  # fmt: skip
_FLAGS = ["-I", "-S"]  # neither the environment nor installed packages have a say

_MOST_PIECES = 3
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")  # of a matcher that the client holds against the whole name

Json = dict[str, object]


class Found(NamedTuple):
    """An entry of ours in a file."""

    event: str
    matcher: object
    handler: Json


class Edit:
    """A way to write entries: `interpreter` and `hooks` (the scripts' folder) are absolute paths, `timeout` seconds.

    rules: the patterns of the person's own rules; writers: those in their `invalidated_by`; web: whether calls of the
    web's tools are answered; wait: seconds that a call may wait for another's run; sessions, messages: whether to write
    the entries that record sessions and that bring messages.
    """

    __slots__ = (
        "hooks", "interpreter", "messages", "patterns", "rules", "sessions", "timeout", "wait", "web", "writers",
    )  # fmt: skip

    def __init__(
        self,
        interpreter: str,
        hooks: str,
        *,
        rules: Sequence[str] = (),
        writers: Sequence[str] = (),
        web: bool = True,
        wait: float = 300,
        timeout: int = 10,
        sessions: bool = False,
        messages: bool = False,
    ) -> None:
        self.messages = messages
        self.sessions = sessions
        self.interpreter = interpreter
        self.hooks = hooks
        self.rules = rules
        self.writers = writers
        self.web = web
        self.wait = wait
        self.patterns = (*(f"Bash(*{word}*)" for word in WORDS), *patterns_of(rules))
        self.timeout = timeout

    def handlers(self, event: str) -> list[Json]:
        return [{"type": "command", "if": pattern, **self._start(EVENTS[event])} for pattern in self.patterns]

    def groups(self) -> list[tuple[str, Json]]:
        """Each event and an element that its list gains."""
        groups: list[tuple[str, Json]] = [
            (event, {"matcher": MATCHER, "hooks": self.handlers(event)}) for event in EVENTS
        ]
        matchers = (*((WEB,) if self.web else ()), *matchers_of(self.rules))
        for event, script in EVENTS.items():
            handler = {"type": "command", **self._start(script)}
            groups += [(event, {"matcher": matcher, "hooks": [handler]}) for matcher in matchers]
        if "Agent" in matchers:
            handler = {"type": "command", **self._start("subagent_stop.py")}
            groups.append(("SubagentStop", {"hooks": [handler]}))
        groups += self._invalidating()
        for event, matcher, script, waits in SESSION_ENTRIES:
            recording = self.sessions and event != "PermissionRequest"
            releasing = self.wait and event in RELEASING
            noticing = self.messages and matcher == _CHANGES
            if not (recording or releasing or noticing):
                continue
            handler = {"type": "command", **self._start(script), **({} if waits else {"async": True})}
            groups.append((event, {**({"matcher": matcher} if matcher else {}), "hooks": [handler]}))
        for event in DELIVERING if self.messages else ():
            groups.append((event, {"hooks": [{"type": "command", **self._start("deliver.py")}]}))
        return groups

    def _invalidating(self) -> list[tuple[str, Json]]:
        """What starts at the end of the calls that put others' results out of date."""
        handler = {"type": "command", **self._start("invalidate.py")}
        lines = [{"if": pattern, **handler} for pattern in patterns_of(self.writers, all_=True)]
        groups: list[tuple[str, Json]] = []
        for event in ("PostToolUse", "PostToolUseFailure"):  # one that failed may have done a part
            groups += [(event, {"matcher": MATCHER, "hooks": lines})] if lines else []
            groups += [(event, {"matcher": matcher, "hooks": [handler]}) for matcher in matchers_of(self.writers)]
        return groups

    def entries(self) -> list[Found]:
        found = [
            Found(event, group.get("matcher"), handler)
            for event, group in self.groups()
            for handler in group["hooks"]  # type: ignore[attr-defined]
        ]
        return sorted(found, key=lambda entry: ORDER.index(entry.event))

    def _start(self, script: str) -> Json:
        started: Json = {
            "command": self.interpreter,
            "args": [*_FLAGS, f"{self.hooks}/{script}", MARK],
            "timeout": self.timeout,
        }
        if script == EVENTS["PreToolUse"] and self.wait:
            # A person reads this only where the hook takes long, which is where it waits.
            return {**started, "timeout": self.timeout + int(self.wait), "statusMessage": WAITING}
        return started


def patterns_of(rules: Iterable[str], *, all_: bool = False) -> tuple[str, ...]:
    """The further `if` patterns that a person's own rules need, wherever in a line their command stands.

    `all_`: also those of rules whose calls start the hooks that replay anyway.
    """
    patterns: dict[str, None] = {}
    for rule in rules:
        if rule.startswith("Bash(") and (all_ or not has_word(rule)):
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


def has_word(rule: str) -> bool:
    """Whether every call that the rule names starts the hooks anyway."""
    return any(word in _literal(rule) for word in WORDS)


def _literal(rule: str) -> str:
    """What stands in every line that the rule names; of a pattern with escapes or parentheses the longest piece."""
    _, inside = parse_pattern(rule)
    pieces = re.split(r"[\\()]", (inside or "").removesuffix(":*"))
    return max([piece.strip("*: ") for piece in pieces], key=len)


def is_ours(handler: object) -> bool:
    """Whether any version of this package wrote it."""
    if not isinstance(handler, dict) or handler.get("type") != "command":
        return False
    args = handler.get("args")
    if not (isinstance(args, list) and len(args) == 4 and all(isinstance(arg, str) for arg in args)):
        return False
    return args[:2] == _FLAGS and "/hooks/" in args[2] and args[2].endswith(".py") and args[3] == MARK
