"""`skillcache send`: a message to agents at work, from a person, a script, or Claude through Bash."""

import json
import os

import click

from skillcache.cli import trouble
from skillcache.cli.json_output import json_options
from skillcache.messages import limits
from skillcache.messages.page import word
from skillcache.messages.sending import ENDED, EVERYBODY, INBOX_FULL, SENT, find, open_office
from skillcache.messages.sending import send as send_to

_WHY = {
    ENDED: "has ended: the message was not delivered",
    INBOX_FULL: "has a full inbox: the message was not delivered",
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--to", metavar="NAME|@TYPE", help="An agent by its name, or all of a type, such as @reviewer or @main.")
@click.option("--all", "everybody", is_flag=True, help="All agents at work on this project.")
@click.option("--from", "name", metavar="NAME", default="", help="The subagent that writes.")
@click.option("--reply-to", metavar="ID", default="", help="The message that this one answers.")
@click.option(
    "--ttl",
    type=click.IntRange(1, limits.MOST_TTL),
    default=limits.TTL,
    show_default=True,
    metavar="SECONDS",
    help="How long it waits to be read before it comes back.",
)
@json_options("send.Messages", "Print JSON.")
@click.argument("text", nargs=-1, required=True)
def command(
    to: str | None, everybody: bool, name: str, reply_to: str, ttl: int, as_json: bool, text: tuple[str, ...]
) -> int:
    """Send TEXT to agents that work on this project.

    They read it with their next step. See who is there with: skillcache agents
    """
    if bool(to) == everybody:
        raise click.UsageError("say whom it is for: --to NAME, --to @TYPE or --all")
    with open_office() as office:
        agents = office.agents()
        sender = office.me(os.environ, name, agents)
        recipients = find(agents, to or EVERYBODY, sender.id)
        try:
            sent = send_to(office, sender, recipients, " ".join(text), ttl=ttl, reply_to=reply_to)
        except ValueError as fault:
            raise click.UsageError(str(fault)) from None
    if as_json:
        click.echo(json.dumps([each._asdict() for each in sent], indent=2))
    else:
        done = ", ".join(word(each.name) for each in sent if each.status == SENT)
        if done:
            click.echo(f"Sent to {done} as {', '.join(each.id for each in sent if each.status == SENT)}.")
        for each in sent:
            if each.status != SENT:
                click.echo(f"{word(each.name)} {_WHY[each.status]}.", err=True)
    return trouble.OK if all(each.status == SENT for each in sent) else trouble.FAILED
