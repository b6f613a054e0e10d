"""Calls that have ended: their results are stored while the client goes on."""

from __future__ import annotations

from threading import Condition, Thread

from skillcache import pending
from skillcache.event import ToolEvent, parse_tool_event
from skillcache.handlers.invalidate import outdate
from skillcache.kinds import may_be_ours
from skillcache.paths import cache_folder
from skillcache.runtime import count_fault
from skillcache.server.session import Session
from skillcache.server.world import Stores
from skillcache.settling import settle

_PATIENT = {"connect": 2.0, "reply": 5.0}  # nobody waits for it


class Endings:
    def __init__(self, session: Session) -> None:
        self._session = session
        self._stores = Stores(**_PATIENT)
        self._under_way = 0
        self._change = Condition()

    def begin(self, body: bytes) -> None:
        """Take /ended. Raises BadEvent."""
        event = parse_tool_event(body)
        self._session.leave(event)
        with self._change:
            self._under_way += 1
        Thread(target=self._end, args=(event,), daemon=True).start()

    def settled(self, seconds: float) -> bool:
        """Wait until nothing is under way, at most so long; whether that is so."""
        if not self._under_way:
            return True
        with self._change:
            return self._change.wait_for(lambda: not self._under_way, seconds)

    def _end(self, event: ToolEvent) -> None:
        world = self._session.world(event, self._stores)
        try:
            record = pending.end(cache_folder(world.environ), event.tool_use_id) if may_be_ours(event.tool) else None
            if record is not None:
                settle(event, world, record)
        except Exception as fault:  # noqa: BLE001 - no fault of one call may end the process
            count_fault(world, fault)
        try:
            outdate(event, world)
        except Exception as fault:  # noqa: BLE001
            count_fault(world, fault)
        finally:
            with self._change:
                self._under_way -= 1
                self._change.notify_all()
