"""Sessions for people: the journal of their project, and a session as a line in a list or as a story with times."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from skillcache.core import git, processes
from skillcache.core.errors import SkillcacheError
from skillcache.sessions.brief.choice import ENDED, GONE, RUNNING, Facts, at_of, text_of
from skillcache.sessions.delivery import Delivery
from skillcache.sessions.journal import History, Journal, Past, Question
from skillcache.sessions.record import LOG, SESSIONS
from skillcache.sessions.text import Clock, plain, several, span
from skillcache.settings.in_force import Settings, load

_CONDITIONS = {RUNNING: "running", ENDED: "ended", GONE: "killed", "unknown": "no end"}
_WIDE = 2_000


def line(past: Past, clock: Clock) -> str:
    facts = Facts(past)
    condition = _CONDITIONS[facts.condition(clock, processes.here())]
    when = clock.ago(max(facts.active, facts.time("opened")))
    what = facts.text("title", 60) or facts.text("prompt", 60) or "(no prompt)"
    return f"{facts.id[:8]}  {condition:7}  {when:>14}  {facts.text('branch', 24) or '-':24}  {what}"


def story(past: Past, clock: Clock) -> list[str]:
    facts = Facts(past)
    lines = [f"Session {facts.id}", *_head(facts, clock)]
    lines += [f"  {_at(at_of(entry))}  {said}" for entry in reversed(facts.entries) if (said := event(entry))]
    if facts.files:
        lines += ["", "Files edited:"] + [f"  {path} ({several(count, 'edit')})" for path, count in facts.files]
    if facts.tasks:
        lines += ["", "Tasks:"] + [f"  {status.replace('_', ' '):11}  {subject}" for status, subject in facts.tasks]
    return lines


def as_json(past: Past) -> dict[str, Any]:
    facts = Facts(past)
    return {
        "id": past.id,
        "state": past.state,
        "log": facts.entries[::-1],
        "files": dict(past.files),
        "tasks": [{"status": status, "subject": subject} for status, subject in facts.tasks],
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
    return [*lines, ""]


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
        return self._ask(Question(self.project, branch=self.place.branch, own=own))

    def find(self, beginning: str) -> Past:
        """The whole session whose id begins so; the newest for "". Raises SkillcacheError."""
        ids = [past.id for past in self.sessions() if past.id.startswith(beginning)]
        exact = [id_ for id_ in ids if id_ == beginning]
        if beginning and len(ids) > 1 and not exact:
            raise SkillcacheError(f"{len(ids)} sessions begin with {beginning}: {', '.join(ids[:5])}")
        wanted = (exact or ids or [beginning])[0]
        past = self.journal.past(wanted, EVERYTHING) if wanted else None
        if past is None:
            what = (
                f"no session of this project begins with {beginning}" if beginning else "this project has no sessions"
            )
            raise SkillcacheError(f"{what}. List them with: skillcache sessions list")
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
