"""What hooks write into a store, tried for real and taken back: one try for each kind, by the calls that hooks make.

A server may answer and take nothing: a replica, one without memory, one whose access list or configuration forbids it.
"""

import os
from collections.abc import Callable
from contextlib import closing, suppress
from typing import NamedTuple

from skillcache.cli.contents import contents_of
from skillcache.core.errors import StoreError
from skillcache.core.outcomes import STORE_GARBAGE, STORE_TIMEOUT
from skillcache.library.shared_state import SharedState, state_file
from skillcache.messages.agents import PERSON
from skillcache.messages.inbox import Letter
from skillcache.messages.message import NOTICE, Message
from skillcache.messages.opening import messages_file, open_post
from skillcache.sessions.opening import open_journal, sessions_file
from skillcache.sessions.record import Record, encode
from skillcache.settings.in_force import Settings
from skillcache.stores.contract import EMBEDDED, Store, stamp
from skillcache.stores.opening import open_store
from skillcache.stores.redis_keys import (
    entry_key,
    inbox_key,
    record_key,
    session_keys,
    sessions_key,
    state_keys,
    talk_key,
    wake_key,
)
from skillcache.stores.sqlite import SqliteStore

_NAME = "skillcache-doctor"  # begins that of a rule, a project and an agent that nobody has
_TEAM = "skillcache-doctor"  # whose the shared value is
_TTL = 60  # seconds, for what could not be taken back
_TRIES = 3  # of what timed out: a busy machine is no finding


class Trial(NamedTuple):
    """team: "" for none; now: unix seconds; id: 40 hexadecimal digits, of no other trial."""

    target: str
    team: str
    now: float
    id: str

    @property
    def name(self) -> str:
        return f"{_NAME}-{self.id}"

    def open(self) -> Store:
        return open_store(self.target, now=self.now)


class Kind(NamedTuple):
    """what: for people; attempt: raises StoreError; matters: whether hooks write it under these settings.

    file: where the embedded store keeps it, of its own file's path; it is tried there once it exists.
    """

    what: str
    attempt: Callable[[Trial], None]
    matters: Callable[[Settings], bool] = lambda _settings: True
    file: Callable[[str], str] = lambda path: path


def refused(settings: Settings, now: float) -> dict[Kind, StoreError]:
    """The kinds that the store does not take, and why. Leaves nothing behind that lasts."""
    trial = Trial(settings.store, settings.word("team"), now, os.urandom(20).hex())
    found = {}
    for kind in KINDS:
        if not _is_there(kind, settings.store):
            continue
        fault = _attempt(kind, trial)
        if fault is not None:
            found[kind] = fault
    _take_back(trial)
    return found


def _is_there(kind: Kind, target: str) -> bool:
    if not target.startswith(EMBEDDED):
        return True
    path = target.removeprefix(EMBEDDED)
    return kind.file(path) == path or os.path.exists(kind.file(path))


def _attempt(kind: Kind, trial: Trial) -> StoreError | None:
    for left in reversed(range(_TRIES)):
        try:
            kind.attempt(trial)
        except StoreError as fault:
            if fault.outcome is not STORE_TIMEOUT or not left:
                return fault
        else:
            break
    return None


def _results(trial: Trial) -> None:
    _store(trial, entry_key(trial.name, trial.id))


def _shared_results(trial: Trial) -> None:
    if trial.team:
        _store(trial, entry_key(trial.name, trial.id, trial.team))


def _store(trial: Trial, key: str) -> None:
    started = int(trial.now * 1000)
    value = stamp(started) + b" tried by doctor"
    with closing(trial.open()) as store:
        generations = store.get(key, (trial.name,)).generations
        store.put(key, value, ttl=_TTL, started=started, names=(trial.name,), generations=generations)
        if store.get(key, (trial.name,)).entry != value:
            raise StoreError(STORE_GARBAGE, "what was stored is not there")
        store.delete(key)


def _invalidations(trial: Trial) -> None:
    with closing(trial.open()) as store:
        store.invalidate(trial.name)


def _claims(trial: Trial) -> None:
    with closing(trial.open()) as store:
        store.claim(trial.id, trial.name, _TTL)
        store.release(trial.id, trial.name)


def _records(trial: Trial) -> None:
    key = record_key("latest", trial.id)
    with closing(trial.open()) as store:
        store.write(key, b"1", _TTL)
        store.delete(key)


def _sessions(trial: Trial) -> None:
    record = Record(trial.id, trial.name, int(trial.now * 1000))
    record.project, record.state, record.log = trial.name, {"active": {"branch": "doctor"}}, {"event": "doctor"}
    record.files = ["doctor"]
    with closing(open_journal(trial.target, now=trial.now)) as journal:
        journal.tell(after=[encode(record)], ttl=_TTL)
        journal.forget(trial.name, trial.name)


def _messages(trial: Trial) -> None:
    name, id_ = trial.name, trial.id[:16]
    fields = {"id": id_, "kind": NOTICE, "from": name, "to": name, "project": name, "text": "doctor", "form": "text"}
    with closing(open_post(trial.target, now=trial.now)) as post:
        if isinstance(post, SqliteStore):
            post.ping()  # which writes nothing that would stay
            return
        post.register(name, {"project": name, "type": PERSON, "name": name, "session": ""}, "")
        post.send([Letter(Message(fields), ttl=_TTL)])
        post.settle(name, [(each.entry, id_) for each in post.take(name, 1).deliveries])
        post.end(name)


def _values(trial: Trial) -> None:
    with SharedState(_NAME, url=trial.target, team=_TEAM) as state:
        state.set(trial.id, "doctor", ttl=_TTL)
        state.delete(trial.id)


KINDS = (
    Kind("results", _results),
    Kind("a team's results", _shared_results, lambda settings: bool(settings.word("team"))),
    Kind("invalidations", _invalidations),
    Kind("claims", _claims, lambda settings: settings.number("wait") > 0),
    Kind("records", _records),
    Kind("sessions", _sessions, lambda settings: settings.flag("record.sessions"), sessions_file),
    Kind("messages", _messages, lambda settings: settings.flag("messages.deliver"), messages_file),
    Kind("shared values", _values, file=state_file),
)


def _take_back(trial: Trial) -> None:
    """What a try that ended half-way has left, and what has no other end. A store that refuses keeps it for its TTL."""
    name = trial.name
    keys = [entry_key(name, trial.id), *([entry_key(name, trial.id, trial.team)] if trial.team else [])]
    keys += [record_key("latest", trial.id), wake_key(trial.id), inbox_key(name), talk_key(name)]
    keys += [record_key(kind, name) for kind in ("agent", "shown", "agents", "agent_numbers", "due")]
    keys += [*session_keys(name), sessions_key(name)]
    keys += state_keys(f"team:{_TEAM}:{_NAME}", trial.id)
    with suppress(StoreError), closing(contents_of(trial.target)) as contents:
        contents.take(contents.holdings.forget(name))
    for key in keys:
        with suppress(StoreError), closing(trial.open()) as store:  # one for each: a store that refused is dead
            store.delete(key)
