"""`skillcache sessions` and `note`: what is recorded of sessions, shown, exported, forgotten."""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import click

from skillcache.cli import output
from skillcache.cli.output import duration, json_options, several
from skillcache.core import git, processes
from skillcache.core.counts import read
from skillcache.core.files import digest
from skillcache.core.outcomes import HIT, MISS, SESSION, SkillcacheError
from skillcache.core.processes import user_name
from skillcache.sessions.brief.choice import ENDED, GONE, RUNNING, Facts, at_of, number, read_notes, text_of
from skillcache.sessions.brief.compose import ASKED, Brief, Reader, compose
from skillcache.sessions.delivery import Delivery
from skillcache.sessions.journal import LOG, NOTE, NOTES, SESSIONS, History, Journal, Past, Question
from skillcache.sessions.text import Clock, plain, span, stored
from skillcache.settings.in_force import Settings, load
from skillcache.tools.registry import may_be_ours

_CONDITIONS = {RUNNING: "running", ENDED: "ended", GONE: "killed", "unknown": "no end"}
_WIDE = 2_000
_NAME, _NAMED = 60, 6  # characters of what was replayed; how many are named


def line(past: Past, clock: Clock) -> str:
    facts = Facts(past)
    condition = _CONDITIONS[facts.condition(clock, processes.here())]
    when = clock.ago(max(facts.active, facts.time("opened")))
    what = facts.text("title", 60) or facts.text("prompt", 60) or "(no prompt)"
    return f"{facts.id[:8]}  {condition:7}  {when:>14}  {facts.text('branch', 24) or '-':24}  {what}"


class Lane(NamedTuple):
    """What was asked for in one of the two ways. spared: of each what was replayed, how often; saved: milliseconds."""

    name: str
    lookups: int
    spared: dict[str, int]
    saved: int

    @property
    def replayed(self) -> int:
        return sum(self.spared.values())


def lanes(cache: str, session: str) -> list[Lane]:
    """Of commands, which are answered where they run, and of other tools' calls, as counted on this machine.

    Raises OSError.
    """
    counted = [count for count in read(cache) if count.session == session[:SESSION]]
    found = []
    for name, of_tools in (("commands", False), ("other calls", True)):
        own = [count for count in counted if may_be_ours(count.command) is of_tools]
        hits = [count for count in own if count.outcome.kind == HIT]
        spared = Counter(count.command or count.rule for count in hits)
        lookups = sum(count.outcome.kind in (HIT, MISS) for count in own)
        found.append(Lane(name, lookups, dict(spared.most_common()), sum(count.run for count in hits)))
    return found


def story(past: Past, clock: Clock, ways: Sequence[Lane] = ()) -> list[str]:
    facts = Facts(past)
    lines = [f"Session {facts.id}", *_head(facts, clock), *[_lane(way) for way in ways if way.lookups], ""]
    lines += [f"  {_at(at_of(entry))}  {said}" for entry in reversed(facts.entries) if (said := event(entry))]
    if facts.files:
        lines += ["", "Files edited:"] + [f"  {path} ({several(count, 'edit')})" for path, count in facts.files]
    if facts.tasks:
        lines += ["", "Tasks:"] + [f"  {status.replace('_', ' '):11}  {subject}" for status, subject in facts.tasks]
    return lines


def _lane(way: Lane) -> str:
    each = [plain(name, _NAME) + (f" ({count} times)" if count > 1 else "") for name, count in way.spared.items()]
    more = f" and {len(each) - _NAMED} more" if len(each) > _NAMED else ""
    what = f", {duration(way.saved)} saved: {', '.join(each[:_NAMED])}{more}" if each else ""
    return f"  replayed {way.replayed:,} of {way.lookups:,} {way.name}{what}"


def as_json(past: Past, ways: Sequence[Lane] = ()) -> dict[str, Any]:
    facts = Facts(past)
    return {
        "id": past.id,
        "state": past.state,
        "log": facts.entries[::-1],
        "files": dict(past.files),
        "tasks": [{"status": status, "subject": subject} for status, subject in facts.tasks],
        "replays": [
            {
                "of": way.name,
                "lookups": way.lookups,
                "replayed": way.replayed,
                "saved_ms": way.saved,
                "each": way.spared,
            }
            for way in ways
        ],
    }


def _head(facts: Facts, clock: Clock) -> list[str]:
    condition = _CONDITIONS[facts.condition(clock, processes.here())]
    end = facts.text("end")
    how = f"{condition} ({end})" if end and condition == _CONDITIONS[ENDED] else condition
    lines = [f"  {how}; by {facts.text('user')}@{facts.text('host')} in {facts.text('root', 200)}"]
    begun, active = facts.time("started"), facts.active
    if begun:
        lasted = f", active for {span((active - begun) // 1000)}" if active > begun else ""
        lines.append(f"  began {_day(begun)} ({clock.ago(begun)}){lasted}")
    if facts.text("branch") or facts.commit:
        lines.append(f"  branch {facts.text('branch') or '-'} at {facts.commit[:9] or '-'}")
    return lines


def event(entry: dict[str, object]) -> str:
    """What an entry of a session's log tells, "" for one of a kind that is not known."""
    teller = _TELLERS.get(text_of(entry, "kind"))
    if teller is None:
        return ""
    agent = plain(text_of(entry, "agent"), 12)
    return (f"[{agent}] " if agent else "") + teller(entry)


def _said(entry: dict[str, object], name: str = "text") -> str:
    return plain(text_of(entry, name), _WIDE)


def _command(entry: dict[str, object]) -> str:
    status, ms = entry.get("status"), entry.get("ms")
    ended = {0: "passed"}.get(status, f"failed ({status})") if isinstance(status, int) else plain(str(status), 20)
    took = f" in {ms / 1000:.1f} s" if isinstance(ms, int) and ms >= 100 else ""
    said = f" | {_said(entry, 'said')}" if text_of(entry, "said") else ""
    return f"{ended}{took}: {_said(entry)}{said}"


def _tasks(entry: dict[str, object]) -> str:
    tasks = entry.get("tasks")
    if not isinstance(tasks, list):
        return "tasks"
    done = sum(1 for task in tasks if isinstance(task, list) and task[:1] == ["completed"])
    return f"{several(len(tasks), 'task')}, {done} done"


def _task(entry: dict[str, object]) -> str:
    status = _said(entry, "status").replace("_", " ")
    return f"task {_said(entry, 'id')} {status}: {_said(entry, 'subject')}".removesuffix(": ")


_TELLERS: dict[str, Callable[[dict[str, object]], str]] = {
    "start": lambda entry: f"began ({_said(entry, 'source')})",
    "prompt": lambda entry: f"asked: {_said(entry) or '(not recorded)'}",
    "notice": lambda entry: f"the client said ({_said(entry, 'source')}): {_said(entry)}",
    "edit": lambda entry: f"edited {_said(entry, 'path')}",
    "command": _command,
    "tasks": _tasks,
    "task": _task,
    "reply": lambda entry: f"replied: {_said(entry)}",
    "agent": lambda entry: f"subagent began ({_said(entry, 'type')})",
    "answer": lambda entry: f"subagent answered: {_said(entry)}",
    "compact": lambda entry: f"compaction ({_said(entry, 'trigger')})",
    "summary": lambda entry: f"compacted to: {_said(entry)}",
    "end": lambda entry: f"ended ({_said(entry, 'reason')})",
}


def _at(ms: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(ms / 1000)) if ms else "--:--:--"


def _day(ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(ms / 1000))


EVERYTHING = 2 * LOG  # entries of a log; a server may keep some more than its cap


class Memory:
    """now: unix seconds; place: where the person is; project: its identity."""

    def __init__(self, settings: Settings, delivery: Delivery, place: git.Place, now: float) -> None:
        self.settings = settings
        self.delivery = delivery
        self.place = place
        self.now = now
        self.project = git.project_of(place)

    @property
    def journal(self) -> Journal:
        return self.delivery.journal

    @property
    def ttl(self) -> int:
        return int(self.settings.number("record.ttl"))

    def sessions(self, count: int = SESSIONS) -> list[Past]:
        """By last activity, newest first, without details. Raises StoreError."""
        return self._ask(Question(self.project, sessions=count, near=0, any=0)).sessions

    def notes(self) -> dict[str, str]:
        return self._ask(Question(self.project, sessions=0)).notes

    def history(self, own: str) -> History:
        """What the start of session `own` would be told."""
        now = int(self.now * 1000)
        return self._ask(Question(self.project, branch=self.place.branch, own=own, edited=ASKED, now=now))

    def find(self, beginning: str) -> Past:
        """The whole session whose id begins so; the newest for "". Raises SkillcacheError."""
        ids = [past.id for past in self.sessions() if past.id.startswith(beginning)]
        exact = [id_ for id_ in ids if id_ == beginning]
        if beginning and len(ids) > 1 and not exact:
            raise SkillcacheError(
                f"{len(ids)} sessions begin with {beginning}: {', '.join(ids[:5])}."
                " Name one by more of its id; all: skillcache sessions list --all"
            )
        wanted = (exact or ids or [beginning])[0]
        past = self.journal.past(wanted, EVERYTHING) if wanted else None
        if past is None:
            if not beginning:
                raise SkillcacheError("this project has no sessions. Are they recorded? Check with: skillcache doctor")
            raise SkillcacheError(
                f"no session of this project begins with {beginning}. List them with: skillcache sessions list --all"
            )
        return past

    def _ask(self, question: Question) -> History:
        return self.journal.tell((), question, ttl=self.ttl) or History({}, [])


@contextmanager
def open_memory() -> Iterator[Memory]:
    """Delivers what waits for the store first. Raises ConfigError and StoreError."""
    folder, now = os.getcwd(), time.time()
    settings = load(os.environ, folder)
    delivery = Delivery(settings, now=now, patient=True)
    try:
        delivery.flush()
        yield Memory(settings, delivery, git.locate(folder), now)
    finally:
        delivery.close()


FORM = 1  # of an exported session
_ANEW = "Write the file anew, with this version, where the session is on record: skillcache sessions export"
_SHOWN = 20


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Show what is recorded of this project's sessions.

    A session is named by the beginning of its id.
    """


@command.command("list")
@click.option("--all", "everything", is_flag=True, help=f"All of them, not the last {_SHOWN}.")
@json_options("Sessions", "Print JSON.", "as_json_")
def list_(everything: bool, as_json_: bool) -> int:
    """List the sessions of this project, the last active first."""
    with open_memory() as memory:
        pasts = memory.sessions() if everything else memory.sessions(_SHOWN)
    if as_json_:
        click.echo(json.dumps([{"id": past.id, "state": past.state} for past in pasts], indent=2))
    elif not pasts:
        click.echo("No session of this project is on record. Are the hooks installed? Check with: skillcache doctor")
    else:
        for past in pasts:
            click.echo(line(past, Clock(int(memory.now * 1000))))
    return output.OK


@command.command()
@click.argument("session", default="")
@json_options("Story", "Print JSON.", "as_json_")
def show(session: str, as_json_: bool) -> int:
    """Tell the story of SESSION, by default the last one.

    What was replayed of it is told where it was counted: on the machine that it ran on.
    """
    with open_memory() as memory:
        past = memory.find(session)
    ways = lanes(memory.settings.cache, past.id)
    clock = Clock(int(memory.now * 1000))
    click.echo(json.dumps(as_json(past, ways), indent=2) if as_json_ else "\n".join(story(past, clock, ways)))
    return output.OK


@command.command()
@click.option(
    "--source",
    type=click.Choice(["startup", "clear", "resume", "fork", "compact"]),
    default="startup",
    show_default=True,
    help="How the session starts.",
)
@click.option("--session", default="", help="The one that is resumed, forked or compacted.  [default: the last one]")
@json_options("Brief", "Print JSON.", "as_json_")
def brief(source: str, session: str, as_json_: bool) -> int:
    """Print what a session that starts here now would be told.

    Which checks hold for the content as it is now, and the brief. That results are replayed, which it is told once, is
    left out.
    """
    from skillcache.cli.status import told

    with open_memory() as memory:
        own, since = _start_of(memory, source, session)
        written = _brief(memory, source, own, since)
    brief, message = (written.text, written.message) if written is not None else ("", "")
    text = "\n".join(filter(None, (told(own), brief)))
    if as_json_:
        click.echo(json.dumps({"source": source, "context": text, "message": message}, indent=2))
    elif text:
        click.echo(text)
    else:
        click.echo("A session that starts so would be told nothing here.", err=True)
    return output.OK


def _start_of(memory: Memory, source: str, session: str) -> tuple[str, int]:
    """The id of the session that starts, "" for a new one, and when it last heard a reply, 0 for what it knows."""
    if source not in ("resume", "compact", "fork"):
        return "", 0
    past = memory.find(session)
    if source == "fork":  # which a fork's own start tells by the time of the last reply
        return "", number(past.state.get("replied"))
    return past.id, 0


def _brief(memory: Memory, source: str, own: str, since: int) -> Brief | None:
    place, now = memory.place, int(memory.now * 1000)
    reader = Reader(own, place.root, place.branch, os.uname().nodename, now, os.environ)
    size = int(memory.settings.number("brief.size"))
    return compose(source, memory.history(own), reader, size, since=since)


@command.command()
@click.argument("sessions", nargs=-1)
def export(sessions: tuple[str, ...]) -> int:
    """Print SESSIONS, one line of JSON each.

    By default all of this project.
    """
    with open_memory() as memory:
        names = sessions or tuple(past.id for past in memory.sessions())
        for name in names:
            past = memory.find(name)
            whole = {
                "version": FORM,
                "project": past.state.get("project") or memory.project,
                "id": past.id,
                "state": past.state,
                "log": past.log,
                "files": past.files,
                "tasks": past.tasks,
            }
            click.echo(json.dumps(whole))
    return output.OK


@command.command("import")
@click.argument("file", type=click.File(encoding="utf-8"), default="-")
def import_(file: Any) -> int:
    """Read what export printed, from FILE or standard input.

    A session that is on record here and was active later stays as it is.
    """
    taken = kept = 0
    with open_memory() as memory:
        for number_, text in enumerate(file, 1):
            if not text.strip():
                continue
            past, project = _read(text, f"{file.name}, line {number_}")
            at = max(number(past.state.get("active")), number(past.state.get("opened")))
            here = memory.journal.past(past.id, 0)
            if here is not None and number(here.state.get("active")) > at:
                kept += 1
                continue
            memory.journal.restore(past, project=project, at=at, ttl=memory.ttl)
            taken += 1
    click.echo(f"{several(taken, 'session')} taken" + (f", {kept} newer here kept" if kept else "") + ".")
    return output.OK


def _read(text: str, where: str) -> tuple[Past, str]:
    """Raises SkillcacheError, which names the field that is not as it should be."""
    from pydantic import ValidationError  # nothing else here is read of a stranger

    from skillcache.cli.schemas import Exported

    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        raise SkillcacheError(f"{where}: is not JSON. {_ANEW}") from None
    form = whole.get("version") if isinstance(whole, dict) else FORM
    if form is not None and form != FORM:
        raise SkillcacheError(f"{where}: form {form} is not known to this version. {_ANEW}")
    try:
        read = Exported.model_validate(whole)
    except ValidationError as fault:
        raise SkillcacheError(
            f"{where}: is not a session that export printed: {_fault_in_words(fault)}. {_ANEW}"
        ) from None
    return Past(read.id, read.state, read.log, read.files, read.tasks), read.project


def _fault_in_words(fault: Any) -> str:
    """The first of what is wrong. `fault`: a ValidationError."""
    first = fault.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return f"{field}: {first['msg']}" if field else str(first["msg"])


@command.command()
@click.argument("sessions", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All sessions of this project.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(sessions: tuple[str, ...], everything: bool, yes: bool) -> int:
    """Drop what is recorded of SESSIONS."""
    if bool(sessions) == everything:
        raise click.UsageError("name sessions, or --all")
    with open_memory() as memory:
        ids = [past.id for past in memory.sessions()] if everything else [memory.find(name).id for name in sessions]
        if not yes and not click.confirm(f"Drop the record of {several(len(ids), 'session')}?", default=False):
            click.echo("Nothing was dropped.")
            return output.FAILED
        dropped = sum(memory.journal.forget(id_, memory.project) for id_ in ids)
    click.echo(f"The record of {several(dropped, 'session')} was dropped.")
    return output.OK


class WithDefault(click.Group):
    """`note TEXT` is `note add TEXT`."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            args = ["add", *args]
        return super().resolve_command(ctx, args)


@click.group(cls=WithDefault, context_settings={"help_option_names": ["-h", "--help"]})
def note() -> None:
    """Add, list and remove notes on this project.

    Every session's brief carries them until they are removed. `skillcache note TEXT` adds one.
    """


@note.command()
@click.argument("text", nargs=-1, required=True)
def add(text: tuple[str, ...]) -> int:
    """Add a note."""
    said = stored(" ".join(" ".join(text).split()), NOTE)
    if not said:
        raise click.UsageError("a note needs a text")
    id_ = digest(said.encode())[:6]
    note = {
        "text": said,
        "at": int(time.time() * 1000),
        "by": user_name(os.environ),
        "session": os.environ.get("CLAUDE_CODE_SESSION_ID", ""),
    }
    with open_memory() as memory:
        if len(memory.notes()) >= NOTES and id_ not in memory.notes():
            raise SkillcacheError(
                f"{NOTES} notes are the most of one project. See them with: skillcache note list,"
                " and take one out with: skillcache note remove ID"
            )
        memory.journal.add_note(memory.project, id_, json.dumps(note))
    click.echo(f"Noted as {id_}. Take it out with: skillcache note remove {id_}")
    return output.OK


@note.command("list")
@json_options("Notes", "Print JSON.")
def list_notes(as_json: bool) -> int:
    """List the notes on this project, newest first."""
    with open_memory() as memory:
        held = memory.notes()
        now = memory.now
    if as_json:
        click.echo(json.dumps([{"id": id_, **_fields(text)} for id_, text in held.items()], indent=2))
        return output.OK
    lines = [
        (note.at, f"{id_}  {Clock(int(now * 1000)).ago(note.at):>14}  {note.by}: {note.text}")
        for id_, text in held.items()
        for note in read_notes({id_: text})
    ]
    click.echo("\n".join(said for _, said in sorted(lines, reverse=True)) or "No notes on this project.")
    return output.OK


@note.command()
@click.argument("id_", metavar="ID")
def remove(id_: str) -> int:
    """Remove the note ID."""
    with open_memory() as memory:
        found = _find(memory, id_)
        memory.journal.remove_note(memory.project, found)
    click.echo(f"The note {found} was removed.")
    return output.OK


def _find(memory: Memory, beginning: str) -> str:
    ids = [id_ for id_ in memory.notes() if id_.startswith(beginning)]
    if len(ids) != 1:
        what = f"{len(ids)} notes begin with {beginning}" if ids else f"no note of this project begins with {beginning}"
        raise SkillcacheError(f"{what}. List them with: skillcache note list")
    return ids[0]


def _fields(text: str) -> dict[str, object]:
    try:
        fields = json.loads(text)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
