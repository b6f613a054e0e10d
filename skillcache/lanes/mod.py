"""The lane of the plugin: its mod gives any call its result, after the person's own rules and prompts.

The words are JSON: `result` in the tool's own shape and `context` for the model, or `deny`, which the client takes for
the tool's own error. The call's input is not ours to change, so that no answer can move the shell.
"""

from skillcache import kinds, replay, seen
from skillcache.call import Call
from skillcache.consultation import Consultation
from skillcache.entry import Entry
from skillcache.jsontext import dumps
from skillcache.outcome import UNFIT, Outcome
from skillcache.plan import BASH, Plan

# What a tool's result must hold, by what type: the client takes another shape for an error.
_SHAPES: dict[str, dict[str, type | tuple[type, ...]]] = {
    "WebFetch": {"bytes": int, "code": int, "codeText": str, "result": str, "durationMs": int, "url": str},
    "WebSearch": {"query": str, "results": list, "durationSeconds": (int, float)},
    "Agent": {"status": str, "prompt": str, "agentId": str, "content": list, "usage": dict},
}
_LARGEST = 1 << 20  # bytes of a result: more takes the mod longer to hand over than it may


def admit(call: Call, planned: Plan) -> None:
    """Every call is answered."""


def present(call: Call, planned: Plan, consulted: Consultation, entry: Entry) -> str | Outcome:
    """Raises Bypass and OSError."""
    event, found, now = call.event, consulted.found, call.world.now
    output = consulted.answer.output
    if len(output) > _LARGEST:
        return UNFIT
    who = replay.origin(entry, event.session_id)
    if planned.tool != BASH:
        kind = kinds.kind_of(planned.tool)
        result = None if kind is None else kind.structured(output, event.tool_use_id)
        return (
            dumps({"result": result, "context": [_note(planned, entry, who, now)]})
            if _fits(planned.tool, result)
            else UNFIT
        )
    note = replay.note(entry, planned.command, who, now=now)
    if entry.directory is not None:
        return UNFIT
    try:
        text = output.decode("utf-8")
    except UnicodeDecodeError:
        return UNFIT
    if entry.files:
        from skillcache.skill.outputs import restore  # few entries hold files

        root = found.fingerprint.root
        restore(entry.files, root, root)
    if entry.failed:
        seen.see(call.cache, event.session_id, event.agent_id, found.digest)
    if entry.status and not entry.meaning:
        return dumps({"deny": f"Exit code {entry.status}\n{text}" if text else f"Exit code {entry.status}"})
    result = {"stdout": text, "stderr": "", "interrupted": False, "isImage": False, "noOutputExpected": False}
    if entry.meaning:
        result["returnCodeInterpretation"] = entry.meaning
    return dumps({"result": result, "context": [note]})


def _note(planned: Plan, entry: Entry, who: str, now: float) -> str:
    return (
        f"skillcache: the result of this {planned.tool} call is the recorded one of the same call, not a new one."
        f" It was recorded {replay.age_of(entry, now)} ago {who}."
    )


def _fits(tool: str, result: object) -> bool:
    if tool.startswith(kinds.MCP_PREFIX):
        if isinstance(result, list):
            return bool(result) and all(isinstance(block, dict) for block in result)
        return isinstance(result, str)
    if not isinstance(result, dict):
        return False
    return all(isinstance(result.get(name), types) for name, types in _SHAPES[tool].items())
