"""How a recorded result is given: as the text of a refusal or, behind the plugin, as the result itself.

The model reads it as an error, so its first line says that it is none. Whoever makes the same call again at once wants
it made: it then goes through.

The words are JSON: `result` in the tool's own shape and `context` for the model.
"""

from skillcache.cache import decision
from skillcache.cache.capture import Plan
from skillcache.claude.event import MCP_PREFIX, Unusable
from skillcache.core.json import dumps
from skillcache.core.outcomes import INSISTED, SERVING_OFF, UNDECIDED, UNFIT, Bypass, Outcome
from skillcache.stores.entry import Entry
from skillcache.tools import before, registry
from skillcache.tools.before import approved
from skillcache.tools.lookup import Call, Consultation

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
        if before.insists(call.cache, event, digest, now):
            return INSISTED
        before.answered(call, digest, consulted.project, planned.name)
        # A person sees the beginning, behind the client's own word "error".
        reason = (
            f"Not an error: answered from skillcache's record. This same {planned.tool} call was made"
            f" {decision.age_of(entry, now)} ago {decision.origin(entry, event.session_id)}, and this is its result. To"
            f" have it made afresh, repeat the same call within {before.SECONDS} seconds. The result follows.\n{text}"
        )
        output = {"hookEventName": "PreToolUse", "permissionDecision": "deny", "permissionDecisionReason": reason}
        return dumps({"hookSpecificOutput": output})


REFUSAL = Refusal()


# What a tool's result must hold, by what type: the client takes another shape for an error.
_SHAPES: dict[str, dict[str, type | tuple[type, ...]]] = {
    "WebFetch": {"bytes": int, "code": int, "codeText": str, "result": str, "durationMs": int, "url": str},
    "WebSearch": {"query": str, "results": list, "durationSeconds": (int, float)},
    "Agent": {"status": str, "prompt": str, "agentId": str, "content": list, "usage": dict},
}


class PluginAnswer:
    """See `skillcache.tools.before.Lane`."""

    def admit(self, _call: Call, _planned: Plan) -> None:
        """It answers every call."""

    def present(self, call: Call, planned: Plan, consulted: Consultation, entry: Entry) -> str | Outcome:
        kind = registry.kind_of(planned.tool)
        try:
            result = None if kind is None else kind.structured(consulted.answer.output, call.event.tool_use_id)
        except Unusable:
            return UNFIT
        if not _fits(planned.tool, result):
            return UNFIT
        note = (
            f"skillcache: the result of this {planned.tool} call is the recorded one of the same call, not a new one."
            f" It was recorded {decision.age_of(entry, call.world.now)} ago"
            f" {decision.origin(entry, call.event.session_id)}."
        )
        return dumps({"result": result, "context": [note]})


PLUGIN_ANSWER = PluginAnswer()


def _fits(tool: str, result: object) -> bool:
    if tool.startswith(MCP_PREFIX):
        if isinstance(result, list):
            return bool(result) and all(isinstance(block, dict) for block in result)
        return isinstance(result, str)
    if not isinstance(result, dict):
        return False
    return all(isinstance(result.get(name), types) for name, types in _SHAPES[tool].items())
