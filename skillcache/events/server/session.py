"""What the server knows of the client's session, of its calls that are on their way, and how it ends."""

from __future__ import annotations

import json
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Condition, Lock, Thread
from typing import TypeVar

from skillcache.cache.capture import Plan
from skillcache.cache.put import person
from skillcache.cache.single_flight import Held, Passenger
from skillcache.claude import ToolEvent, parse_tool_event
from skillcache.claude.plugin import off_path
from skillcache.core import counts, files, processes
from skillcache.core.digest import digest
from skillcache.core.outcomes import EXPIRED, INVALIDATED, NO_ENTRY, UNREADABLE_ENTRY, Outcome, StoreError
from skillcache.core.paths import cache_folder
from skillcache.events.invalidate import outdate
from skillcache.events.runtime import count_fault
from skillcache.events.server.world import Environment, ResidentWorld, Stores
from skillcache.tools import inflight
from skillcache.tools.lookup import Call, Consultation, consult
from skillcache.tools.record import finish_call
from skillcache.tools.registry import may_be_ours

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


T = TypeVar("T")

_MOST = 1_000  # calls and tools that are remembered
_LARGEST = 1 << 16


class Session:
    """environ: the client's environment, as a hook would have it; socket: the path of ours.

    Beside the socket may lie `.off`, which switches the server off for this client, and `.options`, the options of the
    plugin as a hook was given them; `options`: whether nothing can be answered before these are there.
    """

    def __init__(self, environ: Mapping[str, str], socket: str, *, options: bool) -> None:
        self._environ = dict(environ)
        self._current = Environment(self._environ, time.time())
        self._off = off_path(socket)
        self._options = f"{socket}.options" if options else ""
        self._roots: OrderedDict[str, str] = OrderedDict()
        self._servers: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def is_on(self) -> bool:
        """Whether calls can be answered now."""
        if os.path.exists(self._off) or not self._current.is_current(time.time()):
            return False
        return not self._options or self._take_options()

    def is_over(self, now: float) -> bool:
        """Whether another process has to take over, with the client's environment of then."""
        return not self._current.is_current(now) and now > (self._current.until or 0)

    def enter(self, event: ToolEvent, root: str) -> ToolEvent:
        """A call begins; `root`: where the client was started, or has moved. The mod does not know MCP servers."""
        _keep(self._roots, event.tool_use_id, root)
        if event.tool in self._servers and event.server == ("", ""):
            event.server = self._servers[event.tool]
        return event

    def leave(self, event: ToolEvent) -> None:
        """A call has ended."""
        if event.server != ("", ""):
            _keep(self._servers, event.tool, event.server)

    def world(
        self,
        event: ToolEvent,
        stores: Stores,
        allow: Callable[[float], None] = lambda _seconds: None,
        flights: Flights | None = None,
    ) -> ResidentWorld:
        """For one event: with the variables that the client would set for a hook at this moment."""
        root = self._roots.get(event.tool_use_id) or self._environ.get("CLAUDE_PROJECT_DIR") or event.cwd
        now = {"CLAUDE_PROJECT_DIR": root, "CLAUDE_CODE_SESSION_ID": event.session_id}
        return ResidentWorld(self._environ | now, stores, allow, flights)

    def count(self, outcome: Outcome) -> None:
        counts.record(cache_folder(self._environ), time.time(), outcome)

    def _take_options(self) -> bool:
        try:
            given = json.loads(files.read(self._options, _LARGEST) or b"null")
        except (OSError, ValueError):
            return False
        if not isinstance(given, dict):
            return False
        self._environ = {str(name): str(value) for name, value in given.items()} | self._environ
        self._options = ""
        return True


def _keep(known: OrderedDict[str, T], name: str, value: T) -> None:
    known[name] = value
    while len(known) > _MOST:
        known.popitem(last=False)


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
                finish_call(event, world, record)
        except Exception as fault:  # noqa: BLE001
            count_fault(world, fault)
        self._flights.end(event.tool_use_id)
        with self._change:
            self._under_way.remove(event)
            self._change.notify_all()


def _is_same(call: ToolEvent, ended: ToolEvent) -> bool:
    return call.tool == ended.tool and call.input == ended.input
