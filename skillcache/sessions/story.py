"""What each event leaves: a pure function of the event and of where it happened. Only documented fields are read.

The log's entries have a `kind`, and what each kind says (`agent` beside it where a subagent did it):

    start     source                              prompt   text, or nothing where prompts are not recorded
    notice    source, text                        edit     path, tool
    command   text, status, ms?, said?            tasks    tasks: [[status, subject], ...]
    task      id, subject?, status                reply    text
    agent     type                                answer   type, text
    compact   trigger                             summary  text
    end       reason

`status` of a command is its exit status, or "background" or "interrupted"; `said` is a failure's last line.
"""

from skillcache.claude.event import SessionEvent
from skillcache.sessions import record as limits
from skillcache.sessions.record import Record
from skillcache.sessions.text import cut, stored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from skillcache.core.git import Place

# Who a prompt comes from, where the client says it: the others are not a person's words.
_PERSON = ("", "user", "sdk")


class Scene:
    """Where an event happened. at: unix ms; place and project: None and "" where its record needs none."""

    __slots__ = ("at", "id", "person", "place", "process", "project", "prompts", "root")

    def __init__(
        self,
        id_: str,
        at: int,
        *,
        root: str,
        place: "Place | None" = None,
        project: str = "",
        person: dict[str, str] | None = None,
        process: dict[str, str] | None = None,
        prompts: bool = True,
    ) -> None:
        self.id = id_
        self.at = at
        self.root = root
        self.place = place
        self.project = project
        self.person = person or {}
        self.process = process or {}
        self.prompts = prompts


def tell(event: SessionEvent, scene: Scene) -> Record | None:
    """The record of an event, None where there is nothing to record."""
    teller = _TELLERS.get(event.name)
    if teller is None:
        return None
    record = Record(scene.id, event.session_id, scene.at, active=event.name not in _IDLE)
    record.project = scene.project
    if scene.place is not None and not event.agent_id:
        # Names that git gives are public as they are; to look into each for a credential would cost every turn 9 ms.
        record.state["placed"] = {"branch": cut(scene.place.branch, limits.NAME), "commit": scene.place.commit}
    teller(event, scene, record)
    if not record.log:
        return None
    if event.agent_id:
        record.log["agent"] = stored(event.agent_id, limits.NAME)
    return record


def _start(event: SessionEvent, scene: Scene, record: Record) -> None:
    source = stored(event.text("source"), limits.NAME) or "startup"
    record.state["opened"] = {
        "source": source,
        "cwd": stored(event.cwd, limits.PATH),
        "root": stored(scene.root, limits.PATH),
        "boot": "",
        "pid": "",
        "pid_start": "",
        **scene.process,
        **{name: stored(text, limits.NAME) for name, text in scene.person.items()},
    }
    _title(event, record)
    record.log = {"kind": "start", "source": source}


def _prompt(event: SessionEvent, scene: Scene, record: Record) -> None:
    source = event.text("source")
    if source not in _PERSON:
        text = stored(event.text("prompt"), limits.LINE) if scene.prompts else ""
        record.log = {"kind": "notice", "source": stored(source, limits.NAME), "text": text}
        return
    record.count = ["prompts"]
    record.log = {"kind": "prompt"}
    record.state["prompted"] = {}
    if scene.prompts:
        text = stored(event.text("prompt"), limits.PROMPT)
        record.log["text"] = text
        record.state["prompted"] = {"prompt": text}
        _title(event, record)  # the client makes it of the first prompt


def _title(event: SessionEvent, record: Record) -> None:
    title = stored(event.text("session_title"), limits.NAME)
    if title:
        record.state["titled"] = {"title": title}


def _stop(event: SessionEvent, scene: Scene, record: Record) -> None:  # noqa: ARG001 - one shape for all tellers
    reply = stored(event.text("last_assistant_message"), limits.REPLY)
    record.state["replied"] = {"reply": reply}
    record.log = {"kind": "reply", "text": reply[: limits.LINE]}


def _agent_start(event: SessionEvent, scene: Scene, record: Record) -> None:  # noqa: ARG001
    record.log = {"kind": "agent", "type": stored(event.agent_type, limits.NAME)}


def _agent_stop(event: SessionEvent, scene: Scene, record: Record) -> None:  # noqa: ARG001
    if event.agent_type:  # the client's own, such as the one that writes a summary, have no type
        text = stored(event.text("last_assistant_message"), limits.REPLY)
        record.log = {"kind": "answer", "type": stored(event.agent_type, limits.NAME), "text": text}


def _before_compaction(event: SessionEvent, scene: Scene, record: Record) -> None:  # noqa: ARG001
    record.log = {"kind": "compact", "trigger": stored(event.text("trigger"), limits.NAME)}


def _after_compaction(event: SessionEvent, scene: Scene, record: Record) -> None:  # noqa: ARG001
    text = stored(event.text("compact_summary"), limits.SUMMARY)
    record.state["compacted"] = {"summary": text}
    record.log = {"kind": "summary", "text": text}


def _end(event: SessionEvent, scene: Scene, record: Record) -> None:  # noqa: ARG001
    reason = stored(event.text("reason"), limits.NAME) or "other"
    record.state["ended"] = {"end": reason}
    record.log = {"kind": "end", "reason": reason}


def _tool(event: SessionEvent, scene: Scene, record: Record) -> None:
    from skillcache.sessions import tool_calls  # most events are not of a tool

    tool_calls.tell(event, scene, record)


_IDLE = ("SessionStart", "SessionEnd")
_TELLERS: "dict[str, Callable[[SessionEvent, Scene, Record], None]]" = {
    "SessionStart": _start,
    "UserPromptSubmit": _prompt,
    "PostToolUse": _tool,
    "PostToolUseFailure": _tool,
    "Stop": _stop,
    "SubagentStart": _agent_start,
    "SubagentStop": _agent_stop,
    "PreCompact": _before_compaction,
    "PostCompact": _after_compaction,
    "SessionEnd": _end,
}
