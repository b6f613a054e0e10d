"""Our entries in Claude Code's settings: which events and lines start the hooks, and how an entry is known as ours.

An entry of ours passes its hook a last argument that nobody else's has.

One entry cannot name two patterns, so each event has an entry per word. The client runs every entry whose `if`
matches a part of the command line, and all of them for a line that it does not take apart (`$(...)`, loops), so the
words are few: the hook sees to it that one process answers.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from skillcache.policy.pattern import parse as parse_pattern

EVENTS = {
    "PreToolUse": "pre_tool_use.py",
    "PostToolUse": "post_tool_use.py",
    "PostToolUseFailure": "post_tool_use_failure.py",
}
# What records sessions: event, matcher, script, and whether the client waits for it. It waits where there is an answer,
# and at a turn's end, which may be the session's: the client then stops what it does not wait for (observed with -p).
_CHANGES = "Edit|Write|NotebookEdit|TodoWrite|TaskCreate|TaskUpdate|Bash"
SESSION_ENTRIES = (
    ("SessionStart", None, "session_start.py", True),
    ("UserPromptSubmit", None, "record.py", False),
    ("PostToolUse", _CHANGES, "record.py", False),
    ("PostToolUseFailure", "Bash", "record.py", False),
    ("Stop", None, "record.py", True),
    ("SubagentStart", None, "record.py", False),
    ("SubagentStop", None, "record.py", False),
    ("PreCompact", None, "record.py", False),
    ("PostCompact", None, "record.py", False),
    ("SessionEnd", None, "record.py", True),
)
# Every event that an entry of ours may have, in the order in which they are compared.
ORDER = tuple(dict.fromkeys([*EVENTS, *(event for event, *_ in SESSION_ENTRIES)]))
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

Json = dict[str, object]


class Found(NamedTuple):
    """An entry of ours in a file."""

    event: str
    matcher: object
    handler: Json


class Edit:
    """A way to write entries: `interpreter` and `hooks` (the scripts' folder) are absolute paths, `timeout` seconds.

    `sessions`: whether to write those that record sessions.
    """

    __slots__ = ("hooks", "interpreter", "patterns", "sessions", "timeout")

    def __init__(
        self,
        interpreter: str,
        hooks: str,
        *,
        patterns: Sequence[str] = (),
        timeout: int = 10,
        sessions: bool = False,
    ) -> None:
        self.sessions = sessions
        self.interpreter = interpreter
        self.hooks = hooks
        self.patterns = (*(f"Bash(*{word}*)" for word in WORDS), *patterns)
        self.timeout = timeout

    def handlers(self, event: str) -> list[Json]:
        return [{"type": "command", "if": pattern, **self._start(EVENTS[event])} for pattern in self.patterns]

    def groups(self) -> list[tuple[str, Json]]:
        """Each event and an element that its list gains."""
        groups: list[tuple[str, Json]] = [
            (event, {"matcher": MATCHER, "hooks": self.handlers(event)}) for event in EVENTS
        ]
        for event, matcher, script, waits in SESSION_ENTRIES if self.sessions else ():
            handler = {"type": "command", **self._start(script), **({} if waits else {"async": True})}
            groups.append((event, {**({"matcher": matcher} if matcher else {}), "hooks": [handler]}))
        return groups

    def entries(self) -> list[Found]:
        found = [
            Found(event, group.get("matcher"), handler)
            for event, group in self.groups()
            for handler in group["hooks"]  # type: ignore[attr-defined]
        ]
        return sorted(found, key=lambda entry: ORDER.index(entry.event))

    def _start(self, script: str) -> Json:
        return {
            "command": self.interpreter,
            "args": [*_FLAGS, f"{self.hooks}/{script}", MARK],
            "timeout": self.timeout,
        }


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
