"""Which rule would name a call that none names yet, as narrow as a person would write it.

A pattern holds the name of what runs and no more: `Bash(psalm:*)`, `Bash(npm run report:*)`, `Bash(python count.py:*)`,
`Agent(reviewer)`, `mcp__context7__get-docs`. Where that would name much more than was seen, such as everything that a
task runner or an interpreter runs, there is none.
"""

import os

from skillcache.event import ToolEvent
from skillcache.observing.label import acts, is_name, label_of
from skillcache.policy import Rule
from skillcache.policy.filters import filtered
from skillcache.policy.own import ONLINE_TTL
from skillcache.policy.wrappers import Wrapped, unwrap
from skillcache.shell import Line, read

ORIGIN = "observed"  # of a rule that is not one yet
MCP = "mcp__"


class Candidate:
    """rule: what would name the call; cwd: where the call began."""

    __slots__ = ("cwd", "rule")

    def __init__(self, rule: Rule, cwd: str) -> None:
        self.rule = rule
        self.cwd = cwd


def candidate(event: ToolEvent) -> Candidate | None:
    """None for a call that no rule should name. Raises Bypass."""
    if event.tool == "Bash":
        return _of_line(event)
    if event.tool == "Agent":
        kind = event.input.get("subagent_type")
        fits = isinstance(kind, str) and is_name(kind, "_-.:")
        return Candidate(would_be(f"Agent({kind})"), event.cwd) if fits else None
    fits = is_name(event.tool, "_-.") and not acts(event.tool.rpartition("__")[2])
    return Candidate(would_be(event.tool), event.cwd) if fits else None


def would_be(pattern: str) -> Rule:
    """The rule with this pattern, as `[[rules]]` with nothing else but the pattern would make it."""
    if pattern.startswith(MCP):
        return Rule(ORIGIN, pattern, depends=(), ttl=ONLINE_TTL, origin=ORIGIN)
    return Rule(ORIGIN, pattern, origin=ORIGIN)


def _of_line(event: ToolEvent) -> Candidate | None:
    text = event.input.get("command")
    if not isinstance(text, str) or event.input.get("run_in_background"):
        return None
    line = read(text)
    cwd = began_in(event, line.ends_in)
    if line.fresh or cwd is None:
        return None
    command = _only_command(line)
    if command is None:
        return None
    folder = os.path.join(cwd, command.directory)
    label = label_of(command.words, lambda word: os.path.lexists(os.path.join(folder, word)))
    return Candidate(would_be(f"Bash({label}:*)"), cwd) if label else None


def _only_command(line: Line) -> Wrapped | None:
    """The one command of the line that is neither a filter nor a `cd`, without its wrappers. Raises Bypass."""
    found = None
    for command in line.commands:
        inner = unwrap(command.words, command.directory) if command.words else None
        if inner is None:
            return None
        if filtered(command, inner.words) is None:
            if found is not None:
                return None
            found = inner
    return found


def began_in(event: ToolEvent, ends_in: str) -> str | None:
    """Where the shell stood before the run: the event tells where it stands after it. None when that is not sure.

    `ends_in`: where the line leaves the shell. After a failure it stays where it was (observed).
    """
    if ends_in.startswith("/"):
        return ends_in
    if not ends_in or event.name == "PostToolUseFailure":
        return event.cwd
    before = event.cwd.removesuffix("/" + ends_in)
    return (before or "/") if before != event.cwd else None
