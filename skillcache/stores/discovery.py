"""Where the server is that a URL names others for: Sentinels, or nodes of a cluster. Imported for such a URL only."""

from time import monotonic

from skillcache.core.outcomes import STORE_REFUSED, STORE_UNREACHABLE, StoreError
from skillcache.stores.cluster import SLOT
from skillcache.stores.redis_url import Address
from skillcache.stores.resp import Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from skillcache.stores.resp import Reply

    Place = tuple[str, int]
    Command = tuple[str, ...]
    Exchange = Callable[[Address, Command, float], Reply]


def locate(address: Address, deadline: float, exchange: "Exchange") -> Address:
    """The server that `address` means, as the first has it that knows; `address` itself where it says so.

    `deadline`: on the clock of time.monotonic; `exchange`: says a command to one server, for at most so many seconds
    each to connect, between two pieces and in all. Raises StoreError.
    """
    if address.sentinels:
        guards = [address.of_sentinel(place) for place in address.sentinels]
        return address.at(
            _ask(guards, ("SENTINEL", "get-master-addr-by-name", address.service), _master, deadline, exchange)
        )
    if address.nodes:
        nodes = [address.at(place) for place in address.nodes]
        return address.at(_ask(nodes, ("CLUSTER", "SLOTS"), _owner, deadline, exchange))
    return address


def _ask(
    those: list[Address],
    command: "Command",
    read: "Callable[[Reply, str], Place | None]",
    deadline: float,
    exchange: "Exchange",
) -> "Place":
    """`read`: takes the reply, and the host that gave it; None for a place that is not known."""
    fault = StoreError(STORE_UNREACHABLE, "nobody asked knows the place of the server")
    for index, each in enumerate(those):
        # Each has its share of the time left, half of it to connect: one that hangs must not starve the next.
        share = max((deadline - monotonic()) / (len(those) - index) / 2, 0.001)
        try:
            reply = exchange(each, command, share)
        except StoreError as error:
            fault = error
            continue
        if isinstance(reply, Refusal):
            fault = StoreError(STORE_REFUSED, reply.detail)
        elif (found := read(reply, each.host)) is not None:
            return found
    raise fault


def _master(reply: "Reply", _asked: str) -> "Place | None":
    if not isinstance(reply, list) or len(reply) != 2:
        return None
    host, port = reply
    if not isinstance(host, bytes) or not isinstance(port, bytes) or not port.isdigit() or len(port) > 5:
        return None
    return host.decode("utf-8", "replace"), int(port)


def _owner(reply: "Reply", asked: str) -> "Place | None":
    for run in reply if isinstance(reply, list) else ():
        if not isinstance(run, list) or len(run) < 3 or not isinstance(run[0], int) or not isinstance(run[1], int):
            return None
        node = run[2]
        if run[0] <= SLOT <= run[1] and isinstance(node, list) and len(node) >= 2:
            host, port = node[0] or b"", node[1]  # none: a node that does not know under which name it is reached
            if isinstance(host, bytes) and isinstance(port, int):
                return (host.decode("utf-8", "replace") if host not in (b"", b"?") else asked), port
    return None
