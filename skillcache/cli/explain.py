"""`skillcache explain`: which rule names a command, what its key is made of, and why it hits or misses."""

import json
import os
import shlex
import sys
import time

import click

from skillcache.call import Call
from skillcache.cli import exits
from skillcache.event import MOST, BadEvent, ToolEvent, parse_tool_event
from skillcache.explanation import Explanation, explain
from skillcache.kinds import may_be_ours
from skillcache.plan import BASH
from skillcache.replay import age_of
from skillcache.runtime import World
from skillcache.settings import load


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--event", "path", metavar="FILE", help="Explain the hook event in FILE, - for standard input.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.argument("words", metavar="-- COMMAND", nargs=-1, type=click.UNPROCESSED)
def command(path: str | None, as_json: bool, words: tuple[str, ...]) -> int:
    """Say why a command would be answered from the cache or run.

    COMMAND is one quoted text, or words after --. It does not run.

    \b
    skillcache explain -- pytest -q
    skillcache explain "npm test -- --watch=false"
    """  # noqa: D301 - click's mark for lines to be left alone
    if (path is None) == (not words):
        raise click.UsageError("give a command after --, or an event with --event FILE")
    try:
        event = _read_event(path) if path is not None else _event_of(words)
    except (BadEvent, OSError) as fault:
        raise click.ClickException(f"{path}: not a hook event: {fault}") from None
    if event.tool != BASH and not may_be_ours(event.tool):
        raise click.ClickException(f"{event.tool}: calls of this tool are never answered from the cache")
    folder = os.environ.get("CLAUDE_PROJECT_DIR") or event.cwd
    now = time.time()
    world = World(os.environ, now, time.monotonic())
    explained = explain(Call(event, world, folder, load(os.environ, folder)))
    click.echo(_as_json(explained) if as_json else "\n".join(_as_text(explained, now)))
    return exits.OK


def _read_event(path: str) -> ToolEvent:
    if path == "-":
        return parse_tool_event(sys.stdin.buffer.read(MOST + 1))
    with open(path, "rb") as file:
        return parse_tool_event(file.read(MOST + 1))


def _event_of(words: tuple[str, ...]) -> ToolEvent:
    line = words[0] if len(words) == 1 else shlex.join(words)
    return ToolEvent("PreToolUse", tool="Bash", tool_input={"command": line}, tool_use_id="explain", cwd=os.getcwd())


def _as_text(explained: Explanation, now: float) -> list[str]:
    outcome = explained.outcome
    reason = f"{outcome.text}: {explained.detail}" if explained.detail else outcome.text
    lines = [f"{outcome.kind}  {outcome.name}: {reason}", f"command  {explained.command}"]
    if explained.rule:
        lines.append(f"rule     {explained.rule}")
    if explained.served is not None:
        entry = explained.served
        lines.append(
            f"entry    recorded {age_of(entry, now)} ago by {entry.writer.get('user')} on {entry.writer.get('host')},"
            f" exit status {entry.status}, {explained.size} bytes, a run of {entry.duration / 1000:.1f} s"
        )
    if explained.nearest is not None and explained.changes:
        lines += [
            "",
            f"What differs from the newest entry of this command, recorded {age_of(explained.nearest, now)} ago:",
        ]
        lines += [f"  {change}" for change in explained.changes]
    elif explained.rows and explained.served is None and explained.nearest is None:
        lines += ["", "No entry of this command in this directory is stored."]
    if explained.rows:
        lines += ["", f"key {explained.digest}"]
        lines += [
            f"  {' '.join(part for part in (label, name) if part)}: {value}" for label, name, value in explained.rows
        ]
    return lines


def _as_json(explained: Explanation) -> str:
    entry = explained.served or explained.nearest
    return json.dumps(
        {
            "command": explained.command,
            "outcome": explained.outcome.name,
            "class": explained.outcome.kind,
            "reason": explained.outcome.text,
            "detail": explained.detail,
            "rule": explained.rule,
            "key": {"digest": explained.digest, "rows": explained.rows} if explained.rows else None,
            "entry": entry
            and {
                "served": explained.served is not None,
                "finished_ms": entry.finished,
                "duration_ms": entry.duration,
                "status": entry.status,
                "writer": entry.writer,
            },
            "changes": explained.changes,
        },
        indent=2,
    )
