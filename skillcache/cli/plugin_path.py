"""`skillcache plugin-path`: lays out the plugin folder for Claude Code, which asks for it once a session."""

import os
import re

import click

from skillcache.cli import trouble
from skillcache.cli.setup.bundle import is_modern, lay_out


@click.command()
def command() -> int:
    """Lay out the plugin folder and print its absolute path, on one line.

    A marketplace's entry names this command: "source": {"source": "command", "command": "skillcache plugin-path"}
    """
    click.echo(lay_out(os.environ, modern=is_modern(client_version(os.environ.get("AI_AGENT", "")))))
    return trouble.OK


def client_version(agent: str) -> tuple[int, ...]:
    """Of the client that runs the command, () where none says so; `agent`: as in claude-code_2-1-330_harness."""
    found = re.match(r"claude-code_(\d+)-(\d+)-(\d+)(?:_|$)", agent)
    return tuple(map(int, found.groups())) if found else ()
