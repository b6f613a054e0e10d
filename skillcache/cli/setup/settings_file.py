"""A settings file of Claude Code: where each scope's is, the options that name one, and how it is changed whole.

A Claude Code settings file on disk: where each scope's is, and how it is changed without ever being half written.

Beside a file that we change for the first time stays a copy of it, `<name>.skillcache-backup`, until the uninstall.
"""

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

import click

from skillcache.claude.permission_sources import LARGEST
from skillcache.cli.setup.settings_text import remove, same_but_for_empty_hooks
from skillcache.core import files
from skillcache.core.errors import ConfigError, SkillcacheError

USER, PROJECT, LOCAL = SCOPES = ("user", "project", "local")
_BACKUP = ".skillcache-backup"
_MEND = "Mend the file, then run the command again; it is as it was."


class Unwritable(SkillcacheError):
    """A settings file could not be written; it is as it was."""


def locate(scope: str, project: str, environ: Mapping[str, str]) -> str:
    """The absolute path of the scope's settings file, which need not exist."""
    if scope == USER:
        home = environ.get("HOME") or os.path.expanduser("~")
        return os.path.join(environ.get("CLAUDE_CONFIG_DIR") or os.path.join(home, ".claude"), "settings.json")
    name = "settings.json" if scope == PROJECT else "settings.local.json"
    return os.path.join(os.path.abspath(project), ".claude", name)


def read(path: str) -> str | None:
    """The text, or None when there is no such file. Raises ConfigError."""
    try:
        return files.load(path, LARGEST).decode("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError as fault:
        raise ConfigError(path, f"is not UTF-8 text (byte {fault.start}). {_MEND}") from None
    except OSError as fault:
        raise ConfigError(path, f"cannot be read: {fault.strerror}. It is as it was.") from None


def backup_of(path: str) -> str:
    return path + _BACKUP


def write(path: str, text: str, *, backup: str | None) -> None:
    """Replace the file's text in one step, mode and symbolic link kept; `backup`: what to keep a copy of."""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if backup is not None:
            _replace(backup_of(path), backup, _mode(path))
        _replace(os.path.realpath(path), text, _mode(path))
    except OSError as fault:
        raise Unwritable(f"{path}: cannot be written: {fault.strerror}. It is as it was.") from None


def original(path: str, text: str) -> str | None:
    """What an uninstall leaves of `text`: None for no file at all. Raises ConfigError.

    A file that nobody else has changed since the install gets back the very bytes it had.
    """
    rest = remove(text, path)
    if rest == text:
        return text
    kept = read(backup_of(path))
    if kept is None:
        return None if rest.strip() == "{}" else rest
    with contextlib.suppress(ConfigError):  # somebody changed the copy
        if same_but_for_empty_hooks(kept, rest, path):
            return kept
    return rest


def restore(path: str, text: str | None) -> None:
    """Make the file hold `text`, or be gone with the folder that then is empty; our copy of it goes too."""
    try:
        if text is None:
            os.unlink(path)
        else:
            _replace(os.path.realpath(path), text, _mode(path))
        with contextlib.suppress(FileNotFoundError):
            os.unlink(backup_of(path))
    except OSError as fault:
        raise Unwritable(f"{path}: cannot be written: {fault.strerror}. It is as it was.") from None
    if text is None:
        with contextlib.suppress(OSError):  # it holds something else
            os.rmdir(os.path.dirname(path))


def _mode(path: str) -> int:
    try:
        return stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask


def _replace(path: str, text: str, mode: int) -> None:
    handle, temporary = tempfile.mkstemp(prefix=".skillcache-", dir=os.path.dirname(path))
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def scope_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--dry-run", is_flag=True, help="Show the change as a diff and write nothing."),
        click.option(
            "--project",
            metavar="DIR",
            default=".",
            type=click.Path(exists=True, file_okay=False),
            help="The project that the scopes project and local are about.  [default: this folder]",
        ),
        click.option(
            "--scope",
            type=click.Choice(SCOPES),
            default=USER,
            show_default=True,
            help="user: all your projects. project: everybody in the project. local: you, in the project.",
        ),
    ):
        function = option(function)
    return function
