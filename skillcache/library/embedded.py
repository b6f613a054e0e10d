"""The embedded file as a process uses it that lives long.

One idle connection is held besides. Without it every step would be the last to close the file, which copies the log
into it and waits for the disk: 5 ms instead of 0.2. SQLite forbids to carry a connection over a fork, so that it is
let go before one.
"""

import os
import sqlite3
import time
import weakref
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

from skillcache.stores import open_store
from skillcache.stores.contract import EMBEDDED

if TYPE_CHECKING:
    from skillcache.library.runs import Step


class EmbeddedFile:
    """target: `embedded:` and a path."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._path = target.removeprefix(EMBEDDED)
        self._lock = Lock()
        self._held: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        _files.add(self)

    def take(self, step: "Step") -> Any:
        """What the step gives. Raises StoreError."""
        store = open_store(self._target, now=time.time())
        try:
            given = step(store)
            self._hold()
            return given
        finally:
            store.close()

    def close(self) -> None:
        with self._lock:
            if self._held is not None:
                self._held.close()
                self._held = None

    def __del__(self) -> None:
        self.close()

    def _hold(self) -> None:
        try:
            found = os.stat(self._path)
        except OSError:
            return
        identity = (found.st_dev, found.st_ino)
        with self._lock:
            if self._held is not None and identity == self._identity:
                return
            if self._held is not None:  # another file has taken the place of a damaged one
                self._held.close()
            self._held, self._identity = _connect(self._path), identity

    def unlock(self) -> None:
        """In the child of a fork, the thread that may have had the lock is gone."""
        self._lock = Lock()


def _connect(path: str) -> sqlite3.Connection | None:
    connection = None
    with suppress(sqlite3.Error):  # every step does without
        connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        connection.execute("SELECT 1 FROM entries LIMIT 1").fetchall()
    return connection


def _let_go() -> None:
    for file in list(_files):
        file.close()


def _unlock() -> None:
    for file in list(_files):
        file.unlock()


_files: "weakref.WeakSet[EmbeddedFile]" = weakref.WeakSet()
os.register_at_fork(before=_let_go, after_in_child=_unlock)
