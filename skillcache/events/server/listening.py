"""Where the server listens and what it is told there: a socket that is private, and whole or not there.

The socket of the server: private, whole or not there, and given over to whoever starts later at the same place.

The resident core: one process for each process of the client, which answers the plugin's mod.

It listens on a unix socket and speaks HTTP/1.1, every message a JSON object. Where it listens it first says on its
standard output:

    {"protocol": 3, "socket": "/run/user/1000/skillcache/4711-98765"}

POST /call     a PreToolUse event. Answers
    {}                                      the call is not ours: run it
    {"follow": true}                        run it, and tell its end
    {"result": ..., "context": [text]}      its result, in the tool's own shape, and what to tell the model
    {"wait": seconds, "ticket": id}         not known yet: ask /wait, which answers within so many seconds
POST /wait     {"ticket": id}. Answers as /call does.
POST /ended    a PostToolUse or PostToolUseFailure event. Answers {} before what follows from it is done.
POST /stop     {}. Answers {}, and the server ends: the client's environment is another now.
POST /hello    {}. Answers {"protocol", "pid"}.

Its lanes, settings and stores are those of the hooks, so that both give the same answers. It ends with the client.
"""

from __future__ import annotations

import os
import socket

from skillcache.claude.resident import is_private
from skillcache.core import files
from skillcache.core.errors import SkillcacheError

_BACKLOG = 128


class CannotListen(SkillcacheError):
    """The path cannot be used."""


class Listener:
    """Listens at `path`, in place of a server that did, which notices it (`is_ours`) and ends. Raises CannotListen."""

    def __init__(self, path: str) -> None:
        self.path = path
        folder = os.path.dirname(path)
        # Moved to its place when it listens, so that nobody ever finds one that does not.
        draft = f"{folder}/.{os.getpid()}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            files.make_folder(folder)
            if not is_private(folder):
                raise CannotListen(f"{folder} is not a folder that its owner alone can use")
            files.remove(draft)
            self._socket.bind(draft)
            os.chmod(draft, 0o600)
            self._socket.listen(_BACKLOG)
            status = os.stat(draft)
            os.rename(draft, path)
        except OSError as fault:
            self._socket.close()
            raise CannotListen(f"{path}: {fault.strerror or fault}") from None
        self._identity = (status.st_dev, status.st_ino)

    def accept(self) -> socket.socket:
        """Raises OSError once the listener is closed."""
        return self._socket.accept()[0]

    def is_ours(self) -> bool:
        try:
            status = os.stat(self.path)
        except OSError:
            return False
        return (status.st_dev, status.st_ino) == self._identity

    def close(self) -> None:
        if self.is_ours():
            files.remove(self.path)
        self._socket.close()


def sweep(folder: str, alive: str) -> None:
    """Remove what servers of clients that are gone have left; `alive`: the name of the present one's socket."""
    try:
        with os.scandir(folder) as found:
            for item in found:
                pid = item.name.lstrip(".").partition("-")[0]
                if pid.isdecimal() and not item.name.startswith(alive) and not _is_running(int(pid)):
                    files.remove(item.path)
    except OSError:
        return


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


PROTOCOL = 3  # raised with every change that a mod of another version would not understand
