"""`skillcache inbox`: the messages for whoever asks, read here instead of by a hook."""

import json
import os
import time

import click

from skillcache.cli import exits
from skillcache.messages.arrival import Arrived, receive
from skillcache.messages.identity import SESSION_VARIABLE, open_office
from skillcache.messages.page import block

_STEP = 0.5  # seconds between two looks


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--follow", is_flag=True, help="Go on and print what comes, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print one line of JSON for each message.")
def command(follow: bool, as_json: bool) -> int:
    """Print the unread messages for you, and take them as read.

    In a terminal these are answers to what you sent; where Claude runs it, those of its session, unless they arrive by
    themselves.
    """
    with open_office() as office:
        # Which agent of the session asks is not known here, and what one takes, another never sees.
        if os.environ.get(SESSION_VARIABLE) and office.settings.flag("messages.deliver"):
            click.echo("Messages for the agents of this session arrive by themselves, with their next step.", err=True)
            return exits.OK
        reader = office.me(os.environ)
    while True:
        with open_office() as office:  # a new one: a clock that stands, or a store that went away, ends with it
            arrived = receive(office.post, reader.id, office.settings)
            if arrived is not None:
                _print(arrived, as_json=as_json)
        if arrived is not None and arrived.messages:
            continue  # there may be more
        if not follow:
            return exits.OK
        time.sleep(_STEP)


def _print(arrived: Arrived, *, as_json: bool) -> None:
    for message in arrived.messages:
        if as_json:
            click.echo(json.dumps({**message.fields, **message.times, "bounce": message.bounce}))
        else:
            click.echo("\n".join(block(message, arrived.now)))
    arrived.settle(len(arrived.messages))
