"""`skillcache skill`: for who writes skills."""

import click

from skillcache.cli.skill.check import check
from skillcache.cli.skill.propose import propose


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Check what a skill declares of its scripts, and propose it.

    DIR is the skill's folder, in which its SKILL.md lies.
    """


for subcommand in (check, propose):
    command.add_command(subcommand)
