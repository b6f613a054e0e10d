"""The way of one command, from its task to its status. No fault of ours keeps the command from running."""

import errno
import os
import time

from skillcache import durations, files, quarantine, tally
from skillcache.commands import process
from skillcache.commands.failure import Failure
from skillcache.commands.single_flight import RUNNING, Flight, is_within
from skillcache.commands.standard_input import Input, take, write_whole
from skillcache.decision import Answer, Inquiry, decide
from skillcache.entry import ERROR, STREAMS, decode
from skillcache.errors import Bypass, StoreError
from skillcache.outcome import (
    DISK,
    INTERNAL,
    NO_ENTRY,
    QUARANTINED,
    REPEATED,
    TOO_FAST,
    UNFIT,
    UNREADABLE_ENTRY,
    VERIFY,
    WAITED,
    WAITED_IN_VAIN,
    Outcome,
)
from skillcache.paths import replayed_folder
from skillcache.project import identity
from skillcache.redis_keys import entry_key, project_name, team_name
from skillcache.settings import Settings
from skillcache.stores import open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from skillcache.commands.child import Ended
    from skillcache.commands.invocation import Invocation
    from skillcache.commands.task import Task
    from skillcache.entry import File
    from skillcache.lookup import Lookup
    from skillcache.stores import Store

POSITION = "stdin"  # the detail of an entry that says how far the run read its input, a file
_BROKEN_PIPE = process.SIGNALLED + 13
# What waits for the run of another: what a new run would bring about as well.
_AWAITED = frozenset([NO_ENTRY.id])


class Begun:
    """What was so when the command began: before it, `found` was captured.

    project: identity; generations: of the names; key: the store's; outcome: the miss; started: ms since the epoch;
    trace: see `skillcache.skill.workplace`.
    """

    __slots__ = ("found", "generations", "key", "outcome", "project", "started", "team", "trace")

    def __init__(self, found: "Lookup", project: str, team: str, key: str) -> None:
        self.found = found
        self.project = project
        self.team = team
        self.key = key
        self.generations: dict[str, int] = {}
        self.outcome: Outcome = NO_ENTRY
        self.started = 0
        self.trace: dict[str, object] = {}


class Way:
    """tell: is given what became of it, for people."""

    __slots__ = ("_answer", "_began", "_call", "_failure", "_flight", "_settings", "_stored", "_task", "_tell")

    def __init__(self, task: "Task", settings: Settings, call: "Invocation", *, tell: "Callable[[str], None]") -> None:
        self._task = task
        self._settings = settings
        self._call = call
        self._tell = tell
        self._began = time.monotonic()
        self._flight: Flight | None = None
        self._failure = Failure(settings.cache, call)
        self._stored: bytes | None = None

    def go(self) -> int:
        """The status to end with. Raises process.Unstartable."""
        given = take(int(self._settings.number("max_output")))
        try:
            since = stamp(self._settings.cache)
            begun, answer = self._consult(given)
            if answer is not None:
                return self._replay(answer, begun.found, given)
        except Exception as fault:  # noqa: BLE001 - whatever it is, the command runs
            self._report("not cached", fault)
            return self._only_run(given)
        return self._run(begun, given, since)

    def _consult(self, given: Input) -> "tuple[Begun, Answer | None]":
        """Raises Bypass, StoreError and OSError."""
        task, plan, settings = self._task, self._task.plan, self._settings
        if given.refused is not None:
            raise given.refused
        if task.learns and not plan.fresh:
            learnt = durations.learnt(settings.cache, task.cwd, plan.command)
            if learnt is not None and learnt < settings.number("min_duration") * 1000:
                raise Bypass(TOO_FAST)
        is_repeated = self._call.is_repeated(task.program.words, task.cwd)
        found = task.look(given.rows(), seconds=settings.number("capture_time"))
        project = identity(found.fingerprint.root)
        if settings.number("verify") < 1 and any(
            quarantine.rests(settings.cache, project, name, time.time()) for name in {plan.name, *plan.rules}
        ):
            raise Bypass(QUARANTINED)
        team = settings.word("team") if plan.shared else ""
        begun = Begun(found, project, team, entry_key(plan.name, found.digest))
        store = open_store(settings.store, now=time.time())
        try:
            return begun, self._ask(store, begun, is_repeated=is_repeated)
        finally:
            store.close()

    def _ask(self, store: "Store", begun: Begun, *, is_repeated: bool) -> Answer | None:
        """What is served, or None and the miss in `begun`."""
        answer = self._look_up(store, begun)
        if is_repeated:
            begun.outcome = REPEATED
        elif answer.entry is None and answer.outcome.id in _AWAITED and self._waits():
            self._flight = Flight(self._settings.store, begun.found.digest, self._settings.number("wait"))
            waited: list[str] = []
            found = self._flight.begin(store, lambda: _served(self._look_up(store, begun)), waited.append)
            if found is not None:
                answer = found
            if waited:
                begun.outcome = answer.outcome = WAITED if found is not None else WAITED_IN_VAIN
        if answer.entry is not None and not is_repeated:
            if not self._is_chosen():
                return answer
            begun.outcome = VERIFY
        return None

    def _waits(self) -> bool:
        return bool(self._settings.number("wait")) and not is_within(os.environ)

    def _is_chosen(self) -> bool:
        share = self._settings.number("verify") if self._task.learns else 0
        return int.from_bytes(os.urandom(6)) < share * (1 << 48)

    def _look_up(self, store: "Store", begun: Begun) -> Answer:
        """What is stored, now. Raises StoreError."""
        plan, found = self._task.plan, begun.found
        names = (*plan.names, *self._task.extra_names(), project_name(begun.project))
        if begun.team:
            names += (team_name(begun.team),)
        shared = entry_key(plan.name, found.digest, begun.team) if begun.team else None
        stored = store.get(begun.key, names, shared)
        begun.generations = dict(zip(names, stored.generations, strict=True))
        inquiry = Inquiry(
            key=found.key,
            names=plan.names,
            generations=dict(begun.generations),
            root=found.fingerprint.root,
            place=found.workplace.place if found.workplace is not None else "",
            now=time.time(),
            form=STREAMS,
            failures=self._failure.is_wanted(plan, found.digest),
        )
        answer = decide(plan, inquiry, stored.entry, stored.also)
        if answer.unknown:
            more = store.get(begun.key, answer.unknown).generations
            inquiry.generations.update(zip(answer.unknown, more, strict=True))
            answer = decide(plan, inquiry, stored.entry, stored.also)
        begun.outcome, self._stored = answer.outcome, stored.entry
        return answer

    def _replay(self, answer: Answer, found: "Lookup", given: Input) -> int:
        """Raises Bypass and OSError while nothing is printed yet."""
        entry = answer.entry
        assert entry is not None  # noqa: S101 - what `_consult` gives
        kept = tuple([file for file in entry.files if file.path != ERROR])
        if kept:
            _restore(kept, found)
        if given.position() is not None and self._stored is not None:
            position = decode(self._stored, details=True).details.get(POSITION)
            if not isinstance(position, int):
                raise Bypass(UNFIT)
            given.move(position)
        status = entry.status
        for fd, stream in ((1, answer.output), (2, answer.error)):
            try:
                write_whole(fd, stream)
            except OSError as fault:
                if fault.errno != errno.EPIPE:
                    process.say(f"cannot write: {fault.strerror}")
                    status = status or 1
                else:
                    status = _BROKEN_PIPE
        self._count(answer.outcome, run=entry.duration)
        self._remember(entry.duration)
        from skillcache.replay import age_of, origin

        self._tell(f"replayed, recorded {age_of(entry, time.time())} ago {origin(entry, self._call.session)}")
        return status

    def _remember(self, saved: int) -> None:
        """For the line that a person is shown at the end of the turn."""
        if not self._call.session:
            return
        words = self._task.plan.command.replace("\n", " ").replace("\t", " ")[:200]
        line = f"{saved}\t{words}\n".encode("utf-8", "replace")
        try:
            files.append(f"{replayed_folder(self._settings.cache)}/{self._call.session}", line)
        except OSError:
            return

    def _run(self, begun: Begun, given: Input, since: int) -> int:
        from skillcache.commands import child  # a hit needs none

        self._count(begun.outcome)
        program = self._task.program
        if self._flight is not None and self._flight.holds:
            program = process.Program(program.path, program.words, {**program.environ, RUNNING: "1"})
        cap = int(self._settings.number("max_output"))
        try:
            self._trace(begun)
            begun.started = int(time.time() * 1000)
            ended = child.run(program, given, cap, joined=self._task.joined)
            self._record(begun, ended, given, since)
        finally:
            if self._flight is not None:
                self._flight.end()
        child.leave_open(ended.open)
        return child.end_as(ended)

    def _trace(self, begun: Begun) -> None:
        """What a script of a skill must leave as it is."""
        if begun.found.workplace is None:
            return
        deadline = time.monotonic() + self._settings.number("capture_time")
        try:
            begun.trace = begun.found.workplace.trace(self._task.program.environ, deadline=deadline)
        except (Bypass, OSError):
            begun.trace = {}

    def _record(self, begun: Begun, ended: "Ended", given: Input, since: int) -> None:
        self._began += ended.milliseconds / 1000  # its own time is none of ours
        try:
            from skillcache.commands.record import Recorder  # a hit needs none

            outcome = Recorder(self._task, self._settings, begun, self._failure).keep(ended, given, since)
        except Exception as fault:  # noqa: BLE001 - the command has run, and that is what counts
            self._report("ran, not stored", fault)
            return
        self._count(outcome, run=ended.milliseconds)
        self._tell(f"ran, {outcome.text}")

    def _only_run(self, given: Input) -> int:
        if not given.taken:
            process.become(self._task.program)
        from skillcache.commands import child

        ended = child.run(self._task.program, given, 0, joined=self._task.joined)
        child.leave_open(ended.open)
        return child.end_as(ended)

    def _report(self, what: str, fault: Exception) -> None:
        self._count(outcome_of(fault))
        self._tell(f"{what}: {fault}")

    def _count(self, outcome: Outcome, *, run: int = 0) -> None:
        spent = int((time.monotonic() - self._began) * 1000)
        self._began = time.monotonic()
        tally.record(self._settings.cache, time.time(), outcome, self._task.plan.name, run=run, spent=spent)


def _restore(kept: "tuple[File, ...]", found: "Lookup") -> None:
    """Put back what the run left. Raises Bypass, before anything is written, and OSError."""
    from skillcache.skill.outputs import are_declared, restore  # few entries hold files

    work, root = found.workplace, found.fingerprint.root
    if work is None or not are_declared(kept, work.outputs):  # whoever may write to a store has no say in more
        raise Bypass(UNREADABLE_ENTRY)
    restore(kept, root, root)


def _served(answer: Answer) -> Answer | None:
    return answer if answer.entry is not None else None


def outcome_of(fault: Exception) -> Outcome:
    if isinstance(fault, Bypass | StoreError):
        return fault.outcome
    return DISK if isinstance(fault, OSError) else INTERNAL


def stamp(cache: str) -> int:
    """Now, in nanoseconds, by the clock that stamps every file's changes. `cache`: folder of ours. Raises OSError."""
    files.make_folder(cache)
    path = f"{cache}/began.{os.getpid()}"
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.ftruncate(handle, 0)  # one that a killed process left behind is stamped anew
        return os.fstat(handle).st_ctime_ns
    finally:
        os.close(handle)
        os.unlink(path)
