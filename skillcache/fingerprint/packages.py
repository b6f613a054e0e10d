"""Installed packages: where a Python environment has them, and folders of them captured by their own manifests."""

import os

from skillcache.core import outcomes
from skillcache.core.digest import digest, digest_parts
from skillcache.core.outcomes import Bypass
from skillcache.core.record import Record
from skillcache.fingerprint.files import Budget, follow

_PLACE = "{root}"
_BOUNDS = " \t\n\r:;,=()[]{}<>\"'@"


def site_folders(prefix: str) -> list[str]:
    """The folders of `prefix` that its interpreter imports packages from."""
    folders = []
    for library in ("lib", "lib64"):
        top = os.path.join(prefix, library)
        if library == "lib64" and os.path.islink(top):
            continue
        try:
            names = sorted(os.listdir(top))
        except OSError:
            continue
        for name in names:
            if name.startswith(("python3", "pypy3")):
                for packages in ("site-packages", "dist-packages"):
                    folder = os.path.join(top, name, packages)
                    if os.path.isdir(folder):
                        folders.append(folder)
    return folders


def relative(text: str, root: str, place: str = _PLACE) -> str:
    """`text` with the path of the project replaced wherever it stands as a path, so that two checkouts agree."""
    if root not in text:
        return text
    first, *rest = text.split(root)
    result = first
    for piece in rest:
        whole = (not result or result[-1] in _BOUNDS) and (not piece or piece[0] == "/" or piece[0] in _BOUNDS)
        result += (place if whole else root) + piece
    return result


def distributions(folders: list[str], root: str, budget: Budget) -> tuple[list[bytes], list[str], list[str]]:
    """What the folders hold: parts for a digest, "name-version" for people, paths outside `root` they lead to.

    A distribution from an index is its name, version and the size of its file list; one from anywhere else (a
    local build, a branch) may change under the same version, so its list of file hashes goes in.
    """
    parts: list[bytes] = []
    names: list[str] = []
    outside: list[str] = []
    for folder in folders:
        budget.spend(0)
        for name in sorted(os.listdir(folder)):
            path = f"{folder}/{name}"
            if name.endswith((".dist-info", ".egg-info")):
                names.append(name[:-10])
                parts += (name.encode(), *_record(path, budget))
            elif name.endswith((".pth", ".egg-link")) or (name.startswith("__editable__") and name.endswith(".py")):
                text = (follow(path, budget) or b"").decode("utf-8", "replace")
                outside += _outside(text, root, folder)
                parts += (name.encode(), relative(text, root).encode("utf-8", "replace"))
            elif name.endswith((".py", ".so")):
                parts += (name.encode(), b"%d" % os.lstat(path).st_size)
            elif name != "__pycache__":
                parts.append(os.fsencode(name))
    return parts, names, outside


def _record(path: str, budget: Budget) -> tuple[bytes, ...]:
    record = path + "/RECORD"
    direct = path + "/direct_url.json"
    if os.access(direct, os.F_OK) and (text := follow(direct, budget)) is not None:
        # The URL may name this checkout; the hashes say what came from it.
        return (b"direct", b"1" if b'"editable": true' in text else b"0", follow(record, budget) or b"")
    try:
        return (b"%d" % os.stat(record).st_size,)
    except OSError:
        return (b"",)


def _outside(text: str, root: str, folder: str) -> list[str]:
    """Absolute paths in a .pth line or between the quotes of an editable finder that leave the project."""
    found = []
    for line in text.splitlines():
        pieces = [line.strip()]
        if line.startswith(("import ", "import\t", "MAPPING", "NAMESPACES")) or "'" in line:
            pieces = line.split("'")[1::2]
        for piece in pieces:
            path = os.path.normpath(os.path.join(folder, piece)) if piece else ""
            if not os.path.isabs(piece) and not piece.startswith(".."):
                continue
            if path != root and not path.startswith((root + "/", folder + "/")) and os.path.exists(path):
                found.append(path)
    return found


_MAX_LISTED = 4_000
_NODE_MANIFESTS = (".package-lock.json", ".yarn-state.yml", ".yarn-integrity", ".modules.yaml")


class Installed(Record):
    """The packages of one folder."""

    digest: str  # of everything that says what is installed
    names: list[str]  # "name-version" for people
    outside: tuple[str, ...] = ()  # absolute paths that the packages lead to, such as editable installs


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
    folders = [folder for prefix in prefixes for folder in site_folders(prefix)]
    parts, names, outside = distributions(folders, root, budget)
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
            raise Bypass(outcomes.TOO_LARGE, f"{path} has no manifest")
        for top in tops:
            data = follow(os.path.join(path, top, "package.json"), budget)
            parts.append(b"" if data is None else data)
    # What was linked in or put there by hand shows in the names.
    return Installed(digest_parts([*parts, *map(os.fsencode, tops)]), tops, tuple(outside))


def _node_tops(path: str, root: str) -> tuple[list[str], list[str]]:
    """The names of the packages in a node_modules folder, and where links among them leave it and the project."""
    tops: list[str] = []
    outside: list[str] = []
    path = os.path.realpath(path)  # the folder itself may be a link into another checkout
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
                if target != root and not target.startswith((root + "/", path + "/")):
                    outside.append(target)
    return sorted(tops), outside


def _entries(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []


def _folders(path: str) -> list[str]:
    return [name for name in sorted(_entries(path)) if os.path.isdir(os.path.join(path, name))]
