"""The post in the embedded store: a file of its own, for results make room for each other and messages do not.

Each step is a part of a transaction; `now` is in unix ms, `proof` is "" for who has no token.

    agents   id · project · session · fields, JSON · active, ended and started, ms · kept ·
             paced, ms, and shown: how much since then
    numbers  project · base · last
    inbox    entry (order of sending) · recipient · project · message · expires, ms ·
             taken, ms, 0 before: what a consumer group knows of an entry
    shown    recipient · id · at, ms
    talk     entry · project · recipient · message · at, ms
    edits    place · agent, or two of them for a meeting · at, ms

Versions: 1, without paced and shown. 2, the above.
"""

from skillcache.core import json
from skillcache.messages import message as limits
from skillcache.messages.inbox import (
    DENIED,
    FULL,
    GONE,
    STOP,
    STOP_AGAIN,
    UNKNOWN,
    WORK,
    Delivery,
    Denied,
    Letter,
    Meeting,
    Post,
    Taken,
)
from skillcache.messages.message import (
    ENDED,
    EXPIRED,
    MARK,
    TEXT,
    decode,
    mark_of,
    proof_of,
    returned,
    stamped,
)
from skillcache.stores.sqlite import SqliteStore
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
    message = decode(row[0]) if row else None
    if message is None or message.bounce or message["kind"] != TEXT or not message["from"]:
        return
    if not is_gone(db, message["from"], now):
        text = returned(row[0], why, now)
        if unread(db, message["from"]) < limits.INBOX:
            put(db, message["from"], row[1], text, now + limits.MOST_TTL * 1000)
        tell(db, row[1], message["from"], text, now)


def sweep(db: "Connection", project: str, now: int) -> None:
    expired = """SELECT entry FROM inbox WHERE project = ? AND expires <= ? AND taken < ?
        ORDER BY expires LIMIT ?"""
    given = (project, now, now - limits.GRACE * 1000, limits.SWEEP)
    for (entry,) in db.execute(expired, given).fetchall():
        give_back(db, entry, EXPIRED, now)


def finish(db: "Connection", id_: str, now: int) -> None:
    db.execute("UPDATE agents SET ended = ? WHERE id = ? AND project <> ''", (now, id_))
    for (entry,) in db.execute("SELECT entry FROM inbox WHERE recipient = ? ORDER BY entry", (id_,)).fetchall():
        give_back(db, entry, ENDED, now)


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


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any, TypeVar

    from skillcache.stores.sqlite_file import Connection

    T = TypeVar("T")

_LATELY = 10_000  # ms; an agent that was active so short ago is not written down as active again
_FIND = "SELECT project, fields, active, ended, started, kept, paced, shown FROM agents WHERE id = ? AND project <> ''"
_INSERT = "INTO agents (id, project, session, fields, active, ended, started, kept) VALUES (?, ?, ?, ?, ?, 0, ?, 0)"


class SqlitePost(SqliteStore, Post):
    _layout = LAYOUT

    @property
    def _ms(self) -> int:
        return int(self._now * 1000)

    def register(self, id_: str, fields: dict[str, str], base: str) -> str:
        project, proof = fields["project"], proof_of(self.token)

        def work(db: "Connection") -> str:
            held = db.execute(_FIND, (id_,)).fetchone()
            noted = db.execute("SELECT fields FROM agents WHERE id = ?", (id_,)).fetchone()
            known = fields_of(noted[0]) if noted else {}
            if known.get("proof", proof) != proof:  # who was called so is gone, and another comes
                finish(db, id_, self._ms)
                held, known = None, {}
            kept = {**known, **fields, **({"proof": proof} if proof else {})}
            name = known.get("name", "")
            if not base:
                kept["name"] = name_of(db, project, id_, fields.get("name", name), name, proof, self._ms)
            elif not name or held[0] != project:
                kept["name"] = f"{base}-{next_number(db, project, base)}"
            else:
                kept["name"] = name
            started = held[4] if held else self._ms
            row = (id_, project, kept.get("session", ""), json.dumps(kept), self._ms, started)
            db.execute(f"INSERT OR REPLACE {_INSERT}", row)
            drop_old(db, self._ms)
            return kept.get("name", "")

        return self._act(id_, work)

    def look(self, id_: str, fields: dict[str, str], *, moment: str = WORK, most: int = 0, ends: bool = False) -> int:
        now, proof = self._ms, proof_of(self.token)
        # An older version may have registered it.
        given = {**fields, "proof": proof} if proof else fields

        def is_to_wait(held: "tuple[Any, ...]") -> bool:
            kept, paced, shown = map(int, held[5:])
            if now - paced < limits.PACE_TIME * 1000 and shown >= limits.PACE:
                return True
            return moment == STOP_AGAIN and kept >= most

        def read(db: "Connection") -> tuple[int, bool]:
            """How many wait, and whether there is anything to write: mostly not, and a reader waits for nobody."""
            held = db.execute(_FIND, (id_,)).fetchone()
            if held is None or now - held[2] > limits.AGENT_TTL * 1000:
                return UNKNOWN, False
            if not may_act(db, id_, proof, now):
                return DENIED, False
            waiting = 0 if is_to_wait(held) else unread(db, id_)
            known = fields_of(held[1])
            changed = any(known.get(name, "") != text for name, text in given.items())
            due = "SELECT 1 FROM inbox WHERE project = ? AND expires <= ? LIMIT 1"
            stale = changed or held[3] or now - held[2] > _LATELY or (moment == STOP and held[5])
            return waiting, bool(stale or ends or db.execute(due, (held[0], now)).fetchone())

        def write(db: "Connection") -> int:
            if not self._may_act(db, id_):
                return DENIED
            held = db.execute(_FIND, (id_,)).fetchone() or ("", "{}", 0, 0, 0, 0, 0, 0)
            update = "UPDATE agents SET fields = ?, active = ?, ended = 0, kept = ? WHERE id = ?"
            kept = 0 if moment == STOP else held[5]
            db.execute(update, (json.dumps({**fields_of(held[1]), **given}), now, kept, id_))
            sweep(db, held[0], now)
            waiting = 0 if is_to_wait(held) else unread(db, id_)
            if ends and not waiting:
                finish(db, id_, now)
            return waiting

        waiting, stale = self._read(read) or (UNKNOWN, False)
        return self._write(write) if stale else waiting

    def note(self, id_: str, fields: dict[str, str]) -> None:
        def work(db: "Connection") -> None:
            if not self._may_act(db, id_):
                return
            db.execute(f"INSERT OR IGNORE {_INSERT}", (id_, "", "", "{}", self._ms, self._ms))
            (known,) = db.execute("SELECT fields FROM agents WHERE id = ?", (id_,)).fetchone()
            kept = json.dumps({**fields_of(known), **fields})
            db.execute("UPDATE agents SET fields = ? WHERE id = ?", (kept, id_))

        self._write(work)

    def end(self, id_: str) -> bool:
        def work(db: "Connection") -> bool:
            if not self._may_act(db, id_):
                return False
            finish(db, id_, self._ms)
            alive = "SELECT id FROM agents WHERE session = ? AND id <> ? AND ended = 0"
            for (other,) in db.execute(alive, (id_, id_)).fetchall():
                if self._may_act(db, other):
                    finish(db, other, self._ms)
            return True

        return self._write(work)

    def agents(self, project: str) -> tuple[int, list[dict[str, str]]]:
        some = """SELECT id, fields, active, ended, started FROM agents WHERE project = ? AND active >= ?
            AND ended {} 0 ORDER BY active DESC, id DESC LIMIT ?"""
        given = (project, self._ms - limits.AGENT_TTL * 1000, limits.AGENTS)
        found = self._read(
            lambda db: [row for which in "=>" for row in db.execute(some.format(which), given).fetchall()]
        )
        rows = sorted(found or [], key=lambda row: (row[2], row[0]), reverse=True)
        times = [{"active": str(row[2]), "started": str(row[4]), **when("ended", row[3])} for row in rows]
        return self._ms, [{**fields_of(row[1]), **time, "id": row[0]} for row, time in zip(rows, times, strict=True)]

    def find(self, id_: str) -> dict[str, str]:
        query = "SELECT fields FROM agents WHERE id = ?"
        row = self._read(lambda db: db.execute(query, (id_,)).fetchone())
        return fields_of(row[0]) if row else {}

    def send(self, letters: "Iterable[Letter]") -> list[int]:
        given, now = list(letters), self._ms

        def work(db: "Connection") -> list[int]:
            found = []
            for letter in given:
                if is_gone(db, letter.to, now):
                    found.append(GONE)
                elif unread(db, letter.to) >= limits.INBOX:
                    found.append(FULL)
                else:
                    expires = now + letter.ttl * 1000
                    text = stamped(letter.envelope.decode("ascii"), at=now, expires=expires)
                    put(db, letter.to, letter.project, text, expires)
                    tell(db, letter.project, letter.to, text, now)
                    found.append(0)  # nobody counts listeners here
            if given:
                sweep(db, given[0].project, now)
                drop_old(db, now)
            return found

        return self._write(work)

    def take(self, id_: str, count: int) -> Taken:
        now = self._ms

        def work(db: "Connection") -> Taken:
            held = db.execute(_FIND, (id_,)).fetchone()
            if held and now - held[2] > _LATELY and fields_of(held[1]).get("proof"):  # who reads its messages is there
                db.execute("UPDATE agents SET active = ? WHERE id = ?", (now, id_))
            found: list[Delivery] = []
            size, seen = 0, set()
            oldest = """SELECT entry, message, taken, expires FROM inbox
                WHERE recipient = ? ORDER BY taken = 0, entry LIMIT ?"""
            for entry, text, taken, expires in db.execute(oldest, (id_, count)).fetchall():
                message = decode(text)
                known = "SELECT 1 FROM shown WHERE recipient = ? AND id = ?"
                if message is not None and (
                    message["id"] in seen or db.execute(known, (id_, message["id"])).fetchone()
                ):
                    drop(db, entry)
                elif expires <= now:
                    give_back(db, entry, EXPIRED, now)
                elif size < limits.TAKE:
                    db.execute("UPDATE inbox SET taken = ? WHERE entry = ?", (now, entry))
                    found.append(Delivery(str(entry), text, again=taken > 0))
                    size += len(text)
                    seen |= {message["id"]} if message is not None and message["id"] else set()
            return Taken(now, fields_of(held[1]).get("name", "") if held else "", found)

        return self._act(id_, work)

    def settle(
        self,
        id_: str,
        shown: "Iterable[tuple[str, str]]",
        returned: "Iterable[tuple[str, str]]" = (),
        *,
        size: int = 0,
        stopped: bool = False,
    ) -> None:
        first, last = list(shown), list(returned)

        def work(db: "Connection") -> None:
            for entry, message in first:
                drop(db, int(entry))
                if message:
                    db.execute("INSERT OR REPLACE INTO shown VALUES (?, ?, ?)", (id_, message, self._ms))
            for entry, why in last:
                give_back(db, int(entry), why, self._ms)
            if stopped:
                db.execute("UPDATE agents SET kept = kept + 1 WHERE id = ?", (id_,))
            if size:
                began = "UPDATE agents SET paced = ?, shown = 0 WHERE id = ? AND paced <= ?"
                db.execute(began, (self._ms, id_, self._ms - limits.PACE_TIME * 1000))
                db.execute("UPDATE agents SET shown = shown + ? WHERE id = ?", (size, id_))

        self._act(id_, work)

    def edited(self, id_: str, place: str) -> list[Meeting]:
        now = self._ms

        def work(db: "Connection") -> list[Meeting]:
            own = db.execute(_FIND, (id_,)).fetchone()
            if not own or not self._may_act(db, id_):
                return []
            db.execute("DELETE FROM edits WHERE place = ? AND at < ?", (place, now - limits.COLLISION * 1000))
            rows = db.execute("SELECT agent, at FROM edits WHERE place = ? ORDER BY at, agent", (place,)).fetchall()
            known = {agent for agent, _ in rows}
            met = [Meeting(id_, fields_of(own[1]).get("name", ""), 0)]
            for other, at in rows:
                pair = " ".join(sorted((id_, other)))
                held = db.execute(_FIND, (other,)).fetchone()
                if other == id_ or held is None or pair in known or is_gone(db, other, now):
                    continue
                db.execute("INSERT INTO edits VALUES (?, ?, ?)", (place, pair, now))
                met.append(Meeting(other, fields_of(held[1]).get("name", ""), now - at))
            db.execute("INSERT OR REPLACE INTO edits VALUES (?, ?, ?)", (place, id_, now))
            drop_old(db, now)
            return met

        return self._write(work)

    def _may_act(self, db: "Connection", id_: str) -> bool:
        return may_act(db, id_, proof_of(self.token), self._ms)

    def _act(self, id_: str, work: "Callable[[Connection], T]") -> "T":
        """What `work` gives, as the agent. Raises Denied."""
        found = self._write(lambda db: (work(db),) if self._may_act(db, id_) else None)
        if found is None:
            raise Denied(id_)
        return found[0]

    def talk(self, project: str, after: str = "") -> list[tuple[str, str]]:
        return self._said("project", project, after)

    def overhear(self, id_: str, after: str = "") -> list[tuple[str, str]]:
        """What a listener on an agent's channel would hear: as `talk`, of what was sent to the agent."""
        return self._said("recipient", id_, after)

    def _said(self, column: str, value: str, after: str) -> list[tuple[str, str]]:
        query = f"""SELECT entry, message FROM talk WHERE {column} = ? AND entry > ?
            ORDER BY entry DESC LIMIT {limits.TALK}"""  # noqa: S608 - names of our own
        rows = self._read(lambda db: db.execute(query, (value, int(after or 0))).fetchall()) or []
        return [(str(entry), text) for entry, text in rows[::-1]]
