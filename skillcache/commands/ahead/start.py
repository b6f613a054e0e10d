"""Starting runs ahead: a process that nobody waits for, and that costs who starts it a millisecond."""

import os
import sys

from skillcache.commands.ahead import running
from skillcache.commands.ahead.running import Running
from skillcache.commands.streams import inherited
from skillcache.core import files, json, processes
from skillcache.core.outcomes import SkillcacheError
from skillcache.core.paths import ahead_folder, package_folder
from skillcache.settings.in_force import disabled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skillcache.commands.ahead.line import Asked
    from skillcache.settings.in_force import Settings


# The package's folder comes last, so that no file there passes for a standard module.
_KEEPER = (
    "import sys; sys.path.append(sys.argv[1]);"
    " from skillcache.commands.ahead.keeper import main; main(int(sys.argv[2]), sys.argv[3])"
)
_SIGPIPE, _SIGTERM, _SIGXFSZ = 13, 15, 25  # the signal module costs an enum import
_POWER = "/sys/class/power_supply"
_CAP = 64


def start(settings: "Settings", environ: "Mapping[str, str]", asked: "Sequence[Asked]", why: str, session: str) -> None:
    """Run these ahead, one after the other, where nothing runs ahead yet. Never a fault.

    environ: of the commands, which each of them may add to; why: `line` for what the line of a call says comes after
    what it has begun, `next`, `start` or `edit` for what is only usual.
    """
    if not asked or not settings.ahead or settings.flag("disable") or disabled(environ):
        return
    try:
        if environ.get("SKILLCACHE_FRESH", "") in ("", "0") and not is_on_battery() and not is_busy(settings):
            _start(settings.cache, environ, asked, why, session)
    except (SkillcacheError, OSError, ValueError):
        return


def is_on_battery(folder: str = _POWER) -> bool:
    """Whether any battery of the machine is being emptied."""
    try:
        names = os.listdir(folder)
        told = [files.read(f"{folder}/{name}/status", _CAP) for name in names]
    except OSError:
        return False
    return any(status is not None and status.strip() == b"Discharging" for status in told)


def is_busy(settings: "Settings", own: int = 0) -> bool:
    """Whether more waits for a processor than there are, besides so many processes of the run ahead itself."""
    return os.getloadavg()[0] - own > settings.number("ahead_load") * (os.cpu_count() or 1)


def _start(cache: str, environ: "Mapping[str, str]", asked: "Sequence[Asked]", why: str, session: str) -> None:
    lock = running.lock(cache)
    if lock is None:
        return
    try:
        job = _job(cache, asked, why, session)
        try:
            pid = _spawn(cache, environ, lock, job)
        finally:
            os.close(job)
        first = asked[0]
        start_ = processes.describe(pid).get("pid_start", "")
        line = environ.get("SKILLCACHE_CALL", "")
        running.keep(cache, Running(pid, start_, 0, "", "", first.cwd, tuple(first.words), first.joined, "", why, line))
    finally:
        os.close(lock)


def _job(cache: str, asked: "Sequence[Asked]", why: str, session: str) -> int:
    """What the keeper reads, in a file without a name: a pipe would hold us up."""
    path = files.draft_of(f"{ahead_folder(cache)}/job")
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.unlink(path)
        commands = [[list(one.words), one.cwd, one.joined, dict(one.environ)] for one in asked]
        text = json.dumps({"commands": commands, "why": why, "session": session})
        os.pwrite(handle, text.encode(), 0)
    except BaseException:
        os.close(handle)
        raise
    return handle


def _spawn(cache: str, environ: "Mapping[str, str]", lock: int, job: int) -> int:
    actions = [
        *((os.POSIX_SPAWN_CLOSE, fd) for fd in inherited()),
        (os.POSIX_SPAWN_DUP2, job, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    package = os.path.dirname(package_folder())
    argv = [sys.executable, "-I", "-S", "-c", _KEEPER, package, str(lock), cache]
    os.set_inheritable(lock, True)
    # Those that Python or a hook of ours ignores: a command would inherit that.
    defaults = (_SIGPIPE, _SIGTERM, _SIGXFSZ)
    return os.posix_spawn(sys.executable, argv, environ, file_actions=actions, setsid=True, setsigdef=defaults)
