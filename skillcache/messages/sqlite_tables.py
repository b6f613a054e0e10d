"""The tables of the post in the embedded store, and the steps that several of its calls have in common.

Each step is a part of a transaction; `now` is in unix ms.

    agents   id · project · session · fields, JSON · active, ended and started, ms · kept ·
             paced, ms, and shown: how much since then
    numbers  project · base · last
    inbox    entry (order of sending) · recipient · project · message · expires, ms ·
             taken, ms, 0 before: what a consumer group knows of an entry
    shown    recipient · id · at, ms
    talk     entry · project · recipient · message · at, ms
    edits    place · agent, or two of them for a meeting · at, ms

Versions: 1, without paced and shown. 2, the above.

What the post in the embedded store asks of who comes: whether an agent is theirs, and what a person is called.

Each is a part of a transaction; `now` is in unix ms, `proof` is "" for who has no token.
"""

from skillcache.core import json
from skillcache.messages import limits
from skillcache.messages import message as messages
from skillcache.messages.proof import MARK, mark_of
from skillcache.stores.sqlite_file import Layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.stores.sqlite_file import Connection


LAYOUT = Layout(
    2,
    """
CREATE TABLE agents (id TEXT PRIMARY KEY, project TEXT NOT NULL, session TEXT NOT NULL, fields TEXT NOT NULL,
    active INTEGER NOT NULL, ended INTEGER NOT NULL, started INTEGER NOT NULL, kept INTEGER NOT NULL,
    paced INTEGER NOT NULL DEFAULT 0, shown INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX agents_of_project ON agents (project, active);
CREATE INDEX agents_of_session ON agents (session);
CREATE INDEX agents_active ON agents (active);
CREATE TABLE numbers (project TEXT, base TEXT, last INTEGER NOT NULL, PRIMARY KEY (project, base)) WITHOUT ROWID;
CREATE TABLE inbox (entry INTEGER PRIMARY KEY AUTOINCREMENT, recipient TEXT NOT NULL, project TEXT NOT NULL,
    message TEXT NOT NULL, expires INTEGER NOT NULL, taken INTEGER NOT NULL DEFAULT 0);
CREATE INDEX inbox_of ON inbox (recipient, entry);
CREATE INDEX inbox_due ON inbox (project, expires);
CREATE INDEX inbox_expires ON inbox (expires);
CREATE TABLE shown (recipient TEXT, id TEXT, at INTEGER NOT NULL, PRIMARY KEY (recipient, id)) WITHOUT ROWID;
CREATE INDEX shown_at ON shown (at);
CREATE TABLE talk (entry INTEGER PRIMARY KEY AUTOINCREMENT, project TEXT NOT NULL, recipient TEXT NOT NULL,
    message TEXT NOT NULL, at INTEGER NOT NULL);
CREATE INDEX talk_of ON talk (project, entry);
CREATE INDEX talk_to ON talk (recipient, entry);
CREATE INDEX talk_at ON talk (at);
CREATE TABLE edits (place TEXT, agent TEXT, at INTEGER NOT NULL, PRIMARY KEY (place, agent)) WITHOUT ROWID;
CREATE INDEX edits_at ON edits (at);
""",
)
_OLD = 64  # rows of each kind that one writing drops


def fields_of(text: str) -> dict[str, str]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def when(name: str, ms: int) -> dict[str, str]:
    return {name: str(ms)} if ms else {}


def next_number(db: "Connection", project: str, base: str) -> int:
    raise_ = """INSERT INTO numbers VALUES (?, ?, 1)
        ON CONFLICT (project, base) DO UPDATE SET last = last + 1 RETURNING last"""
    return int(db.execute(raise_, (project, base)).fetchall()[0][0])


def is_gone(db: "Connection", id_: str, now: int) -> bool:
    row = db.execute("SELECT ended, active FROM agents WHERE id = ?", (id_,)).fetchone()
    return row is not None and (row[0] > 0 or now - row[1] > limits.AGENT_TTL * 1000)


def unread(db: "Connection", recipient: str) -> int:
    return int(db.execute("SELECT count(*) FROM inbox WHERE recipient = ?", (recipient,)).fetchone()[0])


def put(db: "Connection", recipient: str, project: str, text: str, expires: int) -> None:
    put = "INSERT INTO inbox (recipient, project, message, expires) VALUES (?, ?, ?, ?)"
    db.execute(put, (recipient, project, text, expires))


def tell(db: "Connection", project: str, recipient: str, text: str, now: int) -> None:
    tell = "INSERT INTO talk (project, recipient, message, at) VALUES (?, ?, ?, ?)"
    db.execute(tell, (project, recipient, text, now))


def drop(db: "Connection", entry: int) -> None:
    db.execute("DELETE FROM inbox WHERE entry = ?", (entry,))


def give_back(db: "Connection", entry: int, why: str, now: int) -> None:
    row = db.execute("SELECT message, project FROM inbox WHERE entry = ?", (entry,)).fetchone()
    drop(db, entry)
    message = messages.decode(row[0]) if row else None
    if message is None or message.bounce or message["kind"] != messages.TEXT or not message["from"]:
        return
    if not is_gone(db, message["from"], now):
        text = messages.returned(row[0], why, now)
        if unread(db, message["from"]) < limits.INBOX:
            put(db, message["from"], row[1], text, now + limits.MOST_TTL * 1000)
        tell(db, row[1], message["from"], text, now)


def sweep(db: "Connection", project: str, now: int) -> None:
    expired = """SELECT entry FROM inbox WHERE project = ? AND expires <= ? AND taken < ?
        ORDER BY expires LIMIT ?"""
    given = (project, now, now - limits.GRACE * 1000, limits.SWEEP)
    for (entry,) in db.execute(expired, given).fetchall():
        give_back(db, entry, messages.EXPIRED, now)


def finish(db: "Connection", id_: str, now: int) -> None:
    db.execute("UPDATE agents SET ended = ? WHERE id = ? AND project <> ''", (now, id_))
    for (entry,) in db.execute("SELECT entry FROM inbox WHERE recipient = ? ORDER BY entry", (id_,)).fetchall():
        give_back(db, entry, messages.ENDED, now)


def drop_old(db: "Connection", now: int) -> None:
    for table, column, key, seconds in (
        ("agents", "active", "id", limits.AGENT_TTL),
        ("shown", "at", "recipient, id", limits.SHOWN_TTL),
        ("edits", "at", "place, agent", limits.COLLISION),
        ("talk", "at", "entry", limits.MOST_TTL),
        ("inbox", "expires", "entry", limits.MOST_TTL),
    ):
        old = f"SELECT {key} FROM {table} WHERE {column} < ? LIMIT ?"  # noqa: S608 - names of our own
        db.execute(f"DELETE FROM {table} WHERE ({key}) IN ({old})", (now - seconds * 1000, _OLD))  # noqa: S608


def may_act(db: "Connection", id_: str, proof: str, now: int) -> bool:
    """Whether who has this proof is the agent, or nobody is proven to be."""
    mark = mark_of(id_)
    if mark:
        return proof[:MARK] == mark
    row = db.execute("SELECT fields, active FROM agents WHERE id = ?", (id_,)).fetchone()
    if row is None or now - row[1] > limits.AGENT_TTL * 1000:
        return True
    return fields_of(row[0]).get("proof", "") in ("", proof)


def name_of(db: "Connection", project: str, id_: str, wanted: str, held: str, proof: str, now: int) -> str:
    """Of a person who asks to be called `wanted` and was called `held` so far.

    What ends like the number of a session or subagent is none of a person's names, and no name of a user has a colon.
    """
    # An unproven one takes it from nobody who is proven.
    alive = "SELECT fields FROM agents WHERE project = ? AND id <> ? AND ended = 0 AND active >= ?"
    rows = db.execute(alive, (project, id_, now - limits.AGENT_TTL * 1000)).fetchall()
    others = [fields_of(fields) for (fields,) in rows]
    taken = {each.get("name", "") for each in others if not proof or each.get("proof")}
    _, dash, number = wanted.rpartition("-")
    looks_numbered = bool(dash and number.isascii() and number.isdigit())
    prefix = f"{wanted}:"
    is_own = held == wanted or held.startswith(prefix)
    if held and is_own and held not in taken:
        return held
    if not looks_numbered and wanted not in taken:
        return wanted
    while True:
        found = f"{prefix}{next_number(db, project, prefix) + (not looks_numbered)}"
        if found not in taken:
            return found
