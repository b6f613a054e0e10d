"""What commands reach but the worktree does not hold: link targets, editable installs, named paths."""

import os

from skillcache.core import outcomes
from skillcache.core.files import digest_parts
from skillcache.core.git import find_root, guarded, own_folder, shared_folder
from skillcache.core.outcomes import Bypass
from skillcache.fingerprint import contents, packages, worktree
from skillcache.fingerprint.contents import GITLINK
from skillcache.fingerprint.executables import upward
from skillcache.fingerprint.ignored import Ignored

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from skillcache.fingerprint.index import Blob, Content

_MANY = 5  # times as many files as are read may be known by stamps


class Outside:
    """Captures paths outside `root`, each once, and all that they lead to in turn.

    content, ignored: what the project itself holds, where that is known: a checkout of the same repository may hold
    the same.
    """

    __slots__ = ("budget", "content_of_root", "environ", "ignored", "known", "root", "shared")

    def __init__(
        self,
        root: str,
        environ: "Mapping[str, str]",
        budget: contents.Budget,
        content: str = "",
        ignored: "Mapping[str, str] | None" = None,
    ) -> None:
        self.root = root
        self.environ = environ
        self.budget = budget
        self.content_of_root = content
        self.ignored = ignored or {}
        self.known: dict[str, tuple[str, tuple[str, ...]]] = {}
        self.shared = repository(root)

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
        """Digest of the file or folder at `path` and of all that it leads to; "absent" when there is none."""
        first, *others = self._reached(self.place(path))
        value = self._own(first)[0]
        return (
            digest_parts([value.encode(), *sorted(self._own(other)[0].encode() for other in others)])
            if others
            else value
        )

    def rows(self, paths: "Iterable[str]") -> list[tuple[str, str]]:
        """(name, digest) of all that `paths` are and lead to, but of a checkout that holds what the project holds.

        Where each lies is said by what leads there, which the key holds: as it is called in every worktree, and by
        every person. Of several with one name the folders around them tell them apart.
        """
        found: dict[str, None] = {}
        for path in paths:
            found.update(dict.fromkeys(self._reached(self.place(path))))
        known = {path: value for path in found for value in (self._own(path)[0],) if value != _SAME}
        return list(zip(_apart(list(known)), known.values(), strict=True))

    def place(self, path: str) -> str:
        """The real path; for a package of Node's in another checkout of this repository the whole of that."""
        real = os.path.realpath(path)
        if self.shared and self.leaves(real) and os.path.isfile(f"{real}/package.json"):
            top = find_root(real)
            if top and top != self.root and "/node_modules/" not in real[len(top) :] and repository(top) == self.shared:
                return top
        return real

    def _reached(self, start: str) -> list[str]:
        found = [start]
        for path in found:
            for further in self._own(path)[1]:
                place = self.place(further)
                if place not in found and self.leaves(place):
                    found.append(place)
        return found

    def _own(self, real: str) -> tuple[str, tuple[str, ...]]:
        if real not in self.known:
            self.known[real] = self._folder(real) if os.path.isdir(real) else (contents.content(real, self.budget), ())
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

    def _folder(self, path: str) -> tuple[str, tuple[str, ...]]:
        installed = packages.of_folder(path, self.root, self.budget)
        if installed is not None:
            return installed.digest, installed.outside
        top = find_root(path)
        if path == "/" or path == os.path.realpath(self.environ.get("HOME", "/")):
            raise Bypass(outcomes.TOO_LARGE, f"everything below {path}")
        if top is None:
            value, further = self._plain(path)
        else:
            value, further = self._versioned(path, top)
        return value, (*further, *self._modules(path))

    def _modules(self, path: str) -> "Iterator[str]":
        """Folders of packages above a folder, where Node looks for what the files in it ask for."""
        for folder in upward(path):
            if self._is_above(folder):
                return  # from here on they are the project's too
            if os.path.isdir(f"{folder}/node_modules"):
                yield f"{folder}/node_modules"

    def _is_above(self, folder: str) -> bool:
        return f"{self.root}/".startswith(f"{folder.rstrip('/')}/")

    def _versioned(self, path: str, top: str) -> tuple[str, tuple[str, ...]]:
        below = path[len(top) + 1 :]
        depends = (f"{_literal(below)}/**",) if below else None
        without: tuple[str, ...] = ()
        is_checkout = bool(self.shared) and not below and repository(top) == self.shared
        if is_checkout:  # in which others lie, and maybe this one
            inner = _literal(self.root[len(top) + 1 :]) if self.root.startswith(top + "/") else ".claude/worktrees"
            without = tuple(f"{name}{end}" for name in (".claude/worktrees", inner) for end in ("", "/**"))
        found = worktree.Reading(top, depends, self.environ, self.budget, 1, without=without).run()
        ignored = Ignored(top, self.budget)
        ignored.without, ignored.blind = without, is_checkout
        ignored.repository = lambda path: worktree.Reading(path, None, guarded(self.environ, top), self.budget, 1).run()
        ignored.add(name for name in found.ignored if _meet(os.fsdecode(name).rstrip("/"), below))
        links = [os.path.join(top, path) for path in (*map(os.fsdecode, found.links), *ignored.links)]
        modules = (f"{top}/{name}" for name in ignored.packages)
        further = (*self._leaving(links, top), *(path for path in modules if not self._is_above(os.path.dirname(path))))
        if is_checkout and found.digest == self.content_of_root and ignored.files == self.ignored:
            return _SAME, further
        parts = [found.digest.encode()]
        for name, value in sorted(ignored.files.items()):
            parts += (os.fsencode(name), value.encode())
        return digest_parts(parts), further

    def _plain(self, path: str) -> tuple[str, tuple[str, ...]]:
        from skillcache.fingerprint import stamped

        what = stamped.content(path, self.root, self.budget, most=_MANY * max(self.budget.files, 0))
        return what.digest, tuple(self._leaving(what.links, path))

    def _leaving(self, links: "Iterable[str]", top: str) -> list[str]:
        reals = sorted({os.path.realpath(link) for link in links})
        return [r for r in reals if self.leaves(r) and r != top and not r.startswith(top + "/")]


_SAME = "same"


def _apart(paths: list[str]) -> list[str]:
    """Each by its name, and by as many folders around it as none of the others ends in."""
    found = []
    for path in paths:
        at = path.rfind("/")
        while at > 0 and any(other.endswith(path[at:]) for other in paths if other != path):
            at = path.rfind("/", 0, at)
        found.append(path[at + 1 :] if at >= 0 else path)
    return found


def repository(root: str) -> str:
    """What all worktrees of a repository have in common; "" where there is none."""
    try:
        own = own_folder(root)
        return os.path.realpath(shared_folder(own)) if own else ""
    except OSError:
        return ""


class _WithoutInner(worktree.Reading):
    """The content of a repository without that of the ones in it."""

    __slots__ = ()

    def _nested(self, path: bytes, found: "Content") -> "Blob | None":  # noqa: ARG002 - what it replaces has it
        return GITLINK, b""


def superproject(root: str, environ: "Mapping[str, str]", budget: contents.Budget) -> list[tuple[str, str]]:
    """(path, digest) of the repository that the one at `root` is a submodule of, and of the one around that."""
    rows = []
    up = ""
    while (own := repository(root)) and (top := find_root(os.path.dirname(root))):
        places = (f"{repository(top)}/modules/", f"{os.path.realpath(own_folder(top) or '/')}/modules/")
        if not own.startswith(places):
            break
        up += "../"
        found = _WithoutInner(top, None, guarded(environ, root), budget, 1).run()
        rows.append((up, found.digest))
        root = top
    return rows


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


def everything(root: str) -> list[bytes]:
    """What lies at the top of a project without git, as git lists what it ignores."""
    with os.scandir(root) as entries:
        return [os.fsencode(e.name) + b"/" * e.is_dir(follow_symlinks=False) for e in sorted(entries, key=_name)]


def _name(entry: "os.DirEntry[str]") -> str:
    return entry.name


def _literal(path: str) -> str:
    return "".join("\\" + letter if letter in "*?[\\" else letter for letter in path)


def _meet(one: str, other: str) -> bool:
    return one == other or not other or one.startswith(other + "/") or other.startswith(one + "/")
