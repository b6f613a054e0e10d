"""The way of a record to the journal: at once, with what waits in the spool before it, or into the spool."""

import os

from skillcache import files
from skillcache.errors import StoreError
from skillcache.paths import spool_file
from skillcache.sessions import limits
from skillcache.sessions.journal import History, Journal, Question
from skillcache.sessions.opening import open_journal
from skillcache.sessions.record import Record, decode, encode
from skillcache.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.sessions.spool import Spool

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

    def deliver(self, record: Record) -> None:
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

    def ask(self, question: Question, record: Record | None = None) -> History | None:
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
        files.write(self._path + _AWAY, b"")
        os.utime(self._path + _AWAY, (self._now, self._now))

    def _waiting(self, patience: float) -> "Spool | None":
        try:
            os.stat(self._path)
        except OSError:
            return None
        from skillcache.sessions import spool  # seldom is there one

        return spool.waiting(self._path, patience)

    def _spool(self, line: bytes) -> None:
        from skillcache import tally  # seldom is the store away
        from skillcache.outcome import SPOOL_FULL, SPOOLED
        from skillcache.sessions import spool

        place = spool.make(self._path)
        try:
            outcome = SPOOLED if place.add(line) else SPOOL_FULL
        finally:
            place.close()
        tally.record(self._settings.cache, self._now, outcome)
