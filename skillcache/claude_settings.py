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

    def entries(self) -> list[Found]:
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
