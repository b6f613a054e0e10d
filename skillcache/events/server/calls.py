"""Calls that are about to run: each is looked up by a thread of its own, and waited for no longer than the mod may."""

from __future__ import annotations

import itertools
import json
import time
from threading import Event, Lock, Thread

from skillcache.claude import ToolEvent, parse_tool_event
from skillcache.core.outcomes import TIME_UP, SkillcacheError
from skillcache.core.paths import cache_folder
from skillcache.events.runtime import count_fault
from skillcache.events.server.session import Endings, Flights, Session
from skillcache.events.server.world import ResidentWorld, Stores
from skillcache.tools import inflight
from skillcache.tools.before import PLUGIN_ANSWER, answer
from skillcache.tools.lookup import make_call
from skillcache.tools.registry import may_be_ours

RUN = "{}"
FOLLOW = '{"follow":true}'
_PATIENCE = 0.06  # seconds until a call that is not answered yet is given a ticket
_TIME = 5.0  # seconds that a call may take where it waits for nobody
_ROUND = 2.0  # seconds until a wait is answered by another
_COLLECT = 5.0  # seconds after which an answer that nobody comes for is taken for lost
_STORING = 1.0  # seconds that a call waits until the result of the same one, which has just ended, is stored
_OUTDATING = 0.5  # and until results that one of these has put out of date are so in the store
_HASTY = {"connect": 0.1, "reply": 0.15}


class _Ticket:
    """ends: when the call is given up, on the clock of time.monotonic; asking: how many wait for it now.

    hit: what is taken back where nobody comes for the answer, see `skillcache.tools.inflight`.
    """

    def __init__(self, id_: str) -> None:
        self.id = id_
        self.answer = RUN
        self.hit: dict[str, object] = {}
        self.done = Event()
        self.asking = 0
        self.ends = time.monotonic() + _TIME
        self.given_up = False

    def allow(self, seconds: float) -> None:
        self.ends = max(self.ends, time.monotonic() + seconds)


class Calls:
    def __init__(self, session: Session, endings: Endings, flights: Flights) -> None:
        self._session = session
        self._endings = endings
        self._flights = flights
        self._stores = Stores(**_HASTY)
        self._tickets: dict[str, _Ticket] = {}
        self._numbers = itertools.count(1)
        self._lock = Lock()

    @property
    def count(self) -> int:
        """Calls that are not answered yet."""
        return len(self._tickets)

    def begin(self, body: bytes) -> str:
        """Answer /call. Raises BadEvent."""
        event = parse_tool_event(body)
        if not may_be_ours(event.tool) or not self._session.is_on():
            return RUN
        root = json.loads(body).get("root")
        world_root = root if isinstance(root, str) and root.startswith("/") else event.cwd
        event = self._session.enter(event, world_root)
        ticket = _Ticket(str(next(self._numbers)))
        with self._lock:
            self._tickets[ticket.id] = ticket
        Thread(target=self._look_up, args=(ticket, event), daemon=True).start()
        return self._await(ticket, _PATIENCE)

    def wait(self, body: bytes) -> str:
        """Answer /wait."""
        asked = json.loads(body)
        ticket = self._tickets.get(str(asked.get("ticket"))) if isinstance(asked, dict) else None
        return RUN if ticket is None else self._await(ticket, _ROUND)

    def _await(self, ticket: _Ticket, seconds: float) -> str:
        with self._lock:
            ticket.asking += 1
        left = max(0.0, ticket.ends - time.monotonic())
        ticket.done.wait(min(seconds, left))
        with self._lock:
            ticket.asking -= 1
            if ticket.done.is_set():  # or became so since: its thread counts on whoever asks for it to give it
                self._tickets.pop(ticket.id, None)
                return ticket.answer
            if time.monotonic() < ticket.ends:
                return json.dumps({"wait": _ROUND + 1, "ticket": ticket.id})
            ticket.given_up = True
            self._tickets.pop(ticket.id, None)
        self._session.count(TIME_UP)
        return RUN

    def _look_up(self, ticket: _Ticket, event: ToolEvent) -> None:
        world = self._session.world(event, self._stores, ticket.allow, self._flights)
        try:
            self._endings.await_same(event, _STORING)
            if self._endings.outdated(_OUTDATING):
                self._answer(ticket, event, world)
            else:
                self._session.count(TIME_UP)
        except Exception as fault:  # noqa: BLE001 - no fault of one call may end the process
            count_fault(world, fault)
            inflight.end(cache_folder(world.environ), event.tool_use_id)
            self._flights.end(event.tool_use_id)
        ticket.done.set()
        if not self._is_collected(ticket):
            time.sleep(_COLLECT)
            if not self._is_collected(ticket):
                self._drop(ticket, event, world)

    def _is_collected(self, ticket: _Ticket) -> bool:
        with self._lock:
            return not ticket.given_up and (ticket.asking > 0 or ticket.id not in self._tickets)

    def _drop(self, ticket: _Ticket, event: ToolEvent, world: ResidentWorld) -> None:
        """Nobody runs the call for us, nor was given a result of it."""
        with self._lock:
            self._tickets.pop(ticket.id, None)
        self._flights.end(event.tool_use_id)
        inflight.end(cache_folder(world.environ), event.tool_use_id)
        if ticket.hit:
            self._take_back(ticket.hit, event, world)

    def _take_back(self, kept: dict[str, object], event: ToolEvent, world: ResidentWorld) -> None:
        try:
            call = make_call(event, world)
            if call is not None:
                inflight.take_back(call, kept)
        except (SkillcacheError, OSError) as fault:
            count_fault(world, fault)

    def _answer(self, ticket: _Ticket, event: ToolEvent, world: ResidentWorld) -> None:
        """Raises SkillcacheError and OSError."""
        cache = cache_folder(world.environ)
        claimed = inflight.begin(cache, event.tool_use_id)
        if claimed is None:  # a settings hook has it
            return
        text = answer(event, world, claimed, PLUGIN_ANSWER)
        if text != "":  # nothing of ours follows
            ticket.hit = claimed.saved
            inflight.end(cache, event.tool_use_id)
        if text is not None:
            ticket.answer = text or FOLLOW
        if ticket.answer != FOLLOW or not claimed.saved:
            self._flights.end(event.tool_use_id)
