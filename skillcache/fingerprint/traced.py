"""What a command read, looked for, wrote, started and spoke to, by strace: read from what that program writes.

Never on a hook's way: whoever observes has asked for it.

    line = pid " " call "(" arguments ") = " result      one that was interrupted: "... <unfinished ...>" and, further
                                                         down, pid " <... call resumed>" and the rest

With `-y`, descriptors and AT_FDCWD are followed by the path they stand for in angle brackets, escaped as strings are.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping

_FILES = "%file,getdents,getdents64,fchdir,clone,clone3,fork,vfork,connect,bind,getsockname,accept,accept4"
_LINE = re.compile(rb"^(\d+) +(.*)$")
_ESCAPE = re.compile(r"\\([0-7]{1,3}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "v": "\v", "f": "\f", "a": "\a", "b": "\b"}
_PORT = re.compile(r"sin6?_port=htons\((\d+)\)")
_HOST = re.compile(r'(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]*)"')

_OPENING = frozenset(["open", "openat", "openat2", "creat"])
_STARTING = frozenset(["execve", "execveat"])
_CHANGING = frozenset(
    """mkdir mkdirat unlink unlinkat rmdir rename renameat renameat2 link linkat symlink symlinkat truncate mknod
    mknodat chmod fchmodat chown lchown fchownat utime utimes utimensat futimesat setxattr lsetxattr""".split()  # noqa: SIM905
)
_MAKING = frozenset(["mkdir", "mkdirat", "rename", "renameat", "renameat2"])
_TWO = frozenset(["rename", "renameat", "renameat2", "link", "linkat"])  # both of their paths are paths of files
_BEHIND = frozenset(["symlink", "symlinkat"])  # the second is; the first is what the link says
_CHILDREN = frozenset(["clone", "clone3", "fork", "vfork"])
_ABSENT = frozenset(["ENOENT", "ENOTDIR"])

READ, LISTED, LOOKED, ABSENT, STARTED, WRITTEN = "read", "listed", "looked", "absent", "started", "written"


class Seen:
    """What became of one path. own: the command made it before it read anything there.

    kinds: of the above; by: names of the programs that did it; spelled: how it was called, absolute.
    """

    __slots__ = ("by", "kinds", "own", "spelled")

    def __init__(self, spelled: str) -> None:
        self.kinds: set[str] = set()
        self.by: set[str] = set()
        self.own = False
        self.spelled = spelled


class Trace:
    """seen: by real path, in the order of the first sight; made: folders that the command made or moved where they are.

    programs: real path -> the words of its first start; spoken: addresses that it connected to, "host:port" or the
    path of a socket ("@name" of an abstract one); served: those that a process of its own was reached at.
    """

    def __init__(self) -> None:
        self.seen: dict[str, Seen] = {}
        self.made: set[str] = set()
        self.programs: dict[str, tuple[str, ...]] = {}
        self.spoken: dict[str, None] = {}
        self.served: set[str] = set()

    def of(self, *kinds: str) -> Iterator[tuple[str, Seen]]:
        """Paths of any of these kinds."""
        return ((path, seen) for path, seen in self.seen.items() if not seen.kinds.isdisjoint(kinds))

    def is_own(self, path: str) -> bool:
        """Whether the command itself made what it found at `path`."""
        seen = self.seen.get(path)
        if seen is not None and seen.own:
            return True
        return any(folder in self.made for folder in above(path))

    def others(self) -> list[str]:
        """Addresses that something else than this command answers at."""
        return [
            address for address in self.spoken if address not in self.served and _port(address) not in self._ports()
        ]

    def _ports(self) -> set[str]:
        return {_port(address) for address in self.served} - {""}


def command(tracer: str, path: str) -> list[str]:
    """The words before those of a command that is to be observed; `path`: of the file that strace writes."""
    return [
        *(tracer, "-f", "--seccomp-bpf", "-qq", "-yy", "-s", "4096", "-e", "signal=none", "-e", f"trace={_FILES}"),
        *("-o", path, "--"),
    ]


def tracer(environ: Mapping[str, str]) -> str | None:
    """The path of strace; None where it is not installed."""
    for folder in environ.get("PATH", os.defpath).split(":"):
        path = os.path.join(folder, "strace")
        if os.path.isabs(folder) and os.access(path, os.X_OK):
            return path
    return None


def read(path: str, cwd: str, *, mark: str = "") -> list[Trace]:
    """What strace wrote to `path` of a command that was started in `cwd`.

    A look at a path that begins with `mark` ends one trace and begins the next.
    """
    with open(path, "rb") as lines:
        reading = _Reading(cwd, mark)
        for line in whole(lines):
            reading.take(*line)
    return reading.traces


def whole(lines: Iterable[bytes]) -> Iterator[tuple[int, str]]:
    """(process, call) of each line, those that were interrupted put together where they end."""
    begun: dict[int, bytes] = {}
    for line in lines:
        found = _LINE.match(line.rstrip(b"\n"))
        if found is None:
            continue
        pid, text = int(found[1]), found[2]
        if text.endswith(b"<unfinished ...>"):
            begun[pid] = text[: -len(b"<unfinished ...>")].rstrip()
            if text.startswith((b"vfork(", b"fork(", b"clone(", b"clone3(")):
                yield pid, text.decode("ascii", "surrogateescape")  # the child may be seen before the call ends
            continue
        if text.startswith(b"<... "):
            _, _, rest = text.partition(b" resumed>")
            text = begun.pop(pid, b"") + rest
        yield pid, text.decode("ascii", "surrogateescape")


class _Reading:
    """The state of the processes while the lines are read."""

    def __init__(self, cwd: str, mark: str) -> None:
        self.cwd = cwd
        self.mark = mark
        self.traces = [Trace()]
        self.folders: dict[int, str] = {}
        self.programs: dict[int, str] = {}
        self.forking: list[int] = []  # whose children may be seen before their calls end
        self.real: dict[str, str] = {}

    def take(self, pid: int, text: str) -> None:
        if pid not in self.folders:
            parent = self.forking[-1] if self.forking else None
            self._inherit(pid, parent)
        parts = _parted(text)
        if parts is None:
            if text.partition("(")[0] in _CHILDREN:
                self.forking.append(pid)
            return
        name, arguments, result, opened, error = parts
        if name in _CHILDREN:
            if pid in self.forking:
                self.forking.remove(pid)
            if result.isdigit() and int(result) not in self.folders:
                self._inherit(int(result), pid)
        elif name in {"chdir", "fchdir", "getdents", "getdents64"}:
            self._enter(pid, name, arguments, error)
        elif name in {"connect", "bind", "getsockname", "accept", "accept4"}:
            self._speak(name, arguments, error)
        else:
            self._look(pid, name, arguments, opened, error)

    def _inherit(self, pid: int, parent: int | None) -> None:
        self.folders[pid] = self.folders.get(parent, self.cwd) if parent is not None else self.cwd
        self.programs[pid] = self.programs.get(parent, "") if parent is not None else ""

    def _enter(self, pid: int, name: str, arguments: str, error: str) -> None:
        """A folder becomes the process's own, or its names are read."""
        if name == "chdir":
            for path in self._paths(pid, arguments):
                self._note(pid, path, ABSENT if error in _ABSENT else LOOKED)
                if not error:
                    self.folders[pid] = path
            return
        place = _place(arguments.partition(",")[0])
        if not place or error:
            return
        path = _unescaped(place)
        if name == "fchdir":
            self.folders[pid] = path
        else:
            self._note(pid, path, LISTED, path)

    def _speak(self, name: str, arguments: str, error: str) -> None:
        trace = self.traces[-1]
        if "<UDP" in arguments.partition(">")[0]:
            return  # a look-up of names, and the choice among their addresses
        if name in {"accept", "accept4"}:
            _, is_known, place = arguments.partition(">")[0].partition("<TCP")
            if is_known and not error:
                trace.served.add(place.partition("[")[2].removesuffix("]").partition("->")[0])
            return
        address = _address(arguments)
        if address is None:
            return
        if name == "connect":
            trace.spoken[address] = None
        elif not address.endswith(":0") and (name == "bind" or "->" not in arguments):
            trace.served.add(address)

    def _look(self, pid: int, name: str, arguments: str, opened: str, error: str) -> None:
        paths = list(self._paths(pid, arguments))
        if not paths:
            return
        if self.mark and paths[0].startswith(self.mark):
            self.traces.append(Trace())
        elif name in _STARTING:
            self._start(pid, paths[0], arguments, error)
        elif name in _TWO:
            self._touch(pid, name, paths, arguments, opened, error)
        else:
            self._touch(pid, name, paths[1:2] if name in _BEHIND else paths[:1], arguments, opened, error)

    def _touch(self, pid: int, name: str, paths: list[str], arguments: str, opened: str, error: str) -> None:
        if error:
            for path in paths:
                self._note(pid, path, ABSENT if error in _ABSENT else LOOKED)
        elif name in _OPENING:
            self._open(pid, paths[0], "O_WRONLY|O_CREAT|O_TRUNC" if name == "creat" else arguments, opened)
        elif name in _CHANGING:
            self._change(pid, paths, makes=name in _MAKING)
        else:
            self._note(pid, paths[0], LOOKED, follow="NOFOLLOW" not in arguments and name[:1] != "l")

    def _change(self, pid: int, paths: list[str], *, makes: bool) -> None:
        for path in paths:
            self._note(pid, path, WRITTEN)
        if makes and paths:
            self.traces[-1].made.add(self._resolved(paths[-1]))

    def _start(self, pid: int, path: str, arguments: str, error: str) -> None:
        if error:
            self._note(pid, path, ABSENT if error in _ABSENT else LOOKED)
            return
        self.programs[pid] = os.path.basename(path)
        real = self._resolved(path, follow=True)
        self._note(pid, path, STARTED)
        words = tuple(_unescaped(text) for _, text in _strings(arguments))
        self.traces[-1].programs.setdefault(real, (path, *words[2:]))

    def _open(self, pid: int, path: str, arguments: str, opened: str) -> None:
        flags = arguments.rpartition('"')[2]
        real = _unescaped(opened.partition("<")[0]) if opened else self._resolved(path, follow=True)
        if "O_PATH" in flags or "O_DIRECTORY" in flags or os.path.isdir(real):
            self._note(pid, path, LOOKED, real)
            return
        writes = "O_WRONLY" in flags or "O_RDWR" in flags
        empties = "O_TRUNC" in flags or "O_EXCL" in flags or "O_WRONLY" in flags
        if not writes or not empties:
            fresh = writes and "O_CREAT" in flags and self._is_absent(real)
            if not fresh:
                self._note(pid, path, READ, real)
        if writes:
            self._note(pid, path, WRITTEN, real)

    def _is_absent(self, real: str) -> bool:
        seen = self.traces[-1].seen.get(real)
        return (
            not os.path.getsize(real) if seen is None and os.path.isfile(real) else bool(seen and ABSENT in seen.kinds)
        )

    def _note(self, pid: int, path: str, kind: str, real: str | None = None, *, follow: bool = True) -> None:
        if real is not None and real[:1] != "/":
            return  # a pipe by another name
        real = real or self._resolved(path, follow=follow and kind not in {WRITTEN, ABSENT})
        seen = self.traces[-1].seen.setdefault(real, Seen(path))
        if kind == WRITTEN and seen.kinds <= {ABSENT, WRITTEN}:
            seen.own = True
        seen.kinds.add(kind)
        seen.by.add(self.programs.get(pid, ""))

    def _paths(self, pid: int, arguments: str) -> Iterator[str]:
        """The absolute paths among the arguments."""
        for before, text in _strings(arguments):
            if not text:
                continue  # of what is open
            place = _place(before)
            folder = _unescaped(place) if place.startswith("/") else self.folders[pid]
            yield os.path.join(folder, _unescaped(text)).rstrip("/") or "/"

    def _resolved(self, path: str, *, follow: bool = False) -> str:
        """Its real path; of the last part only where it is followed."""
        if path.startswith("/proc/"):
            return path  # of the process that looked, which is not this one
        if follow:
            if path not in self.real:
                self.real[path] = os.path.realpath(path)
            return self.real[path]
        folder, name = os.path.split(path)
        if name in {"", ".", ".."}:
            return self._resolved(path, follow=True)
        return os.path.join(self._resolved(folder, follow=True), name)


def above(path: str) -> Iterator[str]:
    """`path` and the folders above it, but for the root of all."""
    while path not in {"/", ""}:
        yield path
        path = os.path.dirname(path)


def _parted(text: str) -> tuple[str, str, str, str, str] | None:
    """(name, arguments, result, path that the result stands for, error) of a call; None for what is none."""
    name, is_call, rest = text.partition("(")
    at = len(rest)
    while is_call and (at := rest.rfind(" = ", 0, at)) >= 0:
        ends = at
        while rest[ends - 1] == " ":
            ends -= 1
        if rest[ends - 1] != ")":
            continue
        result, _, more = rest[at + 3 :].partition(" ")
        number, _, opened = (rest[at + 3 :] if "<" in result else result).partition("<")
        if number[:1] and number[0] in "-?0123456789":
            error = more.partition(" ")[0] if number == "-1" else ""
            return name, rest[: ends - 1], number, opened.rpartition(">")[0], error
    return None


def _strings(text: str) -> Iterator[tuple[str, str]]:
    """(what stands before it, the string between the quotes) of each."""
    done = at = 0
    while (start := text.find('"', at)) >= 0:
        if text[start - 1 : start] == "\\":
            at = start + 1  # in the path of a descriptor
            continue
        end = start
        while True:
            end = text.find('"', end + 1)
            if end < 0:
                return
            escapes = end
            while text[escapes - 1] == "\\":
                escapes -= 1
            if (end - escapes) % 2 == 0:
                break
        yield text[done:start], text[start + 1 : end]
        done = at = end + 1


def _place(before: str) -> str:
    """The path, escaped, that the descriptor before a string or at the end of a text stands for, or ''."""
    descriptor, _, path = before.strip(", [").removesuffix("(deleted)").partition("<")
    is_one = descriptor == "AT_FDCWD" or descriptor.lstrip("-").isdigit()
    return path.partition("<")[0].removesuffix(">") if is_one else ""


def _address(arguments: str) -> str | None:
    _, is_socket, rest = arguments.partition("sun_path=")
    if is_socket:
        for before, text in _strings(rest):
            return before + _unescaped(text)
        return None
    port, host = _PORT.search(arguments), _HOST.search(arguments)
    if port is None or host is None:
        return None
    return f"[{host[1]}]:{port[1]}" if ":" in host[1] else f"{host[1]}:{port[1]}"


def _port(address: str) -> str:
    return "" if address.startswith(("/", "@")) else address.rpartition(":")[2]


def _unescaped(text: str) -> str:
    """A string of strace's as the path it stands for."""
    if "\\" not in text:
        return text

    def meant(found: re.Match[str]) -> str:
        what = found[1]
        if what[0] == "x" and len(what) == 3:
            return chr(int(what[1:], 16))
        return chr(int(what, 8)) if what[0] in "01234567" else _LETTERS.get(what, what)

    # Each character stands for a byte by now.
    return os.fsdecode(_ESCAPE.sub(meant, text).encode("latin-1", "replace"))
