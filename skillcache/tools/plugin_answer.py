"""The lane of the plugin: its mod gives any call its result, after the person's own rules and prompts.

The words are JSON: `result` in the tool's own shape and `context` for the model.
"""

from skillcache.cache import replay
from skillcache.cache.capture import Plan
from skillcache.claude.event import MCP_PREFIX
from skillcache.claude.results import Unusable
from skillcache.core.json import dumps
from skillcache.core.outcomes import UNFIT, Outcome
from skillcache.stores.entry import Entry
from skillcache.tools import registry
from skillcache.tools.call import Call
from skillcache.tools.lookup import Consultation

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
            f" It was recorded {replay.age_of(entry, call.world.now)} ago"
            f" {replay.origin(entry, call.event.session_id)}."
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
