"""What commands reach but the worktree does not hold: link targets, editable installs, named paths."""

import os

from skillcache.core import outcomes
from skillcache.core.digest import digest_parts
from skillcache.core.git import find_root, guarded
from skillcache.core.outcomes import Bypass
from skillcache.fingerprint import files, packages, worktree
from skillcache.fingerprint.executables import upward
from skillcache.fingerprint.ignored import Ignored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MANY = 5  # times as many files as are read may be known by stamps


class Outside:
    """Captures paths outside `root`, each once."""

    __slots__ = ("budget", "environ", "known", "root")

    def __init__(self, root: str, environ: "Mapping[str, str]", budget: files.Budget) -> None:
        self.root = root
        self.environ = environ
        self.budget = budget
        self.known: dict[str, str] = {}

    def leaves(self, path: str) -> bool:
        """Whether a real path lies outside the project."""
        return path != self.root and not path.startswith(self.root + "/")

    def links(self, paths: "Iterable[str]") -> list[tuple[str, str]]:
        """(link, digest of what it leads to) of the symbolic links, relative to the root, that leave it."""
        rows = []
        for path in paths:
            real = os.path.realpath(os.path.join(self.root, path))
            if self.leaves(real):
                rows.append((path, self.content(real)))
        return rows

    def content(self, path: str) -> str:
        """Digest of the file or folder at `path`; "absent" when there is none."""
        real = os.path.realpath(path)
        if real not in self.known:
            self.known[real] = ""  # a link that leads back here adds nothing
            self.known[real] = self._folder(real) if os.path.isdir(real) else files.content(real, self.budget)
        return self.known[real]

    def names(self, path: str) -> str:
        """Digest of the names in the folder at `path`; "absent" when there is none."""
        try:
            with os.scandir(path) as entries:
                found = sorted(os.fsencode(e.name) + (b"/" if e.is_dir() else b"") for e in entries)
        except (FileNotFoundError, NotADirectoryError):
            return "absent"
        for _ in found:
            self.budget.spend(0)
        return digest_parts(found)

    def _folder(self, path: str) -> str:
        installed = packages.of_folder(path, self.root, self.budget)
        if installed is not None:
            return digest_parts([installed.digest.encode(), *self._all(installed.outside)])
        top = find_root(path)
        if path == "/" or path == os.path.realpath(self.environ.get("HOME", "/")):
            raise Bypass(outcomes.TOO_LARGE, f"everything below {path}")
        if top is None:
            return self._plain(path)
        below = path[len(top) + 1 :]
        depends = (f"{_literal(below)}/**",) if below else None
        found = worktree.Reading(top, depends, self.environ, self.budget, 1).run()
        ignored = Ignored(top, self.budget)
        ignored.repository = lambda path: worktree.Reading(path, None, guarded(self.environ, top), self.budget, 1).run()
        ignored.add(name for name in found.ignored if _meet(os.fsdecode(name).rstrip("/"), below))
        links = [os.path.join(top, path) for path in (*map(os.fsdecode, found.links), *ignored.links)]
        parts = [found.digest.encode()]
        for name, value in sorted(ignored.files.items()):
            parts += (os.fsencode(name), value.encode())
        return digest_parts([*parts, *self._leaving(links, top)])

    def _plain(self, path: str) -> str:
        from skillcache.fingerprint import stamped

        what = stamped.content(path, self.root, self.budget, most=_MANY * max(self.budget.files, 0))
        return digest_parts([what.digest.encode(), *self._leaving(what.links, path)])

    def _leaving(self, links: "Iterable[str]", top: str) -> list[bytes]:
        reals = sorted({os.path.realpath(link) for link in links})
        return self._all(real for real in reals if self.leaves(real) and real != top and not real.startswith(top + "/"))

    def _all(self, paths: "Iterable[str]") -> list[bytes]:
        return [self.content(path).encode() for path in paths]


def project_of(folder: str, environ: "Mapping[str, str]", marks: "Iterable[str]") -> str:
    """The top of the project without git that `folder` lies in: the highest folder with one of the build files."""
    home = os.path.realpath(environ.get("HOME", "/"))
    top = ""
    for place in upward(folder):
        if place in (home, "/"):
            break
        if any(os.path.lexists(os.path.join(place, mark)) for mark in marks):
            top = place
    if not top and folder in (home, "/", os.path.realpath(environ.get("TMPDIR", "/tmp"))):  # noqa: S108 - never used
        raise Bypass(outcomes.UNCAPTURABLE, f"{folder} is no project")
    return top or folder


def of_project(
    root: str,
    budget: files.Budget,
    wanted: tuple[str, ...],
    *,
    without: tuple[str, ...] = (),
    counted: tuple[str, ...] = (),
) -> tuple[str, Ignored]:
    """The content of a project without git, and what else was found in it; its packages are kept apart."""
    found = Ignored(root, budget, wanted)
    found.without, found.counted = without, counted
    with os.scandir(root) as entries:
        names = [e.name + "/" if e.is_dir(follow_symlinks=False) else e.name for e in entries]
    found.add(os.fsencode(name) for name in sorted(names))
    parts: list[bytes] = []
    for name, value in sorted(found.take().items()):
        parts += (os.fsencode(name), value.encode())
    return digest_parts(parts), found


def _literal(path: str) -> str:
    return "".join("\\" + letter if letter in "*?[\\" else letter for letter in path)


def _meet(one: str, other: str) -> bool:
    return one == other or not other or one.startswith(other + "/") or other.startswith(one + "/")
