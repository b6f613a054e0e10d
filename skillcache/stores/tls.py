"""TLS for rediss://, imported only there. Certificate and host name are verified unless the URL says otherwise."""

import socket
import ssl

from skillcache.errors import StoreError
from skillcache.outcome import STORE_UNREACHABLE
from skillcache.stores.redis_url import Address

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket

_CERT_REQS = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}


def wrap(link: "_socket.socket", address: Address, seconds: float) -> ssl.SSLSocket:
    """Takes `link` over; the handshake is held to `seconds`. Raises StoreError, TimeoutError, OSError."""
    plain = socket.socket(fileno=link.detach())
    try:
        context = _context(address.tls or {})
        plain.settimeout(seconds)
        return context.wrap_socket(plain, server_hostname=address.host)
    except ssl.SSLError as error:
        plain.close()
        raise StoreError(STORE_UNREACHABLE, f"TLS: {error.reason or 'no handshake'}") from None
    except ValueError:
        plain.close()
        raise StoreError(STORE_UNREACHABLE, "TLS: the host name cannot be verified") from None
    except BaseException:
        plain.close()
        raise


def _context(options: dict[str, str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    required = _CERT_REQS[options["ssl_cert_reqs"]]
    context.check_hostname = required is not ssl.CERT_NONE and "ssl_check_hostname" not in options
    context.verify_mode = required
    if "ssl_ca_certs" in options:
        context.load_verify_locations(options["ssl_ca_certs"])
    elif required is not ssl.CERT_NONE:
        context.load_default_certs()
    if "ssl_certfile" in options:
        context.load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"))
    return context
