"""The end of a call that a rule names in `invalidated_by`: what depends on it is out of date at once."""

import os

from skillcache.cache import history
from skillcache.claude import ToolEvent, parse_tool_event
from skillcache.claude.patterns import may_hold, parse
from skillcache.claude.patterns import names as is_tool
from skillcache.core.git import find_root, identity
from skillcache.core.outcomes import OUTDATED, StoreError
from skillcache.rules.rule import rules_of
from skillcache.stores import forget
from skillcache.tools import World
from skillcache.tools.lookup import Call, make_call

_BACKGROUND = 600  # seconds that a call in the background is taken for


def handle(data: bytes, world: World) -> str:
    """Never has an answer. Raises SkillcacheError and OSError: the runtime counts them."""
    outdate(parse_tool_event(data), world)
    return ""


def outdate(event: ToolEvent, world: World) -> None:
    """Raises SkillcacheError and OSError."""
    call = make_call(event, world)
    if call is None:
        return
    kept: dict[str, int] = {}  # seconds, by the name of the rule
    for rule in rules_of(call.settings):
        if any(_is_named(pattern, event) for pattern in rule.invalidated_by):
            kept[rule.name] = max(rule.ttl, kept.get(rule.name, 0))
    if kept:
        _raise(call, kept)


def _raise(call: Call, kept: dict[str, int]) -> None:
    """Of what the store was not told nothing is served here either, for as long as it may be kept: the rule rests."""
    names = list(kept)
    if _goes_on(call.event):
        _rest(call, dict.fromkeys(names, _BACKGROUND))
    try:
        store = call.open_store()
        while names:
            store.invalidate(names[0])
            call.count(OUTDATED, names.pop(0))
        store.close()
    except StoreError:
        _rest(call, {name: kept[name] for name in names})
        raise
    finally:
        forget(call.cache)


def _rest(call: Call, rules: dict[str, int]) -> None:
    """`rules`: seconds, by the name of each."""
    place = os.path.realpath(call.event.cwd)
    project = identity(find_root(place) or place)
    for name, seconds in rules.items():
        history.quarantine(call.cache, project, name, call.world.now, seconds)


def _goes_on(event: ToolEvent) -> bool:
    """Whether the call writes on in the background: nobody tells us of its end."""
    moved = event.response.get("backgroundTaskId") if isinstance(event.response, dict) else None
    return bool(moved or event.input.get("run_in_background"))


def _is_named(pattern: str, event: ToolEvent) -> bool:
    """Whether the pattern may be meant for the call: in doubt it is."""
    tool, specifier = parse(pattern)
    if not is_tool(tool, event.tool):
        return False
    command = event.input.get("command")
    if specifier is None or event.tool != "Bash" or not isinstance(command, str):
        return True
    return may_hold(command, specifier)
