"""Redis Sentinel: which server of a service is the master now. Imported only where a URL names Sentinels."""

from time import monotonic

from skillcache.errors import StoreError
from skillcache.outcome import STORE_UNREACHABLE
from skillcache.stores.connection import Connection, Limits
from skillcache.stores.redis_url import Address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.stores.resp import Reply

_ANSWER = 1 << 16  # bytes, at most


def find_master(address: Address, deadline: float) -> Address:
    """Where the master of the service is, as the first Sentinel has it that knows.

    `deadline`: on the clock of time.monotonic. Raises StoreError.
    """
    fault = StoreError(STORE_UNREACHABLE, "no Sentinel knows the service")
    for index, place in enumerate(address.sentinels):
        # Each has its share of the time left, half of it to connect: one that hangs must not starve the next.
        share = max((deadline - monotonic()) / (len(address.sentinels) - index) / 2, 0.001)
        connection = Connection(address.of_sentinel(place), Limits(share, share, share, _ANSWER))
        try:
            found = _read(connection.exchange(("SENTINEL", "get-master-addr-by-name", address.service)))
        except StoreError as error:
            fault = error
        else:
            if found is not None:
                return address.at(found)
        finally:
            connection.close()
    raise fault


def _read(reply: "Reply") -> tuple[str, int] | None:
    """None for a service that the Sentinel does not know, and for what is no address."""
    if not isinstance(reply, list) or len(reply) != 2:
        return None
    host, port = reply
    if not isinstance(host, bytes) or not isinstance(port, bytes) or not port.isdigit() or len(port) > 5:
        return None
    return host.decode("utf-8", "replace"), int(port)
