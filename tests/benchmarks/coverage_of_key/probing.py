"""Whether the key holds what a tool looked at, by experiment: the path is changed, made or removed, and the key asked.

An experiment cannot be fooled by how the key is made. What it tells is the least: that the key is not deaf to the path.
"""

import os
import shutil
import stat
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from skillcache.fingerprint.traced import ABSENT, LISTED, LOOKED, READ, STARTED, Trace
from tests.benchmarks.coverage_of_key import known
from tests.benchmarks.coverage_of_key.bench import Bench
from tests.benchmarks.coverage_of_key.projects import PROJECT

_PACKAGES, _CONTENT = "packages", "content"
# How many of each kind are asked after in folders of packages, and in the project, whose content answers for them.
_MOST = {_PACKAGES: 8, _CONTENT: 300}
_FEW = {_PACKAGES: 3, _CONTENT: 10}
_BATCH = 16


class Finding(NamedTuple):
    kind: str
    why: str
    path: str


class Examined:
    """key: before all experiments; counts: of what was looked at, by kind and why it need not be asked after.

    asked: how many paths were; wanting: those that the key does not hold; exempt: path -> why it need not hold them.
    """

    def __init__(self, key: str, counts: dict[str, int]) -> None:
        self.key = key
        self.counts = counts
        self.asked = 0
        self.wanting: list[Finding] = []
        self.exempt: dict[str, str] = {}


def examine(bench: Bench, trace: Trace, *, ask: bool, briefly: bool) -> Examined:
    Path(_EVERYTHING).write_text("*\n")
    bench.key_here()  # what it imports is imported once
    kinds = _sorted_out(bench, trace)
    found = Examined(bench.key(), {f"{kind} {why}".strip(): len(paths) for (kind, why), paths in kinds.items()})
    if not ask or found.key.startswith(("bypass", "fault")):
        return found
    asking = _Asking(bench, found.key, _below(trace))
    for (kind, why), paths in kinds.items():
        if why not in {"", *_MOST}:
            continue
        chosen = _of_each_name(paths) if briefly else sorted(paths)
        most = (_FEW if briefly else _MOST).get(why, len(chosen))
        chosen = chosen[:: -(-len(chosen) // most)]
        found.asked += len(chosen)
        for path in asking.not_held(kind, chosen):
            reason = known.exemption(bench.name, path)
            if reason is None:
                found.wanting.append(Finding(kind, why, path))
            else:
                found.exempt[path] = reason
    return found


def _of_each_name(paths: set[str]) -> list[str]:
    """Of the folders above the project, where a name is looked for in each, the highest and the nearest."""
    levels: dict[str, list[str]] = defaultdict(list)
    for path in sorted(paths, key=len):
        place, name = os.path.split(path)
        levels[name if is_above(place) else path].append(path)
    return sorted({path for found in levels.values() for path in (found[0], found[-1])})


class _Asking:
    """base: the key as it is now; below: name of a folder -> what is looked for in folders that are called so."""

    def __init__(self, bench: Bench, base: str, below: dict[str, frozenset[str]]) -> None:
        self.bench = bench
        self.base = base
        self.below = below
        self.missing: list[str] = []

    def not_held(self, kind: str, paths: list[str]) -> Iterator[str]:
        for start in range(0, len(paths), _BATCH):
            batch = [path for path in paths[start : start + _BATCH] if not self._is_told(path)]
            found = [path for path in batch if not self._is_held(kind, path)]
            if self.bench.key() != self.base:  # what was put back is not what it was, so that all looked held
                found = []
                for path in batch:
                    self.base = self.bench.key()
                    if not self._is_held(kind, path):
                        found.append(path)
                self.base = self.bench.key()
            self.missing += [f"{path}/" for path in found if kind == ABSENT]
            yield from found

    def _is_told(self, path: str) -> bool:
        """Whether a folder on the way to it is one whose appearing the key would not see."""
        return path.startswith(tuple(self.missing))

    def _is_held(self, kind: str, path: str) -> bool:
        if kind == LISTED:
            return self._is_listing_held(path)
        with _PROBES[READ if kind == LOOKED and _of_packages(path) else kind](path) as possible:
            if possible and self.bench.key() != self.base:
                return True
        if kind == ABSENT:
            with _new_folder(path, self.below.get(os.path.basename(path), frozenset())) as possible:
                return not possible or self.bench.key() != self.base
        return not possible

    def _is_listing_held(self, folder: str) -> bool:
        """Of a folder above the project: whether names that the tool picks out are held, where these are known."""
        names = self.bench.tool.finds if is_above(folder) else ()
        for name in names or ("zz_probe.py",):
            with _new(os.path.join(folder, name)) as possible:
                if possible and self.bench.key() == self.base:
                    return False
        return True


_EVERYTHING = "/tmp/everything"  # noqa: S108 - on a file system of our own
_OF_GIT = f"\n[core]\n\texcludesFile = {_EVERYTHING}\n".encode()
_ANYTHING = b"\nzz_probe = 1\n"
# Of git's own files the key has what they mean for the project, not the bytes.
_ADDED = {"exclude": b"\n*\n", "gitconfig": _OF_GIT, ".gitconfig": _OF_GIT}


@contextmanager
def _new(path: str) -> Iterator[bool]:
    """A file that was not there, and the folders on the way; False where it cannot be."""
    missing = []
    place = os.path.dirname(path)
    while not os.path.lexists(place):
        missing.append(place)
        place = os.path.dirname(place)
    possible = os.path.isdir(place) and not os.path.lexists(path)
    with ExitStack() as stack:
        if possible:
            for folder in reversed(missing):
                os.mkdir(folder)
                stack.callback(os.rmdir, folder)
            with open(path, "xb") as file:
                stack.callback(os.unlink, path)
                file.write(_ADDED.get(os.path.basename(path), b""))
            os.chmod(path, 0o755)  # noqa: S103 - a program on PATH is one that may be executed
        yield possible


@contextmanager
def _new_folder(path: str, names: frozenset[str]) -> Iterator[bool]:
    """A folder that was not there, with files of these names and one in a folder."""
    with ExitStack() as stack:
        made = [stack.enter_context(_new(f"{path}/{name}")) for name in sorted(names | {"probe/index.js"})]
        yield all(made)


@contextmanager
def _changed(path: str) -> Iterator[bool]:
    """A file with something added, in the place of what was there."""
    real = os.path.realpath(path)
    if not os.path.isfile(real):
        yield False
        return
    shutil.copy2(real, f"{real}.new")
    with open(f"{real}.new", "ab") as file:
        file.write(_ADDED.get(os.path.basename(real), _ANYTHING))
    os.chmod(f"{real}.new", stat.S_IMODE(os.stat(real).st_mode))
    os.rename(real, f"{real}.was")
    try:
        os.rename(f"{real}.new", real)
        yield True
    finally:
        os.replace(f"{real}.was", real)


@contextmanager
def _gone(path: str) -> Iterator[bool]:
    os.rename(path, f"{path}.was")
    try:
        yield True
    finally:
        os.rename(f"{path}.was", path)


_PROBES = {ABSENT: _new, READ: _changed, STARTED: _changed, LOOKED: _gone}


def _below(trace: Trace) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for path, _ in trace.of(ABSENT):
        place, name = os.path.split(path)
        found[os.path.basename(place)].add(name)
    return {name: frozenset(names) for name, names in found.items()}


def _sorted_out(bench: Bench, trace: Trace) -> dict[tuple[str, str], set[str]]:
    """(kind, why it need not be asked after) -> paths; '' for what must be, a word of _MOST for a part of them."""
    searched = {os.path.realpath(folder) for folder in bench.environ["PATH"].split(":")}
    tracked = bench.tracked()
    kinds: dict[tuple[str, str], set[str]] = defaultdict(set)
    for path, what in trace.seen.items():
        kind = _kind(path, what.kinds)
        if kind and not what.spelled.startswith("/proc/"):
            why = "own" if trace.is_own(path) else _why(path, kind, searched, tracked)
            kinds[kind, why].add(path)
    return kinds


def _kind(path: str, kinds: set[str]) -> str:
    """'' for what is only passed through, such as a folder on the way."""
    if STARTED in kinds:
        return STARTED
    if READ in kinds and os.path.isfile(path):
        return READ
    if LISTED in kinds and os.path.isdir(path):
        return LISTED
    if ABSENT in kinds and not os.path.lexists(path):
        return ABSENT
    return LOOKED if LOOKED in kinds and os.path.isfile(path) else ""


def _why(path: str, kind: str, searched: set[str], tracked: frozenset[str]) -> str:
    place, name = os.path.split(path)
    is_program = os.path.realpath(place) in searched
    if is_program and (name in known.PROGRAMS or (kind == LOOKED and os.access(path, os.X_OK))):
        return "system"  # one that was met on the way, and not started
    if kind == STARTED or (kind == ABSENT and is_program and not known.is_landmark(path)):
        return ""
    if known.reason(path) is not None or (kind == ABSENT and _is_spelled_otherwise(path)):
        return "system"
    if _of_packages(path):
        return "compiled" if "/__pycache__/" in path else _PACKAGES
    if f"{path}/".startswith(f"{PROJECT}/.git/") and (kind != READ or not path.endswith("/info/exclude")):
        return "git"
    if path == PROJECT or (path.startswith(f"{PROJECT}/") and _is_content(path[len(PROJECT) + 1 :], kind, tracked)):
        return _CONTENT
    return "below a file" if os.path.isfile(place) else ""


def _is_content(name: str, kind: str, tracked: frozenset[str]) -> bool:
    return kind in {ABSENT, LISTED} or name in tracked


def _of_packages(path: str) -> bool:
    """Whether it lies in a folder of packages that is there."""
    for mark in ("/node_modules/", "/site-packages/", "/dist-packages/"):
        before, found, _ = path.partition(mark)
        if found and os.path.isdir(before + mark):
            return True
    return path.startswith(f"{PROJECT}/.venv/")


def _is_spelled_otherwise(path: str) -> bool:
    """Whether it is how a tool finds out if the file system tells large letters from small."""
    return os.path.lexists(path.swapcase()) or os.path.lexists(path.lower())


def is_above(folder: str) -> bool:
    return folder != PROJECT and f"{PROJECT}/".startswith(f"{folder.rstrip('/')}/")
