"""The claims to calls that the client runs: held by this process from the answer to the end that the mod tells of."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from skillcache.cache.capture import Plan
from skillcache.cache.single_flight import Held, Passenger
from skillcache.cache.writer import person
from skillcache.core import processes
from skillcache.core.digest import digest
from skillcache.core.errors import StoreError
from skillcache.core.outcomes import EXPIRED, INVALIDATED, NO_ENTRY, UNREADABLE_ENTRY
from skillcache.tools.call import Call
from skillcache.tools.lookup import Consultation, consult

# After these a run of the same call gives what is missing.
_AWAITED = frozenset([NO_ENTRY, EXPIRED, INVALIDATED, UNREADABLE_ENTRY])
_AGENT, _OTHER = 600.0, 60.0  # seconds that a call is taken for
_SHORTEST = 10.0  # seconds that a claim is held at least: a busy machine makes quick commands slow
_MARGIN = 2.0  # seconds that are left to us after a wait
_MOST = 1_000  # ends that are remembered


class Flights:
    """Calls by tool_use_id. A call may end, by Esc, before it is known here whether it gets the claim."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._lock = Lock()

    def join(
        self, call: Call, planned: Plan, consulted: Consultation, *, allow: Callable[[float], None]
    ) -> tuple[Consultation, bool]:
        """What is then known, and whether another's run was waited for. Raises Bypass of a look after the wait.

        `allow`: see `ResidentWorld`.
        """
        longest = call.settings.number("wait")
        if not longest or consulted.answer.outcome not in _AWAITED:
            return consulted, False
        known = [consulted]

        taken = 2 * (_AGENT if call.event.tool == "Agent" else _OTHER)
        patience = min(taken, longest)
        ends, owner = time.monotonic() + patience, _owner(call)

        def look() -> str | None:
            call.world.now = time.time()
            known.append(consult(call, planned))
            return known[-1].found.digest if known[-1].answer.outcome in _AWAITED else None

        def may_wait(other: str) -> bool:
            allow(ends - time.monotonic() + _MARGIN)
            return _is_worth_waiting(other, owner)

        # An end that is never told of is to hold nobody for ever.
        passenger = Passenger(
            call.open_store, consulted.found.digest, look, owner, may_wait, longest=max(taken, _SHORTEST)
        )
        try:
            passenger.board(patience)
        except StoreError as fault:  # what is known of the miss is still worth keeping
            call.count(fault.outcome, planned.name)
        call.world.now = time.time()
        if passenger.held is not None:
            self._keep(call.event.tool_use_id, passenger.held)
        return known[-1], passenger.waited

    def end(self, tool_use_id: str) -> None:
        """Nobody waits for the call any longer."""
        with self._lock:
            held = self._held.pop(tool_use_id, None)
            self._ended[tool_use_id] = None
            while len(self._ended) > _MOST:
                self._ended.popitem(last=False)
        if held is not None:
            held.end()

    def end_all(self, but: frozenset[str]) -> None:
        """`but`: those that are ending anyway."""
        for tool_use_id in [each for each in self._held if each not in but]:
            self.end(tool_use_id)

    def _keep(self, tool_use_id: str, held: Held) -> None:
        with self._lock:
            if tool_use_id not in self._ended:
                self._held[tool_use_id] = held
                return
        held.end()


def _owner(call: Call) -> str:
    """Session, agent and call; the person, as results of others may not be served here."""
    event = call.event
    return processes.holder_of(f"{event.session_id}/{event.agent_id}/{event.tool_use_id} {digest(person().encode())}")


def _is_worth_waiting(other: str, owner: str) -> bool:
    """Not for what another person runs, and not for what the same agent runs: it wants two runs."""
    (theirs, _, their_person), (ours, _, our_person) = (
        processes.holder_name(each).rpartition(" ") for each in (other, owner)
    )
    return their_person == our_person and theirs.rpartition("/")[0] != ours.rpartition("/")[0]
