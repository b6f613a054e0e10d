"""The journal in the embedded store: a file of its own, for results make room for each other and sessions do not.

    sessions  id · project · active, ms · expires, unix s
    state     session · field · value
    log       id (order of telling) · session · entry
    files     session · path · edits
    days      session · day, since 1970 in UTC · path · edits
    tasks     session · field · value
    told      session · record · at, ms
    notes     project · id · note

Versions: 1, the above; a file that was made before `days` gets it with the next edit.
"""

from skillcache.core import json
from skillcache.sessions import journal as limits
from skillcache.sessions.journal import History, Journal, Past, Question
from skillcache.stores.sqlite import SqliteStore
from skillcache.stores.sqlite_file import Layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from skillcache.stores.sqlite_file import Connection

_DAYS = """
CREATE TABLE IF NOT EXISTS days (session TEXT, day INTEGER, path TEXT, edits INTEGER NOT NULL,
    PRIMARY KEY (session, day, path)) WITHOUT ROWID;
"""
_TABLES = (
    _DAYS
    + """
CREATE TABLE sessions (id TEXT PRIMARY KEY, project TEXT NOT NULL, active INTEGER NOT NULL, expires REAL NOT NULL)
    WITHOUT ROWID;
CREATE INDEX sessions_of_project ON sessions (project, active);
CREATE INDEX sessions_expiry ON sessions (expires);
CREATE TABLE state (session TEXT, field TEXT, value TEXT NOT NULL, PRIMARY KEY (session, field)) WITHOUT ROWID;
CREATE TABLE log (id INTEGER PRIMARY KEY, session TEXT NOT NULL, entry TEXT NOT NULL);
CREATE INDEX log_of_session ON log (session, id);
CREATE TABLE files (session TEXT, path TEXT, edits INTEGER NOT NULL, PRIMARY KEY (session, path)) WITHOUT ROWID;
CREATE TABLE tasks (session TEXT, field TEXT, value TEXT NOT NULL, PRIMARY KEY (session, field)) WITHOUT ROWID;
CREATE TABLE told (session TEXT, record TEXT, at INTEGER NOT NULL, PRIMARY KEY (session, record));
CREATE INDEX told_at ON told (at);
CREATE TABLE notes (project TEXT, id TEXT, note TEXT NOT NULL, PRIMARY KEY (project, id)) WITHOUT ROWID;
"""
)
LAYOUT = Layout(1, _TABLES)
_OF_SESSION = ("state", "log", "files", "days", "tasks", "told")
_EXPIRED_AT_ONCE = 16  # sessions dropped by one telling
_TOLD_AT_ONCE = 64
_PUT = "INSERT INTO {0} (session, field, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
_PUT_STATE = _PUT.format("state")
_PUT_TASK = _PUT.format("tasks")
_TRIM_LOG = """DELETE FROM log WHERE session = ? AND id <=
    (SELECT id FROM log WHERE session = ? ORDER BY id DESC LIMIT 1 OFFSET ?)"""
_TRIM_FILES = """DELETE FROM files WHERE session = ? AND path IN
    (SELECT path FROM files WHERE session = ? ORDER BY edits DESC, path LIMIT -1 OFFSET ?)"""


_EDITED = """SELECT path, sum(edits << (? - max(0, ? - day))) AS weight FROM days WHERE day > ? AND session IN
    (SELECT id FROM sessions WHERE project = ? AND active >= ? AND expires > ? ORDER BY active DESC LIMIT ?)
    GROUP BY path ORDER BY weight DESC, path LIMIT ?"""


class SqliteJournal(SqliteStore, Journal):
    _layout = LAYOUT

    def tell(
        self,
        before: "Iterable[bytes]" = (),
        question: Question | None = None,
        after: "Iterable[bytes]" = (),
        *,
        ttl: int,
    ) -> History | None:
        first, last = tuple(before), tuple(after)

        def work(db: "Connection") -> History | None:
            for line in first:
                _record(db, line, self._now + ttl)
            found = None if question is None else _answer(db, question, self._now)
            for line in last:
                _record(db, line, self._now + ttl)
            _drop_expired(db, self._now)
            return found

        if first or last:
            return self._write(work)
        if question is None:
            return None
        asked = question
        return self._read(lambda db: _answer(db, asked, self._now)) or History({}, [])

    def past(self, session: str, entries: int) -> Past | None:
        return self._read(lambda db: _past(db, session, entries, limits.FILES, self._now))

    def restore(self, past: Past, *, project: str, at: int, ttl: int) -> None:
        def work(db: "Connection") -> None:
            _forget(db, past.id)
            db.execute("INSERT INTO sessions VALUES (?, ?, ?, ?)", (past.id, project, at, self._now + ttl))
            db.executemany(_PUT_STATE, [(past.id, *pair) for pair in past.state.items()])
            db.executemany("INSERT INTO log (session, entry) VALUES (?, ?)", [(past.id, e) for e in past.log[::-1]])
            db.executemany("INSERT INTO files VALUES (?, ?, ?)", [(past.id, *pair) for pair in past.files])
            _count_days(db, past.id, limits.last_day(past.state, at), past.files)
            db.executemany(_PUT_TASK, [(past.id, *pair) for pair in past.tasks.items()])

        self._write(work)

    def forget(self, session: str, project: str) -> bool:  # noqa: ARG002 - a session is in one index only here
        return self._write(lambda db: _forget(db, session))

    def save_fields(self, session: str, fields: dict[str, str], *, ttl: int, replace: bool) -> None:
        """Fields of the library, in a session that no project lists unless it was recorded."""

        def work(db: "Connection") -> None:
            if replace:
                db.execute("DELETE FROM state WHERE session = ?", (session,))
            _keep(db, session, self._now, self._now + ttl)
            db.executemany(_PUT_STATE, [(session, *pair) for pair in fields.items()])

        self._write(work)

    def load_fields(self, session: str, ttl: int | None) -> dict[str, str]:
        """`ttl`: gives the session that many seconds from now."""

        def work(db: "Connection") -> dict[str, str]:
            past = _past(db, session, 0, 0, self._now)
            if past is not None and ttl is not None:
                _keep(db, session, self._now, self._now + ttl)
            return past.state if past is not None else {}

        if ttl is not None:
            return self._write(work)
        return self._read(work) or {}

    def add_note(self, project: str, id_: str, note: str) -> None:
        self._write(lambda db: db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?, ?)", (project, id_, note)))

    def remove_note(self, project: str, id_: str) -> bool:
        drop = "DELETE FROM notes WHERE project = ? AND id = ?"
        return self._write(lambda db: db.execute(drop, (project, id_)).rowcount > 0)


def _record(db: "Connection", line: bytes, expires: float) -> None:
    record = json.loads(line)
    assert isinstance(record, dict)  # noqa: S101 - `record.encode` wrote it
    id_, at = record["session"], int(record["at"])
    if not db.execute("INSERT OR IGNORE INTO told VALUES (?, ?, ?)", (id_, record["id"], at)).rowcount:
        return
    state = dict(db.execute("SELECT field, value FROM state WHERE session = ?", (id_,)).fetchall())
    current = not record["replace"] or _number(state.get("listed")) <= at
    new = _changes(record, state, at)
    for field, text in new.items():
        if text:
            db.execute(_PUT_STATE, (id_, field, text))
        else:
            db.execute("DELETE FROM state WHERE session = ? AND field = ?", (id_, field))
    if record["log"]:
        db.execute("INSERT INTO log (session, entry) VALUES (?, ?)", (id_, record["log"]))
        db.execute(_TRIM_LOG, (id_, id_, limits.LOG))
    if record["files"]:
        count = "INSERT INTO files VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET edits = edits + 1"
        db.executemany(count, [(id_, path) for path in record["files"]])
        db.execute(_TRIM_FILES, (id_, id_, limits.FILES))
        _count_days(db, id_, at // limits.DAY, [(path, 1) for path in record["files"]])
    if current:
        if record["replace"]:
            db.execute("DELETE FROM tasks WHERE session = ?", (id_,))
        _put_tasks(db, id_, record["tasks"])
    _index(db, id_, str(new.get("project") or state.get("project") or ""), at, expires)


def _count_days(db: "Connection", session: str, day: int, files: "Iterable[tuple[str, int]]") -> None:
    """The counts of days that nobody asks about any more go first; then no further file is counted."""
    db.execute(_DAYS)
    held = "SELECT count(*) FROM days WHERE session = ?"
    if db.execute(held, (session,)).fetchone()[0] >= limits.DAYS:
        db.execute("DELETE FROM days WHERE session = ? AND day <= ?", (session, day - limits.WEEK))
    count = "UPDATE days SET edits = edits + ? WHERE session = ? AND day = ? AND path = ?"
    for path, edits in files:
        if not db.execute(count, (edits, session, day, path)).rowcount and (
            db.execute(held, (session,)).fetchone()[0] < limits.DAYS
        ):
            db.execute("INSERT INTO days VALUES (?, ?, ?, ?)", (session, day, path, edits))


def _edited(db: "Connection", question: Question, now: float) -> list[tuple[str, int]]:
    if not question.edited or not _has_days(db):
        return []
    today, since = question.now // limits.DAY, question.now - limits.WEEK * limits.DAY
    rest = (question.project, since, now, limits.RECENT, question.edited)
    return db.execute(_EDITED, (limits.WEEK - 1, today, today - limits.WEEK, *rest)).fetchall()


def _has_days(db: "Connection") -> bool:
    return db.execute("SELECT 1 FROM sqlite_master WHERE name = 'days'").fetchone() is not None


def _changes(record: "dict[str, Any]", state: dict[str, str], at: int) -> dict[str, str]:
    """The fields of the state that the record gives another text; an empty one takes the field away."""
    new: dict[str, str] = {}
    if not 0 < _number(state.get("started")) <= at:
        new["started"] = record["at"]
    stamps: dict[str, dict[str, str]] = {"active": {}} if record["active"] else {}
    if record["replace"]:
        stamps["listed"] = {}
    for stamp, fields in {**stamps, **record["state"]}.items():
        if _number(state.get(stamp)) <= at:
            new[stamp] = record["at"]
            new.update(fields)
    for field in record["count"]:
        new[field] = str(_number(state.get(field)) + 1)
    if record["project"]:
        new["project"] = record["project"]
    return new


def _keep(db: "Connection", session: str, now: float, expires: float) -> None:
    """Gives the session its time to live; one whose time was up begins anew."""
    if db.execute("SELECT 1 FROM sessions WHERE id = ? AND expires <= ?", (session, now)).fetchone():
        _forget(db, session)
    db.execute(
        "INSERT INTO sessions VALUES (?, '', ?, ?) ON CONFLICT DO UPDATE SET expires = excluded.expires",
        (session, int(now * 1000), expires),
    )


def _put_tasks(db: "Connection", session: str, tasks: list[tuple[str, str, str]]) -> None:
    for task, subject, status in tasks:
        held = db.execute("SELECT count(*) FROM tasks WHERE session = ?", (session,)).fetchone()[0]
        known = db.execute(
            "SELECT 1 FROM tasks WHERE session = ? AND field = ?", (session, f"{task}:status")
        ).fetchone()
        if not known and held >= 2 * limits.TASKS:
            continue
        if subject:
            db.execute(_PUT_TASK, (session, task, subject))
        if status:
            db.execute(_PUT_TASK, (session, f"{task}:status", status))


def _index(db: "Connection", session: str, project: str, at: int, expires: float) -> None:
    db.execute(
        """INSERT INTO sessions VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET
            project = excluded.project, active = max(active, excluded.active), expires = excluded.expires""",
        (session, project, at, expires),
    )
    beyond = "SELECT id FROM sessions WHERE project = ? ORDER BY active DESC LIMIT -1 OFFSET ?"
    for (old,) in db.execute(beyond, (project, limits.SESSIONS)).fetchall():
        _forget(db, old)


def _drop_expired(db: "Connection", now: float) -> None:
    expired = "SELECT id FROM sessions WHERE expires <= ? LIMIT ?"
    for (session,) in db.execute(expired, (now, _EXPIRED_AT_ONCE)).fetchall():
        _forget(db, session)
    old = "DELETE FROM told WHERE rowid IN (SELECT rowid FROM told WHERE at < ? LIMIT ?)"
    db.execute(old, (int((now - limits.TOLD_TTL) * 1000), _TOLD_AT_ONCE))


def _forget(db: "Connection", session: str) -> bool:
    for table in _OF_SESSION if _has_days(db) else [name for name in _OF_SESSION if name != "days"]:
        db.execute(f"DELETE FROM {table} WHERE session = ?", (session,))  # noqa: S608 - names of our own
    return db.execute("DELETE FROM sessions WHERE id = ?", (session,)).rowcount > 0


def _answer(db: "Connection", question: Question, now: float) -> History:
    notes = dict(db.execute("SELECT id, note FROM notes WHERE project = ?", (question.project,)).fetchall())
    found = []
    if question.own:
        found.append(_past(db, question.own, question.entries, question.files, now))
    near, any_ = question.near, question.any
    newest = """SELECT sessions.id, (SELECT value FROM state WHERE session = sessions.id AND field = 'branch')
        FROM sessions WHERE project = ? AND expires > ? ORDER BY active DESC LIMIT ?"""
    for session, branch in db.execute(newest, (question.project, now, question.sessions)).fetchall():
        if session == question.own:
            continue
        detailed = any_ > 0
        if near > 0 and branch == question.branch:
            near, detailed = near - 1, True
        any_ -= 1
        found.append(_past(db, session, question.entries if detailed else 0, question.files, now))
    return History(notes, [past for past in found if past is not None], _edited(db, question, now))


def _past(db: "Connection", session: str, entries: int, files: int, now: float) -> Past | None:
    if not db.execute("SELECT 1 FROM sessions WHERE id = ? AND expires > ?", (session, now)).fetchone():
        return None
    state = dict(db.execute("SELECT field, value FROM state WHERE session = ?", (session,)).fetchall())
    if not entries:
        return Past(session, state)
    log = "SELECT entry FROM log WHERE session = ? ORDER BY id DESC LIMIT ?"
    paths = "SELECT path, edits FROM files WHERE session = ? ORDER BY edits DESC, path DESC LIMIT ?"
    return Past(
        session,
        state,
        [entry for (entry,) in db.execute(log, (session, entries)).fetchall()],
        db.execute(paths, (session, files)).fetchall(),
        dict(db.execute("SELECT field, value FROM tasks WHERE session = ?", (session,)).fetchall()),
    )


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() and len(text) < 20 else 0
