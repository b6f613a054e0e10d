"""What the project's own text names beyond the project: files and folders elsewhere, and programs.

A literal scan, see `mention_text`, so it is generous: what is named and is there is an input, by content. Where a text
climbs out of the project by other means than a path (`parent.parent`, `cd ..`, `TOP := ..`), each part of its paths
that exists there counts, and each of its words that a file is called there; where it speaks of the home folder, what
exists in it or among its configuration; where it reads a variable that names a folder, what its names find below that.
A folder that holds the project, the home folder, homes of toolchains and folders of the system never count as a whole;
what lies in a folder for temporary files counts by a path's part alone. What is found, or reached by links, packages
and configuration, is read for what it names in its turn, until that ends.

A text is read once: what it names is remembered by its object id, for all worktrees of a repository, and what the
index names altogether by the index's stamp. A first look that takes too long goes on at the next call.

What recipes say (of a Makefile, a justfile) counts for whoever may run them: where another text names the program that
does, or the command itself may.

    folder of the repository := lines of  key NUL (see mention_text)      key: kind, object id
    file of the worktree     := stamp LF, lines of  path NUL key NUL ..., an empty line, words x02 words of recipes LF,
                                lines of  key NUL ...
"""

import os
import time
from stat import S_IFMT, S_ISDIR, S_ISREG, S_IWOTH, S_IXUSR

from skillcache.core import Record, files, outcomes
from skillcache.core.digest import blob_oid, digest, digest_parts, signs
from skillcache.core.git import find_root
from skillcache.core.outcomes import Bypass
from skillcache.core.paths import cache_folder, home_folder, mentions_folder
from skillcache.fingerprint.above import is_noise
from skillcache.fingerprint.files import Budget, unusual_mode
from skillcache.fingerprint.mention_text import ANY, BY_HAND, IF_STARTED, INSTALLED, JOINED, STARTS, TOOL, TOPS, WEAK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from skillcache.fingerprint.index import Blob
    from skillcache.fingerprint.own import StampedFile

_FORM = b"7"
_BEGIN = repr((_FORM,))[:-1].encode()  # of what is remembered of a root
_PART = 0.6  # of the time that is left: past it a look is given up, before the place is blamed for it
_MOST_HELD = 64 << 20  # bytes of what is remembered
_MOST_KEPT = 1 << 18  # texts
_LEVELS = 4  # folders above the project
_ROUNDS = 3  # of programs that lead to scripts, which name programs
_FOLLOWED = 400  # files elsewhere whose own text is read
_MOST_IN_FOLDER = 200  # of them in one folder, with those below
_MOST_LISTED = 200  # files that a text finds in a folder by looking
_DEEP = 3  # folders below one of the top, or of a variable
_UPWARD = 20
_READ = 1 << 18  # bytes of one
_APART = b"\2"
_OF_VARIABLES = b"0,0,v\0\0\0\0"  # a line that spells no path: its names mean something behind variables alone
_FILE = 8 << 20  # bytes from which a file elsewhere is known by its size, its time and both ends
_ENTRIES, _BYTES = 2_000, 16 << 20  # of a folder elsewhere: up to here by content
_STAMPED = 20_000  # files: up to here as packages are, from here on by the names at its top
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
# A variable called so names what a run writes to, or an installation.
_NO_INPUTS = ("TMP", "TEMP", "CACHE", "LOG", "OUT")
_OF_ALL = frozenset(["PATH", "MANPATH", "INFOPATH", "CDPATH", "XDG_DATA_DIRS", "XDG_CONFIG_DIRS"])  # of no project
_BY_HAND, _OF_PKGCONFIG = "/usr/local", ("lib/pkgconfig", "share/pkgconfig")
_LONGEST_VALUE, _MOST_OF_VALUE = 4_096, 8
_TEMPORARY = "/tmp"  # noqa: S108 - as texts call it
_INSTALLED = ("_HOME", "_ROOT", "_PREFIX", "VIRTUAL_ENV", "GOPATH", "NVM_DIR", "BUN_INSTALL", "SDKMAN_DIR", "GOBIN")
_OF_USR = ("/usr/share/", "/usr/local/")
# What changes by itself, or is captured otherwise.
_NEVER = frozenset(".git .hg .svn .cache .claude .claude.json .npm .Trash __pycache__ node_modules".split())  # noqa: SIM905
_GENERAL = (".config", ".local", ".local/share")
# Homes of toolchains: their programs are captured as such, and what they keep is what lock files say.
_TOOLCHAINS = frozenset(
    ".cargo .rustup .pyenv .rbenv .nodenv .nvm .volta .sdkman .m2 .gradle .jenv .goenv .asdf .pnpm-store .gem".split()  # noqa: SIM905
)
_RECIPES = frozenset("Makefile makefile GNUmakefile justfile Justfile .justfile".split())  # noqa: SIM905
_RECIPE_ENDS = (".mk", ".mak", ".just", "askfile.yml", "askfile.yaml")
_COOKS = (b"make", b"gmake", b"bmake", b"remake", b"just", b"task", b"go-task", b"checkmake")
_CODE = (
    *(".py", ".js", ".cjs", ".mjs", ".ts", ".tsx", ".jsx", ".json", ".rb", ".php", ".lua", ".cmake", ".mk", ".sh"),
    *(".pl", ".pm", ".pc", ".toml", ".yaml", ".yml", ".h", ".go", ".rs", ".mts", ".cts"),
)


class Texts(Record):
    """Which texts there are. Paths are relative to the root, as bytes.

    listing: lines of the index as git prints them; stamp: of the index; edits: what differs from it or is untracked;
    shared: the folder of the repository, by which all its worktrees remember.
    """

    listing: bytes
    stamp: "tuple[int, ...] | None"
    edits: "Mapping[bytes, Blob | None]"
    shared: str


class Mentions(Record):
    paths: "dict[str, StampedFile]"  # as it is called everywhere -> digest of what is there, stamp, of a folder none
    programs: "frozenset[str]"
    folders: list[str]  # of these paths, as they are
    environments: list[str]  # of Python's: folders in which one of these paths is the interpreter, or `activate`
    said: "AbstractSet[bytes]"  # of the words in all texts, their signs, and what else is asked for
    tools: "AbstractSet[str]"  # of `mention_text.CONFIGURED` those that any of these texts names in any way


def of(
    root: str,
    texts: Texts,
    environ: "Mapping[str, str]",
    folders: "Iterable[str]",
    *,
    deadline: float,
    programs: "frozenset[str]" = frozenset(),
    reached: "Iterable[str]" = (),
    given: "Sequence[str]" = (),
    scripts: "Callable[[AbstractSet[str]], Iterable[str]] | None" = None,
    inner: "Mapping[str, Texts] | None" = None,
    cooks: bool = True,
) -> Mentions:
    """What is named in the texts of `root`. Raises Bypass (TOO_SLOW) before the deadline.

    folders: real paths in which the command may stand; programs: names among which words of the texts are sought;
    reached: files and folders elsewhere that count already, whose text is read, too; given: files that count if they
    lie elsewhere; scripts: is told of the programs that are named, and tells which scripts these lead to; inner: the
    texts of the repositories in the project, by their path in it; cooks: whether the command may run any recipe.
    """
    end = time.monotonic() + _PART * (deadline - time.monotonic())
    memory = _Memory(root, texts, environ, end)
    lines = memory.lines()
    found = _Elsewhere(root, environ, deadline, texts.shared)
    places = dict.fromkeys((root, *folders))
    for path, line in lines:
        found.resolve(path, line, places)
    for top, own in (inner or {}).items():
        other = _Memory(f"{root}/{top}", own, environ, end)
        for path, line in other.lines():
            found.resolve(os.fsencode(top) + b"/" + path, line, {**places, f"{root}/{top}": None})
        other.finish()
        memory.words().update(other.words())
        memory.recipes().update(other.recipes())
    found.joined(memory.words() | memory.recipes())
    found.installed(memory.words() | memory.recipes())
    found.follow(memory, reached)
    spelled = set(found.found)
    for each in given:
        found.give(each)
    found.follow(memory, given)
    found.fixed |= found.found - spelled
    named: frozenset[str] = frozenset()
    # Of the texts that are found by what these lead to, in /tmp as well, none runs a recipe of this project.
    cooks = cooks or not memory.words().isdisjoint(signs(_COOKS))
    ordered = list(programs)
    known = list(zip(ordered, signs(map(os.fsencode, ordered)), strict=True))
    for _ in range(_ROUNDS):
        held = memory.words()
        if cooks:
            held.update(memory.recipes())
        named = frozenset([name for name, sign in known if sign in held])
        more = list(scripts(named)) if scripts is not None else []
        cooks = cooks or any(memory.cooks(path) for path in more)
        if not more:
            break
        before = set(found.found)
        found.follow(memory, more)
        # Programs are known as such, wherever they lie.
        found.found -= {each for each in found.found - before if os.access(each, os.X_OK) and os.path.isfile(each)}
        found.fixed |= found.found - before
    memory.finish()
    folders = list(filter(os.path.isdir, found.found))
    tools = {sign[1:].decode() for sign in (*memory.words(), *memory.recipes()) if sign[:1] == TOOL}
    said = _with_started(memory.words())
    return Mentions(dict(found.rows()), named, folders, found.environments(), said, tools)


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
        self._recipes: set[bytes] = set()
        self._kept: tuple[bytes, bytes, bytes] = (b"", b"", b"")
        self._recent: dict[bytes, bytes] = {}
        self._now: dict[bytes, bytes] = {}  # what this look has read, or would have: of edits, and of files elsewhere

    def lines(self) -> list[tuple[bytes, bytes]]:
        """(path, line) of all texts that name something besides programs. Raises Bypass (TOO_SLOW)."""
        stamp = repr((_FORM, self.texts.stamp)).encode()
        begin, _, rest = _load(self._own).partition(b"\n")
        is_known = self.texts.stamp is not None and begin == stamp
        body, _, more = rest.partition(b"\n\n")
        words, _, last = more.partition(b"\n")
        before = (begin, body, words)
        if not is_known:
            body, _, words = self._index().partition(b"\n\n")
            last = last if begin.startswith(_BEGIN) else b""  # by content or by stamps, whatever is in the index
        own, _, recipes = words.partition(_APART)
        self._words, self._recipes = set(own.split(b"\1")), set(recipes.split(b"\1"))
        edits = self.texts.edits
        recent = self._recent = dict(_pair(item) for item in last.split(b"\n") if item)
        now = self._now
        found = [pair for pair in map(_pair, body.split(b"\n")) if pair[0] and pair[0] not in edits]
        for path, entry in edits.items():
            kind = _kind(path) if entry and entry[0][:2] == b"10" else b""
            if entry and kind:
                key = kind + entry[1]
                held = recent.get(key)
                line = now[key] = self._line(path, key) if held is None else held
                if line:
                    found.append((path, line))
                    (self._recipes if _is_recipe(path) else self._words).update(_said(path, line))
        self._kept = (stamp, body, words)
        if self._kept != before:
            self._save({**recent, **now})
        self._keep()
        return found

    def finish(self) -> None:
        """After all that is read in one look."""
        if self._now.keys() != self._recent.keys():
            self._save(self._now)

    def words(self) -> set[bytes]:
        """What may be a program, after `lines`."""
        return self._words

    def recipes(self) -> set[bytes]:
        """The same of what recipes say."""
        return self._recipes

    def _index(self) -> bytes:
        """What the index's texts name: lines of those that name paths, an empty line, all words."""
        named: list[bytes] = []
        words: set[bytes] = set()
        recipes: set[bytes] = set()
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
                front = line.rpartition(b"\0")[0]
                (recipes if _is_recipe(path) else words).update(_said(path, line))
                if not front.endswith(b"\0\0\0\0") and _may_leave(path, front):
                    named.append(path + b"\0" + front + b"\0")
        self._keep()
        words.discard(b"")
        said = _APART.join(b"\1".join(sorted(each)) for each in (words, recipes))
        return b"\n".join(named) + b"\n\n" + said

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

    def text(self, path: str) -> bytes:
        """The line of a file elsewhere. Raises OSError, Bypass (TOO_SLOW)."""
        kind = _kind(os.fsencode(path))
        status = os.stat(path)
        if kind not in (b"c", b"s") or not S_ISREG(status.st_mode) or status.st_size > _READ:
            return b""
        stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        key = b"@" + digest(os.fsencode(f"{path}\0{stamp}")).encode()
        line = self._recent.get(key, self._now.get(key))
        if line is None:
            if time.monotonic() > self.end:
                self._save({**self._recent, **self._now})
                raise Bypass(outcomes.TOO_SLOW, "reading what the project's files name")
            from skillcache.fingerprint import mention_text

            line = mention_text.read(files.load(path, _READ), kind.upper())
        self._now[key] = line
        self._words.update(_said(os.fsencode(path), line))
        return line

    def cooks(self, path: str) -> bool:
        """Whether a file elsewhere may run recipes. Raises Bypass (TOO_SLOW)."""
        try:
            line = self.text(path)
        except OSError:
            return False
        return not set(_words_of(line)).isdisjoint(signs(_COOKS))

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

    def _save(self, now: dict[bytes, bytes]) -> None:
        if self._own:
            stamp, body, words = self._kept
            last = b"\n".join(key + b"\0" + line for key, line in now.items())
            _save(self._own, b"".join((stamp, b"\n", body, b"\n\n", words, b"\n", last)))


def _is_recipe(path: bytes) -> bool:
    name = os.fsdecode(path.rpartition(b"/")[2])
    return name in _RECIPES or name.endswith(_RECIPE_ENDS)


def _words_of(line: bytes) -> list[bytes]:
    return line.rpartition(b"\0")[2].split(b"\1")


def _said(path: bytes, line: bytes) -> list[bytes]:
    """The words of a text. What a script asks for is said with its name, for it counts where another starts it."""
    words = _words_of(line)
    if _kind(path) != b"s":
        return words
    own = [word for word in words if word[:1] in (IF_STARTED, STARTS)]
    if not own:
        return words
    (name,) = signs([path.rpartition(b"/")[2]])
    return [*(word for word in words if word not in own), IF_STARTED + b" ".join([name, *own])]


def _with_started(words: "set[bytes]") -> "set[bytes]":
    """With what the scripts ask for that the texts start, and those that these do."""
    scripts: dict[bytes, list[bytes]] = {}
    for word in words:
        if word[:1] == IF_STARTED:
            name, *own = word[1:].split(b" ")
            scripts.setdefault(name, []).extend(own)
    pending = [word[1:] for word in words if word[:1] == STARTS] if scripts else []
    found: set[bytes] = set()
    for name in pending:
        for each in scripts.pop(name, ()):
            if each[:1] == STARTS:
                pending.append(each[1:])
            else:
                found.add(each[1:])
    return words | found if found else words


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
    return bool(names) and (not {*b"huv"}.isdisjoint(flags) or _levels(path, int(steps), 0, flags) > 0)


def _levels(path: bytes, steps: int, longest: int, flags: bytes) -> int:
    """How many folders above the project a text may mean."""
    depth = path.count(b"/")
    if b"f" in flags and b"w" not in flags:
        # From its own place: the first step is its folder. What one line does not do, two may.
        return max(0, min(steps - depth - 1, max(longest - depth, 1), _LEVELS))
    return min(steps, max(longest, 1), _LEVELS)


class _Asked:
    """What lies in a folder, by the signs of the names.

    parts: by their ends and beginnings, `.json` and `case_`, as a text says them that puts a name together.
    """

    __slots__ = ("joined", "parts", "stemmed", "strong", "weak")

    def __init__(self, entries: set[str], stems: dict[str, list[str]], weak: set[str]) -> None:
        self.joined = dict(zip(signs(JOINED + os.fsencode(name) for name in entries), entries, strict=True))
        parts: dict[str, list[str]] = {}
        for name in weak:
            for part in _parts_of(name) if not is_noise(name) else ():
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
        self.temporary = os.path.normpath(environ.get("TMPDIR") or "/tmp")  # noqa: S108 - nothing is made there
        self.found: set[str] = set()
        self.fixed: set[str] = set()  # of these, what lies where it does wherever the project is
        self._listed: dict[str, tuple[set[str], dict[str, list[str]], bool]] = {}
        self._asked: dict[str, _Asked] = {}
        self._seen: set[tuple[str, bool]] = set()
        self._of_variables: dict[bytes, list[tuple[str, str]]] = {}
        for sign, *found in self._folders_of_variables():
            self._of_variables.setdefault(sign, []).append((found[0], found[1]))
        self._begun: set[str] = set()  # whose text was read
        self._worktrees: list[str] | None = None  # of this repository
        self.there: set[str] = set()  # of the system, which counts by being there
        self.levels = 0  # folders above the project, up to which some text climbs

    def _folders_of_variables(self) -> "Iterator[tuple[bytes, str, str]]":
        """(sign, name, folder) of the variables that name a folder of somebody's, or several."""
        from skillcache.fingerprint.leads import is_of_system
        from skillcache.fingerprint.noise import IS_FOLDER, IS_SET, is_noise

        for name, value in self.environ.items():
            if not value.startswith(("/", "~/", "../")) or name in IS_SET or name in IS_FOLDER:
                continue
            if len(value) > _LONGEST_VALUE or name in _OF_ALL:
                continue
            if is_noise(name) or name in ("HOME", "PWD") or any(word in name.upper() for word in _NO_INPUTS):
                continue
            for piece in filter(None, value.split(":")[:_MOST_OF_VALUE]):
                for path in self._places_of(piece):
                    aside = self._holds(self.root, path) or self._holds(path, self.root) or is_of_system(f"{path}/")
                    if not aside and path != self.home and os.path.isdir(path):
                        yield signs([b"$" + os.fsencode(name)])[0], name, path

    def _places_of(self, value: str) -> "Iterator[str]":
        """Where a folder may lie that is called so: one with steps up is seen from the root, or from below it."""
        if value[:1] in ("~", "/"):
            yield self.home + value[1:] if value[0] == "~" else os.path.normpath(value)
            return
        while value.startswith("../"):
            yield os.path.normpath(os.path.join(self.root, value))
            value = value[3:]

    def resolve(self, path: bytes, line: bytes, places: "Iterable[str]") -> None:
        """Look for all that the line of the text at `path`, relative to the root, names."""
        if line.startswith(_OF_VARIABLES) and not self._of_variables:
            return
        folder = os.path.normpath(os.path.join(self.root, os.path.dirname(os.fsdecode(path))))
        head, words, _ = self._of_paths(line, folder, places, built=_kind(path) in (b"c", b"s", b"l", b"k"))
        steps, longest, flags = head
        levels = _levels(path, int(steps), int(longest), flags)
        self.levels = max(self.levels, levels)
        if words:
            self._around(self.root, levels, words, flags)

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
                aside = os.path.lexists(f"{path}/.git") or (os.path.isdir(path) and not _is_small(path))
                self._add(path, whole=not aside, literal=False)

    def _of_paths(
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
        for each in _items(named):
            for place in places:
                if "*" in each:
                    self._pattern(os.path.join(place, each), words)
                else:
                    self._literal(os.path.join(place, each), built=built)

    def _around(self, start: str, levels: int, words: set[bytes], flags: bytes, *, elsewhere: bool = False) -> None:
        """What these names may mean behind a climb from a folder, at home, or behind a variable."""
        place = start
        for _ in range(levels):
            place = os.path.dirname(place)
            self._named_in(place, words, elsewhere=elsewhere)
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
                    self._named_in(place, words)
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
                if (b"l" in flags or (is_any and _is_small(folder))) and not may_be:
                    self._add(folder, whole=True, literal=True)
                self._below(folder, words, _DEEP, by_parts=not is_installed)

    def _files_in(self, folder: str) -> None:
        """What a text finds that looks at all that lies in a folder."""
        entries, _, is_of_all = self._list(folder)
        if is_of_all or folder in ("/", self.home):
            return
        paths = [f"{folder}/{name}" for name in sorted(entries) if name[0] != "." and not is_noise(name)]
        for path in [path for path in paths if os.path.isfile(path)][:_MOST_LISTED]:
            self._add(path, whole=False, literal=False)

    def _below(self, folder: str, words: set[bytes], depth: int, *, by_parts: bool = True) -> None:
        """The files below a folder to which names lead. by_parts: or the end or beginning of one, as of data."""
        self._require_time()
        asked = self._asking(folder)
        exact = {asked.strong[sign] for sign in words & asked.strong.keys()}
        exact |= {asked.weak[sign] for sign in words & asked.weak.keys()}
        if by_parts:
            exact.update(*(asked.parts[sign] for sign in words & asked.parts.keys()))
        for name in exact - _OF_MACHINE:
            path = f"{folder}/{name}"
            if os.path.isfile(path):
                self._add(path, whole=False, literal=False)
            elif depth and os.path.isdir(path) and not self._holds(path, self.root) and path != self.home:
                self._below(path, words, depth - 1, by_parts=by_parts)

    def _pattern(self, path: str, words: set[bytes]) -> None:
        """The files at a path of which the text leaves a part open."""
        first = path.index("*")
        top = os.path.normpath(path[: path.rindex("/", 0, first)] or "/")
        parts = path[path.rindex("/", 0, first) + 1 :].split("/")
        if self._holds(self.root, top) or top == "/":
            return
        self._require_time()
        found = [top]
        for part in parts:
            before, star, after = part.partition("*")
            is_open = not before.strip(".") and "*" not in after
            further = []
            for place in found:
                names, _, is_of_all = self._list(place)
                is_strict = star and (place == self.home or (is_open and is_of_all))
                for name in sorted(names) if star else [part]:
                    if star and (not _fits(part, name) or is_noise(name)):
                        continue
                    middle = os.fsencode(name[len(before) : len(name) - len(after)])
                    if not is_strict or not words.isdisjoint(signs([middle, WEAK + middle])):
                        further.append(f"{place}/{name}")
            found = further[:_MOST_LISTED]
        for each in found:
            if os.path.isfile(each):
                self._add(each, whole=False, literal=True)

    def give(self, path: str) -> None:
        """A file counts that is known by its path."""
        self._literal(path, built=False)

    def follow(self, memory: _Memory, reached: "Iterable[str]") -> None:
        """What the files found or reached elsewhere name in their turn."""
        from skillcache.fingerprint.leads import is_of_system

        pending = sorted({path for path in map(os.path.realpath, reached) if self._is_read(path)})
        pending += sorted(self.found)
        begun = self._begun
        known = set(pending) - self.found
        left = _FOLLOWED
        while pending:
            path = pending.pop(0)
            # What comes with the system leads to what does.
            if path in begun or is_of_system(path) or os.path.dirname(path) == "/etc" or left <= 0:
                continue
            begun.add(path)
            before = set(self.found)
            if os.path.isdir(path) and path not in known and not _is_small(path):
                continue
            is_checkout = os.path.isdir(path) and find_root(path) is not None
            for one in _texts_in(path, _OF_WORK if is_checkout else ()) if os.path.isdir(path) else [path]:
                left -= 1
                try:
                    line = memory.text(one)
                except OSError:
                    continue
                if line and is_checkout:
                    self._of_checkout(one, line)
                elif line:
                    self._of_file(one, line)
            pending += sorted(self.found - before)

    def _is_read(self, path: str) -> bool:
        """Whether what counts already is somebody's code: no checkout of this repository, and no installed package."""
        if self._holds(self.root, path) or self._holds(path, self.root) or path in ("/", self.home):
            return False
        return _NOT_READ.isdisjoint(path.split("/")) and not self._is_own(path)

    def _of_file(self, path: str, line: bytes) -> None:
        folder = os.path.dirname(path)
        head, words, programs = self._of_paths(line, folder, (), built=True)
        steps, _, flags = head
        is_at_home = folder in (self.home, f"{self.home}/.config")
        self._named_in(folder, words, programs, only_files=is_at_home, elsewhere=True)
        if not is_at_home:
            self._around(folder, min(int(steps), _LEVELS), words, flags, elsewhere=True)

    def _of_checkout(self, path: str, line: bytes) -> None:
        """Of a project of its own, which is imported here: files that it spells count, all else is of its own work."""
        _, near, relative, far, _, _ = line.split(b"\0")
        folder = os.path.dirname(path)
        for each in {*_items(near), *_items(relative)}:
            if "*" not in each:
                self._literal(os.path.join(folder, each), built=False)
        for each in _items(far):
            if "*" not in each and not each.endswith("/") and os.fsencode(each) not in TOPS:
                self._far(each, built=False)

    def _literal(self, path: str, *, built: bool, listed: bool = False) -> None:
        path = os.path.normpath(path)
        if self._holds(self.root, path) or ((path, built) in self._seen and not listed):
            return
        self._require_time()
        self._seen.add((path, built))
        folder, _, name = path.rpartition("/")
        entries, stems, _ = self._list(folder)
        if name in entries or os.path.lexists(path):
            self._add(path, whole=built, literal=True, listed=listed)
        elif built:
            for entry in stems.get(name, ()):
                self._add(f"{folder}/{entry}", whole=False, literal=True)

    def _all_far(self, far: bytes, words: set[bytes], *, built: bool) -> None:
        for each in _items(far):
            if "*" in each:
                self._pattern(self.home + each[1:], words) if self.home else None
            elif os.fsencode(each) in TOPS:
                for place in dict.fromkeys((each, self.temporary) if each == _TEMPORARY else (each,)):
                    self._below(place, words, _DEEP) if words else None
            else:
                self._far(each, built=built)

    def _far(self, named: str, *, built: bool) -> None:
        if named.startswith("~"):
            if self.home:
                self._literal(self.home + named[1:], built=built)
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
            if os.fsencode(named[:-1]) not in TOPS and _is_small(named):
                self._literal(named, built=built, listed=True)
            return
        self._literal(named, built=built)

    def _asking(self, folder: str) -> _Asked:
        if folder not in self._asked:
            entries, stems, is_of_all = self._list(folder)
            self._asked[folder] = _Asked(entries, {} if is_of_all else stems, set() if is_of_all else entries)
        return self._asked[folder]

    def _named_in(
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
        self._require_time()
        is_of_all = self._list(folder)[2]
        asked = self._asking(folder)
        for sign in names & asked.strong.keys():
            path = f"{folder}/{asked.strong[sign]}"
            # What another text means by a name is no other project, and nothing large.
            aside = elsewhere and (is_of_all or os.path.lexists(f"{path}/.git") or not _is_small(path))
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

    def _add(self, path: str, *, whole: bool, literal: bool, listed: bool = False) -> None:
        """`whole`: a folder counts, too; `literal`: the text spells its path; `listed`: and looks at what is in it."""
        name = path.rpartition("/")[2]
        if self._holds(self.root, path) or self._holds(path, self.root) or self._holds(self.cache, path):
            return
        if "/.cache/" in path and not (literal and os.path.isfile(path)):
            return
        if os.path.isdir(path):
            top = path.count("/") < 2  # of the system
            if not whole or top or name in _NEVER or path == self.home or (self.home and self._holds(path, self.home)):
                return
            if name in _TOOLCHAINS and os.path.dirname(path) == self.home:
                return
            is_of_system = path.startswith(("/etc/", "/var/", "/usr/")) and not (listed or self._is_beside(path))
            if is_of_system or (self.home and path[len(self.home) + 1 :] in _GENERAL):
                return
            if (not literal and self._is_own(path)) or self._holds(path, self.temporary):
                return
        elif name == ".claude.json":
            return
        self.found.add(path)

    def _is_beside(self, path: str) -> bool:
        """Whether it lies in a folder with the project, as of one in /var/www or /var/lib/jenkins/workspace."""
        above = os.path.dirname(self.root)
        while not self._holds(above, path):
            above = os.path.dirname(above)
        return above == os.path.dirname(self.root) or above.count("/") > 2

    def _is_own(self, path: str) -> bool:
        """Whether other worktrees of the same repository lie there, which a name in a text does not mean."""
        if self._worktrees is None:
            self._worktrees = _worktrees(self.shared)
        return any(self._holds(path, each) for each in self._worktrees)

    def _holds(self, folder: str, path: str) -> bool:
        return f"{path}/".startswith(f"{folder.rstrip('/')}/")

    def environments(self) -> list[str]:
        places = {os.path.dirname(os.path.dirname(path)) for path in self.found if "/bin/" in path}
        return sorted(place for place in places if os.path.isfile(f"{place}/pyvenv.cfg"))

    def rows(self) -> "Iterator[tuple[str, StampedFile]]":
        for path in sorted(self.found):
            try:
                status = os.stat(path)
            except OSError:
                yield self._spelled(path), ("unreadable", ())
                continue
            is_folder = S_ISDIR(status.st_mode)
            if not is_folder and not S_ISREG(status.st_mode):  # a pipe or a device, which is not looked into
                yield path, (f"of kind {S_IFMT(status.st_mode):o}", ())  # which texts call so in every worktree
                continue
            stamp = () if is_folder else (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
            mode = "" if is_folder else unusual_mode(status) + ("x " if status.st_mode & S_IXUSR else "")
            yield self._spelled(path), (mode + self._content(path), stamp)
        for path in sorted(self.there - self.found):
            try:
                said = files.load(path, _FILE) if path.startswith("/proc/sys/") and os.path.isfile(path) else b""
                yield path, (f"of kind {S_IFMT(os.lstat(path).st_mode):o} {digest(said)}", ())
            except OSError:
                continue

    def _spelled(self, path: str) -> str:
        """As it is called in every worktree, and by every person."""
        if path in self.fixed or path.split("/", 2)[1] != self.root.split("/", 2)[1]:
            is_at_home = self.home and self._holds(self.home, path)
            return "~" + path[len(self.home) :] if is_at_home else path
        beside = os.path.relpath(path, self.root)
        if not beside.startswith(("../../../", "../.", "../../.")) or not (self.home and self._holds(self.home, path)):
            return path if beside.startswith("../../../") else beside
        return "~" + path[len(self.home) :]

    def _content(self, path: str) -> str:
        from skillcache.core.git import guarded
        from skillcache.fingerprint.environment import edges
        from skillcache.fingerprint.files import Budget, content
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

        real = os.path.realpath(top)
        budget = Budget(self.deadline, "what the project's files name", cache=self.cache)
        try:
            return stamped.content(real, self.root, budget, most=_STAMPED).digest
        except Bypass as bypass:
            if bypass.outcome is not outcomes.TOO_LARGE:
                raise
            return "many: " + digest_parts(map(os.fsencode, sorted(os.listdir(top))))


def _worktrees(shared: str) -> list[str]:
    """The tops of all checkouts of the repository whose folder this is, as they are and as they were made."""
    if not shared:
        return []
    found = [os.path.dirname(shared)] if shared.endswith("/.git") else []
    try:
        names = os.listdir(f"{shared}/worktrees")
    except OSError:
        names = []
    for name in names:
        try:
            own = os.fsdecode(files.read(f"{shared}/worktrees/{name}/gitdir", _READ) or b"").strip()
        except OSError:
            continue
        if own.endswith("/.git"):
            found.append(os.path.dirname(os.path.join(f"{shared}/worktrees/{name}", own)))
    return [*found, *map(os.path.realpath, found)]


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


def _is_small(folder: str) -> bool:
    """Whether it is no more than somebody's own few files."""
    left = _MOST_LISTED
    for _, folders, names in os.walk(folder):
        left -= len(folders) + len(names)
        if left < 0:
            return False
    return True


def _texts_in(top: str, without: "Iterable[str]") -> "Iterator[str]":
    """The code below a folder, as far as it may be read; `without`: folders of these names."""
    left = _MOST_IN_FOLDER
    for number, (folder, folders, names) in enumerate(os.walk(top)):
        if number >= _MOST_IN_FOLDER:
            return
        folders[:] = sorted({name for name in folders if name[0] != "."}.difference(_NOT_READ, without))
        for name in sorted(names):
            if name.endswith(_CODE) or "." not in name:
                yield f"{folder}/{name}"
                left -= 1
            if left <= 0:
                return


_NOT_READ = frozenset("node_modules __pycache__ site-packages dist-packages vendor target dist build".split())  # noqa: SIM905
_OF_WORK = frozenset("test tests testing docs doc examples benchmarks".split())  # noqa: SIM905


def _items(field: bytes) -> list[str]:
    return [os.fsdecode(item) for item in field.split(b"\1")] if field else []
