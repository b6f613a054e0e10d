"""`skillcache serve`: the resident server by hand; the plugin's mod starts one for each client process."""

import os

import click

from skillcache.cli import exits
from skillcache.server.serve import serve


@click.command()
@click.option(
    "--socket",
    metavar="PATH",
    default=None,
    help="Where to listen, about a hundred bytes long at most.  [default: where the hooks of CLAUDE_PID look for it]",
)
def command(socket: str | None) -> int:
    """Answer the plugin's calls on a unix socket until the process that started this one ends.

    The plugin starts one by itself. A server that listens there already hands over and ends.
    """
    serve(os.environ, None if socket is None else os.path.abspath(socket))
    return exits.OK
