"""`skillcache state`: small values that the steps of a workflow share."""

import json
from typing import Any

import click

from skillcache.cli import trouble
from skillcache.cli.json_output import json_options
from skillcache.library.shared_state import TTL, SharedState

_NAMESPACE = click.option("--namespace", default="default", show_default=True, help="Values of different workflows.")
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
            raise click.UsageError(str(fault)) from None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Share small JSON values between agents, scripts and machines, per project or team."""


@command.command()
@_NAMESPACE
@_TEAM
@json_options("state.Value", "Print JSON, with the version.")
@click.argument("key")
def get(namespace: str, team: str | None, as_json: bool, key: str) -> int:
    """Print the value of KEY as JSON.

    Ends with status 1 where it is not set.
    """
    found = SharedState(namespace, team=team).find(key)
    if found is None:
        click.echo(f"{key} is not set.", err=True)
        return trouble.FAILED
    click.echo(json.dumps({"key": key, **found._asdict()} if as_json else found.value))
    return trouble.OK


@command.command("set")
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
    click.echo(state.set(key, _value(value), version=version, ttl=ttl, **more))
    return trouble.OK


@command.command()
@_NAMESPACE
@_TEAM
@_VERSION
@click.argument("key")
def delete(namespace: str, team: str | None, version: int | None, key: str) -> int:
    """Delete KEY; exit status 1 where it is not set."""
    if SharedState(namespace, team=team).delete(key, version=version):
        return trouble.OK
    click.echo(f"{key} is not set.", err=True)
    return trouble.FAILED


@command.command("list")
@_NAMESPACE
@_TEAM
@json_options("state.Values", "Print JSON, with the versions.")
def list_(namespace: str, team: str | None, as_json: bool) -> int:
    """List the values."""
    items = SharedState(namespace, team=team).items()
    if as_json:
        click.echo(json.dumps([{"key": key, **item._asdict()} for key, item in items.items()], indent=2))
    else:
        for key, item in items.items():
            click.echo(f"{json.dumps(key) if not key.isprintable() else key}  {json.dumps(item.value)}")
    return trouble.OK


@command.command()
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
    return trouble.OK


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
