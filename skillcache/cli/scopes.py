"""The options that say which settings file a command is about."""

from collections.abc import Callable
from typing import Any

import click

from skillcache.cli.settings_file import SCOPES, USER


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
