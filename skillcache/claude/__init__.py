"""What Claude Code gives and shows: its events, results, permission rules, MCP servers, sandbox.

Source of the fields: the client's published hook types. Unknown fields are ignored; a missing or wrong-typed
field that a tool event cannot do without makes the whole event unreadable.

Observed on client 2.1.332: in a terminal a hook's COLUMNS and LINES are those of the terminal, whatever is exported. A
Bash call, as the plugin's server, has them only where the client itself was started with them, or settings say so.

What may be read and reached in a sandbox is not what it is outside, nor in the next sandbox: a result holds for none of
the others.

The client's hooks and the resident server work the path of its socket out alike, from what the client gives both: its
own process number. The folder is private; a socket's path may be about a hundred bytes long at most, which not every
cache folder leaves.

Beside the socket of the resident server lie `.off`, where the person has switched it off, and `.options`, which the
client gives the plugin's own hooks alone: see skillcache/events/server/calls.py.
"""

import os

from skillcache.core import KW_ONLY, Record, files, json
from skillcache.core.json import dumps, loads
from skillcache.core.outcomes import CUT, FAILURE, INTERRUPTED, NOT_TEXT, TOO_BIG, Outcome, SkillcacheError
from skillcache.core.paths import cache_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


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


class Unusable(SkillcacheError):
    """The result of this run cannot be replayed."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome


class Result(Record):
    output: bytes  # JSON of the tool's structured result


# UTF-16 units of all texts of a result. Observed with WebFetch, WebSearch, MCP tools and agents alike.
MOST_CHARACTERS = 50_000


def shown(text: str) -> str:
    """The text. Raises Unusable for one of which the model would be shown a part only."""
    if len(text) > MOST_CHARACTERS or len(text.encode("utf-16-le", "surrogatepass")) // 2 > MOST_CHARACTERS:
        raise Unusable(CUT)
    return text


def response_of(event: ToolEvent) -> object:
    """Raises Unusable for a call that has none."""
    if event.interrupted:
        raise Unusable(INTERRUPTED)
    if event.name == "PostToolUseFailure":
        raise Unusable(FAILURE)
    return event.response


def packed(response: object, cap: int) -> Result:
    """`cap`: most bytes. Raises Unusable."""
    try:
        output = dumps(response).encode("ascii")
    except RecursionError:  # nested as deeply as an event may be
        raise Unusable(NOT_TEXT) from None
    if len(output) > cap:
        raise Unusable(TOO_BIG)
    return Result(output)


def parsed(output: bytes) -> object:
    """Raises Unusable for what is no JSON: others may have written it."""
    try:
        return loads(output)
    except ValueError:
        raise Unusable(NOT_TEXT) from None


NAMES = ("COLUMNS", "LINES")
_CAP = 8 << 20  # bytes of an environment


def of_commands(environ: "Mapping[str, str]") -> "Mapping[str, str]":
    """A hook's environment with the size that a command finds in its own; as it is where that cannot be known."""
    pid = environ.get("CLAUDE_PID", "")
    try:
        started = files.read(f"/proc/{int(pid)}/environ", _CAP) if pid.isdecimal() and len(pid) < 11 else None
    except OSError:
        started = None
    if started is None:
        return environ
    given = dict(environ)
    for name in NAMES:
        given.pop(name, None)
    for row in os.fsdecode(started).split("\0"):
        name, _, value = row.partition("=")
        if name in NAMES:
            given[name] = value
    return given


_STATUS_CAP = 64
_VARIABLE = "SANDBOX_RUNTIME"
_FIRST = b"bwrap\n"  # what all processes in there descend from, on Linux


def is_within(environ: "Mapping[str, str]") -> bool:
    """By its variable; where `env -i` or the like has taken that away, by the first process that is seen."""
    if environ.get(_VARIABLE):
        return True
    try:
        return files.read("/proc/1/comm", _STATUS_CAP) == _FIRST
    except OSError:
        return False


_LONGEST = 70  # bytes of the folder
_PATIENCE = 0.05  # seconds; a server that is there takes a connection at once


def run_folder(environ: "Mapping[str, str]") -> str:
    """`$XDG_RUNTIME_DIR/skillcache`, else `run` in the cache folder, else a folder of the person's in /tmp."""
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    places = [f"{runtime.rstrip('/')}/skillcache"] if runtime.startswith("/") and os.path.isdir(runtime) else []
    for place in (*places, f"{cache_folder(environ)}/run"):
        if len(os.fsencode(place)) <= _LONGEST:
            return place
    return f"/tmp/skillcache-{os.geteuid()}"  # noqa: S108 - whoever uses it sees to it that it is the person's own


def socket_path(environ: "Mapping[str, str]") -> str | None:
    """None where the client does not say which process it is."""
    pid = environ.get("CLAUDE_PID", "")
    if not pid.isdecimal() or len(pid) > 10:
        return None
    from skillcache.core.processes import describe  # asked of those who have a server only

    # A number is given to another process some day, and is one of many machines' and containers'.
    return f"{run_folder(environ)}/{pid}-{describe(int(pid)).get('pid_start', '')}"


def off_path(socket: str) -> str:
    """A file that, while it is there, switches us off for the client whose server's socket this is."""
    return f"{socket}.off"


def switch(environ: "Mapping[str, str]", *, off: bool) -> str:
    """Off or on again, for the client that runs us; what to say of it. Raises SkillcacheError, OSError."""
    path = socket_path(environ)
    if path is None:
        raise SkillcacheError("this is for commands that Claude Code runs, such as /skillcache:off")
    if off:
        files.write(off_path(path), b"")
        return "skillcache is off until this Claude Code ends; /skillcache:on switches it on again."
    files.remove(off_path(path))
    return "skillcache is on."


def is_switched_off(environ: "Mapping[str, str]") -> bool:
    """Whether the person has switched us off for this client."""
    if not is_private(run_folder(environ)):  # most people have none
        return False
    path = socket_path(environ)
    return path is not None and os.path.exists(off_path(path))


def is_private(folder: str) -> bool:
    """Whether it is a folder that the person alone can use."""
    try:
        status = os.lstat(folder)
    except OSError:
        return False
    return status.st_mode & 0o170077 == 0o040000 and status.st_uid == os.geteuid()


def is_served(environ: "Mapping[str, str]") -> bool:
    """Whether a server answers the calls of this client: its settings hooks then have nothing to do."""
    if not is_private(run_folder(environ)):  # most people have none
        return False
    path = socket_path(environ)
    if path is None or not os.path.exists(path):
        return False
    import _socket  # few sessions have a server

    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        connection.settimeout(_PATIENCE)
        connection.connect(path)
    except OSError:
        return False
    finally:
        connection.close()
    return True


_LARGEST_OPTIONS = 1 << 16


def plugin_options(environ: "Mapping[str, str]") -> dict[str, str] | None:
    """Settings that the person has given the plugin, by their variables; None where it is switched off."""
    if not is_private(run_folder(environ)):  # most people have none
        return {}
    path = socket_path(environ)
    if path is None:
        return {}
    if os.path.exists(off_path(path)):
        return None
    data = files.read(f"{path}.options", _LARGEST_OPTIONS)
    if data is None:
        return {}

    given = json.loads(data)
    return {str(name): str(value) for name, value in given.items()} if isinstance(given, dict) else {}
