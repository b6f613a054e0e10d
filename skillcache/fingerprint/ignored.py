"""What git ignores and commands read all the same, classed by one table: caches, packages, everything else."""

import os

from skillcache.core import outcomes
from skillcache.core.digest import digest_parts
from skillcache.core.outcomes import Bypass
from skillcache.fingerprint import packages
from skillcache.fingerprint.files import Budget, blob

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from skillcache.fingerprint.index import Content

MAX_FILES = 2_000

# Caches that no command's report depends on, ignored by git or not.
_CACHE_NAMES = (
    "__pycache__ .pytest_cache .mypy_cache .ruff_cache .hypothesis .pytype .pyre .DS_Store .eslintcache"
    " .stylelintcache .dmypy.json .git .hg .svn"
)
# Outputs and caches, when git ignores them.
_OUTPUT_NAMES = (
    ".tox .nox htmlcov coverage .nyc_output .turbo .parcel-cache .gradle .idea .cache .coverage"
    " coverage.xml coverage.json lcov.info Thumbs.db .angular .ipynb_checkpoints .scannerwork .pnpm-store"
)
_OUTPUT_SUFFIXES = ".log .tsbuildinfo .swp .swo ~ .profraw .gcda .pid .tmp"
_CACHES = frozenset(_CACHE_NAMES.split())
_OUTPUTS = frozenset(_OUTPUT_NAMES.split())
_OUTPUT_ENDS = tuple(_OUTPUT_SUFFIXES.split())
_OUTPUT_STARTS = (".coverage.",)
# Build folders, known by the build file beside them.
_BUILDS = {
    "target": ("Cargo.toml", "pom.xml", "build.sbt"),
    "build": ("build.gradle", "build.gradle.kts"),
}
DRAFT = ".skillcache-"  # and 16 digits: a file of ours while it is put back beside others
_DIGITS = 16
_NEXT = ".next"  # of Next.js, whose tsconfig.json includes the types in it and nothing else


def is_cache(path: bytes) -> bool:
    """Whether a path not known to git lies in a cache that feeds no result."""
    # Not every .pyc: outside __pycache__ Python imports one without its source.
    parts = os.fsdecode(path.rstrip(b"/")).split("/")
    return not _CACHES.isdisjoint(parts) or is_draft(parts[-1])


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

    files: path -> digest of what is read by content; packages: folder -> packages.Installed; links: symbolic
    links met on the way. Paths are relative to `root`. `wanted` names what the command itself reads: never skipped.
    `without`: globs of what does not count; `counted`: of what does, even if it looks like an output of some tool.
    """

    __slots__ = (
        "blind", "budget", "counted", "files", "links", "packages", "plain", "repository", "root", "texts", "wanted",
        "without",
    )  # fmt: skip

    def __init__(self, root: str, budget: Budget, wanted: tuple[str, ...] = ()) -> None:
        self.root = root
        self.budget = budget
        self.wanted = wanted
        self.without: tuple[str, ...] = ()
        self.counted: tuple[str, ...] = ()
        self.files: dict[str, str] = {}
        self.packages: dict[str, packages.Installed] = {}
        self.links: list[str] = []
        self.texts: dict[bytes, tuple[bytes, bytes]] = {}  # path -> mode, object id of what was read
        self.blind = False  # the tools of the command search no hidden folder
        self.plain: set[str] = set()  # folders found to be neither skipped nor packages
        self.repository: Callable[[str], Content] | None = None

    def add(self, entries: "Iterable[bytes]") -> None:
        """Capture entries as git lists them, folders with a trailing slash."""
        for entry in entries:
            path = os.fsdecode(entry)
            if self._above(path.rstrip("/")):
                continue
            if path.endswith("/"):
                self._folder(path[:-1])
            else:
                parts: list[bytes] = []
                self._file(path, parts)
                if parts:
                    self.files[path] = digest_parts(parts)

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
            self.files[folder] = inner.digest
            self.add(os.fsencode(folder) + b"/" + path for path in inner.ignored)
            self.links += [f"{folder}/{os.fsdecode(path)}" for path in inner.links]
            return True
        return False

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
        if name in _CACHES or name in _OUTPUTS or is_draft(name):
            return True
        if os.path.basename(os.path.dirname(path)) == ".claude" and (self.blind or name != "worktrees"):
            return True  # Claude Code's own; but some tools search every folder, and find its worktrees
        before, found, within = path.rpartition(f"{_NEXT}/")
        if found and (not before or before.endswith("/")) and not f"{within}/".startswith(("types/", "dev/types/")):
            return within != "dev"
        if directory:
            beside = os.path.join(self.root, os.path.dirname(path))
            return any(os.path.exists(os.path.join(beside, build)) for build in _BUILDS.get(name, ()))
        return name.endswith(_OUTPUT_ENDS) or name.startswith(_OUTPUT_STARTS)

    def _folder(self, top: str) -> None:
        if self._settled(top):
            return
        parts: list[bytes] = []
        pending = [top]
        while pending:
            folder = pending.pop()
            with os.scandir(os.path.join(self.root, folder)) as found:
                entries = sorted(found, key=_name)
            for entry in entries:
                path = f"{folder}/{entry.name}"
                if not entry.is_dir(follow_symlinks=False):
                    self._file(path, parts)
                elif not self._settled(path):
                    self.budget.spend(0)
                    pending.append(path)
        if parts:
            self.files[top] = digest_parts(parts)

    def _file(self, path: str, parts: list[bytes]) -> None:
        if self._skips(path, directory=False):
            return
        full = os.path.join(self.root, path)
        what = blob(os.fsencode(full), self.budget, long=False)
        if what is not None:
            parts += (os.fsencode(path), what[0], what[1])
            self.texts[os.fsencode(path)] = what[:2]
        if os.path.islink(full):
            self.links.append(path)


def _is_skipped(path: str) -> bool:
    """Whether the command names a cache itself; naming a folder around it says nothing of the cache."""
    return any(part in _CACHES or part in _OUTPUTS for part in path.split("/"))


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name
