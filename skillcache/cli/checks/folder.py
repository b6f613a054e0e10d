"""Our own folder and what hooks left there, and what they write into a store, tried for real.

A server may answer and take nothing: a replica, one without memory, one whose access list or configuration forbids it.
"""

import os
import shutil
import stat
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing, suppress
from typing import NamedTuple

from skillcache.cache import history
from skillcache.cli import setup
from skillcache.cli.checks import MEND, NOTE, OK, Finding, Place
from skillcache.cli.figures import runs_no_more
from skillcache.cli.invalidate import contents_of
from skillcache.cli.output import duration, several, size
from skillcache.commands.ahead import ledger
from skillcache.core.counts import Count, read
from skillcache.core.outcomes import (
    BAD_CONFIG,
    BAD_EVENT,
    CONFIRMED,
    DISK,
    ERROR,
    HIT,
    INTERNAL,
    NO_GIT,
    NO_TOOL,
    QUARANTINED,
    SLOW_PLACE,
    STORE_GARBAGE,
    STORE_REFUSED,
    STORE_TIMEOUT,
    STORE_UNREACHABLE,
    STORED,
    TIME_UP,
    TOO_LARGE,
    TOO_SLOW,
    UNCAPTURABLE,
    UNSETTLED_SETTINGS,
    StoreError,
)
from skillcache.core.paths import cache_folder, fault_file
from skillcache.library.shared_state import SharedState, state_file
from skillcache.messages.agents import PERSON
from skillcache.messages.inbox import Letter
from skillcache.messages.message import NOTICE, Message
from skillcache.messages.opening import messages_file, open_post
from skillcache.sessions.delivery import open_journal, sessions_file
from skillcache.sessions.journal import SessionRecord, encode
from skillcache.settings.in_force import Settings
from skillcache.stores import open_store
from skillcache.stores.connection import REST
from skillcache.stores.contract import (
    EMBEDDED,
    Store,
    agent_keys,
    entry_key,
    record_key,
    registry_keys,
    session_keys,
    sessions_key,
    started_bytes,
    state_keys,
    wake_key,
)
from skillcache.stores.sqlite import SqliteStore

_ROOM = 200_000_000  # bytes; less leaves no room for results
_DAY = 86_400
_FUTURE = 300  # seconds


def check_folder(place: Place) -> list[Finding]:
    """Private, writable, with room; and what was counted there of late."""
    cache = cache_folder(place.environ)
    room = shutil.disk_usage(_nearest(cache)).free
    findings = []
    if room < _ROOM:
        text = f"{size(room)} are free where {cache} is"
        findings.append(Finding(MEND, "disk", text, "make room, or: skillcache clear"))
    if not os.path.isdir(cache):
        if not os.access(_nearest(cache), os.W_OK):
            text = f"{cache} cannot be made"
            findings.append(Finding(MEND, "folder", text, "set SKILLCACHE_HOME to a folder you can write"))
        return findings or [Finding(OK, "folder", f"{cache} will be made by the first call")]
    if not os.access(cache, os.W_OK | os.X_OK):
        findings.append(Finding(MEND, "folder", f"{cache} cannot be written", f"chmod u+rwx {cache}"))
    open_to_others = _open_to_others(cache)
    if open_to_others:
        text = f"others may use {several(open_to_others, 'file or folder', 'files and folders')} of {cache}"
        findings.append(Finding(MEND, "folder", text, f"chmod -R go= {cache}"))
    if not findings:
        findings.append(Finding(OK, "folder", f"{cache} is private, {size(room)} are free"))
    return findings + _check_counts(cache, place.now)


def _check_counts(cache: str, now: float) -> list[Finding]:
    try:
        counts = read(cache)
        resting = history.quarantined(cache, now)
        off = ledger.off(cache, now)
    except OSError as fault:
        return [Finding(MEND, "folder", f"{fault.filename}: {fault.strerror}", f"chmod -R u+rwX {cache}")]
    findings = []
    if counts and counts[-1].at > now + _FUTURE:
        mend = "set the clock by the network: sudo timedatectl set-ntp true"
        findings.append(Finding(MEND, "clock", "the clock is behind what it was when a hook last ran", mend))
    recent = Counter(count.outcome for count in counts if count.outcome.kind == ERROR and now - _DAY < count.at <= now)
    findings += [
        Finding(NOTE, "errors", f"{outcome.name} {several(times, 'time')} in the last day: {outcome.text}")
        for outcome, times in recent.most_common()
    ]
    findings += [
        Finding(NOTE, "quarantine", f"the rule {rest.rule} rests in {rest.project}: {rest.reason()}")
        for rest in resting
    ]
    until = f"which counts for {ledger.DAYS} days, or until: skillcache stats reset"
    findings += [Finding(NOTE, "ahead", f"{runs_no_more(rule, reasons)}, {until}") for rule, reasons in off.items()]
    return findings


def _open_to_others(cache: str) -> int:
    count = int(_is_open(cache))
    for folder, names, files in os.walk(cache):
        count += sum(_is_open(os.path.join(folder, name)) for name in [*names, *files])
    return count


def _is_open(path: str) -> bool:
    try:
        found = os.lstat(path)
    except OSError:  # gone meanwhile
        return False
    return not stat.S_ISLNK(found.st_mode) and bool(found.st_mode & 0o077)


def _nearest(path: str) -> str:
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


_DAYS = 7


def check_faults(place: Place) -> list[Finding]:
    """The newest fault of our own that a hook left behind."""
    path = fault_file(cache_folder(place.environ))
    try:
        age = place.now - os.stat(path).st_mtime
        with open(path, encoding="utf-8", errors="replace") as file:
            kind, *places = file.read().splitlines()
    except (OSError, ValueError):
        return []
    if age > _DAYS * 86_400 or not places:
        return []
    text = f"a hook failed on {kind} in {places[-1]}; the call went on without it"
    return [Finding(NOTE, "fault", text, f"report {path}, which holds places in our code and nothing of yours")]


_LEAST, _LAST = 3, 50  # calls that say something, and how many of them are looked at
_STORE = "see what is said of the store here; if that is well by now, the next call shows it"
_EXPLAIN = "skillcache explain -- COMMAND, with one of those commands, says what"
# What does not lie in the call itself, and how it is mended.
MENDS = {
    NO_GIT: "see what git says where they ran: git status. In a folder of another user: git config --global --add"
    " safe.directory FOLDER",
    NO_TOOL: _EXPLAIN,
    TOO_LARGE: "narrow what the command depends on by a rule with `depends`: " + _EXPLAIN,
    TOO_SLOW: "narrow what the command depends on by a rule with `depends`, or set SKILLCACHE_CAPTURE_TIME=5",
    SLOW_PLACE: "see what git says there, and how long it takes: git status",
    UNCAPTURABLE: _EXPLAIN,
    QUARANTINED: "skillcache stats says how long that lasts",
    UNSETTLED_SETTINGS: _EXPLAIN,
    BAD_EVENT: "pip install --upgrade {package}",
    BAD_CONFIG: "correct what is said of the configuration here",
    STORE_UNREACHABLE: _STORE,
    STORE_TIMEOUT: _STORE,
    STORE_REFUSED: _STORE,
    STORE_GARBAGE: _STORE,
    DISK: "see what is said of the folder here",
    TIME_UP: "the disk or the machine is too slow for a hook: see what is said of the store and of git here",
    INTERNAL: "report it, with what is said of a fault here",
}


def check_calls(place: Place) -> list[Finding]:
    """What the last calls came to: whether each of them was stopped by something that stops all."""
    try:
        counts = read(cache_folder(place.environ))
    except OSError:  # the folder's own check says what is wrong
        return []
    last = [count for count in counts if place.now - _DAY < count.at <= place.now and _says_something(count)][-_LAST:]
    if len(last) < _LEAST or any(_is_well(count) for count in last):
        return []
    ((outcome, times),) = Counter(count.outcome for count in last).most_common(1)
    ago = duration((place.now - last[-1].at) * 1000)
    text = (
        f"nothing was stored or replayed lately: {several(times, 'call')} ended with {outcome.name}"
        f" ({outcome.text}), the last {ago} ago"
    )
    return [Finding(MEND, "calls", text, MENDS[outcome].format(package=setup.package()))]


def _says_something(count: Count) -> bool:
    return count.outcome in MENDS or _is_well(count)


def _is_well(count: Count) -> bool:
    return count.outcome.kind == HIT or count.outcome in (STORED, CONFIRMED)


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
            time.sleep(REST)  # before which nothing is asked again
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
    value = started_bytes(started) + b" tried by doctor"
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
        store.wait(trial.id, "0-0", 0)
        store.release(trial.id, trial.name)


def _records(trial: Trial) -> None:
    key = record_key("latest", trial.id)
    with closing(trial.open()) as store:
        store.write(key, b"1", _TTL)
        store.delete(key)


def _sessions(trial: Trial) -> None:
    record = SessionRecord(trial.id, trial.name, int(trial.now * 1000))
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
        came = post.take(name, 1).deliveries
        if not came:
            raise StoreError(STORE_REFUSED, "ERR what was sent is not given to its reader")
        post.settle(name, [(each.entry, id_) for each in came])
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
    keys += [record_key("latest", trial.id), wake_key(trial.id), *agent_keys(name), *registry_keys(name)]
    keys += [*session_keys(name), sessions_key(name)]
    keys += state_keys(f"team:{_TEAM}:{_NAME}", trial.id)
    with suppress(StoreError), closing(contents_of(trial.target)) as contents:
        contents.take(contents.holdings.forget(name))
    for key in keys:
        with suppress(StoreError), closing(trial.open()) as store:  # one for each: a store that refused is dead
            store.delete(key)
