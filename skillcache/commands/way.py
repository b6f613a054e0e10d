"""The way of one command, from its task to its status. No fault of ours keeps the command from running."""

import os
import time

from skillcache.cache import history
from skillcache.cache.decision import Answer, Inquiry, ask, named, place_of_home
from skillcache.cache.history import Breaker
from skillcache.commands import invocation, nesting
from skillcache.commands.invocation import Begun
from skillcache.commands.nesting import Around, TimeUp
from skillcache.commands.replay import POSITION, Failure, left_by, put_back, require_as_it_was, write
from skillcache.commands.replayed import JOINED, RAN, REPLAYED, note, remember
from skillcache.commands.streams import Input, require_files, take
from skillcache.core import files, outcomes
from skillcache.core.git import find_root, identity
from skillcache.core.outcomes import (
    CONFIRMED,
    DISK,
    EXPIRED,
    FAILURE,
    FRESH,
    HOLDS_A_REPLAY,
    INTERNAL,
    INVALIDATED,
    NO_ENTRY,
    QUARANTINED,
    REPEATED,
    STORED,
    TIME_UP,
    TOO_FAST,
    UNFIT,
    UNREADABLE_ENTRY,
    VERIFY,
    WAITED,
    WAITED_IN_VAIN,
    Bypass,
    Outcome,
    SkillcacheError,
    StoreError,
)
from skillcache.settings.in_force import Settings
from skillcache.stores import open_near, open_store
from skillcache.stores.contract import EMBEDDED, entry_key, project_name, team_name
from skillcache.stores.entry import STREAMS, Entry, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from skillcache.cache.decision import CallKey
    from skillcache.cache.single_flight import Held
    from skillcache.commands.ahead.beside import Beside
    from skillcache.commands.child import Ended
    from skillcache.commands.invocation import Invocation, Task
    from skillcache.commands.nesting import Mark
    from skillcache.stores.contract import Store
    from skillcache.stores.near_cache import Near

_RECORDING = 10.0  # seconds for all that follows a run, besides the captures
_LONG = 1000  # milliseconds of a run, after which nobody minds housekeeping
_SPARE = 10.0  # seconds that a run may take beyond twice what it took before
# These are to be real runs, with all that they start.
_REAL = frozenset([FRESH, REPEATED, VERIFY])
# After these a run of the same command gives what is missing.
_AWAITED = frozenset([NO_ENTRY, EXPIRED, INVALIDATED, UNREADABLE_ENTRY])


class Way:
    """tell: is given what became of it, for people; None where nobody wants to know."""

    __slots__ = (
        "_around", "_beside", "_call", "_called", "_failure", "_held", "_kept", "_listener", "_open", "_settings",
        "_spent_from", "_task", "_waited",
    )  # fmt: skip

    def __init__(
        self, task: "Task", settings: Settings, call: "Invocation", *, tell: "Callable[[str], None] | None" = None
    ) -> None:
        self._task = task
        self._settings = settings
        self._call = call
        self._listener = tell
        self._spent_from = time.monotonic() - time.process_time()  # the interpreter's start is our work as well
        self._failure = Failure(settings.cache, call, task.program.words, ahead=settings.ahead)
        self._around: Around | None = None
        self._beside: Beside | None = None
        self._waited = False
        self._held: Held | None = None
        self._open: Store | None = None
        self._called: tuple[str, str, str] | None = None
        self._kept: Outcome | None = None

    def go(self) -> int:
        """The status to end with. Raises invocation.Unstartable, and KeyboardInterrupt where no command runs."""
        nesting.begin(nesting.SECONDS + self._settings.number("capture_time"))
        given = take(int(self._settings.number("max_output")))
        try:
            self._meet()
            begun, answer = self.consult(given)
            if answer is not None:
                if self._restore(answer, begun, given):
                    self._close()
                    if self._around:
                        self._around.tell_of_replay()
                else:
                    answer = None
        except (Exception, TimeUp) as fault:  # noqa: BLE001 - whatever it is, the command runs
            self._report("not cached", fault)
            self._release()
            self._close()
            self._make_way()
            return self._only_run(given)
        if answer is not None:
            nesting.end()
            status = self._replay(answer, begun)
            return self._only_run(given) if status is None else status
        self._count(begun.outcome)
        try:
            return self._run(begun, given)
        except Exception as fault:
            from skillcache.commands.child import Unbegun  # a hit needs none

            if not isinstance(fault, Unbegun):
                raise
        return self._become(given)

    def _meet(self) -> None:
        """See to runs ahead, where a rule of the person's has them."""
        if self._settings.ahead:
            from skillcache.commands.ahead.beside import Beside

            self._beside = Beside(self._settings, self._task, self._call)

    def _make_way(self) -> None:
        try:
            if self._beside is not None:
                self._beside.make_way()
        except (Exception, TimeUp) as fault:  # noqa: BLE001 - whatever it is, the command runs
            self._report("not alone", fault)

    def consult(self, given: Input) -> "tuple[Begun, Answer | None]":
        """What is so now, and what is served, None for a run; for `explain` too. Raises Bypass, StoreError, OSError."""
        task, settings = self._task, self._settings
        if given.refused is not None:
            raise given.refused
        require_files(task.program.words, task.cwd, task.program.environ)
        if task.learns and not task.plan.fresh:
            learnt = history.learnt(settings.cache, task.cwd, task.plan.command)
            if learnt is not None and learnt < history.least_duration(settings, declared=task.plan.declared):
                raise Bypass(TOO_FAST)
        self._around = Around(settings.cache)
        if self._beside is not None:
            self._beside.arrive(self._around)
        task.plan.fresh = task.plan.fresh or self._around.is_fresh
        is_repeated = self._call.is_repeated(task.program.words, task.cwd)
        begun, answer = self._look(given)
        if answer is None and self._beside is not None:
            self._beside.miss(begun.found.digest)
        if is_repeated:
            begun.outcome = REPEATED
        elif answer is None and begun.outcome in _AWAITED and settings.number("wait"):
            begun, answer = self._board(begun, given)
        if answer is None or is_repeated or not self._is_as_it_was(answer, begun):
            return begun, None
        if self._is_chosen():
            begun.outcome = VERIFY
            return begun, None
        return begun, answer

    def _is_as_it_was(self, answer: Answer, begun: Begun) -> bool:
        """Whether the files that a replay leaves standing are as the stored run left them. Raises Bypass."""
        most, seconds = int(self._settings.number("max_output")), self._settings.number("capture_time")
        try:
            require_as_it_was(answer, begun.found, most=most, deadline=time.monotonic() + seconds)
        except Bypass as bypass:
            if bypass.outcome is not UNFIT:
                raise
            begun.outcome = UNFIT
            return False
        reports = self._task.reports(self._settings.cache, always=False)
        if reports is not None and reports.known and not reports.is_as_left(begun.found):
            begun.outcome = UNFIT
            return False
        return True

    def _is_chosen(self) -> bool:
        """For a verifying run."""
        share = self._settings.number("verify") if self._task.learns else 0
        return int.from_bytes(os.urandom(6)) < share * (1 << 48)

    def _look(self, given: Input) -> "tuple[Begun, Answer | None]":
        """What the command depends on now, and what may be served for that."""
        task, settings = self._task, self._settings
        since, found = self._capture(given)
        project = identity(found.fingerprint.root)
        self._require_unrested(project)
        team = settings.word("team") if task.plan.shared else ""
        begun = Begun(since, found, project, team, entry_key(task.plan.name, found.digest))
        store = self._open_store()
        try:
            answer = self._ask(self._near(store), begun)
        finally:
            self._keep_open(store)
        begun.outcome = answer.outcome
        return begun, answer if answer.entry is not None else None

    def _capture(self, given: Input) -> "tuple[int, CallKey]":
        """What the command depends on, and a stamp of before it was captured. Raises Bypass and OSError."""
        task, settings = self._task, self._settings
        task.reports(settings.cache, always=False)  # kept by the task: the capture leaves them out
        since = stamp(settings.cache)
        breaker, seconds = self._breaker(), settings.number("capture_time")
        breaker.require_quick()
        nesting.told[:] = [lambda: self._blame(breaker)]
        try:
            found = task.capture_key(given.rows(), seconds=seconds, meanwhile=self._open_store)  # to have it loaded
        except Bypass as bypass:
            breaker.blame(bypass)
            raise
        except TimeUp:
            breaker.blame(TimeoutError())
            raise
        return since, found

    def _blame(self, breaker: Breaker) -> None:
        breaker.blame(TimeoutError())
        self._count(TIME_UP)

    def _breaker(self) -> Breaker:
        root = find_root(self._task.cwd) or self._task.cwd
        return Breaker(root, self._call.session, self._task.program.environ, self._settings.number("capture_time"))

    def _require_unrested(self, project: str) -> None:
        """Raises Bypass. Where everything is verified nothing is served, so there is nothing to rest from."""
        plan, settings = self._task.plan, self._settings
        if settings.number("verify") < 1 and any(
            history.rests(settings.cache, project, name, time.time()) for name in {plan.name, plan.rule}
        ):
            raise Bypass(QUARANTINED)

    def _ask(self, store: "Store | Near", begun: Begun) -> Answer:
        """What is stored, now. Raises StoreError."""
        plan, found = self._task.plan, begun.found
        names = (*plan.names, *self._task.extra_names(), project_name(begun.project))
        if begun.team:
            names += (team_name(begun.team),)
        shared = entry_key(plan.name, found.digest, begun.team) if begun.team else None
        home = place_of_home(self._task.program.environ)
        inquiry = Inquiry(
            key=found.key,
            names=plan.names,
            generations={},
            root=found.fingerprint.root,
            place="\n".join([home, found.workplace.place] if found.workplace is not None else [home]),
            now=time.time(),
            form=STREAMS,
            failures=self._failure.is_wanted(plan, found.digest),
            most=int(self._settings.number("max_output")),
        )
        answer, begun.generations = ask(store, plan, inquiry, begun.key, names, shared)
        return answer

    def _board(self, begun: Begun, given: Input) -> "tuple[Begun, Answer | None]":
        """Claims the run, or waits for that of another process."""
        from skillcache.cache.single_flight import Passenger  # a hit needs none
        from skillcache.core import processes

        known: list[tuple[Begun, Answer | None]] = [(begun, None)]

        def see() -> str | None:
            known.append(self._look(given))
            begun, answer = known[-1]
            return begun.found.digest if answer is None else None

        me = processes.holder_of(f"{os.uname().nodename}:{os.getpid()}:{os.urandom(8).hex()}")
        patience = self._patience()
        step = nesting.SECONDS + self._settings.number("capture_time")
        passenger = Passenger(
            self._open_store, begun.found.digest, see, me, self._may_wait, begin=lambda: nesting.begin(step)
        )
        try:
            passenger.board(patience)
        finally:
            self._held, self._waited = passenger.held, passenger.waited
        begun, answer = known[-1]
        if self._waited:
            begun.outcome = WAITED_IN_VAIN if answer is None else WAITED
        return begun, answer

    def _patience(self) -> float:
        """Seconds for another's run: it may be one that is stopped, or whose output nobody reads."""
        longest = self._settings.number("wait")
        learnt = history.learnt(self._settings.cache, self._task.cwd, self._task.plan.command)
        return longest if learnt is None else min(longest, 2 * learnt / 1000 + _SPARE)

    def _may_wait(self, other: str) -> bool:
        if self._around:
            return False
        if not self._waited:
            self._waited = True
            if self._beside is not None:
                self._beside.join()
            self._tell_of_waiting(other)
        return True

    def _tell_of_waiting(self, other: str) -> None:
        if os.isatty(2):
            if self._settings.keys is not None:  # nobody signs a claim
                invocation.say("waiting for another run of the same command on the same inputs")
                return
            from skillcache.core import processes

            name = named(processes.holder_name(other).rpartition(":")[0])
            invocation.say(f"waiting for {name}, where the same command runs on the same inputs")

    def _open_store(self) -> "Store":
        return open_store(self._settings.store, now=time.time())

    def _near(self, store: "Store") -> "Store | Near":
        settings = self._settings
        seconds = settings.number("near_cache")
        return open_near(lambda: store, settings.store, settings.cache, seconds=seconds, now=time.time())

    def _keep_open(self, store: "Store") -> None:
        """Until the end, if it is the embedded one: only the last of all that have the file open writes it through.

        That takes ten times as long as the rest of a write; a claim, a result and a release would do so each.
        """
        if self._open is None and self._settings.store.startswith(EMBEDDED):
            self._open = store
        else:
            store.close()

    def _close(self) -> None:
        if self._open is not None:
            store, self._open = self._open, None
            store.close()

    def _restore(self, answer: Answer, begun: Begun, given: Input) -> bool:
        """All that a replay does besides what it prints; False, before anything is done, where a run has to do it.

        Raises Bypass, before anything is done, and OSError.
        """
        entry = answer.entry
        assert entry is not None  # noqa: S101 - what `consult` gives
        position = self._position(answer) if given.position() is not None else None
        if entry.failed and not self._failure.take(begun.found.digest):
            begun.outcome = FAILURE
            return False
        try:
            put_back(left_by(entry), begun.found)
        except Bypass as bypass:
            if bypass.outcome is not UNFIT:
                raise
            begun.outcome = UNFIT
            return False
        if position is not None:
            given.move(position)
        if entry.failed:
            self._failure.show(begun.found.digest)
        return True

    def _position(self, answer: Answer) -> int:
        """How far the run read its input. Raises Bypass."""
        most = int(self._settings.number("max_output"))
        position = decode(answer.stored, details=True, most=most).details.get(POSITION)
        if not isinstance(position, int):
            raise Bypass(UNFIT)
        return position

    def _replay(self, answer: Answer, begun: Begun) -> int | None:
        """None where not a byte could be written: what the command makes of that is its own. Else it does not run."""
        entry = answer.entry
        assert entry is not None  # noqa: S101 - what `consult` gives
        try:
            status = write(answer, entry.status)
        except OSError as fault:
            self._report("not given", fault)
            return None
        try:
            self._count(begun.outcome, run=entry.duration)
            self._remember(entry.duration, JOINED if begun.outcome is WAITED else REPLAYED)
            self._note(begun)
            if self._beside is not None:
                self._beside.served(begun, entry)
            self._tell_of(entry)
        except (Exception, TimeUp) as fault:  # noqa: BLE001 - all is printed, and that is what counts
            self._report("replayed, not counted", fault)
        return status

    def _remember(self, run: int, kind: str) -> None:
        remember(self._settings.cache, self._call.session, self._task.plan.command, run, kind)

    def _note(self, begun: Begun) -> None:
        note(self._settings.cache, begun.project, self._task.plan.name, begun.found, self._task)

    def _tell(self, text: str) -> None:
        if self._listener is not None:
            self._listener(text)

    def _tell_of(self, entry: Entry) -> None:
        if self._listener is None:
            return
        from skillcache.cache.decision import age_of  # a shim says nothing

        who = f"by {named(entry.writer.get('user'))} on {named(entry.writer.get('host'))}"
        self._tell(f"replayed, recorded {age_of(entry, time.time())} ago {who}")

    def _run(self, begun: Begun, given: Input) -> int:
        from skillcache.commands import child  # a hit needs none

        mark = self._mark(begun)
        try:
            self._trace(begun)
            self._watch(begun)
            self._begin_others()
            nesting.end()
            begun.started = int(time.time() * 1000)
            cap = int(self._settings.number("max_output"))
            ended = child.run(self._task.program, given, cap, joined=self._task.joined)
            self._spent_from = time.monotonic()
            self._end_watch(begun)
            nesting.begin(_RECORDING + 2 * self._settings.number("capture_time"))
            self._remember(ended.milliseconds, RAN)
            if mark is None or mark.holds_a_replay():
                self._count(DISK if mark is None else HOLDS_A_REPLAY, run=ended.milliseconds)
            else:
                self._record(begun, ended, given)
            nesting.end()
        finally:
            self._release()
            self._close()
            if mark is not None:
                mark.end()
        self._tidy(ended, begun)
        self._follow(begun, ended)
        child.leave_open(ended.open)
        return child.end_as(ended)

    def _mark(self, begun: Begun) -> "Mark | None":
        """None where it cannot be written: what the run holds is then not known."""
        from skillcache.commands.nesting import Mark

        try:
            return Mark(self._settings.cache, fresh=begun.outcome in _REAL)
        except OSError:
            return None

    def _release(self) -> None:
        if self._held is not None:
            self._held.end()

    def _tidy(self, ended: "Ended", begun: Begun) -> None:
        """Housekeeping, after a run that took longer than this does."""
        if ended.milliseconds < _LONG:
            return
        try:
            from skillcache.commands import replayed

            replayed.remember_miss(
                self._settings.cache, begun, self._about(), begun.outcome, self._kept, ended.milliseconds
            )
            from skillcache.commands.housekeeping import tidy

            # By the clock of the files: what this very call has left is new, whatever the time is said to be.
            tidy(self._settings.cache, stamp(self._settings.cache) / 1e9)
        except (Exception, TimeUp) as fault:  # noqa: BLE001 - the command has run, and that is what counts
            self._report("not tidied", fault)

    def _begin_others(self) -> None:
        try:
            if self._beside is not None:
                self._beside.begin()
        except Exception as fault:  # noqa: BLE001 - they are for later
            self._report("nothing begins beside it", fault)

    def _follow(self, begun: Begun, ended: "Ended") -> None:
        try:
            if self._beside is not None:
                self._beside.ended(begun, ended.status, ended.milliseconds)
        except (Exception, TimeUp) as fault:  # noqa: BLE001 - the command has run, and that is what counts
            self._report("nothing begins after it", fault)

    def _trace(self, begun: Begun) -> None:
        """What a script of a skill must leave as it is."""
        if begun.found.workplace is None:
            return
        deadline = time.monotonic() + self._settings.number("capture_time")
        try:
            begun.trace = begun.found.workplace.trace(self._task.program.environ, deadline=deadline)
        except (Bypass, OSError) as fault:
            begun.trace = {"fault": fault}

    def _watch(self, begun: Begun) -> None:
        """What happens to the files that its runs leave."""
        try:
            reports = self._task.reports(self._settings.cache, always=False)
            paths = reports.watched() if reports is not None and reports.is_kept else []
            ignored = begun.found.fingerprint.ignored
            own: list[str] = []
            if ignored is not None and ignored.own is not None:
                own = ignored.own.watched({**ignored.entries, **begun.found.fingerprint.elsewhere})
                own += ignored.own.left_by_others(ignored.entries)
            if paths or own:
                from skillcache.commands.rewritten import Watch  # few commands leave files

                begun.watch = Watch(begun.found.fingerprint.root, paths, own)
        except Exception:  # noqa: BLE001 - what is not known of them keeps the result from being stored
            begun.watch = None

    def _end_watch(self, begun: Begun) -> None:
        try:
            if begun.watch is not None:
                begun.watch.end()
        except Exception:  # noqa: BLE001 - likewise
            begun.watch = None

    def _record(self, begun: Begun, ended: "Ended", given: Input) -> None:
        breaker = self._breaker()
        try:
            from skillcache.commands.record import Recorder  # a hit needs none

            outcome = Recorder(self._task, self._settings, begun, self._failure).keep(ended, given)
        except Bypass as bypass:
            breaker.blame(bypass)  # whichever of the looks it was
            self._report("ran, not stored", bypass)
            return
        except (Exception, TimeUp) as fault:  # noqa: BLE001 - the command has run, and that is what counts
            self._report("ran, not stored", fault)
            return
        self._count(outcome, run=ended.milliseconds)
        if outcome in (STORED, CONFIRMED) or (outcome is FAILURE and self._task.plan.failures):
            self._note(begun)
        self._tell(f"ran, {outcome.text}")

    def _only_run(self, given: Input) -> int:
        nesting.end()
        if not given.taken:
            return self._become(given)
        from skillcache.commands import child

        try:
            ended = child.run(self._task.program, given, 0, joined=self._task.joined)
        except child.Unbegun:
            return self._become(given)
        child.leave_open(ended.open)
        return child.end_as(ended)

    def _become(self, given: Input) -> int:
        """Raises OSError where not even that is possible."""
        given.give_back()
        invocation.become(self._task.program)

    def _report(self, what: str, fault: BaseException) -> None:
        outcome = outcome_of(fault)
        self._count(outcome)
        told = fault if isinstance(fault, SkillcacheError | OSError) else repr(fault)
        self._tell(f"{what}: {outcome.text if outcome is TIME_UP else told}")

    def _count(self, outcome: Outcome, *, run: int = 0) -> None:
        """What we have spent since the last count; the run itself is not ours."""
        before, self._spent_from = self._spent_from, time.monotonic()
        spent = int((self._spent_from - before) * 1000)
        name, self._kept = self._task.plan.name, outcome
        outcomes.record(self._settings.cache, time.time(), outcome, name, run=run, spent=spent, call=self._about())

    def _about(self) -> tuple[str, str, str]:
        """What counts say of the call."""
        if self._called is None:
            cwd, words = self._task.cwd, self._task.program.words
            self._called = (find_root(cwd) or cwd, self._call.session, outcomes.told(words))
        return self._called


def outcome_of(fault: BaseException) -> Outcome:
    if isinstance(fault, TimeUp):
        return TIME_UP
    if isinstance(fault, Bypass | StoreError):
        return fault.outcome
    return DISK if isinstance(fault, OSError) else INTERNAL


def stamp(cache: str) -> int:
    """Now, in nanoseconds, by the clock that stamps every file's changes. `cache`: folder of ours. Raises OSError."""
    files.make_folder(cache)
    path = files.draft_of(f"{cache}/began")
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        os.ftruncate(handle, 0)  # one that a killed process left behind is stamped anew
        return os.fstat(handle).st_ctime_ns
    finally:
        os.close(handle)
        os.unlink(path)
