"""Files that git neither tracks nor ignores and that each run of a command writes anew: reports, such as a junit.xml.

Such a file is another before and after each run, so it would keep every result from being stored. It is left out of the
key where it is no input, and a result is then given only while all of these files are as the run of that very result
has left them: so they are what a fresh run would leave but for clocks and durations, for everyone who looks.

What shows that it is no input, all of it:
- its name is one of a report, which nobody writes by hand,
- it was written by two runs of which the second began where the first had ended, and both gave the same, once without
  the file or with another content of it,
- in that second run, and in every one that is stored, it was emptied or removed before anybody had read it, so that
  what it held is in no result.

    rewritten/{digest of project, folder, words} = JSON
        {"known": [path], "places": {root: {"digest": of the key of the last run, "stamps": {path: [number]},
                                            "said": digest of what it gave, "seen": [path]}}}

Paths are relative to the root; `seen`: what the last run has touched and is not known yet.
"""

import os
import sys
from stat import S_ISREG

from skillcache.core import files, json
from skillcache.core.files import digest
from skillcache.core.git import find_root, identity
from skillcache.core.paths import rewritten_folder
from skillcache.stores.entry import text_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from skillcache.cache.decision import CallKey

_CAP = 1 << 18
_MOST = 200  # files
_PLACES = 20
_FOLDERS = frozenset(
    """test-results test-reports test-output reports coverage htmlcov .nyc_output playwright-report allure-results
    Testing""".split()  # noqa: SIM905 - read as a list
)
_ENDS = (
    *(".xml", ".log", ".lcov", ".info", ".tap", ".trx", ".sarif", ".db", ".sqlite", ".sqlite3", ".prof", ".cov"),
    *(".coverage", "coverage.json", "report.json", "results.json", ".last-run.json"),
)
# ctest (3.25) reads it for the order of tests that run side by side, and for nothing else.
_COSTS = "Testing/Temporary/CTestCostData.txt"
_SIDE_BY_SIDE = ("-j", "--parallel", "--preset", "ARGS=")
_LEVEL = "CTEST_PARALLEL_LEVEL"


class Rewritten:
    """What is known of one command. root: of its worktree; known: in order."""

    __slots__ = ("_file", "_is_side_by_side", "known", "places", "root")

    def __init__(self, cache: str, cwd: str, words: tuple[str, ...], environ: "Mapping[str, str]") -> None:
        """Raises OSError."""
        self.root = find_root(cwd) or ""
        self._is_side_by_side = _LEVEL in environ or any(mark in word for word in words for mark in _SIDE_BY_SIDE)
        below = cwd[len(self.root) :]
        name = digest("\0".join((identity(self.root), below, *words)).encode("utf-8", "surrogateescape"))
        self._file = f"{rewritten_folder(cache)}/{name}"
        self.known: tuple[str, ...] = ()
        self.places: dict[str, dict[str, object]] = {}
        self.load()

    def load(self) -> None:
        found = _loaded(self._file)
        known, places = found.get("known"), found.get("places")
        self.known = tuple(_texts(known))
        self.places = {
            root: place
            for root, place in (places if isinstance(places, dict) else {}).items()
            if isinstance(place, dict)
        }

    def is_as_left(self, found: "CallKey") -> bool:
        """Whether all that is known is as a run on this very state has left it here, and that was the last one."""
        self.load()
        place = self.places.get(self.root, {})
        stamps = place.get("stamps")
        return (
            place.get("digest") == _state_of(found)
            and isinstance(stamps, dict)
            and all(stamps.get(path) == stamp(f"{self.root}/{path}") is not None for path in self.known)
        )

    def watched(self) -> list[str]:
        """What is to be watched in a run."""
        seen = _texts(self.places.get(self.root, {}).get("seen"))
        return list(dict.fromkeys([*self.known, *seen]))

    def is_free(self, path: str, watch: "Watch") -> bool:
        """Whether what the file held before the run had no part in it."""
        if path.endswith(_COSTS) and not self._is_side_by_side:
            return path in watch.left
        return path in watch.replaced

    def began_where_the_last_ended(self, begun: "CallKey", said: str) -> bool:
        """And whether that gave the same."""
        place = self.places.get(self.root, {})
        return place.get("digest") == _state_of(begun) and place.get("said") == said

    def keep(self, found: "CallKey | None", said: str, seen: "Iterable[str]", watch: "Watch") -> None:
        """After a run that has ended with `found`, None where what is known has changed with it. Raises OSError."""
        state = _state_of(found) if found is not None else ""
        place: dict[str, object] = {"digest": state, "said": said, "seen": list(seen), "stamps": watch.left}
        others = {root: kept for root, kept in self.places.items() if root != self.root}
        self.places = {**dict(list(others.items())[1 - _PLACES :]), self.root: place}
        text = json.dumps({"known": list(self.known), "places": self.places})
        files.make_folder(os.path.dirname(self._file))
        files.write(self._file, text.encode("ascii"))

    @property
    def is_kept(self) -> bool:
        return bool(self.known or self.root in self.places)


def _state_of(found: "CallKey") -> str:
    """However its streams lie to each other."""
    return digest(text_of(tuple([row for row in found.rows if row[0] != "streams"])).encode("utf-8", "surrogateescape"))


def changed(one: "CallKey", other: "CallKey") -> set[str] | None:
    """The files of the worktree in which two captures differ; None where they may differ in anything else."""
    rows = [[row for row in found.rows if row[0] != "content"] for found in (one, other)]
    details = [found.fingerprint.details for found in (one, other)]
    if rows[0] != rows[1] or details[0].get("head") != details[1].get("head"):
        return None
    if one.key == other.key:
        return set()
    overlays = []
    for told in details:
        overlay, cut = told.get("overlay"), told.get("cut")
        if not isinstance(overlay, list) or not isinstance(cut, list) or "overlay" in cut:
            return None
        overlays.append({path: state for path, *state in overlay})
    before, after = overlays
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)} or None


def may_be_report(path: str) -> bool:
    return path.endswith(_ENDS) or not _FOLDERS.isdisjoint(path.split("/")[:-1])


def stamp(path: str) -> list[int] | None:
    """None where there is no regular file."""
    try:
        status = os.lstat(path)
    except OSError:
        return None
    if not S_ISREG(status.st_mode):
        return None
    return [status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino]


class Watch:
    """What happens first to each of these files while a command runs.

    paths: those that were there before it; after the end, left: stamps, see `stamp`, of those that are there then, and
    replaced: those of them that were not there before, or were emptied or removed before anybody had read them; unread:
    of all that were there before, also of `others`, those that nobody has read, or only after they had been changed;
    untouched: of these, those that nobody has opened, either.
    """

    __slots__ = ("_asked", "_before", "_fd", "_numbers", "_root", "left", "paths", "replaced", "unread", "untouched")

    def __init__(self, root: str, paths: "Iterable[str]", others: "Iterable[str]" = ()) -> None:
        self._root = root
        self.left: dict[str, list[int]] = {}
        self._fd = -1
        self._numbers: dict[int, str] = {}
        self.replaced: set[str] = set()
        self._before: dict[str, tuple[int, bytes, bytes]] = {}
        self._asked = tuple(paths)
        self.unread: set[str] = set()
        self.untouched: set[str] = set()
        self.paths = {path for path in self._asked if stamp(f"{root}/{path}") is not None}
        paths = self.paths if len(self.paths) <= _MOST else ()
        self._begin(paths, [path for path in others if path not in self.paths])

    def _begin(self, paths: "Collection[str]", others: "list[str]") -> None:
        if not paths and not others:
            return
        try:
            import ctypes  # few commands leave such files

            system = ctypes.CDLL(None, use_errno=True)
            self._fd = system.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
            # Folders last, for they tell of the looks at what is in them.
            for path in sorted((*paths, *others), key=_is_folder) if self._fd >= 0 else ():
                self._before[path] = _edges(self._place(path)) if not _is_folder(path) else (-1, b"", b"")
                number = system.inotify_add_watch(self._fd, os.fsencode(self._place(path)), _WATCHED)
                if number in self._numbers:  # two names of one file
                    self._numbers[number] = ""
                elif number >= 0:
                    self._numbers[number] = path
        except (ImportError, OSError, AttributeError):  # no Linux: nothing is known of any
            self._numbers.clear()

    def _place(self, path: str) -> str:
        """Two slashes begin what lies elsewhere, as it is seen from the root."""
        return os.path.join(self._root, path.removeprefix("//"))

    def end(self) -> None:
        found = {path: stamp(f"{self._root}/{path}") for path in self._asked}
        self.left = {path: stamped for path, stamped in found.items() if stamped is not None}
        self.replaced = self.left.keys() - self.paths
        events = self._events()
        opened: set[str] = set()
        numbers = dict(self._numbers)
        grown: dict[str, bool] = {}  # by path: there may be thousands of events of one file
        self.unread = {path for path in numbers.values() if path}
        self.untouched = set(self.unread)
        at = 0
        while at + _HEAD <= len(events):
            number, mask = (int.from_bytes(events[at + n : at + n + 4], _ORDER) for n in (0, 4))
            at += _HEAD + int.from_bytes(events[at + 12 : at + 16], _ORDER)
            if mask & _OVERFLOW:
                self.unread.clear()
                self.untouched.clear()
                break
            path, name = self._numbers.get(number, ""), numbers.get(number, "")
            self.untouched.discard(name)
            if mask & (_ACCESS | _CLOSED) and name in self.unread:
                if not path and name not in grown:
                    grown[name] = self._has_grown(name)
                if path or grown[name]:
                    self.unread.discard(name)
            if mask & _OPEN and path not in opened:
                opened.add(path)  # some kernels tell of that before they tell that it was emptied by it
                continue
            if path in self.left and (mask & _DELETED or (mask & _MODIFY and not self._has_grown(path))):
                self.replaced.add(path)
            self._numbers.pop(number, None)  # what comes first counts

    def _has_grown(self, path: str) -> bool:
        """Whether it holds what it held, and more behind that: a fresh run would have left more."""
        size, *edges = self._before.get(path, (-1, b"", b""))
        try:
            now, *_ = _edges(self._place(path))
        except OSError:
            return False
        return now > size >= 0 and edges == list(_edges(self._place(path), size)[1:])

    def _events(self) -> bytes:
        if self._fd < 0:
            return b""
        found = b""
        try:
            while more := os.read(self._fd, 1 << 16):
                found += more
        except OSError:  # no more
            pass
        os.close(self._fd)
        self._fd = -1
        return found


# Of Linux: struct inotify_event is four numbers of 32 bits, the last the length of a name behind it.
_HEAD = 16
_ORDER = sys.byteorder
_ACCESS, _MODIFY, _CLOSED, _OPEN, _DELETED, _MOVED = 0x1, 0x2, 0x10, 0x20, 0x400, 0x800
_OVERFLOW = 0x4000
_WATCHED = _ACCESS | _MODIFY | _CLOSED | _OPEN | _DELETED | _MOVED  # closed by who could only read it
_EDGE = 1 << 12


def _is_folder(path: str) -> bool:
    return path[-1] == "/"


def _edges(path: str, size: int = -1) -> tuple[int, bytes, bytes]:
    """Of the first `size` bytes, -1 for all: how many there are, and the first and the last. Raises OSError."""
    handle = files.open_regular(path, links=False, quiet=True)
    try:
        size = os.fstat(handle).st_size if size < 0 else size
        return size, os.pread(handle, min(_EDGE, size), 0), os.pread(handle, min(_EDGE, size), max(0, size - _EDGE))
    finally:
        os.close(handle)


def _loaded(file: str) -> dict[str, object]:
    try:
        found = json.loads(files.read(file, _CAP) or b"{}")
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []
