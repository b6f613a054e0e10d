"""The skill that ships with us, in a folder of Claude Code's skills: put there, kept up to date and taken out again.

Beside its SKILL.md stands a file `.skillcache` with the digest of what we wrote, so that what a person has edited, or
somebody else's skill of that name, is never written over.
"""

import contextlib
import os
import tempfile
from collections.abc import Mapping
from hashlib import sha256

from skillcache.cli.output import unified
from skillcache.cli.setup.settings_file import locate, read
from skillcache.core.outcomes import SkillcacheError
from skillcache.core.paths import package_folder

NAME = "redis-cache"
_FILE, _MARK = "SKILL.md", ".skillcache"


class Occupied(SkillcacheError):
    """What stands in the skill's place is not ours to write over."""


def folder_of(scope: str, project: str, environ: Mapping[str, str]) -> str:
    """Where the scope's skill is, which need not exist."""
    return os.path.join(os.path.dirname(locate(scope, project, environ)), "skills", NAME)


def install(folder: str, *, dry_run: bool) -> str:
    """What was done, or would be. Raises Occupied, ConfigError and OSError."""
    path = os.path.join(folder, _FILE)
    shipped = _shipped()
    before = _present(folder)
    if before == shipped:
        return f"{path} is there already: nothing to do.\n"
    if before is not None and not _is_as_we_wrote_it(folder, before):
        raise Occupied(
            f"{path} was edited, or is somebody else's: it stays as it is."
            f" To have ours, move {folder} away and run skillcache install --skill again."
        )
    if dry_run:
        return unified(path, before or "", shipped)
    os.makedirs(folder, exist_ok=True)
    _replace(os.path.join(folder, _MARK), _digest(shipped) + "\n")
    _replace(path, shipped)
    return f"{path} now is the skill {NAME}; the next Claude Code session knows it.\n"


def uninstall(folder: str, *, dry_run: bool) -> str:
    """What was done, or would be; "" where there is nothing of ours. Raises ConfigError and OSError."""
    path = os.path.join(folder, _FILE)
    before = read(path) if os.path.isdir(folder) and not os.path.islink(folder) else None
    if before is None or read(os.path.join(folder, _MARK)) is None:
        return ""
    if not _is_as_we_wrote_it(folder, before):
        return f"{path} was edited: it stays. Remove {folder} yourself if you do not want it.\n"
    if dry_run:
        return unified(path, before, "")
    os.unlink(path)
    os.unlink(os.path.join(folder, _MARK))
    for place in (folder, os.path.dirname(folder)):
        with contextlib.suppress(OSError):  # it holds something else
            os.rmdir(place)
    return f"{path} is gone.\n"


def _shipped() -> str:
    text = read(os.path.join(package_folder(), "cli", "setup", "skills", NAME, _FILE))
    if text is None:
        raise SkillcacheError(f"this installation lacks skills/{NAME}/{_FILE}: install the package again")
    return text


def _present(folder: str) -> str | None:
    """The text that stands there; "" for a folder of somebody's without one, None where all is free."""
    if not os.path.lexists(folder):
        return None
    if os.path.islink(folder) or not os.path.isdir(folder):
        return ""
    text = read(os.path.join(folder, _FILE))
    if text is None and (set(os.listdir(folder)) - {_MARK}):
        return ""
    return text


def _is_as_we_wrote_it(folder: str, text: str) -> bool:
    if os.path.islink(folder) or not os.path.isdir(folder):
        return False
    return read(os.path.join(folder, _MARK)) == _digest(text) + "\n"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def _replace(path: str, text: str) -> None:
    handle, temporary = tempfile.mkstemp(prefix=".skillcache-", dir=os.path.dirname(path))
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            mask = os.umask(0)
            os.umask(mask)
            os.fchmod(file.fileno(), 0o666 & ~mask)
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
