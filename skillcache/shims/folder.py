"""The folder of shims and the preamble, made anew where what they hold has changed."""

import os
import sys

from skillcache import files
from skillcache.digest import digest_parts
from skillcache.paths import hooks_folder, shims_folder
from skillcache.shims import script

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_SHELLS = ("/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash", "/opt/homebrew/bin/bash")
_SCRIPT = ".shim"  # what every name is a link to
_MODE = 0o700


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


def make(cache: str, names: tuple[str, ...], words: "Mapping[str, tuple[str, ...]]") -> str | None:
    """The folder with shims of exactly these names; None where the system would not start one. Raises OSError."""
    bash = shell()
    if bash is None:
        return None
    text = script.script(
        words,  # also of those that only a path leads to
        bash=bash,
        python=sys.executable,
        library=os.__file__,
        entry=f"{hooks_folder()}/stand_in.py",
    )
    name = digest_parts([text, *map(os.fsencode, names)])[:16]
    folder = f"{shims_folder(cache)}/{name}"
    if ":" in folder:
        return None
    if not os.path.exists(f"{folder}/{script.MARK}"):
        _fill(folder, text, names)
    # On a file system where nothing may be executed this says so.
    return folder if os.access(f"{folder}/{_SCRIPT}", os.X_OK) else None


def _fill(folder: str, text: bytes, names: tuple[str, ...]) -> None:
    """The mark comes last: with it the folder is whole."""
    files.make_folder(folder)
    files.write(f"{folder}/{_SCRIPT}", text)
    os.chmod(f"{folder}/{_SCRIPT}", _MODE)
    for name in (*names, script.BY_PATH):
        try:
            os.symlink(_SCRIPT, f"{folder}/{name}")
        except FileExistsError:  # another process is making the same folder
            continue
    files.write(f"{folder}/{script.MARK}", b"")
