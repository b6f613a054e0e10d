"""The store, and the records that wait for it."""

import os
import time
from contextlib import closing

import redis

from skillcache.cli.checks import MEND, NOTE, OK, Finding, Place, folder
from skillcache.cli.checks.folder import Kind
from skillcache.cli.invalidate import RedisContents, contents_of
from skillcache.cli.output import duration, is_of_a_cluster, mend_of, place_of, size
from skillcache.cli.setup.client_environment import place_of as named_by
from skillcache.cli.setup.client_environment import settings_of, stores_of_untrusted
from skillcache.core.outcomes import StoreError
from skillcache.core.paths import HOME_VARIABLE, config_file, spool_file
from skillcache.settings.in_force import Settings
from skillcache.settings.team import VARIABLE
from skillcache.stores import open_store
from skillcache.stores.contract import NAMES_KEY, channel, entry_key

_SUBJECT, _TEAM = "store", "team"
_SLOW = 50  # milliseconds: a lookup over this costs more than all else that a hook does
_SKEW = 60  # seconds between two clocks before the ages of results mislead


def check_store(place: Place) -> list[Finding]:
    """The store, reached as a hook reaches it, how long that takes, and whether it takes what hooks write."""
    settings = settings_of(place.environ, place.project)
    if settings is None:
        return []
    named = named_by(settings.named, place.environ, place.project)
    where = place_of(settings.store)
    try:
        took = min(_time_lookup(settings.store, place.now) for _ in range(3))
    except StoreError as fault:
        return [_failing(fault, settings.store, named), *_of_the_terminal(place, settings, named)]
    slow = took > _SLOW
    text = f"{where} answers in {duration(took)}" + (": each lookup waits for that" if slow else "")
    refused = _check_writes(settings, place.now, named)
    if not refused and not slow:
        text += " and takes what hooks write"
    findings = [Finding(NOTE if slow else OK, _SUBJECT, text), *refused]
    with closing(contents_of(settings.store)) as contents:
        if isinstance(contents, RedisContents):
            findings += [*_check_clock(contents, place), *_check_eviction(contents), *_check_snapshots(contents)]
            findings += _check_lacks(contents, settings.store, named, [each.mend for each in refused])
    return [*findings, *_of_the_terminal(place, settings, named)]


def _failing(fault: StoreError, target: str, named: str) -> Finding:
    text = f"{place_of(target)}: {fault}"
    if is_of_a_cluster(fault, target):
        text = f"{place_of(target)} is part of a cluster, where keys of one call have to be named alike"
    return Finding(MEND, _SUBJECT, text, mend_of(fault, target, named))


def _check_writes(settings: Settings, now: float, named: str) -> list[Finding]:
    """A finding for each mend: a server has more than one word for one reason."""
    mends: dict[str, list[Kind]] = {}
    faults = folder.refused(settings, now)
    for kind, fault in faults.items():
        mends.setdefault(mend_of(fault, settings.store, named), []).append(kind)
    findings = []
    for mend, kinds in mends.items():
        fault = faults[kinds[0]]
        if is_of_a_cluster(fault, settings.store):
            findings.append(_failing(fault, settings.store, named))
            continue
        level = MEND if any(kind.matters(settings) for kind in kinds) else NOTE
        text = f"{place_of(settings.store)} does not take {_listed([kind.what for kind in kinds])}: {fault}"
        findings.append(Finding(level, _SUBJECT, text, mend))
    return findings


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _of_the_terminal(place: Place, settings: Settings, named: str) -> list[Finding]:
    """Which store the commands of this terminal act on, where that is not plain."""
    unheard = [
        Finding(NOTE, _SUBJECT, f"{path} names a store for hooks, which counts once Claude Code was told to trust it")
        for path in stores_of_untrusted(place.environ, place.project)
    ]
    if place.terminal is None:
        return unheard
    own = settings_of(place.terminal, place.project)
    if own is not None and own.store != settings.store:
        text = f"hooks act on {place_of(settings.store)}, commands in this terminal on {place_of(own.store)}"
        mend = f"unset {own.named or HOME_VARIABLE}, or make both the same"
        return [Finding(NOTE, _SUBJECT, text, mend), *unheard]
    if settings.named and named != settings.named:
        return [Finding(OK, _SUBJECT, f"hooks and the commands in this terminal act on it, by {named}"), *unheard]
    return unheard


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


def _check_snapshots(contents: RedisContents) -> list[Finding]:
    try:
        if not contents.has_snapshots_alone():
            return []
    except (redis.RedisError, KeyError, ValueError):  # as above, or an old server
        return []
    text = f"{contents.place} keeps snapshots alone: after a crash what was invalidated since the last may be served"
    return [Finding(NOTE, _SUBJECT, text, "redis-cli CONFIG SET appendonly yes, and the same in its configuration")]


# What no hook writes, by which it would be found, and what is lost without it.
_WALK = "lets nobody look through it: entries, clear and invalidations by pattern fail, others leave what expires"
_LACKS = (
    (("SCAN", "0", "COUNT", "1"), _WALK),
    (("SSCAN", NAMES_KEY, "0"), _WALK),
    (
        ("PUBLISH", channel("skillcache-doctor"), ""),
        "passes nothing on to who listens on a channel; inboxes are read all the same",
    ),
    (("INFO", "memory"), "does not say whether it evicts what an invalidation has written, nor what it keeps"),
    (("WAIT", "0", "1"), "promises of no replica that takes over that it knows the newest invalidations and messages"),
)


def _check_lacks(contents: RedisContents, target: str, named: str, mends: list[str]) -> list[Finding]:
    """A finding for each loss that none of `mends` takes away. WAIT is asked in a cluster alone."""
    found: dict[str, Finding] = {}
    for words, loss in _LACKS:
        if words[0] == "WAIT" and "+cluster://" not in target:
            continue
        try:
            contents.require(*words)
        except StoreError as fault:
            mend = mend_of(fault, target, named)
            if loss not in found and mend not in mends:
                found[loss] = Finding(NOTE, _SUBJECT, f"{contents.place} {loss}: {fault}", mend)
    return list(found.values())


def check_spool(place: Place) -> list[Finding]:
    """Records of sessions that wait for a store which was out of reach."""
    settings = settings_of(place.environ, place.project)
    if settings is None:
        return []
    try:
        waiting = os.stat(spool_file(settings.cache, settings.store)).st_size
    except OSError:
        return []
    if not waiting:
        return []
    text = (
        f"{size(waiting)} of sessions' records wait for the store; the next hook or command that reaches it takes them"
    )
    return [Finding(NOTE, "sessions", text)]


def check_team(place: Place) -> list[Finding]:
    """Who is believed of what lies in a shared store."""
    settings = settings_of(place.environ, place.project)
    if settings is None or not settings.named:
        return []
    keys = settings.keys
    if keys is None:
        if not settings.word("team"):
            return []
        text = f"whoever writes to {place_of(settings.store)} is believed: the team has no key"
        return [Finding(NOTE, _TEAM, text, "skillcache team key")]
    if VARIABLE in place.environ and settings.named == config_file(place.environ):
        text = (
            f"{settings.named} names the store and only {VARIABLE} the key: where that is missing anybody is believed"
        )
        return [Finding(MEND, _TEAM, text, "write team_key_file into the same file, and the keys into that")]
    trusted = ", ".join(keys.writers) or "all who have one"
    ids = ", ".join(key.id for key in keys.keys)
    return [Finding(OK, _TEAM, f"signs as {keys.writer} with the key {keys.keys[0].id}; of {ids} it trusts {trusted}")]
