"""The way of one `skillcache run`, from its job to its status. No fault of ours keeps the command from running."""

import errno
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from skillcache import tally
from skillcache.errors import Bypass, SkillcacheError, StoreError
from skillcache.lookup import Lookup
from skillcache.outcome import DISK, FRESH, INTERNAL, NO_ENTRY, REPLAYED, TIME_UP, Outcome
from skillcache.project import identity
from skillcache.redis_keys import entry_key, project_name
from skillcache.replay import age_of
from skillcache.running import process
from skillcache.running.job import Begun, Job, look, stamp
from skillcache.running.replay import POSITION, Replay, decide
from skillcache.running.standard_input import Input, take, write_whole
from skillcache.running.time_limit import TimeUp, time_limit
from skillcache.settings import Settings
from skillcache.stores import Store, open_store

if TYPE_CHECKING:
    from skillcache.running.child import Ended
    from skillcache.running.flight import Flight

_BROKEN_PIPE = process.SIGNALLED + 13
EVERY = "run"  # the name under which all results of this command are invalidated


class Course:
    """tell: is given what became of it, for people; fresh: nothing is served."""

    def __init__(self, job: Job, settings: Settings, *, fresh: bool, tell: Callable[[str], None]) -> None:
        self._job = job
        self._settings = settings
        self._fresh = fresh
        self._tell = tell
        self._began = time.monotonic()
        self._cap = int(settings.number("max_output"))
        self._seconds = settings.number("capture_time")
        self._miss: Outcome = NO_ENTRY
        self._flight: Flight | None = None

    def go(self) -> int:
        """The status to end with. Raises process.Unstartable."""
        given = take(self._cap)
        try:
            since = stamp(self._settings.cache)
            answer = self._consult(given)
        except (Exception, TimeUp) as fault:  # noqa: BLE001 - whatever it is, the command runs
            self._report("not cached", fault)
            return self._only_run(given)
        if isinstance(answer, Replay):
            return self._print(answer, given)
        return self._run(answer, given, since)

    def _consult(self, given: Input) -> Replay | Begun:
        if given.refused is not None:
            raise given.refused
        with time_limit(self._seconds):
            found = look(self._job, given.rows(), seconds=self._seconds)
        store = open_store(self._settings.store, now=time.time())
        try:
            return self._answer(store, found)
        finally:
            store.close()

    def _answer(self, store: Store, found: Lookup) -> Replay | Begun:
        root = found.fingerprint.root
        project = identity(root)
        names = tuple(dict.fromkeys((self._job.name, EVERY, project_name(project))))
        begun = Begun(found, project, {}, self._seconds)

        def ask() -> Replay | None:
            stored = store.get(entry_key(self._job.name, found.digest), names)
            begun.generations = dict(zip(names, stored.generations, strict=True))
            begun.is_known = stored.entry is not None
            answer = decide(
                stored.entry, key=found.key, generations=begun.generations, ttl=self._job.ttl, root=root,
                now=time.time(), most=self._cap,
            )  # fmt: skip
            if isinstance(answer, Replay):
                return answer
            self._miss = answer
            return None

        with time_limit(0):
            replay = ask()
        if self._fresh:
            self._miss = FRESH
        elif replay is not None:
            return replay
        else:
            from skillcache.running.flight import Flight  # a hit needs none

            flight = Flight(self._settings.store, found.digest, self._settings.number("wait"))
            replay = flight.begin(store, ask, _tell_of_waiting)
            if replay is not None:
                return replay
            self._flight = flight
        self._count(self._miss)
        return begun

    def _print(self, replay: Replay, given: Input) -> int:
        status = replay.entry.status
        position = replay.entry.details.get(POSITION)
        if isinstance(position, int):
            given.move(position)
        for fd, stream in ((1, replay.output), (2, replay.error)):
            try:
                write_whole(fd, stream)
            except OSError as fault:
                if fault.errno != errno.EPIPE:
                    raise
                status = _BROKEN_PIPE
        self._count(REPLAYED, run=replay.entry.duration)
        writer = replay.entry.writer
        who = f"by {_plain(writer.get('user'))} on {_plain(writer.get('host'))}"
        self._tell(f"replayed, recorded {age_of(replay.entry, time.time())} ago {who}")
        return status

    def _run(self, begun: Begun, given: Input, since: int) -> int:
        from skillcache.running import child  # a hit needs none

        try:
            begun.started = int(time.time() * 1000)
            ended = child.run(self._job.words, given, self._cap)
            self._record(begun, ended, given, since)
        finally:
            if self._flight is not None:
                self._flight.end()
        child.leave_open(ended.open)
        return child.end_as(ended)

    def _record(self, begun: Begun, ended: "Ended", given: Input, since: int) -> None:
        from skillcache.running.record import keep  # a hit needs none

        try:
            with time_limit(self._seconds):
                outcome = keep(self._settings.store, self._job, begun, ended, given, since)
        except (Exception, TimeUp) as fault:  # noqa: BLE001 - the command has run, and that is what counts
            self._report("ran, not stored", fault)
            return
        self._count(outcome, run=ended.milliseconds)
        self._tell(f"ran, {outcome.text}" if not ended.status else f"ran, not stored: it ended with {ended.status}")
        tally.trim(self._settings.cache)

    def _only_run(self, given: Input) -> int:
        if not given.taken:
            process.become(self._job.words)
        from skillcache.running import child

        ended = child.run(self._job.words, given, 0)
        child.leave_open(ended.open)
        return child.end_as(ended)

    def _report(self, what: str, fault: BaseException) -> None:
        outcome = _outcome_of(fault)
        self._count(outcome)
        told = fault if isinstance(fault, SkillcacheError | OSError) else repr(fault)
        self._tell(f"{what}: {outcome.text if outcome is TIME_UP else told}")

    def _count(self, outcome: Outcome, *, run: int = 0) -> None:
        spent = int((time.monotonic() - self._began) * 1000)
        tally.record(self._settings.cache, time.time(), outcome, self._job.name, run=run, spent=spent)


def _tell_of_waiting(holder: str) -> None:
    if sys.stderr.isatty():
        process.say(f"waiting for {_plain(holder)}, where the same command runs on the same inputs")


def _outcome_of(fault: BaseException) -> Outcome:
    if isinstance(fault, TimeUp):
        return TIME_UP
    if isinstance(fault, Bypass | StoreError):
        return fault.outcome
    return DISK if isinstance(fault, OSError) else INTERNAL


def _plain(text: str | None) -> str:
    """A name from the store, which others may write, as harmless text."""
    return "".join(c for c in text or "" if c.isalnum() or c in "-_.@:")[:64] or "someone"
