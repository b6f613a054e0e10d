"""What the project's own text names beyond the project: files and folders elsewhere, and programs.

A literal scan, see `mention_text`, so it is generous: what is named and is there is an input, by content. Where a text
climbs out of the project by other means than a path (`parent.parent`, `cd ..`, `TOP := ..`), each part of its paths
that exists there counts, and each of its words that a file is called there; where it speaks of the home folder, what
exists in it or among its configuration. A folder that holds the project, the home folder, homes of toolchains and
folders of the system never count as a whole; what lies in a folder for temporary files counts by a path's part alone.

A text is read once: what it names is remembered by its object id, for all worktrees of a repository, and what the
index names altogether by the index's stamp. A first look that takes too long goes on at the next call.

    folder of the repository := lines of  key NUL (see mention_text)      key: kind, object id
    file of the worktree     := stamp LF, lines of  path NUL key NUL ..., an empty line, words
"""

import os
import time
from stat import S_ISDIR, S_ISREG, S_IWOTH

from skillcache.core import files, outcomes
from skillcache.core.digest import blob_oid, digest, digest_parts, signs
from skillcache.core.outcomes import Bypass
from skillcache.core.paths import cache_folder, home_folder, mentions_folder
from skillcache.core.record import Record
from skillcache.fingerprint.mention_text import WEAK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from skillcache.fingerprint.index import Entry as Known
    from skillcache.fingerprint.own import Entry

_FORM = b"2"
_PART = 0.6  # of the time that is left: past it a look is given up, before the place is blamed for it
_MOST_HELD = 64 << 20  # bytes of what is remembered
_MOST_KEPT = 1 << 18  # texts
_LEVELS = 4  # folders above the project
_FOLLOWED = 200  # files elsewhere whose own text is read
_FILE = 8 << 20  # bytes from which a file elsewhere is known by its size, its time and both ends
_ENTRIES, _BYTES = 2_000, 16 << 20  # of a folder elsewhere: up to here by content
_STAMPED = 20_000  # files: up to here as packages are, from here on by the names at its top
# Programs and their libraries are captured as such; the rest of these is no file that anybody keeps data in.
_SYSTEM = frozenset("bin sbin lib lib32 lib64 libx32 proc dev sys run boot nix".split())  # noqa: SIM905
_OF_USR = ("/usr/share/", "/usr/local/share/", "/usr/local/etc/", "/usr/local/lib/")
# What changes by itself, or is captured otherwise.
_NEVER = frozenset(".git .hg .svn .cache .claude .claude.json .npm .Trash __pycache__ node_modules".split())  # noqa: SIM905
_GENERAL = (".config", ".local", ".local/share")
# Homes of toolchains: their programs are captured as such, and what they keep is what lock files say.
_TOOLCHAINS = frozenset(
    ".cargo .rustup .pyenv .rbenv .nodenv .nvm .volta .sdkman .m2 .gradle .jenv .goenv .asdf .pnpm-store .gem".split()  # noqa: SIM905
)
_CODE = (
    *(".py", ".js", ".cjs", ".mjs", ".ts", ".tsx", ".jsx", ".json", ".rb", ".php", ".lua", ".cmake", ".mk", ".sh"),
    *(".pl", ".pm", ".toml", ".yaml", ".yml", ".h", ".go", ".rs", ".mts", ".cts"),
)


class Texts(Record):
    """Which texts there are. Paths are relative to the root, as bytes.

    listing: lines of the index as git prints them; stamp: of the index; edits: what differs from it or is untracked;
    shared: the folder of the repository, by which all its worktrees remember.
    """

    listing: bytes
    stamp: "tuple[int, ...] | None"
    edits: "Mapping[bytes, Known | None]"
    shared: str


class Mentions(Record):
    paths: "dict[str, Entry]"  # as it is called everywhere -> digest of what is there, stamp, of a folder none
    programs: "frozenset[str]"
    modes: bool  # whether one of them asks for permissions


def of(
    root: str,
    texts: Texts,
    environ: "Mapping[str, str]",
    folders: "Iterable[str]",
    *,
    deadline: float,
    programs: "frozenset[str]" = frozenset(),
) -> Mentions:
    """What is named in the texts of `root`. Raises Bypass (TOO_SLOW) before the deadline.

    folders: real paths in which the command may stand; programs: names among which words of the texts are sought.
    """
    end = time.monotonic() + _PART * (deadline - time.monotonic())
    memory = _Memory(root, texts, environ, end)
    lines = memory.lines()
    found = _Elsewhere(root, environ, deadline, texts.shared)
    places = dict.fromkeys((root, *folders))
    for path, line in lines:
        found.resolve(path, line, places)
    found.follow(memory)
    named: frozenset[str] = frozenset()
    if programs:
        ordered = list(programs)
        held = memory.words()
        known = zip(ordered, signs(map(os.fsencode, ordered)), strict=True)
        named = frozenset([name for name, sign in known if sign in held])
    return Mentions(dict(found.rows()), named, b"?modes" in memory.words())


class _Memory:
    """What the texts name, remembered."""

    def __init__(self, root: str, texts: Texts, environ: "Mapping[str, str]", end: float) -> None:
        self.root = root
        self.texts = texts
        self.end = end
        cache = cache_folder(environ) if home_folder(environ) or environ.get("SKILLCACHE_HOME") else ""
        folder = mentions_folder(cache) if cache else ""
        self._own = f"{folder}/{digest(os.fsencode(root))}" if cache else ""
        self._common = f"{folder}/{digest(os.fsencode(texts.shared or root))}.texts" if cache else ""
        self._known: dict[bytes, bytes] | None = None
        self._new: dict[bytes, bytes] = {}
        self._words: set[bytes] = set()

    def lines(self) -> list[tuple[bytes, bytes]]:
        """(path, line) of all texts that name something besides programs. Raises Bypass (TOO_SLOW)."""
        stamp = repr((_FORM, self.texts.stamp)).encode()
        begin, _, rest = _load(self._own).partition(b"\n")
        is_known = self.texts.stamp is not None and begin == stamp
        if not is_known:
            rest = self._index()
        body, _, more = rest.partition(b"\n\n")
        words, _, last = more.partition(b"\n")
        self._words = set(words.split(b"\1"))
        edits = self.texts.edits
        recent = dict(_pair(item) for item in last.split(b"\n") if item)
        now: dict[bytes, bytes] = {}
        found = [pair for pair in map(_pair, body.split(b"\n")) if pair[0] and pair[0] not in edits]
        for path, entry in edits.items():
            kind = _kind(path) if entry and entry[0][:2] == b"10" else b""
            if entry and kind:
                key = kind + entry[1]
                held = recent.get(key)
                line = now[key] = self._line(path, key) if held is None else held
                if line:
                    found.append((path, line))
                    self._words.update(line.rpartition(b"\0")[2].split(b"\1"))
        if not is_known or now.keys() != recent.keys():
            self._save(stamp, body, words, now)
            self._keep()
        return found

    def words(self) -> set[bytes]:
        """What may be a program, after `lines`."""
        return self._words

    def _index(self) -> bytes:
        """What the index's texts name: lines of those that name paths, an empty line, all words."""
        named: list[bytes] = []
        words: set[bytes] = set()
        known = self._texts()
        for entry in self.texts.listing.split(b"\0"):
            head, _, path = entry.partition(b"\t")
            if head[2:5] != b"100" or b"\n" in path:
                continue
            kind = _kind(path)
            if not kind:
                continue
            key = kind + head[9:-2]
            line = known.get(key)
            if line is None:
                line = self._line(path, key)
            if line:
                front, _, last = line.rpartition(b"\0")
                words.update(last.split(b"\1"))
                if not front.endswith(b"\0\0\0\0") and _may_leave(path, front):
                    named.append(path + b"\0" + front + b"\0")
        self._keep()
        words.discard(b"")
        return b"\n".join(named) + b"\n\n" + b"\1".join(sorted(words))

    def _line(self, path: bytes, key: bytes) -> bytes:
        """Of one text, read now if need be. Raises Bypass (TOO_SLOW)."""
        known = self._texts()
        line = known.get(key)
        if line is None:
            line = self._new.get(key)
        if line is not None:
            return line
        if time.monotonic() > self.end:
            self._keep()
            raise Bypass(outcomes.TOO_SLOW, "reading what the project's files name")
        from skillcache.fingerprint import mention_text

        try:
            data = mention_text.text_at(os.path.join(os.fsencode(self.root), path))
        except OSError:
            return b""
        line = mention_text.read(data, key[:1])
        oid = key[1:]
        # What was written meanwhile is not what the index names; with a size behind it the object may be another text.
        if b" " in oid or len(data) >= mention_text.MOST or blob_oid(data, long=len(oid) > 40) == oid:
            self._new[key] = line
        return line

    def text(self, path: str, data: bytes) -> bytes:
        """The line of a file elsewhere."""
        kind = _kind(os.fsencode(path))
        if kind not in (b"c", b"s"):
            return b""
        key = kind + digest(data).encode()
        line = self._texts().get(key, self._new.get(key))
        if line is None:
            from skillcache.fingerprint import mention_text

            line = self._new[key] = mention_text.read(data, kind)
            self._keep()
        return line

    def _texts(self) -> dict[bytes, bytes]:
        if self._known is None:
            self._known = {}
            self._known.update(map(_pair, _load(self._common).split(b"\n")))
            if self._known.pop(_FORM, None) is None:
                self._known = {}
        return self._known

    def _keep(self) -> None:
        if not self._new or not self._common:
            return
        known = self._texts()
        if len(known) > _MOST_KEPT:
            known = {}
        known = self._known = {**known, **self._new}
        self._new = {}
        _save(self._common, b"\n".join([_FORM + b"\0", *(key + b"\0" + line for key, line in known.items())]))

    def _save(self, stamp: bytes, body: bytes, words: bytes, now: dict[bytes, bytes]) -> None:
        if self._own:
            last = b"\n".join(key + b"\0" + line for key, line in now.items())
            _save(self._own, b"".join((stamp, b"\n", body, b"\n\n", words, b"\n", last)))


def _pair(item: bytes) -> tuple[bytes, bytes]:
    key, _, line = item.partition(b"\0")
    return key, line


def _load(path: str) -> bytes:
    try:
        return files.unsealed(path, _MOST_HELD) if path else b""
    except OSError:
        return b""


def _save(path: str, content: bytes) -> None:
    if len(content) <= _MOST_HELD:
        try:
            files.seal(path, content)
        except OSError:  # what is not remembered is read again
            return


def _kind(path: bytes) -> bytes:
    from skillcache.fingerprint.mention_text import kind_of

    return kind_of(os.fsdecode(path))


def _may_leave(path: bytes, line: bytes) -> bool:
    """Whether something that a text names can lie outside of the project, wherever a command stands in it."""
    head, near, relative, far, names = line.split(b"\0")[:5]
    steps, _, flags = head.split(b",")
    folder = os.path.dirname(path)
    if far or any(os.path.normpath(each).startswith(b"..") for each in relative.split(b"\1") if each):
        return True
    if near and any(os.path.normpath(os.path.join(folder, each)).startswith(b"..") for each in near.split(b"\1")):
        return True
    return bool(names) and (b"h" in flags or _levels(path, int(steps), 0, flags) > 0)


def _levels(path: bytes, steps: int, longest: int, flags: bytes) -> int:
    """How many folders above the project a text may mean."""
    depth = path.count(b"/")
    if b"f" in flags and b"w" not in flags:
        # From its own place: the first step is its folder. What one line does not do, two may.
        return max(0, min(steps - depth - 1, max(longest - depth, 1), _LEVELS))
    return min(steps, max(longest, 1), _LEVELS)


class _Asked:
    """What lies in a folder, by the signs of the names."""

    __slots__ = ("stemmed", "strong", "weak")

    def __init__(self, entries: set[str], stems: dict[str, list[str]], weak: set[str]) -> None:
        self.strong = dict(zip(signs(map(os.fsencode, entries)), entries, strict=True))
        self.stemmed = dict(zip(signs(map(os.fsencode, stems)), stems.values(), strict=True))
        self.weak = dict(zip(signs(WEAK + os.fsencode(name) for name in weak), weak, strict=True))


class _Elsewhere:
    """What is named outside of the project and is there."""

    def __init__(self, root: str, environ: "Mapping[str, str]", deadline: float, shared: str) -> None:
        self.root = root
        self.environ = environ
        self.deadline = deadline
        self.shared = shared
        home = environ.get("HOME", "").rstrip("/")
        self.home = home if home.startswith("/") else ""
        self.cache = cache_folder(environ)
        self.found: set[str] = set()
        self._listed: dict[str, tuple[set[str], dict[str, list[str]], bool]] = {}
        self._asked: dict[str, _Asked] = {}
        self._seen: set[tuple[str, bool]] = set()

    def resolve(self, path: bytes, line: bytes, places: "Iterable[str]") -> None:
        """Look for all that the line of the text at `path`, relative to the root, names."""
        head, near, relative, far, names, _ = line.split(b"\0")
        steps, longest, flags = head.split(b",")
        built = _kind(path) in (b"c", b"s", b"l", b"k")
        folder = os.path.normpath(os.path.join(self.root, os.path.dirname(os.fsdecode(path))))
        for each in _items(near):
            self._literal(os.path.join(folder, each), built=built)
        for each in _items(relative):
            for place in {folder, *places}:
                self._literal(os.path.join(place, each), built=built)
        for each in _items(far):
            self._far(each, built=built)
        if names:
            words = set(names.split(b"\1"))
            place = self.root
            for _ in range(_levels(path, int(steps), int(longest), flags)):
                place = os.path.dirname(place)
                self._named_in(place, words)
            if b"h" in flags and self.home:
                settings = self.environ.get("XDG_CONFIG_HOME", "")
                for place in (self.home, *(f"{self.home}/{name}" for name in _GENERAL), settings):
                    if place.startswith("/"):
                        self._named_in(place, words)

    def follow(self, memory: _Memory) -> None:
        """What the files found elsewhere name in their turn."""
        done: set[str] = set()
        while len(done) < _FOLLOWED and (left := [path for path in self.found if path not in done]):
            for path in left[: _FOLLOWED - len(done)]:
                done.add(path)
                # What comes with the system leads to what does.
                if not os.path.isfile(path) or path.startswith("/usr/") or os.path.dirname(path) == "/etc":
                    continue
                try:
                    line = memory.text(path, files.load(path, 1 << 18))
                except OSError:
                    continue
                if line:
                    self._of_file(path, line)

    def _of_file(self, path: str, line: bytes) -> None:
        _, near, relative, far, names, words = line.split(b"\0")
        folder = os.path.dirname(path)
        for each in (*_items(near), *_items(relative)):
            self._literal(os.path.join(folder, each), built=True)
        for each in _items(far):
            self._far(each, built=True)
        self._named_in(folder, set(names.split(b"\1")), set(words.split(b"\1")), only_files=True)

    def _literal(self, path: str, *, built: bool) -> None:
        path = os.path.normpath(path)
        if self._holds(self.root, path) or (path, built) in self._seen:
            return
        self._require_time()
        self._seen.add((path, built))
        folder, _, name = path.rpartition("/")
        entries, stems, _ = self._list(folder)
        if name in entries or os.path.lexists(path):
            self._add(path, whole=built, literal=True)
        elif built:
            for entry in stems.get(name, ()):
                self._add(f"{folder}/{entry}", whole=False, literal=True)

    def _far(self, named: str, *, built: bool) -> None:
        if named.startswith("~"):
            if self.home:
                self._literal(self.home + named[1:], built=built)
            return
        first = named.split("/", 2)[1]
        if first in _SYSTEM or (first == "usr" and not named.startswith(_OF_USR)) or first not in self._list("/")[0]:
            return
        self._literal(named, built=built)

    def _named_in(
        self, folder: str, names: set[bytes], words: "AbstractSet[bytes]" = frozenset(), *, only_files: bool = False
    ) -> None:
        """names, words: by their signs; of words, which are of a script, the exact name of a file counts alone."""
        if folder == "/":
            return
        self._require_time()
        entries, stems, is_of_all = self._list(folder)
        if folder not in self._asked:
            self._asked[folder] = _Asked(entries, {} if is_of_all else stems, set() if is_of_all else entries)
        asked = self._asked[folder]
        for sign in names & asked.strong.keys():
            self._add(f"{folder}/{asked.strong[sign]}", whole=not only_files, literal=False)
        for sign in names & asked.stemmed.keys():
            for entry in asked.stemmed[sign]:
                self._add(f"{folder}/{entry}", whole=False, literal=False)
        exact = [asked.weak[sign] for sign in names & asked.weak.keys()]
        if not is_of_all:
            exact += [asked.strong[sign] for sign in words & asked.strong.keys()]
        for entry in exact:
            self._add(f"{folder}/{entry}", whole=False, literal=False)

    def _require_time(self) -> None:
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
                if stem and stem != name and name.endswith(_CODE):
                    stems.setdefault(stem, []).append(name)
            self._listed[folder] = set(names), stems, is_of_all
        return self._listed[folder]

    def _add(self, path: str, *, whole: bool, literal: bool) -> None:
        """`whole`: a folder counts, too; `literal`: the text spells its path."""
        name = path.rpartition("/")[2]
        if self._holds(self.root, path) or self._holds(path, self.root) or "/.cache/" in path:
            return
        if os.path.isdir(path):
            top = path.count("/") < 2  # of the system
            if not whole or top or name in _NEVER or path == self.home or (self.home and self._holds(path, self.home)):
                return
            if name in _TOOLCHAINS and os.path.dirname(path) == self.home:
                return
            if path.startswith(("/etc/", "/var/", "/usr/")) or (self.home and path[len(self.home) + 1 :] in _GENERAL):
                return
            if not literal and self._is_own(path):
                return
        elif name == ".claude.json":
            return
        self.found.add(path)

    def _is_own(self, path: str) -> bool:
        """Whether another worktree of the same repository lies there, which a name in a text does not mean."""
        from skillcache.core.git import git_folders

        if not self.shared or not os.path.lexists(f"{path}/.git"):
            return False
        try:
            return os.path.realpath(git_folders(path)[1]) == os.path.realpath(self.shared)
        except Bypass:
            return False

    def _holds(self, folder: str, path: str) -> bool:
        return f"{path}/".startswith(f"{folder.rstrip('/')}/")

    def rows(self) -> "Iterator[tuple[str, Entry]]":
        for path in sorted(self.found):
            try:
                status = os.stat(path)
            except OSError:
                yield self._spelled(path), ("unreadable", ())
                continue
            is_folder = S_ISDIR(status.st_mode)
            if not is_folder and not S_ISREG(status.st_mode):
                continue  # a pipe or a device holds nothing that could be looked at
            stamp = () if is_folder else (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
            yield self._spelled(path), (self._content(path), stamp)

    def _spelled(self, path: str) -> str:
        """As it is called in every worktree, and by every person."""
        if path.split("/", 2)[1] != self.root.split("/", 2)[1]:
            is_at_home = self.home and self._holds(self.home, path)
            return "~" + path[len(self.home) :] if is_at_home else path
        beside = os.path.relpath(path, self.root)
        if not beside.startswith(("../../../", "../.", "../../.")) or not (self.home and self._holds(self.home, path)):
            return path if beside.startswith("../../../") else beside
        return "~" + path[len(self.home) :]

    def _content(self, path: str) -> str:
        from skillcache.core.git import guarded
        from skillcache.fingerprint.files import Budget, content
        from skillcache.fingerprint.named import edges
        from skillcache.fingerprint.outside import Outside

        budget = Budget(self.deadline, "what the project's files name", _ENTRIES, _BYTES, cache=self.cache)
        try:
            if not os.path.isdir(path):
                large = os.path.isfile(path) and os.path.getsize(path) > _FILE
                return edges(path, budget) if large else content(path, budget)
            return Outside(self.root, guarded(self.environ, self.root), budget).content(path)
        except Bypass as bypass:
            if bypass.outcome is outcomes.TOO_SLOW:
                raise
            return self._stamped(path) if bypass.outcome is outcomes.TOO_LARGE else "unreadable"
        except OSError:
            return "unreadable"

    def _stamped(self, top: str) -> str:
        """Of a folder with too much in it to be read each time; that there is more than that is remembered."""
        from skillcache.fingerprint import stamped
        from skillcache.fingerprint.files import Budget

        real = os.path.realpath(top)
        budget = Budget(self.deadline, "what the project's files name", cache=self.cache)
        try:
            return stamped.content(real, self.root, budget, most=_STAMPED).digest
        except Bypass as bypass:
            if bypass.outcome is not outcomes.TOO_LARGE:
                raise
            return "many: " + digest_parts(map(os.fsencode, sorted(os.listdir(top))))


def _items(field: bytes) -> list[str]:
    return [os.fsdecode(item) for item in field.split(b"\1")] if field else []
