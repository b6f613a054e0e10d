"""Calls that have ended: their results are stored while the client goes on."""

from __future__ import annotations

from threading import Condition, Thread

from skillcache.claude.event import ToolEvent, parse_tool_event
from skillcache.core.paths import cache_folder
from skillcache.events.invalidate import outdate
from skillcache.events.runtime import count_fault
from skillcache.events.server.flights import Flights
from skillcache.events.server.session import Session
from skillcache.events.server.world import Stores
from skillcache.tools import inflight
from skillcache.tools.after import settle
from skillcache.tools.registry import may_be_ours

_PATIENT = {"connect": 2.0, "reply": 5.0}  # nobody waits for it


class Endings:
    def __init__(self, session: Session, flights: Flights) -> None:
        self._session = session
        self._flights = flights
        self._stores = Stores(**_PATIENT)
        self._under_way: list[ToolEvent] = []
        self._outdating = 0
        self._change = Condition()

    def begin(self, body: bytes) -> None:
        """Take /ended. Raises BadEvent."""
        event = parse_tool_event(body)
        self._session.leave(event)
        with self._change:
            self._under_way.append(event)
            self._outdating += 1
        Thread(target=self._end, args=(event,), daemon=True).start()

    def under_way(self) -> frozenset[str]:
        """Ids of the calls."""
        with self._change:
            return frozenset(event.tool_use_id for event in self._under_way)

    def settled(self, seconds: float) -> bool:
        """Wait until nothing is under way, at most so long; whether that is so."""
        if not self._under_way:
            return True
        with self._change:
            return self._change.wait_for(lambda: not self._under_way, seconds)

    def await_same(self, call: ToolEvent, seconds: float) -> None:
        """Wait until no end of the same call is under way, at most so long."""
        with self._change:
            self._change.wait_for(lambda: not any(_is_same(call, ended) for ended in self._under_way), seconds)

    def outdated(self, seconds: float) -> bool:
        """As `settled`, of the results alone that ended calls put out of date."""
        with self._change:
            return self._change.wait_for(lambda: not self._outdating, seconds)

    def _end(self, event: ToolEvent) -> None:
        world = self._session.world(event, self._stores)
        try:
            outdate(event, world)
        except Exception as fault:  # noqa: BLE001 - no fault of one call may end the process
            count_fault(world, fault)
        with self._change:
            self._outdating -= 1
            self._change.notify_all()
        try:
            record = inflight.end(cache_folder(world.environ), event.tool_use_id) if may_be_ours(event.tool) else None
            if record is not None:
                settle(event, world, record)
        except Exception as fault:  # noqa: BLE001
            count_fault(world, fault)
        self._flights.end(event.tool_use_id)
        with self._change:
            self._under_way.remove(event)
            self._change.notify_all()


def _is_same(call: ToolEvent, ended: ToolEvent) -> bool:
    return call.tool == ended.tool and call.input == ended.input
