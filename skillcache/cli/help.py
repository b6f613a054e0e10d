"""`skillcache help`: the reference, as it was installed with this version; nothing is asked of a network."""

import os
import re

import click

from skillcache.cli import output
from skillcache.cli.main import COMMANDS
from skillcache.core.paths import package_folder

# Marks for what makes the tables and for what runs the examples: nothing to a reader.
_MARKS = re.compile(r"<!-- [^<>\n]*-->\n")


@click.command()
@click.argument("topic", required=False)
def command(topic: str | None) -> int:
    """Read the reference: what it says of TOPIC, or which topics there are.

    The options of a command are told by its own --help.
    """
    topics = read_topics()
    if topic is None:
        width = max(map(len, topics))
        click.echo("Topics, each read with: skillcache help TOPIC\n")
        for name, text in topics.items():
            click.echo(f"  {name:{width}}  {title_of(text)}")
        return output.OK
    if topic not in topics:
        own = f" What the command takes: skillcache {topic} --help." if topic in COMMANDS else ""
        raise click.UsageError(f"There is no topic {topic!r}.{own} Topics: {', '.join(topics)}.")
    click.echo(_MARKS.sub("", topics[topic]), nl=False)
    return output.OK


def read_topics() -> dict[str, str]:
    """Each page of the reference by its topic, in order. Raises OSError."""
    folder = f"{package_folder()}/docs"
    topics: dict[str, str] = {}
    for name in sorted(os.listdir(folder)):
        topic, suffix = os.path.splitext(name)
        if suffix == ".md":
            with open(f"{folder}/{name}", encoding="utf-8") as page:
                topics[topic] = page.read()
    return topics


def title_of(page: str) -> str:
    """What the first line, `# topic: title`, says behind the topic."""
    return page.partition("\n")[0].partition(": ")[2]
