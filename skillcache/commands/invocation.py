"""A command as a shell starts it: the program behind its words, the task that it runs, and how that has begun.

    SKILLCACHE_CALL           process number of the call's shell; missing in a terminal, where a command may be repeated
    CLAUDE_CODE_SESSION_ID    the client's session
    calls/{session}           a line for each Bash call that the session has begun: its shell's process number

A call is its shell's process, by number and start. Its line is what the shell was started with (`bash -c TEXT`), where
the system shows that.
"""

from skillcache.cache.capture import CallKey, inside
from skillcache.commands import process
from skillcache.core import files, json
from skillcache.core.digest import digest
from skillcache.core.outcomes import NO_ENTRY, Outcome
from skillcache.core.paths import called_folder, calls_folder
from skillcache.core.processes import describe
from skillcache.core.record import KW_ONLY, Record, field
from skillcache.stores import entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillcache.commands.rewritten import Watch


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

    from skillcache.cache.capture import Plan
    from skillcache.commands.process import Program
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
    return (*rows, *process.rows())


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
