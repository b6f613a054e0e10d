"""The end of a call that a rule names in `invalidated_by`: what depends on it is out of date at once."""

from skillcache.call import Call, make_call
from skillcache.event import ToolEvent, parse_tool_event
from skillcache.outcome import OUTDATED
from skillcache.permissions.readings import read
from skillcache.policy.own import rules_of
from skillcache.policy.pattern import matches, names, parse
from skillcache.runtime import World


def handle(data: bytes, world: World) -> str:
    """Never has an answer. Raises SkillcacheError and OSError: the runtime counts them."""
    outdate(parse_tool_event(data), world)
    return ""


def outdate(event: ToolEvent, world: World) -> None:
    """Raises SkillcacheError and OSError."""
    call = make_call(event, world)
    if call is None:
        return
    for rule in rules_of(call.settings):
        if any(_is_named(pattern, event) for pattern in rule.invalidated_by):
            _raise(call, rule.name)


def _raise(call: Call, name: str) -> None:
    store = call.open_store()
    store.invalidate(name)
    store.close()
    call.count(OUTDATED, name)


def _is_named(pattern: str, event: ToolEvent) -> bool:
    """Whether the pattern may be meant for the call: in doubt it is."""
    tool, specifier = parse(pattern)
    if not names(tool, event.tool):
        return False
    command = event.input.get("command")
    if specifier is None or event.tool != "Bash" or not isinstance(command, str):
        return True
    line = read(command)
    return line is None or any(matches(specifier, text) for text in line.texts)
