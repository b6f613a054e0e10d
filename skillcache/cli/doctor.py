"""`skillcache doctor`: checks this installation; every finding is one line with what mends it."""

import json
import os
import time

import click

from skillcache.cli import exits
from skillcache.cli.checks import (
    MEND,
    Finding,
    Place,
    configuration,
    faults,
    folder,
    interpreter,
    lanes,
    lasting,
    proof,
    settings,
    spool,
    store,
    switches,
    tools,
    trust,
)
from skillcache.cli.quantities import several

_CHECKS = (
    settings, lanes, switches, interpreter, lasting, tools, configuration, trust, folder, faults, store, spool, proof,
)  # fmt: skip


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
    place = Place(os.environ, os.path.abspath(project), time.time())
    findings = [finding for check in _CHECKS for finding in check.check(place)]
    wrong = sum(finding.level == MEND for finding in findings)
    if as_json:
        click.echo(json.dumps({"mend": wrong, "findings": [finding._asdict() for finding in findings]}, indent=2))
    else:
        click.echo("\n".join(_line(finding) for finding in findings))
        click.echo(f"{several(wrong, 'finding')} to mend." if wrong else "All is well.")
    return exits.FAILED if wrong else exits.OK


def _line(finding: Finding) -> str:
    line = f"{finding.level:4}  {finding.subject}: {finding.text}"
    return f"{line}. Mend: {finding.mend}" if finding.mend else line
