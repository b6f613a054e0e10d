"""`skillcache doctor`: checks this installation; every finding is one line with what mends it."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator

import click

from skillcache.cli import output
from skillcache.cli.checks import MEND, Finding, Place, silent
from skillcache.cli.checks.cluster import check_cluster
from skillcache.cli.checks.folder import check_calls, check_faults, check_folder
from skillcache.cli.checks.installation import (
    check_configuration,
    check_entries,
    check_git,
    check_interpreter,
    check_lasting,
    check_shims,
    check_skills,
    check_switches,
    check_trust,
)
from skillcache.cli.checks.proof import check_lanes, check_proof
from skillcache.cli.checks.store import check_spool, check_store, check_team
from skillcache.cli.output import json_options, several
from skillcache.cli.setup.client_environment import completed, of_hooks
from skillcache.sessions.text import legible

_CHECKS: tuple[tuple[str, Callable[[Place], list[Finding]]], ...] = (
    ("settings", check_entries),
    ("lanes", check_lanes),
    ("switches", check_switches),
    ("interpreter", check_interpreter),
    ("lasting", check_lasting),
    ("tools", check_git),
    ("configuration", check_configuration),
    ("trust", check_trust),
    ("folder", check_folder),
    ("shims", check_shims),
    ("faults", check_faults),
    ("store", check_store),
    ("cluster", check_cluster),
    ("spool", check_spool),
    ("team", check_team),
    ("skills", check_skills),
    ("recent", check_calls),
    ("proof", check_proof),
)
_CLEAR = "\r\x1b[K"


@click.command()
@json_options("Doctor")
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
    return output.FAILED if wrong else output.OK


def _look(place: Place) -> Iterator[Finding]:
    for name, check in _CHECKS:
        place.tell(name)
        yield from check(place)


def _say_doing(doing: str) -> None:
    click.echo(f"{_CLEAR}...   {doing}", nl=False)


def _line(finding: Finding) -> str:
    line = f"{finding.level:4}  {finding.subject}: {finding.text}"
    return legible(f"{line}. Mend: {finding.mend}" if finding.mend else line)
