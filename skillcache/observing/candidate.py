"""Which rule would name a call that none names yet, as narrow as a person would write it.

A pattern holds the name of what runs and no more: `Bash(psalm:*)`, `Bash(npm run report:*)`, `Bash(python count.py:*)`,
`Skill(report)` for scripts of a skill, `Agent(reviewer)`, `mcp__context7__get-docs`. Where that would name much more
than was seen, such as everything that a task runner or an interpreter runs, there is none.
"""

import os

from skillcache.event import ToolEvent
from skillcache.observing.label import acts, is_name, label_of
from skillcache.observing.line import words_of
from skillcache.policy.look import may_run_script
from skillcache.policy.own import ONLINE_TTL
from skillcache.policy.rule import Rule
from skillcache.policy.wrappers import unwrap
from skillcache.skill.find import name_at
from skillcache.skill.scripts import script_at

ORIGIN = "observed"  # of a rule that is not one yet
MCP = "mcp__"


class Candidate:
    """rule: what would name the call; words: of a command."""

    __slots__ = ("rule", "words")

    def __init__(self, rule: Rule, words: tuple[str, ...] = ()) -> None:
        self.rule = rule
        self.words = words


def candidate(event: ToolEvent) -> Candidate | None:
    """None for a call that no rule should name. Raises Bypass."""
    if event.tool == "Bash":
        return _of_line(event)
    if event.tool == "Agent":
        kind = event.input.get("subagent_type")
        fits = isinstance(kind, str) and is_name(kind, "_-.:")
        return Candidate(would_be(f"Agent({kind})")) if fits else None
    fits = is_name(event.tool, "_-.") and not acts(event.tool.rpartition("__")[2])
    return Candidate(would_be(event.tool)) if fits else None


def would_be(pattern: str) -> Rule:
    """The rule with this pattern, as `[[rules]]` with nothing else but the pattern would make it."""
    if pattern.startswith(MCP):
        return Rule(ORIGIN, pattern, depends=(), ttl=ONLINE_TTL, origin=ORIGIN)
    return Rule(ORIGIN, pattern, origin=ORIGIN)


def _of_line(event: ToolEvent) -> Candidate | None:
    text = event.input.get("command")
    if not isinstance(text, str) or event.input.get("run_in_background"):
        return None
    words = words_of(text)
    inner = unwrap(words) if words else None
    if inner is None:
        return None
    folder = os.path.join(event.cwd, inner.directory)
    if may_run_script(text, event.cwd):
        at = script_at(inner.words, inner.launcher)
        skill = name_at(os.path.join(folder, inner.words[at])) if at >= 0 else ""
        if skill:
            return _of_skill(skill, inner.words[at], words)
    label = label_of(inner.words, lambda word: os.path.lexists(os.path.join(folder, word)))
    return Candidate(would_be(f"Bash({label}:*)"), words) if label else None


def _of_skill(name: str, script: str, words: tuple[str, ...]) -> Candidate | None:
    """One rule for all that the skill's scripts are asked, unless they are run for what they do."""
    if not is_name(name, "_-:") or acts(name) or acts(script.rpartition("/")[2]):
        return None
    return Candidate(would_be(f"Skill({name})"), words)
