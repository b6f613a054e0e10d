"""A call, answered by a refusal: the one way in which a hook can give it a result.

The model reads it as an error, so its first line says that it is none. Whoever makes the same call again at once wants
it made: it then goes through.
"""

from skillcache import insistence, kinds, replay
from skillcache.call import Call
from skillcache.consent import approved
from skillcache.consultation import Consultation
from skillcache.entry import Entry
from skillcache.errors import Bypass
from skillcache.jsontext import dumps
from skillcache.outcome import FRESH, SERVING_OFF, UNDECIDED, UNFIT, Outcome
from skillcache.plan import Plan
from skillcache.result import Unusable

_WEB = ("WebFetch", "WebSearch")


def admit(call: Call, planned: Plan) -> None:
    """Raises Bypass."""
    if planned.tool in _WEB and call.settings.word("serve.web") == "off":
        raise Bypass(SERVING_OFF)


def present(call: Call, planned: Plan, consulted: Consultation, entry: Entry) -> str | Outcome:
    """Where the person would have to be asked, the client asks about the call itself. Raises Bypass and OSError."""
    event, now, digest = call.event, call.world.now, consulted.found.digest
    kind = kinds.kind_of(planned.tool)
    if kind is None or not approved(call, entry, consulted.project):
        return UNDECIDED
    try:
        text = kind.text_of(consulted.answer.output)
    except Unusable:
        return UNFIT
    if insistence.insists(call.cache, event, digest, now):
        return FRESH
    insistence.answered(call.cache, event, digest, now)
    reason = (
        f"This is not an error: skillcache gives the recorded result of this same {planned.tool} call instead of making"
        f" it again. It was recorded {replay.age_of(entry, now)} ago {replay.origin(entry, event.session_id)}. To have"
        f" it made afresh, repeat the same call within {insistence.SECONDS} seconds. The result follows.\n{text}"
    )
    output = {"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": reason}
    return dumps({"hookSpecificOutput": output})
