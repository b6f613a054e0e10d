"""The way of a command that nobody has asked for yet: it runs, and its result is kept, as of any other.

Nobody is told of it and nothing of the session's is counted. Whoever asks for the same meanwhile waits for it, as for
any other run; where another runs it already, or has a result, there is nothing to do.
"""

import os
import time

from skillcache.cache.history import Breaker
from skillcache.commands import nesting
from skillcache.commands.ahead import ledger
from skillcache.commands.ahead.policy import FAILED, STORED, UNFIT
from skillcache.commands.invocation import Invocation
from skillcache.commands.nesting import TimeUp
from skillcache.commands.replay import Failure
from skillcache.commands.streams import Empty
from skillcache.commands.way import Way
from skillcache.core import files, json
from skillcache.core.outcomes import INTERNAL
from skillcache.core.outcomes import STORED as STORED_OUTCOME
from skillcache.core.paths import once_ahead_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from skillcache.cache.decision import Plan
    from skillcache.commands.child import Ended
    from skillcache.commands.invocation import Begun
    from skillcache.commands.stand_in import Ruled
    from skillcache.commands.streams import Input
    from skillcache.core.outcomes import Outcome
    from skillcache.settings.in_force import Settings


class Unasked(Way):
    """environ: the command's own; why: it runs, see `policy.REASONS`.

    fd: where fields of `run.Run` are told, a line of JSON each time.
    """

    __slots__ = ("_failed", "_fd", "_what", "_why")

    _task: "Ruled"

    def __init__(self, task: "Ruled", settings: "Settings", environ: "Mapping[str, str]", why: str, fd: int) -> None:
        call = Invocation(settings.cache, environ)
        super().__init__(task, settings, call)
        self._failed = _Unseen(settings.cache, call, task.program.words)
        self._failure = self._failed
        self._why = why
        self._fd = fd
        self._what = ""

    def tell(self, fields: dict[str, object]) -> None:
        try:
            os.write(self._fd, json.dumps(fields).encode("ascii") + b"\n")
        except OSError:  # the keeper was killed, and so are we
            return

    def go(self) -> int:
        os.chdir(self._task.cwd)
        nesting.begin(nesting.SECONDS + self._settings.number("capture_time"))
        status = 0
        try:
            begun, answer = self.consult(Empty())
            if answer is None and self._held is not None:
                self._what = UNFIT  # until it is known better
                self.tell({"digest": begun.found.digest, "owner": self._held.owner})
                status = self._run(begun, Empty())
        except (Exception, TimeUp) as fault:  # noqa: BLE001 - whatever it is, nobody waits for it
            self._report("not run ahead", fault)
        nesting.end()
        self._release()
        self._close()
        self.tell({"what": self._what})
        return status

    def _record(self, begun: "Begun", ended: "Ended", given: "Input") -> None:
        super()._record(begun, ended, given)
        if self._failed.key:
            self._what = FAILED
        elif self._kept is STORED_OUTCOME:
            self._what = STORED
        self.tell({"what": self._what})  # whatever happens to this process from here on
        if self._what == UNFIT:
            return
        cache, rule, key = self._settings.cache, self._task.verdict.rule.name, self._failed.key or begun.found.digest
        try:
            if self._failed.key:
                line = json.dumps([key, self._task.cwd, *self._task.program.words])
                files.append(once_ahead_file(cache), line.encode("ascii") + b"\n")
            # While the claim is held: who waits for it looks for what is written here.
            ledger.ended(cache, rule, begun.project, key, ended.milliseconds, self._what, self._why, time.time())
        except OSError:
            return

    def _may_wait(self, other: str) -> bool:  # noqa: ARG002 - whoever it is
        return False

    def _is_chosen(self) -> bool:
        return False

    def _breaker(self) -> "Breaker":
        return _Quiet(self._task.cwd, self._call.session, self._task.program.environ, 0)

    def _count(self, outcome: "Outcome", *, run: int = 0) -> None:
        """It is not the session's, unless it is a fault of ours."""
        if outcome is INTERNAL:
            super()._count(outcome, run=run)
        self._kept = outcome

    def _remember(self, run: int, kind: str) -> None:  # noqa: ARG002 - nor this
        return

    def _note(self, begun: "Begun") -> None:  # noqa: ARG002 - nor this
        return

    def _tidy(self, ended: "Ended", begun: "Begun") -> None:  # noqa: ARG002 - nobody has missed it
        return


class _Unseen(Failure):
    """key: of a failure of this run, that is stored; '' for none."""

    __slots__ = ("key",)

    def __init__(self, cache: str, call: "Invocation", words: "Sequence[str]") -> None:
        super().__init__(cache, call, words)
        self.key = ""

    def is_wanted(self, plan: "Plan", key: str) -> bool:  # noqa: ARG002 - what has failed here is not run once more
        return True

    def show(self, key: str) -> None:  # noqa: ARG002 - nobody sees it
        return

    def keep(self, key: str) -> None:
        self.key = key


class _Quiet(Breaker):
    """How long a look takes while nobody waits says nothing of how long it takes who does."""

    def require_quick(self) -> None:
        return

    def blame(self, fault: Exception) -> None:  # noqa: ARG002 - whichever it was
        return
