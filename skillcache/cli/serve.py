"""`skillcache serve`: the resident server by hand; the plugin's mod starts one for each client process."""

import os

import click

from skillcache import claude
from skillcache.cli import output
from skillcache.events.server.serve import serve


@click.command()
@click.option(
    "--socket",
    metavar="PATH",
    default=None,
    help="Where to listen, about a hundred bytes long at most.  [default: where the hooks of CLAUDE_PID look for it]",
)
@click.option("--off", is_flag=True, help="Switch the server of this client off until the client ends.")
@click.option("--on", is_flag=True, help="Switch it on again.")
def command(socket: str | None, off: bool, on: bool) -> int:
    """Answer the plugin's calls on a unix socket until the process that started this one ends.

    The plugin starts one by itself. A server that listens there already hands over and ends.
    """
    if off or on:
        return _switch(off=off)
    serve(os.environ, None if socket is None else os.path.abspath(socket))
    return output.OK


def _switch(*, off: bool) -> int:
    click.echo(claude.switch(os.environ, off=off))
    return output.OK
