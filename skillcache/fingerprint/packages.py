"""Installed packages: where they lie, and all that they hold, however it came there.

A manifest says what was installed once. What was patched since, generated, built anew under the same version, linked or
edited by hand shows in the files alone.
"""

import os

from skillcache.core import Record
from skillcache.core.files import digest_parts
from skillcache.fingerprint.contents import Budget, follow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_METADATA = (".dist-info", ".egg-info")


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


def _distributions(folder: str, root: str, budget: Budget) -> tuple[list[str], list[str]]:
    """What a folder of Python's packages holds: "name-version" for people, paths outside `root` it leads to."""
    names: list[str] = []
    outside: list[str] = []
    loads = False
    for name in sorted(os.listdir(folder)):
        if name.endswith(_METADATA):
            names.append(name[:-10])
        elif name.endswith((".pth", ".egg-link")) or (name.startswith("__editable__") and name.endswith(".py")):
            text = (follow(f"{folder}/{name}", budget) or b"").decode("utf-8", "replace")
            outside += _outside(text, root, folder)
            loads = loads or (name not in _OF_EVERY and any(line[:7] == "import " for line in text.splitlines()))
    for name in _editable(folder, budget) if loads else ():
        outside += _outside(name, root, folder)
    return names, outside


_OF_EVERY = frozenset(["distutils-precedence.pth", "_virtualenv.pth"])


def _editable(folder: str, budget: Budget) -> "Iterator[str]":
    """What modules that a .pth has loaded may lead to: what was installed from where it lies, as pip has written down.

    As of meson-python and scikit-build-core, whose loaders know it in forms of their own.
    """
    for name in _entries(folder):
        if name.endswith(".dist-info"):
            said = follow(f"{folder}/{name}/direct_url.json", budget) or b""
            if b'"editable"' in said:
                url = said.partition(b'"file://')[2].partition(b'"')[0].decode("utf-8", "replace")
                yield url.replace("%20", " ")
        elif name.endswith(".py") and name[0] == "_":
            yield from (follow(f"{folder}/{name}", budget) or b"")[:_LOADER].decode("utf-8", "replace").split("\n")


_LOADER = 1 << 16


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


# Folders that hold packages and nothing else, by name.
_OF_VENDORS = ("composer/installed.json", "modules.txt")
_OF_PACKAGES = ("node_modules", "__pypackages__", ".eggs")


class Installed(Record):
    """The packages of one folder."""

    digest: str  # of everything that says what is installed
    names: list[str]  # "name-version" for people
    outside: tuple[str, ...] = ()  # absolute paths that the packages lead to, such as editable installs


def of_folder(path: str, root: str, budget: Budget) -> Installed | None:
    """What is installed in the folder `path`; None when it is not a folder of packages."""
    name = os.path.basename(path)
    if name in _OF_PACKAGES:
        return _all(path, root, budget)
    if os.path.exists(os.path.join(path, "pyvenv.cfg")):
        return of_python([path], root, budget)
    above = os.path.basename(os.path.dirname(path))
    is_vendor = name == "vendor" and any(os.path.exists(f"{path}/{known}") for known in _OF_VENDORS)
    if is_vendor or (name, above) in (("bundle", "vendor"), ("cache", ".yarn"), ("unplugged", ".yarn")):
        return _all(path, root, budget)
    if any(entry.endswith(_METADATA) for entry in _entries(path)):  # of `pip install --target`
        return _all(path, root, budget)
    return None


def of_python(prefixes: list[str], root: str, budget: Budget) -> Installed:
    """What is installed in the Python environment at the first of `prefixes` and those it also looks in."""
    from skillcache.fingerprint.stamped import content  # not every project has packages

    folders = [folder for prefix in prefixes for folder in site_folders(prefix)]
    parts: list[bytes] = []
    names: list[str] = []
    outside: list[str] = []
    for folder in folders:
        what = content(os.path.realpath(folder), root, budget)
        parts.append(what.digest.encode())
        known, leading = _distributions(folder, root, budget)
        names += known
        outside += (*leading, *_leaving(what.links, root))
    # Of an environment, not of all that a machine has: the commands of packages, what was checked out to be installed.
    settings = follow(os.path.join(prefixes[0], "pyvenv.cfg"), budget)
    for name in ("bin", "src") if settings is not None else ():
        place = os.path.realpath(os.path.join(prefixes[0], name))
        if os.path.isdir(place):
            parts += (name.encode(), content(place, root, budget).digest.encode())
    for line in (settings or b"").splitlines():
        # The other lines name places of the machine.
        if line.startswith((b"version", b"include-system-site-packages")):
            parts.append(line)
    conda = _entries(os.path.join(prefixes[0], "conda-meta"))  # each is called as its package and its build
    return Installed(digest_parts([*parts, *map(os.fsencode, sorted(conda))]), names, tuple(outside))


def of_python_by_names(prefixes: list[str], root: str, budget: Budget) -> Installed:
    """Of an interpreter that a text only speaks of: what lies in its folders of packages, by name and version."""
    parts: list[bytes] = []
    names: list[str] = []
    outside: list[str] = []
    for folder in [folder for prefix in prefixes for folder in site_folders(prefix)]:
        known, leading = _distributions(folder, root, budget)
        parts += map(os.fsencode, sorted(set(_entries(folder)) - _WITHOUT))
        names += known
        outside += leading
    return Installed(digest_parts(parts), names, tuple(outside))


_WITHOUT = {"__pycache__"}


def of_ruby_by_names(prefix: str, home: str, root: str, budget: Budget) -> Installed | None:  # noqa: ARG001 - as of_ruby
    """Likewise, of a Ruby."""
    places = _of_gems(prefix, home)
    names = [name for place in places for version in _entries(place) for name in _entries(f"{place}/{version}/gems")]
    return Installed(digest_parts(map(os.fsencode, sorted(names))), sorted(set(names))) if names else None


def _of_gems(prefix: str, home: str) -> list[str]:
    places = [f"{prefix}/lib/ruby/gems", f"{home}/.gem/ruby", f"{home}/.local/share/gem/ruby"]
    return [*places, "/var/lib/gems"] if prefix == "/usr" else places


def of_ruby(prefix: str, home: str, root: str, budget: Budget) -> Installed | None:
    """The gems of the Ruby at `prefix` and those of the person; None where there are none."""
    places = _of_gems(prefix, home)
    found = [_all(f"{place}/{version}", root, budget) for place in places for version in sorted(_entries(place))]
    if not found:
        return None
    names = sorted({name for one in found for name in one.names})
    return Installed(
        digest_parts([one.digest.encode() for one in found]), names, tuple([p for one in found for p in one.outside])
    )


def _all(path: str, root: str, budget: Budget) -> Installed:
    from skillcache.fingerprint.stamped import content

    top = os.path.realpath(path)
    what = content(top, root, budget)
    names, outside = _distributions(top, root, budget)
    if not names:
        names = [name for name in sorted(_entries(top)) if name[0] not in ".@"]
        scopes = [name for name in _entries(top) if name[0] == "@"]
        names += [f"{scope}/{name}" for scope in scopes for name in sorted(_entries(os.path.join(top, scope)))]
    return Installed(what.digest, names, (*outside, *_leaving(what.links, root)))


def _leaving(links: tuple[str, ...], root: str) -> list[str]:
    return [link for link in links if link != root and not link.startswith(root + "/")]


def _entries(path: str) -> list[str]:
    try:
        return os.listdir(path)
    except OSError:
        return []
