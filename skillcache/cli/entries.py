"""`skillcache entries`: the stored results, one by one."""

import json
import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from heapq import nlargest
from math import inf
from typing import NamedTuple

import click

from skillcache.cache.invalidation import forgetting
from skillcache.cache.relocation import expand
from skillcache.cli import output
from skillcache.cli.invalidate import Contents, contents_of
from skillcache.cli.output import duration, json_options, several, size
from skillcache.core.credentials.find import redact
from skillcache.core.git import locate, project_of
from skillcache.core.json import loads
from skillcache.core.outcomes import SkillcacheError
from skillcache.sessions.text import Clock, plain, span
from skillcache.settings.in_force import load
from skillcache.stores import entry
from skillcache.stores.contract import MAX_TTL, entry_key
from skillcache.stores.entry import Entry, Unreadable, decode
from skillcache.stores.patterns import ENTRIES, TEAM_ENTRIES, Parts, Pattern, parts_of
from skillcache.stores.scan import HEAD, Header, read_header, with_pin
from skillcache.stores.signed import ENTRY, Keys, signer

# The row that says most of a call, where a key has several of them.
_TELLING = ("command", "url", "query", "prompt", "arguments", "input")
_WIDEST_KEY = 300  # characters of a key
_SHOWN = 5  # of the entries that a digest might mean
_LIST = "See what is there: skillcache entries list --all"


class Stored(NamedTuple):
    """header: None for an entry that is unreadable; bytes: of the whole value."""

    key: str
    parts: Parts
    header: Header | None
    bytes: int

    @property
    def label(self) -> str:
        """The key as it may stand on a terminal: others may have written it."""
        return plain(self.key, _WIDEST_KEY)


def walk(contents: Contents, name: str = "") -> Iterator[Stored]:
    """Every entry, or those whose name the glob `name` matches. Raises StoreError."""
    pattern = Pattern(name) if name else None
    for keys in contents.batches(*(pattern.globs if pattern else (ENTRIES, TEAM_ENTRIES))):
        yield from _read(contents, [each for each in keys if pattern is None or pattern.means(each)])


def find(contents: Contents, beginning: str) -> Stored:
    """The only entry whose digest begins so, or whose whole key that is. Raises SkillcacheError."""
    escaped = re.sub(r"([*?\[\\])", r"\\\1", beginning)
    if parts_of(beginning) is not None:
        globs: tuple[str, ...] = (escaped,)
    else:
        globs = (entry_key("*", f"{escaped}*"), entry_key("*", f"{escaped}*", "*"))
    found = [
        stored
        for keys in contents.batches(*globs)
        for stored in _read(contents, keys)
        if beginning == stored.key or stored.parts.digest.startswith(beginning)
    ]
    whole = [stored for stored in found if stored.parts.digest == beginning]
    if len(whole or found) == 1:
        return (whole or found)[0]
    if not found:
        raise SkillcacheError(f"no entry begins with {beginning}. List them with: skillcache entries list --all")
    keys = ", ".join(sorted(stored.label for stored in found)[:_SHOWN])
    raise SkillcacheError(
        f"{len(found)} entries begin with {beginning}: {keys}. Name one by its whole key, as in:"
        f" skillcache entries show {plain(min(each.key for each in found), _WIDE)}"
    )


def _read(contents: Contents, keys: list[str]) -> Iterator[Stored]:
    if not keys:
        return
    heads = contents.take(contents.holdings.heads(keys))
    sizes = {each: len(head) for each, head in heads.items() if len(head) < HEAD}  # a million need not be asked for it
    sizes |= contents.take(contents.holdings.sizes([each for each in heads if each not in sizes]))
    for each in contents.take(contents.holdings.living(list(heads))):
        parts = parts_of(each)
        if parts is None or each not in sizes:
            continue
        try:
            header = read_header(heads[each])
        except Unreadable:
            header = None
        yield Stored(each, parts, header, sizes[each])


def _expiries(contents: Contents, chosen: list[Stored]) -> dict[str, float]:
    """Seconds until each expires; without those that have."""
    return contents.take(contents.holdings.expiries([stored.key for stored in chosen]))


def rows_of(text: str) -> list[entry.Row]:
    """The rows of a key's text, redacted; where it has none, as the library's, it is the only one itself."""
    try:
        rows = entry.rows_of(text)
    except (ValueError, TypeError):
        rows = (("inputs", "", text),)
    return [(label, redact(name), redact(value)) for label, name, value in rows]


def call_of(header: Header) -> str:
    """The call in one line, redacted."""
    rows = rows_of(header.key)
    values = {label: value for label, _, value in reversed(rows)}
    for label in _TELLING:
        if label in values:
            return _words(values[label]) if values.get("tool") == "run" else values[label]
    return (rows[1:] or rows or [("", "", "")])[0][2]


def _words(value: str) -> str:
    try:
        words = loads(value)
    except ValueError:
        return value
    return shlex.join(map(str, words)) if isinstance(words, list) else value


_DIGITS = 12  # of a digest: enough to name one of millions
_WIDEST_CALL = 80  # characters of a call
_ORDERS: dict[str, Callable[[Stored], float]] = {
    "age": lambda stored: stored.header.finished if stored.header else -1,
    "size": lambda stored: stored.bytes,
    "saved": lambda stored: stored.header.duration if stored.header else -1,
}
_LONGEST = 60.0  # seconds of a list: an agent's command is given up after two minutes
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
@json_options("Entries", "Print JSON.")
def list_(name: str, here: bool, sort: str, limit: int, as_json: bool) -> int:
    """List stored results.

    What a team shares is marked with the team's name, what cannot be read as unreadable.
    """
    folder = os.getcwd()
    with closing(contents_of(load(os.environ, folder).store)) as contents:
        contents.told = output.Progress("Looking through the store", "Ctrl-C ends it; --name NAME reads fewer.")
        seen = _Seen(walk(contents, name), project_of(locate(folder)) if here else None)
        chosen = nlargest(limit, seen, key=_ORDERS[sort])
        left = _expiries(contents, chosen)
    chosen = [stored for stored in chosen if stored.key in left]
    if as_json:
        click.echo(json.dumps([_as_json(stored, left[stored.key]) for stored in chosen], indent=2))
        if seen.is_cut:
            click.echo(seen.told(), err=True)
    else:
        click.echo("\n".join(_list_as_text(chosen, left, seen, here=here, now=time.time())))
    return output.OK


class _Seen:
    """Passes on those of a project (None: all), and those of which it cannot be told; counts as it goes.

    is_cut: whether there was no time for all.
    """

    def __init__(self, walked: Iterator[Stored], project: str | None) -> None:
        self._walked = walked
        self._project = project
        self._ends = time.monotonic() + _LONGEST
        self.count = self.bytes = self.others = 0
        self.is_cut = False

    def told(self) -> str:
        looked = several(self.count + self.others, "entry was", "entries were")
        return (
            f"Only {looked} looked at, as {_LONGEST:.0f} s were over. Fewer with: skillcache entries list --name NAME"
        )

    def __iter__(self) -> Iterator[Stored]:
        for stored in self._walked:
            if self.count + self.others and time.monotonic() > self._ends:
                self.is_cut = True
                return
            if self._project is not None and stored.header is not None and stored.header.project != self._project:
                self.others += 1
                continue
            self.count += 1
            self.bytes += stored.bytes
            yield stored


def _list_as_text(chosen: list[Stored], left: dict[str, float], seen: _Seen, *, here: bool, now: float) -> list[str]:
    clock = Clock(int(now * 1000))
    rows = [_HEADINGS, *(_row(stored, left[stored.key], clock) for stored in chosen)] if chosen else []
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))] if rows else []
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    of = " of this project" if here else ""
    told = f"{several(seen.count, 'entry', 'entries')}{of}, {size(seen.bytes)}"
    if seen.count > len(chosen):
        told += f"; {len(chosen):,} shown"
    more = f" {several(seen.others, 'other')} with: skillcache entries list --all" if seen.others else ""
    return [*lines, *([""] if lines else []), f"{told}.{more}", *([seen.told()] if seen.is_cut else [])]


def _row(stored: Stored, left: float, clock: Clock) -> tuple[str, ...]:
    parts, header = stored.parts, stored.header
    name = plain(f"{parts.name} (team {parts.team})" if parts.team else parts.name, 40)
    digest = plain(parts.digest[:_DIGITS], _DIGITS)
    expires = "never" if left == inf else f"in {span(int(left))}"
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
        plain(call_of(header), _WIDEST_CALL),
    )


def _as_json(stored: Stored, left: float) -> dict[str, object]:
    parts, header = stored.parts, stored.header
    listed: dict[str, object] = {
        "key": stored.key,
        "name": parts.name,
        "digest": parts.digest,
        "team": parts.team,
        "bytes": stored.bytes,
        "expires_s": None if left == inf else round(left),
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


@click.command()
@click.argument("digest")
@click.option("--unpin", is_flag=True, help="Let it age again: it expires as if it were stored now.")
def pin(digest: str, unpin: bool) -> int:
    """Keep what is stored under DIGEST, and serve it whatever its age.

    It can still be invalidated and removed, and a fresh run of the call replaces it.
    """
    settings = load(os.environ, os.getcwd())
    ttl = int(settings.number("ttl")) if unpin else MAX_TTL
    with closing(contents_of(settings.store)) as contents:
        stored = find(contents, digest)
        _rewrite(contents, stored, settings.keys if settings.named else None, pinned=not unpin, ttl=ttl)
    click.echo(f"{stored.label} is {'no longer ' if unpin else ''}pinned.")
    return output.OK


def _rewrite(contents: Contents, stored: Stored, keys: Keys | None, *, pinned: bool, ttl: int) -> None:
    """Only while the stored bytes are those that were read: a newer result is not put back. Raises SkillcacheError."""
    value = contents.take(contents.holdings.value(stored.key))
    try:
        decode(_checked(stored, value, keys))
        rewritten = with_pin(value or b"", pinned=pinned)
    except Unreadable as fault:
        raise _not_read(stored, fault, value) from None
    if keys is not None:
        rewritten = keys.sign_value(ENTRY, stored.key, rewritten, ttl)
    if not contents.take(contents.holdings.replace(stored.key, value or b"", rewritten, ttl)):
        raise SkillcacheError(f"{stored.label} has just been stored anew or removed. {_LIST}")


@click.command()
@click.argument("digests", nargs=-1, required=True)
def remove(digests: tuple[str, ...]) -> int:
    """Remove what is stored under each of DIGESTS.

    A run that is under way may store it again; `skillcache invalidate` hinders that, too.
    """
    settings = load(os.environ, os.getcwd())
    with forgetting(settings.cache), closing(contents_of(settings.store)) as contents:
        keys = list(dict.fromkeys(find(contents, digest).key for digest in digests))
        removed = contents.take(contents.holdings.remove(keys))
    click.echo(f"{several(removed, 'entry', 'entries')} removed from {contents.place}.")
    return output.OK


_LINES = 20  # of the output
_WIDE = 200  # characters of a line


@click.command()
@click.argument("digest")
@click.option("--output", "raw", is_flag=True, help="Print the whole output, as it is, and nothing else.")
def show(digest: str, raw: bool) -> int:
    """Show what is stored under DIGEST.

    It says, too, whether that would still be served.
    """
    settings = load(os.environ, os.getcwd())
    with closing(contents_of(settings.store)) as contents:
        stored = find(contents, digest)
        entry = _decode(contents, stored, settings.keys if settings.named else None)
        generations = contents.take(contents.holdings.generations(entry.names))
        left = _expiries(contents, [stored]).get(stored.key, 0.0)
    if raw:
        sys.stdout.buffer.write(_output(entry))
        sys.stdout.buffer.flush()
    else:
        click.echo("\n".join(_as_text(stored, left, entry, generations)))
    return output.OK


def _checked(stored: Stored, value: bytes | None, keys: Keys | None) -> bytes:
    """Raises Unreadable for what is of nobody that a team trusts."""
    if value is not None and keys is not None and keys.open_value(ENTRY, stored.key, value) is None:
        raise Unreadable("no signature of the team's counts on it")
    return value or b""


def _decode(contents: Contents, stored: Stored, keys: Keys | None) -> Entry:
    value = contents.take(contents.holdings.value(stored.key))
    if value is None:
        raise _not_read(stored, None, value)
    try:
        return decode(_checked(stored, value, keys))
    except Unreadable as fault:
        raise _not_read(stored, fault, value) from None


def _not_read(stored: Stored, fault: Unreadable | None, value: bytes | None) -> SkillcacheError:
    if not value:
        return SkillcacheError(f"{stored.label} has just been removed. {_LIST}")
    remove = f"skillcache entries remove {plain(stored.parts.digest, _WIDE)}"
    return SkillcacheError(f"{stored.label}: {fault}. Take it out with: {remove}")


def _output(entry: Entry) -> bytes:
    """As the run printed it, where it ran."""
    try:
        return expand(entry.output, entry.root) if entry.relocated else entry.output
    except ValueError:  # a mark that no recorder makes
        return entry.output


def _as_text(stored: Stored, left: float, entry: Entry, generations: dict[str, int]) -> list[str]:
    clock = Clock(int(time.time() * 1000))
    writer = entry.writer
    by = plain(f"{writer.get('user', '')}@{writer.get('host', '')}", 80)
    session = f", session {plain(writer['session'], 40)}" if writer.get("session") else ""
    expires = "never" if left == inf else f"in {span(int(left))}"
    lines = [
        stored.label,
        f"  stored   {clock.ago(entry.finished)} by {by}{session}",
        *([f"  signed   by {signed[0]} with the key {signed[1]}"] if (signed := signer(entry.signature)) else []),
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


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """List, show, pin and remove stored results.

    An entry is named by the beginning of its digest, or by its whole key.
    """


for subcommand in (list_, show, pin, remove):
    command.add_command(subcommand)
