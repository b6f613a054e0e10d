"""`skillcache doctor`: checks this installation; every finding is one line with what mends it."""

import json
import os
import sys
import time
from collections.abc import Iterator

import click

from skillcache.cli import trouble
from skillcache.cli.checks import (
    configuration,
    faults,
    folder,
    interpreter,
    lanes,
    lasting,
    proof,
    recent,
    settings,
    shims,
    skills,
    spool,
    store,
    switches,
    tools,
    trust,
)
from skillcache.cli.checks.finding import MEND, Finding, Place, silent
from skillcache.cli.format import several
from skillcache.cli.setup.client_environment import completed, of_hooks
from skillcache.sessions.text import legible

_CHECKS = (
    settings, lanes, switches, interpreter, lasting, tools, configuration, trust, folder, shims, faults, store, spool,
    skills, recent, proof,
)  # fmt: skip
_CLEAR = "\r\x1b[K"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option(
    "--project",
    metavar="DIR",
    default=".",
    type=click.Path(exists=True, file_okay=False),
    help="The project whose settings and configuration are checked too.  [default: this folder]",
)
def command(project: str, as_json: bool) -> int:
    """Check this installation and say how to mend what is wrong.

    Where Claude Code is on PATH, it plays scripted sessions in a home folder of their own, offline, to see that
    repeated calls are answered. Ends with status 1 when something needs mending.
    """
    top = os.path.abspath(project)
    says = not as_json and sys.stdout.isatty()
    place = Place(
        of_hooks(os.environ, top), top, time.time(), _say_doing if says else silent, completed(os.environ, top)
    )
    findings = []
    for finding in _look(place):
        findings.append(finding)
        if not as_json:
            click.echo((_CLEAR if says else "") + _line(finding))
    wrong = sum(finding.level == MEND for finding in findings)
    if as_json:
        click.echo(json.dumps({"mend": wrong, "findings": [finding._asdict() for finding in findings]}, indent=2))
    else:
        end = f"{several(wrong, 'finding')} to mend." if wrong else "All is well."
        click.echo((_CLEAR if says else "") + end)
    return trouble.FAILED if wrong else trouble.OK


def _look(place: Place) -> Iterator[Finding]:
    for check in _CHECKS:
        place.tell(check.__name__.rpartition(".")[2])
        yield from check.check(place)


def _say_doing(doing: str) -> None:
    click.echo(f"{_CLEAR}...   {doing}", nl=False)


def _line(finding: Finding) -> str:
    line = f"{finding.level:4}  {finding.subject}: {finding.text}"
    return legible(f"{line}. Mend: {finding.mend}" if finding.mend else line)
