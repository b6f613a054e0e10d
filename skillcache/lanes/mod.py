"""The lane of the plugin: its mod gives any call its result, after the person's own rules and prompts.

The words are JSON: `result` in the tool's own shape and `context` for the model, or `deny`, which the client takes for
the tool's own error. The call's input is not ours to change, so that no answer can move the shell.
"""

import os

from skillcache import kinds, replay, seen
from skillcache.call import Call
from skillcache.consultation import Consultation
from skillcache.entry import Entry
from skillcache.errors import Bypass
from skillcache.jsontext import dumps
from skillcache.lanes import long_output
from skillcache.outcome import UNFIT, Outcome
from skillcache.plan import BASH, Plan
from skillcache.result import Unusable

# What a tool's result must hold, by what type: the client takes another shape for an error.
_SHAPES: dict[str, dict[str, type | tuple[type, ...]]] = {
    "WebFetch": {"bytes": int, "code": int, "codeText": str, "result": str, "durationMs": int, "url": str},
    "WebSearch": {"query": str, "results": list, "durationSeconds": (int, float)},
    "Agent": {"status": str, "prompt": str, "agentId": str, "content": list, "usage": dict},
}


def admit(call: Call, planned: Plan) -> None:
    """A line that moves the shell is neither answered nor followed. Raises Bypass."""
    if planned.verdict is not None and os.path.normpath(os.path.join(call.event.cwd, planned.verdict.ends_in)) != (
        os.path.normpath(call.event.cwd)
    ):
        raise Bypass(UNFIT)


def present(call: Call, planned: Plan, consulted: Consultation, entry: Entry) -> str | Outcome:
    """Raises Bypass and OSError."""
    return (_of_bash if planned.tool == BASH else _of_another)(call, planned, consulted, entry)


def _of_another(call: Call, planned: Plan, consulted: Consultation, entry: Entry) -> str | Outcome:
    kind = kinds.kind_of(planned.tool)
    try:
        result = None if kind is None else kind.structured(consulted.answer.output, call.event.tool_use_id)
    except Unusable:
        return UNFIT
    if not _fits(planned.tool, result):
        return UNFIT
    note = (
        f"skillcache: the result of this {planned.tool} call is the recorded one of the same call, not a new one."
        f" It was recorded {replay.age_of(entry, call.world.now)} ago {replay.origin(entry, call.event.session_id)}."
    )
    return dumps({"result": result, "context": [note]})


def _of_bash(call: Call, planned: Plan, consulted: Consultation, entry: Entry) -> str | Outcome:
    event, found, output = call.event, consulted.found, consulted.answer.output
    try:
        text = output.decode("utf-8")
    except UnicodeDecodeError:
        return UNFIT
    if entry.directory is not None:
        return UNFIT
    result: dict[str, object] = {"stdout": text, "stderr": "", "interrupted": False, "isImage": False}
    result["noOutputExpected"] = False
    if entry.meaning:
        result["returnCodeInterpretation"] = entry.meaning
    if len(output) > long_output.SHOWN:
        kept = long_output.keep(event, output)
        if kept is None:
            return UNFIT
        result.update(kept)
    if entry.files:
        from skillcache.skill.outputs import edited, restore  # few entries hold files

        root = found.fingerprint.root
        if edited(entry.files, root):
            return UNFIT
        restore(entry.files, root, root)
    if entry.failed:
        seen.see(call.cache, event.session_id, event.agent_id, found.digest)
    if entry.status and not entry.meaning:
        return dumps({"deny": f"Exit code {entry.status}\n{text}" if text else f"Exit code {entry.status}"})
    who = replay.origin(entry, event.session_id)
    return dumps({"result": result, "context": [replay.note(entry, planned.command, who, now=call.world.now)]})


def _fits(tool: str, result: object) -> bool:
    if tool.startswith(kinds.MCP_PREFIX):
        if isinstance(result, list):
            return bool(result) and all(isinstance(block, dict) for block in result)
        return isinstance(result, str)
    if not isinstance(result, dict):
        return False
    return all(isinstance(result.get(name), types) for name, types in _SHAPES[tool].items())
