"""What the project's own text names and is there: files and folders elsewhere.

Where a text climbs out of the project by other means than a path (`parent.parent`, `cd ..`, `TOP := ..`), each part of
its paths that exists there counts, and each of its words that a file is called there; where it speaks of the home
folder, what exists in it or among its configuration; where it reads a variable that names a folder, what its names find
below that. A folder that holds the project, the home folder, homes of toolchains and folders of the system never count
as a whole; what lies in a folder for temporary files counts by a path's part alone.
"""

import os
import time
from stat import S_IWOTH

from skillcache.core import outcomes
from skillcache.core.files import signs
from skillcache.core.git import worktrees
from skillcache.core.outcomes import Bypass
from skillcache.core.paths import cache_folder
from skillcache.fingerprint.above import is_litter
from skillcache.fingerprint.environment import folders_named
from skillcache.fingerprint.texts import ANY, BY_HAND, INSTALLED, JOINED, TOPS, WEAK, items, kind_of, levels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

_MOST_LISTED = 200  # files that a text finds in a folder by looking
_DEEP = 3  # folders below one of the top, or of a variable
_UPWARD = 20
_OF_VARIABLES = b"0,0,v\0\0\0\0"  # a line that spells no path: its names mean something behind variables alone
# Programs and their libraries are captured as such; the rest of these is no file that anybody keeps data in.
_SYSTEM = frozenset("bin sbin lib lib32 lib64 libx32 proc dev sys run boot nix".split())  # noqa: SIM905
_WITH_DATA = ("/run/", "/dev/shm/", "/lib/", "/lib64/", "/usr/lib/", "/usr/libexec/")  # noqa: S108 - files alone
# What nobody asks whether it is there, and what is another for each process.
_OF_PROCESSES = ("/proc/self", "/proc/thread-self", "/dev/fd", "/dev/pts", *(f"/proc/{n}" for n in range(1, 10)))
_EVERYWHERE = frozenset(
    """/dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/stdin /dev/stdout /dev/stderr /dev/ptmx
    /bin/sh /bin/bash /bin /dev /proc /sys /usr /usr/bin /usr/bin/env /usr/lib /lib /lib64 /sbin /usr/sbin /run
    /bin/true /bin/false /bin/cat /bin/echo /bin/ls /usr/bin/python3 /dev/shm""".split()  # noqa: SIM905
)
_NO_DATA = (".so", ".a", ".o", ".pid", ".lock", ".sock", ".socket", ".py", ".pyc")
_ANY = signs([ANY])[0]
# Of a machine, and none of these is meant where a text does not spell its path.
_OF_MACHINE = frozenset("hostname hosts machine-id mtab resolv.conf passwd group shadow fstab".split())  # noqa: SIM905
_BY_HAND, _OF_PKGCONFIG = "/usr/local", ("lib/pkgconfig", "share/pkgconfig")
_TEMPORARY = "/tmp"  # noqa: S108 - as texts call it
# A variable called so names an installation.
_INSTALLED = ("_HOME", "_ROOT", "_PREFIX", "VIRTUAL_ENV", "GOPATH", "NVM_DIR", "BUN_INSTALL", "SDKMAN_DIR", "GOBIN")
_OF_USR = ("/usr/share/", "/usr/local/")
# What changes by itself, or is captured otherwise.
_NEVER = frozenset(".git .hg .svn .cache .claude .claude.json .npm .Trash __pycache__ node_modules".split())  # noqa: SIM905
_GENERAL = (".config", ".local", ".local/share")
# Homes of toolchains: their programs are captured as such, and what they keep is what lock files say.
_TOOLCHAINS = frozenset(
    ".cargo .rustup .pyenv .rbenv .nodenv .nvm .volta .sdkman .m2 .gradle .jenv .goenv .asdf .pnpm-store .gem".split()  # noqa: SIM905
)
CODE = (
    *(".py", ".js", ".cjs", ".mjs", ".ts", ".tsx", ".jsx", ".json", ".rb", ".php", ".lua", ".cmake", ".mk", ".sh"),
    *(".pl", ".pm", ".pc", ".toml", ".yaml", ".yml", ".h", ".go", ".rs", ".mts", ".cts"),
)


class _Asked:
    """What lies in a folder, by the signs of the names.

    parts: by their ends and beginnings, `.json` and `case_`, as a text says them that puts a name together.
    """

    __slots__ = ("joined", "parts", "stemmed", "strong", "weak")

    def __init__(self, entries: set[str], stems: dict[str, list[str]], weak: set[str]) -> None:
        self.joined = dict(zip(signs(JOINED + os.fsencode(name) for name in entries), entries, strict=True))
        parts: dict[str, list[str]] = {}
        for name in weak:
            for part in _parts_of(name) if not is_litter(name) else ():
                parts.setdefault(part, []).append(name)
        self.parts = dict(zip(signs(map(os.fsencode, parts)), parts.values(), strict=True))
        self.strong = dict(zip(signs(map(os.fsencode, entries)), entries, strict=True))
        self.stemmed = dict(zip(signs(map(os.fsencode, stems)), stems.values(), strict=True))
        self.weak = dict(zip(signs(WEAK + os.fsencode(name) for name in weak), weak, strict=True))


def _parts_of(name: str) -> "Iterator[str]":
    at = name.rfind(".")
    if at > 0:
        yield name[at:]
    for sign in _ENDING:
        at = name.find(sign, 1)
        if at > 0:
            yield name[: at + 1]


_ENDING = "_-."  # how the beginning of a name ends that goes on with something else


class Elsewhere:
    """What is named outside of the project and is there."""

    def __init__(self, root: str, environ: "Mapping[str, str]", deadline: float, shared: str) -> None:
        self.root = root
        self.environ = environ
        self.deadline = deadline
        self.shared = shared
        home = environ.get("HOME", "").rstrip("/")
        self.home = home if home.startswith("/") else ""
        self.cache = cache_folder(environ)
        self.temporary = os.path.normpath(environ.get("TMPDIR") or "/tmp")  # noqa: S108 - nothing is made there
        self.found: set[str] = set()
        self.fixed: set[str] = set()  # of these, what lies where it does wherever the project is
        self._listed: dict[str, tuple[set[str], dict[str, list[str]], bool]] = {}
        self._asked: dict[str, _Asked] = {}
        self._seen: set[tuple[str, bool]] = set()
        self._of_variables: dict[bytes, list[tuple[str, str]]] = {}
        for name, folder in folders_named(environ, root, self.home):
            self._of_variables.setdefault(signs([b"$" + os.fsencode(name)])[0], []).append((name, folder))
        self._worktrees: list[str] | None = None  # of this repository
        self.there: set[str] = set()  # of the system, which counts by being there
        self.levels = 0  # folders above the project, up to which some text climbs

    def resolve(self, path: bytes, line: bytes, places: "Iterable[str]") -> None:
        """Look for all that the line of the text at `path`, relative to the root, names."""
        if line.startswith(_OF_VARIABLES) and not self._of_variables:
            return
        folder = os.path.normpath(os.path.join(self.root, os.path.dirname(os.fsdecode(path))))
        head, words, _ = self.of_paths(
            line, folder, places, built=kind_of(os.fsdecode(path)) in (b"c", b"s", b"l", b"k")
        )
        steps, longest, flags = head
        here = levels(path, int(steps), int(longest), flags)
        self.levels = max(self.levels, here)
        if words:
            self.around(self.root, here, words, flags)

    def joined(self, words: "AbstractSet[bytes]") -> None:
        """What one text puts a name behind may be a place that another climbs to."""
        place = self.root
        for _ in range(self.levels):
            place = os.path.dirname(place)
            is_of_all = self._list(place)[2]
            if place in ("/", self.home) or is_of_all:
                break
            asked = self._asking(place)
            for sign in words & asked.joined.keys():
                path = f"{place}/{asked.joined[sign]}"
                aside = os.path.lexists(f"{path}/.git") or (os.path.isdir(path) and not is_small(path))
                self._add(path, whole=not aside, literal=False)

    def of_paths(
        self, line: bytes, folder: str, places: "Iterable[str]", *, built: bool
    ) -> tuple[list[bytes], set[bytes], set[bytes]]:
        """Look for the paths that the line of a text in `folder` spells: its head, its names and its programs."""
        head, near, relative, far, names, programs = line.split(b"\0")
        words = set(names.split(b"\1")) if names else set()
        self._paths(near, {folder}, words, built=built)
        self._paths(relative, {folder, *places}, words, built=built)
        self._all_far(far, words, built=built)
        return head.split(b","), words, set(programs.split(b"\1")) if programs else set()

    def _paths(self, named: bytes, places: "Iterable[str]", words: set[bytes], *, built: bool) -> None:
        for each in items(named):
            for place in places:
                if "*" in each:
                    self._pattern(os.path.join(place, each), words)
                else:
                    self.literal(os.path.join(place, each), built=built)

    def around(self, start: str, levels: int, words: set[bytes], flags: bytes, *, elsewhere: bool = False) -> None:
        """What these names may mean behind a climb from a folder, at home, or behind a variable."""
        place = start
        for _ in range(levels):
            place = os.path.dirname(place)
            self.named_in(place, words, elsewhere=elsewhere)
            if b"l" in flags:
                self._files_in(place)
        for _ in range(_UPWARD if b"u" in flags else 0):
            place = os.path.dirname(place)
            if place in ("/", self.home) or self._list(place)[2]:
                break
            self._below(place, words, 0)
        if b"h" in flags and self.home:
            settings = self.environ.get("XDG_CONFIG_HOME", "")
            for place in (self.home, *(f"{self.home}/{name}" for name in _GENERAL), settings):
                if place.startswith("/"):
                    self.named_in(place, words)
        if b"v" in flags:
            self._behind_variables(words, flags)

    def installed(self, words: "AbstractSet[bytes]") -> None:
        """What lies where somebody installs things by hand, and a text includes or links with."""
        if INSTALLED not in words:
            return
        headers = [f"include/{name}" for name in self._list(f"{_BY_HAND}/include")[0]]
        headers += [f"{top}/{name}" for top in headers[:_MOST_LISTED] for name in self._list(f"{_BY_HAND}/{top}")[0]]
        others = [
            f"{place}/{name}" for place in ("lib", *_OF_PKGCONFIG) for name in self._list(f"{_BY_HAND}/{place}")[0]
        ]
        paths = [*headers, *others]
        asked = signs(BY_HAND + os.fsencode(path.replace("share/", "lib/", 1)) for path in paths)
        for path, sign in zip(paths, asked, strict=True):
            if sign in words and os.path.isfile(f"{_BY_HAND}/{path}"):
                self._add(f"{_BY_HAND}/{path}", whole=False, literal=True)

    def _behind_variables(self, words: set[bytes], flags: bytes) -> None:
        is_any = _ANY in words
        for sign in self._of_variables if is_any else words & self._of_variables.keys():
            for name, folder in self._of_variables[sign]:
                may_be = name.upper().endswith(_INSTALLED)
                is_installed = may_be and os.path.isdir(f"{folder}/bin")
                if is_installed and sign not in words:
                    continue  # nobody puts the name of such a one together
                if (b"l" in flags or (is_any and is_small(folder))) and not may_be:
                    self._add(folder, whole=True, literal=True)
                self._below(folder, words, _DEEP, by_parts=not is_installed)

    def _files_in(self, folder: str) -> None:
        """What a text finds that looks at all that lies in a folder."""
        entries, _, is_of_all = self._list(folder)
        if is_of_all or folder in ("/", self.home):
            return
        paths = [f"{folder}/{name}" for name in sorted(entries) if name[0] != "." and not is_litter(name)]
        for path in [path for path in paths if os.path.isfile(path)][:_MOST_LISTED]:
            self._add(path, whole=False, literal=False)

    def _below(self, folder: str, words: set[bytes], depth: int, *, by_parts: bool = True) -> None:
        """The files below a folder to which names lead. by_parts: or the end or beginning of one, as of data."""
        self.require_time()
        asked = self._asking(folder)
        exact = {asked.strong[sign] for sign in words & asked.strong.keys()}
        exact |= {asked.weak[sign] for sign in words & asked.weak.keys()}
        if by_parts:
            exact.update(*(asked.parts[sign] for sign in words & asked.parts.keys()))
        for name in exact - _OF_MACHINE:
            path = f"{folder}/{name}"
            if os.path.isfile(path):
                self._add(path, whole=False, literal=False)
            elif depth and os.path.isdir(path) and not self.holds(path, self.root) and path != self.home:
                self._below(path, words, depth - 1, by_parts=by_parts)

    def _pattern(self, path: str, words: set[bytes]) -> None:
        """The files at a path of which the text leaves a part open."""
        first = path.index("*")
        top = os.path.normpath(path[: path.rindex("/", 0, first)] or "/")
        parts = path[path.rindex("/", 0, first) + 1 :].split("/")
        if self.holds(self.root, top) or top == "/":
            return
        self.require_time()
        found = [top]
        for part in parts:
            before, star, after = part.partition("*")
            is_open = not before.strip(".") and "*" not in after
            further = []
            for place in found:
                names, _, is_of_all = self._list(place)
                is_strict = star and (place == self.home or (is_open and is_of_all))
                for name in sorted(names) if star else [part]:
                    if star and (not _fits(part, name) or is_litter(name)):
                        continue
                    middle = os.fsencode(name[len(before) : len(name) - len(after)])
                    if not is_strict or not words.isdisjoint(signs([middle, WEAK + middle])):
                        further.append(f"{place}/{name}")
            found = further[:_MOST_LISTED]
        for each in found:
            if os.path.isfile(each):
                self._add(each, whole=False, literal=True)

    def literal(self, path: str, *, built: bool, listed: bool = False) -> None:
        path = os.path.normpath(path)
        if self.holds(self.root, path) or ((path, built) in self._seen and not listed):
            return
        self.require_time()
        self._seen.add((path, built))
        folder, _, name = path.rpartition("/")
        entries, stems, _ = self._list(folder)
        if name in entries or os.path.lexists(path):
            self._add(path, whole=built, literal=True, listed=listed)
        elif built:
            for entry in stems.get(name, ()):
                self._add(f"{folder}/{entry}", whole=False, literal=True)

    def _all_far(self, far: bytes, words: set[bytes], *, built: bool) -> None:
        for each in items(far):
            if "*" in each:
                self._pattern(self.home + each[1:], words) if self.home else None
            elif os.fsencode(each) in TOPS:
                for place in dict.fromkeys((each, self.temporary) if each == _TEMPORARY else (each,)):
                    self._below(place, words, _DEEP) if words else None
            else:
                self.far(each, built=built)

    def far(self, named: str, *, built: bool) -> None:
        if named.startswith("~"):
            if self.home:
                self.literal(self.home + named[1:], built=built)
            return
        first = named.split("/", 2)[1]
        if first in _SYSTEM or (first == "usr" and not named.startswith(_OF_USR)):
            is_data = named.startswith(_WITH_DATA) and not named.endswith(_NO_DATA) and ".so." not in named
            if built and is_data and os.path.isfile(named):
                self._add(named, whole=False, literal=True)
            elif built and not named.startswith(_OF_PROCESSES) and named not in _EVERYWHERE and os.path.lexists(named):
                self.there.add(named)
            return
        if first not in self._list("/")[0]:
            return
        if named.endswith("/"):
            if os.fsencode(named[:-1]) not in TOPS and is_small(named):
                self.literal(named, built=built, listed=True)
            return
        self.literal(named, built=built)

    def _asking(self, folder: str) -> _Asked:
        if folder not in self._asked:
            entries, stems, is_of_all = self._list(folder)
            self._asked[folder] = _Asked(entries, {} if is_of_all else stems, set() if is_of_all else entries)
        return self._asked[folder]

    def named_in(
        self,
        folder: str,
        names: set[bytes],
        words: "AbstractSet[bytes]" = frozenset(),
        *,
        only_files: bool = False,
        elsewhere: bool = False,
    ) -> None:
        """names, words: by their signs; of words, which are of a script, the exact name of a file counts alone."""
        if folder == "/":
            return
        self.require_time()
        is_of_all = self._list(folder)[2]
        asked = self._asking(folder)
        for sign in names & asked.strong.keys():
            path = f"{folder}/{asked.strong[sign]}"
            # What another text means by a name is no other project, and nothing large.
            aside = elsewhere and (is_of_all or os.path.lexists(f"{path}/.git") or not is_small(path))
            whole = not (only_files or aside)
            if folder == self.home and asked.strong[sign] in _TOOLCHAINS:
                self._below(path, names, 1, by_parts=False)  # the programs that are named, too
            self._add(path, whole=whole, literal=False)
        for sign in names & asked.stemmed.keys():
            for entry in asked.stemmed[sign]:
                self._add(f"{folder}/{entry}", whole=False, literal=False)
        exact = [asked.weak[sign] for sign in names & asked.weak.keys()]
        if not is_of_all:
            exact += [asked.strong[sign] for sign in words & asked.strong.keys()]
            if folder != self.home and not elsewhere:
                exact += [name for sign in names & asked.parts.keys() for name in asked.parts[sign]][:_MOST_LISTED]
        for entry in exact:
            self._add(f"{folder}/{entry}", whole=False, literal=False)

    def require_time(self) -> None:
        if time.monotonic() > self.deadline:
            raise Bypass(outcomes.TOO_SLOW, "looking for what the project's files name")

    def _list(self, folder: str) -> tuple[set[str], dict[str, list[str]], bool]:
        """The entries of a folder, those of code by what stands before the first point, and whether all may write."""
        if folder not in self._listed:
            try:
                names = os.listdir(folder or "/")
                is_of_all = bool(os.stat(folder or "/").st_mode & S_IWOTH)
            except OSError:
                names, is_of_all = [], False
            stems: dict[str, list[str]] = {}
            for name in names:
                stem = name.partition(".")[0]
                if stem and stem != name and name.endswith(CODE):
                    stems.setdefault(stem, []).append(name)
            self._listed[folder] = set(names), stems, is_of_all
        return self._listed[folder]

    def _add(self, path: str, *, whole: bool, literal: bool, listed: bool = False) -> None:
        """`whole`: a folder counts, too; `literal`: the text spells its path; `listed`: and looks at what is in it."""
        name = path.rpartition("/")[2]
        if self.holds(self.root, path) or self.holds(path, self.root) or self.holds(self.cache, path):
            return
        if "/.cache/" in path and not (literal and os.path.isfile(path)):
            return
        if os.path.isdir(path):
            top = path.count("/") < 2  # of the system
            if not whole or top or name in _NEVER or path == self.home or (self.home and self.holds(path, self.home)):
                return
            if name in _TOOLCHAINS and os.path.dirname(path) == self.home:
                return
            is_of_system = path.startswith(("/etc/", "/var/", "/usr/")) and not (listed or self._is_beside(path))
            if is_of_system or (self.home and path[len(self.home) + 1 :] in _GENERAL):
                return
            if (not literal and self.is_own(path)) or self.holds(path, self.temporary):
                return
        elif name == ".claude.json":
            return
        self.found.add(path)

    def _is_beside(self, path: str) -> bool:
        """Whether it lies in a folder with the project, as of one in /var/www or /var/lib/jenkins/workspace."""
        above = os.path.dirname(self.root)
        while not self.holds(above, path):
            above = os.path.dirname(above)
        return above == os.path.dirname(self.root) or above.count("/") > 2

    def is_own(self, path: str) -> bool:
        """Whether other worktrees of the same repository lie there, which a name in a text does not mean."""
        if self._worktrees is None:
            self._worktrees = worktrees(self.shared)
        return any(self.holds(path, each) for each in self._worktrees)

    def holds(self, folder: str, path: str) -> bool:
        return f"{path}/".startswith(f"{folder.rstrip('/')}/")


def _fits(pattern: str, name: str) -> bool:
    """Whether a name is so, where a `*` is anything."""
    first, *middle, last = pattern.split("*")
    if not name.startswith(first) or not name.endswith(last) or len(name) < len(first) + len(last):
        return False
    at = len(first)
    for part in middle:
        at = name.find(part, at, len(name) - len(last))
        if at < 0:
            return False
        at += len(part)
    return True


def is_small(folder: str) -> bool:
    """Whether it is no more than somebody's own few files."""
    left = _MOST_LISTED
    for _, folders, names in os.walk(folder):
        left -= len(folders) + len(names)
        if left < 0:
            return False
    return True
