"""TLS for rediss://, imported only there. Certificate and host name are verified unless the URL says otherwise."""

import socket
import ssl
from contextlib import contextmanager

from skillcache.core import files
from skillcache.core.outcomes import STORE_UNREACHABLE, StoreError
from skillcache.stores.redis_url import Address

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Iterator

_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_LARGEST = 4 << 20  # bytes
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
    for name in _FILES:
        if name in options:
            _require(name, options[name])
    if "ssl_ca_certs" in options:
        with _named("ssl_ca_certs", options):
            context.load_verify_locations(options["ssl_ca_certs"])
    elif required is not ssl.CERT_NONE:
        context.load_default_certs()
    if "ssl_certfile" in options:
        with _named("ssl_certfile", options):
            # A passphrase, or OpenSSL asks for that of an encrypted key on the terminal.
            context.load_cert_chain(options["ssl_certfile"], options.get("ssl_keyfile"), password="")
    return context


def _require(name: str, path: str) -> None:
    """OpenSSL does not say which file it misses."""
    try:
        content = files.read(path, _LARGEST)
    except OSError as error:
        raise _unusable(name, path, error.strerror or "cannot be read") from None
    if content is None:
        raise _unusable(name, path, "is no file there")


@contextmanager
def _named(name: str, options: dict[str, str]) -> "Iterator[None]":
    try:
        yield
    except ssl.SSLError as error:
        raise _unusable(name, options[name], (error.reason or "no certificate").replace("_", " ").lower()) from None


def _unusable(name: str, path: str, why: str) -> StoreError:
    return StoreError(STORE_UNREACHABLE, f"TLS: {name} {path}: {why}")
