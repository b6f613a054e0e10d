"""A Python environment: where its packages are, and which distributions they hold."""

import os

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


def relative(text: str, root: str) -> str:
    """`text` with the path of the project replaced wherever it stands as a path, so that two checkouts agree."""
    if root not in text:
        return text
    first, *rest = text.split(root)
    result = first
    for piece in rest:
        whole = (not result or result[-1] in _BOUNDS) and (not piece or piece[0] == "/" or piece[0] in _BOUNDS)
        result += (_PLACE if whole else root) + piece
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
