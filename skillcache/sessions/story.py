"""What each event and each tool call leaves: functions of the event and of where it happened.

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

import os
from time import monotonic_ns

from skillcache.claude import SessionEvent
from skillcache.core import git
from skillcache.sessions import journal as limits
from skillcache.sessions.journal import SessionRecord
from skillcache.sessions.text import cut, spoken, stored
from skillcache.settings.in_force import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from skillcache.core.git import Place
    from skillcache.tools import World


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


def tell(event: SessionEvent, scene: Scene) -> SessionRecord | None:
    """The record of an event, None where there is nothing to record."""
    teller = _TELLERS.get(event.name)
    if teller is None:
        return None
    record = SessionRecord(scene.id, event.session_id, scene.at, active=event.name not in _IDLE)
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


def _start(event: SessionEvent, scene: Scene, record: SessionRecord) -> None:
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


def _prompt(event: SessionEvent, scene: Scene, record: SessionRecord) -> None:
    source = event.text("source")
    if source not in _PERSON:
        text = stored(event.text("prompt"), limits.LINE) if scene.prompts else ""
        record.log = {"kind": "notice", "source": stored(source, limits.NAME), "text": text}
        return
    said = spoken(event.text("prompt"))
    if not said and event.text("prompt").strip():
        text = stored(event.text("prompt"), limits.LINE) if scene.prompts else ""
        record.log = {"kind": "notice", "source": "command", "text": text}
        return
    record.count = ["prompts"]
    record.log = {"kind": "prompt"}
    record.state["prompted"] = {}
    if scene.prompts:
        text = stored(said, limits.PROMPT)
        record.log["text"] = text
        record.state["prompted"] = {"prompt": text}
        _title(event, record)  # the client makes it of the first prompt


def _title(event: SessionEvent, record: SessionRecord) -> None:
    title = stored(event.text("session_title"), limits.NAME)
    if title:
        record.state["titled"] = {"title": title}


def _stop(event: SessionEvent, scene: Scene, record: SessionRecord) -> None:  # noqa: ARG001 - one shape for all tellers
    reply = stored(event.text("last_assistant_message"), limits.REPLY)
    record.state["replied"] = {"reply": reply}
    record.log = {"kind": "reply", "text": reply[: limits.LINE]}


def _agent_start(event: SessionEvent, scene: Scene, record: SessionRecord) -> None:  # noqa: ARG001
    record.log = {"kind": "agent", "type": stored(event.agent_type, limits.NAME)}


def _agent_stop(event: SessionEvent, scene: Scene, record: SessionRecord) -> None:  # noqa: ARG001
    if event.agent_type:  # the client's own, such as the one that writes a summary, have no type
        text = stored(event.text("last_assistant_message"), limits.REPLY)
        record.log = {"kind": "answer", "type": stored(event.agent_type, limits.NAME), "text": text}


def _before_compaction(event: SessionEvent, scene: Scene, record: SessionRecord) -> None:  # noqa: ARG001
    record.log = {"kind": "compact", "trigger": stored(event.text("trigger"), limits.NAME)}


def _after_compaction(event: SessionEvent, scene: Scene, record: SessionRecord) -> None:  # noqa: ARG001
    text = stored(event.text("compact_summary"), limits.SUMMARY)
    record.state["compacted"] = {"summary": text}
    record.log = {"kind": "summary", "text": text}


def _end(event: SessionEvent, scene: Scene, record: SessionRecord) -> None:  # noqa: ARG001
    reason = stored(event.text("reason"), limits.NAME) or "other"
    record.state["ended"] = {"end": reason}
    record.log = {"kind": "end", "reason": reason}


def _tool(event: SessionEvent, scene: Scene, record: SessionRecord) -> None:
    # most events are not of a tool

    _tell_tool_call(event, scene, record)


_IDLE = ("SessionStart", "SessionEnd")
_TELLERS: "dict[str, Callable[[SessionEvent, Scene, SessionRecord], None]]" = {
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


_PATHS = {"Edit": "file_path", "Write": "file_path", "NotebookEdit": "notebook_path"}
_STATUSES = ("pending", "in_progress", "completed", "deleted")


def _tell_tool_call(event: SessionEvent, scene: "Scene", record: "SessionRecord") -> None:
    tool = event.text("tool_name")
    given = _object(event.fields.get("tool_input"))
    if event.name == "PostToolUseFailure" and tool != "Bash":
        return  # nothing was edited, no task changed
    if tool in _PATHS:
        _edit(tool, given, scene, record)
    elif tool in _OF_TOOLS:
        _OF_TOOLS[tool](event, given, scene, record)


def relative(path: object, root: str) -> str:
    """The path below `root`, or as it is; "" for what is no path."""
    if not isinstance(path, str):
        return ""
    return path.removeprefix(root.rstrip("/") + "/")


def _edit(tool: str, given: dict[str, object], scene: "Scene", record: "SessionRecord") -> None:
    path = stored(relative(given.get(_PATHS[tool]), scene.root), limits.PATH)
    if path:
        record.files = [path]
        record.state["edited"] = {"file": path}
        record.log = {"kind": "edit", "path": path, "tool": tool}


def _command(event: SessionEvent, given: dict[str, object], scene: "Scene", record: "SessionRecord") -> None:
    command = given.get("command")
    if not isinstance(command, str):
        return
    text = stored(command, limits.COMMAND)
    response = _object(event.fields.get("tool_response"))
    status = _status(event, response)
    record.log = {"kind": "command", "text": text, "status": status}
    duration = event.fields.get("duration_ms")
    if isinstance(duration, int | float) and 0 <= duration < 1e9:
        record.log["ms"] = int(duration)
    if status == 0:
        record.state["passed_at"] = {"passed": text}
    elif isinstance(status, int):
        said = stored(_last_line(event.text("error")), limits.LINE)
        record.log["said"] = said
        record.state["failed_at"] = {"failed": text, "failed_status": str(status), "failed_said": said}
    difference = _object(response.get("bashEditDiff")).get("changedFiles")
    changed = difference if isinstance(difference, list) else []
    paths = [stored(relative(path, scene.root), limits.PATH) for path in changed[: limits.FILES_OF_ONE_EVENT]]
    record.files = [path for path in paths if path]
    if record.files:
        record.state["edited"] = {"file": record.files[-1]}


def _status(event: SessionEvent, response: dict[str, object]) -> int | str:
    if event.fields.get("is_interrupt") is True or response.get("interrupted") is True:
        return "interrupted"
    if "backgroundTaskId" in response:
        return "background"
    if event.name == "PostToolUse":
        return 0
    first = event.text("error").partition("\n")[0].removeprefix("Exit code ")
    return int(first) if first.isdecimal() and len(first) < 6 else 1


def _last_line(error: str) -> str:
    lines = error[-4 * limits.LINE :].strip().splitlines()
    return lines[-1].strip() if len(lines) > 1 else ""


def _list(event: SessionEvent, given: dict[str, object], scene: "Scene", record: "SessionRecord") -> None:  # noqa: ARG001
    todos = given.get("todos")
    if not isinstance(todos, list):
        return
    for number, todo in enumerate(todos[: limits.TASKS]):
        subject, status = _object(todo).get("content"), _object(todo).get("status")
        if status in _STATUSES:
            record.tasks.append((f"{number:04}", stored(subject, limits.SUBJECT), str(status)))
    record.log = {"kind": "tasks", "tasks": [[status, subject] for _, subject, status in record.tasks]}
    if event.agent_id:  # a subagent's list is its own
        record.tasks = []
    else:
        record.replace = True


def _create(event: SessionEvent, given: dict[str, object], scene: "Scene", record: "SessionRecord") -> None:  # noqa: ARG001
    task = _object(_object(event.fields.get("tool_response")).get("task"))
    _task(record, task.get("id"), task.get("subject") or given.get("subject"), "pending")


def _update(event: SessionEvent, given: dict[str, object], scene: "Scene", record: "SessionRecord") -> None:  # noqa: ARG001
    if _object(event.fields.get("tool_response")).get("success") is not False:
        _task(record, given.get("taskId"), given.get("subject"), given.get("status"))


def _task(record: "SessionRecord", id_: object, subject: object, status: object) -> None:
    if not isinstance(id_, str) or not 0 < len(id_) <= 64 or ":" in id_:
        return
    known = status if isinstance(status, str) and status in _STATUSES else ""
    name = stored(id_, 64)
    text = stored(subject, limits.SUBJECT)
    if text or known:
        record.tasks = [(name, text, known)]
        record.log = {"kind": "task", "id": name, "subject": text, "status": known}


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


_OF_TOOLS: "dict[str, Callable[[SessionEvent, dict[str, object], Scene, SessionRecord], None]]" = {
    "Bash": _command,
    "TodoWrite": _list,
    "TaskCreate": _create,
    "TaskUpdate": _update,
}


# Events that may find the session on another branch or commit; a tool's event only needs the top of the worktree.
_PLACED = ("SessionStart", "UserPromptSubmit", "Stop", "SessionEnd")


def look(event: SessionEvent, world: "World", folder: str, settings: Settings) -> Scene:
    """`folder`: where the client was started. Raises OSError for a repository that cannot be read."""
    place = git.locate(folder)
    placed = event.name in _PLACED
    starts = event.name == "SessionStart"
    of_project = placed or settings.keys is not None  # paths are signed for it
    return Scene(
        f"{os.getpid():x}-{monotonic_ns():x}",
        int(world.now * 1000),
        root=place.root,
        place=place if placed else None,
        project=git.project_of(place) if of_project else "",
        person=_person(world) if starts else None,
        process=_process(world) if starts else None,
        prompts=settings.flag("record.prompts"),
    )


def _process(world: "World") -> dict[str, str]:
    from skillcache.core import processes  # once in a session

    return processes.described(world.environ)


def _person(world: "World") -> dict[str, str]:
    from skillcache.core.processes import user_name  # a session's start

    return {"user": user_name(world.environ), "host": os.uname().nodename}
