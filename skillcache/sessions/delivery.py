"""The way of a record to the journal: at once, or into the spool, which whoever reaches the store next delivers.

What waits in the spool goes before it. The spool is a private file of lines, delivered in order.

One lock, on the file itself, covers adding and delivering, so a line is delivered by one process at a time. A process
that ends between delivering and taking the lines out leaves them to be delivered again; the journal counts a record
once. A line cut short by a full disk is no record and is dropped.
"""

import os
from fcntl import LOCK_EX, LOCK_NB, flock
from time import monotonic, sleep

from skillcache.core import files
from skillcache.core.outcomes import StoreError
from skillcache.core.paths import spool_file
from skillcache.sessions import journal as limits
from skillcache.sessions.journal import EMBEDDED, History, Journal, Question, SessionRecord, decode, encode
from skillcache.settings.in_force import Settings
from skillcache.stores.contract import keys_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    pass


def open_journal(target: str, *, now: float, patient: bool = False) -> Journal:
    """`target` as `open_store` takes it. `patient`: for a person, who waits longer than a hook. Raises ConfigError."""
    if target.startswith(EMBEDDED):
        from skillcache.sessions.journal_sqlite import SqliteJournal  # a hook pays for one store only

        return SqliteJournal(sessions_file(target.removeprefix(EMBEDDED)), now=now)
    from skillcache.sessions.journal_redis import RedisJournal
    from skillcache.stores import link_to
    from skillcache.stores.connection import PATIENT  # a hook pays for one store only

    link, keys = link_to(target, PATIENT if patient else None), keys_of(target)
    journal = RedisJournal(link)
    if link.is_spread:
        from skillcache.sessions.journal_cluster import ClusterJournal  # few stores are

        journal = ClusterJournal(link)
    if keys is None:
        return journal
    from skillcache.sessions.signed import SignedJournal  # few have a team

    return SignedJournal(journal, keys)


def sessions_file(store: str) -> str:
    """Beside the embedded store and not in it: results are dropped to make room, sessions are not."""
    return store.rpartition("/")[0] + "/sessions.sqlite3"


_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
_STEP = 0.005


class Spool:
    """An open, locked spool. `close` lets others at it."""

    __slots__ = ("_handle", "_path")

    def __init__(self, path: str, handle: int) -> None:
        self._path = path
        self._handle = handle

    def read(self) -> list[bytes]:
        """All lines, oldest first."""
        data = os.pread(self._handle, 2 * limits.SPOOL, 0)  # it never has more than half of that from us
        return [line for line in data.split(b"\n") if line]

    def add(self, line: bytes) -> bool:
        """False when the file is full."""
        size = os.fstat(self._handle).st_size
        if size + len(line) + 1 > limits.SPOOL:
            return False
        # A line that another process could not finish must not swallow this one.
        joint = b"\n" if size and os.pread(self._handle, 1, size - 1) != b"\n" else b""
        os.write(self._handle, joint + line + b"\n")
        return True

    def keep(self, lines: list[bytes]) -> None:
        """Leaves exactly `lines` in the file; the lock covers what takes its place, too."""
        if not lines:
            os.unlink(self._path)
            return
        draft = files.draft_of(self._path)
        handle = os.open(draft, _FLAGS | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            flock(handle, LOCK_EX)
            os.write(handle, b"\n".join(lines) + b"\n")
            os.rename(draft, self._path)
        except OSError:
            os.close(handle)
            os.unlink(draft)
            raise
        os.close(self._handle)
        self._handle = handle

    def close(self) -> None:
        os.close(self._handle)


def waiting(path: str, patience: float = 0.0) -> Spool | None:
    """The spool where there is one and nobody else is at it for longer than `patience`, in seconds."""
    deadline = monotonic() + patience
    while True:
        try:
            handle = os.open(path, _FLAGS)
        except FileNotFoundError:
            return None
        try:
            flock(handle, LOCK_EX | LOCK_NB)
            if _is_at(path, handle):
                return Spool(path, handle)
        except BlockingIOError:
            pass
        os.close(handle)
        if monotonic() >= deadline:
            return None
        sleep(_STEP)


def make(path: str) -> Spool:
    """The spool, made when there is none; waits for who is at it. Raises OSError."""
    while True:
        try:
            handle = os.open(path, _FLAGS | os.O_CREAT, 0o600)
        except FileNotFoundError:
            files.make_folder(path.rpartition("/")[0])
            continue
        flock(handle, LOCK_EX)
        if _is_at(path, handle):
            return Spool(path, handle)
        os.close(handle)  # it was delivered and taken away meanwhile


def _is_at(path: str, handle: int) -> bool:
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    mine = os.fstat(handle)
    return (there.st_dev, there.st_ino) == (mine.st_dev, mine.st_ino)


_REST = 5  # seconds in which a store that did not answer is not asked to take a record
_AWAY = ".away"  # ends the name of the file that says when it did not
_PATIENCE, _LONG_PATIENCE = 0.05, 2.0  # seconds for who is at the spool, where everything in it is wanted


class Delivery:
    """What one process has to say to the journal and to ask of it."""

    __slots__ = ("_journal", "_now", "_path", "_patience", "_settings", "_ttl")

    def __init__(self, settings: Settings, *, now: float, patient: bool = False) -> None:
        self._settings = settings
        self._now = now
        self._patience = _LONG_PATIENCE if patient else _PATIENCE
        self._path = spool_file(settings.cache, settings.store)
        self._ttl = int(settings.number("record.ttl"))
        self._journal = open_journal(settings.store, now=now, patient=patient)

    @property
    def journal(self) -> Journal:
        return self._journal

    def deliver(self, record: SessionRecord) -> None:
        """Takes the record to the journal, or to the spool. Raises OSError where neither could be written."""
        line = encode(record)
        if self._is_away():
            self._spool(line)
            return
        try:
            self._tell(after=[line])
        except StoreError:
            self._spool(line)
            self._mark_away()

    def ask(self, question: Question, record: SessionRecord | None = None) -> History | None:
        """What the journal knew before `record`, and then the record; None where the journal cannot be reached."""
        lines = [] if record is None else [encode(record)]
        try:
            return self._tell(question, lines, everything=True)
        except StoreError:
            for line in lines:
                self._spool(line)
                self._mark_away()
            return None

    def flush(self) -> None:
        """Takes what waits in the spool to the journal. Raises StoreError."""
        self._tell(everything=True)

    def close(self) -> None:
        self._journal.close()

    def _tell(
        self, question: Question | None = None, after: "list[bytes] | None" = None, *, everything: bool = False
    ) -> History | None:
        """One round trip, and one more for each further batch of a long spool where all of it is wanted."""
        waiting = self._waiting(self._patience if everything else 0)
        if waiting is None:
            return self._journal.tell((), question, after or (), ttl=self._ttl)
        try:
            lines = [line for line in waiting.read() if decode(line) is not None]
            batch = limits.SPOOL_BATCH
            while everything and len(lines) > batch:
                self._journal.tell(lines[:batch], ttl=self._ttl)
                lines = lines[batch:]
                waiting.keep(lines)
            found = self._journal.tell(lines[:batch], question, after or (), ttl=self._ttl)
            waiting.keep(lines[batch:])
            files.remove(self._path + _AWAY)
            return found
        finally:
            waiting.close()

    def _is_away(self) -> bool:
        """Whether another hook has just waited for the store in vain: a hanging one is to cost a session little."""
        try:
            return 0 <= self._now - os.stat(self._path + _AWAY).st_mtime < _REST
        except OSError:
            return False

    def _mark_away(self) -> None:
        files.mark(self._path + _AWAY, self._now)

    def _waiting(self, patience: float) -> "Spool | None":
        try:
            os.stat(self._path)
        except OSError:
            return None
        # seldom is there one

        return waiting(self._path, patience)

    def _spool(self, line: bytes) -> None:
        from skillcache.core import outcomes  # seldom is the store away
        from skillcache.core.outcomes import SPOOL_FULL, SPOOLED

        place = make(self._path)
        try:
            outcome = SPOOLED if place.add(line) else SPOOL_FULL
        finally:
            place.close()
        outcomes.record(self._settings.cache, self._now, outcome)
