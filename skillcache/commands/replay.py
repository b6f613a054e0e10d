"""A stored result in the command's place: whether a failure is given, its streams, its status, and its files.

Whoever runs a failing command again wants it run: what failed may pass once a server is started, which no capture sees.
Only the very next Bash call of the conversation, which is the same command and nothing else, behind other filters,
wants to see more of the same run, within two minutes. A failure of a run ahead, which nobody has seen, is given within
as long to the first who asks.

    failed/{session} = one line a failure: `unix-seconds SP number of the call SP key's digest SP digest of the line's
    head SP digest of its filters`, of the newest call that had one
"""

import errno
import time

from skillcache.commands import invocation
from skillcache.commands.streams import write_some
from skillcache.core import files
from skillcache.core.files import digest
from skillcache.core.outcomes import UNREADABLE_ENTRY, Bypass
from skillcache.core.paths import failed_folder, seen_folder
from skillcache.stores.entry import ERROR, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from skillcache.cache.decision import Answer, CallKey, Plan
    from skillcache.commands.invocation import Invocation
    from skillcache.stores.entry import Entry, File


POSITION = "stdin"  # the detail of an entry that says how far the run read its input, a file
_BROKEN_PIPE = invocation.SIGNALLED + 13


def write(answer: "Answer", status: int) -> int:
    """`status`, or one of its own where the streams could not be written. Raises OSError while not a byte was."""
    is_begun = False
    for fd, stream in ((1, answer.output), (2, answer.error)):
        rest = memoryview(stream)
        try:
            while rest:
                rest = rest[write_some(fd, rest) :]
                is_begun = True
        except OSError as fault:
            if fault.errno == errno.EPIPE:
                status = _BROKEN_PIPE
            elif is_begun:
                invocation.say(f"cannot write: {fault.strerror}")
                status = 1
            else:
                raise
    return status


def require_as_it_was(answer: "Answer", found: "CallKey", *, most: int, deadline: float) -> None:
    """Raises Bypass: UNFIT where a script of a skill finds in its outputs' places what the stored run did not leave.

    `most`: bytes of its output.
    """
    if found.workplace is None or not found.workplace.outputs:
        return
    entry = decode(answer.stored, details=True, most=most)
    found.workplace.require_as_it_was(left_by(entry), entry.details, deadline=deadline)


def left_by(entry: "Entry") -> "tuple[File, ...]":
    """The files that the run left besides its streams."""
    return tuple([file for file in entry.files if file.path != ERROR])


def put_back(kept: "tuple[File, ...]", found: "CallKey") -> None:
    """Put back what the run left. Raises Bypass, before anything is written, and OSError."""
    if found.workplace is not None:
        found.workplace.put_back(kept)
    elif kept:
        raise Bypass(UNREADABLE_ENTRY)


_SEEN_CAP = 1 << 20


def has_seen(cache: str, session_id: str, agent_id: str, key: str) -> bool:
    try:
        return key.encode("ascii") in (files.read(_path(cache, session_id, agent_id), _SEEN_CAP) or b"").split()
    except OSError:
        return True  # in doubt, run


def see(cache: str, session_id: str, agent_id: str, key: str) -> None:
    """Raises OSError."""
    files.append(_path(cache, session_id, agent_id), key.encode("ascii") + b"\n")


def _path(cache: str, session_id: str, agent_id: str) -> str:
    return files.small(seen_folder(cache), session_id, agent_id)


SECONDS = 120
_CAP = 1 << 16


class Failure:
    """What a command's own Bash call says of the failures of the one before it. `ahead`: of runs ahead as well."""

    __slots__ = ("_ahead", "_cache", "_call", "_is_once", "_words")

    def __init__(self, cache: str, call: "Invocation", words: "Sequence[str]", *, ahead: bool = False) -> None:
        self._cache = cache
        self._call = call
        self._words = words
        self._ahead = ahead
        self._is_once = False

    def is_wanted(self, plan: "Plan", key: str) -> bool:
        """Whether a stored failure may be given for `key`, the digest of what the command depends on."""
        if plan.findings:
            return True
        if plan.failures and not has_seen(self._cache, self._call.session, "", key):
            return True
        if self._is_seen_through(key):
            return True
        if self._ahead:
            from skillcache.commands.ahead.ledger import is_to_be_given  # few have runs ahead

            self._is_once = is_to_be_given(self._cache, key, time.time() - SECONDS)
        return self._is_once

    def take(self, key: str) -> bool:
        """Whether the failure that was wanted is given to this one. Raises OSError."""
        if not self._is_once:
            return True
        from skillcache.commands.ahead.ledger import give

        return give(self._cache, key)

    def _is_seen_through(self, key: str) -> bool:
        """Whether it is that of the call before, looked at through another filter."""
        if not self._call.number:
            return False
        now = time.time()
        known = [
            (head, before)
            for at, number, failed, head, before in self._kept()
            if failed == key and number == str(self._call.number - 1) and 0 <= now - int(at) <= SECONDS
        ]
        if not known:
            return False
        through = self._seen_through()
        if through is None or not through[1]:
            return False
        return any(head == _digest(through[0]) and before != _digest(through[1]) for head, before in known)

    def show(self, key: str) -> None:
        """The session sees the failure, of a run or of a replay: whoever then runs it again wants it run.

        Raises OSError.
        """
        see(self._cache, self._call.session, "", key)
        if self._ahead:
            from skillcache.commands.ahead.ledger import withdraw

            withdraw(self._cache, key)

    def keep(self, key: str) -> None:
        """Of a run that has failed. Raises OSError."""
        self.show(key)
        if not self._call.number:
            return
        through = self._seen_through()
        if through is None:
            return
        line = f"{int(time.time())} {self._call.number} {key} {_digest(through[0])} {_digest(through[1])}\n"
        kept = [" ".join(words) for words in self._kept() if words[1] == str(self._call.number)]
        files.write(self._path(), ("".join(f"{one}\n" for one in kept) + line).encode("ascii"))

    def _seen_through(self) -> tuple[str, str] | None:
        from skillcache.commands.filters import seen_through  # few commands fail

        return seen_through(self._call.line(), self._words)

    def _kept(self) -> list[list[str]]:
        try:
            text = files.read(self._path(), _CAP) or b""
        except OSError:
            return []
        lines = [line.split(" ") for line in text.decode("ascii", "replace").split("\n")]
        return [words for words in lines if len(words) == 5 and words[0].isdecimal()]

    def _path(self) -> str:
        return f"{failed_folder(self._cache)}/{self._call.session}"


def _digest(text: str) -> str:
    whole: str = digest(text.encode("utf-8", "surrogateescape"))
    return whole
