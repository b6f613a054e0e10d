"""The process of a hook: watchdog, settings, one handler, never a fault to the client.

Whatever goes wrong, nothing is printed and the exit status is 0, so the client does what it would have done. A
watchdog ends the process when its time is up, even inside a call that never returns, such as name resolution. It is a
thread of Python's, and waits for its turn: where code in C keeps the interpreter to itself, the system's own thread
ends the process a moment later, with the status 1 and not a word. The client takes that as it takes 0.

told/{session}.{event} = nothing; made by the one that has it, and made anew for the next event of that name
"""

import gc
import os
import posix
import time
from _thread import allocate_lock, start_new_thread

from skillcache.core import files
from skillcache.core.paths import told_folder
from skillcache.tools import World

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


_TIME = 5.0  # seconds; entries are installed with a longer timeout, so that the client never has to end us
_TIME_TO_COUNT = 0.2  # what holds us up may hold up the count as well
_GRACE = 1.0  # seconds more, after which whatever still runs is ended
_PIECE = 1 << 20

# Modules of `skillcache.events` and what in them takes (data, world) and gives the answer.
HANDLERS = {
    "PreToolUse": ("tool_use", "before"),
    "PostToolUse": ("tool_use", "after"),
    "PostToolUseFailure": ("tool_use", "after"),
    "SubagentStop": ("tool_use", "agent_stopped"),
    "Invalidate": ("invalidate", "handle"),
    "SessionStart": ("session_start", "handle"),
    "Record": ("record", "handle"),
    "Deliver": ("deliver", "handle"),
    "Options": ("session_start", "keep_options"),
    "StatusLine": ("status_line", "handle"),
}


_START = time.process_time()  # seconds of the interpreter's own start, which is our work as well
_END = time.monotonic() + _TIME  # when the watchdog ends the process
_nowhere: "list[int]" = []  # a descriptor to what nobody reads


def main(event_name: str) -> None:
    """Run one hook and end the process."""
    gc.disable()  # the process lives for milliseconds; collecting during the imports costs one of them
    answered = allocate_lock()
    arm(_END - time.monotonic() + _GRACE)
    start_new_thread(_watch, (answered,))
    try:
        text, world = _run(event_name)
        if answered.acquire(blocking=False) and text:
            _print(text.encode("ascii"))
            if world.after is not None:
                _follow(world)
    except BaseException:  # noqa: BLE001, S110 - nothing of ours may reach the client; `_run` has counted it
        pass
    posix._exit(0)  # noqa: SLF001 - the interpreter's own farewell costs 2 ms


def _run(event_name: str) -> tuple[str, World]:
    import os

    world = World(os.environ, time.time(), time.monotonic() - _START)
    from skillcache.core import bytecode
    from skillcache.core.paths import package_folder

    bytecode.use(package_folder(), ahead=True)
    from skillcache.settings.in_force import disabled

    if disabled(world.environ) or not _may_use_folder(world.environ):
        return "", world
    if "COLUMNS" in world.environ or "LINES" in world.environ:
        from skillcache.claude import of_commands  # of a session in a terminal

        world.environ = of_commands(world.environ)
    try:
        module, name = HANDLERS[event_name]
        handler = getattr(__import__(f"skillcache.events.{module}", fromlist=[name]), name)
        text: str = handler(_read(), world)
        return text, world
    except Exception as fault:  # noqa: BLE001 - the error boundary of a hook's answer
        count_fault(world, fault)
        return "", world


def _may_use_folder(environ: "Mapping[str, str]") -> bool:
    """Where it may not, nothing is counted, for there is nowhere to count it: `skillcache doctor` says so."""
    from skillcache.settings import Untrusted, require_folder

    try:
        require_folder(environ, environ.get("CLAUDE_PROJECT_DIR") or posix.getcwd())
    except (Untrusted, OSError):
        return False
    return True


def _follow(world: World) -> None:
    try:
        world.after()  # type: ignore[misc] # only called where there is one
    except Exception as fault:  # noqa: BLE001 - the answer is out; what is left undone is counted
        count_fault(world, fault)


def count_fault(world: World, fault: Exception) -> None:
    """Count what went wrong; of a fault of ours the places are kept besides."""
    from skillcache.claude import BadEvent
    from skillcache.core import outcomes
    from skillcache.core.outcomes import BAD_CONFIG, BAD_EVENT, DISK, INTERNAL, Bypass, ConfigError, StoreError
    from skillcache.core.paths import cache_folder
    from skillcache.settings import Untrusted

    if isinstance(fault, Bypass | StoreError):
        outcome = fault.outcome
    elif isinstance(fault, BadEvent):
        outcome = BAD_EVENT
    elif isinstance(fault, Untrusted):
        return  # there is nowhere to count it
    elif isinstance(fault, ConfigError):
        outcome = BAD_CONFIG
    elif isinstance(fault, OSError):
        outcome = DISK
    else:
        outcome = INTERNAL
        _keep(fault, cache_folder(world.environ))
    outcomes.record(cache_folder(world.environ), world.now, outcome, spent=world.spent())


def _keep(fault: Exception, cache: str) -> None:
    """Leave the newest fault of ours where `skillcache doctor` finds it: places in our code, no values."""
    from skillcache.core import files
    from skillcache.core.paths import fault_file

    lines = [type(fault).__name__]
    place = fault.__traceback__
    while place is not None:
        lines.append(f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}")
        place = place.tb_next
    try:
        files.write(fault_file(cache), "\n".join(lines).encode("utf-8", "surrogateescape"))
    except OSError:
        return


def _read() -> bytes:
    """Standard input, whole; more than any event needs is an event we do not read."""
    from skillcache.claude import MOST, BadEvent

    pieces: list[bytes] = []
    size = 0
    while piece := posix.read(0, _PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > MOST:
            raise BadEvent("larger than any event")
    return b"".join(pieces)


def _print(data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[posix.write(1, view) :]


def left() -> float:
    """Seconds that a hook still has."""
    return _END - time.monotonic()


def arm(seconds: float) -> None:
    """End the process after so long, unless this is called again before: whatever the interpreter is held up by."""
    import faulthandler

    if not _nowhere:
        _nowhere.append(posix.open("/dev/null", posix.O_WRONLY | posix.O_CLOEXEC))
    faulthandler.dump_traceback_later(seconds, file=_nowhere[0], exit=True)


def _watch(answered: object) -> None:
    # Waits on a lock that nobody releases: the main thread ends the process, or this one does.
    never = allocate_lock()
    never.acquire()
    while (left := _END - time.monotonic()) > 0:
        never.acquire(timeout=left)
    if answered.acquire(blocking=False):  # type: ignore[attr-defined]
        start_new_thread(_count_time_up, ())
        time.sleep(_TIME_TO_COUNT)
        posix._exit(0)  # noqa: SLF001


def _count_time_up() -> None:
    import os

    from skillcache.core import outcomes
    from skillcache.core.outcomes import TIME_UP
    from skillcache.core.paths import cache_folder

    if _may_use_folder(os.environ):
        outcomes.record(cache_folder(os.environ), time.time(), TIME_UP, spent=int(_TIME * 1000))


_PLAIN = str.maketrans("", "", "-_.")
_TOGETHER = 5.0  # seconds within which the client starts all hooks of one event


def is_first(cache: str, session: str, what: str, environ: "Mapping[str, str]") -> bool:
    """Whether no other process has had this event; True in doubt, since silence would be worse than saying it twice."""
    event = f"{what}.{environ.get('CLAUDE_PID', '')}"  # a resumed session has another process
    if not f"{session}{event}".translate(_PLAIN).isalnum():
        return True
    path = f"{told_folder(cache)}/{session}.{event}"
    mine = f"{path}.{os.getpid()}"
    try:
        files.create(mine)
        try:
            os.link(mine, path)
        except FileExistsError:
            if os.stat(mine).st_mtime - os.stat(path).st_mtime < _TOGETHER:
                return False
            os.rename(path, f"{mine}.old")  # of an earlier event; one process alone can do it
            files.remove(f"{mine}.old")
            os.link(mine, path)
        finally:
            files.remove(mine)
    except (FileNotFoundError, FileExistsError):  # another one was quicker
        return False
    except OSError:
        return True
    return True
