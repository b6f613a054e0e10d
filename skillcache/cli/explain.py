"""`skillcache explain`: which rule names a command, what its key is made of, and why it hits or misses."""

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import NamedTuple

import click

from skillcache.cache.capture import BASH
from skillcache.cache.replay import age_of
from skillcache.claude.event import MOST, BadEvent, ToolEvent, parse_tool_event
from skillcache.cli import trouble
from skillcache.cli.explained import Place, reached
from skillcache.cli.explained import explain as explain_command
from skillcache.cli.json_output import json_options
from skillcache.cli.line import Line, NotALine, Spoken, WholeLine, is_line, of_line, read
from skillcache.commands.process import environment
from skillcache.core.outcomes import NO_ENTRY, NO_RULE
from skillcache.sessions.text import legible
from skillcache.settings.in_force import load
from skillcache.tools.call import Call
from skillcache.tools.explanation import Explanation, explain
from skillcache.tools.registry import may_be_ours
from skillcache.tools.world import World

_EXPANDS = "the shell puts other words in the place of $ and *: they are taken here as they stand"


class _Explained(NamedTuple):
    """One command or tool call. is_reached, shim: of a command, whether a shim stands in for it here, and why."""

    about: Explanation
    is_reached: bool | None = None
    shim: str = ""
    expands: bool = False


class _Whole(NamedTuple):
    """line: as it was read, None where words were given; lost: rules that named this whole line."""

    line: str | None
    each: list[_Explained]
    lost: list[WholeLine]


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--event", "path", metavar="FILE", help="Explain the hook event in FILE, - for standard input.")
@json_options("explain.Explanation")
@click.argument("words", metavar="-- COMMAND", nargs=-1, type=click.UNPROCESSED)
def command(path: str | None, as_json: bool, words: tuple[str, ...]) -> int:
    """Say why a command would be answered from the cache or run.

    COMMAND is a program with its words, or one quoted line of a shell, whose commands are explained one by one. Nothing
    runs.

    \b
    skillcache explain -- pytest -q
    skillcache explain "cd web && npm test | tail -5"
    """  # noqa: D301 - click's mark for lines to be left alone
    if (path is None) == (not words):
        raise click.UsageError("give a command after --, or an event with --event FILE")
    now = time.time()
    try:
        whole = _of_event(path, now) if path is not None else _of_words(words, os.getcwd(), now)
    except NotALine as fault:
        raise click.ClickException(str(fault)) from None
    click.echo(_as_json(whole) if as_json else "\n".join(map(legible, _as_text(whole, now))))
    return trouble.OK


def _of_event(path: str, now: float) -> _Whole:
    try:
        event = _read_event(path)
    except (BadEvent, OSError) as fault:
        raise click.ClickException(f"{path}: not a hook event: {fault}") from None
    line = event.input.get("command")
    if event.tool == BASH and isinstance(line, str):
        return _of_line(line, event.cwd, now)
    if event.tool == BASH or not may_be_ours(event.tool):
        raise click.ClickException(f"{event.tool}: calls of this tool are never answered from the cache")
    folder = os.environ.get("CLAUDE_PROJECT_DIR") or event.cwd
    world = World(os.environ, now, time.monotonic())
    return _Whole(None, [_Explained(explain(Call(event, world, folder, load(os.environ, folder))))], [])


def _read_event(path: str) -> ToolEvent:
    if path == "-":
        return parse_tool_event(sys.stdin.buffer.read(MOST + 1))
    with open(path, "rb") as file:
        return parse_tool_event(file.read(MOST + 1))


def _of_words(words: tuple[str, ...], cwd: str, now: float) -> _Whole:
    if len(words) == 1 and is_line(words[0]):
        return _of_line(words[0], cwd, now)
    return _explained(Line((Spoken(words),)), " ".join(words), cwd, now)


def _of_line(text: str, cwd: str, now: float) -> _Whole:
    return _explained(read(text), text, cwd, now)._replace(line=text)


def _explained(line: Line, text: str, cwd: str, now: float) -> _Whole:
    environ = environment()
    folder = environ.get("CLAUDE_PROJECT_DIR") or cwd
    settings = load(environ, folder)
    place = Place(environ, cwd, folder, settings, now, line.fresh)
    each = [
        _Explained(explain_command(spoken, place), *reached(spoken.words[0], environ, settings.cache), spoken.expands)
        for spoken in line.commands
    ]
    return _Whole(None, each, of_line(settings, text))


def _as_text(whole: _Whole, now: float) -> Iterator[str]:
    if whole.line is not None:
        told = "; ".join(each.about.command for each in whole.each) or "no command"
        yield f"line     understood as: {told}"
    for lost in whole.lost:
        yield f"rule     {lost.text}; {lost.mend}"
    for at, each in enumerate(whole.each):
        if at or whole.line is not None or whole.lost:
            yield ""
        yield from _block(each, now)


def _block(each: _Explained, now: float) -> Iterator[str]:
    about = each.about
    outcome = about.outcome
    reason = f"{outcome.text}: {about.detail}" if about.detail else outcome.text
    yield f"{outcome.kind}  {outcome.name}: {reason}"
    yield f"command  {about.command}"
    if about.rule:
        yield f"rule     {about.rule}"
    if each.shim and outcome is not NO_RULE:
        yield f"shim     {each.shim}"
    if each.expands and outcome is not NO_RULE:
        yield f"words    {_EXPANDS}"
    if about.served is not None:
        entry = about.served
        yield (
            f"entry    recorded {age_of(entry, now)} ago by {entry.writer.get('user')} on {entry.writer.get('host')},"
            f" exit status {entry.status}, {about.size} bytes, a run of {entry.duration / 1000:.1f} s"
        )
    yield from _compared(about, now)
    if about.rows:
        yield from ("", f"key {about.digest}")
        for label, name, value in about.rows:
            yield f"  {' '.join(part for part in (label, name) if part)}: {value}"


def _compared(about: Explanation, now: float) -> Iterator[str]:
    if about.nearest is not None and about.changes:
        yield ""
        yield f"What differs from the newest entry of this command, recorded {age_of(about.nearest, now)} ago:"
        yield from (f"  {change}" for change in about.changes)
    elif about.outcome is NO_ENTRY and about.nearest is None:
        yield from ("", "No entry of this command in this directory is stored.")


def _as_json(whole: _Whole) -> str:
    return json.dumps(
        {
            "line": whole.line,
            "commands": [_object(each) for each in whole.each],
            "rules_of_lines": [{"match": lost.pattern, "instead": lost.instead} for lost in whole.lost],
        },
        indent=2,
    )


def _object(each: _Explained) -> dict[str, object]:
    about = each.about
    entry = about.served or about.nearest
    return {
        "command": about.command,
        "outcome": about.outcome.name,
        "class": about.outcome.kind,
        "reason": about.outcome.text,
        "detail": about.detail,
        "rule": about.rule,
        "shim": {"reached": each.is_reached, "reason": each.shim} if each.shim else None,
        "key": {"digest": about.digest, "rows": about.rows} if about.rows else None,
        "entry": entry
        and {
            "served": about.served is not None,
            "finished_ms": entry.finished,
            "duration_ms": entry.duration,
            "status": entry.status,
            "writer": entry.writer,
        },
        "changes": about.changes,
    }
