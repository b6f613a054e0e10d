"""`skillcache install`: adds our entries to a settings file, beside whatever is there."""

import os
import sys
from collections.abc import Mapping

import click

from skillcache.claude_settings import Edit
from skillcache.cli import exits, lasting, skill_file
from skillcache.cli.diff import unified
from skillcache.cli.scopes import scope_options
from skillcache.cli.settings_file import PROJECT, USER, backup_of, locate, read, write
from skillcache.cli.settings_text import add, ours
from skillcache.configuration import parse as parse_configuration
from skillcache.errors import SkillcacheError
from skillcache.paths import config_file, hooks_folder, project_config_file
from skillcache.settings import PROJECT as PROJECT_FILE
from skillcache.settings import USER as USER_FILE
from skillcache.settings import load


@click.command()
@click.option("--skill", is_flag=True, help=f"Also put the skill {skill_file.NAME} among Claude Code's skills.")
@click.option("--plugin", is_flag=True, help="Install the plugin instead: for clients from 2.1.326, and for you.")
@scope_options
def command(scope: str, project: str, dry_run: bool, skill: bool, plugin: bool) -> int:
    """Add the hooks to Claude Code's settings.

    Other entries keep their bytes; running it again changes nothing. The next session uses the hooks.
    """
    if plugin:
        from skillcache.cli import plugin_setup  # it imports this module

        return plugin_setup.install(project, dry_run=dry_run)
    status = _install_hooks(scope, project, dry_run=dry_run)
    if skill:
        click.echo(skill_file.install(skill_file.folder_of(scope, project, os.environ), dry_run=dry_run), nl=False)
    return status


def _install_hooks(scope: str, project: str, *, dry_run: bool) -> int:
    path = locate(scope, project, os.environ)
    before = read(path)
    after = add(before or "", present_edit(scope, project, os.environ), path)
    if after == before:
        click.echo(f"{path} has the hooks already: nothing to do.")
        return exits.OK
    if dry_run:
        click.echo(unified(path, before or "", after), nl=False)
        return exits.OK
    fresh = before is not None and not ours(before, path)
    write(path, after, backup=before if fresh else None)
    click.echo(f"{path} now has the hooks: sessions use them from their start, so restart those that run.")
    if fresh:
        click.echo(f"The file as it was: {backup_of(path)}")
    click.echo(note(os.environ), nl=False)
    if scope == PROJECT:
        click.echo("The entries name this machine's Python: if the file is shared, use --scope local instead.")
    click.echo("Check with: skillcache doctor. Take out with: skillcache uninstall" + _options(scope, project))
    return exits.OK


def present_edit(scope: str, project: str, environ: Mapping[str, str]) -> Edit:
    """The entries that this installation needs now, in this scope. Raises SkillcacheError."""
    settings = load(environ, project)
    rules = own_rules(scope, project, environ)
    return Edit(
        present_interpreter(),
        hooks_folder(),
        rules=[str(rule["match"]) for rule in rules],
        writers=[pattern for rule in rules for pattern in _texts(rule.get("invalidated_by"))],
        web=settings.word("serve.web") == "on",
        sessions=settings.flag("record.sessions"),
        messages=settings.flag("messages.deliver"),
    )


def _texts(value: object) -> list[str]:
    return [str(text) for text in value] if isinstance(value, list) else []


def present_interpreter() -> str:
    """The absolute path of this Python, by one of its names whichever of them started us. Raises SkillcacheError."""
    if not sys.executable:
        raise SkillcacheError("this Python does not know its own path; run install with another one")
    path = os.path.abspath(sys.executable)
    usual = os.path.join(os.path.dirname(path), "python3")
    try:
        return usual if os.path.samefile(usual, path) else path
    except OSError:
        return path


def note(environ: Mapping[str, str]) -> str:
    """A line for a Python that may be gone tomorrow, and the hooks with it; "" for any other."""
    path = present_interpreter()
    where = lasting.passing(path, environ)
    return f"{path} lies in {where}; without it the hooks do nothing. To keep them: {lasting.MEND}\n" if where else ""


def own_rules(scope: str, project: str, environ: Mapping[str, str]) -> list[dict[str, object]]:
    """The person's rules that are in force, and the project's where the scope is one project."""
    files = [(config_file(environ), USER_FILE)]
    if scope != USER:
        files.append((project_config_file(os.path.abspath(project)), PROJECT_FILE))
    found: list[dict[str, object]] = []
    for path, who in files:
        text = read(path)
        if text is not None:
            _, rules, _ = parse_configuration(text.encode(), path, who)
            found.extend(rule for rule in rules if rule.get("enabled") is not False)
    return found


def _options(scope: str, project: str) -> str:
    if scope == USER:
        return ""
    return f" --scope {scope}" + ("" if project == "." else f" --project {project}")
