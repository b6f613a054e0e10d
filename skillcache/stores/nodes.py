"""A link to a cluster, for a process that lives for one call: each node over a connection of its own, in one step.

Which node has which slots is remembered in a private file, so that the next process asks the right one at once:

    skillcache slots 1
    first last copied port host       of each run of slots, in order; copied: 1 where the node has a replica
    end

A file that is not ours alone, is not whole or is an hour old says nothing; one that is wrong costs the step that a node
sends us elsewhere by, and is written anew. What a node was asked that failed then is not asked again, and that node
nothing more: it is dead for this process, with its share of the calls; those of the others go on.
"""

import os
from time import monotonic, time

from skillcache.core import files
from skillcache.core.outcomes import STORE_TIMEOUT, STORE_UNREACHABLE, StoreError
from skillcache.core.paths import cache_folder
from skillcache.stores import cluster
from skillcache.stores.cluster import Course, Fault, Slots
from skillcache.stores.connection import (
    HASTY,
    ErrorReply,
    Limits,
    SocketLink,
    ask_once,
    note_silence,
    refusal,
    require_heard,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypeVar

    from skillcache.core.outcomes import Outcome
    from skillcache.stores.cluster import Asked, Place
    from skillcache.stores.connection import Reply, Request
    from skillcache.stores.redis_url import Address

    T = TypeVar("T")

_BEGIN, _END = "skillcache slots 1\n", "end\n"
_LARGEST = 1 << 20  # bytes: as many runs as there are slots
_OTHERS = 0o022  # who else might write it
_NEW = 1.0  # seconds
_AGE = 3_600  # seconds: a replica that has come meanwhile sends nobody elsewhere


class NodesLink:
    """As `SocketLink`, but that each node fails for itself."""

    longest = SocketLink.longest
    is_spread = True

    def __init__(self, address: "Address", limits: Limits | None = None) -> None:
        self.address = address
        self._limits = limits or HASTY
        self._path = slots_file(address)
        self._slots: Slots | None = None
        self._links: dict[Place, SocketLink] = {}
        self._faults: dict[Place, tuple[Outcome, str]] = {}
        self._fault: tuple[Outcome, str] | None = None
        self._ends = 0.0

    def ask(self, request: "Request[T]", patience: float = 0.0) -> "T":
        found: T = self._ask((request,), patience)[0]
        return found

    def ask_all(self, requests: "Sequence[Request[Any]]") -> "list[Any]":
        return self._ask(requests, 0.0)

    def close(self) -> None:
        for link in self._links.values():
            link.close()
        self._links = {}

    def _ask(self, requests: "Sequence[Request[Any]]", patience: float) -> "list[Any]":
        spreads = [cluster.spread(command) if command else None for command, _ in requests]
        course = self._go([part for spread in spreads if spread for part in spread[0]], patience)
        replies = iter(course.replies)
        found = []
        for spread, (_, read) in zip(spreads, requests, strict=True):
            if spread is None:
                found.append(read(None))
                continue
            parts, join = spread
            came = [self._taken(course, part, next(replies)) for part in parts]
            try:
                found.append(read(join(came)))
            except StoreError as error:
                raise self._dead(course, parts[0], error) from None
        return found

    def _taken(self, course: Course, part: "cluster.Part", reply: "Any") -> "Any":
        """Raises StoreError, after which whoever gave that reply is dead."""
        if isinstance(reply, Fault):
            raise StoreError(reply.error.outcome, reply.error.detail)
        if isinstance(reply, ErrorReply):
            raise self._dead(course, part, refusal(reply))
        return reply

    def _dead(self, course: Course, part: "cluster.Part", error: StoreError) -> StoreError:
        place = course.slots.owner(part.slot)
        if place is not None:
            self._fail(place, error, unsent=True)
        return error

    def _go(self, parts: "list[cluster.Part]", patience: float) -> Course:
        """Raises StoreError where nobody tells which node has what."""
        self._ends = monotonic() + self._limits.connect
        course = Course(parts, self._known() if parts else Slots(()), _redirect)
        if not parts:
            return course
        while asked := course.next():
            course.take(self._exchange(asked, patience))
            if course.is_lost():
                course.learn(self._learn(course))
        if lasting := course.lasting():
            came = list(self._exchange(lasting, patience).values())
            if [0] in came:
                forget(self._path)  # of a replica that is gone, which is waited for in vain
            for each in came:
                if isinstance(each, Fault):  # so nobody knows whether it lasts
                    raise StoreError(each.error.outcome, each.error.detail)
        self._slots = course.slots
        return course

    def _known(self) -> Slots:
        if self._slots is None:
            self._slots = _remembered(self._path)
        if self._slots is None:
            if self._fault is not None:
                raise StoreError(*self._fault)
            require_heard(self.address, self._limits.rest)
            # A little longer than to connect: over a slow link there is no time for more, but the next process knows.
            longest = self._ends + self._limits.connect / 4
            try:
                found = cluster.find_slots(self.address, longest, ask_once)
            except StoreError as fault:
                self._fault = (fault.outcome, fault.detail)
                note_silence(self.address, fault)
                raise
            _remember(self._path, found)
            if monotonic() > self._ends:
                self._fault = (STORE_TIMEOUT, "no time was left for more than which node has what")
                raise StoreError(*self._fault)
            self._slots = found
        return self._slots

    def _learn(self, course: Course) -> Slots | None:
        """What another node knows, now that one is gone or has sent us elsewhere."""
        others = [place for place in course.slots.nodes() if place not in self._faults]
        try:
            found = cluster.find_slots(self.address, self._ends, ask_once, others, avoid=tuple(self._faults))
        except StoreError:
            forget(self._path)  # the next process is to ask
            return None
        _remember(self._path, found)
        return found

    def _exchange(self, asked: "Asked", patience: float) -> "dict[Place, Any]":
        """With all nodes at once: what each is asked is on its way before the first reply is awaited."""
        found: dict[Place, list[Reply] | Fault] = {}
        sent: list[Place] = []
        for place, commands in asked.items():
            fault = self._begin(place, commands, patience)
            if fault is None:
                sent.append(place)
            else:
                found[place] = fault
        for place in sent:
            try:
                found[place] = self._end(place, asked[place])
            except StoreError as error:
                found[place] = self._fail(place, error, unsent=False)
        return found

    def _begin(self, place: "Place", commands: "list[tuple[cluster.Part, bool]]", patience: float) -> Fault | None:
        if place in self._faults:
            return Fault(StoreError(*self._faults[place]), unsent=False)
        link, unsent = self._links.get(place), True
        if link is None:
            left = max(self._ends - monotonic(), 0.001)
            kept = self._limits
            limits = Limits(left, kept.silence, kept.operation, kept.size, kept.rest)
            link = SocketLink(self.address.at(place), limits)
        # An alarm may cut the exchange short anywhere: until it is whole, the connection owes a reply.
        self._faults[place] = (STORE_UNREACHABLE, "an exchange was cut short")
        try:
            link.connect()
            self._links[place] = link
            unsent = False
            link.send([words for part, asking in commands for words in _behind_asking(part.words, asking)], patience)
        except StoreError as error:
            return self._fail(place, error, unsent=unsent)
        return None

    def _end(self, place: "Place", commands: "list[tuple[cluster.Part, bool]]") -> "list[Reply]":
        replies = self._links[place].receive()
        del self._faults[place]
        left = iter(replies)
        return [[next(left) for _ in range(1 + asking)][-1] for _, asking in commands]

    def _fail(self, place: "Place", error: StoreError, *, unsent: bool) -> Fault:
        self._faults[place] = (error.outcome, error.detail)
        note_silence(self.address.at(place), error)
        link = self._links.pop(place, None)
        if link is not None:
            link.close()
        if not unsent:
            forget(self._path)  # perhaps another has its slots by the time the next process asks
        return Fault(error, unsent=unsent)


def _behind_asking(words: "list[Any]", asking: bool) -> "tuple[Any, ...]":
    return (("ASKING",), words) if asking else (words,)


def _redirect(reply: "Any") -> "tuple[str, int, Place] | None":
    return cluster.moved_to(reply.code, reply.sent) if isinstance(reply, ErrorReply) and reply.sent else None


def slots_file(address: "Address") -> str:
    """Where it is remembered, of the nodes and the user that a URL names."""
    # As with the spool, a remainder is digest enough.
    text = repr((address.nodes, address.username, address.tls is not None))
    name = int.from_bytes(text.encode("utf-8", "surrogateescape")) % 0xFFFFFFFFFFFFFFC5
    return f"{cache_folder(os.environ)}/cluster/{name:016x}"


def _remembered(path: str) -> Slots | None:
    try:
        handle = files.open_regular(path, links=False)
    except OSError:
        return None
    try:
        status = os.fstat(handle)
        if status.st_uid != os.geteuid() or status.st_mode & _OTHERS or status.st_size > _LARGEST:
            return None
        if not 0 <= time() - status.st_mtime < _AGE:
            return None
        text = os.read(handle, _LARGEST).decode("utf-8", "surrogateescape")
    except OSError:
        return None
    finally:
        os.close(handle)
    if not text.startswith(_BEGIN) or not text.endswith(_END):
        return None
    return cluster.read_slots(text[len(_BEGIN) : -len(_END)])


def _remember(path: str, slots: Slots) -> None:
    """What cannot be written costs the next process a question."""
    text = slots.text()
    known = _remembered(path) if _is_new(path) else None
    if known is not None and known.text() == text:
        return
    try:
        files.write(path, f"{_BEGIN}{text}{_END}".encode("utf-8", "surrogateescape"))
    except OSError:
        return


def forget(path: str) -> None:
    """What was written a moment ago is the best that anybody knows."""
    if not os.path.exists(path) or _is_new(path):
        return
    try:
        files.remove(path)
    except OSError:
        return


def _is_new(path: str) -> bool:
    """Many processes that meet a fault at once are not to wait for each other's turn in one folder, either."""
    try:
        return 0 <= time() - os.stat(path).st_mtime < _NEW
    except OSError:
        return False
