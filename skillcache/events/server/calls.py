"""The calls of the client's session: about to run, on their way and ended, each looked up by a thread of its own."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Condition, Event, Lock, Thread
from typing import TypeVar

from skillcache.cache.decision import Plan
from skillcache.cache.put import person
from skillcache.cache.single_flight import Held, Passenger
from skillcache.claude import ToolEvent, off_path, parse_tool_event
from skillcache.core import files, outcomes, processes
from skillcache.core.files import digest
from skillcache.core.outcomes import (
    EXPIRED,
    INVALIDATED,
    NO_ENTRY,
    TIME_UP,
    UNREADABLE_ENTRY,
    Outcome,
    SkillcacheError,
    StoreError,
)
from skillcache.core.paths import cache_folder
from skillcache.events.invalidate import outdate
from skillcache.events.runtime import count_fault
from skillcache.events.server.world import Environment, ResidentWorld, Stores
from skillcache.tools import inflight
from skillcache.tools.before import PLUGIN_ANSWER, answer
from skillcache.tools.lookup import Call, Consultation, consult, make_call
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
        outcomes.record(cache_folder(self._environ), time.time(), outcome)

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
