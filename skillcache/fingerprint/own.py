"""What runs of one command leave among the files that git ignores: their own outputs, which are none of their inputs.

A file counts by its content unless it is as a run of this very command has left it, by every stamp that it has. Which
files that may be:

- *bookkeeping*, by name (a coverage's data, a log): from the first run that finds it there and changes it. As a
  run has left it, it is no more in the key than one that is not there.
- *reports*, by name (junit.xml, htmlcov): likewise, but whether one is there counts: a run was asked for it, and no
  replay makes one.
- any other: where a run changes it that begins on the very state that the run before has ended with, and that one
  changed it, too, or another file that it made in the same folder. What somebody else writes meanwhile does not come
  again with nothing else changed. That it is there counts.

And of all of them only such as the run has not read before it changed them: a ratchet, a counter, the report of the
last run are inputs. Linux tells that (see `commands/rewritten.Watch`); elsewhere no file is an output.

A folder counts by being there, but for one that a run has made and that holds nothing else than such files.

What another command leaves of bookkeeping and reports (the coverage/ of the tests, for a linter) counts for this one
by being there alone where a run of this one has left it alone although it was another than in the run before, or nobody
has ever read it: a tool that asks stamps whether it has to read it again would have done so. No result is kept of a run
that has so much as opened it. What a compiler may hold of it is no such file, so code is none.

A worktree in which nothing is known of the command yet begins with what is known in the checkout that it is linked to:
which files its runs leave, and which they leave alone. A file that was not there is then its own where a run with the
very same other inputs has found it there and not read it.

    file := form LF base LF lines of  mark path NUL stamp      mark: `o` own, `?` changed by the last run, `v` a
    folder in which each run makes other files, `u` unread, `l` of another command, as it lay there in the last run
    (of a folder of bookkeeping, in which each run of that one makes other files, all in it), `s` no path, but the
    digest of the other inputs of a run that has found all there that it changed, and read none of it
"""

import os

from skillcache.core import files
from skillcache.core.files import digest, digest_parts
from skillcache.core.git import own_folder as own_git_folder
from skillcache.core.git import shared_folder
from skillcache.core.paths import cache_folder, home_folder, own_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    StampedFile = tuple[str, tuple[int, ...]]  # digest of the content, stamp; of a folder '' and its number

_FORM = "3"
_CAP = 8 << 20
NEITHER, BOOKKEEPING, REPORT = range(3)
# A run writes these and says nothing of what they held before; caches that a tool tells of are none of them.
_BOOKS = frozenset([".coverage", ".nyc_output", ".benchmarks"])
_BOOK_ENDS = (".log", ".tsbuildinfo", ".profraw", ".gcda", ".pid", ".prof", ".cov")
_REPORTS = frozenset(
    """htmlcov coverage coverage.xml coverage.json lcov.info test-results test-reports test-output playwright-report
    allure-results mochawesome-report reports junit.xml report.xml report.html report.json results.xml surefire-reports
    .last-run.json""".split()  # noqa: SIM905
)
_REPORT_ENDS = (".lcov", ".trx", ".sarif", ".tap")
_CTEST = "Testing/Temporary/"
# Read by what writes them, to know what it need not write again: no report says another thing for it. Observed:
# coverage 7 and ctest 3.25 (which takes the order of tests that run side by side from it), tsc 5.
_HARMLESS = ("htmlcov/status.json", "Testing/Temporary/CTestCostData.txt", ".tsbuildinfo")
# Of these no tool holds what it has once read, to ask stamps of it from then on.
_DATA = (
    *(".html", ".xml", ".json", ".info", ".lcov", ".css", ".png", ".svg", ".txt", ".log", ".tap", ".sarif", ".trx"),
    *(".coverage", ".prof", ".profraw", ".gcda"),
)
UNREAD = "unread"  # instead of the digest of such a file
_MOST = 2_000  # files watched
_MOST_KNOWN = 20_000
_MOST_SEEN = 50


def class_of(path: str) -> int:
    """Of a file, by its name and those of the folders around it below the root."""
    parts = path.split("/")
    name = parts[-1]
    if not _BOOKS.isdisjoint(parts) or name.endswith(_BOOK_ENDS) or name.startswith(".coverage.") or _CTEST in path:
        return BOOKKEEPING
    is_report = name.startswith(("junit", "TEST-")) and name.endswith(".xml")
    return REPORT if is_report or not _REPORTS.isdisjoint(parts) or name.endswith(_REPORT_ENDS) else NEITHER


class Own:
    """What is known of one command in one worktree. `scope`: the command; '' for one of which nothing is learned."""

    __slots__ = ("_base", "_changed", "_file", "_lay", "_root", "_seen", "_varied", "known", "unread")

    def __init__(self, root: str, scope: str, environ: "Mapping[str, str]") -> None:
        has_cache = home_folder(environ) or environ.get("SKILLCACHE_HOME")
        folder = own_folder(cache_folder(environ)) if scope and has_cache else ""
        self._file = files.small(folder, root, scope) if folder else ""
        self._root = root
        self.known: dict[str, tuple[int, ...]] = {}
        self._changed: dict[str, tuple[int, ...]] = {}
        self._varied: dict[str, tuple[int, ...]] = {}
        self._lay: dict[str, tuple[int, ...]] = {}
        self.unread: dict[str, tuple[int, ...]] = {}
        self._seen: dict[str, tuple[int, ...]] = {}
        self._base = ""
        if self._file and not self._load(self._file) and (main := _main_checkout(root)):
            self._begin(files.small(folder, main, scope))

    def _begin(self, file: str) -> None:
        """With what is known in another worktree: all but stamps of its files."""
        if self._load(file):
            self._base = ""
            self.known = dict.fromkeys(self.known, ())
            self._changed = {}

    def _load(self, file: str) -> bool:
        try:
            text = files.unsealed(file, _CAP).decode("utf-8", "surrogateescape")
        except OSError:  # nearly always there is none
            return False
        form, *lines = text.split("\n")
        if form != _FORM or not lines:
            return False
        base, *lines = lines
        self._base = base
        marks = self._marks()
        for line in lines:
            path, _, stamp = line[1:].partition("\0")
            marks[line[0]][path] = tuple(map(int, stamp.split()))
        return True

    def _marks(self) -> "dict[str, dict[str, tuple[int, ...]]]":
        of_own = {"o": self.known, "?": self._changed, "v": self._varied, "s": self._seen}
        return of_own | {"u": self.unread, "l": self._lay}

    def _save(self) -> None:
        lines = [_FORM, self._base]
        for mark, found in self._marks().items():
            lines += [f"{mark}{path}\0{' '.join(map(str, stamp))}" for path, stamp in found.items() if "\n" not in path]
        text = "\n".join(lines).encode("utf-8", "surrogateescape")
        if self._file and len(text) <= _CAP:
            files.seal(self._file, text)

    def holds(self, path: str, entry: "StampedFile") -> bool:
        """Whether that is what a run has left there."""
        return self.known.get(path) == entry[1] != ()

    def watched(self, before: "Mapping[str, StampedFile]") -> list[str]:
        """The files that a run may find its own: what happens to them in it is to be seen."""
        found = [path for path in before if path[-1] != "/" and (path in self.known or path in self._changed)]
        return found if len(found) <= _MOST else []

    def left_by_others(self, before: "Mapping[str, StampedFile]") -> list[str]:
        """Files and folders that a run may leave alone, of which is to be seen whether it does."""
        return [path for group in self._of_others(before).values() for path in group]

    def leaves_alone(self, path: str) -> str:
        """The file, or the folder of bookkeeping around it, that counts by being there alone; '' for any other."""
        book = _book(path)
        return book if book in self.unread else path if path in self.unread and path[-1] != "/" else ""

    def _of_others(self, found: "Mapping[str, StampedFile]") -> dict[str, list[str]]:
        """What another command may have left: a file, or a folder of bookkeeping with all that is in it."""
        groups: dict[str, list[str]] = {}
        mine = set()
        for path in found if self._file else ():
            name = _book(path) or (path if path.endswith(_DATA) and class_of(path) and path[:2] != "//" else "")
            if path in self.known or path in self._changed or (path[-1] != "/" and not path.endswith(_DATA)):
                mine.add(name)
            elif name:
                groups.setdefault(name, []).append(path)
        groups = {name: paths for name, paths in groups.items() if name not in mine and paths != [name[:-1] + "/"]}
        return groups if sum(map(len, groups.values())) <= _MOST else {}

    def _learn_of_others(
        self, before: "Mapping[str, StampedFile]", after: "Mapping[str, StampedFile]", untouched: "AbstractSet[str]"
    ) -> tuple[bool, bool]:
        """Whether the run has left alone all that its key left out; whether anything is to be kept of it."""
        others, now = self._of_others(before), self._of_others(after)
        stamps = {name: _stamp(paths, before) for name, paths in others.items()}
        alone = {
            name
            for name, paths in others.items()
            if all(path in untouched for path in paths) and name in now and _stamp(now[name], after) == stamps[name]
        }
        is_sound = all((_book(path) or path) in alone for path, entry in before.items() if entry[0] == UNREAD)
        was = dict(self.unread), dict(self._lay)
        changed = {name for name in alone if self._lay.get(name, stamps[name]) != stamps[name]}
        changed |= {name for name in alone if name not in self._lay and _is_never_read(f"{self._root}/{name}")}
        self.unread = {name: () for name in others if name in alone and (name in self.unread or name in changed)}
        self._lay = {name: stamps[name] for name in others if name in alone}
        return is_sound, was != (self.unread, self._lay)

    def learn_from_run(
        self,
        before: "Mapping[str, StampedFile]",
        after: "Mapping[str, StampedFile]",
        rest: "Iterable[bytes]",
        unread: "AbstractSet[str]",
        untouched: "AbstractSet[str]" = frozenset(),
    ) -> bool:
        """Learn from a run; whether a fresh run on the state after it would be given the same. Raises OSError.

        before, after: all that git ignores; rest: of the key, all that it does not; unread: of the files that were
        watched those that nothing in the run has read, or only after it had changed them; untouched: those that
        nobody has so much as opened.
        """
        is_sound, is_news = self._learn_of_others(before, after, untouched)
        # Of what another command has left it is no sign of an output of this one that it was not read.
        unread = unread - set(self.left_by_others(before))
        is_settled = self._learn_of_own(before, after, rest, unread, saved=not is_news)
        return is_sound and is_settled

    def _learn_of_own(
        self,
        before: "Mapping[str, StampedFile]",
        after: "Mapping[str, StampedFile]",
        rest: "Iterable[bytes]",
        unread: "AbstractSet[str]",
        *,
        saved: bool,
    ) -> bool:
        changed = {path for path in before.keys() | after.keys() if self._differs(path, before, after)}
        rewritten = {path for path in before if self._is_same_anew(path, before, after) and class_of(path)}
        if not self._file or not (changed or rewritten):
            if self._file and not saved:
                self._save()
            return not changed
        rest = list(rest)
        others = digest_parts(rest)
        kinds: dict[tuple[int, str], set[str]] = {}
        for path in self.watched(before):
            kinds.setdefault(_kind(path), set()).add(path)
        known_kinds = set(map(_kind, self.known))

        def is_free(path: str) -> bool:
            if path.endswith(_HARMLESS):
                return True
            if path in before:
                return path in unread
            # It was not there: what shows is whether the run read those that the last one had left.
            kin = kinds.get(_kind(path))
            return (others in self._seen and _kind(path) in known_kinds) or (kin is not None and unread >= kin)

        made_anew = [path for path in changed | rewritten if path[-1] != "/" and class_of(path)]
        if any(path in before for path in made_anew) and all(map(is_free, made_anew)):
            self._seen = {**dict(list(self._seen.items())[1 - _MOST_SEEN :]), others: ()}
        same = {path for path in rewritten if is_free(path)}
        named = {path for path in changed if not path.endswith("/") and class_of(path) and is_free(path)}
        folders = {path for path in changed if path.endswith("/")}
        again = {
            path
            for path in changed - named - folders
            if (path in before and path in after and is_free(path) and self.holds(path, before[path]))
            or (_folder(path) in self._varied and (path not in before or is_free(path)))
        }
        made = {path for path in folders if path in after and self._holds_only(path, after, named | again)}
        # A folder that goes with all that runs had left in it.
        gone = {path for path in folders if path not in after}
        made |= {path for path in gone if self.holds(path, before[path]) or _holds(path, before, named | again)}
        left = changed - named - again - made
        settled = named | again | made
        base = self._state(before, left, rest)
        if left and base == self._base:
            now = {path for path in left if self._comes_again(path, before, after, unread)}
            self._varied |= {_folder(path): () for path in now if path not in before}
            settled |= now
            left -= now
        self._base = base if left else ""
        settled |= {
            path
            for path in self._changed
            if path[-1] == "/" and path in after and path not in left and self._holds_only(path, after, settled)
        }
        settled |= same
        self._changed = {path: after[path][1] for path in left | (rewritten - same) if path in after}
        # One that is gone, or another's now, is known to be none that runs read.
        known = list(self.known.items())[-_MOST_KNOWN:]
        self.known = {path: stamp if path in after and path not in changed else () for path, stamp in known}
        self.known |= {path: after[path][1] for path in settled if path in after}
        self._save()
        return not left

    def _comes_again(
        self,
        path: str,
        before: "Mapping[str, StampedFile]",
        after: "Mapping[str, StampedFile]",
        unread: "AbstractSet[str]",
    ) -> bool:
        """What the last run, which began on the same state, has changed, too, and this one has not read."""
        if path in before:
            return path in after and path in unread and self._changed.get(path) == before[path][1]
        folder = _folder(path)
        others = [other for other in self._changed if other[-1] != "/" and _folder(other) == folder]
        return bool(folder and others) and all(other not in before or other in unread for other in others)

    def _differs(self, path: str, before: "Mapping[str, StampedFile]", after: "Mapping[str, StampedFile]") -> bool:
        one, other = before.get(path), after.get(path)
        if one is None or other is None:
            return one != other
        # One that counts by its content has not changed where that is the same again; a folder counts by being there.
        is_same = path.endswith("/") or one[0] == other[0]
        return one != other and (not is_same or self.holds(path, one))

    def _is_same_anew(self, path: str, before: "Mapping[str, StampedFile]", after: "Mapping[str, StampedFile]") -> bool:
        """Whether a file was written once more, with what it held."""
        one, other = before[path], after.get(path)
        return other is not None and path[-1] != "/" and one[1] != other[1] and not self._differs(path, before, after)

    def _holds_only(self, folder: str, after: "Mapping[str, StampedFile]", own: "set[str]") -> bool:
        inside = [path for path in after if path.startswith(folder) and not path.endswith("/")]
        return bool(inside) and all(path in own or self.holds(path, after[path]) for path in inside)

    def _state(self, before: "Mapping[str, StampedFile]", but: "set[str]", rest: "Iterable[bytes]") -> str:
        parts = list(rest)
        for path in sorted(before):
            is_last = self._changed.get(path) == before[path][1]
            if (
                path not in but
                and path[-1] != "/"
                and not is_last
                and not self.holds(path, before[path])
                and not class_of(path)
            ):
                parts += (os.fsencode(path), before[path][0].encode())
        return digest_parts(parts)


def _main_checkout(root: str) -> str:
    """The top of the checkout that the worktree at `root` is linked to; '' where it is none, or of no checkout."""
    try:
        own = own_git_folder(root) if os.path.isfile(f"{root}/.git") else None
        shared = shared_folder(own) if own else ""
    except OSError:
        return ""
    main, found, _ = shared.rpartition("/.git")
    return main if found and shared.endswith("/.git") and main != root else ""


def _holds(folder: str, found: "Mapping[str, StampedFile]", files_: "AbstractSet[str]") -> bool:
    """Whether a folder held nothing but some of these files."""
    inside = {path for path in found if path.startswith(folder) and path[-1] != "/"}
    return bool(inside) and inside <= files_


def _book(path: str) -> str:
    """The folder of bookkeeping that a path lies in, or is, with a slash behind; '' for none."""
    parts = path.split("/")[:-1]
    at = next((at for at, part in enumerate(parts) if part in _BOOKS), -1)
    return "/".join(parts[: at + 1]) + "/" if at >= 0 and path[:2] != "//" else ""


def _is_never_read(path: str) -> bool:
    """Whether nobody has read what the file holds now; False where no times of that are kept, and for a folder."""
    try:
        handle = files.open_regular(path, links=False)
        try:
            status = os.fstat(handle)
            os.read(handle, 1)  # now that time has to move
            moved = os.fstat(handle).st_atime_ns > status.st_atime_ns
        finally:
            os.close(handle)
    except OSError:
        return False
    return moved and status.st_atime_ns <= min(status.st_mtime_ns, status.st_ctime_ns)


def _stamp(paths: "Iterable[str]", found: "Mapping[str, StampedFile]") -> tuple[int, ...]:
    """Of all of them: of one file its own."""
    files_ = sorted(path for path in paths if path[-1] != "/")
    if len(files_) == 1:
        return found[files_[0]][1]
    text = "\0".join(f"{path}\0{found[path][1]}" for path in files_)
    return (int(digest(text.encode("utf-8", "surrogateescape")), 16),)


def _kind(path: str) -> tuple[int, str]:
    """What files have in common that a command makes anew under other names."""
    return class_of(path), path.partition("/")[0] if "/" in path else ""


def _folder(path: str) -> str:
    return path.rpartition("/")[0]
