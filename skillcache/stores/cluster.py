"""What a cluster is to us: how a key is called there, which slots a command is asked of, and which node has those.

A script, and a command of several keys, may only touch keys of one slot there: those that agree in what they have in
braces. So every key is named as elsewhere, and is given a tag in front as a command is sent:

    {s18}skill_cache:{name}:{digest}     entries of one digest, and the claim to it, by that digest: one of 64 tags,
    {s18}skillcache:claim:{digest}       of which each stands for as many slots, so that nodes share them evenly
    {s18}skill_cache_gen:{name}          generations and names of entries: with every one of these tags, so that an
    {s18}skillcache:names                entry is read, and stored, with the generations that lie beside it. Raising a
                                         generation raises it with each tag; one that differs is the highest of all
    {s18}skillcache:state...:{scope}     shared values by the project or team
    {s18}skill_session:{session_id}...   by the session; {s18}skill_sessions:{project} and notes by the project
    {s18}agent_comm:{agent_id}:inbox     by the agent, and so is what is known of it; by the project which agents it
    {s18}skillcache:agents:{project}     has, what they are called, and whose messages are to be looked after
    {skillcache}...                      all else: others' keys

Nothing here asks anybody: `Course` says whom to ask what, whoever asks (`nodes`, `redis_cluster`) tells it the replies.
"""

from _thread import allocate_lock, start_new_thread
from binascii import crc_hqx
from time import monotonic

from skillcache.core.outcomes import STORE_REFUSED, STORE_TIMEOUT, STORE_UNREACHABLE, StoreError
from skillcache.stores.contract import LUA_LASTS, LUA_TAG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any, TypeAlias

    from skillcache.stores.redis_url import Address

    Place = tuple[str, int]
    Exchange = Callable[[Address, tuple[str, ...], float], Any]
    Asked: TypeAlias = "dict[Place, list[tuple[Part, bool]]]"
    Join: TypeAlias = Callable[[list[Any]], Any]

SLOTS = 16_384
HOME = "{skillcache}"
# The first of s0, s1, ... whose slot is in the first 256, in the next, and so on.
_NUMBERS = (
    18, 10, 163, 332, 21, 29, 303, 32, 61, 69, 343, 2, 58, 50, 43, 372, 19, 11, 162, 333, 20, 28, 302, 33, 60, 68, 342,
    3, 59, 51, 42, 373, 323, 12, 161, 169, 23, 312, 38, 30, 63, 352, 8, 0, 363, 52, 41, 49, 322, 13, 160, 168, 22, 313,
    39, 31, 62, 353, 9, 1, 362, 53, 40, 48,
)  # fmt: skip
TAGS = tuple([f"{{s{number}}}" for number in _NUMBERS])
EVERYWHERE = ""  # in the place of a tag


def slot_of(tag: str) -> int:
    return crc_hqx(tag[1:-1].encode(), 0) % SLOTS


_SLOT_OF = {tag: slot_of(tag) for tag in (*TAGS, HOME)}

_BY_PROJECT = (b"notes", b"agents", b"agent_numbers", b"agent_names", b"due", b"talk")
_BY_SESSION = (b"told",)
_BY_AGENT = (b"agent", b"shown", b"unread", b"returning")
_BY_DIGEST = (b"claim", b"wake", b"nothing", b"latest", b"edits")
_BY_SCOPE = (b"state", b"states", b"state_version")


def tag_of(key: "str | bytes") -> str:
    """The tag of a key, by its name; EVERYWHERE for one that lies with each of TAGS."""
    name = key.encode("utf-8", "surrogatepass") if isinstance(key, str) else bytes(key)
    kind, _, rest = name.partition(b":")
    if kind == b"skillcache":
        kind, _, rest = rest.partition(b":")
        if kind == b"names" and not rest:
            return EVERYWHERE
        if kind in _BY_DIGEST or kind in _BY_PROJECT or kind in _BY_AGENT:
            return _tag(rest)
        if kind in _BY_SESSION:
            return _tag(rest.partition(b":")[0])
        return _tag(_scope(rest)) if kind in _BY_SCOPE else HOME
    if kind == b"skill_cache_gen":
        return EVERYWHERE
    if kind == b"skill_cache" or name.startswith(b"team:cache:"):
        digest = rest.rpartition(b":")
        # Versions of a skill's result lie together; no digest begins so.
        return _tag(digest[0].rpartition(b":")[2] if digest[2][:1] == b"v" else digest[2])
    if kind == b"skill_session":
        return _tag(rest.partition(b":")[0])
    if kind == b"agent_comm":
        return _tag(rest.removesuffix(b":inbox"))
    return _tag(rest) if kind == b"skill_sessions" else HOME


def _scope(text: bytes) -> bytes:
    """Of a shared value, whatever its own name: the project, or `team:` and the team."""
    first, _, rest = text.partition(b":")
    return b"team:" + rest.partition(b":")[0] if first == b"team" else first


def _tag(text: bytes) -> str:
    return TAGS[crc_hqx(text, 0) % SLOTS >> 8]


def named(key: "Any", tag: str) -> "Any":
    return f"{tag}{key}" if isinstance(key, str) else tag.encode() + bytes(key)


def unnamed(key: "Any") -> "Any":
    """The key without its tag; None for one that is not ours, as it lies where we would not look for it."""
    brace = "}" if isinstance(key, str) else b"}"
    tag, found, name = key.partition(brace)
    tag = tag + found if isinstance(key, str) else bytes(tag + found).decode("latin-1")
    return name if tag in _SLOT_OF and tag_of(name) in (tag, EVERYWHERE) else None


_KEYLESS = (
    "ACL", "ASKING", "AUTH", "CLIENT", "CLUSTER", "COMMAND", "CONFIG", "DBSIZE", "DISCARD", "ECHO", "EXEC", "FLUSHALL",
    "FLUSHDB", "HELLO", "INFO", "LATENCY", "MULTI", "PING", "PSUBSCRIBE", "PUBLISH", "PUBSUB", "PUNSUBSCRIBE", "QUIT",
    "READONLY", "READWRITE", "RESET", "SCRIPT", "SELECT", "SLOWLOG", "SUBSCRIBE", "TIME", "UNSUBSCRIBE", "UNWATCH",
    "WAIT",
)  # fmt: skip
_KEYS_ONLY = ("DEL", "EXISTS", "MGET", "SDIFF", "SINTER", "SUNION", "TOUCH", "UNLINK", "WATCH")
_SCRIPTS = ("EVAL", "EVALSHA", "EVALSHA_RO", "EVAL_RO", "FCALL", "FCALL_RO")
_OF_TWO_WORDS = ("MEMORY", "OBJECT", "XGROUP", "XINFO")
_COUNTING = ("DEL", "EXISTS", "TOUCH", "UNLINK")  # whose reply is how many of the keys
WAIT = ("WAIT", "1", "50")  # ms that a replica has to take what is to last
_NODES = 1024  # at most, that a walk through all keys knows
_DIGITS = 20  # a signed 64-bit integer has fewer


class Part:
    """What one node is asked. slot: whose; node: the number of one of all, where it is not -1; options: the asker's.

    lasts: whether it is to outlive the node: a replica has to have it, too.
    """

    __slots__ = ("lasts", "node", "options", "slot", "words")

    def __init__(self, words: "list[Any]", slot: int, node: int = -1) -> None:
        self.words = words
        self.slot = slot
        self.node = node
        self.options: dict[str, Any] = {}
        self.lasts = False


def spread(command: "Sequence[Any]") -> "tuple[list[Part], Join]":
    """What has to be asked for the reply to `command`, and what makes that of their replies.

    Whatever is not known has one key, in the first place: where there are more, the cluster refuses it.
    """
    words = [*command[0].split(), *command[1:]]
    name = _text(words[0]).upper()
    if name == "SCAN":
        return _scan(words)
    places = _places(name, words)
    tags = [tag_of(words[place]) for place in places]
    known = list(dict.fromkeys([tag for tag in tags if tag]))
    beside = known == [HOME] and EVERYWHERE in tags and name in ("MGET", *_COUNTING)  # which has none of what lies so
    if (len(known) == 1 and not beside) or not places:
        return [_part(words, name, places, tags, known[0] if known else HOME)], _only
    if name == "SSCAN":
        return _scan_set(words)
    if len(known) > 1 and name not in ("MGET", "MSET", *_COUNTING):
        return [_part(words, name, places, tags, known[0])], _only  # for the server to refuse
    if not known:
        parts = [_part(words, name, places, tags, tag) for tag in TAGS]
        for part in parts:
            part.lasts = is_lasting(words)
        return parts, _JOINS.get(name, _first)
    return _divided(words, name, places, tags, known)


def _part(words: "list[Any]", name: str, places: "Iterable[int]", tags: list[str], tag: str) -> Part:
    words = list(words)
    for place, own in zip(places, tags, strict=True):
        words[place] = named(words[place], own or tag)
    if name in _SCRIPTS:
        script, told = words[1], LUA_TAG.replace("''", f"'{tag}'")
        if isinstance(script, bytes):
            words[1] = script.replace(LUA_TAG.encode(), told.encode(), 1)
        else:
            words[1] = script.replace(LUA_TAG, told, 1)
        part = Part(words, _SLOT_OF[tag])
        part.lasts = is_lasting(words)
        return part
    return Part(words, _SLOT_OF[tag])


def is_lasting(command: "Sequence[Any]") -> bool:
    """Whether what we say is to outlive a master: a replica has to have it before anybody is told that it is done."""
    name = _text(command[0]).upper()
    if name in _SCRIPTS:
        script = command[1]
        return (LUA_LASTS.encode() if isinstance(script, bytes) else LUA_LASTS) in script
    return name == "INCR"  # a generation that was raised and fell again would bring back what was invalid


def _divided(
    words: "list[Any]", name: str, places: "Sequence[int]", tags: list[str], known: list[str]
) -> "tuple[list[Part], Join]":
    """By the tags of the keys; what lies everywhere is asked for beside each, and to count it with all."""
    step = 2 if name == "MSET" else 1
    parts: list[Part] = []
    found: list[list[int]] = []
    also = TAGS if EVERYWHERE in tags and (name in _COUNTING or known == [HOME]) else ()
    for tag in dict.fromkeys([*known, *also]):
        which = [index for index, own in enumerate(tags) if own == tag or (own == EVERYWHERE and tag != HOME)]
        asked = [word for index in which for word in words[places[index] : places[index] + step]]
        keys = [words[0], *asked]
        own = [tag] * len(which)
        parts.append(_part(keys, name, range(1, len(keys), step), own, tag))
        found.append(which)
    if name != "MGET":
        return parts, _sum if name in _COUNTING else _first

    def join(replies: "list[Any]") -> "Any":
        held: list[list[Any]] = [[] for _ in tags]
        for which, reply in zip(found, replies, strict=True):
            if not isinstance(reply, list) or len(reply) != len(which):
                return reply  # whoever reads it says so
            for index, item in zip(which, reply, strict=True):
                held[index].append(item)
        return [_highest(items) if tag == EVERYWHERE else items[0] for tag, items in zip(tags, held, strict=True)]

    return parts, join


def _only(replies: "list[Any]") -> "Any":
    return replies[0]


def _first(replies: "list[Any]") -> "Any":
    return replies[0]


def _sum(replies: "list[Any]") -> "Any":
    return sum(replies) if all(isinstance(reply, int) for reply in replies) else replies[0]


def _highest(replies: "list[Any]") -> "Any":
    """Of numbers; what is none is nothing to compare with, and whoever reads it says so."""
    there = [reply for reply in replies if reply is not None]
    try:
        return max(there, key=int, default=None)
    except (TypeError, ValueError):
        return next(reply for reply in there if not _is_number(_text(reply).removeprefix("-")))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < _DIGITS


def _highest_each(replies: "list[Any]") -> "Any":
    if not all(isinstance(reply, list) and len(reply) == len(replies[0]) for reply in replies):
        return replies[0]
    return [_highest(list(items)) for items in zip(*replies, strict=True)]


def _union(replies: "list[Any]") -> "Any":
    if isinstance(replies[0], set):
        return set().union(*replies)
    return list(dict.fromkeys([item for reply in replies for item in reply]))


_JOINS: "dict[str, Join]" = {
    "DEL": _highest, "EXISTS": _highest, "GET": _highest, "INCR": _highest, "MGET": _highest_each, "SADD": _highest,
    "SMEMBERS": _union, "SREM": _highest, "UNLINK": _highest,
}  # fmt: skip


def _places(name: str, words: "list[Any]") -> "Sequence[int]":
    if name in _KEYLESS:
        return ()
    if name in _KEYS_ONLY:
        return range(1, len(words))
    if name in _SCRIPTS:
        return range(3, 3 + int(words[2]))
    if name == "MSET":
        return range(1, len(words), 2)
    if name in ("XREAD", "XREADGROUP"):
        first = [_text(word).upper() for word in words].index("STREAMS") + 1
        return range(first, first + (len(words) - first) // 2)
    return (2 if name in _OF_TWO_WORDS else 1,)


def _scan(words: "list[Any]") -> "tuple[list[Part], Join]":
    """A walk through the keys of one node after the other, whose number its cursor holds."""
    cursor, node = divmod(int(words[1]), _NODES)
    words = [words[0], cursor, *words[2:]]
    names = [_text(word).upper() for word in words]
    if "MATCH" in names:
        place = names.index("MATCH") + 1
        words[place] = named(words[place], "{*}")
    else:
        words += ["MATCH", "{*}*"]

    def join(replies: "list[Any]") -> "Any":
        (((following, keys), count),) = replies  # the latter: how many nodes there are
        after = node + 1 if node + 1 < count else 0
        return int(following) * _NODES + node if int(following) else after, [
            name for name in map(unnamed, keys) if name is not None
        ]

    return [Part(words, -1, node)], join


def _scan_set(words: "list[Any]") -> "tuple[list[Part], Join]":
    """The same through a set that lies everywhere, from tag to tag."""
    cursor, number = divmod(int(words[2]), _NODES)
    tag = TAGS[number % len(TAGS)]

    def join(replies: "list[Any]") -> "Any":
        following, items = replies[0]
        if int(following):
            return int(following) * _NODES + number, items
        return (number + 1 if number + 1 < len(TAGS) else 0), items

    return [Part([words[0], named(words[1], tag), cursor, *words[3:]], _SLOT_OF[tag])], join


def _text(word: "Any") -> str:
    return bytes(word).decode("latin-1") if isinstance(word, bytes | bytearray | memoryview) else str(word)


class Slots:
    """Which node has which slots. runs: first, last and place of each, in order; copied: nodes that have a replica."""

    __slots__ = ("copied", "runs")

    def __init__(self, runs: "Iterable[tuple[int, int, Place]]", copied: "Iterable[Place]" = ()) -> None:
        self.runs = tuple(sorted(runs))
        self.copied = frozenset(copied)

    def owner(self, slot: int) -> "Place | None":
        for first, last, place in self.runs:
            if first <= slot <= last:
                return place
        return None

    def nodes(self) -> "list[Place]":
        return sorted({place for _, _, place in self.runs})

    def with_slot(self, slot: int, place: "Place") -> "Slots":
        runs = [(slot, slot, place)]
        for first, last, own in self.runs:
            runs += [(low, high, own) for low, high in ((first, min(last, slot - 1)), (max(first, slot + 1), last))
                     if low <= high]  # fmt: skip
        return Slots(runs, self.copied)

    def text(self) -> str:
        lines = [(first, last, 1 if place in self.copied else 0, place) for first, last, place in self.runs]
        return "".join([f"{first} {last} {copies} {port} {host}\n" for first, last, copies, (host, port) in lines])


def read_slots(text: str) -> Slots | None:
    """As `Slots.text` wrote it; None for anything else."""
    runs: list[tuple[int, int, Place]] = []
    copied: list[Place] = []
    for line in text.splitlines():
        numbers, host = line.split(" ", 4)[:4], line.split(" ", 4)[4:]
        if (
            not host
            or not host[0].isprintable()
            or not all(n.isascii() and n.isdigit() and len(n) < 6 for n in numbers)
        ):
            return None
        first, last, copies, port = map(int, numbers)
        if not (runs[-1][1] if runs else -1) < first <= last < SLOTS or not 0 < port < 65_536:
            return None
        runs.append((first, last, (host[0], port)))
        copied += [(host[0], port)] if copies else []
    return Slots(runs, copied) if runs else None


def told_slots(reply: "Any", asked: str) -> Slots | None:
    """What CLUSTER SLOTS was answered by; asked: the host that was, as some do not know how they are reached."""
    runs: list[tuple[int, int, Place]] = []
    copied: list[Place] = []
    for run in reply if isinstance(reply, list) else ():
        if not isinstance(run, list) or len(run) < 3 or not isinstance(run[2], list) or len(run[2]) < 2:
            return None
        first, last, (host, port) = run[0], run[1], run[2][:2]
        host = host or b""
        if not (isinstance(first, int) and isinstance(last, int) and isinstance(host, bytes) and isinstance(port, int)):
            return None
        if not 0 <= first <= last < SLOTS or not 0 < port < 65_536:
            return None
        runs.append((first, last, (asked if host in (b"", b"?") else host.decode("utf-8", "replace"), port)))
        copied += [runs[-1][2]] if len(run) > 3 else []
    found = Slots(runs, copied)
    return found if found.owner(_SLOT_OF[HOME]) is not None else None


def find_slots(
    address: "Address",
    deadline: float,
    exchange: "Exchange",
    more: "Sequence[Place]" = (),
    *,
    avoid: "Sequence[Place]" = (),
) -> Slots:
    """As the first node has it that knows. more: places of nodes that the URL does not name. Raises StoreError."""
    places = [place for place in dict.fromkeys([*more, *address.nodes]) if place not in avoid] or address.nodes
    nodes = [address.at(place) for place in places]
    return _ask(nodes, ("CLUSTER", "SLOTS"), told_slots, deadline, exchange)  # type: ignore[no-any-return]


class Fault(Exception):
    """What became of a node. unsent: whether it surely was asked nothing."""

    def __init__(self, error: "Any", *, unsent: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.unsent = unsent


class Course:
    """The way of some parts to their replies, whoever goes it.

        while asked := course.next():    # places, and what each is asked: parts, and whether behind ASKING
            course.take({place: replies in order, or Fault})
            if course.is_lost():         # a slot was not where it was thought
                course.learn(Slots, or None where nobody tells)
        course.lasting()                 # as next, for the last time

    slots: as known now; replies: of each part, a Fault for one that there is none of. redirect: the word, slot and
    place that a reply sends elsewhere by, None for any other.
    """

    _TURNS = 5

    def __init__(
        self, parts: list[Part], slots: Slots, redirect: "Callable[[Any], tuple[str, int, Place] | None]"
    ) -> None:
        self.slots = slots
        self.replies: list[Any] = [None] * len(parts)
        self.avoid: list[Place] = []
        self._parts = parts
        self._redirect = redirect
        self._left: dict[int, tuple[Place | None, bool]] = dict.fromkeys(range(len(parts)), (None, False))
        self._lost = False
        self._faults: dict[int, Fault] = {}
        self._turns = 0
        self._groups: dict[Place, list[int]] = {}

    def next(self) -> "Asked":
        self._turns += 1
        asked: Asked = {}
        self._groups = {}
        for index, (sent_to, asking) in list(self._left.items()):
            part = self._parts[index]
            place = sent_to or self._place(part)
            if place is None or self._turns > self._TURNS:
                fault = StoreError(STORE_REFUSED, "CLUSTERDOWN" if place is None else "MOVED")
                self.replies[index] = self._faults.get(index) or Fault(fault, unsent=True)
                del self._left[index]
                continue
            asked.setdefault(place, []).append((part, asking))
            self._groups.setdefault(place, []).append(index)
        return asked

    def _place(self, part: Part) -> "Place | None":
        if part.node < 0:
            return self.slots.owner(part.slot)
        nodes = self.slots.nodes()
        return nodes[part.node] if part.node < len(nodes) else None

    def take(self, found: "dict[Place, Any]") -> None:
        self._left, self._lost = {}, False
        for place, indices in self._groups.items():
            came = found[place]
            if isinstance(came, Fault):
                for index in indices:
                    self.replies[index] = self._faults[index] = came
                    if came.unsent and place not in self.avoid:
                        self._left[index] = None, False
                if came.unsent and place not in self.avoid:
                    self._lost = True
                continue
            for index, reply in zip(indices, came, strict=True):
                self._take(index, reply, place)
        self.avoid += [place for place, came in found.items() if isinstance(came, Fault) and place not in self.avoid]

    def _take(self, index: int, reply: "Any", place: "Place") -> None:
        sent = self._redirect(reply)
        self.replies[index] = reply
        if sent is None:
            return
        word, slot, target = sent
        target = target if target[0] else (place[0], target[1])
        if word == "MOVED":
            self.slots, self._lost = self.slots.with_slot(slot, target), True
        self._left[index] = target, word == "ASK"

    def lasting(self) -> "Asked":
        """What is to be asked in the end, whatever it is answered by: where a replica is to have what was written."""
        places = {self.slots.owner(part.slot): None for part in self._parts if part.lasts}
        wait = Part(list(WAIT), -1)
        return {place: [(wait, False)] for place in places if place in self.slots.copied and place not in self.avoid}

    def is_lost(self) -> bool:
        return self._lost

    def learn(self, slots: Slots | None) -> None:
        """What was at a node that is gone is asked elsewhere, if somebody else has it now."""
        if slots is not None:
            self.slots = slots
        for index, (place, _) in list(self._left.items()):
            if (
                place is None
                and self._parts[index].node < 0
                and self.slots.owner(self._parts[index].slot) in self.avoid
            ):
                del self._left[index]


def moved_to(code: str, text: str) -> "tuple[str, int, Place] | None":
    """MOVED or ASK, and what follows that word in the error."""
    slot, _, place = text.strip().partition(" ")
    host, colon, port = place.rpartition(":")
    if not colon or not (slot.isascii() and slot.isdigit() and port.isascii() and port.isdigit()):
        return None
    if int(slot) >= SLOTS or not 0 < int(port) < 65_536:
        return None
    return code, int(slot), (host, int(port))


def locate(address: "Address", deadline: float, exchange: "Exchange") -> "Address":
    """The server that `address` means, as the first has it that knows; `address` itself where it says so.

    Of a cluster the one with HOME. `deadline`: on the clock of time.monotonic; `exchange`: says a command to one
    server, for at most so many seconds each to connect, between two pieces and in all. Raises StoreError.
    """
    if address.sentinels:
        guards = [address.of_sentinel(place) for place in address.sentinels]
        return address.at(
            _ask(guards, ("SENTINEL", "get-master-addr-by-name", address.service), _master, deadline, exchange)
        )
    if address.nodes:
        place = find_slots(address, deadline, exchange).owner(_SLOT_OF[HOME])
        if place is None:
            raise StoreError(STORE_UNREACHABLE, "nobody asked knows the place of the server")
        return address.at(place)
    return address


def _ask(
    those: "list[Address]",
    command: "tuple[str, ...]",
    read: "Callable[[Any, str], Any]",
    deadline: float,
    exchange: "Exchange",
) -> "Any":
    """`read`: takes the reply, and the host that gave it; None for what is not known.

    Each is asked once those before it have had their share of the time, and beside them: one that hangs must not starve
    the next, and over a slow link an answer takes most of the time there is.
    """
    fault = StoreError(STORE_TIMEOUT, "nobody said in time where the server is")
    came: list[Any] = []  # what is known, a StoreError, or None
    word = allocate_lock()  # held until something came
    word.acquire()

    def ask(each: "Address") -> None:
        try:
            came.append(read(exchange(each, command, max(deadline - monotonic(), 0.001)), each.host))
        except StoreError as error:
            came.append(error)
        try:
            word.release()
        except RuntimeError:  # something else has just come
            return

    seen = 0
    for index, each in enumerate(those):
        start_new_thread(ask, (each,))
        is_last = index == len(those) - 1
        ends = deadline if is_last else monotonic() + (deadline - monotonic()) / (len(those) - index) / 2
        while seen <= index and (word.acquire(timeout=max(ends - monotonic(), 0.0)) or len(came) > seen):
            for found in came[seen:]:
                seen += 1
                if isinstance(found, StoreError):
                    fault = found
                elif found is not None:
                    return found
                else:
                    fault = StoreError(STORE_UNREACHABLE, "nobody asked knows the place of the server")
    raise fault


def _master(reply: "Any", _asked: str) -> "Place | None":
    if not isinstance(reply, list) or len(reply) != 2:
        return None
    host, port = reply
    if not isinstance(host, bytes) or not isinstance(port, bytes) or not port.isdigit() or len(port) > 5:
        return None
    return host.decode("utf-8", "replace"), int(port)
