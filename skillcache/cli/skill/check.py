"""`skillcache skill check`."""

import json
import os
import shlex
from typing import Any

import click

from skillcache.cache import durations
from skillcache.cli import trouble
from skillcache.cli.format import duration, several
from skillcache.cli.json_output import json_options
from skillcache.cli.skill.beside import Remark, remarks
from skillcache.cli.skill.differences import Difference
from skillcache.cli.skill.looking import look
from skillcache.cli.skill.rehearsal import Place, Rehearsal, Run, rehearse
from skillcache.cli.skill.shown import shown
from skillcache.cli.skill.sight import Look
from skillcache.cli.skill.standing import Standing, stand
from skillcache.core.git import find_root
from skillcache.rules.rule import rules_of
from skillcache.rules.skills.manifest import FILE
from skillcache.sessions.text import legible
from skillcache.settings.in_force import Settings, load

_WIDEST = 160
_SHOWN = 5  # lines of one remark


@click.command()
@json_options("skill.Check")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False))
@click.argument("words", metavar="[-- COMMAND]", nargs=-1, type=click.UNPROCESSED)
def check(as_json: bool, folder: str, words: tuple[str, ...]) -> int:
    """Say whether a skill's scripts are cached, and try one.

    Names the line of SKILL.md that keeps them out and what to write there, and what each script visibly does besides
    what is declared; scripts are read for that, not run.

    COMMAND is run twice, in a copy of this directory that is removed afterwards, without input, for a minute at most,
    and with the declared outputs removed in between. Both runs must end alike, print the same and leave the same
    files. Nothing is run without it.

    Ends with 1 where something keeps the skill out, or the runs differ.

    \b
    skillcache skill check .claude/skills/report -- scripts/report.py table.csv
    """  # noqa: D301 - click's mark for lines to be left alone
    folder = os.path.abspath(folder)
    cwd = os.path.realpath(os.getcwd())
    settings = load(os.environ, find_root(cwd) or cwd)
    rules = rules_of(settings)
    standing, seen = stand(folder, rules), look(folder)
    noted = remarks(seen, standing.declared)
    if not as_json:
        click.echo("\n".join([*_standing(standing), *_beside(seen, noted)]))
    tried = None
    if words:
        if not as_json:
            click.echo(f"\nRuns twice, in a copy of {legible(cwd)}: {legible(shlex.join(words))}")
        tried = rehearse(
            words, Place(os.path.realpath(folder), cwd, os.environ, rules, int(settings.number("max_output")))
        )
    if as_json:
        click.echo(json.dumps(_as_json(standing, noted, words, tried), indent=2))
    elif tried is not None:
        click.echo("\n".join(_tried(tried, settings)))
    else:
        click.echo("\n".join(_untried(folder, seen)))
    is_out = not standing.cached or (tried is not None and bool(tried.out or tried.differences))
    return trouble.FAILED if is_out else trouble.OK


def _standing(standing: Standing) -> list[str]:
    name = legible(standing.name)
    if standing.cached:
        return [f"{name}: calls of its scripts are cached, by {legible(standing.why)}."]
    where = f"{FILE} line {standing.line}: " if standing.line else ""
    return [f"{name}: not cached. {where}{legible(standing.why)}.", f"Mend: {legible(standing.instead)}"]


def _beside(seen: Look, noted: list[Remark]) -> list[str]:
    lines = []
    if not seen.scripts:
        return ["", "There is no script in its folder."]
    if noted:
        lines += ["", "What its scripts visibly do besides what is declared:"]
    else:
        read = len(seen.scripts) - len(seen.unread)
        lines += ["", f"Nothing is seen of {several(read, 'script')} besides what is declared."] if read else [""]
    for sight, text in noted:
        at = ",".join(map(str, sight.lines[:_SHOWN]))
        lines.append(f"  {legible(sight.script)}:{at} {legible(text)}")
    lines += [f"  {legible(path)} was not read: no language that is known here" for path in seen.unread]
    return lines


def _untried(folder: str, seen: Look) -> list[str]:
    found = shown(folder, seen.scripts)
    if not found:
        return ["", "Nothing was run. To try a script, give a command that runs it after --"]
    best = next((each for each in found if each.given), found[0])
    command = f"skillcache skill check {shlex.quote(folder)} -- {best.spelled}"
    return ["", "Nothing was run. To try what SKILL.md shows:", f"  {legible(command)}"]


def _tried(tried: Rehearsal, settings: Settings) -> list[str]:
    lines = []
    if tried.differences:
        lines.append("The runs differ:")
        for each in tried.differences:
            lines += _difference(each)
    elif len(tried.runs) == 2:
        lines.append(f"Both runs gave the same: {_result(tried.runs[0])}.")
    if tried.out:
        lines += ["What keeps this command out:", *(f"  {legible(why)}" for why in tried.out)]
    least, took = durations.least(settings, declared=True), tried.runs[0].milliseconds
    if took < least:
        lines.append(f"It took {duration(took)}: runs under {duration(least)} are not stored (min_duration_declared).")
    return lines


def _result(run: Run) -> str:
    said = f"status {run.status}, {several(len(run.output), 'byte')} of output"
    if run.error:
        said += f", {several(len(run.error), 'byte')} on standard error"
    return said + "".join(f", {legible(file.path)}" for file in run.files)


def _difference(each: Difference) -> list[str]:
    at = f", first in line {each.line}" if each.line else ""
    what = f"  {legible(each.what)}" + (f" differs {each.how}" if each.how else "") + at
    return [what, f"    first:  {legible(each.first)[:_WIDEST]}", f"    second: {legible(each.second)[:_WIDEST]}"]


def _as_json(
    standing: Standing, noted: list[Remark], words: tuple[str, ...], tried: Rehearsal | None
) -> dict[str, Any]:
    run = None
    if tried is not None:
        run = {
            "command": list(words),
            "status": [each.status for each in tried.runs],
            "files": [file.path for file in tried.runs[0].files],
            "keeps_out": list(tried.out),
            "differences": [each._asdict() for each in tried.differences],
        }
    return {
        "skill": standing.name,
        "cached": standing.cached,
        "line": standing.line,
        "why": standing.why,
        "instead": standing.instead,
        "visible": [
            {"script": each.script, "lines": list(each.lines), "kind": each.kind, "name": each.name, "text": text}
            for each, text in noted
        ],
        "run": run,
    }
