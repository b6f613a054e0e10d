"""The JSON object that Claude Code writes to a hook's standard input, read without trust.

Source of the fields: the client's published hook types. Unknown fields are ignored; a missing or wrong-typed
field that a tool event cannot do without makes the whole event unreadable.
"""

from skillcache.core import json
from skillcache.core.errors import SkillcacheError
from skillcache.core.record import KW_ONLY, Record

MCP_PREFIX = "mcp__"
DEFAULT_AGENT = "general-purpose"  # the type of one that is asked for without
_LAUNCHED = ("async_launched", "remote_launched")
MOST = 64 << 20  # bytes; the largest event seen is a Write of a few megabytes


class BadEvent(SkillcacheError):
    """Standard input did not hold an event."""


class ToolEvent(Record):
    """A PreToolUse, PostToolUse or PostToolUseFailure event."""

    name: str
    _: KW_ONLY
    tool: str
    input: dict[str, object]
    tool_use_id: str
    cwd: str  # absolute
    session_id: str = ""
    agent_id: str = ""  # "" outside subagents
    agent_type: str = ""  # "" outside subagents
    permission_mode: str = ""
    response: object = None  # the tool's structured output (PostToolUse only)
    error: str = ""  # what the model sees of a failure (PostToolUseFailure only)
    interrupted: bool = False
    duration: int | None = None  # milliseconds or None
    server: tuple[str, str] = ("", "")  # name and source of an MCP tool's server, both "" where the client does not say
    transcript: str = ""  # file of the session

    @property
    def goes_on(self) -> bool:
        """Whether only the launch of what runs in the background has ended."""
        said = self.response if isinstance(self.response, dict) else {}
        moved = said.get("backgroundTaskId") or said.get("timedOutAfterMs")
        return bool(moved) or said.get("status") in _LAUNCHED


class SessionEvent:
    """Any event, as far as a record of the session needs it; `fields` holds the rest, unread."""

    __slots__ = ("agent_id", "agent_type", "cwd", "fields", "name", "session_id")

    def __init__(self, name: str, session_id: str, cwd: str, fields: dict[str, object]) -> None:
        self.name = name
        self.session_id = session_id
        self.cwd = cwd
        self.agent_id = _text(fields, "agent_id")
        self.agent_type = _text(fields, "agent_type")
        self.fields = fields

    def text(self, name: str) -> str:
        """Nothing where the event has no such text."""
        value = self.fields.get(name)
        return value if isinstance(value, str) else ""


def parse_session_event(data: bytes) -> SessionEvent:
    """Raises BadEvent for anything that is not an event of a session."""
    fields = _object(data)
    session_id = _text(fields, "session_id", required=True)
    if not (0 < len(session_id) <= 128 and session_id.isascii() and session_id.replace("-", "").isalnum()):
        raise BadEvent("session_id is not a name")
    cwd = _text(fields, "cwd", required=True)
    if not cwd.startswith("/"):
        raise BadEvent("cwd is not an absolute path")
    return SessionEvent(_text(fields, "hook_event_name", required=True), session_id, cwd, fields)


def parse_tool_event(data: bytes) -> ToolEvent:
    """Raises BadEvent for anything that is not a tool event."""
    fields = _object(data)
    tool_input = fields.get("tool_input")
    if not isinstance(tool_input, dict):
        raise BadEvent("tool_input is not an object")
    cwd = _text(fields, "cwd", required=True)
    if not cwd.startswith("/"):
        raise BadEvent("cwd is not an absolute path")
    duration = fields.get("duration_ms")
    return ToolEvent(
        _text(fields, "hook_event_name", required=True),
        tool=_text(fields, "tool_name", required=True),
        input=tool_input,
        tool_use_id=_text(fields, "tool_use_id", required=True),
        cwd=cwd,
        session_id=_text(fields, "session_id"),
        agent_id=_text(fields, "agent_id"),
        agent_type=_text(fields, "agent_type"),
        permission_mode=_text(fields, "permission_mode"),
        response=fields.get("tool_response"),
        error=_text(fields, "error"),
        interrupted=fields.get("is_interrupt") is True,
        duration=int(duration) if isinstance(duration, int | float) and 0 <= duration < 1e9 else None,
        server=_server(fields.get("mcp_server")),
        transcript=_text(fields, "transcript_path"),
    )


def _server(value: object) -> tuple[str, str]:
    if not isinstance(value, dict):
        return "", ""
    return _text(value, "name"), _text(value, "source")


def _object(data: bytes) -> dict[str, object]:
    try:
        fields = json.loads(data)
    except ValueError as fault:
        raise BadEvent(str(fault)) from None
    if not isinstance(fields, dict):
        raise BadEvent("not a JSON object")
    return fields


def _text(fields: dict[str, object], name: str, *, required: bool = False) -> str:
    value = fields.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str) or "\0" in value:
        raise BadEvent(f"{name} is not text")
    return value
