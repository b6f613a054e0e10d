"""A call, answered by a refusal: the one way in which a hook can give it a result.

The model reads it as an error, so its first line says that it is none. Whoever makes the same call again at once wants
it made: it then goes through.
"""

from skillcache.cache import replay
from skillcache.cache.capture import Plan
from skillcache.claude.results import Unusable
from skillcache.core.errors import Bypass
from skillcache.core.json import dumps
from skillcache.core.outcomes import FRESH, SERVING_OFF, UNDECIDED, UNFIT, Outcome
from skillcache.stores.entry import Entry
from skillcache.tools import insistence, registry
from skillcache.tools.call import Call
from skillcache.tools.consent import approved
from skillcache.tools.lookup import Consultation

_WEB = ("WebFetch", "WebSearch")


class Refusal:
    """See `skillcache.tools.before.Lane`."""

    def admit(self, call: Call, planned: Plan) -> None:
        """Raises Bypass."""
        if planned.tool in _WEB and call.settings.word("serve.web") == "off":
            raise Bypass(SERVING_OFF)

    def present(self, call: Call, planned: Plan, consulted: Consultation, entry: Entry) -> str | Outcome:
        """Where the person would have to be asked, the client asks about the call itself. Raises Bypass and OSError."""
        event, now, digest = call.event, call.world.now, consulted.found.digest
        kind = registry.kind_of(planned.tool)
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
            f"This is not an error: skillcache gives the recorded result of this same {planned.tool} call instead of"
            f" making it again. It was recorded {replay.age_of(entry, now)} ago"
            f" {replay.origin(entry, event.session_id)}. To have it made afresh, repeat the same call within"
            f" {insistence.SECONDS} seconds. The result follows.\n{text}"
        )
        output = {"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": reason}
        return dumps({"hookSpecificOutput": output})


REFUSAL = Refusal()
