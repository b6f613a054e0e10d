"""Our plugin in the client: where its resident server listens, and what it says to the commands of a session.

The client's hooks and the server work the path out alike, from what the client gives both: its own process number. The
folder is private; a socket's path may be about a hundred bytes long at most, which not every cache folder leaves.

Beside the socket of the resident server lie `.off`, where the person has switched it off, and `.options`, which the
client gives the plugin's own hooks alone: see skillcache/events/server/session.py.
"""

import os

from skillcache.core import files
from skillcache.core.paths import cache_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


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
        from skillcache.core.outcomes import SkillcacheError  # a person's mistake

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


def options(environ: "Mapping[str, str]") -> dict[str, str] | None:
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
    from skillcache.core import json  # only where the person has given some

    given = json.loads(data)
    return {str(name): str(value) for name, value in given.items()} if isinstance(given, dict) else {}
