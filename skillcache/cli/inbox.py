"""`skillcache inbox`: the messages for whoever asks, read here instead of by a hook."""

import json
import os
import time

import click

from skillcache.cli import trouble
from skillcache.cli.json_output import json_options
from skillcache.core.errors import StoreError
from skillcache.messages.arrival import Arrived, receive
from skillcache.messages.page import block
from skillcache.messages.sending import SESSION_VARIABLE, open_office

_STEP = 0.5  # seconds between two looks


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--follow", is_flag=True, help="Go on and print what comes, until Ctrl-C.")
@json_options("inbox.Message", "Print one line of JSON for each message.")
def command(follow: bool, as_json: bool) -> int:
    """Print the unread messages for you, and take them as read.

    In a terminal these are answers to what you sent; where Claude runs it, those of its session, unless they arrive by
    themselves.
    """
    with open_office() as office:
        # Which agent of the session asks is not known here, and what one takes, another never sees.
        if os.environ.get(SESSION_VARIABLE) and office.settings.flag("messages.deliver"):
            click.echo("Messages for the agents of this session arrive by themselves, with their next step.", err=True)
            return trouble.OK
        reader = office.me(os.environ)
    printed: set[str] = set()
    away = False
    while True:
        try:
            found = _read(reader.id, printed, as_json=as_json, again=away)
        except StoreError as fault:
            if not follow:
                raise
            if not away:
                click.echo(f"Waiting for the store: {fault}", err=True)
            found, away = False, True
        else:
            away = False
        if found:
            continue  # there may be more
        if not follow:
            return trouble.OK
        time.sleep(_STEP)


def _read(reader: str, printed: set[str], *, as_json: bool, again: bool) -> bool:
    """Whether there was anything. again: a store that was away may have forgotten who reads. Raises StoreError."""
    with open_office() as office:  # a new one: a clock that stands, or a store that went away, ends with it
        if again:
            office.me(os.environ)
        arrived = receive(office.post, reader, office.settings)
        if arrived is None:
            return False
        _print(arrived, printed, as_json=as_json)
        return bool(arrived.messages)


def _print(arrived: Arrived, printed: set[str], *, as_json: bool) -> None:
    """printed: what was printed before the store went away, and could not be taken as read."""
    for message in arrived.messages:
        if message["id"] in printed:
            continue
        printed.add(message["id"])
        if as_json:
            click.echo(json.dumps({**message.fields, **message.times, "bounce": message.bounce}))
        else:
            click.echo("\n".join(block(message, arrived.now)))
    arrived.settle(len(arrived.messages))
    printed.clear()
