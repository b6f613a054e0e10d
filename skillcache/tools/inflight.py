"""What PreToolUse leaves for the PostToolUse of the same call, a miss or a hit: a file named by its tool_use_id.

The client may start several hook processes for one event, as each matching settings entry starts one. Making
the file (O_EXCL) and removing it are atomic, so exactly one process handles each end of a call.
"""

import os
from _thread import get_ident

from skillcache.core import KW_ONLY, Record, files, json
from skillcache.core.outcomes import INTERNAL, UNDONE, Bypass
from skillcache.core.paths import pending_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from skillcache.tools.lookup import Call


_CAP = 4 << 20


class Pending:
    """The open file of a call that this process handles.

    since: when it was made, in nanoseconds since the epoch, by the clock that stamps every other file's changes; saved:
    what it holds.
    """

    __slots__ = ("_handle", "saved", "since")

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self.since = os.fstat(handle).st_ctime_ns
        self.saved: dict[str, object] = {}

    def renew(self) -> None:
        """The run begins now: nothing that was touched before concerns it. Raises OSError."""
        os.utime(self._handle)
        self.since = os.fstat(self._handle).st_ctime_ns

    def save(self, record: dict[str, object]) -> None:
        """Keep `record` for the end of the call. Raises OSError."""
        self.saved = record
        view = memoryview(json.dumps(record).encode("ascii"))
        while view:
            view = view[os.write(self._handle, view) :]


def begin(cache: str, tool_use_id: str) -> Pending | None:
    """Claim the start of a call; None when another process has it. Raises OSError."""
    path = _path(cache, tool_use_id)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        return Pending(os.open(path, flags, 0o600))
    except FileExistsError:
        return None
    except FileNotFoundError:
        files.make_folder(pending_folder(cache))
    try:
        return Pending(os.open(path, flags, 0o600))
    except FileExistsError:
        return None


def keep(cache: str, id_: str, record: dict[str, object]) -> None:
    """Keep `record` for `end`, whatever was kept under the id before. Raises OSError."""
    files.write(_path(cache, id_), json.dumps(record).encode("ascii"))


def look(cache: str, id_: str) -> dict[str, object] | None:
    """What `keep` kept, which stays; None where there is none."""
    try:
        record = json.loads(files.read(_path(cache, id_), _CAP) or b"null")
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def end(cache: str, tool_use_id: str) -> dict[str, object] | None:
    """Claim the end of a call: what was saved for it ({} for nothing), or None when it is not ours to handle."""
    path = _path(cache, tool_use_id)
    taken = f"{path}.{os.getpid()}.{get_ident()}"
    try:
        os.rename(path, taken)
    except OSError:
        return None
    try:
        record = json.loads(files.read(taken, _CAP) or b"{}")
    except (OSError, ValueError):  # its writer was stopped half-way
        record = {}
    files.remove(taken)
    return record if isinstance(record, dict) else {}


def _path(cache: str, tool_use_id: str) -> str:
    plain = tool_use_id.isascii() and tool_use_id.replace("_", "").replace("-", "").isalnum()
    if plain and len(tool_use_id) < 100:
        return f"{pending_folder(cache)}/{tool_use_id}"
    from skillcache.core.files import digest  # the client's own ids are plain

    return f"{pending_folder(cache)}/{digest(tool_use_id.encode('utf-8', 'replace'))}"


class Miss(Record):
    """A call between its two hooks."""

    _: KW_ONLY
    key: str  # full key text
    cwd: str  # where the run began
    project: str  # its identity
    started: int  # milliseconds since the epoch
    since: int  # see `skillcache.tools.inflight`
    generations: dict[str, int]  # of each name

    def record(self) -> dict[str, object]:
        """As JSON values, for `skillcache.tools.inflight`."""
        return {name: getattr(self, name) for name in self.__slots__}


def read_miss(record: dict[str, object]) -> Miss:
    """Raises Bypass for a record of another form: one that another version of ours wrote."""
    try:
        return Miss(
            key=str(record["key"]),
            cwd=str(record["cwd"]),
            project=str(record["project"]),
            started=int(str(record["started"])),
            since=int(str(record["since"])),
            generations=_generations(record["generations"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Bypass(INTERNAL, "a pending record of another form") from None


def _generations(value: "Any") -> dict[str, int]:
    return {str(name): int(number) for name, number in value.items()}


_RULE, _RUN = "hit", "run"


def record(rule: str, run: int) -> dict[str, object]:
    """For `skillcache.tools.inflight`. `run`: milliseconds of the run that was not made."""
    return {_RULE: rule, _RUN: run}


def is_one(kept: dict[str, object]) -> bool:
    return _RULE in kept


def take_back(call: "Call", kept: dict[str, object]) -> None:
    """The result was not given after all."""
    run = kept.get(_RUN)
    call.count(UNDONE, str(kept.get(_RULE)), run=run if isinstance(run, int) else 0)
