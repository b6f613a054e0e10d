"""The way of one `skillcache run`, from its job to its status. No fault of ours keeps the command from running."""

import errno
import os
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from skillcache import tally
from skillcache.errors import Bypass, SkillcacheError, StoreError
from skillcache.outcome import DISK, FRESH, INTERNAL, NO_ENTRY, REPLAYED, WAITED, WAITED_IN_VAIN, Outcome
from skillcache.paths import runs_folder
from skillcache.pending import sweep
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
    from skillcache.flight import Held
    from skillcache.running.child import Ended
    from skillcache.running.nesting import Mark

_BROKEN_PIPE = process.SIGNALLED + 13
EVERY = "run"  # the name under which all results of this command are invalidated


class Course:
    """tell: is given what became of it, for people; fresh: nothing is served."""

    def __init__(self, job: Job, settings: Settings, *, fresh: bool, tell: Callable[[str], None]) -> None:
        self._job = job
        self._settings = settings
        self._fresh = fresh
        self._tell = tell
        self._spent_from = time.monotonic() - time.process_time()  # the interpreter's start is our work as well
        self._cap = int(settings.number("max_output"))
        self._seconds = settings.number("capture_time")
        self._miss: Outcome = NO_ENTRY
        self._waited = False
        self._held: Held | None = None

    def go(self) -> int:
        """The status to end with. Raises process.Unstartable, and KeyboardInterrupt where no command runs."""
        given = take(self._cap)
        try:
            answer = self._consult(given)
        except (Exception, TimeUp) as fault:  # noqa: BLE001 - whatever it is, the command runs
            self._report("not cached", fault)
            return self._only_run(given)
        return self._print(answer, given) if isinstance(answer, Replay) else self._run(answer, given)

    def _consult(self, given: Input) -> Replay | Begun:
        if given.refused is not None:
            raise given.refused
        begun, replay = self._look(given)
        if self._fresh:
            self._miss, replay = FRESH, None
        elif replay is None:
            begun, replay = self._board(begun, given)
        if replay is None:
            self._count(self._miss)
        return replay or begun

    def _look(self, given: Input) -> tuple[Begun, Replay | None]:
        """What the command depends on now, and what is stored for that."""
        since = stamp(self._settings.cache)
        found = look(self._job, given.rows(), seconds=self._seconds)
        root = found.fingerprint.root
        project = identity(root)
        names = tuple(dict.fromkeys((self._job.name, EVERY, project_name(project))))
        store = self._open_store()
        try:
            stored = store.get(entry_key(self._job.name, found.digest), names)
        finally:
            store.close()
        generations = dict(zip(names, stored.generations, strict=True))
        begun = Begun(
            since, found, project, generations=generations, is_known=stored.entry is not None, seconds=self._seconds
        )
        answer = decide(
            stored.entry, key=found.key, generations=generations, ttl=self._job.ttl, root=root, now=time.time()
        )
        if isinstance(answer, Replay):
            return begun, answer
        self._miss = answer
        return begun, None

    def _board(self, begun: Begun, given: Input) -> tuple[Begun, Replay | None]:
        """Claims the run, or waits for that of another process."""
        from skillcache import holder
        from skillcache.flight import Passenger  # a hit needs none

        known: list[tuple[Begun, Replay | None]] = [(begun, None)]

        def see() -> str | None:
            known.append(self._look(given))
            begun, replay = known[-1]
            return begun.found.digest if replay is None else None

        me = holder.describe(f"{os.uname().nodename}:{os.getpid()}:{os.urandom(8).hex()}")
        passenger = Passenger(self._open_store, begun.found.digest, see, me, self._may_wait)
        try:
            passenger.board(self._settings.number("wait"))
        finally:
            self._held, self._waited = passenger.held, passenger.waited
        if self._waited:
            self._miss = WAITED_IN_VAIN
        return known[-1]

    def _may_wait(self, other: str) -> bool:
        from skillcache import holder
        from skillcache.running.nesting import is_within  # few commands meet another run

        if is_within(self._settings.cache):
            return False
        if not self._waited:
            self._waited = True
            if sys.stderr.isatty():
                name = holder.name_of(other).rpartition(":")[0]
                process.say(f"waiting for {_plain(name)}, where the same command runs on the same inputs")
        return True

    def _open_store(self) -> Store:
        return open_store(self._settings.store, now=time.time())

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
        self._count(WAITED if self._waited else REPLAYED, run=replay.entry.duration)
        writer = replay.entry.writer
        who = f"by {_plain(writer.get('user'))} on {_plain(writer.get('host'))}"
        self._tell(f"replayed, recorded {age_of(replay.entry, time.time())} ago {who}")
        return status

    def _run(self, begun: Begun, given: Input) -> int:
        from skillcache.running import child  # a hit needs none

        mark = self._mark()
        try:
            begun.started = int(time.time() * 1000)
            ended = child.run(self._job.words, given, self._cap)
            self._spent_from = time.monotonic()
            self._record(begun, ended, given)
        finally:
            if self._held is not None:
                self._held.end()
            if mark is not None:
                mark.end()
        child.leave_open(ended.open)
        return child.end_as(ended)

    def _mark(self) -> "Mark | None":
        from skillcache.running.nesting import Mark

        try:
            return Mark(self._settings.cache) if self._held is not None else None
        except OSError:
            return None

    def _record(self, begun: Begun, ended: "Ended", given: Input) -> None:
        from skillcache.running.record import keep  # a hit needs none

        try:
            outcome = keep(self._settings.store, self._job, begun, ended, given)
        except Exception as fault:  # noqa: BLE001 - the command has run, and that is what counts
            self._report("ran, not stored", fault)
            return
        self._count(outcome, run=ended.milliseconds)
        self._tell(f"ran, {outcome.text}" if not ended.status else f"ran, not stored: it ended with {ended.status}")
        tally.trim(self._settings.cache)
        sweep(runs_folder(self._settings.cache), time.time())

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
        """What we have spent since the last count; the run itself is not ours."""
        before, self._spent_from = self._spent_from, time.monotonic()
        spent = int((self._spent_from - before) * 1000)
        tally.record(self._settings.cache, time.time(), outcome, self._job.name, run=run, spent=spent)


def _outcome_of(fault: Exception) -> Outcome:
    if isinstance(fault, Bypass | StoreError):
        return fault.outcome
    return DISK if isinstance(fault, OSError) else INTERNAL


def _plain(text: str | None) -> str:
    """A name from the store, which others may write, as harmless text."""
    return "".join(c for c in text or "" if c.isalnum() or c in "-_.@:")[:64] or "someone"
