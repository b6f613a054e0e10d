"""Which of what a command was seen to read its key holds: decided by observing the capture of the key in the same way.

No table of places is kept here, so none can fall behind: the capture of the same command runs under strace itself, once
with nothing remembered and once more, as it does on every call. What the second does not look at cannot change the key.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from skillcache.core import processes
from skillcache.core.git import own_folder, shared_folder
from skillcache.core.paths import cache_folder, observed_folder
from skillcache.fingerprint import ignored, traced
from skillcache.fingerprint.above import is_shaped
from skillcache.fingerprint.globs import matches
from skillcache.fingerprint.traced import ABSENT, LISTED, LOOKED, READ, STARTED, WRITTEN, Seen, Trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.fingerprint.contents import Budget

MARK = "/.skillcache-observed"
SECONDS = 120.0  # of the capture, which strace makes many times as long
ANSWER = "skillcache-observed "
_CODE = (
    "import sys; sys.path.insert(0, sys.argv[1]);"
    " from skillcache.cli.explain import probe; probe(sys.argv[2], sys.argv[3:])"
)

# What became of a path that a command looked at.
SYSTEM = "system"  # of the operating system, or of the installation of a program that the key identifies
OWN = "own"  # the command made it itself
CACHE = "cache"  # no report depends on it, by the table of caches
PACKAGES = "packages"  # of installed packages, which the key holds by their manifests
HELD = "held"
TEMPORARY = "temporary"  # below a place for temporary files that the command writes to as well
UNHELD = "unheld"

_SYSTEM = (
    *("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/proc", "/sys", "/dev", "/run", "/var", "/boot"),
    "/selinux",
)
_SHARED, _TEMPORARY = "/tmp", "/var/tmp"  # noqa: S108 - never used
# What programs ask of the machine for every user alike; other files of /etc are configuration.
_OF_ETC = frozenset(
    """passwd group shadow nsswitch.conf hosts host.conf hostname resolv.conf gai.conf networks protocols services
    localtime timezone locale.alias locale.conf default ld.so.cache ld.so.conf ld.so.conf.d ld.so.preload ssl
    ca-certificates ca-certificates.conf crypto-policies pki mime.types magic magic.mime os-release lsb-release
    malloc.conf _rjem_malloc.conf netsvc.conf svc.conf
    debian_version redhat-release alpine-release machine-id alternatives selinux fonts terminfo inputrc profile
    bash.bashrc pam.d security environment mtab fstab python3 python3.11 java-8-openjdk java-11-openjdk
    java-17-openjdk java-21-openjdk suid-debug debuginfod system-release SuSE-release""".split()  # noqa: SIM905
)
# Programs that every system has, and whose reports nobody's tests are about.
_EVERYWHERE = frozenset(
    """sh dash bash env true false test [ cat cp mv rm ln ls mkdir mktemp rmdir touch chmod chown dirname basename
    readlink realpath stat head tail cut sort uniq tr wc tee date sleep uname hostname id whoami pwd printf echo expr
    seq xargs find grep egrep fgrep sed nproc getconf ldconfig ldconfig.real tty stty which nice timeout""".split()  # noqa: SIM905
)
_OF_PACKAGES = frozenset(["node_modules", "site-packages", "dist-packages"])
# Where tools keep what they fetched, each version of it in a place of its own.
_FETCHED = (
    ".cargo/registry",
    ".rustup/toolchains",
    "go/pkg/mod",
    ".m2/repository",
    ".gradle/caches",
    ".nuget/packages",
)
_SHARED_TOPS = ("/", "/usr", "/usr/local")
_OF_SYSTEMS_PROGRAMS = ("/usr/lib", "/usr/libexec", "/lib", "/usr/lib64")
_INSTALLED = ("lib", "lib64", "libexec", "include", "share", "jmods", "conf", "pkg", "src")
# Programs whose libraries lie in the installation of the same version.
_WHOLE = (
    "python",
    "pypy",
    "node",
    "ruby",
    "perl",
    "php",
    "rustc",
    "cargo",
    "go",
    "java",
    "gcc",
    "clang",
    "deno",
    "bun",
)
_OF_TERMINAL = (".terminfo", ".inputrc")  # at home
_JOURNALS = ("-journal", "-wal", "-shm")  # of a database, beside it
# Git's own state, which the key holds where a task may ask for it.
_STATE = ("HEAD", "index", "packed-refs", "refs", "logs", "objects", "config", "config.worktree", "commondir", "gitdir")
_GIT = frozenset(["git"])


class KeyInputs:
    """What the key of one command holds.

    root: top of the project; rule, pattern: of what covers the command, '' where no rule does; bypass: (outcome, words)
    where it has no key; rows: of its key; cold, warm: the two captures as observed.
    """

    def __init__(self, answer: Mapping[str, object], cold: Trace, warm: Trace, environ: Mapping[str, str]) -> None:
        self.root = str(answer.get("root") or "")
        self.rule = str(answer.get("rule") or "")
        self.pattern = str(answer.get("pattern") or "")
        given = answer.get("bypass")
        self.bypass = (str(given[0]), str(given[1])) if isinstance(given, list) else None
        rows = answer.get("rows")
        self.rows = [(str(a), str(b), str(c)) for a, b, c in rows] if isinstance(rows, list) else []
        depends = answer.get("depends")
        self.depends = [str(glob) for glob in depends] if isinstance(depends, list) else None
        self.cold = cold
        self.warm = warm
        self.searched = {os.path.realpath(folder) for folder in environ.get("PATH", os.defpath).split(":")}
        self.home = os.path.realpath(environ.get("HOME") or "/")
        self.settled = ignored.Ignored(self.root, _no_budget()) if self.root else None
        self.git: list[str] = []
        own = own_folder(self.root) if self.root else None
        if own is not None:
            self.git = [os.path.realpath(own), os.path.realpath(shared_folder(own))]
        self.installations = list(dict.fromkeys(self._installations()))
        cache = environ.get("XDG_CACHE_HOME") or ""
        temporary = environ.get("TMPDIR") or ""
        self.temporary = [os.path.realpath(temporary) if os.path.isabs(temporary) else _SHARED, _SHARED, _TEMPORARY]
        self.caches = [os.path.realpath(cache) if os.path.isabs(cache) else os.path.join(self.home, ".cache")]

    def kind_of(self, path: str, seen: Seen, trace: Trace) -> str:
        """One of the kinds above, of a path in the trace of the command."""
        if trace.is_own(path):
            return OWN
        if self._is_about_git(path):
            return HELD if self._holds_git(path, seen) else UNHELD
        if self.holds(path, seen):
            return HELD
        if _is_within(path, [self.root]) and ignored.is_cache(os.fsencode(path[len(self.root) + 1 :])):
            return CACHE
        if not _is_within(path, [self.root]) and (ignored.is_cache(os.fsencode(path)) or _is_within(path, self.caches)):
            return CACHE
        if self._is_of_packages(path):
            return PACKAGES
        if self._is_program_held(path, seen) if STARTED in seen.kinds else self._is_system(path):
            return SYSTEM
        if seen.kinds.isdisjoint({READ, STARTED}) and _is_within(path, [f"{top}/bin" for top in self.installations]):
            return SYSTEM  # an interpreter's search for itself, and its script's folder as a place of modules
        if self._is_output(path, trace):
            return OWN
        return TEMPORARY if self._is_temporary(path, trace) else UNHELD

    def holds(self, path: str, seen: Seen) -> bool:
        """Whether the key would be another if the path were another, gone, or there."""
        if not seen.kinds.isdisjoint({READ, STARTED}):
            return self._reads(path)
        if LISTED in seen.kinds:
            return self._lists(path)
        if ABSENT in seen.kinds:
            return self._misses(path)
        if os.path.isdir(path):
            # That a folder is there: the key has looked at it, or at something in it.
            return self._is_touched(path) or self._lists(os.path.dirname(path)) or self._is_way(path)
        return self._is_touched(path) or self._lists(os.path.dirname(path))

    def _reads(self, path: str) -> bool:
        now = self.warm.seen.get(path)
        if now is None:
            return False
        if now.by <= _GIT:
            return self._is_content(path)  # what git reads for itself is no part of the key
        before = self.cold.seen.get(path)
        return (
            READ in now.kinds
            or (before is not None and READ in before.kinds)
            or ("git" in now.by and self._is_content(path))
        )

    def _lists(self, path: str) -> bool:
        if self._is_searched(path):
            return False  # only for names of a certain form
        now, before = self.warm.seen.get(path), self.cold.seen.get(path)
        if now is None or (now.by <= _GIT and (self.depends is not None or not _is_within(path, [self.root]))):
            return False
        return LISTED in now.kinds or (before is not None and LISTED in before.kinds)

    def _misses(self, path: str) -> bool:
        within = _is_within(path, [self.root])
        if within and self.settled is not None and self.settled.skips(path[len(self.root) + 1 :]):
            return False
        for place in traced.above(path):
            now = self.warm.seen.get(place)
            if now is not None and ABSENT in now.kinds and not now.by <= _GIT:
                return True
            folder = os.path.dirname(place)
            if os.path.isdir(folder):
                return is_shaped(os.path.basename(place)) if self._is_searched(folder) else self._lists(folder)
            if os.path.lexists(folder):  # a file, which has nothing below it
                return self._is_touched(folder)
        return False

    def _is_searched(self, folder: str) -> bool:
        """Whether the key looks for configuration there, and for nothing else: in a folder above, and at home."""
        return folder == self.home or (self.root.startswith(folder.rstrip("/") + "/") and folder != self.root)

    def _is_touched(self, path: str) -> bool:
        now = self.warm.seen.get(path)
        return now is not None and (not now.by <= _GIT or self._is_content(path))

    def _is_content(self, path: str) -> bool:
        """Whether git tells of it: of the project, and not left out by the rule."""
        if not _is_within(path, [self.root]):
            return False
        return self.depends is None or any(matches(glob, path[len(self.root) + 1 :]) for glob in self.depends)

    def _is_way(self, path: str) -> bool:
        """A folder on the way to the project, the home folder or a program that is held is there, or nothing is."""
        ends = [self.root, self.home, *self.installations, *(real for real, _ in self.cold.of(READ))]
        return any(end.startswith(path.rstrip("/") + "/") for end in ends)

    def _is_about_git(self, path: str) -> bool:
        return _is_within(path, self.git)

    def _holds_git(self, path: str, seen: Seen) -> bool:
        if path in self.git or seen.kinds <= {LOOKED, LISTED, ABSENT}:
            return True
        for folder in self.git:
            if _is_within(path, [f"{folder}/{name}" for name in _STATE]):
                return any(label == "git" for label, _, _ in self.rows)
        now = self.warm.seen.get(path)
        return now is not None and not now.by <= _GIT

    def _installations(self) -> Iterator[str]:
        """The folders of the interpreters and compilers that the key identifies, one thing with what is there.

        But for such as people put things of their own into.
        """
        for path, seen in self.cold.of(READ):
            is_one = os.path.basename(path).rstrip("0123456789.-").startswith(_WHOLE)
            if seen.by <= _GIT or not is_one or not os.access(path, os.X_OK) or os.path.isdir(path):
                continue
            for place in (os.path.dirname(path), os.path.dirname(seen.spelled)):
                top = os.path.dirname(place)
                is_ours = top in {"/", self.home, f"{self.home}/.local"} or _is_within(top, [self.root])
                if os.path.basename(place) in {"bin", "sbin"} and not is_ours:
                    yield top

    def _is_of_packages(self, path: str) -> bool:
        for place in traced.above(path):
            if os.path.basename(place) in _OF_PACKAGES:
                return self._is_touched(place) or any(each.startswith(place + "/") for each in self.warm.seen)
        return _is_within(path, [f"{self.home}/{place}" for place in _FETCHED])

    def _is_output(self, path: str, trace: Trace) -> bool:
        """In a folder that is left out for its name, and which the command writes to: what it keeps there itself.

        Of a folder such as `target` each part counts by itself: what another command builds beside is read.
        """
        if self.settled is None or not path.startswith(self.root + "/"):
            return False
        parts = path[len(self.root) + 1 :].split("/")
        for at in range(1, len(parts) + 1):
            top = "/".join(parts[:at])
            if self.settled.skips(top, directory=True):
                unit = parts[: at + 1] if len(parts) > at + 1 else parts[:at]
                place = os.path.join(self.root, *unit)
                return any(_is_within(written, [place]) for written, _ in trace.of(WRITTEN))
        return False

    def _is_program_held(self, path: str, seen: Seen) -> bool:
        """A part of the installation of another, a shim of an identified one, or one that is the same everywhere."""
        name, place = os.path.basename(path), os.path.dirname(path)
        if name in _EVERYWHERE and self._is_system(path):
            return True
        names = {name, os.path.basename(seen.spelled)}
        if self._is_touched(path) and any(
            label == "tool" and os.path.basename(n) in names for label, n, _ in self.rows
        ):
            return True
        tops = [top for top in self.installations if top not in _SHARED_TOPS]
        parts = [*_OF_SYSTEMS_PROGRAMS, *(f"{top}/{name}" for top in tops for name in (*_INSTALLED, "bin"))]
        return _is_within(path, parts) and place not in self.searched

    def _is_temporary(self, path: str, trace: Trace) -> bool:
        if path in self.temporary:
            return True
        base = next((path.removesuffix(end) for end in _JOURNALS if path.endswith(end)), path)
        if base != path and (beside := trace.seen.get(base)) is not None and WRITTEN in beside.kinds:
            return True
        for top in self.temporary:
            if path.startswith(top + "/"):
                place = "/".join(path.split("/")[: top.count("/") + 2])
                if not _is_within(self.root, [place]):
                    return any(_is_within(written, [place]) for written, _ in trace.of(WRITTEN))
        return False

    def _is_system(self, path: str) -> bool:
        if path == "/" or (_is_within(path, _SYSTEM) and not _is_within(path, [_TEMPORARY])):
            return True
        name = os.path.basename(path)
        if name.startswith("python") and name.endswith(".zip"):
            return True  # looked for at Python's start, in each folder above it
        if _is_within(path, [f"{self.home}/{name}" for name in _OF_TERMINAL]):
            return True
        if path == "/etc" or (path.startswith("/etc/") and path.split("/")[2] in _OF_ETC):
            return True
        return any(_is_within(path, [f"{top}/{name}" for name in _INSTALLED]) for top in self.installations)


def held(
    words: tuple[str, ...], cwd: str, environ: Mapping[str, str], tracer: str, *, seconds: float = SECONDS
) -> KeyInputs:
    """What the key of the command holds in `cwd` now. Raises OSError, and TimeoutError where it takes too long."""
    place = tempfile.mkdtemp(prefix="skillcache-observed-")
    try:
        os.mkdir(f"{place}/home", 0o700)
        known = observed_folder(cache_folder(environ))
        if os.path.isdir(known):
            shutil.copytree(known, f"{place}/home/observed")
        package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        log = f"{place}/trace"
        argv = [*traced.command(tracer, log), sys.executable, "-I", "-c", _CODE, package, cwd, *words]
        child = processes.start(tracer, argv, {**environ, "SKILLCACHE_HOME": f"{place}/home"})
        processes.gather([child], time.monotonic() + seconds)
        _, mark, answer = child.output.decode("utf-8", "replace").rpartition(ANSWER)
        if not mark:
            raise OSError(f"strace could not observe what the key is made of: it ended with {child.status}")
        _, cold, warm, *_ = [*traced.read(log, cwd, mark=MARK), Trace(), Trace()]
        return KeyInputs(json.loads(answer), cold, warm, environ)
    finally:
        shutil.rmtree(place, ignore_errors=True)


class Finding(NamedTuple):
    """A path that a command looked at and its key does not hold.

    kind: how, of `traced`; spelled: as it was called; kept: whether the command writes to it as well, as to what it
    keeps from run to run.
    """

    path: str
    kind: str
    spelled: str
    kept: bool


def unheld(trace: Trace, key: KeyInputs) -> list[Finding]:
    """What the command read, listed, looked for or looked at, that its key does not hold, in the order of its looks."""
    found = []
    started = {os.path.basename(words[0]) for words in trace.programs.values()}
    for path, seen in trace.seen.items():
        if seen.kinds == {ABSENT} and os.path.basename(path) in started and os.path.dirname(path) in key.searched:
            continue  # of a search for a program that was found further on
        if seen.kinds == {ABSENT} and os.path.isfile(next(filter(os.path.lexists, traced.above(path)), "/")):
            continue  # below a file, where nothing can be
        kinds = [kind for kind in (STARTED, READ, LISTED, ABSENT, LOOKED) if kind in seen.kinds]
        if kinds and key.kind_of(path, seen, trace) == UNHELD:
            found.append(Finding(path, kinds[0], seen.spelled, WRITTEN in seen.kinds))
    return found


def _no_budget() -> "Budget":
    from skillcache.fingerprint.contents import Budget

    return Budget(time.monotonic() + SECONDS, "nothing")


def _is_within(path: str, folders: "tuple[str, ...] | list[str]") -> bool:
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders if folder)
