"""`skillcache entries show`."""

import os
import sys
import time
from contextlib import closing
from math import inf

import click

from skillcache.cache.relocation import expand
from skillcache.cli import trouble
from skillcache.cli.contents import Contents, contents_of
from skillcache.cli.entries.stored import Stored, find, rows_of
from skillcache.cli.format import duration, size
from skillcache.core.credentials.find import redact
from skillcache.core.errors import SkillcacheError
from skillcache.sessions.text import Clock, plain, span
from skillcache.settings.in_force import load
from skillcache.stores.entry import Entry, Unreadable, decode

_LINES = 20  # of the output
_WIDE = 200  # characters of a line


@click.command()
@click.argument("digest")
@click.option("--output", "raw", is_flag=True, help="Print the whole output, as it is, and nothing else.")
def show(digest: str, raw: bool) -> int:
    """Show what is stored under DIGEST.

    It says, too, whether that would still be served.
    """
    with closing(contents_of(load(os.environ, os.getcwd()).store)) as contents:
        stored = find(contents, digest)
        entry = _decode(contents, stored)
        generations = contents.take(contents.holdings.generations(entry.names))
    if raw:
        sys.stdout.buffer.write(_output(entry))
        sys.stdout.buffer.flush()
    else:
        click.echo("\n".join(_as_text(stored, entry, generations)))
    return trouble.OK


def _decode(contents: Contents, stored: Stored) -> Entry:
    value = contents.take(contents.holdings.value(stored.key))
    if value is None:
        raise SkillcacheError(f"{stored.label} has just been removed")
    try:
        return decode(value)
    except Unreadable as fault:
        remove = f"skillcache entries remove {plain(stored.parts.digest, _WIDE)}"
        raise SkillcacheError(f"{stored.label}: {fault}. Take it out with: {remove}") from None


def _output(entry: Entry) -> bytes:
    """As the run printed it, where it ran."""
    try:
        return expand(entry.output, entry.root) if entry.relocated else entry.output
    except ValueError:  # a mark that no recorder makes
        return entry.output


def _as_text(stored: Stored, entry: Entry, generations: dict[str, int]) -> list[str]:
    clock = Clock(int(time.time() * 1000))
    writer = entry.writer
    by = plain(f"{writer.get('user', '')}@{writer.get('host', '')}", 80)
    session = f", session {plain(writer['session'], 40)}" if writer.get("session") else ""
    expires = "never" if stored.left == inf else f"in {span(int(stored.left))}"
    lines = [
        stored.label,
        f"  stored   {clock.ago(entry.finished)} by {by}{session}",
        f"  expires  {'pinned: served whatever its age' if entry.pinned else expires}",
        f"  run      {duration(entry.duration)}, exit status {entry.status}{', failed' if entry.failed else ''}",
        f"  output   {entry.form}, {size(len(entry.output))}; {size(stored.bytes)} stored",
        f"  project  {plain(entry.project, _WIDE) or '-'}",
        f"  root     {plain(entry.root, _WIDE) or '-'}",
        f"  current  {_judge(entry, generations)}",
        "",
        "names: generation",
    ]
    lines += [f"  {plain(name, _WIDE)}: {_generation(old, generations[name])}" for name, old in entry.names.items()]
    lines += ["", "key"]
    lines += [
        f"  {plain(' '.join(part for part in (label, name) if part), 80)}: {plain(value, _WIDE)}"
        for label, name, value in rows_of(entry.key)
    ]
    if entry.files:
        lines += ["", "files"]
        lines += [f"  {plain(file.path, _WIDE)}: {file.mode:o}, {size(len(file.content))}" for file in entry.files]
    return lines + _beginning(entry)


def _judge(entry: Entry, generations: dict[str, int]) -> str:
    raised = [plain(name, 80) for name, old in entry.names.items() if generations[name] != old]
    return f"no: invalidated by {', '.join(raised)}" if raised else "yes: nothing has invalidated it"


def _generation(old: int, now: int) -> str:
    return str(old) if old == now else f"{old}, now {now}"


def _beginning(entry: Entry) -> list[str]:
    lines = _output(entry).decode("utf-8", "replace").splitlines()
    if not lines:
        return ["", "no output"]
    shown = [f"  {plain(line, _WIDE)}".rstrip() for line in redact("\n".join(lines[:_LINES])).split("\n")]
    more = [f"  ... {len(lines) - _LINES:,} more lines: --output prints them all"] if len(lines) > _LINES else []
    return ["", "output", *shown, *more]
