"""Counts the calls that no rule names, by digest: `skillcache suggest` reads which of them were worth a rule.

A call is judged and captured as the rule that could name it would have it, so that what counts as equal is what that
rule would take for equal. Runs in the hook that nobody waits for.
"""

import time

from skillcache.cache.capture import BASH, Lookup, Plan, capture_of, finder_for
from skillcache.cache.verify import normalized
from skillcache.claude.event import ToolEvent
from skillcache.claude.results import Unusable
from skillcache.commands.candidate import FAILED, Candidate, Sighting, append, candidate, keyed, salt_of
from skillcache.commands.task import called
from skillcache.core.credentials.find import find as find_secret
from skillcache.core.credentials.find import spelled
from skillcache.core.errors import Bypass
from skillcache.core.git import identity
from skillcache.core.outcomes import CUT, INTERRUPTED, NO_RULE, NOT_TEXT
from skillcache.fingerprint.changes import disturbed
from skillcache.rules.gathered import Verdict
from skillcache.rules.judge import judge
from skillcache.rules.rule import Rule, rules_of
from skillcache.settings.in_force import Settings
from skillcache.stores import entry
from skillcache.tools.lookup import look
from skillcache.tools.other_tools import plan_of, rule_for
from skillcache.tools.registry import kind_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.tools.world import World

_MOST = 3.0  # seconds to look at the world: less than the hook has


def observe(event: ToolEvent, world: "World", settings: Settings) -> None:
    """Count the call where a rule could name it and would store its result. Raises ConfigError and OSError."""
    try:
        seen = _sighting(event, world, settings)
    except (Bypass, Unusable):
        return
    if seen is not None:
        append(settings.cache, seen)


def _sighting(event: ToolEvent, world: "World", settings: Settings) -> Sighting | None:
    """Raises Bypass and Unusable."""
    found = candidate(event)
    rules = rules_of(settings)
    if found is None or _is_named(event, world, rules, found, settings):
        return None
    output = _output(event, int(settings.number("max_output")))
    if find_secret(spelled(event.input)) or find_secret(output or ""):
        return None
    deadline = time.monotonic() + min(settings.number("capture_time"), _MOST)
    depends, looked = _look(event, world, (*rules, found.rule), found, settings, deadline)
    if depends != () and _is_disturbed(event, world, looked, deadline):
        return None
    salt = salt_of(settings.cache)
    root = looked.fingerprint.root
    return Sighting(
        int(world.now),
        found.rule.pattern,
        project=keyed(salt, identity(root)),
        call=keyed(salt, entry.text_of(looked.called)),
        inputs=keyed(salt, entry.text_of(looked.fingerprint.rows)),
        result=FAILED if output is None else keyed(salt, normalized(output, root)),
        duration=event.duration or 0,
    )


def _judge(event: ToolEvent, world: "World", rules: tuple[Rule, ...], found: Candidate, settings: Settings) -> Verdict:
    """As a shim of the command would. Raises Bypass."""
    ttl = int(settings.number("ttl"))
    finder = finder_for(" ".join(found.words), rules, cwd=event.cwd, environ=world.environ, ttl=ttl)
    return judge(found.words, tuple([rule for rule in rules if rule.tool == BASH]), finder)


def _is_named(event: ToolEvent, world: "World", rules: tuple[Rule, ...], found: Candidate, settings: Settings) -> bool:
    """Whether a rule or a skill names the call, or it is refused for what it does."""
    if event.tool != BASH:
        return rule_for(event.tool, event.input, rules) is not None
    try:
        _judge(event, world, rules, found, settings)
    except Bypass as bypass:
        return bypass.outcome is not NO_RULE
    return True


def _look(
    event: ToolEvent,
    world: "World",
    rules: tuple[Rule, ...],
    found: Candidate,
    settings: Settings,
    deadline: float,
) -> tuple[tuple[str, ...] | None, Lookup]:
    """What the call would depend on, and what that is now. Raises Bypass."""
    environ = world.environ
    if event.tool != BASH:
        planned = plan_of(event, rules)
        seconds = deadline - time.monotonic()
        return planned.depends, look(planned, event, event.cwd, environ, seconds=seconds)
    verdict = _judge(event, world, rules, found, settings)
    planned = Plan(" ".join(found.words), verdict.rule, ttl=0, failures_ttl=0)
    # A line leaves the shell where it ran its command: the event says where that is.
    fingerprint, work = capture_of(planned, verdict, event.cwd, environ, deadline=deadline)
    rows = called(BASH, found.words, event.cwd, fingerprint.root, environ, joined=True)
    return planned.depends, Lookup(rows, fingerprint, work)


def _output(event: ToolEvent, cap: int) -> str | None:
    """What the model reads of the result; None for a failed run. Raises Unusable."""
    if event.tool == BASH:
        return _printed(event, cap)
    kind = kind_of(event.tool)
    assert kind is not None  # noqa: S101 - a rule can name it
    return kind.text_of(kind.read(event, cap).output)


def _printed(event: ToolEvent, cap: int) -> str | None:
    """Of a command. Raises Unusable."""
    if event.interrupted or event.goes_on:
        raise Unusable(INTERRUPTED)
    if event.name == "PostToolUseFailure":
        return None
    said = event.response if isinstance(event.response, dict) else {}
    text = said.get("stdout")
    if not isinstance(text, str) or len(text) > cap or said.get("interrupted"):
        raise Unusable(NOT_TEXT)
    if said.get("persistedOutputPath") or said.get("rawOutputPath"):  # it is not all there
        raise Unusable(CUT)
    return f"{said.get('returnCodeInterpretation')}\n{text}"


def _is_disturbed(event: ToolEvent, world: "World", looked: Lookup, deadline: float) -> bool:
    """Whether what the call reads was touched while it ran, perhaps by itself: a rule would not store its result."""
    # We start a little after the end, so this is a little after the start: what came before is never counted.
    since = int(world.now * 1e9) - (event.duration or 0) * 1_000_000
    rows, root = looked.fingerprint.rows, looked.fingerprint.root
    return disturbed(root, rows, world.environ, since=since, deadline=deadline)
