"""A command that a rule names, as the shell has given it: its words, its own environment, its own directory."""

import time

from skillcache import key
from skillcache.commands.process import Program
from skillcache.git import ask_ahead
from skillcache.plan import BASH, Plan, finder_for
from skillcache.policy.judgement import judge
from skillcache.policy.own import rules_of
from skillcache.policy.variables import examine_environment
from skillcache.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skillcache.fingerprint import Fingerprint
    from skillcache.git import Git
    from skillcache.lookup import Lookup
    from skillcache.policy.verdict import Verdict
    from skillcache.skill.workplace import Workplace


class Ruled:
    """As `skillcache.commands.task.Task`. environ: the command's own, without our folders on PATH."""

    __slots__ = ("_asked", "cwd", "environ", "joined", "learns", "plan", "program", "verdict", "words")

    def __init__(
        self, program: Program, plan: Plan, verdict: "Verdict", cwd: str, environ: "Mapping[str, str]", *, joined: bool
    ) -> None:
        self.program = program
        self.plan = plan
        self.verdict = verdict
        self.words = program.words
        self.cwd = cwd
        self.environ = environ
        self.joined = joined
        self.learns = True
        self._asked: Git | None = None

    def look(
        self, given: tuple[key.Row, ...], *, seconds: float, meanwhile: "Callable[[], object] | None" = None
    ) -> "Lookup":
        deadline = time.monotonic() + seconds
        # Git takes as long for its first answer as we take to load what reads the rest.
        asked = self._asked = ask_ahead(self.cwd, self.environ, deadline) if self.plan.depends != () else None
        try:
            from skillcache.lookup import Lookup, capture_of

            fingerprint, work = capture_of(
                self.plan,
                self.verdict,
                self.cwd,
                self.environ,
                deadline=deadline,
                asked=asked,
                meanwhile=meanwhile,
            )
            return Lookup((*self._called(fingerprint, work), *given), fingerprint, work)
        finally:
            if asked is not None:
                asked.abandon()

    def _called(self, fingerprint: "Fingerprint", work: "Workplace | None") -> tuple[key.Row, ...]:
        from skillcache.commands.task import called

        words = self.words if work is None else work.spelled_words(self.words)
        rows = called(BASH, words, self.cwd, fingerprint.root, self.environ, joined=self.joined)
        return (*rows, ("depends", "", key.narrowing_of(self.plan.depends if work is None else work.depends)))

    def is_disturbed(self, found: "Lookup", *, since: int, seconds: float) -> bool:
        rows, deadline = found.fingerprint.rows, time.monotonic() + seconds
        if found.workplace is not None:
            return found.workplace.touched(since) or found.workplace.disturbed(
                rows, self.environ, since=since, deadline=deadline
            )
        from skillcache.fingerprint.disturbance import disturbed  # a hit needs none

        if self.plan.depends == ():
            return False
        root, asked = found.fingerprint.root, self._asked
        return disturbed(root, rows, self.environ, since=since, deadline=deadline, asked=asked)

    def extra_names(self) -> tuple[str, ...]:
        return ()


def ruled(
    program: Program, cwd: str, environ: "Mapping[str, str]", settings: Settings, *, fresh: bool, joined: bool
) -> Ruled:
    """Raises Bypass: NO_RULE where none names the command, another where it does more than report."""
    ttl, failures_ttl = (int(settings.number(name)) for name in ("ttl", "failures_ttl"))
    rules = rules_of(settings)
    words = program.words
    text = " ".join(words)
    finder = finder_for(text, rules, cwd=cwd, environ=environ, ttl=ttl)
    verdict = judge(_as_here(words, cwd), tuple([rule for rule in rules if rule.tool == BASH]), finder)
    examine_environment(environ)
    plan = Plan(text, verdict.rule, fresh=fresh, ttl=ttl, failures_ttl=failures_ttl)
    return Ruled(program, plan, verdict, cwd, environ, joined=joined)


def _as_here(words: tuple[str, ...], cwd: str) -> tuple[str, ...]:
    """A program of the directory itself by its whole path, such as a build's wrapper, is what `./` names."""
    folder, _, name = words[0].rpartition("/")
    return (f"./{name}", *words[1:]) if folder == cwd else words
