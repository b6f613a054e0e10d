"""The store, reached as a hook reaches it, and how long that takes."""

import time

import redis

from skillcache.cli.checks import MEND, NOTE, OK, Finding, Place
from skillcache.cli.checks.configuration import settings_of
from skillcache.cli.contents import RedisContents, contents_of
from skillcache.cli.quantities import duration
from skillcache.errors import SkillcacheError, StoreError
from skillcache.redis_keys import entry_key
from skillcache.stores import EMBEDDED, open_store

_SUBJECT = "store"
_OF_A_CLUSTER = ("CROSSSLOT", "MOVED", "CLUSTERDOWN")
_SLOW = 50  # milliseconds: a lookup over this costs more than all else that a hook does
_SKEW = 60  # seconds between two clocks before the ages of results mislead


def check(place: Place) -> list[Finding]:
    settings = settings_of(place)
    if settings is None:
        return []
    try:
        contents = contents_of(settings.store)
        store = open_store(settings.store, now=place.now)
        try:
            store.ping()
        finally:
            store.close()
        took = min(_time_lookup(settings.store, place.now) for _ in range(3))
    except StoreError as fault:
        if fault.detail in _OF_A_CLUSTER and "+cluster" not in settings.store:
            text = f"{contents.place} is part of a cluster, where keys of one call have to be named alike"
            return [Finding(MEND, _SUBJECT, text, "write redis+cluster:// in place of redis://")]
        return [Finding(MEND, _SUBJECT, f"{contents.place}: {fault}", _mend(settings.store))]
    except SkillcacheError as fault:
        return [Finding(MEND, _SUBJECT, str(fault), "correct the URL")]
    text = f"{contents.place} answers in {duration(took)}"
    slow = took > _SLOW
    findings = [Finding(NOTE if slow else OK, _SUBJECT, text + (": each lookup waits for that" if slow else ""))]
    if isinstance(contents, RedisContents):
        findings += [*_check_clock(contents, place), *_check_eviction(contents)]
    return findings


def _time_lookup(target: str, now: float) -> float:
    """Milliseconds from opening the store to its answer, as in a hook. Raises StoreError."""
    started = time.monotonic()
    store = open_store(target, now=now)
    try:
        store.get(entry_key("doctor", "0" * 40), ("doctor",))
    finally:
        store.close()
    return (time.monotonic() - started) * 1000


def _check_clock(contents: RedisContents, place: Place) -> list[Finding]:
    try:
        skew = contents.clock() - place.now
    except redis.RedisError:  # an access list may forbid TIME
        return []
    if abs(skew) <= _SKEW:
        return []
    text = f"the clock of {contents.place} is {duration(abs(skew) * 1000)} {'ahead' if skew > 0 else 'behind'}"
    return [Finding(MEND, "clock", text, "set both clocks by the network: sudo timedatectl set-ntp true")]


def _check_eviction(contents: RedisContents) -> list[Finding]:
    try:
        policy = contents.evicts()
    except redis.RedisError:  # an access list may forbid INFO
        return []
    if not policy:
        return []
    text = f"{contents.place} evicts by {policy}: with what an invalidation has written, old results may come back"
    return [Finding(MEND, "eviction", text, "redis-cli CONFIG SET maxmemory-policy volatile-lru")]


def _mend(target: str) -> str:
    if target.startswith(EMBEDDED):
        return "check that disk and folder can be written, then: skillcache clear"
    return "start the server, or correct SKILLCACHE_REDIS_URL, REDIS_URL, REDIS_HOST or redis_url"
