"""What people and models are told of an entry that is served."""

from skillcache.cache.writer import is_same_person
from skillcache.stores.entry import Entry


def origin(entry: Entry, session_id: str) -> str:
    """Who recorded it, as `session_id` would say."""
    if not is_same_person(entry.writer):
        return f"by {_word(entry.writer.get('user'))} on {_word(entry.writer.get('host'))}"
    same = entry.writer.get("session") == session_id
    return "in this session" if same else "on this machine, by another session"


def age_of(entry: Entry, now: float) -> str:
    """How long ago the run ended, in one unit."""
    seconds = max(0, int(now - entry.finished / 1000))
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= 2 * size or (unit == "minute" and seconds >= size):
            count = seconds // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{seconds} second{'s' if seconds != 1 else ''}"


def _word(text: str | None) -> str:
    """A name from the store, which others may write, as one harmless word."""
    plain = "".join(c for c in text or "" if c.isalnum() or c in "-_.@")
    return plain[:64] or "someone"
