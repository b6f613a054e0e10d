"""What became of a session's checks, for the lines that its person is shown; which a project has had, and why they ran.

    replayed/{session}  one line a check: `milliseconds of the run TAB kind TAB command`, kind one of KINDS, and one for
                        each end of a turn that told the person of what stands before: `bytes TAB told TAB`
    checks/{project}    one line a check whose result was stored or given: JSON, the fields of `Check` in order

A project is the digest of its identity. Of variables there are digests and no values: see `Check`.

Misses, so that people can be told why a command ran: one line of JSON a run of more than a second that followed one:

    {"at": unix seconds, "miss": outcome, "kept": outcome or 0, "ms": of the run, "project": identity, "root": path,
     "session": id, "command": as told, "call": digest of the call alone, "state": base64 of zlib of [rows, details]}

`miss` and `kept` are numbers of outcomes: of the look at the store, and of what became of the run. Only `stats` and
`report` read it: they compare a state with the one before it of the same call. A line that is too long is not kept.
"""

import os
import time

from skillcache.core import Record, files, json
from skillcache.core.files import digest, digest_parts
from skillcache.core.outcomes import Outcome
from skillcache.core.paths import checks_folder, misses_file, replayed_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from skillcache.cache.decision import CallKey
    from skillcache.commands.invocation import Begun, Task
    from skillcache.fingerprint.capture import Fingerprint


KINDS = REPLAYED, JOINED, RAN = "replayed", "waited", "ran"
_TOLD = "told"
_REPLAYED_CAP = 1 << 20
_NAMED = 4  # commands in the line
_LONGEST = 60  # characters of each


def remember(cache: str, session: str, command: str, run: int, kind: str = REPLAYED) -> None:
    """A line that cannot be written is lost: it is never worth a fault."""
    if not session:
        return
    words = "".join(c if c.isprintable() else " " for c in command)[:200]
    try:
        files.append(f"{replayed_folder(cache)}/{session}", f"{run}\t{kind}\t{words}\n".encode("utf-8", "replace"))
    except OSError:
        return


class Total(Record):
    """Of a session. saved: milliseconds of runs that were not made."""

    checks: int = 0
    spared: int = 0
    saved: int = 0


def news(cache: str, session: str) -> str:
    """What to tell at a turn's end, '' where none of its checks was spared. Raises OSError."""
    path = f"{replayed_folder(cache)}/{session}"
    data = files.read(path, _REPLAYED_CAP) or b""
    told = max([number for number, kind, _ in _lines(data, (_TOLD,))], default=0)
    unsaid = [line for line in _lines(data[told:]) if line[1] != RAN]
    if not unsaid:
        return ""
    files.append(path, b"%d\t%s\t\n" % (len(data), _TOLD.encode()))
    return _told(unsaid, total(data))


def read(cache: str, session: str) -> Total:
    """Raises OSError."""
    return total(files.read(f"{replayed_folder(cache)}/{session}", _REPLAYED_CAP) or b"")


def total(data: bytes) -> Total:
    lines = _lines(data)
    spared = [run for run, kind, _ in lines if kind != RAN]
    return Total(len(lines), len(spared), sum(spared))


def _lines(data: bytes, kinds: "tuple[str, ...]" = KINDS) -> list[tuple[int, str, str]]:
    found = []
    for line in data.decode("utf-8", "replace").split("\n"):
        number, _, rest = line.partition("\t")
        kind, tab, command = rest.partition("\t")
        if tab and number.isdecimal() and kind in kinds:
            found.append((int(number), kind, command))
    return found


def _told(news: list[tuple[int, str, str]], whole: Total) -> str:
    parts = []
    for kind, verb in ((REPLAYED, "replayed"), (JOINED, "taken from a run that was under way")):
        commands = list(dict.fromkeys([_short(command) for _, each, command in news if each == kind]))
        if commands:
            more = f" and {len(commands) - _NAMED} more" if len(commands) > _NAMED else ""
            parts.append(f"{', '.join(commands[:_NAMED])}{more} {verb}")
    saved = sum(run for run, _, _ in news)
    earlier = f" (this session: {said(whole)})" if whole.checks > len(news) else ""
    return f"skillcache: {', '.join(parts)}, {span(saved)} saved{earlier}"


def _short(command: str) -> str:
    return command if len(command) <= _LONGEST else command[: _LONGEST - 3] + "..."


def said(whole: Total) -> str:
    """`12 of 15 checks replayed, 4 min 2 s saved`."""
    plural = "s" if whole.checks != 1 else ""
    return f"{whole.spared} of {whole.checks} check{plural} replayed, {span(whole.saved)} saved"


def span(milliseconds: int) -> str:
    minutes, seconds = divmod(milliseconds // 1000, 60)
    return f"{minutes} min {seconds} s" if minutes else f"{milliseconds / 1000:.1f} s"


_MARK = ".skillcache-shims"  # as of `shims.script`
_CHECKS_CAP = 1 << 20
_MOST = 256 << 10  # bytes of a project's file, from where on only what is looked at is kept
_OF_EACH, _KEPT = 8, 40  # states of a command; commands
_OF_SHELLS = (".bashrc", ".bash_profile", ".profile", ".zshenv", ".zprofile", ".zshrc")


class Check(Record):
    """A check that was answered or stored. words: of the command; below: its folder, relative to the project's top.

    content, variables, path, shell: digests of the content, '' where not all of it counts, of the key's rows of
    variables, of the folders of PATH, and of what a shell reads at its start: whether another environment is like that
    of the check can be told by them.
    """

    at: int  # unix ms
    name: str  # of its entry
    key: str  # digest
    content: str
    variables: str
    path: str
    shell: str
    below: str
    words: list[str]


def note(cache: str, project: str, name: str, found: "CallKey", task: "Task") -> None:
    """Keep it among the project's checks. One that cannot be written is lost."""
    if found.workplace is not None or not task.learns:
        return
    root, at, environ = found.fingerprint.root, task.cwd, task.program.environ
    below = at[len(root) + 1 :] if at.startswith(f"{root}/") else ""
    line = json.dumps(
        [
            int(time.time() * 1000),
            name,
            found.digest,
            content_of(found.fingerprint) if task.plan.depends is None else "",
            digest_of(row[1:] for row in found.fingerprint.rows if row[0] == "env"),
            folders_of(environ.get("PATH", os.defpath)),
            shell_of(environ),
            below,
            list(task.program.words),
        ]
    )
    try:
        files.append(path_of(cache, project), line.encode("ascii") + b"\n")
    except OSError:
        return


def content_of(found: "Fingerprint") -> str:
    return next((value for label, _, value in found.rows if label == "content"), "")


def path_of(cache: str, project: str) -> str:
    return f"{checks_folder(cache)}/{digest(project.encode('utf-8', 'surrogateescape'))}"


def digest_of(rows: "Iterable[tuple[str, ...]]") -> str:
    return digest_parts(["=".join(row).encode("utf-8", "surrogateescape") for row in sorted(set(rows))])


def folders_of(path: str) -> str:
    """Of PATH without folders of shims: one that names a folder twice finds the same programs."""
    folders = [folder for folder in dict.fromkeys(path.split(":")) if not os.path.exists(f"{folder or '.'}/{_MARK}")]
    return digest_parts([os.fsencode(folder) for folder in folders])


def shell_of(environ: "Mapping[str, str]") -> str:
    """Of the files by which a person gives each shell more than it inherits."""
    stamps = []
    for name in _OF_SHELLS:
        try:
            status = os.stat(f"{environ.get('ZDOTDIR') or environ.get('HOME', '')}/{name}")
            stamps.append(b"%d %d %d" % (status.st_ino, status.st_size, status.st_mtime_ns))
        except OSError:
            stamps.append(b"")
    return digest_parts(stamps)


def checks(cache: str, project: str) -> list[list[Check]]:
    """Of each command in each folder the newest ones, the newest first; others' hands may have been at it.

    Raises OSError.
    """
    path = path_of(cache, project)
    data = files.newest(path, _CHECKS_CAP)  # it grows with every check until somebody looks
    found: dict[tuple[str, ...], dict[str, tuple[bytes, Check]]] = {}
    for line in data.split(b"\n")[::-1]:
        check = _check(line)
        if check is not None:
            same = found.setdefault((check.below, *check.words), {})
            if len(same) < _OF_EACH:
                same.setdefault(check.key, (line, check))
    if len(data) > _MOST:
        kept = [line for same in list(found.values())[:_KEPT] for line, _ in same.values()]
        files.write(path, b"".join([line + b"\n" for line in kept[::-1]]))
    return [[check for _, check in same.values()] for same in found.values()]


def _check(line: bytes) -> Check | None:
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    if not isinstance(fields, list) or len(fields) != 9:
        return None
    at, *texts, words = fields
    if not isinstance(at, int) or not isinstance(words, list) or not words:
        return None
    if not all(isinstance(text, str) and "\0" not in text for text in (*texts, *words)):
        return None
    if texts[6].startswith("/") or ".." in texts[6].split("/"):
        return None
    name, key, content, variables, folders, shell, below = texts
    return Check(at, name, key, content, variables, folders, shell, below, words)


_LONGEST_MISS = 65_536  # bytes of a line


def remember_miss(
    cache: str, begun: "Begun", call: tuple[str, str, str], miss: Outcome, kept: Outcome | None, milliseconds: int
) -> None:
    """`call`: as of `outcomes.record`. Raises OSError."""
    import zlib  # a recorder has it
    from binascii import b2a_base64

    found = begun.found
    state = json.dumps([[list(row) for row in found.fingerprint.rows], found.fingerprint.details])
    root, session, command = call
    line = json.dumps(
        {
            "at": int(time.time()),
            "miss": miss.id,
            "kept": kept.id if kept is not None else 0,
            "ms": milliseconds,
            "project": begun.project,
            "root": root,
            "session": session,
            "command": command,
            "call": found.command_digest,
            "state": b2a_base64(zlib.compress(state.encode("ascii"), 1), newline=False).decode("ascii"),
        }
    ).encode("ascii")
    if len(line) < _LONGEST_MISS:
        files.append(misses_file(cache), line + b"\n")
