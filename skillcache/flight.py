"""One run for all: who is about to run a call claims its key, and who comes second waits for that run's result.

A claim has a lease, so that a run that was killed holds nobody for ever; hooks are too short-lived to renew one, so the
lease is sized by what is known of the command, and a client that is seen to be gone holds nobody at all. Whoever waits
looks again at what the call depends on afterwards.
"""

import math
import os
import time

from skillcache import durations, files, jsontext
from skillcache.call import Call
from skillcache.consultation import Consultation, consult
from skillcache.digest import digest
from skillcache.errors import StoreError
from skillcache.key import digest_of
from skillcache.miss import Miss
from skillcache.outcome import EXPIRED, INVALIDATED, NO_ENTRY, UNREADABLE_ENTRY
from skillcache.paths import pending_folder
from skillcache.plan import BASH, Plan
from skillcache.runtime import World
from skillcache.sessions import client
from skillcache.settings import Settings
from skillcache.stores import Claim, Store
from skillcache.writer import person

# After these a run of the same call gives what is missing.
AWAITED = frozenset([NO_ENTRY, EXPIRED, INVALIDATED, UNREADABLE_ENTRY])
_BASH, _AGENT, _OTHER = 120.0, 600.0, 60.0  # seconds that a call of unknown length is taken for
_SHORTEST = 10.0  # seconds of a lease: a busy machine makes quick commands slow
_MARGIN = 2.0  # seconds that are left to us after a wait
_LOOK = 2.0  # seconds between two looks at who holds it
_CAP = 4 << 20
_PROCESS = ("boot", "pid", "pid_start")


class Flight:
    """consulted: what is known now; owner: who holds the claim of the run that now begins, "" for nobody.

    waited: whether another's run was waited for.
    """

    __slots__ = ("consulted", "owner", "waited")

    def __init__(self, consulted: Consultation, owner: str, *, waited: bool) -> None:
        self.consulted = consulted
        self.owner = owner
        self.waited = waited


def board(call: Call, planned: Plan, consulted: Consultation) -> Flight:
    """Claims the run of a miss, or waits for who has it. Raises Bypass for what the call depends on after a wait."""
    most = call.settings.number("wait")
    expected = _expected(call)
    ends = time.monotonic() + min(2 * expected, most)
    owner = owner_of(call)
    waited = False
    store = call.open_store()
    try:
        while True:
            name = consulted.found.digest
            claim = store.claim(name, owner, max(2 * expected, _SHORTEST))
            if not claim.holder:
                return Flight(consulted, owner, waited=waited)
            seconds = min(ends - time.monotonic(), claim.left)
            if seconds <= 0 or not _is_worth_waiting(claim.holder, owner):
                return Flight(consulted, "", waited=waited)
            waited = True
            _wait(call, store, name, claim, seconds)
            consulted = consult(call, planned)
            if consulted.answer.outcome not in AWAITED:
                return Flight(consulted, "", waited=True)
    except StoreError as fault:  # what is known of the miss is still worth keeping
        call.count(fault.outcome, planned.name)
        return Flight(consulted, "", waited=waited)
    finally:
        store.close()


def _wait(call: Call, store: Store, name: str, claim: Claim, seconds: float) -> None:
    """Until the claim is released, at most so long; that of a client that is gone is released here."""
    began = time.monotonic()
    call.world.allow(seconds + _MARGIN)
    while (left := began + seconds - time.monotonic()) > 0 and not store.wait(name, claim.mark, min(left, _LOOK)):
        if _is_gone(claim.holder):
            store.release(name, claim.holder)
            break
    call.world.now += time.monotonic() - began


def _is_gone(holder: str) -> bool:
    """Whether the holder's client is known to have ended."""
    words = holder.split(" ")[2:]
    return (
        len(words) == len(_PROCESS) and client.is_alive(dict(zip(_PROCESS, words, strict=True)), client.here()) is False
    )


def _expected(call: Call) -> float:
    """Seconds that the call may take."""
    if call.event.tool != BASH:
        return _AGENT if call.event.tool == "Agent" else _OTHER
    learnt = durations.learnt(call.cache, call.folder, call.command)
    if learnt is not None:
        return learnt / 1000
    limit = call.event.input.get("timeout")
    return limit / 1000 if isinstance(limit, int | float) and 0 < limit < 1e7 and math.isfinite(limit) else _BASH


def release(call: Call, miss: Miss) -> None:
    """At the end of the run. Raises StoreError."""
    if miss.owner:
        _release(call.world, call.settings.store, [(digest_of(miss.key), miss.owner)])


def release_all(
    world: World, settings: Settings, *, session_id: str, agent_id: str | None, forget: bool = True
) -> None:
    """Release what runs that have not ended for us hold: one agent's, or a whole session's with None.

    An agent that works in the background holds on to its own until its session ends. `forget`: they will never end.
    Raises StoreError.
    """
    beginning = f"{session_id}/" if agent_id is None else f"{session_id}/{agent_id}/"
    found = []
    for path, record in _kept(settings.cache):
        owner, key = record.get("owner"), record.get("key")
        background = path.rpartition("/")[2].startswith("agent-")
        if not isinstance(owner, str) or not isinstance(key, str) or not owner.startswith(beginning):
            continue
        if agent_id is None or not background:
            if forget:
                files.remove(path)
            found.append((digest_of(key), owner))
    _release(world, settings.store, found)


def _kept(cache: str) -> list[tuple[str, dict[str, object]]]:
    kept: list[tuple[str, dict[str, object]]] = []
    try:
        with os.scandir(pending_folder(cache)) as items:
            paths = [item.path for item in items if item.stat(follow_symlinks=False).st_size]
        for path in paths:
            record = jsontext.loads(files.read(path, _CAP) or b"{}")
            if isinstance(record, dict):
                kept.append((path, record))
    except (OSError, ValueError):
        return kept
    return kept


def _release(world: World, target: str, claims: list[tuple[str, str]]) -> None:
    if not claims:
        return
    store = world.open_store(target)
    try:
        for name, owner in claims:
            store.release(name, owner)
    finally:
        store.close()


def owner_of(call: Call) -> str:
    """Session, agent and call; the person, as results of others may not be served here; the client's process."""
    event, pid = call.event, call.world.environ.get("CLAUDE_PID", "")
    process = client.describe(int(pid)) if pid.isdecimal() and len(pid) < 11 else {}
    words = [digest(person().encode()), *(process[name] for name in _PROCESS if name in process)]
    return f"{event.session_id}/{event.agent_id}/{event.tool_use_id} {' '.join(words)}"


def _is_worth_waiting(holder: str, owner: str) -> bool:
    """Not for what another person runs, and not for one's own earlier call: it was denied, or is made twice at once."""
    ours, theirs = owner.split(" "), holder.split(" ")
    return ours[1:2] == theirs[1:2] and ours[0].rpartition("/")[0] != theirs[0].rpartition("/")[0]
