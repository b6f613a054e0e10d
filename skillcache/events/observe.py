"""Counts the calls that no rule names, by digest: `skillcache suggest` reads which of them were worth a rule.

A call is judged and captured as the rule that could name it would have it, so that what counts as equal is what that
rule would take for equal. Runs in the hook that nobody waits for.
"""

from skillcache.claude import ToolEvent
from skillcache.commands.candidate import Candidate, append, candidate
from skillcache.core.outcomes import NO_RULE, Bypass
from skillcache.rules.rule import Rule, rules_of
from skillcache.rules.words import may_run_script
from skillcache.settings.in_force import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.rules.judge import Verdict
    from skillcache.tools import World

_BASH = "Bash"


def observe(event: ToolEvent, world: "World", settings: Settings) -> None:
    """Count the call where a rule could name it and would store its result. Raises ConfigError and OSError."""
    try:
        found = candidate(event)
        rules = rules_of(settings)
        if found is None or _is_named(event, world, rules, found, settings):
            return
        from skillcache.events.sighting import sight  # most calls end above

        verdict = _judge(event, world, (*rules, found.rule), found, settings) if event.tool == _BASH else None
        seen = sight(event, world, settings, found, (*rules, found.rule), verdict)
    except Bypass:
        return
    if seen is not None:
        append(settings.cache, seen)


def _judge(
    event: ToolEvent, world: "World", rules: tuple[Rule, ...], found: Candidate, settings: Settings
) -> "Verdict":
    """As a shim of the command would. Raises Bypass."""
    from skillcache.rules.judge import judge  # a call that may be worth a rule

    finder, command = None, " ".join(found.words)
    if may_run_script(command, event.cwd, world.environ.get("PWD", "")):
        from skillcache.cache.decision import finder_for  # few do

        ttl = int(settings.number("ttl"))
        finder = finder_for(command, rules, cwd=event.cwd, environ=world.environ, ttl=ttl)
    return judge(found.words, tuple([rule for rule in rules if rule.tool == _BASH]), finder)


def _is_named(event: ToolEvent, world: "World", rules: tuple[Rule, ...], found: Candidate, settings: Settings) -> bool:
    """Whether a rule or a skill names the call, or it is refused for what it does."""
    if event.tool != _BASH:
        from skillcache.tools.lookup import rule_for  # most calls are commands

        return rule_for(event.tool, event.input, rules) is not None
    try:
        _judge(event, world, rules, found, settings)
    except Bypass as bypass:
        return bypass.outcome is not NO_RULE
    return True
