"""The command line and the hooks in a process that has them loaded and forks for each: most of them is their start.

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
import resource
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from skillcache.events import runtime

_CHECKOUT = Path(__file__).parents[1]
_CLOCK = Path(__file__).parent / "fidelity/at_another_time.py"
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
            cwd=_CHECKOUT,
            env={"PATH": os.environ["PATH"], "LC_ALL": _LOCALE},
        )
        far.close()
        atexit.register(self.end)

    def end(self) -> None:
        self._link.close()
        self._process.wait(30)

    def run(
        self,
        words: Sequence[str],
        *,
        folder: Path,
        environ: Mapping[str, str],
        given: bytes | int,
        seconds: float,
        memory: int = 0,
    ) -> tuple[int, bytes, bytes]:
        """`given`: what it reads, or a handle of that; memory: bytes of address space that it may have more, or 0."""
        told = json.dumps([list(words), str(folder), dict(environ), _mask(), memory]).encode()
        assert len(told) < _MOST
        _let_the_clock_tick()
        pipes = [os.pipe() for _ in range(3)]
        theirs, ours = [writing for _, writing in pipes], [reading for reading, _ in pipes]
        feeding = None
        if isinstance(given, bytes):
            reading, writing = os.pipe()
            feeding = threading.Thread(target=_write, args=(writing, given))
            feeding.start()
        else:
            reading = os.dup(given)
        socket.send_fds(self._link, [told], [reading, *theirs])
        for handle in (reading, *theirs):
            os.close(handle)
        out, err, status = _read(ours, time.monotonic() + seconds)
        if feeding is not None:
            feeding.join(seconds)
        assert status, "it was killed"
        return int(status), out, err


def _let_the_clock_tick() -> None:
    """Of files: an interpreter takes longer to start than from one tick to the next, and this is not to be seen here.

    What was written in the very tick in which a command begins may have been written after it began.
    """
    with tempfile.TemporaryFile() as file:
        before = os.fstat(file.fileno()).st_ctime_ns
        while os.fstat(file.fileno()).st_ctime_ns == before:
            os.fchmod(file.fileno(), 0o600)


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
    memory: int = 0,
) -> tuple[int, str, str]:
    """Status and output of one command. memory: see `Server.run`."""
    if python != sys.executable or not _is_usual(environ):
        assert not memory
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
    status, out, err = _server().run(
        words, folder=folder, environ=environ, given=given.encode(), seconds=seconds, memory=memory
    )
    return status, out.decode("utf-8", "surrogateescape"), err.decode("utf-8", "surrogateescape")


def ran(
    *words: str, folder: Path, environ: Mapping[str, str], given: bytes | int, seconds: float = 60
) -> tuple[int, bytes, bytes]:
    """Status and bytes of one command with this input, or with what this handle leads to."""
    assert _is_usual(environ)
    return _server().run(words, folder=folder, environ=environ, given=given, seconds=seconds)


def hook(
    script: str,
    given: bytes,
    environ: Mapping[str, str],
    *,
    folder: Path | None = None,
    shift: float = 0,
    memory: int = 0,
) -> tuple[int, bytes, bytes]:
    """Status and bytes of a hook that is given these. shift: seconds its clock is ahead; memory: see `Server.run`."""
    path, folder = str(_CHECKOUT / "hooks" / script), folder or Path.cwd()
    if _is_usual(environ):
        words = [path, str(shift)]
        return _server().run(words, folder=folder, environ=environ, given=given, seconds=30, memory=memory)
    assert not memory
    argv = [sys.executable, "-I", "-S", *([str(_CLOCK), str(shift)] if shift else []), path]
    done = subprocess.run(
        argv, input=given, capture_output=True, cwd=folder, env=dict(environ), timeout=30, check=False
    )
    return done.returncode, done.stdout, done.stderr


def _is_usual(environ: Mapping[str, str]) -> bool:
    """Whether an interpreter would start with it as ours has."""
    locale = environ.get("LC_ALL") or environ.get("LANG")
    return locale == _LOCALE and not any(name.startswith(("PYTHON", "LC_CTYPE")) for name in environ)


def _server() -> Server:
    return _servers.get(os.getpid()) or _servers.setdefault(os.getpid(), Server())


# The process itself.


def serve(handle: int) -> None:
    import skillcache
    from skillcache.core import bytecode

    for module in pkgutil.walk_packages(skillcache.__path__, "skillcache."):
        importlib.import_module(module.name)
    for name in ("redis", "pydantic"):
        importlib.import_module(name)
    gc.freeze()
    # What `uninstall` takes away is the checkout's: all tests beside it would be slower. Of this, see test_bytecode.
    bytecode.remove = _leave
    _Forks(socket.socket(fileno=handle)).serve()


class _Forks:
    """What is asked over `link`, each in a child, and its status told where the asking one reads it."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.ended, self.end = socket.socketpair()
        for each in (self.ended, self.end):
            each.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.end.fileno(), warn_on_full_buffer=False)
        self.waiting: dict[int, int] = {}  # process -> where its status is to be said

    def serve(self) -> None:
        while True:
            ready, _, _ = select.select([self.link, self.ended], [], [])
            if self.ended in ready:
                self._tell()
            if self.link in ready and not self._begin():
                return

    def _tell(self) -> None:
        self.ended.recv(_MOST)
        for child in list(self.waiting):
            found, status = os.waitpid(child, os.WNOHANG)
            if found:
                with os.fdopen(self.waiting.pop(child), "wb") as told:
                    told.write(str(os.waitstatus_to_exitcode(status)).encode())

    def _begin(self) -> bool:
        """Whether more may come."""
        told, handles, _, _ = socket.recv_fds(self.link, _MOST, 4)
        if not told:
            return False
        child = os.fork()
        if not child:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for near in (self.link, self.ended, self.end):
                near.close()
            for other in (handles.pop(), *self.waiting.values()):
                os.close(other)
            _become(told, handles)
        self.waiting[child] = handles.pop()
        for each in handles:
            os.close(each)
        return True


def _leave(package: str) -> None:  # noqa: ARG001 - as it is called
    return


def _become(told: bytes, handles: list[int]) -> NoReturn:
    from skillcache.__main__ import main

    status = 1
    try:
        words, folder, environ, mask, memory = json.loads(told)
        for number, each in enumerate(handles):
            os.dup2(each, number)
            os.close(each)
        os.environ.clear()
        os.environ.update(environ)
        os.umask(mask)
        time.tzset()
        os.chdir(folder)
        if memory:
            _bound(memory)
        status = _run_hook(*words) if words[0].endswith(".py") else main(words)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - as an interpreter does
        traceback.print_exc()
    finally:
        atexit._run_exitfuncs()
        gc.collect()  # what an interpreter closes as it ends, such as a store
        for stream in (sys.stdout, sys.stderr):
            if not stream.closed:
                stream.flush()
        os._exit(status)


def _bound(memory: int) -> None:
    has = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + memory, has + memory))


def _run_hook(path: str, shift: str) -> NoReturn:
    """The script as it is, whose time begins now."""
    now, ahead = time.time, float(shift)
    time.time = lambda: now() + ahead
    runtime._START = time.process_time()
    runtime._END = time.monotonic() + runtime._TIME
    sys.argv = [path]
    runpy.run_path(path, run_name="__main__")
    raise SystemExit(0)
