"""The command line in a process that has it loaded and forks for each command: most of a command is its start.

A command is a process of its own all the same, with the streams, the environment and the folder that it is given. That
it starts, and what it imports, is for tests that start an interpreter.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

_MOST = 1 << 17  # bytes of what is asked
_LOCALE = "C.UTF-8"
_servers: dict[int, Server] = {}  # by the process that asks: xdist's workers have one each


class Server:
    """The process, from the side of who asks."""

    def __init__(self) -> None:
        self._link, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        program = f"from tests.ready import serve; serve({far.fileno()})"
        self._process = subprocess.Popen(
            [sys.executable, "-c", program],
            pass_fds=[far.fileno()],
            cwd=Path(__file__).parents[1],
            env={"PATH": os.environ["PATH"], "LC_ALL": _LOCALE},
        )
        far.close()
        atexit.register(self.end)

    def end(self) -> None:
        self._link.close()
        self._process.wait(30)

    def run(self, words: Sequence[str], *, folder: Path, environ: Mapping[str, str], given: str, seconds: float) -> Ran:
        told = json.dumps([list(words), str(folder), dict(environ), _mask()]).encode()
        assert len(told) < _MOST
        pipes = [os.pipe() for _ in range(4)]
        theirs = [pipes[0][0], pipes[1][1], pipes[2][1], pipes[3][1]]
        ours = [pipes[0][1], pipes[1][0], pipes[2][0], pipes[3][0]]
        writing = threading.Thread(target=_write, args=(ours[0], given.encode()))
        writing.start()
        socket.send_fds(self._link, [told], theirs)
        for handle in theirs:
            os.close(handle)
        out, err, status = _read(ours[1:], time.monotonic() + seconds)
        writing.join(seconds)
        assert status, "it was killed"
        return int(status), out.decode("utf-8", "surrogateescape"), err.decode("utf-8", "surrogateescape")


Ran = tuple[int, str, str]  # status, standard output, standard error


def _mask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _write(handle: int, text: bytes) -> None:
    with suppress(BrokenPipeError), os.fdopen(handle, "wb") as writing:  # it may have ended without it
        writing.write(text)


def _read(handles: list[int], until: float) -> list[bytes]:
    """All of each, to its end."""
    read = {handle: bytearray() for handle in handles}
    with selectors.DefaultSelector() as ready:
        for handle in handles:
            ready.register(handle, selectors.EVENT_READ)
        while ready.get_map():
            found = ready.select(until - time.monotonic())
            assert found, "it never ended"
            for key, _ in found:
                piece = os.read(key.fd, 1 << 16)
                read[key.fd] += piece
                if not piece:
                    ready.unregister(key.fd)
                    os.close(key.fd)
    return [bytes(each) for each in read.values()]


def skillcache(
    *words: str,
    folder: Path,
    environ: Mapping[str, str],
    given: str = "",
    seconds: float = 60,
    python: str = sys.executable,
) -> tuple[int, str, str]:
    """Status and output of one command."""
    # What an interpreter reads as it starts; and `run` may become the command, with the status of that.
    is_own = python != sys.executable or environ.get("LC_ALL") != _LOCALE or words[:1] == ("run",)
    if is_own or any(name.startswith("PYTHON") for name in environ):
        done = subprocess.run(
            [python, "-m", "skillcache", *words],
            cwd=folder,
            env=dict(environ),
            input=given,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr
    server = _servers.get(os.getpid()) or _servers.setdefault(os.getpid(), Server())
    return server.run(words, folder=folder, environ=environ, given=given, seconds=seconds)


# The process itself.


def serve(handle: int) -> None:
    import skillcache.cli

    for module in pkgutil.walk_packages(skillcache.cli.__path__, "skillcache.cli."):
        importlib.import_module(module.name)
    for name in ("skillcache.__main__", "redis", "pydantic"):
        importlib.import_module(name)
    gc.freeze()
    link = socket.socket(fileno=handle)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        told, handles, _, _ = socket.recv_fds(link, _MOST, 4)
        if not told:
            return
        if not os.fork():
            link.close()
            _become(told, handles)
        for each in handles:
            os.close(each)


def _become(told: bytes, handles: list[int]) -> NoReturn:
    from skillcache.__main__ import main

    status = 1
    try:
        words, folder, environ, mask = json.loads(told)
        for number, each in enumerate(handles[:3]):
            os.dup2(each, number)
            os.close(each)
        os.set_inheritable(handles[3], False)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.environ.clear()
        os.environ.update(environ)
        os.umask(mask)
        time.tzset()
        os.chdir(folder)
        status = main(words)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - as an interpreter does
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            if not stream.closed:
                stream.flush()
        os.write(handles[3], str(status).encode())
        os._exit(status)
