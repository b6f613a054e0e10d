"""What a command has to do with runs ahead: it stops those of others, joins its own, and begins what comes next."""

import time

from skillcache.commands.ahead import policy, running

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.commands.ahead.line import Asked
    from skillcache.commands.ahead.running import Running
    from skillcache.commands.invocation import Begun, Invocation, Task
    from skillcache.commands.nesting import Around
    from skillcache.settings.in_force import Settings
    from skillcache.stores.entry import Entry

# What stands between two commands of a line of which the second may begin when the first does.
_BETWEEN = ("&&", ";", "\n")
_OF_TASKS = ("MAKELEVEL", "npm_lifecycle_script")  # what is started by a task has one of these
_CONDITIONS = ("&&", "||")  # after a failure such a line goes on elsewhere


class Beside:
    """Of one command. Whatever is raised here, the command runs."""

    __slots__ = ("_call", "_is_within", "_line", "_settings", "_task", "_waits_since")

    def __init__(self, settings: "Settings", task: "Task", call: "Invocation") -> None:
        self._settings = settings
        self._task = task
        self._call = call
        self._line = call.line()
        self._is_within = False  # a run that is recorded, which has seen to all this itself
        self._waits_since: float | None = None

    def arrive(self, around: "Around") -> None:
        """Before the command has begun anything: another's run ahead may hold what it needs, such as a port."""
        self._is_within = bool(around)
        run = self._running()
        if run is not None and not self._is_mine(run) and not self._is_of_line(run):
            running.stop(self._settings.cache)

    def miss(self, key: str) -> None:
        """`key`: the digest of what the command depends on; what runs ahead on anything else is of no use to it."""
        run = self._running()
        if run is not None and self._is_mine(run) and run.digest not in ("", key):
            running.stop(self._settings.cache)

    def join(self) -> None:
        """What is waited for may be the run ahead, which is the command's own from here on."""
        self._waits_since = time.monotonic()
        run = self._running()
        if run is not None and self._is_mine(run):
            running.promote(self._settings.cache)

    def begin(self) -> None:
        """The command is about to run: what its line or its task says comes after it may run beside it."""
        self.make_way()
        asked = self._following() if self._may_begin() else []
        if asked:
            from skillcache.commands.ahead.start import start  # most come alone

            start(self._settings, self._task.program.environ, asked, policy.LINE, self._call.session)

    def make_way(self) -> None:
        """The command is about to run, for whichever reason: not beside what runs ahead of the very same."""
        run = self._running()
        if run is not None and (self._is_mine(run) or not self._is_of_line(run)):
            running.stop(self._settings.cache)

    def _following(self) -> "list[Asked]":
        task, words, environ = self._task, self._task.program.words, self._task.program.environ
        if any(mark in self._line for mark in _BETWEEN):
            from skillcache.commands.ahead.line import following  # most lines are one command

            found = following(self._line, words, task.cwd)
            if found:
                return found
        if not any(name in environ for name in _OF_TASKS):
            return []
        from skillcache.commands.ahead.task import of_task  # most are typed

        return of_task(words, task.cwd, environ, joined=task.joined)

    def served(self, begun: "Begun", entry: "Entry") -> None:
        """The command was given a result, which may be of a run ahead."""
        from skillcache.commands.ahead import ledger

        waited = 0 if self._waits_since is None else int(1000 * (time.monotonic() - self._waits_since))
        key, now = begun.found.digest, time.time()
        hidden = ledger.used(self._settings.cache, key, now, waited=waited)
        self._end(begun, entry.status, entry.duration if hidden is not None or waited else 0)

    def ended(self, begun: "Begun", status: int, milliseconds: int) -> None:
        """The command has run."""
        self._end(begun, status, milliseconds)

    def _end(self, begun: "Begun", status: int, milliseconds: int) -> None:
        """Keep it in the project's sequence, and begin what usually comes next."""
        self._leave(status)
        if not self._may_begin():
            return
        from skillcache.commands.ahead import log
        from skillcache.commands.ahead.line import Asked, is_last

        task, root = self._task, begun.found.fingerprint.root
        below = task.cwd[len(root) :].strip("/")
        place = log.place_of(root)
        log.note(
            self._settings.cache,
            place,
            self._call.session,
            policy.CHECK,
            time.time(),
            words=task.program.words,
            below=below,
            passed=not status,
            milliseconds=milliseconds,
            joined=task.joined,
        )
        # Whatever stands behind it in its line might not bear anything beside it.
        if status or not is_last(self._line, task.program.words):
            return
        steps = log.steps(self._settings.cache, place)
        usual = policy.after_check(steps, steps[-1]) if steps else []
        if not usual:
            return
        from skillcache.commands.ahead.start import start

        form = {step.command: step.joined for step in steps}
        asked = []
        for name in usual:
            folder, words = log.parted(name)
            asked.append(Asked(words, f"{root}/{folder}".rstrip("/"), joined=form[name]))
        start(self._settings, task.program.environ, asked, policy.NEXT, self._call.session)

    def _leave(self, status: int) -> None:
        """What runs ahead is not to meet what the line goes on with, where that is not what it was begun for."""
        run = self._running()
        if run is None:
            return
        from skillcache.commands.ahead.line import is_last

        if self._is_of_line(run):
            is_met = status and any(mark in self._line for mark in _CONDITIONS)
        else:
            is_met = not is_last(self._line, self._task.program.words)
        if is_met:
            running.stop(self._settings.cache)

    def _may_begin(self) -> bool:
        """Whether the lines to come have what runs ahead make way: those of a session that began with the rule."""
        if self._is_within or not self._call.call:
            return False
        from skillcache.commands.shims.script import YIELDS

        return bool(self._task.program.environ.get(YIELDS))

    def _running(self) -> "Running | None":
        """The run ahead that is not what this command is a part of."""
        if self._is_within:
            return None
        run = running.current(self._settings.cache)
        return None if run is None or run.is_around() else run

    def _is_mine(self, run: "Running") -> bool:
        program = self._task.program
        return (tuple(run.words), run.cwd) == (tuple(program.words), self._task.cwd)

    def _is_of_line(self, run: "Running") -> bool:
        """Whether the line that this command stands in comes to it, too."""
        return run.why == policy.LINE and run.line == self._task.program.environ.get("SKILLCACHE_CALL")
