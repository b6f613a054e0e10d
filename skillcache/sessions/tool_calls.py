"""What a tool call leaves: the file it edited, the command it ran, the task it touched."""

from skillcache.claude.event import SessionEvent
from skillcache.sessions import record as limits
from skillcache.sessions.text import stored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from skillcache.sessions.record import Record
    from skillcache.sessions.story import Scene

_PATHS = {"Edit": "file_path", "Write": "file_path", "NotebookEdit": "notebook_path"}
_STATUSES = ("pending", "in_progress", "completed", "deleted")


def tell(event: SessionEvent, scene: "Scene", record: "Record") -> None:
    tool = event.text("tool_name")
    given = _object(event.fields.get("tool_input"))
    if event.name == "PostToolUseFailure" and tool != "Bash":
        return  # nothing was edited, no task changed
    if tool in _PATHS:
        _edit(tool, given, scene, record)
    elif tool in _TELLERS:
        _TELLERS[tool](event, given, scene, record)


def relative(path: object, root: str) -> str:
    """The path below `root`, or as it is; "" for what is no path."""
    if not isinstance(path, str):
        return ""
    return path.removeprefix(root.rstrip("/") + "/")


def _edit(tool: str, given: dict[str, object], scene: "Scene", record: "Record") -> None:
    path = stored(relative(given.get(_PATHS[tool]), scene.root), limits.PATH)
    if path:
        record.files = [path]
        record.state["edited"] = {"file": path}
        record.log = {"kind": "edit", "path": path, "tool": tool}


def _command(event: SessionEvent, given: dict[str, object], scene: "Scene", record: "Record") -> None:
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


def _list(event: SessionEvent, given: dict[str, object], scene: "Scene", record: "Record") -> None:  # noqa: ARG001
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


def _create(event: SessionEvent, given: dict[str, object], scene: "Scene", record: "Record") -> None:  # noqa: ARG001
    task = _object(_object(event.fields.get("tool_response")).get("task"))
    _task(record, task.get("id"), task.get("subject") or given.get("subject"), "pending")


def _update(event: SessionEvent, given: dict[str, object], scene: "Scene", record: "Record") -> None:  # noqa: ARG001
    if _object(event.fields.get("tool_response")).get("success") is not False:
        _task(record, given.get("taskId"), given.get("subject"), given.get("status"))


def _task(record: "Record", id_: object, subject: object, status: object) -> None:
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


_TELLERS: "dict[str, Callable[[SessionEvent, dict[str, object], Scene, Record], None]]" = {
    "Bash": _command,
    "TodoWrite": _list,
    "TaskCreate": _create,
    "TaskUpdate": _update,
}
