"""Agents that work in the background: what was known at their launch, kept until they have answered.

The client tells of the launch and of the agent's stop by hooks that may overtake each other: each leaves its part
before it looks for the other's. An agent that a hook kept from stopping stops again with what counts; one that stops
again without having been kept answers somebody else.
"""

from skillcache.claude.event import SessionEvent, ToolEvent
from skillcache.tools import inflight
from skillcache.tools.inflight import Miss
from skillcache.tools.lookup import Call

TYPE_CHECKING = False
if TYPE_CHECKING:
    Ended = tuple[ToolEvent, dict[str, object]]

_INPUT, _ANSWER, _ANSWERED = "input", "answer", "answered"


def agent_of(event: ToolEvent) -> str:
    """The agent that a call has launched, "" where the client does not say."""
    agent_id = event.response.get("agentId") if isinstance(event.response, dict) else None
    return agent_id if isinstance(agent_id, str) else ""


def keep(call: Call, miss: Miss) -> None:
    """Raises OSError."""
    agent_id = agent_of(call.event)
    if agent_id:
        inflight.keep(call.cache, _id(agent_id), {**miss.record(), _INPUT: call.event.input})


def overtaken(call: Call) -> "Ended | None":
    """As `end`, where the agent had stopped before its launch was told of."""
    agent_id = agent_of(call.event)
    stopped = inflight.look(call.cache, _stop(agent_id)) if agent_id else None
    if stopped is None:
        return None
    return _end(call.cache, agent_id, call.event.session_id, str(stopped.get(_ANSWER, "")))


def end(cache: str, event: SessionEvent) -> "Ended | None":
    """The end of the call that launched the agent which has now stopped, and its record; None for any other agent.

    Raises OSError.
    """
    answer = event.text("last_assistant_message")
    inflight.keep(cache, _stop(event.agent_id), {_ANSWER: answer})
    again = event.fields.get("stop_hook_active") is True
    return _end(cache, event.agent_id, event.session_id, answer, again=again)


def _end(cache: str, agent_id: str, session_id: str, answer: str, *, again: bool = False) -> "Ended | None":
    record = inflight.look(cache, _id(agent_id))
    tool_input = (record or {}).get(_INPUT)
    if record is None or not isinstance(tool_input, dict) or (record.get(_ANSWERED) and not again):
        return None
    inflight.keep(cache, _id(agent_id), {**record, _ANSWERED: True})
    from skillcache.tools.agent import answer_of_stop  # few agents are waited for

    call = ToolEvent(
        "PostToolUse",
        tool="Agent",
        input=tool_input,
        tool_use_id=_id(agent_id),
        cwd=str(record.get("cwd")),  # where it was launched: an agent that went elsewhere did not move its session
        session_id=session_id,
        response=answer_of_stop(answer),
    )
    return call, record


def _id(agent_id: str) -> str:
    return f"agent-{agent_id}"


def _stop(agent_id: str) -> str:
    return f"stop-{agent_id}"
