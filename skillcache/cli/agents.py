"""`skillcache agents`: who works on this project now."""

import json

import click

from skillcache.cli import trouble
from skillcache.cli.json_output import json_options
from skillcache.messages.agents import PERSON
from skillcache.messages.sending import Agent, open_office
from skillcache.sessions.brief.choice import number
from skillcache.sessions.text import Clock, plain

_HEADS = ("NAME", "TYPE", "WHERE", "BRANCH", "SINCE", "ACTIVE", "DOING")
_WIDTHS = (26, 16, 28, 24, 14, 14, 80)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--all", "everybody", is_flag=True, help="People, and agents that have ended, too.")
@json_options("agents.Agents", "Print JSON.")
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
    return trouble.OK


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
