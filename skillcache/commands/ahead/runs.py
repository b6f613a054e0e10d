"""Runs ahead, from their begin to their end.

    keeper - first (see `first`) - way (see `unasked`) - command
                                   from here on a session and a group of their own; the command has the lowest priority

One at a time. It ends at once when it is asked to (SIGTERM, see `running.stop`), when a file that counts was touched,
when the client has ended, on battery and above a load: ^C to all of it but the way, which is held meanwhile, so that
what was interrupted is never taken for a result; what is there a moment later is killed. One that a call has joined
(SIGUSR1) is that call's: only a touched file, the client's end and the call's own end it, and the next begins beside.
"""

import os
import select
import time
from _signal import (  # type: ignore[import-not-found]
    SIG_BLOCK,
    SIG_UNBLOCK,
    SIGCHLD,
    SIGCONT,
    SIGINT,
    SIGKILL,
    SIGSTOP,
    SIGTERM,
    SIGUSR1,
    pthread_sigmask,
    set_wakeup_fd,
    signal,
)

from skillcache.commands.ahead import first, ledger, running, tree, unasked
from skillcache.commands.ahead.content import Content
from skillcache.commands.ahead.locks import Locks
from skillcache.commands.ahead.policy import KILLED, LINE, UNFIT
from skillcache.commands.ahead.run import Run, is_there
from skillcache.commands.ahead.running import Running
from skillcache.commands.ahead.start import is_busy, is_on_battery
from skillcache.commands.way import stamp
from skillcache.core import files, processes
from skillcache.core.outcomes import SkillcacheError
from skillcache.core.paths import joined_ahead_file, running_ahead_file
from skillcache.stores import open_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType

    from skillcache.commands.ahead.judging import Chosen, Judging

_SIGNALS = (SIGCHLD, SIGTERM, SIGUSR1)
_GRACE = 0.1  # seconds between ^C and the end
_TO_END = 1.0  # seconds, after which what a disk holds up is left to the first process
_TICK = 0.002  # seconds
_LOOK = 1.0  # seconds between two looks at the machine, the client and who waits
_CHUNK = 1 << 16


class Keeper:
    """`lock`: a handle by which the lock of `running` is held."""

    __slots__ = (
        "_ahead", "_cache", "_call", "_client", "_is_asked", "_is_joined", "_judging", "_lock", "_look", "_runs",
        "_wake",
    )  # fmt: skip

    def __init__(self, cache: str, lock: int, judging: "Judging") -> None:
        self._cache = cache
        self._lock = lock
        self._judging = judging
        self._runs: list[Run] = []
        self._ahead: Run | None = None  # the one of them that nobody has joined
        self._is_asked = self._is_joined = False
        self._look = time.monotonic() + _LOOK
        self._wake, writing = os.pipe()
        for fd in (self._wake, writing):
            os.set_blocking(fd, False)
        set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal(number, self._handle)
        self._client = processes.describe(judging.client).get("pid_start", "") if judging.client else ""
        self._call = _known(judging.line) if judging.why == LINE else (0, "")
        tree.take_orphans()

    def run(self) -> None:
        """Until nothing is left to run ahead, and nothing that was runs any more."""
        if self._is_client_gone():
            return
        while True:
            if self._ahead is None and not self._is_asked:
                self._begin()
            if not self._runs:
                return
            self._attend()

    def leave(self) -> None:
        """End what runs."""
        for run in [*self._runs]:
            self._end(run)
        for path in (running_ahead_file(self._cache), joined_ahead_file(self._cache)):
            files.remove(path)

    def _handle(self, number: int, _frame: "FrameType | None") -> None:
        self._is_asked = self._is_asked or number == SIGTERM
        self._is_joined = self._is_joined or number == SIGUSR1

    def _begin(self) -> None:
        """The next one, if there is any."""
        chosen, settings = self._judging.next(), self._judging.settings
        if chosen is None or settings is None:
            files.remove(running_ahead_file(self._cache))
            return
        task = chosen.task
        self._say(chosen)  # before anything is looked at: see `calls`
        if self._judging.would_meet(chosen):
            self._judging.clear()
            files.remove(running_ahead_file(self._cache))
            return
        since = stamp(self._cache)
        content = Content(task.cwd, task.environ, task.plan.depends, since)
        locks = Locks(content.root, [task.cwd, *content.folders()], since)
        if self._is_asked:
            return
        keeper = os.getpid()
        reading, writing = os.pipe()
        os.set_blocking(reading, False)
        way = unasked.Unasked(task, settings, chosen.environ, self._judging.why, writing)
        pthread_sigmask(SIG_BLOCK, _SIGNALS)
        try:
            number = os.fork()
            if not number:
                first.be(keeper, self._cache, self._lock, way.go, way.tell)
        finally:
            pthread_sigmask(SIG_UNBLOCK, _SIGNALS)
        os.close(writing)
        self._ahead = Run(chosen, content, locks, number, reading)
        self._runs.append(self._ahead)
        self._show(self._ahead)

    def _show(self, run: Run) -> None:
        self._say(run.chosen, run.way, run.digest)

    def _say(self, chosen: "Chosen", way: int = 0, digest: str = "") -> None:
        """What others may know of the run."""
        task = chosen.task
        self._keep(
            task.program.words,
            task.cwd,
            task.joined,
            group=way,
            project=chosen.project,
            root=chosen.root,
            digest=digest,
        )

    def _show_next(self) -> None:
        """Of the one that is still to begin: until there is none, lines of the model's find us and stop us."""
        waiting = self._judging.waiting()
        if waiting is None:
            files.remove(running_ahead_file(self._cache))
        else:
            self._keep(*waiting)

    def _keep(
        self,
        words: tuple[str, ...],
        cwd: str,
        joined: bool,
        *,
        group: int = 0,
        project: str = "",
        root: str = "",
        digest: str = "",
    ) -> None:
        me, judging = os.getpid(), self._judging
        start = processes.describe(me).get("pid_start", "")
        run = Running(me, start, group, project, root, cwd, words, joined, digest, judging.why, judging.line)
        running.keep(self._cache, run)

    def _attend(self) -> None:
        """Wait until something happens, and see to it."""
        poll = select.poll()
        for fd in [self._wake, *(fd for run in self._runs for fd in (run.fd, *run.handles) if fd >= 0)]:
            poll.register(fd, select.POLLIN)
        due = min([self._look, *(run.content.due for run in self._runs), *([self._ahead.ends] if self._ahead else [])])
        ready = {fd for fd, _ in poll.poll(max(0.0, due - time.monotonic()) * 1000)}
        for run in self._runs:
            for handle in ready.intersection(run.handles):
                run.handles.remove(handle)
                os.close(handle)
        try:
            while os.read(self._wake, _CHUNK):
                pass
        except BlockingIOError:
            pass
        for run in self._runs:
            if run.hear() and run is self._ahead:
                self._show(run)
        self._reap()
        self._answer()

    def _answer(self) -> None:
        """What was asked of it, and what time has brought."""
        if self._is_joined:
            self._is_joined = False
            self._join()
        if self._is_asked:
            self._stop()
        for run in [*self._runs]:
            if run is not self._ahead and not any(map(is_there, run.joiners)):
                self._end(run)
            elif self._is_over(run):
                self._judging.clear()
                self._end(run)
        if time.monotonic() >= self._look:
            self._look_around()

    def _is_over(self, run: Run) -> bool:
        now = time.monotonic()
        return (run is self._ahead and now >= run.ends) or (now >= run.content.due and run.content.has_changed())

    def _stop(self) -> None:
        """What nobody waits for."""
        self._judging.clear()
        if self._ahead is not None:
            self._end(self._ahead)

    def _look_around(self) -> None:
        self._look = time.monotonic() + _LOOK
        if self._is_client_gone():
            self._judging.clear()
            for run in [*self._runs]:
                self._end(run)
        for run in [*self._runs]:
            # What gets no turn is not to be waited for.
            if run is not self._ahead and not run.is_usual and self._is_busy():
                self._end(run)
        if self._ahead is not None and (
            is_on_battery()
            or self._is_busy()
            or self._judging.is_off()
            or not self._is_known()
            or (self._call[1] and not is_there(self._call))  # it was interrupted, or went on elsewhere
        ):
            self._stop()
        for run in self._runs:
            self._weigh(run)

    def _weigh(self, run: Run) -> None:
        """What leads a session of its own begins with the usual weight; what was joined may have been too quick."""
        if run is not self._ahead:
            tree.make_usual(tree.descendants(run.first))
        elif run.way:
            for number in tree.descendants(run.way):
                if tree.session_of(number) not in (0, run.way):  # what is ours lies in that of the way
                    tree.make_last(number)

    def _is_known(self) -> bool:
        """Whether others can see it: somebody may have cleared the folder."""
        found = running.current(self._cache)
        return found is not None and found.pid == os.getpid()

    def _is_busy(self, spare: int = 0) -> bool:
        """`spare`: processors that are to have nothing to do."""
        settings = self._judging.settings
        return settings is not None and is_busy(settings, own=len(tree.descendants(os.getpid())) - spare)

    def _is_client_gone(self) -> bool:
        client = self._judging.client
        return bool(client) and not is_there((client, self._client))

    def _join(self) -> None:
        """Give the run to who waits for it: from here on it is as if they had begun it."""
        run, waiting = self._ahead, [each for each in running.joined(self._cache) if is_there(each)]
        if run is None or not waiting:
            return
        run.joiners = waiting
        is_usual = [tree.make_usual(tree.descendants(run.first)) for _ in range(2)]  # what began meanwhile as well
        run.is_usual = all(is_usual)
        if not run.is_usual and self._is_busy(spare=1):
            # It would get no turn, and is not to be waited for.
            self._stop()
            return
        if self._judging.why != LINE:
            self._judging.clear()  # what its line goes on with is not known, nor what that bears beside it
        run.watch()
        self._ahead = None
        self._show_next()
        files.remove(joined_ahead_file(self._cache))

    def _reap(self) -> None:
        try:
            while (number := os.waitpid(-1, os.WNOHANG)[0]) != 0:
                for run in [*self._runs]:
                    if run.first == number:
                        self._has_ended(run)
        except ChildProcessError:
            return

    def _end(self, run: Run) -> None:
        if run not in self._runs:
            return
        tree.send([run.way] if run.way else [], SIGSTOP)
        others = [number for number in tree.descendants(run.first) if number != run.way]
        group = [-run.command] if run.command else []
        tree.make_usual(others)  # what gets no turn cannot end, either
        tree.send(others or group, SIGINT)
        ends = time.monotonic() + _GRACE
        while time.monotonic() < ends and any(number != run.way for number in tree.descendants(run.first)):
            time.sleep(_TICK)
        tree.send(group, SIGKILL)
        tree.send([run.first], SIGTERM)
        tree.send([run.first], SIGCONT)  # one that somebody has stopped
        ends = time.monotonic() + _TO_END
        while time.monotonic() < ends:
            if os.waitpid(run.first, os.WNOHANG)[0]:
                break
            time.sleep(_TICK)
        self._has_ended(run)

    def _has_ended(self, run: Run) -> None:
        """Nothing of it is left, but what its first process could not end, being killed."""
        run.hear()
        self._runs.remove(run)
        theirs = {other.first for other in self._runs}
        while orphans := [number for number in tree.children(os.getpid()) if number not in theirs]:
            tree.send([*orphans, *(below for number in orphans for below in tree.descendants(number))], SIGKILL)
            for number in orphans:
                os.waitpid(number, 0)
        if run.fd >= 0:
            os.close(run.fd)
        for handle in run.handles:
            os.close(handle)
        if run.what == UNFIT:
            ledger.refuse(self._cache, run.chosen.task.cwd, run.chosen.task.program.words)
        if run.what is None:
            run.locks.remove_new()
            first.forget(self._cache, run.way)
            self._release(run)
        if run is self._ahead:
            self._ahead = None
            self._show_next()
        if run.what in (None, UNFIT):  # the others it has written down itself
            rule, spent = run.chosen.task.verdict.rule.name, int(1000 * (time.monotonic() - run.began))
            ledger.ended(
                self._cache,
                rule,
                run.chosen.project,
                run.digest,
                spent,
                run.what or KILLED,
                self._judging.why,
                time.time(),
            )

    def _release(self, run: Run) -> None:
        """Its claim: who waits for it is not to wait any longer."""
        settings = self._judging.settings
        if not run.owner or settings is None:
            return
        try:
            store = open_store(settings.store, now=time.time())
            try:
                store.release(run.digest, run.owner)
            finally:
                store.close()
        except (SkillcacheError, OSError):  # it runs out
            return


def _known(number: str) -> tuple[int, str]:
    """A process by number and start, '' where there is none."""
    pid = processes.number_of(number)
    return pid, processes.describe(pid).get("pid_start", "") if pid else ""
