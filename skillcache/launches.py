"""Agents that work in the background: what was known at their launch, kept until they have answered."""

from skillcache import pending
from skillcache.call import Call
from skillcache.event import SessionEvent, ToolEvent
from skillcache.miss import Miss

_INPUT = "input"


def agent_of(event: ToolEvent) -> str:
    """The agent that a call has launched, "" where the client does not say."""
    agent_id = event.response.get("agentId") if isinstance(event.response, dict) else None
    return agent_id if isinstance(agent_id, str) else ""


def keep(call: Call, miss: Miss) -> None:
    """Raises OSError."""
    agent_id = agent_of(call.event)
    if agent_id:
        pending.keep(call.cache, _id(agent_id), {**miss.record(), _INPUT: call.event.input})


def end(cache: str, event: SessionEvent) -> tuple[ToolEvent, dict[str, object]] | None:
    """The end of the call that launched the agent which has now stopped, and its record; None for any other agent."""
    record = pending.end(cache, _id(event.agent_id))
    tool_input = (record or {}).get(_INPUT)
    if record is None or not isinstance(tool_input, dict):
        return None
    from skillcache.kinds.agent import answer_of_stop  # few agents are waited for

    call = ToolEvent(
        "PostToolUse",
        tool="Agent",
        tool_input=tool_input,
        tool_use_id=_id(event.agent_id),
        cwd=str(record.get("cwd")),  # where it was launched: an agent that went elsewhere did not move its session
        session_id=event.session_id,
        response=answer_of_stop(event.text("last_assistant_message")),
    )
    return call, record


def _id(agent_id: str) -> str:
    return f"agent-{agent_id}"
