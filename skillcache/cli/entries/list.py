"""`skillcache entries list`."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from heapq import nlargest
from math import inf

import click

from skillcache.cli import trouble
from skillcache.cli.contents import contents_of
from skillcache.cli.entries.stored import Stored, call_of, walk
from skillcache.cli.format import duration, several, size
from skillcache.cli.json_output import json_options
from skillcache.core.git import locate, project_of
from skillcache.sessions.text import Clock, plain, span
from skillcache.settings.in_force import load

_DIGITS = 12  # of a digest: enough to name one of millions
_WIDE = 80  # characters of a call
_ORDERS: dict[str, Callable[[Stored], float]] = {
    "age": lambda stored: stored.header.finished if stored.header else -1,
    "size": lambda stored: stored.bytes,
    "saved": lambda stored: stored.header.duration if stored.header else -1,
}
_HEADINGS = ("digest", "name", "stored", "expires", "size", "run", "status", "form", "by", "call")


@click.command("list")
@click.option("--name", default="", help="Only of this name, or of names like this glob.")
@click.option("--project/--all", "here", default=True, help="Of this project, or all.  [default: project]")
@click.option(
    "--sort",
    type=click.Choice(list(_ORDERS)),
    default="age",
    show_default=True,
    help="Newest first, largest first, or those first whose run took longest.",
)
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many.")
@json_options("entries.Entries", "Print JSON.")
def list_(name: str, here: bool, sort: str, limit: int, as_json: bool) -> int:
    """List stored results.

    What a team shares is marked with the team's name, what cannot be read as unreadable.
    """
    folder = os.getcwd()
    with closing(contents_of(load(os.environ, folder).store)) as contents:
        seen = _Seen(walk(contents, name), project_of(locate(folder)) if here else None)
        chosen = nlargest(limit, seen, key=_ORDERS[sort])
    if as_json:
        click.echo(json.dumps([_as_json(stored) for stored in chosen], indent=2))
    else:
        click.echo("\n".join(_as_text(chosen, seen, here=here, now=time.time())))
    return trouble.OK


class _Seen:
    """Passes on those of a project (None: all), and those of which it cannot be told; counts as it goes."""

    def __init__(self, walked: Iterator[Stored], project: str | None) -> None:
        self._walked = walked
        self._project = project
        self.count = self.bytes = self.others = 0

    def __iter__(self) -> Iterator[Stored]:
        for stored in self._walked:
            if self._project is not None and stored.header is not None and stored.header.project != self._project:
                self.others += 1
                continue
            self.count += 1
            self.bytes += stored.bytes
            yield stored


def _as_text(chosen: list[Stored], seen: _Seen, *, here: bool, now: float) -> list[str]:
    rows = [_HEADINGS, *(_row(stored, Clock(int(now * 1000))) for stored in chosen)] if chosen else []
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))] if rows else []
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    of = " of this project" if here else ""
    told = f"{several(seen.count, 'entry', 'entries')}{of}, {size(seen.bytes)}"
    if seen.count > len(chosen):
        told += f"; {len(chosen):,} shown"
    more = f" {several(seen.others, 'other')} with: skillcache entries list --all" if seen.others else ""
    return [*lines, *([""] if lines else []), f"{told}.{more}"]


def _row(stored: Stored, clock: Clock) -> tuple[str, ...]:
    parts, header = stored.parts, stored.header
    name = plain(f"{parts.name} (team {parts.team})" if parts.team else parts.name, 40)
    digest = plain(parts.digest[:_DIGITS], _DIGITS)
    expires = "never" if stored.left == inf else f"in {span(int(stored.left))}"
    if header is None:
        return (digest, name, "", expires, size(stored.bytes), "", "", "unreadable", "", "")
    by = f"{header.writer.get('user', '')}@{header.writer.get('host', '')}"
    return (
        digest,
        name,
        clock.ago(header.finished),
        "pinned" if header.pinned else expires,
        size(stored.bytes),
        duration(header.duration),
        str(header.status),
        header.form,
        plain(by, 40),
        plain(call_of(header), _WIDE),
    )


def _as_json(stored: Stored) -> dict[str, object]:
    parts, header = stored.parts, stored.header
    listed: dict[str, object] = {
        "key": stored.key,
        "name": parts.name,
        "digest": parts.digest,
        "team": parts.team,
        "bytes": stored.bytes,
        "expires_s": None if stored.left == inf else round(stored.left),
        "readable": header is not None,
    }
    if header is not None:
        listed |= {
            "project": header.project,
            "finished_ms": header.finished,
            "duration_ms": header.duration,
            "status": header.status,
            "failed": header.failed,
            "form": header.form,
            "pinned": header.pinned,
            "writer": header.writer,
            "call": call_of(header),
        }
    return listed
