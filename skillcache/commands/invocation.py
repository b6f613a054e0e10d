"""A command as a shell starts it: the program behind its words, its task, and the process that it becomes.

    SKILLCACHE_CALL           process number of the call's shell; missing in a terminal, where a command may be repeated
    CLAUDE_CODE_SESSION_ID    the client's session
    calls/{session}           a line for each Bash call that the session has begun: its shell's process number

A call is its shell's process, by number and start. Its line is what the shell was started with (`bash -c TEXT`), where
the system shows that.

Rows of the key only for what differs, so that machines, sessions and teammates share what is usual everywhere. How nice
a process is changes when it runs, and is left out; so are namespaces, which have no names that mean the same elsewhere.
"""

import errno
import os
from _signal import SIG_DFL, SIGINT, SIGPIPE, SIGXFSZ, signal  # type: ignore[import-not-found]

from skillcache.cache.decision import CallKey, inside
from skillcache.commands.streams import write_whole
from skillcache.core import KW_ONLY, Record, field, files, json
from skillcache.core.files import digest
from skillcache.core.outcomes import NO_ENTRY, Outcome
from skillcache.core.paths import called_folder, calls_folder
from skillcache.core.processes import describe
from skillcache.stores import entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

    from skillcache.commands.rewritten import Watch
    from skillcache.stores.entry import Row


NOT_FOUND, NOT_EXECUTABLE = 127, 126
# What Python sets for itself, and so for all that it starts, where the locale is that of C.
_COERCED = ("C.UTF-8", "C.utf8", "UTF-8")
_LARGEST_ENVIRONMENT = 4 << 20
SIGNALLED = 128  # and the signal's number, as a shell says it


def environment() -> dict[str, str]:
    """The variables that this process was given: LC_CTYPE may be of Python's own making."""
    environ = dict(os.environ)
    if environ.get("LC_CTYPE") in _COERCED:
        try:
            given = files.read("/proc/self/environ", _LARGEST_ENVIRONMENT)
        except OSError:  # as where there is no such place
            return environ
        named = [each[9:] for each in (given or b"").split(b"\0") if each.startswith(b"LC_CTYPE=")]
        del environ["LC_CTYPE"]
        if named:
            environ["LC_CTYPE"] = os.fsdecode(named[0])
    return environ


class Program(Record):
    """What is started."""

    path: str  # of the executable
    words: tuple[str, ...]  # as it is given them, its own name first
    environ: "Mapping[str, str]"

    __repr__ = object.__repr__  # an environment is nothing for a traceback

    def for_shell(self) -> "Program":
        """A script without a first line: a shell runs it itself."""
        return Program("/bin/sh", ("sh", self.path, *self.words[1:]), self.environ)


class Unstartable(Exception):
    """status: what a shell would end with."""

    def __init__(self, word: str, fault: OSError) -> None:
        is_missing = isinstance(fault, FileNotFoundError | NotADirectoryError)
        super().__init__(f"{word}: {'command not found' if is_missing and '/' not in word else fault.strerror}")
        self.status = NOT_FOUND if is_missing else NOT_EXECUTABLE


def become(program: Program) -> "NoReturn":
    """Run the command in this process's place, as if we had never been. Raises Unstartable."""
    # Python ignores these, and the command would inherit that.
    for number in (SIGPIPE, SIGXFSZ):
        signal(number, SIG_DFL)
    try:
        os.execve(program.path, program.words, program.environ)  # noqa: S606
    except OSError as fault:
        if fault.errno == errno.ENOEXEC:
            shell = program.for_shell()
            os.execve(shell.path, shell.words, shell.environ)  # noqa: S606
        raise Unstartable(program.words[0], fault) from None


def end_by_interrupt() -> "NoReturn":
    """By ^C, as the command would: a shell stops its script for a command that died of it, and for no other."""
    signal(SIGINT, SIG_DFL)
    os.kill(os.getpid(), SIGINT)
    raise AssertionError


def say(text: str) -> None:
    """One line on standard error, if anybody reads it."""
    try:
        write_whole(2, f"skillcache: {text}\n".encode("utf-8", "backslashreplace"))
    except OSError:
        return


def find_program(word: str, environ: "Mapping[str, str]") -> str:
    """The path that a program is found under; the word itself where it is not."""
    if "/" in word:
        return word
    for folder in environ.get("PATH", os.defpath).split(":"):
        path = f"{folder or '.'}/{word}"
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return word


_LARGEST_STATUS = 1 << 16
_USUAL_MASK = "0022"
_OF_PYTHON = 1 << 12 | 1 << 24  # SIGPIPE and SIGXFSZ, which the interpreter ignores by itself
# 32 and 33 are the C library's own: it has them ignored by whatever `posix_spawn` starts, and lets nobody change that.
_OF_LIBRARY = 1 << 31 | 1 << 32
_USUAL_STACK = 8 << 20
# Soft limits by their names in /proc/self/limits, and from where on they keep nobody from anything.
_LIMITS = {
    "Max cpu time": 1 << 32,
    "Max file size": 1 << 40,
    "Max data size": 1 << 40,
    "Max stack size": _USUAL_STACK,
    "Max processes": 1024,
    "Max open files": 1 << 16,
    "Max address space": 1 << 40,
}


_seen: "list[list[Row]]" = []


def process_rows() -> "list[Row]":
    """As this process began: while a command runs for it, it has signals of its own."""
    if not _seen:
        _seen.append(_read_status())
    return _seen[0]


def _read_status() -> "list[Row]":
    """Where the system shows them; elsewhere the mask alone."""
    try:
        status = (files.read("/proc/self/status", _LARGEST_STATUS) or b"").decode("ascii", "replace")
        limits = (files.read("/proc/self/limits", _LARGEST_STATUS) or b"").decode("ascii", "replace")
    except OSError:
        status = limits = ""
    if not status:
        mask = os.umask(0o22)
        os.umask(mask)
        return [("process", "umask", f"{mask:04o}")] if mask != 0o22 else []
    found = []
    said = dict(line.split(":\t", 1) for line in status.split("\n") if ":\t" in line)
    if said.get("Umask", _USUAL_MASK) != _USUAL_MASK:
        found.append(("process", "umask", said["Umask"]))
    ignored = int(said.get("SigIgn", "0"), 16) & ~(_OF_PYTHON | _OF_LIBRARY)
    if ignored:
        found.append(("process", "ignored signals", f"{ignored:x}"))
    usual = said.get("CapBnd") if os.geteuid() == 0 else "0" * 16
    if said.get("CapEff") != usual:
        found.append(("process", "capabilities", said.get("CapEff", "")))
    if said.get("NoNewPrivs", "0") != "0":
        found.append(("process", "new privileges", "none"))
    if len(os.sched_getaffinity(0)) != os.cpu_count():
        found.append(("process", "processors", said.get("Cpus_allowed_list", "").strip()))
    return found + _of_limits(limits)


def _of_limits(text: str) -> "list[Row]":
    found = []
    for name, harmless in _LIMITS.items():
        soft = text.partition(f"\n{name}")[2].split(None, 1)[:1]
        if soft and soft[0].isdecimal() and int(soft[0]) < harmless:
            found.append(("process", name.lower(), soft[0]))
        elif soft and name == "Max stack size" and soft[0] != str(_USUAL_STACK):
            found.append(("process", name.lower(), soft[0]))  # deep recursion ends otherwise
    return found


_CAP = 1 << 20
# The client's own words around the line, which is one word of the shell: where it needs them, in quotes, which in it
# are spelled '"'"'. What reads its input from somewhere is not given the null device.
_BEFORE, _NO_INPUT, _AFTER, _QUOTE = " && eval ", " < /dev/null", " && pwd -P >| ", "'\"'\"'"
_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,")
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


class Invocation:
    """session: '' outside the client; call: a name for the Bash call, '' where there is none or it cannot be told.

    number: how many Bash calls the session has begun, this one being the newest; 0 where another has begun since.
    """

    __slots__ = ("_cache", "_shell", "call", "number", "session")

    def __init__(self, cache: str, environ: "Mapping[str, str]") -> None:
        self._cache = cache
        session = environ.get("CLAUDE_CODE_SESSION_ID", "")
        self.session = session if _NAME.issuperset(session) else ""
        shell = environ.get("SKILLCACHE_CALL", "")
        self._shell = shell if shell.isdecimal() and shell.isascii() and len(shell) < 11 else ""
        start = describe(int(self._shell)).get("pid_start") if self._shell else ""
        # What it has left behind runs on in no call, and there, too, a repeat is meant.
        self.call = f"{self._shell}.{start or 'ended'}" if self._shell else ""
        self.number = self._count() if start and self.session else 0

    def _count(self) -> int:
        try:
            begun = (files.read(f"{calls_folder(self._cache)}/{self.session}", _CAP) or b"").split(b"\n")
        except OSError:
            return 0
        return len(begun) - 1 if begun[-2:] == [self._shell.encode(), b""] else 0

    def is_repeated(self, words: tuple[str, ...], cwd: str) -> bool:
        """Whether the same command has begun in this call before, as in a loop that hunts a flake. Raises OSError."""
        if not self.call:
            return False
        name = digest("\0".join((cwd, *words)).encode("utf-8", "surrogateescape"))
        path = f"{called_folder(self._cache)}/{self.call}.{name}"
        try:
            files.create(path)
        except FileExistsError:
            return True
        return False

    def line(self) -> str:
        """The line of the call, as the model wrote it; '' where that cannot be told."""
        if not self.call:
            return ""
        try:
            words = (files.read(f"/proc/{self._shell}/cmdline", _CAP) or b"").split(b"\0")
        except OSError:
            return ""
        return line_of(words[2].decode("utf-8", "surrogateescape")) if len(words) > 2 and words[1] == b"-c" else ""


def line_of(text: str) -> str:
    """The line in what the client gives a shell; '' where it is spelled in another way."""
    _, found, rest = text.partition(_BEFORE)
    word, ends, _ = rest.rpartition(_AFTER)
    word = (word if ends else rest).removesuffix(_NO_INPUT)
    if len(word) > 1 and word[0] == word[-1] == "'":
        return word[1:-1].replace(_QUOTE, "'") if found else ""
    return word if found and _BARE.issuperset(word) else ""


if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Protocol

    from skillcache.cache.decision import Plan
    from skillcache.commands.rewritten import Rewritten

    class Task(Protocol):
        """One that a rule names (`ruled`) or one whose inputs a person declares (`declared`).

        program: what is started; plan: the rules for its results; top: of the worktree, '' while it is not known;
        learns: whether its duration decides if it is looked up at all; joined: whether standard error is standard
        output's own file.
        """

        program: Program
        plan: Plan
        cwd: str
        learns: bool
        joined: bool

        def capture_key(
            self, given: "tuple[entry.Row, ...]", *, seconds: float, meanwhile: "Callable[[], object] | None" = None
        ) -> CallKey:
            """Capture now. `given`: rows of the standard input; `seconds`: most time. Raises Bypass.

            `meanwhile`: is called while git is at work.
            """

        def is_disturbed(self, found: CallKey, *, since: int, seconds: float) -> bool:
            """Whether what it depends on was touched since the stamp, even if it is now as it was. Raises Bypass."""

        def touched(self, found: CallKey, *, since: int, seconds: float) -> tuple[bool, list[str]]:
            """See `skillcache.fingerprint.changes.touched`. Raises Bypass."""

        def reports(self, cache: str, *, always: bool = True) -> "Rewritten | None":
            """The files that its runs write anew; None where that does not matter. Raises OSError.

            always: also where no command is known to leave any.
            """

        def extra_names(self) -> tuple[str, ...]:
            """Names besides those of the plan that invalidate its results."""


_JOINED = ("streams", "", "joined")


def called(
    tool: str, words: tuple[str, ...], cwd: str, root: str, environ: "Mapping[str, str]", *, joined: bool
) -> tuple[entry.Row, ...]:
    """The key's rows of the call itself, without what narrows it."""
    rows: list[entry.Row] = [
        ("tool", "", tool),
        ("command", "", json.dumps(list(words))),
        ("directory", "", inside(cwd, root) or ""),
        _JOINED if joined else ("streams", "", "apart"),
    ]
    # A command may print the directory by the name that the shell came by, or that its starter had.
    spelled = environ.get("PWD", "")
    if spelled != cwd:
        below = spelled == root or spelled.startswith(root.rstrip("/") + "/")
        rows.append(("directory", "PWD", f".{spelled[len(root) :]}" if below else spelled))
    return (*rows, *process_rows())


def joined(rows: tuple[entry.Row, ...]) -> tuple[entry.Row, ...]:
    """The same call's rows, where standard error is standard output's own file."""
    return tuple([_JOINED if row[:2] == _JOINED[:2] else row for row in rows])


class Begun(Record):
    """What was so when the command began."""

    since: int  # see `way.stamp`
    found: CallKey  # captured after that
    project: str  # identity
    team: str  # whose results may be given, '' for none
    key: str  # the store's
    _: KW_ONLY
    generations: dict[str, int] = field(default_factory=dict)  # of the names
    outcome: Outcome = NO_ENTRY  # of the look at the store
    started: int = 0  # ms since the epoch
    watch: "Watch | None" = None  # of the files that its runs write anew
    trace: dict[str, object] = field(default_factory=dict)  # see `skillcache.cache.skills.run`
