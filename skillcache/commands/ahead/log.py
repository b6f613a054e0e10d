"""What sessions did in a project, step by step: what the usual next check is learnt from.

    ahead/log/{project}  one line a step, JSON: [unix ms, session, kind, words, below, passed, ms, joined]

A project is the digest of `place_of` it. words: of a check; below: its folder, relative to the project's top; ms: see
`Step.seconds`; for other kinds of steps [], "", false, 0 and true. Kept where a rule in force has `ahead`, and nowhere
else.
"""

from skillcache.commands.ahead.policy import CHECK, EDIT, START, Step
from skillcache.core import files, json
from skillcache.core.files import digest
from skillcache.core.git import git_folders, identity
from skillcache.core.outcomes import Bypass
from skillcache.core.paths import sequences_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# Some 2,500 steps: of weeks in most projects, and read in some 15 ms by a process that nobody waits for.
MOST = 256 << 10  # bytes
_LONGEST = 4_096  # bytes of a line, which the system appends in one piece


def place_of(root: str) -> str:
    """A clone with all its worktrees: a repository that only says it is another has no record.

    What ran there was asked for there; by what another one's record says its code would run unasked.
    """
    try:
        shared = git_folders(root)[1]
    except Bypass:  # a project without git
        shared = root
    return f"{identity(root)}\n{shared}"


def note(
    cache: str, project: str, session: str, kind: str, now: float, *, words: "Sequence[str]" = (), below: str = "",
    passed: bool = False, milliseconds: int = 0, joined: bool = True,
) -> None:  # fmt: skip
    """A step that cannot be written, or whose words are too long, is lost: it is never worth a fault. now: unix s."""
    line = json.dumps([int(now * 1000), session, kind, list(words), below, passed, milliseconds, joined])
    if len(line) < _LONGEST:
        try:
            files.append(_path(cache, project), line.encode("ascii") + b"\n")
        except OSError:
            return


def steps(cache: str, project: str) -> list[Step]:
    """The newest, oldest first; others' hands may have been at the file. Raises OSError."""
    path = _path(cache, project)
    data = files.newest(path, 2 * MOST)
    if len(data) > MOST:
        data = data[-MOST:].partition(b"\n")[2]
        files.write(path, data)
    return [step for line in data.split(b"\n") if (step := _step(line)) is not None]


def named(below: str, words: "Sequence[str]") -> str:
    """The `Step.command` of a check."""
    return "\0".join((below, *words))


def parted(command: str) -> tuple[str, tuple[str, ...]]:
    """The folder and the words that `named` has made a command of."""
    below, *words = command.split("\0")
    return below, tuple(words)


def _step(line: bytes) -> Step | None:
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    if not isinstance(fields, list) or len(fields) != 8:
        return None
    at, session, kind, words, below, passed, ms, joined = fields
    if not (isinstance(at, int) and isinstance(ms, int) and isinstance(session, str) and isinstance(below, str)):
        return None
    if not (isinstance(words, list) and all(isinstance(word, str) and "\0" not in word for word in words)):
        return None
    if kind not in (CHECK, EDIT, START) or (kind == CHECK) != bool(words):
        return None
    if below.startswith("/") or "\0" in below or ".." in below.split("/"):
        return None
    command = named(below, words) if words else ""
    return Step(at / 1000, session, kind, command, passed is True, max(0, ms) / 1000, joined is not False)


def _path(cache: str, project: str) -> str:
    return f"{sequences_folder(cache)}/{digest(project.encode('utf-8', 'surrogateescape'))}"
