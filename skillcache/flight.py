"""One run for all: who is about to run a call claims its key, and who comes second waits for that run's result.

A claim has a lease, so that a run that was killed holds nobody for ever; hooks are too short-lived to renew one, so the
lease is sized by what is known of the command, and a client that is seen to be gone holds nobody at all. Whoever waits
looks again at what the call depends on afterwards. Where the run gave no result, all who waited for it run at once;
where it was killed, one does and the others wait on.
"""

import math
import os
import time

from skillcache import durations, files, jsontext, permissions
from skillcache.call import Call
from skillcache.consultation import Consultation, consult
from skillcache.digest import digest
from skillcache.errors import Bypass, StoreError
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
_TICK = 0.01  # seconds after the end of a lease
_STOPS = ("deny", "ask")
_CAP = 4 << 20
_PROCESS = ("boot", "pid", "pid_start")


class Flight:
    """consulted: what is known now; owner: who may hold the claim of the run that now begins, "" for nobody.

    waited: whether another's run was waited for.
    """

    __slots__ = ("consulted", "owner", "waited")

    def __init__(self, consulted: Consultation, owner: str, *, waited: bool) -> None:
        self.consulted = consulted
        self.owner = owner
        self.waited = waited


def board(call: Call, planned: Plan, consulted: Consultation, *, waits: bool) -> Flight:
    """Claims the run of a miss, or waits for who has it. Raises Bypass for what the call depends on after a wait."""
    if _is_stopped(call):
        return Flight(consulted, "", waited=False)
    store = call.open_store()
    passenger = _Passenger(call, planned, consulted, store, waits=waits)
    try:
        while (flight := passenger.step()) is None:
            pass
    except StoreError as fault:  # what is known of the miss is still worth keeping, and a lost answer may be a claim
        call.count(fault.outcome, planned.name)
        return passenger.flight(passenger.owner)
    else:
        return flight
    finally:
        store.close()


class _Passenger:
    """A call on its way to a run of its own or to another's result.

    ends: monotonic seconds at which it waits no longer; looked: whether `consulted` is no older than the last wait;
    in_vain: whether the run that was waited for has ended and left no result.
    """

    __slots__ = (
        "call", "consulted", "ends", "expected", "in_vain", "looked", "owner", "planned", "store", "waited",
    )  # fmt: skip

    def __init__(self, call: Call, planned: Plan, consulted: Consultation, store: Store, *, waits: bool) -> None:
        self.call = call
        self.planned = planned
        self.consulted = consulted
        self.store = store
        self.owner = owner_of(call)
        self.expected = _expected(call)
        self.ends = time.monotonic() + (min(2 * self.expected, call.settings.number("wait")) if waits else 0)
        self.waited = self.in_vain = False
        self.looked = True

    def flight(self, owner: str) -> Flight:
        return Flight(self.consulted, owner, waited=self.waited)

    def step(self) -> Flight | None:
        """None where there is another step. Raises Bypass and StoreError."""
        name = self.consulted.found.digest
        claim = self.store.claim(name, self.owner, max(2 * self.expected, _SHORTEST))
        ours = self.owner if not claim.holder else ""
        left = self.ends - time.monotonic()
        if not ours and not self.in_vain and left > 0 and _is_worth_waiting(claim.holder, self.owner):
            return self._wait(name, claim, left)
        # Free because its run has just ended: whoever looked a moment ago has not seen the result.
        if self.looked and (self.in_vain or not ours or not claim.mark):
            return self.flight(ours)
        self._look(name, ours)
        missing, same = self.consulted.answer.outcome in AWAITED, self.consulted.found.digest == name
        if missing and same:
            return self.flight(ours)
        if ours:
            self.store.release(name, ours)
        return None if missing and time.monotonic() < self.ends else self.flight("")

    def _wait(self, name: str, claim: Claim, left: float) -> Flight | None:
        """For a moment, so that a claim which falls without a word is noticed."""
        began = time.monotonic()
        if not self.waited:
            self.call.world.allow(left + _MARGIN)
        self.waited, self.looked = True, False
        try:
            released = self.store.wait(name, claim.mark, min(left, max(claim.left, _TICK), _LOOK))
        finally:
            self.call.world.now += time.monotonic() - began
        if _is_gone(claim.holder):
            self.store.release(name, claim.holder)
        elif released:
            self._look(name, "")
            if self.consulted.answer.outcome not in AWAITED:
                return self.flight("")
            self.in_vain = True
        return None

    def _look(self, name: str, ours: str) -> None:
        """Whoever cannot look runs without a claim."""
        try:
            self.consulted = consult(self.call, self.planned)
        except Bypass:
            if ours:
                self.store.release(name, ours)
            raise
        self.looked = True


def _is_stopped(call: Call) -> bool:
    """Whether the person's own rules stop the call, or put it before them: it may never run."""
    try:
        rules = permissions.load(call.event.cwd, call.world.environ)
    except Bypass:
        return True
    if call.event.tool == BASH:
        return rules.verdict(call.command) in _STOPS
    from skillcache.permissions import tools  # most calls are Bash lines

    return tools.verdict(rules, call.event.tool, call.event.input) in _STOPS


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
