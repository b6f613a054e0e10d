"""`skillcache agents`, `inbox`, `send` and `state`: agents at work, their messages, and what they share."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from shlex import quote
from typing import Any

import click

from skillcache.cli import output
from skillcache.cli.output import json_options
from skillcache.core.outcomes import SkillcacheError, StoreError
from skillcache.library.shared_state import TTL, SharedState, StateConflict
from skillcache.messages import message as messages
from skillcache.messages.agents import PERSON
from skillcache.messages.arrival import Arrived, receive
from skillcache.messages.page import block, word
from skillcache.messages.sending import ENDED, EVERYBODY, INBOX_FULL, SENT, SESSION_VARIABLE, Agent, find, open_office
from skillcache.messages.sending import send as send_to
from skillcache.sessions.brief.choice import number
from skillcache.sessions.text import Clock, legible, plain

_HEADS = ("NAME", "TYPE", "WHERE", "BRANCH", "SINCE", "ACTIVE", "DOING")
_WIDTHS = (26, 16, 28, 24, 14, 14, 80)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--all", "everybody", is_flag=True, help="People, and agents that have ended, too.")
@json_options("Agents", "Print JSON.")
def command(everybody: bool, as_json: bool) -> int:
    """Show the agents that work on this project, the last active first.

    Agents are known where messages are delivered to them: SKILLCACHE_MESSAGES_DELIVER=1.
    """
    with open_office() as office:
        agents = [
            each for each in office.agents() if everybody or not (each.get("ended") or each.get("type") == PERSON)
        ]
        clock = Clock(office.clock)
    if as_json:
        agents = [{name: text for name, text in each.items() if name != "proof"} for each in agents]
        click.echo(json.dumps(agents, indent=2))
    elif not agents:
        click.echo("No agent is at work on this project, or messages are not delivered here (messages.deliver).")
    else:
        rows = [_HEADS, *[_row(agent, clock) for agent in agents]]
        wide = [max(len(row[column]) for row in rows) for column in range(len(_HEADS))]
        for row in rows:
            click.echo("  ".join(word.ljust(width) for word, width in zip(row, wide, strict=True)).rstrip())
    return output.OK


def _row(agent: Agent, clock: Clock) -> tuple[str, ...]:
    doing = " · ".join(agent[name] for name in ("task", "tool") if agent.get(name))
    cells = (
        agent.get("name", ""),
        agent.get("type", ""),
        f"{agent.get('user', '')}@{agent.get('host', '')}",
        agent.get("branch", ""),
        clock.ago(number(agent.get("started"))),
        "ended" if agent.get("ended") else clock.ago(number(agent.get("active"))),
        doing,
    )
    return tuple(plain(text, width) or "-" for text, width in zip(cells, _WIDTHS, strict=True))


_STEP = 0.5  # seconds between two looks


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--follow", is_flag=True, help="Go on and print what comes, until Ctrl-C.")
@json_options("Message", "Print one line of JSON for each message.")
def inbox(follow: bool, as_json: bool) -> int:
    """Print the unread messages for you, and take them as read.

    In a terminal these are answers to what you sent; where Claude runs it, those of its session, unless they arrive by
    themselves.
    """
    with open_office() as office:
        # Which agent of the session asks is not known here, and what one takes, another never sees.
        if os.environ.get(SESSION_VARIABLE) and office.settings.flag("messages.deliver"):
            click.echo("Messages for the agents of this session arrive by themselves, with their next step.", err=True)
            return output.OK
        reader = office.me(os.environ)
    printed: set[str] = set()
    away = heard = False
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
            heard = True
            continue  # there may be more
        if not follow:
            if not heard:
                click.echo("No message for you.", err=True)  # what is printed is messages
            return output.OK
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


_WHY = {
    ENDED: "has ended: the message was not delivered. Who is there: skillcache agents",
    INBOX_FULL: "has a full inbox: the message was not delivered. When it was last active: skillcache agents",
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--to", metavar="NAME|@TYPE", help="An agent by its name, or all of a type, such as @reviewer or @main.")
@click.option("--all", "everybody", is_flag=True, help="All agents at work on this project.")
@click.option("--from", "name", metavar="NAME", default="", help="The subagent that writes.")
@click.option("--reply-to", metavar="ID", default="", help="The message that this one answers.")
@click.option(
    "--ttl",
    type=click.IntRange(1, messages.MOST_TTL),
    default=messages.TTL,
    show_default=True,
    metavar="SECONDS",
    help="How long it waits to be read before it comes back.",
)
@json_options("Messages", "Print JSON.")
@click.argument("text", nargs=-1, required=True)
def send(
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
                click.echo(f"{word(each.name)} {_WHY[each.status]}", err=True)
    return output.OK if all(each.status == SENT for each in sent) else output.FAILED


_DEFAULT = "default"
_NAMESPACE = click.option("--namespace", default=_DEFAULT, show_default=True, help="Values of different workflows.")
_TEAM = click.option("--team", metavar="NAME", help="The team's values, not the project's.")
_TTL = click.option(
    "--ttl", type=click.IntRange(min=1), default=TTL, metavar="SECONDS", help="How long it is kept.  [default: 30 days]"
)
_VERSION = click.option(
    "--version", type=int, metavar="N", help="Only while it has this version; 0: while it is not set."
)


class _Group(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ValueError as fault:  # a name or a value that cannot be one
            raise click.UsageError(str(fault), ctx) from None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
def state() -> None:
    """Share small JSON values between agents, scripts and machines, per project or team."""


@state.command()
@_NAMESPACE
@_TEAM
@json_options("Value", "Print JSON, with the version.")
@click.argument("key")
def get(namespace: str, team: str | None, as_json: bool, key: str) -> int:
    """Print the value of KEY as JSON.

    Ends with status 1 where it is not set.
    """
    found = SharedState(namespace, team=team).find(key)
    if found is None:
        return _not_set(key, namespace, team)
    click.echo(json.dumps({"key": key, **found._asdict()} if as_json else found.value))
    return output.OK


@state.command("set")
@_NAMESPACE
@_TEAM
@_TTL
@_VERSION
@click.option("--expect", metavar="VALUE", help="Only while it has this value.")
@click.argument("key")
@click.argument("value")
def set_(
    namespace: str, team: str | None, ttl: int, version: int | None, expect: str | None, key: str, value: str
) -> int:
    """Set KEY to VALUE: JSON, or else a text. Prints the new version.

    Exit status 1, and nothing changed, where the value is not the expected one.
    """
    state, more = SharedState(namespace, team=team), {} if expect is None else {"expected": _value(expect)}
    with _told_where(namespace, team):
        click.echo(state.set(key, _value(value), version=version, ttl=ttl, **more))
    return output.OK


@state.command()
@_NAMESPACE
@_TEAM
@_VERSION
@click.argument("key")
def delete(namespace: str, team: str | None, version: int | None, key: str) -> int:
    """Delete KEY; exit status 1 where it is not set."""
    with _told_where(namespace, team):
        if SharedState(namespace, team=team).delete(key, version=version):
            return output.OK
    return _not_set(key, namespace, team)


@state.command("list")
@_NAMESPACE
@_TEAM
@json_options("Values", "Print JSON, with the versions.")
def list_(namespace: str, team: str | None, as_json: bool) -> int:
    """List the values."""
    items = SharedState(namespace, team=team).items()
    if as_json:
        click.echo(json.dumps([{"key": key, **item._asdict()} for key, item in items.items()], indent=2))
    else:
        for key, item in items.items():
            click.echo(f"{json.dumps(key) if not key.isprintable() else key}  {json.dumps(item.value)}")
    return output.OK


@state.command()
@_NAMESPACE
@_TEAM
@_TTL
@click.argument("key")
@click.argument("by", type=int, default=1)
def increment(namespace: str, team: str | None, ttl: int, key: str, by: int) -> int:
    """Add BY to the whole number KEY, and print the sum.

    BY is 1 where it is not given.
    """
    click.echo(SharedState(namespace, team=team).increment(key, by, ttl=ttl))
    return output.OK


def _not_set(key: str, namespace: str, team: str | None) -> int:
    click.echo(f"{legible(key)} is not set. What is: skillcache state list{_of(namespace, team)}", err=True)
    return output.FAILED


@contextmanager
def _told_where(namespace: str, team: str | None) -> Iterator[None]:
    """Raises SkillcacheError for a value that is not as expected, with the command that shows what it is."""
    try:
        yield
    except StateConflict as fault:
        seen = f"skillcache state get --json{_of(namespace, team)} {quote(fault.key)}"
        raise SkillcacheError(f"{fault}. See: {seen}") from None


def _of(namespace: str, team: str | None) -> str:
    """The options that name the values."""
    named = f" --namespace {quote(namespace)}" if namespace != _DEFAULT else ""
    return named + (f" --team {quote(team)}" if team else "")


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
