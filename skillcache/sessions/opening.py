"""Opens the journal of sessions that belongs to a store."""

from skillcache.sessions.journal import EMBEDDED, Journal


def open_journal(target: str, *, now: float, patient: bool = False) -> Journal:
    """`target` as `open_store` takes it. `patient`: for a person, who waits longer than a hook. Raises ConfigError."""
    if target.startswith(EMBEDDED):
        from skillcache.sessions.journal_sqlite import SqliteJournal  # a hook pays for one store only

        return SqliteJournal(sessions_file(target.removeprefix(EMBEDDED)), now=now)
    from skillcache.sessions.journal_redis import RedisJournal
    from skillcache.stores.connection import PATIENT  # a hook pays for one store only
    from skillcache.stores.redis_url import parse_url

    return RedisJournal(parse_url(target), PATIENT if patient else None)


def sessions_file(store: str) -> str:
    """Beside the embedded store and not in it: results are dropped to make room, sessions are not."""
    return store.rpartition("/")[0] + "/sessions.sqlite3"
