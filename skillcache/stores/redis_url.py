"""Redis URLs, read as redis-py reads them, without the 6 ms of urllib.

    redis://[user][:password@]host[:port][/db][?options]       TCP
    rediss://...                                               the same over TLS
    unix://[user][:password@]/path[?db=N]                      unix socket; redis+socket:// is a synonym
    redis+sentinel://[...@]host[:port][,...]/service[/db]      the master that Sentinels name for the service
    rediss+sentinel://...                                      the same, Sentinels and server over TLS
    redis+cluster://[...@]host[:port][,...]                    a cluster, of which the named nodes know the others
    rediss+cluster://...                                       the same over TLS

Options: db (virtual_host), username, password, ssl_ca_certs, ssl_certfile, ssl_keyfile, ssl_cert_reqs,
ssl_check_hostname; sentinel_username and sentinel_password, as the login in the URL is the server's. Other options
steer redis-py only and are passed over. No message repeats any of the URL: where it is malformed, a password may be
anywhere in it.
"""

from skillcache.errors import ConfigError

DEFAULT_PORT = 6379
_SENTINEL_PORT = 26379
_SCHEMES = (
    "redis", "rediss", "unix", "redis+socket", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster",
)  # fmt: skip
_MAX_PORT = 65535
_HEX = b"0123456789abcdefABCDEF"
_FALSE = ("0", "f", "false", "n", "no")  # redis-py's own words for it
_CERT_REQS = ("none", "optional", "required")


class Address:
    """host and port, or path of a unix socket; tls is None for a plain connection, else the ssl_* options.

    sentinels: host and port of each, which know where the master of `service` is; nodes: of a cluster, which know who
    has our slot; none of either where the host is the server's.
    """

    __slots__ = (
        "db", "host", "nodes", "password", "path", "port", "sentinel_password", "sentinel_username", "sentinels",
        "service", "tls", "username",
    )  # fmt: skip

    def __init__(self) -> None:
        self.host = "localhost"
        self.port = DEFAULT_PORT
        self.path: str | None = None
        self.username: str | None = None
        self.password: str | None = None
        self.db = 0
        self.tls: dict[str, str] | None = None
        self.sentinels: tuple[tuple[str, int], ...] = ()
        self.nodes: tuple[tuple[str, int], ...] = ()
        self.service = ""
        self.sentinel_username: str | None = None
        self.sentinel_password: str | None = None

    def at(self, place: tuple[str, int]) -> "Address":
        """The same server, now that it is known where it is, or a node of the same cluster."""
        found = Address()
        found.host, found.port = place
        found.username, found.password, found.db, found.tls = self.username, self.password, self.db, self.tls
        return found

    def of_sentinel(self, place: tuple[str, int]) -> "Address":
        found = Address()
        found.host, found.port = place
        found.username, found.password, found.tls = self.sentinel_username, self.sentinel_password, self.tls
        return found

    def greeting(self) -> tuple[tuple[str, ...], ...]:
        """The commands a fresh connection sends before its first one."""
        commands: list[tuple[str, ...]] = []
        if self.username:
            commands.append(("AUTH", self.username, self.password or ""))
        elif self.password:
            commands.append(("AUTH", self.password))
        if self.db:
            commands.append(("SELECT", str(self.db)))
        return tuple(commands)


def parse_url(url: str) -> Address:
    """Raises ConfigError for what is not a Redis URL."""
    scheme, colon, rest = url.strip().partition("://")
    scheme = scheme.lower()
    if not colon or scheme not in _SCHEMES:
        raise _bad("begins with redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://")
    rest, _, query = rest.partition("#")[0].partition("?")
    authority, slash, path = rest.partition("/")
    login, _, place = authority.rpartition("@")
    options = _parse_query(query)

    address = Address()
    username, _, password = login.partition(":")
    address.username = _unquote(username) or options.get("username")
    address.password = _unquote(password) or options.get("password")
    db = _read_place(address, scheme, place, slash + path, options)
    if db:
        if not (db.isascii() and db.isdigit() and len(db) <= 9):  # fits any server's integer
            raise _bad("ends in the number of a database: redis://host:6379/0")
        address.db = int(db)
    if scheme.startswith("rediss"):
        address.tls = _tls_options(options)
    return address


def _read_place(address: Address, scheme: str, place: str, path: str, options: dict[str, str]) -> str | None:
    """What the URL names before its options. The number of the database, as it is written there. Raises ConfigError."""
    db = options.get("db") or options.get("virtual_host")
    if scheme in ("unix", "redis+socket"):
        address.path = _unquote(path)
        if place or len(address.path) <= 1:
            raise _bad("of a unix socket names an absolute path: unix:///run/redis.sock")
    elif scheme.endswith("+sentinel"):
        address.sentinels = tuple(_place(each, _SENTINEL_PORT) for each in place.split(",") if each)
        service, _, number = _unquote(path).strip("/").partition("/")
        if not address.sentinels or not service:
            raise _bad("of Sentinels names some, and the service: redis+sentinel://host:26379,host:26379/service")
        address.service = service
        address.sentinel_username = options.get("sentinel_username")
        address.sentinel_password = options.get("sentinel_password")
        db = db or number
    elif scheme.endswith("+cluster"):
        address.nodes = tuple(_place(each, DEFAULT_PORT) for each in place.split(",") if each)
        if not address.nodes or path.strip("/") not in ("", "0") or db not in (None, "0"):
            raise _bad("of a cluster names nodes and no database: redis+cluster://host:6379,host:6379")
    else:
        address.host, address.port = _place(place, DEFAULT_PORT)
        db = db or _unquote(path).strip("/")
    return db


def _bad(message: str) -> ConfigError:
    return ConfigError("Redis URL", f"a Redis URL {message}")


def _place(place: str, default: int) -> tuple[str, int]:
    """Host and port."""
    if place.startswith("["):
        host, bracket, port = place[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise _bad("writes an IPv6 address in brackets: redis://[::1]:6379/0")
        port = port[1:]
    else:
        host, _, port = place.partition(":")
    if port and not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) <= _MAX_PORT):
        raise _bad("has a port from 1 to 65535; in a password, `:` `/` `@` `?` and `#` are percent-encoded")
    return _unquote(host) or "localhost", int(port or default)


def _parse_query(query: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if value:
            options.setdefault(_unquote(name.replace("+", " ")), _unquote(value.replace("+", " ")))
    return options


def _tls_options(options: dict[str, str]) -> dict[str, str]:
    required = options.get("ssl_cert_reqs", "required").lower()
    if required not in _CERT_REQS:
        raise _bad(f"has ssl_cert_reqs as one of {', '.join(_CERT_REQS)}")
    tls: dict[str, str] = {
        name: options[name] for name in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile") if name in options
    }
    tls["ssl_cert_reqs"] = required
    if options.get("ssl_check_hostname", "true").lower() in _FALSE:
        tls["ssl_check_hostname"] = "false"
    return tls


def _unquote(text: str) -> str:
    """Percent-decoding as urllib does it: a sequence that is none stays, bytes that are not UTF-8 become U+FFFD."""
    if "%" not in text:
        return text
    head, *parts = text.encode("utf-8", "surrogateescape").split(b"%")
    decoded = bytearray(head)
    for part in parts:
        digits = part[:2]
        if len(digits) == 2 and all(digit in _HEX for digit in digits):  # an octet
            decoded.append(int(digits, 16))
            decoded += part[2:]
        else:
            decoded += b"%" + part
    return decoded.decode("utf-8", "replace")
