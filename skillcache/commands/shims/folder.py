"""The folder of shims and the preamble, made anew where what they hold has changed, and kept for later sessions.

What was made for a session's shells is kept for the next one of the same project while nothing it depends on changes.

    {folder}/{digest of what it depends on}.made = lines: the preamble's path, then every file that must be executable

Loading the tables of all tools to find out which are there costs a session's start more than all else it does. A file
that becomes executable is seen once something else in its folder changes.
"""

import os
import sys

from skillcache.commands.shims import script
from skillcache.core import files
from skillcache.core.digest import digest_parts
from skillcache.core.paths import hooks_folder, package_folder, shims_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


_SHELLS = ("/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash", "/opt/homebrew/bin/bash")
_MODE = 0o700
_LARGEST = 1 << 16


def installed(names: "Iterable[str]", path: str) -> tuple[str, ...]:
    """Those of `names` that a shell finds by `path`, in the form of PATH, outside folders of shims."""
    wanted, found = set(names), set[str]()
    for folder in path.split(":"):
        if not folder or os.path.exists(f"{folder}/{script.MARK}"):
            continue
        try:
            here = wanted.intersection(os.listdir(folder))
        except OSError:
            continue
        found.update(name for name in here if os.access(f"{folder}/{name}", os.X_OK))
    return tuple(sorted(found))


def shell() -> str | None:
    """What a shim's first line names."""
    return next((path for path in _SHELLS if os.access(path, os.X_OK)), None)


def make(
    cache: str, names: tuple[str, ...], words: "Mapping[str, tuple[str, ...]]", *, loader: str = ":"
) -> str | None:
    """The folder with shims of exactly these names; None where the system would not start one. Raises OSError.

    `loader`: see `script.script`.
    """
    bash = shell()
    if bash is None or not _is_silent():
        return None
    hook = f"{hooks_folder()}/stand_in.py"
    text = script.script(
        words,  # also of those that only a path leads to
        bash=bash,
        python=os.path.realpath(sys.executable),  # a name may lead elsewhere tomorrow, to what starts nothing
        library=os.__file__,
        hook=hook,
        loader=loader,
    )
    entry = script.entry(hook, files.load(hook, _LARGEST))
    name = digest_parts([text, entry, *map(os.fsencode, names)])[:16]
    folder = f"{shims_folder(cache)}/{name}"
    if ":" in folder:
        return None
    if not _is_whole(folder, names):
        _fill(folder, text, entry, names)
    # On a file system where nothing may be executed this says so.
    return folder if os.access(f"{folder}/{script.SCRIPT}", os.X_OK) else None


def _is_silent() -> bool:
    """Whether a bash starts without a word: one that LC_ALL names no locale to complains of that on standard error."""
    from _locale import LC_ALL, Error, setlocale  # type: ignore[attr-defined]  # `locale` itself is slow

    before = setlocale(LC_ALL)
    try:
        setlocale(LC_ALL, "")
    except Error:
        return not os.environ.get("LC_ALL")
    setlocale(LC_ALL, before)
    return True


def _is_whole(folder: str, names: tuple[str, ...]) -> bool:
    shims = (f"{folder}/{name}" for name in (*names, script.BY_PATH))
    others = (f"{folder}/{name}" for name in (script.ENTRY, script.MARK))
    return all(map(os.path.exists, others)) and all(os.access(shim, os.X_OK) for shim in shims)


def _fill(folder: str, text: bytes, entry: bytes, names: tuple[str, ...]) -> None:
    """The mark comes last: with it the folder is whole."""
    files.make_folder(folder)
    files.write(f"{folder}/{script.ENTRY}", entry)
    files.write(f"{folder}/{script.SCRIPT}", text)
    os.chmod(f"{folder}/{script.SCRIPT}", _MODE)
    for name in (*names, script.BY_PATH):
        try:
            os.symlink(script.SCRIPT, f"{folder}/{name}")
        except FileExistsError:  # another process is making the same folder
            continue
    files.write(f"{folder}/{script.MARK}", b"")


_CAP = 1 << 20
# Of our own: where the tables and the text of shims lie.
_SOURCES = ("commands/shims", "rules", "rules/builtin")


class Kept:
    """folders: in which programs are looked for; parts: whatever else the text is made of."""

    __slots__ = ("_path",)

    def __init__(self, cache: str, folders: "Iterable[str]", parts: "Iterable[str]") -> None:
        package = package_folder()
        ours = [f"{package}/{place}/{name}" for place in _SOURCES for name in sorted(_names(f"{package}/{place}"))]
        told = [_stamp(path) for path in (*folders, *ours, f"{hooks_folder()}/stand_in.py")]
        made = digest_parts([os.fsencode(part) for part in (sys.executable, hooks_folder(), *parts, *told)])
        self._path = f"{shims_folder(cache)}/{made[:16]}.made"

    def find(self) -> str | None:
        """The preamble's path, where all is as it was. Raises OSError."""
        lines = os.fsdecode(files.read(self._path, _CAP) or b"").split("\n")
        if len(lines) < 2 or not all(os.access(path, os.X_OK) for path in lines[1:]):
            return None
        try:
            for path in (lines[0], self._path):  # what is in use is not swept
                os.utime(path)
        except FileNotFoundError:
            return None
        return lines[0]

    def keep(self, preamble: str, executables: "Iterable[str]") -> None:
        """Raises OSError."""
        files.write(self._path, os.fsencode("\n".join((preamble, *executables))))


def _names(folder: str) -> list[str]:
    return [name for name in os.listdir(folder) if name.endswith(".py")]


def _stamp(path: str) -> str:
    try:
        status = os.stat(path)
    except OSError:
        return f"{path} -"
    return f"{path} {status.st_ino} {status.st_mtime_ns} {status.st_ctime_ns}"
