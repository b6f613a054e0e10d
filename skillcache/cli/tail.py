"""`skillcache tail`: what happens in this project, as it happens: runs, hits, edits, messages."""

import os
import time

import click

from skillcache.cli import output
from skillcache.cli.output import duration
from skillcache.cli.sessions import Memory, event, open_memory
from skillcache.core import counts
from skillcache.core.outcomes import ERROR, HIT, STORE, UNDONE
from skillcache.core.paths import tally_file
from skillcache.messages.message import NOTICE, decode
from skillcache.messages.opening import open_post
from skillcache.messages.page import word
from skillcache.sessions.brief.choice import Facts, at_of
from skillcache.sessions.journal import Past, Question
from skillcache.sessions.text import plain

_STEP = 0.5  # seconds between two looks
_BEGIN, _ONCE = 10, 30  # events shown at first, and by --once
_SESSIONS, _ENTRIES = 12, 200  # looked at each time
_WIDE = 300

Event = tuple[int, str, str]  # unix ms, where it comes from, what happened


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--once", is_flag=True, help=f"Print the last {_ONCE} events and end.")
def command(once: bool) -> int:
    """Show what happens in this project: runs, hits, edits and messages, until Ctrl-C."""
    tail = Tail()
    first = tail.new()[-(_ONCE if once else _BEGIN) :]
    _print(first)
    while not once:
        time.sleep(_STEP)
        _print(tail.new())
    if not first:
        click.echo("Nothing has happened in this project yet.")
    return output.OK


class Tail:
    """Remembers what it has told."""

    def __init__(self) -> None:
        self._told: dict[str, set[str]] = {}
        self._mark = ""
        self._counted = 0  # bytes of the file of outcomes

    def new(self) -> list[Event]:
        """What has happened since it was asked last, oldest first; in one moment in the order of each source.

        Raises ConfigError, StoreError and OSError.
        """
        with open_memory() as memory:
            events = [*self._of_sessions(memory), *self._of_messages(memory), *self._of_cache(memory.settings.cache)]
        return sorted(events, key=lambda event: event[0])

    def _of_sessions(self, memory: Memory) -> list[Event]:
        question = Question(memory.project, sessions=_SESSIONS, near=0, any=_SESSIONS, entries=_ENTRIES)
        history = memory.journal.tell((), question, ttl=memory.ttl)
        found: list[Event] = []
        for past in history.sessions if history is not None else ():
            told = self._told.get(past.id, set())
            self._told[past.id] = set(past.log)
            fresh = Past(past.id, past.state, [text for text in past.log if text not in told])
            found += [(at_of(entry), past.id[:8], said) for entry in Facts(fresh).entries if (said := event(entry))]
        return found

    def _of_messages(self, memory: Memory) -> list[Event]:
        post = open_post(memory.settings.store, now=memory.now, patient=True)
        try:
            said = post.talk(memory.project, self._mark)
        finally:
            post.close()
        self._mark = said[-1][0] if said else self._mark
        return [told for _, text in said if (told := _message(text)) is not None]

    def _of_cache(self, cache: str) -> list[Event]:
        try:
            with open(tally_file(cache), "rb") as file:
                if file.seek(0, os.SEEK_END) < self._counted:
                    self._counted = 0  # the older half of it was dropped
                file.seek(self._counted)
                data = file.read().rpartition(b"\n")[0]
        except FileNotFoundError:
            return []
        self._counted += len(data) + 1 if data else 0
        return [
            (count.at * 1000 + count.ms, "cache", _count(count))
            for count in counts.parse(data)
            if count.outcome.kind in (HIT, STORE, ERROR) or count.outcome is UNDONE
        ]


def _message(text: str) -> Event | None:
    message = decode(text)
    if message is None:
        return None
    at = message.time("returned" if message.bounce else "at")
    sender = "skillcache" if message["kind"] == NOTICE else word(message["from_name"] or message["from"])
    back = f"came back to {sender}, {word(message.bounce)}: " if message.bounce else ""
    return at, "message", f"{back}{sender} to {word(message['to_name'])}: {plain(message['text'], _WIDE)}"


def _count(count: counts.Count) -> str:
    saved = f", {duration(count.run)} saved" if count.outcome.kind == HIT and count.run else ""
    rule = f" ({count.rule})" if count.rule else ""
    return f"{count.outcome.text}{rule}{saved}"


def _print(events: list[Event]) -> None:
    for at, place, said in events:
        click.echo(f"{time.strftime('%H:%M:%S', time.localtime(at / 1000))}  {place:8}  {plain(said, 2_000)}")
