"""What a shim starts for a command that may be a report: its result is printed, or it runs and is recorded.

    stand_in.py LOCALE PROGRAM NAME WORD...

LOCALE: `=` and LC_CTYPE, or '' where that is not set: Python sets it for itself, and for whatever it starts; PROGRAM:
path of the real one; NAME: what it was called by.

Whatever goes wrong before the command has begun, this process becomes the command.
"""

import gc
import time

from skillcache.cache.decision import BASH, Plan, finder_for
from skillcache.commands.invocation import Program
from skillcache.core.git import ask_ahead
from skillcache.rules.judge import judge
from skillcache.rules.rule import rules_of
from skillcache.rules.words import examine_environment
from skillcache.settings.in_force import Settings
from skillcache.stores import entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping
    from typing import NoReturn

    from skillcache.cache.decision import CallKey
    from skillcache.cache.skills.run import Workplace
    from skillcache.commands.rewritten import Rewritten
    from skillcache.core.git import Git
    from skillcache.fingerprint.capture import Fingerprint
    from skillcache.fingerprint.worktree import Reading
    from skillcache.rules.judge import Verdict
    from skillcache.rules.rule import Rule


class Ruled:
    """As `skillcache.commands.invocation.Task`. environ: the command's own, without our folders on PATH.

    readings: of captures of this very moment, where several commands are looked at.
    """

    __slots__ = (
        "_asked", "cwd", "environ", "joined", "learns", "plan", "program", "readings", "rewritten", "verdict", "words",
    )  # fmt: skip

    def __init__(
        self, program: Program, plan: Plan, verdict: "Verdict", cwd: str, environ: "Mapping[str, str]", *, joined: bool
    ) -> None:
        self.rewritten: Rewritten | None = None
        self.program = program
        self.plan = plan
        self.verdict = verdict
        self.words = program.words
        self.cwd = cwd
        self.environ = environ
        self.joined = joined
        self.learns = True
        self._asked: Git | None = None
        self.readings: dict[object, Reading] | None = None

    def capture_key(
        self, given: tuple[entry.Row, ...], *, seconds: float, meanwhile: "Callable[[], object] | None" = None
    ) -> "CallKey":
        deadline = time.monotonic() + seconds
        # Git takes as long for its first answer as we take to load what reads the rest.
        is_first = not self.readings
        asked = ask_ahead(self.cwd, self.environ, deadline) if self.plan.depends != () and is_first else None
        self._asked = asked
        try:
            from skillcache.cache.decision import CallKey, capture_of

            fingerprint, work = capture_of(
                self.plan,
                self.verdict,
                self.cwd,
                self.environ,
                deadline=deadline,
                asked=asked,
                meanwhile=meanwhile,
                rewritten=self.rewritten.known if self.rewritten is not None else (),
                readings=self.readings,
            )
            return CallKey((*self._called(fingerprint, work), *given), fingerprint, work)
        finally:
            if asked is not None:
                asked.abandon()

    def _called(self, fingerprint: "Fingerprint", work: "Workplace | None") -> tuple[entry.Row, ...]:
        from skillcache.commands.invocation import called

        words = self.words if work is None else work.spelled_words(self.words)
        rows = called(BASH, words, self.cwd, fingerprint.root, self.environ, joined=self.joined)
        return (*rows, ("depends", "", entry.narrowing_of(self.plan.depends if work is None else work.depends)))

    def is_disturbed(self, found: "CallKey", *, since: int, seconds: float) -> bool:
        from skillcache.fingerprint.capture import touched

        rows, deadline = found.fingerprint.rows, time.monotonic() + seconds
        if touched(self.plan.reads, found.fingerprint.root, self.environ, since):
            return True
        if found.workplace is not None:
            return found.workplace.touched(since) or found.workplace.disturbed(
                rows, self.environ, since=since, deadline=deadline
            )
        if self.plan.depends == ():
            return False
        known, unknown = self.touched(found, since=since, seconds=seconds)
        return known or bool(unknown)

    def touched(self, found: "CallKey", *, since: int, seconds: float) -> tuple[bool, list[str]]:
        from skillcache.fingerprint.changes import touched, touched_beyond  # a hit needs none

        if touched_beyond(found.fingerprint, since):
            return True, []
        root, deadline = found.fingerprint.root, time.monotonic() + seconds
        return touched(root, found.fingerprint.rows, self.environ, since=since, deadline=deadline, asked=self._asked)

    def reports(self, cache: str, *, always: bool = True) -> "Rewritten | None":
        if self.rewritten is None and self.verdict.skill is None and self.plan.depends is None:
            import os

            from skillcache.core.paths import rewritten_folder

            if always or os.path.exists(rewritten_folder(cache)):
                from skillcache.commands.rewritten import Rewritten  # few commands leave such files

                self.rewritten = Rewritten(cache, self.cwd, self.words, self.environ)
        return self.rewritten

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
    rule = _with_remembered(verdict.rule, cwd, settings) if settings.flag("observe") else verdict.rule
    plan = Plan(text, rule, fresh=fresh, ttl=ttl, failures_ttl=failures_ttl)
    return Ruled(program, plan, verdict, cwd, environ, joined=joined)


def is_fresh(environ: "Mapping[str, str]") -> bool:
    """The variable is left to what the command starts: that is to run as well."""
    return environ.get("SKILLCACHE_FRESH", "") not in ("", "0")


def _with_remembered(rule: "Rule", cwd: str, settings: Settings) -> "Rule":
    """The rule, and what its commands were seen to read besides."""
    from skillcache.commands.readers import is_reader, remembered  # nobody is watched who has not asked for it
    from skillcache.core.git import find_root, identity

    known = remembered(settings.cache, identity(find_root(cwd) or cwd), rule) if is_reader(rule) else None
    return rule if known is None else rule.with_more((known,))


def _as_here(words: tuple[str, ...], cwd: str) -> tuple[str, ...]:
    """A program of the directory itself by its whole path, such as a build's wrapper, is what `./` names."""
    folder, _, name = words[0].rpartition("/")
    return (f"./{name}", *words[1:]) if folder == cwd else words


def main(argv: list[str]) -> "NoReturn":
    import os

    gc.disable()
    locale, path, *words = argv
    environ = dict(os.environ)
    environ.pop("LC_CTYPE", None)
    if locale:
        environ["LC_CTYPE"] = locale[1:]
    if not environ.get("_"):
        environ.pop("_", None)  # the shim says so of one that there was none of

    def rescue() -> None:
        _last_resort(locale, path, words, environ)

    status = None
    try:
        status = _answer(path, tuple(words), environ, rescue)
    except BaseException as fault:  # noqa: BLE001 - the command must run
        status = _rescued(fault)
    if status is None:
        status = _become(path, words, environ)
    os._exit(status)


def _last_resort(locale: str, path: str, words: list[str], environ: "MutableMapping[str, str]") -> "NoReturn":
    """Where the thread that all is done in does not come back."""
    import os
    import sys

    child = sys.modules.get("skillcache.commands.child")
    if child is not None and child.ended:
        os._exit(child.ended[-1])
    sys.modules["skillcache.core.processes"].end_all()
    _give_back()
    # Signals are for the main thread of a Python to set: another Python has one.
    os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", _BECOMING, locale, path, *words], environ)  # noqa: S606


_BECOMING = """
import posix, sys
from _signal import SIG_DFL, SIGPIPE, SIGXFSZ, signal
for number in (SIGPIPE, SIGXFSZ):
    signal(number, SIG_DFL)
locale, path, *words = sys.argv[1:]
environ = {name: value for name, value in posix.environ.items() if name != b"LC_CTYPE"}
if locale:
    environ[b"LC_CTYPE"] = locale[1:].encode("utf-8", "surrogateescape")
try:
    posix.execve(path, words, environ)
except OSError as fault:
    if fault.errno == 8:
        posix.execve("/bin/sh", ["sh", path, *words[1:]], environ)
    posix.write(2, f"bash: line 1: {fault.strerror}\\n".encode())
    posix._exit(127 if fault.errno == 2 else 126)
"""


def _give_back() -> None:
    """What was taken of the standard input."""
    import sys

    try:
        for given in getattr(sys.modules.get("skillcache.commands.streams"), "taken", ()):
            given.give_back()
    except (OSError, MemoryError):  # there is no room for that either
        return


def _answer(
    path: str, words: tuple[str, ...], environ: "MutableMapping[str, str]", rescue: "Callable[[], object]"
) -> int | None:
    """The status to end with; None where the command is to run as if we were not there."""
    from skillcache.core import bytecode
    from skillcache.core.paths import package_folder

    bytecode.use(package_folder(), ahead=True)
    from skillcache.commands import nesting
    from skillcache.settings.in_force import disabled

    if disabled(environ) or nesting.is_taken():
        return None
    nesting.rescues.append(rescue)
    nesting.begin()
    try:
        return _way(path, words, environ)
    finally:
        nesting.end()


def _way(path: str, words: tuple[str, ...], environ: "MutableMapping[str, str]") -> int | None:
    import os
    import time

    from skillcache.commands.streams import JOINED, has_others, relation, writes_into

    if any(map(os.isatty, (0, 1, 2))):
        return None
    streams = relation()
    from skillcache import claude
    from skillcache.claude import plugin_options
    from skillcache.commands.invocation import Invocation, Program
    from skillcache.core import outcomes
    from skillcache.core.git import find_root
    from skillcache.core.outcomes import NO_RULE, SANDBOXED, STREAMS, Bypass
    from skillcache.settings.in_force import load

    began = time.monotonic()
    cwd = os.getcwd()
    given = plugin_options(environ)
    if given is None:
        return None
    settings = load({**given, **environ}, project_of(environ, cwd))
    if settings.flag("disable"):
        return None
    if streams is None or has_others(environ) or writes_into(find_root(cwd) or cwd):
        outcomes.record(settings.cache, time.time(), STREAMS)
        return None
    if claude.is_within(environ):
        outcomes.record(settings.cache, time.time(), SANDBOXED)
        return None
    call = Invocation(settings.cache, environ)
    program = Program(path, words, environ)
    try:
        task = ruled(program, cwd, without_shims(environ), settings, fresh=is_fresh(environ), joined=streams == JOINED)
    except Bypass as bypass:
        if bypass.outcome is not NO_RULE:
            spent = int((time.monotonic() - began) * 1000)
            about = (find_root(cwd) or cwd, call.session, outcomes.told(words))
            outcomes.record(settings.cache, time.time(), bypass.outcome, spent=spent, call=about)
        return None
    from skillcache.commands.way import Way

    return Way(task, settings, call).go()


def project_of(environ: "Mapping[str, str]", cwd: str) -> str:
    """Whose settings count: of the session's project, which the preamble names, wherever in it a line has gone."""
    from skillcache.core.git import find_root

    return environ.get("SKILLCACHE_PROJECT") or environ.get("CLAUDE_PROJECT_DIR") or find_root(cwd) or cwd


def without_shims(environ: "MutableMapping[str, str]") -> dict[str, str]:
    """The environment with the PATH that would be without our folders."""
    import os

    folders = environ.get("PATH", os.defpath).split(":")
    kept = [folder for folder in folders if not _is_shim(f"{folder or '.'}/")]
    return {**environ, "PATH": ":".join(kept)}


def _is_shim(path: str) -> bool:
    """Whether it lies in a folder of shims."""
    import os

    return os.path.exists(f"{path.rpartition('/')[0]}/.skillcache-shims")


def _become(path: str, words: list[str], environ: "MutableMapping[str, str]") -> int:
    """Without a module of ours that is not there yet: they may be what is missing."""
    import os
    from _signal import SIG_DFL, SIGPIPE, SIGXFSZ, signal  # type: ignore[import-not-found]

    _give_back()
    for number in (SIGPIPE, SIGXFSZ):  # Python ignores these, and the command would inherit that
        signal(number, SIG_DFL)
    for shell in (), ("/bin/sh", "sh"):  # a script without a first line is for a shell
        try:
            if shell:
                os.execve(shell[0], [shell[1], path, *words[1:]], environ)  # noqa: S606
            os.execve(path, words, environ)  # noqa: S606
        except OSError as fault:
            if fault.errno != 8 or shell:
                return _unstartable(fault)
    return 126


def _rescued(fault: BaseException) -> int | None:
    """The status of a command that has begun, or could not; None where it is still to be started."""
    import sys

    if type(fault).__name__ == "Unstartable":
        return _unstartable(fault)
    child = sys.modules.get("skillcache.commands.child")
    status: int | None = child.see_to_the_end() if child is not None else None
    if status is None and isinstance(fault, KeyboardInterrupt):
        _end_by_interrupt()
    return status


def _end_by_interrupt() -> None:
    """As the command would have, had it begun."""
    import os
    from _signal import SIG_DFL, SIGINT, signal

    signal(SIGINT, SIG_DFL)
    os.kill(os.getpid(), SIGINT)


def _unstartable(fault: BaseException) -> int:
    import os

    text = getattr(fault, "strerror", None) or str(fault)
    os.write(2, f"bash: line 1: {text}\n".encode("utf-8", "backslashreplace"))
    status: int = getattr(fault, "status", 127 if isinstance(fault, FileNotFoundError) else 126)
    return status
