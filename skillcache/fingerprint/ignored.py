"""What git ignores and commands read all the same, classed by one table: caches, packages, everything else."""

import os
import time
from stat import S_ISLNK, S_ISREG

from skillcache.core import outcomes
from skillcache.core.files import digest_parts
from skillcache.core.outcomes import Bypass
from skillcache.fingerprint.contents import Budget, blob, unusual_mode
from skillcache.fingerprint.own import BOOKKEEPING, NEITHER, UNREAD, class_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from skillcache.fingerprint.index import Content
    from skillcache.fingerprint.own import Own, StampedFile
    from skillcache.fingerprint.packages import Installed
    from skillcache.fingerprint.worktree import Reading

MAX_FILES, MAX_BYTES = 2_000, 64 << 20  # up to here by content, from here on by stamps
MAX_WALKED = 200_000

# No command's report depends on these, ignored by git or not, as their tools ask for every piece whether it still
# fits: compiled modules (of whose sources all is in the key), results by content, the last run's failures, which
# options ask for that have a rule of their own. The rest are of a desktop, an editor, another version control.
_CACHE_NAMES = (
    "__pycache__ .pytest_cache .mypy_cache .ruff_cache .hypothesis .pytype .pyre .DS_Store Thumbs.db .idea"
    " .eslintcache .stylelintcache .dmypy.json .git .hg .svn"
)
# Outputs and caches, when git ignores them: elsewhere than in the project itself, and where a skill says what counts.
_OUTPUT_NAMES = (
    ".tox .nox htmlcov coverage .nyc_output .turbo .parcel-cache .gradle .cache .coverage"
    " coverage.xml coverage.json lcov.info .angular .ipynb_checkpoints .scannerwork .pnpm-store"
)
_OUTPUT_SUFFIXES = ".log .tsbuildinfo .profraw .gcda .pid .tmp"
_EDITORS = (".swp", ".swo", ".swx", "~")  # what an editor keeps while a file is open, or of how it was
_CACHES = frozenset(_CACHE_NAMES.split())
_OUTPUTS = frozenset(_OUTPUT_NAMES.split())
_OUTPUT_ENDS = tuple(_OUTPUT_SUFFIXES.split())
_OUTPUT_STARTS = (".coverage.",)
# Build folders, known by the build file beside them, and their tools, which ask themselves what in them still fits.
_BUILDS = {
    "target": ("Cargo.toml", "pom.xml", "build.sbt"),
    "build": ("build.gradle", "build.gradle.kts"),
}
_STARTED = "rustc rustdoc rustfmt clippy-driver java javac"  # by them, and by nothing else of the command
BUILDERS = frozenset(f"cargo cargo-nextest cargo-clippy mvn mvnw gradle gradlew sbt {_STARTED}".split())
# Claude Code's own of a session, which no other program reads: permissions that were granted, what it will do when.
_SESSION = frozenset("settings.local.json scheduled_tasks.json scheduled_tasks.lock skillcache.toml".split())  # noqa: SIM905
DRAFT = ".skillcache-"  # and 16 digits: a file of ours while it is put back beside others
_DIGITS = 16
_OF_CTEST = ("/Testing/Temporary", "/Testing")  # logs and what tests have cost, which only --rerun-failed asks for
_NEXT = ".next"  # of Next.js, whose tsconfig.json includes the types in it and nothing else


def is_cache(path: bytes) -> bool:
    """Whether a path not known to git lies in a cache that feeds no result."""
    # Not every .pyc: outside __pycache__ Python imports one without its source.
    parts = os.fsdecode(path.rstrip(b"/")).split("/")
    return not _CACHES.isdisjoint(parts) or is_draft(parts[-1]) or parts[-2:] == [".claude", "settings.local.json"]


def is_draft(name: str) -> bool:
    """Whether a killed process may have left it of a file of a skill's that it was putting back."""
    digits, _, rest = name[len(DRAFT) :].partition(".")
    is_ours = name.startswith(DRAFT) and len(digits) == _DIGITS and all(c in "0123456789abcdef" for c in digits)
    return is_ours and (not rest or rest.endswith("new"))


def package_folder(path: bytes, root: bytes, known: dict[bytes, bool]) -> bytes | None:
    """The folder of installed packages that a path not known to git lies in; `known` remembers folders."""
    at = path.find(b"/")
    while at >= 0:
        folder = path[:at]
        if folder not in known:
            known[folder] = folder.endswith(b"node_modules") or os.path.exists(
                os.path.join(root, folder, b"pyvenv.cfg")
            )
        if known[folder]:
            return folder
        at = path.find(b"/", at + 1)
    return None


class Ignored:
    """The captured entries.

    files: what is in the key, path -> digest; packages: folder -> packages.Installed; links: symbolic
    links met on the way. Paths are relative to `root`. `wanted` names what the command itself reads: never skipped.
    `without`: globs of what does not count; `counted`: of what does, even if it looks like an output of some tool.
    """

    __slots__ = (
        "_entries", "_statuses", "_tops", "blind", "budget", "building", "counted", "ctest", "inner", "links", "own",
        "packages", "plain", "repository", "root", "texts", "wanted", "without",
    )  # fmt: skip

    def __init__(self, root: str, budget: Budget, wanted: tuple[str, ...] = ()) -> None:
        self.root = root
        self.budget = budget
        self.wanted = wanted
        self.without: tuple[str, ...] = ()
        self.counted: tuple[str, ...] = ()
        self.packages: dict[str, Installed] = {}
        self.links: list[str] = []
        self.texts: dict[bytes, tuple[bytes, bytes]] = {}  # path -> mode, object id of what was read
        self.blind = False  # the tools of the command search no hidden folder
        self.building = False  # the tool of the command is one that builds
        self.ctest = False  # the tool of the command is one, which writes and reads what each of its runs does
        self.own: Own | None = None  # None: what looks like an output does not count
        self.plain: set[str] = set()  # folders found to be neither skipped nor packages
        self.repository: Callable[[str], Content] | None = None
        self.inner: dict[str, Reading] = {}  # what `repository` has read, if it keeps that
        self._tops: dict[str, str] = {}  # path -> the entry of git's that it belongs to
        self._statuses: dict[str, os.stat_result] = {}
        self._entries: dict[str, StampedFile] = {}

    def add(self, entries: "Iterable[bytes]") -> None:
        """Capture entries as git lists them, folders with a trailing slash."""
        for entry in entries:
            path = os.fsdecode(entry)
            if self._above(path.rstrip("/")):
                continue
            if path.endswith("/"):
                self._folder(path[:-1])
            else:
                self._file(path, path)

    def _above(self, path: str) -> bool:
        """Whether a folder on the way to `path` settles it; its packages are captured then."""
        at = path.find("/")
        while at >= 0:
            folder = path[:at]
            if self._settled(folder):
                return True
            at = path.find("/", at + 1)
        return False

    def _settled(self, folder: str) -> bool:
        if folder in self.plain:
            return False
        if folder in self.packages or self._skips(folder, directory=True):
            return True
        full = os.path.join(self.root, folder)
        from skillcache.fingerprint import packages  # not every project has them

        installed = packages.of_folder(full, self.root, self.budget)
        if installed is not None:
            self.packages[folder] = installed
            return True
        self.plain.add(folder)
        if self.repository is not None and os.path.lexists(os.path.join(full, ".git")):
            try:
                inner = self.repository(full)
            except Bypass as bypass:
                if bypass.outcome is not outcomes.NO_GIT:
                    raise
                return False  # files that only look like a repository
            self._entries[folder], self._tops[folder] = (inner.digest, ()), folder
            self.add(os.fsencode(folder) + b"/" + path for path in inner.ignored)
            self.links += [f"{folder}/{os.fsdecode(path)}" for path in inner.links]
            return True
        return False

    def skips(self, path: str, *, directory: bool = False) -> bool:
        """Whether it, or a folder on the way to it, would be left out for its name."""
        parts = path.split("/")
        folders = ("/".join(parts[:at]) for at in range(1, len(parts)))
        return any(self._skips(folder, directory=True) for folder in folders) or self._skips(path, directory=directory)

    def _skips(self, path: str, *, directory: bool) -> bool:
        if self.without or self.counted:
            from skillcache.fingerprint.globs import concerns, matches  # only skills name such files

            if any(matches(glob, path) for glob in self.without):
                return True
            if not is_cache(os.fsencode(path)) and any(concerns(g, path, folder=directory) for g in self.counted):
                return False
        if any(_within(wanted, path) or (_within(path, wanted) and _is_skipped(wanted)) for wanted in self.wanted):
            return False
        name = path[path.rfind("/") + 1 :]
        if name in _CACHES or is_draft(name):
            return True
        if self.ctest and directory and f"/{path}".endswith(_OF_CTEST):
            return self._is_of_ctest(path)
        if os.path.basename(os.path.dirname(path)) == ".claude" and self._is_of_client(name):
            return True
        before, found, within = path.rpartition(f"{_NEXT}/")
        if found and (not before or before.endswith("/")) and not f"{within}/".startswith(("types/", "dev/types/")):
            return within != "dev"
        return self._looks_written(path, name, directory=directory)

    def _is_of_ctest(self, path: str) -> bool:
        """Whether ctest has made the folder, and nothing else lies in it: a source folder may be called so, too."""
        full = os.path.join(self.root, path)
        build, _, _ = full.rpartition("/Testing")
        is_whole = full.endswith("/Temporary") or os.listdir(full) == ["Temporary"]
        return is_whole and os.path.exists(f"{build}/CTestTestfile.cmake")

    def _looks_written(self, path: str, name: str, *, directory: bool) -> bool:
        if directory and (self.building or self.own is None):
            beside = os.path.join(self.root, os.path.dirname(path))
            if any(os.path.exists(os.path.join(beside, build)) for build in _BUILDS.get(name, ())):
                return True
        if directory or self.own is not None:
            return name.endswith(_EDITORS) if not directory else self.own is None and name in _OUTPUTS
        return name in _OUTPUTS or name.endswith((*_EDITORS, *_OUTPUT_ENDS)) or name.startswith(_OUTPUT_STARTS)

    def _is_of_client(self, name: str) -> bool:
        """Some tools search every folder, and find its worktrees, which lie in a folder that others leave alone."""
        return name in _SESSION or (self.blind if name == "worktrees" else self.own is None)

    def _folder(self, top: str) -> None:
        if self._settled(top):
            return
        pending = [top]
        while pending:
            folder = pending.pop()
            full = os.path.join(self.root, folder)
            with os.scandir(full) as found:
                entries = sorted(found, key=_name)
            if self.own is not None and not f"/{folder}/".endswith("/.claude/") and f"/{_NEXT}/" not in f"/{folder}/":
                self._entries[f"{folder}/"], self._tops[f"{folder}/"] = ("", (os.lstat(full).st_ino,)), top
            for entry in entries:
                path = f"{folder}/{entry.name}"
                if not entry.is_dir(follow_symlinks=False):
                    self._file(path, top)
                elif not self._settled(path):
                    self._spend()
                    pending.append(path)

    def _file(self, path: str, top: str) -> None:
        if self._skips(path, directory=False):
            return
        self._spend()
        try:
            self._statuses[path] = os.lstat(os.path.join(self.root, path))
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise Bypass(outcomes.UNCAPTURABLE, f"{path}: {error.strerror}") from None
        self._tops[path] = top

    def _spend(self) -> None:
        if len(self._statuses) > MAX_WALKED:
            raise Bypass(outcomes.TOO_LARGE, "too many ignored files")
        if len(self._statuses) % 64 == 0 and time.monotonic() > self.budget.deadline:
            raise Bypass(outcomes.TOO_SLOW, "reading ignored files")

    @property
    def entries(self) -> "dict[str, StampedFile]":
        """All that was found: path, of a folder with a slash behind -> digest of the content, stamp."""
        if not self._statuses:
            return self._entries
        sizes: dict[str, list[int]] = {}
        for path, status in self._statuses.items():
            counted = sizes.setdefault(self._tops[path], [0, 0])
            counted[0] += 1
            counted[1] += status.st_size
        files_left, bytes_left = MAX_FILES, MAX_BYTES
        whole = set()
        for top, (files, size) in sorted(sizes.items(), key=lambda item: (item[1], item[0])):
            files_left, bytes_left = files_left - files, bytes_left - size
            if files_left < 0 or bytes_left < 0:
                break
            whole.add(top)
        for path, status in self._statuses.items():
            self._entries[path] = self._entry(path, status, whole=self._tops[path] in whole)
        self._statuses = {}
        return self._entries

    def _entry(self, path: str, status: os.stat_result, *, whole: bool) -> "StampedFile":
        stamp = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        if self.own is not None and self.own.known.get(path) == stamp:
            return "own", stamp
        if self.own is not None and S_ISREG(status.st_mode) and self.own.leaves_alone(path):
            return UNREAD, stamp
        full = os.path.join(self.root, path)
        if S_ISLNK(status.st_mode):
            self.links.append(path)
        if not whole and S_ISREG(status.st_mode):
            return f"{status.st_mode:o} {status.st_size} {status.st_mtime_ns} {status.st_ino}", stamp
        # Whether anybody has read a report is to be seen by the time of that.
        what = blob(os.fsencode(full), self.budget, long=False, quiet=class_of(path) != NEITHER)
        if what is None:
            return "gone", ()
        self.texts[os.fsencode(path)] = what[:2]
        return f"{unusual_mode(status)}{what[0].decode()} {what[1].decode()}", stamp

    @property
    def files(self) -> dict[str, str]:
        """One digest for each entry of git's, without what a run of this command has left there itself."""
        return {name: value for _, name, value in self.rows()}

    def take(self) -> dict[str, str]:
        """`files`, which then are none."""
        found = self.files
        self._entries = {}
        return found

    def rows(self) -> "list[tuple[str, str, str]]":
        """(label, path, digest): "ignored"; "beside" for what lies beside outputs of this command, "output" for one.

        And "unread" for what another command has left and this one leaves alone.
        """
        own = self.own
        parts: dict[str, list[bytes]] = {}
        mixed: set[str] = set()
        rows = []
        for path, entry in sorted(self.entries.items()):
            top = self._tops[path]
            if own is not None and own.holds(path, entry):
                mixed.add(top)
                if not path.endswith("/") and class_of(path) != BOOKKEEPING:
                    rows.append(("output", path, "own"))
                continue
            if own is not None and path[-1] != "/" and (alone := own.leaves_alone(path)):
                rows.append((UNREAD, alone, ""))
                continue
            parts.setdefault(top, []).extend((os.fsencode(path), entry[0].encode()))
        rows = list(dict.fromkeys(rows))
        for top, found in parts.items():
            rows.append(("beside" if top in mixed else "ignored", top, digest_parts(found)))
        return rows


def _is_skipped(path: str) -> bool:
    """Whether the command names a cache itself; naming a folder around it says nothing of the cache."""
    return any(part in _CACHES or part in _OUTPUTS for part in path.split("/"))


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name
