"""A call before it runs: the person's rules and consent, whether the model insists, and how a result is given.

A lane is a way to give Claude Code a result. What is looked up, served and stored is decided before it, the same for
all.

The model reads a refusal as an error, so its first line says that it is none. Whoever makes the same call again at once
wants it made: it then goes through.

The words for the plugin are JSON: `result` in the tool's own shape and `context` for the model.
"""

from skillcache.cache import decision, history, put
from skillcache.cache.decision import Plan
from skillcache.claude import MCP_PREFIX, ToolEvent, Unusable, permissions
from skillcache.core import files
from skillcache.core.json import dumps
from skillcache.core.outcomes import (
    ASK_RULE,
    DENY_RULE,
    INSISTED,
    NO_RULE,
    SERVING_OFF,
    UNDECIDED,
    UNFIT,
    WAITED,
    WAITED_IN_VAIN,
    Bypass,
    Outcome,
)
from skillcache.core.paths import insisted_folder
from skillcache.stores.entry import Entry
from skillcache.tools import World, registry
from skillcache.tools.inflight import Pending
from skillcache.tools.lookup import Call, Consultation, consult, make_call

TYPE_CHECKING = False


if TYPE_CHECKING:
    from typing import Protocol

    from skillcache.tools.lookup import Consultation

    class Lane(Protocol):
        def admit(self, call: Call, planned: Plan, /) -> None:
            """Raises Bypass for a call that the lane does not answer."""

        def present(self, call: Call, planned: Plan, consulted: Consultation, entry: Entry) -> str | Outcome:
            """The lane's words for the entry as the call's result, or the outcome for which the tool runs instead.

            Raises Bypass and OSError.
            """


def answer(event: ToolEvent, world: World, claimed: Pending, lane: "Lane") -> str | None:
    """The lane's words, '' for none; None when the call is not ours. Raises SkillcacheError and OSError."""
    call = make_call(event, world)
    if call is None:
        return None
    name = ""
    try:
        planned = call.plan()
        name = planned.name
        lane.admit(call, planned)
        return _answer(call, planned, claimed, lane)
    except Bypass as bypass:
        if bypass.outcome is NO_RULE:
            return None
        call.count(bypass.outcome, name)
        return ""


def _answer(call: Call, planned: Plan, claimed: Pending, lane: "Lane") -> str:
    event = call.event
    consulted, waited = call.world.join(call, planned, consult(call, planned))
    if waited:
        claimed.renew()
    outcome, entry = consulted.answer.outcome, consulted.answer.entry
    if waited:
        outcome = WAITED_IN_VAIN if entry is None else WAITED
    if entry is not None:
        presented = lane.present(call, planned, consulted, entry)
        if isinstance(presented, str):
            from skillcache.tools import inflight  # most calls are none

            call.count(outcome, planned.name, run=entry.duration)
            claimed.save(inflight.record(planned.name, entry.duration))
            return presented
        outcome = presented
    from skillcache.tools.inflight import Miss

    miss = Miss(
        key=consulted.found.key,
        cwd=event.cwd,
        project=consulted.project,
        started=int(call.world.now * 1000),
        since=claimed.since,
        generations=consulted.generations,
    )
    claimed.save(miss.record())
    call.count(outcome, planned.name)
    if outcome is INSISTED and is_unwanted(call.cache, consulted.project, planned.name, call.world.now):
        said = f"skillcache: what {planned.name} gave was refused more often than taken; it rests here for a week"
        return dumps({"systemMessage": said})
    return ""


def approved(call: Call, entry: Entry, project: str) -> bool:
    """`project`: the identity of this one.

    False where the client would have to ask. Raises Bypass when a rule of the person's stops the call.
    """
    rules = permissions.load_rules(call.event.cwd, call.world.environ)
    verdict = permissions.verdict(rules, call.event.tool, call.event.input)
    for outcome, word in ((DENY_RULE, "deny"), (ASK_RULE, "ask")):
        if verdict == word:
            raise Bypass(outcome)
    if verdict == "allow" or call.event.permission_mode == "bypassPermissions":
        return True
    return put.is_same_person(entry.writer) and entry.project == project


SECONDS = 60
_CAP = 64
_LEAST = 4  # answers, before it is asked how many were taken
_REST = 7 * history.REST


def answered(call: Call, digest: str, project: str, rule: str) -> None:
    """Remember that the call was answered. Raises OSError."""
    files.write(_path(call.cache, call.event, digest), str(int(call.world.now)).encode("ascii"))
    given, refused = _tally(call.cache, project, rule)
    _keep(call.cache, project, rule, given + 1, refused)


def is_unwanted(cache: str, project: str, rule: str, now: float) -> bool:
    """Count one more answer of the rule that was refused; whether it rests from now on. Raises OSError."""
    given, refused = _tally(cache, project, rule)
    refused += 1
    is_over = given >= _LEAST and refused > given - refused
    if is_over:
        history.quarantine(cache, project, rule, now, _REST, unwanted=True)
        given = refused = 0
    _keep(cache, project, rule, given, refused)
    return is_over


def _tally(cache: str, project: str, rule: str) -> tuple[int, int]:
    """Answers given and refused. Of two calls at one moment one may be lost: it is a share that is asked for."""
    words = (files.read(_tally_path(cache, project, rule), _CAP) or b"").split()
    if len(words) != 2 or not all(map(bytes.isdigit, words)):
        return 0, 0
    return int(words[0]), int(words[1])


def _keep(cache: str, project: str, rule: str, given: int, refused: int) -> None:
    files.write(_tally_path(cache, project, rule), b"%d %d" % (given, refused))


def _tally_path(cache: str, project: str, rule: str) -> str:
    return files.small(insisted_folder(cache), project, rule)


def insists(cache: str, event: ToolEvent, digest: str, now: float) -> bool:
    """Whether the call was answered in the last minute; the answer after this one is a new one. Raises OSError."""
    path = _path(cache, event, digest)
    at = files.read(path, _CAP)
    if at is None or not at.isdigit():
        return False
    files.remove(path)
    return 0 <= now - int(at) <= SECONDS


def _path(cache: str, event: ToolEvent, digest: str) -> str:
    return files.small(insisted_folder(cache), event.session_id, event.agent_id, digest)


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
        if insists(call.cache, event, digest, now):
            return INSISTED
        answered(call, digest, consulted.project, planned.name)
        # A person sees the beginning, behind the client's own word "error".
        reason = (
            f"Not an error: answered from skillcache's record. This same {planned.tool} call was made"
            f" {decision.age_of(entry, now)} ago {decision.origin(entry, event.session_id)}, and this is its result. To"
            f" have it made afresh, repeat the same call within {SECONDS} seconds. The result follows.\n{text}"
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
