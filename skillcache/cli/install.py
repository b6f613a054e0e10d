"""`skillcache install` and `uninstall`, `plugin-path`, `shellenv`: ours in the client and in a shell, the skill too.

Beside the skill's SKILL.md stands a file `.skillcache` with the digest of what we wrote, so that what a person has
edited, or somebody else's skill of that name, is never written over.
"""

import contextlib
import os
import tempfile
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

import click

from skillcache.cli import output, setup
from skillcache.cli.output import unified
from skillcache.cli.setup import plugin
from skillcache.cli.setup.bundle import asks_modern, lay_out
from skillcache.cli.setup.entries import Started
from skillcache.cli.setup.settings_file import (
    PROJECT,
    SCOPES,
    USER,
    add,
    backup_of,
    has_status_line,
    locate,
    note,
    original,
    ours,
    present_edit,
    present_interpreter,
    read,
    restore,
    with_status_line,
    write,
)
from skillcache.commands.shims.session import make
from skillcache.core import bytecode
from skillcache.core.git import find_root
from skillcache.core.outcomes import SkillcacheError
from skillcache.core.paths import hooks_folder, package_folder
from skillcache.core.processes import quote
from skillcache.settings.in_force import load

NAME = "redis-cache"
_FILE, _MARK = "SKILL.md", ".skillcache"


class Occupied(SkillcacheError):
    """What stands in the skill's place is not ours to write over."""


def folder_of(scope: str, project: str, environ: Mapping[str, str]) -> str:
    """Where the scope's skill is, which need not exist."""
    return os.path.join(os.path.dirname(locate(scope, project, environ)), "skills", NAME)


def install_skill(folder: str, *, dry_run: bool) -> str:
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


def uninstall_skill(folder: str, *, dry_run: bool) -> str:
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
        raise SkillcacheError(
            f"this installation lacks skills/{NAME}/{_FILE}. Install the package anew:"
            f" pip install --force-reinstall {setup.package()}"
        )
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


@click.command()
@click.option("--skill", is_flag=True, help=f"Also put the skill {NAME} among Claude Code's skills.")
@click.option("--plugin", is_flag=True, help="Install the plugin instead: for clients from 2.1.326, and for you.")
@click.option("--statusline", is_flag=True, help="Also show in the status line what was replayed, beside your own.")
@scope_options
def command(scope: str, project: str, dry_run: bool, skill: bool, plugin: bool, statusline: bool) -> int:
    """Add the hooks to Claude Code's settings.

    Other entries keep their bytes; running it again changes nothing. The next session uses the hooks.
    """
    if plugin:
        from skillcache.cli.setup import plugin as plugin_setup

        status = plugin_setup.install(project, dry_run=dry_run)
        if statusline and status == output.OK:
            return _install_line(scope, project, dry_run=dry_run)
        return status
    status = _install_hooks(scope, project, dry_run=dry_run)
    if statusline and status == output.OK:
        status = _install_line(scope, project, dry_run=dry_run)
    if skill:
        click.echo(install_skill(folder_of(scope, project, os.environ), dry_run=dry_run), nl=False)
    return status


def _install_hooks(scope: str, project: str, *, dry_run: bool) -> int:
    path = locate(scope, project, os.environ)
    before = read(path)
    after = add(before or "", present_edit(scope, project, os.environ), path)
    if has_status_line(after, path):
        after = with_status_line(after, _status_line(), path)
    if after == before:
        click.echo(f"{path} has the hooks already: nothing to do.")
        return output.OK
    if dry_run:
        click.echo(unified(path, before or "", after), nl=False)
        return output.OK
    fresh = before is not None and not ours(before, path)
    write(path, after, backup=before if fresh else None)
    click.echo(f"{path} now has the hooks: sessions use them from their start, so restart those that run.")
    if fresh:
        click.echo(f"The file as it was: {backup_of(path)}")
    click.echo(note(os.environ), nl=False)
    if scope == PROJECT:
        click.echo("The entries name this machine's Python: if the file is shared, use --scope local instead.")
    click.echo("Check with: skillcache doctor. Take out with: skillcache uninstall" + _options(scope, project))
    return output.OK


def _install_line(scope: str, project: str, *, dry_run: bool) -> int:
    path = locate(scope, project, os.environ)
    before = read(path)
    after = with_status_line(before or "", _status_line(), path)
    if after == before:
        click.echo(f"{path} has the status line already: nothing to do.")
    elif dry_run:
        click.echo(unified(path, before or "", after), nl=False)
    else:
        fresh = before is not None and not ours(before, path) and not has_status_line(before, path)
        write(path, after, backup=before if fresh else None)
        kept = " Your own stands before it." if "statusLine" in (before or "") else ""
        click.echo(f"{path} now has the status line.{kept}")
    return output.OK


def _status_line() -> Started:
    return Started(present_interpreter(), f"{hooks_folder()}/status_line.py")


def _options(scope: str, project: str) -> str:
    if scope == USER:
        return ""
    return f" --scope {scope}" + ("" if project == "." else f" --project {project}")


@click.command()
@scope_options
def uninstall(scope: str, project: str, dry_run: bool) -> int:
    """Take the hooks out of Claude Code's settings, our plugin, and our skill where nobody has edited it.

    A file that only install has changed becomes what it was, byte for byte.
    """
    if scope == USER:
        if not dry_run:
            bytecode.remove(package_folder())  # pip takes away what it has written, and no more
        plugin.uninstall(dry_run=dry_run)
    click.echo(uninstall_skill(folder_of(scope, project, os.environ), dry_run=dry_run), nl=False)
    return _uninstall_hooks(scope, project, dry_run=dry_run)


def _uninstall_hooks(scope: str, project: str, *, dry_run: bool) -> int:
    path = locate(scope, project, os.environ)
    before = read(path)
    after = None if before is None else original(path, before)
    if before is None or after == before:
        click.echo(f"{path} has no hooks of skillcache: nothing to do.")
        return output.OK
    if dry_run:
        click.echo(unified(path, before, after or ""), nl=False)
        return output.OK
    restore(path, after)
    click.echo(f"{path} is gone, as install had made it." if after is None else f"{path} no longer has the hooks.")
    return output.OK


@click.command()
def plugin_path() -> int:
    """Lay out the plugin folder and print its absolute path, on one line.

    The marketplace that `install --plugin` makes names this command.
    """
    click.echo(lay_out(os.environ, modern=asks_modern(os.environ)))
    return output.OK


@click.command()
def shellenv() -> int:
    """Print a line for a shell, for its commands to be answered as those of a session are.

    For bash and zsh: in a script, a git hook, CI, another agent. Commands whose output a person sees on a terminal run
    as always.

    \b
    eval "$(skillcache shellenv)"
    """  # noqa: D301 - click's mark for lines to be left alone
    cwd = os.getcwd()
    root = find_root(os.path.realpath(cwd)) or cwd
    path = make(os.environ, root, load(os.environ, root), counts=False)
    if path is None:
        click.echo(
            "skillcache: no shim can be started from the cache folder: is it on a file system of no programs?"
            " Check with: skillcache doctor",
            err=True,
        )
        return output.FAILED
    click.echo(f"if [ -r {quote(path)} ]; then . {quote(path)}; fi")
    return output.OK
