"""Which of the commands that may be asked for next are run ahead: judged once more, by the rules in force."""

import os
import time

from skillcache.cache import history
from skillcache.cache.decision import BASH
from skillcache.claude import is_within, permissions, plugin_options
from skillcache.commands import replayed
from skillcache.commands.ahead import ledger, log, policy
from skillcache.commands.ahead.calls import lines
from skillcache.commands.ahead.line import begins_with, is_harmless, suits
from skillcache.commands.invocation import Program, environment, find_program
from skillcache.commands.stand_in import Ruled, project_of, ruled, without_shims
from skillcache.core import Record
from skillcache.core.git import find_root, identity
from skillcache.core.outcomes import Bypass, SkillcacheError
from skillcache.core.processes import number_of
from skillcache.settings.in_force import Settings, disabled, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_OF_A_CALL = ("SKILLCACHE_CALL", "SKILLCACHE_FRESH")  # by these a repeat and a wish for a fresh run are known
_SESSION = "CLAUDE_CODE_SESSION_ID"


class Chosen(Record):
    """One that is run ahead. environ: the command's own; seconds: that it may take at most."""

    task: Ruled
    environ: dict[str, str]
    root: str
    project: str
    seconds: float


class Judging:
    """job: as `start` has written it. settings: None where nothing is run at all."""

    __slots__ = ("_cache", "_environ", "_queue", "_sure", "client", "line", "settings", "why")

    def __init__(self, cache: str, job: dict[str, object]) -> None:
        self._cache = cache
        self._environ = environment()
        self.line = self._environ.get("SKILLCACHE_CALL", "")
        session, commands = job["session"], job["commands"]
        if isinstance(session, str) and session:
            self._environ.setdefault(_SESSION, session)
        self._queue = commands if isinstance(commands, list) else []
        self._sure: list[Chosen] = []
        self.why = str(job["why"])
        self.client = number_of(self._environ.get("CLAUDE_PID", ""))
        self.settings = self._settings()

    def _settings(self) -> Settings | None:
        environ = self._environ
        if disabled(environ) or is_within(environ):
            return None
        try:
            given = plugin_options(environ)
            cwd = str(self._queue[0][1])
            settings = load({**given, **environ}, project_of(environ, cwd)) if given is not None else None
        except (SkillcacheError, OSError, ValueError, LookupError):
            return None
        if settings is None or not settings.ahead or settings.flag("disable"):
            return None
        return settings if settings.cache == self._cache else None

    def clear(self) -> None:
        self._queue = []
        self._sure = []

    def waiting(self) -> tuple[tuple[str, ...], str, bool] | None:
        """Words, folder and form of the one that would be next, None where there is none."""
        for chosen in self._sure[:1]:
            return tuple(chosen.task.program.words), chosen.task.cwd, chosen.task.joined
        for words, cwd, joined, _ in self._queue[:1] if self.settings is not None else ():
            return tuple(words), cwd, joined
        return None

    def next(self) -> Chosen | None:
        """Raises OSError."""
        if self.why == policy.LINE and self._queue:
            self._sure = self._of_line()
            self._queue = []
        if self._sure:
            return self._sure.pop(0)
        while self._queue:
            try:
                chosen = self._judge(self._queue.pop(0))
            except Bypass:
                continue
            if chosen is not None:
                return chosen
        return None

    def _of_line(self) -> list[Chosen]:
        """What takes longest first: the line comes to the others meanwhile, and to that one last in the best case.

        What no rule names may change what those behind it report on.
        """
        found = []
        for each in self._queue:
            try:
                chosen = self._judge(each)
            except Bypass:
                break
            if chosen is not None:
                found.append(chosen)
        return sorted(found, key=lambda chosen: -self._expected(chosen.task))

    def _expected(self, task: Ruled) -> int:
        """Milliseconds, 0 where that is not known."""
        return history.learnt(self._cache, task.cwd, task.plan.command) or 0

    def _judge(self, asked: "tuple[list[str], str, bool, dict[str, str]]") -> Chosen | None:
        """Raises Bypass and OSError."""
        words, cwd, joined, more = tuple(asked[0]), *asked[1:]
        if self.settings is None:
            return None
        environ = _in(cwd, {**self._environ, **more})
        for name in _OF_A_CALL:
            environ.pop(name, None)
        own = without_shims(environ)
        program = Program(find_program(words[0], own), words, environ)
        task = ruled(program, cwd, own, self.settings, fresh=False, joined=joined)
        rule, now = task.verdict.rule, time.time()
        if rule.ahead is not True or rule.live or not suits(words):
            return None
        if ledger.is_off(self._cache, rule.name, self.why, now) or ledger.is_unfit(self._cache, cwd, words, now):
            return None
        if self._is_stopped(" ".join(words), cwd):
            return None
        root = find_root(cwd) or cwd
        project = identity(root)
        if not self._has_been_kept(words, cwd[len(root) :].strip("/"), project):
            return None
        seconds = self._seconds(task, self.settings, root, now)
        return None if seconds is None else Chosen(task, environ, root, project, seconds)

    def _has_been_kept(self, words: tuple[str, ...], below: str, project: str) -> bool:
        """Whether a run of it was found to change nothing: what one ahead has written, another would write again."""
        known = replayed.checks(self._cache, project)
        return any((group[0].below, tuple(group[0].words)) == (below, words) for group in known)

    def _is_stopped(self, text: str, cwd: str) -> bool:
        """Whether the person's permission rules stop it: nobody can be asked. Raises Bypass where they are unclear."""
        environ = {**self._environ, "CLAUDE_PROJECT_DIR": project_of(self._environ, cwd)}
        said = permissions.verdict(permissions.load_rules(cwd, environ), BASH, {"command": text})
        return said == "deny" or (said == "ask" and self.why != policy.LINE)  # of a line the person was asked

    def would_meet(self, chosen: Chosen) -> bool:
        """Whether a call is under way that it might be in the way of. Raises OSError."""
        if self.why == policy.LINE:  # somebody has begun that
            return False
        words, cwd = tuple(chosen.task.program.words), chosen.task.cwd
        return not all(is_harmless(line) or begins_with(line, words, cwd) for line in lines(self._cache, self.line))

    def is_off(self) -> bool:
        """Whether the person has switched us off meanwhile."""
        return plugin_options(self._environ) is None

    def _seconds(self, task: Ruled, settings: Settings, root: str, now: float) -> float | None:
        """None where it would take more than is left of the hour, or than a call would wait for it."""
        steps, spent = log.steps(self._cache, log.place_of(root)), ledger.spent(self._cache, identity(root))
        left = policy.allowance(self.why, steps, spent, now)
        left = min(left, settings.number("wait"))
        return left if left and self._expected(task) / 1000 <= left else None


def _in(cwd: str, environ: "Mapping[str, str]") -> dict[str, str]:
    """The environment as a shell has it that has gone to `cwd` from where it was."""
    before = environ.get("PWD", "")
    if not before.startswith("/") or os.path.realpath(before) == cwd:
        return {**environ}
    there = os.path.normpath(f"{before}/{os.path.relpath(cwd, os.path.realpath(before))}")
    return {**environ, "PWD": there if os.path.realpath(there) == cwd else cwd, "OLDPWD": before}
