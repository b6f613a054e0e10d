"""Counts the calls that no rule names, by digest: `skillcache suggest` reads which of them were worth a rule.

A call is judged and captured as the rule that could name it would have it, so that what counts as equal is what that
rule would take for equal. Runs in the hook that nobody waits for.
"""

import time

from skillcache import key, resident
from skillcache.errors import Bypass
from skillcache.event import ToolEvent
from skillcache.fingerprint.disturbance import disturbed
from skillcache.kinds import kind_of
from skillcache.lookup import Lookup, look
from skillcache.normalize import normalized
from skillcache.observing.candidate import Candidate, candidate
from skillcache.observing.log import FAILED, Sighting, append, keyed, salt_of
from skillcache.outcome import NO_RULE, OTHER_COMMAND
from skillcache.plan import BASH, Plan, finder_for, plan
from skillcache.policy import Rule, judge
from skillcache.policy.heard import starts_hooks
from skillcache.policy.other_tools import rule_for
from skillcache.policy.own import rules_of
from skillcache.project import identity
from skillcache.recording import asked_of, has_failed
from skillcache.result import Unusable, read_result
from skillcache.secrets import find as find_secret
from skillcache.settings import Settings
from skillcache.shell import read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.runtime import World

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
    ttl, failures_ttl = (int(settings.number(name)) for name in ("ttl", "failures_ttl"))
    rules = rules_of(settings)
    if found is None or _is_named(event, world, rules, found, ttl):
        return None
    planned = plan(
        event, (*rules, found.rule), cwd=found.cwd, environ=world.environ, ttl=ttl, failures_ttl=failures_ttl
    )
    output = _output(event, int(settings.number("max_output")))
    if find_secret(asked_of(event)) or find_secret(output or ""):
        return None
    deadline = time.monotonic() + min(settings.number("capture_time"), _MOST)
    looked = look(planned, event, found.cwd, world.environ, seconds=deadline - time.monotonic())
    if _is_disturbed(event, world, planned, looked, deadline):
        return None
    salt = salt_of(settings.cache)
    root = looked.fingerprint.root
    return Sighting(
        int(world.now),
        found.rule.pattern,
        project=keyed(salt, identity(root)),
        call=keyed(salt, key.text_of(looked.called)),
        inputs=keyed(salt, key.text_of(looked.fingerprint.rows)),
        result=FAILED if output is None else keyed(salt, normalized(output, root)),
        duration=event.duration or 0,
    )


def _is_named(event: ToolEvent, world: "World", rules: tuple[Rule, ...], found: Candidate, ttl: int) -> bool:
    """Whether a rule or a skill names the call and it is heard of, or it is refused for what it does."""
    if event.tool != BASH:
        return rule_for(event.tool, event.input, rules) is not None
    command = str(event.input.get("command"))
    own = tuple([rule for rule in rules if rule.tool == BASH])
    try:
        verdict = judge(read(command), own, finder_for(command, rules, cwd=found.cwd, environ=world.environ, ttl=ttl))
    except Bypass as bypass:
        return bypass.outcome not in (NO_RULE, OTHER_COMMAND)
    return starts_hooks(command, verdict.rules) or resident.is_served(world.environ)


def _output(event: ToolEvent, cap: int) -> str | None:
    """What the model reads of the result; None for a failed run. Raises Unusable."""
    if event.tool == BASH:
        result = read_result(event, cap)
        return None if has_failed(result) else f"{result.meaning}\n{result.output.decode()}"
    kind = kind_of(event.tool)
    assert kind is not None  # noqa: S101 - a rule can name it
    text: str = kind.text_of(kind.read(event, cap).output)
    return text


def _is_disturbed(event: ToolEvent, world: "World", planned: Plan, looked: Lookup, deadline: float) -> bool:
    """Whether what the call reads was touched while it ran, perhaps by itself: a rule would not store its result."""
    if planned.depends == ():
        return False
    # We start a little after the end, so this is a little after the start: what came before is never counted.
    since = int(world.now * 1e9) - (event.duration or 0) * 1_000_000
    rows, root = looked.fingerprint.rows, looked.fingerprint.root
    return disturbed(root, rows, world.environ, since=since, deadline=deadline)
