"""Folders of installed packages, captured by their own manifests instead of their thousands of files."""

import os

from skillcache import outcome
from skillcache.digest import digest, digest_parts
from skillcache.errors import Bypass
from skillcache.fingerprint import python
from skillcache.fingerprint.files import Budget, follow

_MAX_LISTED = 4_000
_NODE_MANIFESTS = (".package-lock.json", ".yarn-state.yml", ".yarn-integrity", ".modules.yaml")


class Installed:
    """The packages of one folder.

    digest: of everything that says what is installed; names: "name-version" for people; outside: absolute paths
    that the packages lead to, such as editable installs.
    """

    __slots__ = ("digest", "names", "outside")

    def __init__(self, digest_: str, names: list[str], outside: tuple[str, ...] = ()) -> None:
        self.digest = digest_
        self.names = names
        self.outside = outside


def of_folder(path: str, root: str, budget: Budget) -> Installed | None:
    """What is installed in the folder `path`; None when it is not a folder of packages."""
    name = os.path.basename(path)
    if name == "node_modules":
        return _node(path, root, budget)
    if os.path.exists(os.path.join(path, "pyvenv.cfg")):
        return of_python([path], root, budget)
    if name == "vendor":
        for manifest in ("composer/installed.json", "modules.txt"):
            data = follow(os.path.join(path, manifest), budget)
            if data is not None:
                return Installed(digest(data), [])
    if name == "bundle" and os.path.basename(os.path.dirname(path)) == "vendor":
        return _bundle(path)
    if name == "cache" and os.path.basename(os.path.dirname(path)) == ".yarn":
        return _named(sorted(os.listdir(path)))  # archives named by their checksum
    return None


def of_python(prefixes: list[str], root: str, budget: Budget) -> Installed:
    """What is installed in the Python environment at the first of `prefixes` and those it also looks in."""
    folders = [folder for prefix in prefixes for folder in python.site_folders(prefix)]
    parts, names, outside = python.distributions(folders, root, budget)
    settings = follow(os.path.join(prefixes[0], "pyvenv.cfg"), budget)
    for line in (settings or b"").splitlines():
        # The other lines name places of the machine.
        if line.startswith((b"version", b"include-system-site-packages")):
            parts.append(line)
    return Installed(digest_parts(parts), names, tuple(outside))


def _named(names: list[str]) -> Installed:
    return Installed(digest_parts([os.fsencode(name) for name in names]), names)


def _bundle(path: str) -> Installed:
    names: list[str] = []
    for engine in _folders(path):
        for version in _folders(os.path.join(path, engine)):
            for kind in ("specifications", "bundler/gems"):
                folder = os.path.join(path, engine, version, kind)
                names += [f"{engine}/{version}/{name}" for name in sorted(_entries(folder))]
    return _named(names)


def _node(path: str, root: str, budget: Budget) -> Installed:
    parts: list[bytes] = []
    for name in (*_NODE_MANIFESTS, ".pnpm/lock.yaml"):
        data = follow(os.path.join(path, name), budget)
        if data is not None:
            parts += (name.encode(), data)
    tops, outside = _node_tops(path, root)
    if not parts:
        if len(tops) > _MAX_LISTED:
            raise Bypass(outcome.TOO_LARGE, f"{path} has no manifest")
        for top in tops:
            data = follow(os.path.join(path, top, "package.json"), budget)
            parts.append(b"" if data is None else data)
    # What was linked in or put there by hand shows in the names.
    return Installed(digest_parts([*parts, *map(os.fsencode, tops)]), tops, tuple(outside))


def _node_tops(path: str, root: str) -> tuple[list[str], list[str]]:
    """The names of the packages in a node_modules folder, and where links among them leave it and the project."""
    tops: list[str] = []
    outside: list[str] = []
    for scope in ("", *(name for name in _entries(path) if name.startswith("@"))):
        folder = os.path.join(path, scope) if scope else path
        try:
            with os.scandir(folder) as entries:
                found = [entry for entry in entries if not entry.name.startswith((".", "@"))]
        except OSError:
            continue
        for entry in found:
            tops.append(f"{scope}/{entry.name}" if scope else entry.name)
            if entry.is_symlink():
                target = os.path.normpath(os.path.join(folder, os.readlink(entry.path)))
                if not target.startswith((root + "/", os.path.dirname(path) + "/")):
                    outside.append(target)
    return sorted(tops), outside


def _entries(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def _folders(path: str) -> list[str]:
    return [name for name in sorted(_entries(path)) if os.path.isdir(os.path.join(path, name))]
