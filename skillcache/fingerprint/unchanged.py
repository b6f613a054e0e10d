"""Whether a large folder is still as it was when it was looked at whole: `find` tells, in a third of the time.

It is asked for anything that was changed later than all that had been there, and for the folders, by which a file
system shows that was mounted over one. Any doubt is an answer of None, and then `stamped` looks at everything: after
another boot, without a `find` that knows `-newerct`, where it finds fault, or where nothing is kept, as of a folder
with fewer than MANY files, of one that was in motion when it was looked at, and of one that is not all read.

    kept = form, since, boot, folders, files, digest, link*    a line each
    since: ns, the newest change of a file or folder in it; boot: of this machine, for after another its clock may have
    been wrong; folders: digest of their devices and inodes; files: how many; digest, link: of the content
"""

import os

from skillcache.core import Record, files, outcomes
from skillcache.core.digest import digest, digest_parts
from skillcache.core.outcomes import Bypass
from skillcache.core.paths import stamps_folder
from skillcache.core.processes import Child, TooMuch, boot, end, gather, start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from skillcache.fingerprint.files import Budget

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


def ahead(key: str, budget: "Budget") -> None:
    """Have those folders looked at that the last capture of `key` asked for, while there is other work to do."""
    looks = _looks(budget)
    looks.before = _read(_list(budget.cache, key))
    for line in looks.before:
        path, _, top = line.partition("\0")
        looks.begun[path] = _begin(path, top)


def let_go(key: str, budget: "Budget") -> None:
    """End what nobody came for, and keep in mind what was asked for."""
    looks = _looks(budget)
    for look in looks.begun.values():
        if look is not None:
            look.end()
    asked = sorted(f"{path}\0{top}" for path, top in looks.asked.items())[:_TOPS]
    if asked and asked != looks.before:
        _write(_list(budget.cache, key), asked)


def known(path: str, top: str, budget: "Budget") -> State | None:
    """What the folder `top` holds, if it is as it was. path: where this is kept. Raises Bypass (TOO_SLOW)."""
    looks = _looks(budget)
    look = looks.begun.pop(path) if path in looks.begun else _begin(path, top)
    if look is None or not look.is_unchanged(budget.deadline):
        return None
    looks.asked[path] = top
    return look.state


def keep(path: str, top: str, state: State, began: int, budget: "Budget") -> None:
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
