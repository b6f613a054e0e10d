"""`skillcache entries`: the stored results, one by one."""

import click

from skillcache.cli.entries.list import list_
from skillcache.cli.entries.pin import pin
from skillcache.cli.entries.remove import remove
from skillcache.cli.entries.show import show


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """List, show, pin and remove stored results.

    An entry is named by the beginning of its digest, or by its whole key.
    """


for subcommand in (list_, show, pin, remove):
    command.add_command(subcommand)
