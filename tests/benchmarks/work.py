"""What agents do while a benchmark does something to their servers, and the row that tells what became of it.

An agent is a process that asks as hooks do, over a connection of its own for each call: is there a result, else may it
run, then stores it; now and then it sends a message to the next agent, or reads its own. What the results depend on
changes all the time, and is invalidated.

offered: calls that the agents' pace asks for in a second, none where they go on at once; p50, p99: of calls that were
served, in milliseconds; trips: to the servers, for each of those; longest: of all calls, less what the process waited
for a processor; added: beyond the longest of the row that it is held against. without: calls that went on without the
store, after which a hook runs the command. lost: calls that came to no end of their own within BOUND, or to another
fault than one of the store, and messages that were taken and not heard in their turn. wrong: results from before an
invalidation that somebody had been told of.
"""

from __future__ import annotations

import faulthandler
import json
import mmap
import os
import select
import signal
import struct
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from random import Random
from typing import Any, NamedTuple

from skillcache.core.outcomes import StoreError
from skillcache.messages import inbox_redis
from skillcache.messages.inbox import Letter, Post
from skillcache.messages.message import Message, decode
from skillcache.messages.opening import open_post
from skillcache.stores import nodes, open_store, redis
from skillcache.stores.connection import SocketLink, silent
from skillcache.stores.contract import entry_key, started_bytes

NAMES, KEYS = 4, 15  # what is invalidated, and results that depend on each
SIZE = 1_500  # bytes of a result
BOUND = 20.0  # seconds in which a call comes to its end, however busy the machine is
_PAUSE = 0.5  # seconds between two changes of what results depend on
_MAIL = 0.2  # of what an agent does
_LOADED = (inbox_redis, nodes, redis)  # a process that is forked while a thread loads them waits for that thread
_AFTER = 30.0  # seconds in which what was sent is heard


class Row(NamedTuple):
    what: str
    offered: float
    calls: int
    per_second: float
    hits: float  # in a second
    median: float  # milliseconds
    late: float  # of 99 in 100
    trips: float
    longest: float
    without: int
    heard: int  # messages
    lost: int
    wrong: int


class World:
    """What results depend on, and what was sent: numbers that all agents see.

    Of each name the version that is there, and one of which an invalidation was told; of each agent how many of its
    messages were taken, and whether there are no more.
    """

    def __init__(self, agents: int) -> None:
        self.agents = agents
        self.id = os.urandom(4).hex()  # of whose messages none was sent before
        self._shared = mmap.mmap(-1, 16 * (NAMES + agents))

    def version(self, name: int) -> int:
        return self._number(2 * name)

    def told(self, name: int) -> int:
        return self._number(2 * name + 1)

    def change(self, name: int, invalidate: Callable[[], object]) -> None:
        self._set(2 * name, self.version(name) + 1)
        invalidate()
        self._set(2 * name + 1, self.version(name))

    def name(self, agent: int) -> str:
        return f"{self.id}-{agent % self.agents}"

    def sent(self, agent: int) -> int:
        return self._number(2 * (NAMES + agent))

    def send(self, agent: int, number: int) -> None:
        self._set(2 * (NAMES + agent), number)

    def has_ended(self, agent: int) -> bool:
        return self._number(2 * (NAMES + agent) + 1) > 0

    def end(self, agent: int) -> None:
        self._set(2 * (NAMES + agent) + 1, 1)

    def _number(self, place: int) -> int:
        return int(struct.unpack_from("q", self._shared, 8 * place)[0])

    def _set(self, place: int, number: int) -> None:
        struct.pack_into("q", self._shared, 8 * place, number)


class Agent:
    """pace: seconds from the beginning of a call to that of the next, 0 to go on at once; writes: whether messages."""

    def __init__(self, url: str, world: World, number: int, pace: float, *, writes: bool) -> None:
        self._url, self._world, self._number, self._pace, self._writes = url, world, number, pace, writes
        self._before = (number - 1) % world.agents  # whose messages it reads
        self._chance = Random(number)
        self._heard = 0
        self._trips = 0
        self.found: Counter[str] = Counter()
        self.times: list[float] = []
        self.longest = 0.0

    def work(self, seconds: float) -> dict[str, Any]:
        self._count_trips()
        begun = time.monotonic()
        due = begun + self._pace * self._chance.random()
        while due < begun + seconds:
            time.sleep(max(due - time.monotonic(), 0))
            self._take(self._choose())
            due = due + self._pace if self._pace else time.monotonic()
            self.found["calls"] += 1
        if self._writes:
            self._read_on()
        return {"found": self.found, "times": self.times, "longest": self.longest}

    def _choose(self) -> Callable[[], str]:
        if self._writes and self._chance.random() < _MAIL:
            return self._send if self._chance.random() < 0.5 else self._read
        return self._call

    def _take(self, do: Callable[[], str]) -> None:
        silent.clear()  # it is the call of another process
        trips, waited, begun = self._trips, _waited(), time.monotonic()
        try:
            outcome = do()
        except StoreError:
            outcome = "without"
        except Exception as fault:  # noqa: BLE001 - it is what is counted
            outcome = f"lost: {type(fault).__name__}: {fault}"
        took = time.monotonic() - begun
        self.found[outcome] += 1
        self.found["lost: late"] += took > BOUND
        self.longest = max(self.longest, took - (_waited() - waited))
        if outcome == "served":
            self.times.append(took)
            self.found["trips"] += self._trips - trips

    def _call(self) -> str:
        name, number = self._chance.randrange(NAMES), self._chance.randrange(KEYS)
        told = self._world.told(name)
        digest = f"{name:08x}{number:032x}"
        key, names = entry_key(f"name-{name}", digest), (f"name-{name}", "@project:p")
        owner = f"{os.getpid()}-{time.monotonic()}"
        with closing(open_store(self._url, now=time.time())) as store:
            looked = store.get(key, names)
            if looked.entry is not None:
                version, generation = map(int, looked.entry[16:40].split())
                if generation == looked.generations[0]:
                    self.found["wrong: a result that was invalidated"] += version < told
                    return "served"
            if store.claim(digest, owner, 5).holder:
                return "another runs"
            version, started = self._world.version(name), int(time.time() * 1000)
            value = started_bytes(started) + b"%11d %11d " % (version, looked.generations[0]) + b"x" * SIZE
            store.put(key, value, ttl=600, started=started, names=names, generations=looked.generations)
            store.release(digest, owner)
            return "ran"

    def _post(self) -> Post:
        return open_post(self._url, now=time.time())

    def _send(self) -> str:
        """The same again until it is told that it was taken, as whoever is told that it was not would."""
        number = self._world.sent(self._number) + 1
        fields = {
            "id": f"{self._world.id}-{self._number}-{number}",
            "kind": "text",
            "from": self._world.name(self._number),
            "text": str(number),
        }
        fields |= {"from_name": fields["from"], "to": self._world.name(self._number + 1), "form": "text"}
        with closing(self._post()) as post:
            (listening,) = post.send([Letter(Message({**fields, "project": "p"}), ttl=600)])
        if listening < 0:
            return "not taken"
        self._world.send(self._number, number)
        return "sent"

    def _read(self) -> str:
        """What was heard is known, whether or not the store took that: as the client's transcript has it."""
        own = self._world.name(self._number)
        with closing(self._post()) as post:
            taken = post.take(own, 10).deliveries
            shown = []
            for each in taken:
                message = decode(each.text)
                assert message is not None
                number = int(message["text"])
                if number > self._heard:
                    self.found["lost: messages before another"] += number - self._heard - 1
                    self._heard = number
                    self.found["heard"] += 1
                shown.append((each.entry, message["id"]))
            if shown:
                post.settle(own, shown)
        return "read"

    def _read_on(self) -> None:
        """Until everything that was taken is heard."""
        self._world.end(self._number)
        ends = time.monotonic() + _AFTER
        while time.monotonic() < ends:
            self._take(self._read)
            if self._world.has_ended(self._before) and self._heard >= self._world.sent(self._before):
                return
            time.sleep(0.05)
        self.found["lost: messages"] += max(self._world.sent(self._before) - self._heard, 0)

    def _count_trips(self) -> None:
        send = SocketLink.send

        def counted(link: SocketLink, commands: Any, patience: float) -> None:
            self._trips += 1
            send(link, commands, patience)

        SocketLink.send = counted  # type: ignore[method-assign, assignment] # in a process of its own


def _waited() -> float:
    """Seconds that this process could have worked and had no processor."""
    try:
        with open("/proc/self/schedstat", "rb") as file:
            return int(file.read().split()[1]) / 1e9
    except OSError:
        return 0.0


def bound(seconds: float) -> None:
    """Ends this process after so many seconds, or when it is told to end, and first the servers it has begun."""

    def end(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGALRM, end)
    signal.signal(signal.SIGTERM, end)
    signal.alarm(int(seconds))


def forked(works: Sequence[Callable[[], Any]], seconds: float) -> list[Any]:
    """What each gives, in a process of its own; None of one that did not end within so many seconds, and shows why."""
    pipes = []
    for work in works:
        reading, writing = os.pipe()
        if os.fork() == 0:
            for number in (signal.SIGALRM, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            faulthandler.register(signal.SIGALRM, 2, chain=True)
            signal.alarm(int(seconds))
            try:
                said = json.dumps(work()).encode()
                while said:
                    said = said[os.write(writing, said) :]
            except BaseException:  # noqa: BLE001 - it is not to go on as its parent
                traceback.print_exc()
            finally:
                os._exit(0)
        os.close(writing)
        pipes.append(reading)
    left = {pipe: bytearray() for pipe in pipes}
    told = list(left.values())
    while left:
        for pipe in select.select(list(left), [], [])[0]:
            piece = os.read(pipe, 1 << 16)
            left[pipe] += piece
            if not piece:
                os.close(pipe)
                del left[pipe]
    for _ in pipes:
        os.wait()
    return [json.loads(bytes(each)) if each else None for each in told]


def crowd(url: str, world: World, seconds: float, *, pace: float = 0, writes: bool = True) -> list[dict[str, Any]]:
    """What each of the agents has seen."""
    works = [partial(Agent(url, world, number, pace, writes=writes).work, seconds) for number in range(world.agents)]
    lost = {"found": {"lost: agent": 1}, "times": [], "longest": 0.0}
    return [each or lost for each in forked(works, seconds + _AFTER + 2 * BOUND)]


@contextmanager
def repeating(seconds: float, do: Callable[[int], None]) -> Iterator[None]:
    """Meanwhile, with the number of the turn."""
    over = threading.Event()

    def go_on() -> None:
        turn = 0
        while not over.wait(seconds):
            do(turn)
            turn += 1

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def changing(url: str, world: World) -> Iterator[None]:
    """Something changes all the time; whoever invalidates goes on until it is told that it is done."""

    def invalidate(name: str) -> None:
        for _ in range(3_000):
            store = open_store(url, now=time.time())
            try:
                store.invalidate(name)
                return
            except StoreError:
                time.sleep(0.01)
            finally:
                store.close()

    def change(turn: int) -> None:
        name = turn % NAMES
        world.change(name, lambda: invalidate(f"name-{name}"))

    with repeating(_PAUSE, change):
        yield


def row(what: str, told: list[dict[str, Any]], seconds: float, pace: float = 0) -> Row:
    found: Counter[str] = sum((Counter(each["found"]) for each in told), Counter())
    times = sorted(took * 1000 for each in told for took in each["times"])
    faults = {name: count for name, count in found.items() if name.startswith(("lost", "wrong")) and count}
    for name, count in faults.items():
        print(f"{what}: {name}: {count:,}")
    lost, wrong = (sum(count for name, count in faults.items() if name.startswith(kind)) for kind in ("lost", "wrong"))
    served = len(times)
    longest = max(each["longest"] for each in told) * 1000

    def point(share: float) -> float:
        return float(times[min(int(share * served), served - 1)]) if times else 0.0

    return Row(what, len(told) / pace if pace else 0, found["calls"], found["calls"] / seconds, served / seconds,
               point(0.5), point(0.99), found["trips"] / max(served, 1), longest, found["without"], found["heard"],
               lost, wrong)  # fmt: skip


_HEADINGS = ("offered/s", "calls", "calls/s", "hits/s", "p50 ms", "p99 ms", "trips", "longest", "added", "without",
             "messages", "lost", "wrong")  # fmt: skip


def table(rows: list[Row], *, against: int = 0) -> str:
    """against: the row that the others' longest is held against."""
    lines = [f"{'':36}{''.join(name.rjust(10) for name in _HEADINGS)}"]
    for each in rows:
        added = max(each.longest - rows[against].longest, 0)
        numbers = [f"{each.offered:,.0f}" if each.offered else "", f"{each.calls:,}", f"{each.per_second:,.0f}"]
        numbers += [f"{each.hits:,.0f}", f"{each.median:.2f}", f"{each.late:.1f}", f"{each.trips:.2f}"]
        numbers += [f"{each.longest:.0f}", f"{added:.0f}", f"{each.without:,}", f"{each.heard:,}"]
        numbers += [str(each.lost), str(each.wrong)]
        lines.append(f"{each.what:36}{''.join(number.rjust(10) for number in numbers)}")
    return "\n".join(lines)


def verdict(rows: list[Row]) -> int:
    """What the process ends with."""
    return 1 if any(each.lost or each.wrong for each in rows) else 0
