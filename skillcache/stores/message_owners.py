"""What the post in the embedded store asks of who comes: whether an agent is theirs, and what a person is called.

Each is a part of a transaction; `now` is in unix ms, `proof` is "" for who has no token.
"""

from skillcache.messages import limits
from skillcache.messages.proof import MARK, mark_of
from skillcache.stores.message_tables import fields_of, next_number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.stores.sqlite_driver import Connection


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
