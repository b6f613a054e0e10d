"""What a file is, for the fingerprint, read under a budget; and whether a large folder is still as it was read.

Nothing that is not a regular file, a symbolic link or a directory is ever opened: a pipe would block, a device act.

Of a large folder `find` is asked for anything that was changed later than all that had been there, and for the folders,
by which a file system shows that was mounted over one. Any doubt is an answer of None, and then `stamped` looks at
everything: after another boot, without a `find` that knows `-newerct`, where it finds fault, or where nothing is kept,
as of a folder with fewer than MANY files, of one that was in motion when it was looked at, and of one that is not all
read.

    kept = form, since, boot, folders, files, digest, link*    a line each
    since: ns, the newest change of a file or folder in it; boot: of this machine, for after another its clock may have
    been wrong; folders: digest of their devices and inodes; files: how many; digest, link: of the content
"""

import os
import stat
import time

from skillcache.core import KW_ONLY, Record, field, files, outcomes
from skillcache.core.files import blake2b, blob_oid, digest, digest_parts, load, open_regular
from skillcache.core.outcomes import Bypass
from skillcache.core.paths import stamps_folder
from skillcache.core.processes import Child, TooMuch, boot, end, gather, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


MAX_FILES = 20_000
MAX_BYTES = 64 << 20
SYMLINK = b"120000"
GITLINK = b"160000"
_ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class Budget(Record):
    """How much may still be read; `spend` raises TOO_LARGE past the cap and TOO_SLOW past the deadline."""

    deadline: float
    what: str
    files: int = MAX_FILES
    bytes: int = MAX_BYTES
    _: KW_ONLY
    cache: str = ""  # folder of ours, where what was read is remembered; '' for nowhere
    seen: dict[str, object] = field(default_factory=dict)  # of this capture: path -> what was found there

    def of(self, what: str, most: int = MAX_FILES) -> "Budget":
        """One more of the same capture, for something else."""
        return Budget(self.deadline, what, most, cache=self.cache, seen=self.seen)

    def spend(self, size: int) -> None:
        self.files -= 1
        self.bytes -= size
        if self.files < 0:
            raise Bypass(outcomes.TOO_LARGE, f"too many {self.what}")
        if self.bytes < 0:
            raise Bypass(outcomes.TOO_LARGE, f"{self.what} hold too many bytes")
        if self.files % 64 == 0 and time.monotonic() > self.deadline:
            raise Bypass(outcomes.TOO_SLOW, f"reading {self.what}")


def read(path: str | bytes, budget: Budget, *, links: bool = False, quiet: bool = False) -> bytes | None:
    """The bytes of the regular file at `path`; None when there is none. The last two: see `open_regular`.

    UNCAPTURABLE for what cannot be read, such as a pipe.
    """
    try:
        fd = open_regular(path, links=links, quiet=quiet)
    except _ABSENT:
        return None
    except OSError as error:
        raise _uncapturable(path, error) from None
    try:
        size = os.fstat(fd).st_size
        budget.spend(size)
        chunks: list[bytes] = []
        while chunk := os.read(fd, (size if not chunks else 0) + 65536):
            chunks.append(chunk)
            if len(chunks) > 1:
                budget.spend(len(chunk))
    except OSError as error:
        raise _uncapturable(path, error) from None
    finally:
        os.close(fd)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def small(path: str, cap: int) -> bytes | None:
    """The bytes of a file that is never large, through links; None when there is none. UNCAPTURABLE like `read`."""
    try:
        return load(path, cap)
    except _ABSENT:
        return None
    except OSError as error:
        raise _uncapturable(path, error) from None


def _uncapturable(path: str | bytes, error: OSError) -> Bypass:
    return Bypass(outcomes.UNCAPTURABLE, f"{os.fsdecode(path)}: {error.strerror}")


def follow(path: str, budget: Budget) -> bytes | None:
    """Like `read`, through symbolic links."""
    return read(path, budget, links=True)


def blob(path: bytes, budget: Budget, *, long: bool, quiet: bool = False) -> tuple[bytes, bytes, int] | None:
    """What git would record of `path`: mode, object id of the raw bytes, size; None when nothing is there.

    Sockets, pipes and devices have a mode and no content; a directory is nothing, as it is to git.
    """
    try:
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            budget.spend(0)
            target = os.readlink(path)
            return SYMLINK, blob_oid(target, long=long), len(target)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _uncapturable(path, error) from None
    if stat.S_ISDIR(status.st_mode):
        return None
    if not stat.S_ISREG(status.st_mode):
        return b"%06o" % stat.S_IFMT(status.st_mode), b"0" * (64 if long else 40), 0
    data = read(path, budget, quiet=quiet)
    if data is None:
        return None
    mode = b"100755" if status.st_mode & stat.S_IXUSR else b"100644"
    return mode, blob_oid(data, long=long), len(data)


_mask: list[int] = []


def mask() -> int:
    """Of the permissions that new files do not have."""
    if not _mask:
        _mask.append(os.umask(0o22))
        os.umask(_mask[0])
    return _mask[0]


def unusual_mode(status: os.stat_result) -> str:
    """The permissions of a file that has others than a new one would; '' for the usual ones."""
    bits = stat.S_IMODE(status.st_mode)
    if stat.S_ISLNK(status.st_mode):
        return ""
    usual = (0o777 if bits & stat.S_IXUSR else 0o666) & ~mask()
    return "" if bits == usual else f"{bits:04o} "


def tree(top: str, budget: Budget, skip: "Callable[[str, bool], bool]") -> str:
    """Digest of everything below the directory `top`: names, executable bits, contents, link targets.

    `skip(path relative to top, is a directory)` leaves entries out. Links that lead out of `top` are the caller's.
    """
    state = blake2b(digest_size=16)
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(os.path.join(top, folder)) as entries:
                found = sorted(entries, key=_name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise Bypass(outcomes.UNCAPTURABLE, f"{os.path.join(top, folder)}: {error.strerror}") from None
        for entry in found:
            path = f"{folder}/{entry.name}" if folder else entry.name
            directory = entry.is_dir(follow_symlinks=False)
            if skip(path, directory):
                continue
            if directory:
                budget.spend(0)
                pending.append(path)
                continue
            name = os.fsencode(path)
            is_what = blob(os.fsencode(entry.path), budget, long=False)
            if is_what is not None:
                state.update(b"%s %s %d:%s" % (is_what[0], is_what[1], len(name), name))
    return state.hexdigest()


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def content(path: str, budget: Budget) -> str:
    """Digest of the bytes of the regular file at `path`, through links; "absent" when there is none."""
    data = follow(path, budget)
    return "absent" if data is None else digest(data)


MANY = 2_000  # files from which on a process is worth it
_FORM = "unchanged 1"
_PROGRAMS = ("/usr/bin/find", "/bin/find", "/run/current-system/sw/bin/find")  # none that a project could put there
_CAP = 1 << 20
_LONGEST = 1 << 20  # bytes of names on one command line
_TOPS = 8
_BESIDE = 4  # at once
_SECOND = 1_000_000_000
_SETTLED = 2 * _SECOND
_LOOKS = "\0looks"  # no path

# What tools write as they run and none of them reads for its result: everywhere, in the folder itself.
CACHES = frozenset(
    """__pycache__ .git .hg .svn .DS_Store .pytest_cache .mypy_cache .ruff_cache .hypothesis .pytype
    .pyre""".split()  # noqa: SIM905
)
_BOOKS = frozenset(
    ".cache .vite .vite-temp .vitest .modules.yaml .yarn-integrity .yarn-state.yml".split()  # noqa: SIM905
)
_BOOK_STARTS = ".pnpm-workspace-state"


def is_left_out(name: str, top: str) -> bool:
    """Whether nothing depends on what lies in the folder `top` by that name."""
    if top.endswith("/bin") and name.startswith(("python", "pypy")):
        return True  # the interpreter, which is a tool
    return name in CACHES or name in _BOOKS or name.startswith(_BOOK_STARTS)


class State(Record):
    """What a folder was when all of it was looked at."""

    digest: str
    links: tuple[str, ...]
    files: int
    newest: int  # ns, of the files


class Look:
    """`find` on its way through a folder."""

    __slots__ = ("_children", "_folders", "_names", "state")

    def __init__(self, state: State, folders: str, names: list[str], children: list[Child]) -> None:
        self.state = state
        self._folders = folders
        self._names = names
        self._children = children

    def is_unchanged(self, deadline: float) -> bool:
        """Raises Bypass (TOO_SLOW)."""
        children, self._children = self._children, []
        said = _gather(children, deadline)
        return said is not None and _folders(self._names, said) == self._folders

    def end(self) -> None:
        end(self._children)


class Looks:
    """Of one capture. begun: by where it is kept; asked: likewise, the folders that were as they had been.

    before: what the last one asked for, a line each.
    """

    __slots__ = ("asked", "before", "begun")

    def __init__(self) -> None:
        self.before: list[str] = []
        self.begun: dict[str, Look | None] = {}
        self.asked: dict[str, str] = {}


def look_ahead(key: str, budget: "Budget") -> None:
    """Have those folders looked at that the last capture of `key` asked for, while there is other work to do."""
    looks = _looks(budget)
    looks.before = _read(_list(budget.cache, key))
    for line in looks.before:
        path, _, top = line.partition("\0")
        looks.begun[path] = _begin(path, top)


def let_go(key: str, budget: "Budget") -> None:
    """End what nobody came for, and keep_state in mind what was asked for."""
    looks = _looks(budget)
    for look in looks.begun.values():
        if look is not None:
            look.end()
    asked = sorted(f"{path}\0{top}" for path, top in looks.asked.items())[:_TOPS]
    if asked and asked != looks.before:
        _write(_list(budget.cache, key), asked)


def state_of(path: str, top: str, budget: "Budget") -> State | None:
    """What the folder `top` holds, if it is as it was. path: where this is kept. Raises Bypass (TOO_SLOW)."""
    looks = _looks(budget)
    look = looks.begun.pop(path) if path in looks.begun else _begin(path, top)
    if look is None or not look.is_unchanged(budget.deadline):
        return None
    looks.asked[path] = top
    return look.state


def keep_state(path: str, top: str, state: State, began: int, budget: "Budget") -> None:
    """Keep the state of a folder, all of which was looked at since `began`, in ns; not while it is in motion."""
    if state.files < MANY or not (this := _boot()):
        return
    names = _entries(top)
    children = _start(top, names, ["-type", "d", "-printf", "%D %i %C@\\n"])
    said = None if children is None else _gather(children, budget.deadline)
    if said is None:
        return
    newest = state.newest
    for line in said:
        whole, _, fraction = line.rpartition(b" ")[2].partition(b".")
        newest = max(newest, int(whole) * _SECOND + int(fraction[:9].ljust(9, b"0")))
    if newest < began - _SETTLED:
        folders = _folders(names, [line.rpartition(b" ")[0] for line in said])
        _write(path, [_FORM, f"{newest}", this, folders, f"{state.files}", state.digest, *state.links])
        _looks(budget).asked[path] = top


def _begin(path: str, top: str) -> Look | None:
    form, since, boot, folders, count, value, *links = [*_read(path), *[""] * 6]
    if form != _FORM or boot != _boot() or not since.isdecimal() or not count.isdecimal():
        return None
    newer = f"@{int(since) // _SECOND}.{int(since) % _SECOND:09d}"
    names = _entries(top)
    tests = ["-newerct", newer, "-printf", "!\\n", "-quit", "-o", "-type", "d", "-printf", "%D %i\\n"]
    children = _start(top, names, tests)
    if children is None:
        return None
    state = State(value, tuple(filter(None, links)), int(count), int(since))
    return Look(state, folders, names, children)


def _start(top: str, names: list[str], tests: "Sequence[str]") -> list[Child] | None:
    program = next((path for path in _PROGRAMS if os.access(path, os.X_OK)), "")
    places = [f"{top}/{name}" for name in names]
    if not program or not places or sum(map(len, places)) > _LONGEST or not top.startswith("/"):
        return None
    left_out = [word for name in sorted(CACHES) for word in ("-name", name, "-o")]
    # Names are asked of folders alone: a dozen of questions of each file would take as long as all the rest.
    expression = ["-type", "d", "(", *left_out[:-1], ")", "-prune", "-o", *tests]
    children: list[Child] = []
    beside = min(_BESIDE, os.cpu_count() or 1)
    try:
        for first in range(beside):
            if some := places[first::beside]:
                children.append(start(program, ["find", *some, *expression], {"LC_ALL": "C"}))  # noqa: PERF401 - or none is ended
    except (OSError, ValueError):
        end(children)
        return None
    return children


def _gather(children: list[Child], deadline: float) -> list[bytes] | None:
    """The lines; None where one of them found fault."""
    try:
        gather(children, deadline)
    except TimeoutError:
        raise Bypass(outcomes.TOO_SLOW, "looking at packages") from None
    except TooMuch:
        return None
    if any(child.status != 0 for child in children):
        return None
    return [line for child in children for line in child.output.split(b"\n") if line]


def _entries(top: str) -> list[str]:
    return [name for name in sorted(os.listdir(top)) if not is_left_out(name, top)]


def _folders(names: list[str], said: list[bytes]) -> str:
    return digest_parts([*map(os.fsencode, names), b"", *sorted(said)])


def _boot() -> str:
    return boot().decode("ascii", "replace").strip()


def _list(cache: str, key: str) -> str:
    return f"{stamps_folder(cache)}/{digest(os.fsencode(key))}.asked" if cache else ""


def _looks(budget: "Budget") -> Looks:
    looks = budget.seen.setdefault(_LOOKS, Looks())
    assert isinstance(looks, Looks)  # noqa: S101 - nothing else is kept by this name
    return looks


def _read(path: str) -> list[str]:
    try:
        data = files.unsealed(path, _CAP) if path else b""
        if data:
            files.use(path)
    except OSError:
        return []
    return os.fsdecode(data).split("\n") if data else []


def _write(path: str, lines: list[str]) -> None:
    if path and not any("\n" in line for line in lines):
        try:
            files.make_folder(os.path.dirname(path))
            files.seal(path, os.fsencode("\n".join(lines)))
        except OSError:
            return  # it will be looked at again
