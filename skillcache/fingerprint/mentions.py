"""What the project's own text names beyond the project: files and folders elsewhere, and programs.

A literal scan, see `texts`, so it is generous: what is named and is there, see `elsewhere`, is an input, by content.
What is found, or reached by links, packages and configuration, is read for what it names in its turn, until that ends.

What recipes say (of a Makefile, a justfile) counts for whoever may run them: where another text names the program that
does, or the command itself may.
"""

import os
import time
from stat import S_IFMT, S_ISDIR, S_ISREG, S_IXUSR

from skillcache.core import Record, files, outcomes
from skillcache.core.files import digest, digest_parts, signs
from skillcache.core.git import find_root, guarded
from skillcache.core.outcomes import Bypass
from skillcache.fingerprint.contents import Budget, content, unusual_mode
from skillcache.fingerprint.elsewhere import CODE, Elsewhere, is_small
from skillcache.fingerprint.environment import edges
from skillcache.fingerprint.leads import is_of_system
from skillcache.fingerprint.texts import COOKS, IF_STARTED, LEVELS, STARTS, TOOL, TOPS, Memory, Texts, items

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from skillcache.fingerprint.own import StampedFile

_PART = 0.6  # of the time that is left: past it a look is given up, before the place is blamed for it
_ROUNDS = 3  # of programs that lead to scripts, which name programs
_FOLLOWED = 400  # files elsewhere whose own text is read
_MOST_IN_FOLDER = 200  # of them in one folder, with those below
_FILE = 8 << 20  # bytes from which a file elsewhere is known by its size, its time and both ends
_ENTRIES, _BYTES = 2_000, 16 << 20  # of a folder elsewhere: up to here by content
_STAMPED = 20_000  # files: up to here as packages are, from here on by the names at its top
_NOT_READ = frozenset("node_modules __pycache__ site-packages dist-packages vendor target dist build".split())  # noqa: SIM905
_OF_WORK = frozenset("test tests testing docs doc examples benchmarks".split())  # noqa: SIM905


class Mentions(Record):
    paths: "dict[str, StampedFile]"  # as it is called everywhere -> digest of what is there, stamp, of a folder none
    programs: "frozenset[str]"
    folders: list[str]  # of these paths, as they are
    environments: list[str]  # of Python's: folders in which one of these paths is the interpreter, or `activate`
    said: "AbstractSet[bytes]"  # of the words in all texts, their signs, and what else is asked for
    tools: "AbstractSet[str]"  # of `texts.CONFIGURED` those that any of these texts names in any way


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
    memory = Memory(root, texts, environ, end, _read)
    lines = memory.lines()
    found = Elsewhere(root, environ, deadline, texts.shared)
    places = dict.fromkeys((root, *folders))
    for path, line in lines:
        found.resolve(path, line, places)
    for top, own in (inner or {}).items():
        other = Memory(f"{root}/{top}", own, environ, end, _read)
        for path, line in other.lines():
            found.resolve(os.fsencode(top) + b"/" + path, line, {**places, f"{root}/{top}": None})
        other.finish()
        memory.words().update(other.words())
        memory.recipes().update(other.recipes())
    found.joined(memory.words() | memory.recipes())
    found.installed(memory.words() | memory.recipes())
    trail = _Trail(found, memory)
    trail.follow(reached)
    spelled = set(found.found)
    for each in given:
        found.literal(each, built=False)
    trail.follow(given)
    found.fixed |= found.found - spelled
    named: frozenset[str] = frozenset()
    # Of the texts that are found by what these lead to, in /tmp as well, none runs a recipe of this project.
    cooks = cooks or not memory.words().isdisjoint(signs(COOKS))
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
        trail.follow(more)
        # Programs are known as such, wherever they lie.
        found.found -= {each for each in found.found - before if os.access(each, os.X_OK) and os.path.isfile(each)}
        found.fixed |= found.found - before
    memory.finish()
    folders = list(filter(os.path.isdir, found.found))
    tools = {sign[1:].decode() for sign in (*memory.words(), *memory.recipes()) if sign[:1] == TOOL}
    said = _with_started(memory.words())
    return Mentions(dict(_Contents(found).rows()), named, folders, _environments(found.found), said, tools)


def _read(data: bytes, kind: bytes) -> bytes:
    from skillcache.fingerprint import mention_text  # where a text is new, and only there

    return mention_text.read(data, kind)


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


class _Trail:
    """What the files found or reached elsewhere name in their turn."""

    def __init__(self, found: Elsewhere, memory: Memory) -> None:
        self._elsewhere = found
        self._memory = memory
        self._begun: set[str] = set()  # whose text was read

    def follow(self, reached: "Iterable[str]") -> None:
        """From all that is found by now, and from these."""
        elsewhere, memory = self._elsewhere, self._memory
        pending = sorted({path for path in map(os.path.realpath, reached) if self._is_read(path)})
        pending += sorted(elsewhere.found)
        begun = self._begun
        known = set(pending) - elsewhere.found
        left = _FOLLOWED
        while pending:
            path = pending.pop(0)
            # What comes with the system leads to what does.
            if path in begun or is_of_system(path) or os.path.dirname(path) == "/etc" or left <= 0:
                continue
            begun.add(path)
            before = set(elsewhere.found)
            if os.path.isdir(path) and path not in known and not is_small(path):
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
            pending += sorted(elsewhere.found - before)

    def _is_read(self, path: str) -> bool:
        """Whether what counts already is somebody's code: no checkout of this repository, and no installed package."""
        elsewhere = self._elsewhere
        if elsewhere.holds(elsewhere.root, path) or elsewhere.holds(path, elsewhere.root):
            return False
        if path in ("/", elsewhere.home) or not _NOT_READ.isdisjoint(path.split("/")):
            return False
        return not elsewhere.is_own(path)

    def _of_file(self, path: str, line: bytes) -> None:
        elsewhere, folder = self._elsewhere, os.path.dirname(path)
        head, words, programs = elsewhere.of_paths(line, folder, (), built=True)
        steps, _, flags = head
        is_at_home = folder in (elsewhere.home, f"{elsewhere.home}/.config")
        elsewhere.named_in(folder, words, programs, only_files=is_at_home, elsewhere=True)
        if not is_at_home:
            elsewhere.around(folder, min(int(steps), LEVELS), words, flags, elsewhere=True)

    def _of_checkout(self, path: str, line: bytes) -> None:
        """Of a project of its own, which is imported here: files that it spells count, all else is of its own work."""
        _, near, relative, far, _, _ = line.split(b"\0")
        folder = os.path.dirname(path)
        for each in {*items(near), *items(relative)}:
            if "*" not in each:
                self._elsewhere.literal(os.path.join(folder, each), built=False)
        for each in items(far):
            if "*" not in each and not each.endswith("/") and os.fsencode(each) not in TOPS:
                self._elsewhere.far(each, built=False)


class _Contents:
    """What is found elsewhere, by what it holds."""

    def __init__(self, found: Elsewhere) -> None:
        self._elsewhere = found

    def rows(self) -> "Iterator[tuple[str, StampedFile]]":
        """(as it is called everywhere, digest and stamp) of all that is found."""
        for path in sorted(self._elsewhere.found):
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
        for path in sorted(self._elsewhere.there - self._elsewhere.found):
            try:
                said = files.load(path, _FILE) if path.startswith("/proc/sys/") and os.path.isfile(path) else b""
                yield path, (f"of kind {S_IFMT(os.lstat(path).st_mode):o} {digest(said)}", ())
            except OSError:
                continue

    def _spelled(self, path: str) -> str:
        """As it is called in every worktree, and by every person."""
        elsewhere = self._elsewhere
        if path in elsewhere.fixed or path.split("/", 2)[1] != elsewhere.root.split("/", 2)[1]:
            is_at_home = elsewhere.home and elsewhere.holds(elsewhere.home, path)
            return "~" + path[len(elsewhere.home) :] if is_at_home else path
        beside = os.path.relpath(path, elsewhere.root)
        if not beside.startswith(("../../../", "../.", "../../.")) or not (
            elsewhere.home and elsewhere.holds(elsewhere.home, path)
        ):
            return path if beside.startswith("../../../") else beside
        return "~" + path[len(elsewhere.home) :]

    def _content(self, path: str) -> str:
        elsewhere = self._elsewhere
        budget = Budget(elsewhere.deadline, "what the project's files name", _ENTRIES, _BYTES, cache=elsewhere.cache)
        try:
            if not os.path.isdir(path):
                large = os.path.isfile(path) and os.path.getsize(path) > _FILE
                return edges(path, budget) if large else content(path, budget)
            from skillcache.fingerprint.outside import Outside  # few texts name a folder

            return Outside(elsewhere.root, guarded(elsewhere.environ, elsewhere.root), budget).content(path)
        except Bypass as bypass:
            if bypass.outcome is outcomes.TOO_SLOW:
                raise
            return self._stamped(path) if bypass.outcome is outcomes.TOO_LARGE else "unreadable"
        except OSError:
            return "unreadable"

    def _stamped(self, top: str) -> str:
        """Of a folder with too much in it to be read each time; that there is more than that is remembered."""
        from skillcache.fingerprint import stamped

        elsewhere = self._elsewhere
        real = os.path.realpath(top)
        budget = Budget(elsewhere.deadline, "what the project's files name", cache=elsewhere.cache)
        try:
            return stamped.content(real, elsewhere.root, budget, most=_STAMPED).digest
        except Bypass as bypass:
            if bypass.outcome is not outcomes.TOO_LARGE:
                raise
            return "many: " + digest_parts(map(os.fsencode, sorted(os.listdir(top))))


def _texts_in(top: str, without: "Iterable[str]") -> "Iterator[str]":
    """The code below a folder, as far as it may be read; `without`: folders of these names."""
    left = _MOST_IN_FOLDER
    for number, (folder, folders, names) in enumerate(os.walk(top)):
        if number >= _MOST_IN_FOLDER:
            return
        folders[:] = sorted({name for name in folders if name[0] != "."}.difference(_NOT_READ, without))
        for name in sorted(names):
            if name.endswith(CODE) or "." not in name:
                yield f"{folder}/{name}"
                left -= 1
            if left <= 0:
                return


def _environments(paths: "Iterable[str]") -> list[str]:
    places = {os.path.dirname(os.path.dirname(path)) for path in paths if "/bin/" in path}
    return sorted(place for place in places if os.path.isfile(f"{place}/pyvenv.cfg"))
