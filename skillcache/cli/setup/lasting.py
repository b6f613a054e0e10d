"""Whether the Python that the entries name lies where it will stay."""

import os
from collections.abc import Iterator, Mapping

MEND = "pipx install skillcache, or: uv tool install skillcache; then install the hooks from there"
_CACHES = (".cache", "Caches")
_TAG = "CACHEDIR.TAG"  # https://bford.info/cachedir/: pipx and uv mark theirs so
_TEMPORARY = ("/tmp", "/var/tmp", "/dev/shm", "/run", "/var/folders")  # noqa: S108 - looked for, not used


def passing(interpreter: str, environ: Mapping[str, str]) -> str:
    """Where it lies, in words, when that may be gone tomorrow; else "". `interpreter`: an absolute path."""
    folder = os.path.realpath(os.path.dirname(os.path.dirname(interpreter)))
    above = list(_above(folder))
    if any(os.path.basename(path) in _CACHES or os.path.exists(os.path.join(path, _TAG)) for path in above):
        return "a cache, as those of uvx and pipx run"
    temporary = {os.path.realpath(path) for path in (*_TEMPORARY, environ.get("TMPDIR") or "/tmp")}  # noqa: S108
    if not temporary.isdisjoint(above):
        return "a folder for temporary files"
    # Whoever keeps a home folder in git keeps no project there.
    home = os.path.realpath(environ.get("HOME") or os.path.expanduser("~"))
    if os.path.isfile(os.path.join(folder, "pyvenv.cfg")) and any(
        os.path.exists(os.path.join(path, ".git")) for path in above if path not in (home, *_above(home))
    ):
        return "a project's virtual environment"
    return ""


def _above(folder: str) -> Iterator[str]:
    """The folders that hold it, but for the root."""
    while (folder := os.path.dirname(folder)) != "/":
        yield folder
