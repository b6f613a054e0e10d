"""Redis URLs: the one reading of them, which hooks and redis-py's clients alike are given.

    redis://[user][:password@]host[:port][/db][?options]       TCP
    rediss://...                                               the same over TLS
    unix://[user][:password@]/path[?db=N]                      unix socket; redis+socket:// is a synonym
    redis+sentinel://[...@]host[:port][,...]/service[/db]      the master that Sentinels name for the service
    rediss+sentinel://...                                      the same, Sentinels and server over TLS
    redis+cluster://[...@]host[:port][,...]                    a cluster, of which the named nodes know the others
    rediss+cluster://...                                       the same over TLS

Without the 6 ms of urllib. Options are those of the tables below, each once; those of `_TUNING` bound and name the
connections of a process that stays, while a hook has bounds of its own. Anything else is refused: one that nobody
knows might have meant another server, or a safer way to it. No message repeats any of the URL: where it is malformed,
a password may be anywhere in it.
"""

from skillcache.core import Record, field
from skillcache.core.outcomes import ConfigError

DEFAULT_PORT = 6379
_SENTINEL_PORT = 26379
_SCHEMES = (
    "redis", "rediss", "unix", "redis+socket", "redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster",
)  # fmt: skip
_MAX_PORT = 65535
_HEX = b"0123456789abcdefABCDEF"
_FALSE, _TRUE = ("0", "f", "false", "n", "no", "off"), ("1", "t", "true", "y", "yes", "on")
_CERT_REQS = ("none", "optional", "required")
_LOGIN = ("db", "virtual_host", "username", "password")
_TLS = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname")
_SENTINEL = ("sentinel_username", "sentinel_password")
_SECONDS, _NUMBER, _FLAG, _WORD, _PROTOCOL = "seconds", "number", "flag", "word", "protocol"
_TUNING = {
    "socket_timeout": _SECONDS,
    "socket_connect_timeout": _SECONDS,
    "socket_keepalive": _FLAG,
    "health_check_interval": _NUMBER,
    "max_connections": _NUMBER,
    "retry_on_timeout": _FLAG,
    "decode_responses": _FLAG,
    "client_name": _WORD,
    "protocol": _PROTOCOL,
}
_ALLOWED = {
    _SECONDS: "a number of seconds over 0, at most 3600",
    _NUMBER: "a whole number from 1 to 99999",
    _FLAG: "true or false",
    _WORD: "a word of letters, digits and ._:-",
    _PROTOCOL: "2 or 3",
}

TYPE_CHECKING = False
if TYPE_CHECKING:
    Tuning = dict[str, str | int | float | bool]


class Address(Record):
    host: str = "localhost"
    port: int = DEFAULT_PORT
    path: str | None = None  # of a unix socket, instead of host and port
    username: str | None = None
    password: str | None = None
    db: int = 0
    tls: dict[str, str] | None = None  # None for a plain connection, else the ssl_* options
    sentinels: tuple[tuple[str, int], ...] = ()  # host and port of each, which know where the master of `service` is
    # of a cluster, which know who has our slot; none of either where the host is the server's
    nodes: tuple[tuple[str, int], ...] = ()
    service: str = ""
    tuning: "Tuning" = field(default_factory=dict)  # of redis-py's connections, by its own names
    sentinel_username: str | None = None
    sentinel_password: str | None = None

    __repr__ = object.__repr__  # a password is nothing for a traceback

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


def parse_url(url: str, where: str = "Redis URL") -> Address:
    """Raises ConfigError for what is not a Redis URL; `where`: what it names as the place of it."""
    try:
        return _parse(url)
    except _Malformed as fault:
        raise ConfigError(where, f"a Redis URL {fault}") from None


class _Malformed(ValueError):
    """What a Redis URL does, which this one does not."""


def _parse(url: str) -> Address:
    if not _is_text(url):
        raise _Malformed("is UTF-8 text on one line")
    scheme, colon, rest = url.strip().partition("://")
    scheme = scheme.lower()
    if not colon or scheme not in _SCHEMES:
        raise _Malformed("begins with redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://")
    rest, _, query = rest.partition("#")[0].partition("?")
    authority, slash, path = rest.partition("/")
    login, _, place = authority.rpartition("@")
    options = _parse_query(query, scheme)

    address = Address()
    username, _, password = login.partition(":")
    address.username = _unquote(username) or options.get("username")
    address.password = _unquote(password) or options.get("password")
    db = _read_place(address, scheme, place, slash + path, options)
    if db:
        if not (db.isascii() and db.isdigit() and len(db) <= 9):  # fits any server's integer
            raise _Malformed("ends in the number of a database: redis://host:6379/0")
        address.db = int(db)
    if scheme.startswith("rediss"):
        address.tls = _tls_options(options)
    address.tuning = {name: _tuned(name, kind, options[name]) for name, kind in _TUNING.items() if name in options}
    return address


def _is_text(url: str) -> bool:
    """Bytes of a variable that are not UTF-8 are lone surrogates here, which nothing could be sent with."""
    return not any("\ud800" <= char <= "\udfff" or char < " " for char in url.strip())


def _read_place(address: Address, scheme: str, place: str, path: str, options: dict[str, str]) -> str | None:
    """What the URL names before its options. The number of the database, as it is written there. Raises ConfigError."""
    db = options.get("db") or options.get("virtual_host")
    if scheme in ("unix", "redis+socket"):
        address.path = _unquote(path)
        if place or len(address.path) <= 1 or "\0" in address.path:
            raise _Malformed("of a unix socket names an absolute path: unix:///run/redis.sock")
    elif scheme.endswith("+sentinel"):
        address.sentinels = tuple(_place(each, _SENTINEL_PORT) for each in place.split(",") if each)
        service, _, number = _unquote(path).strip("/").partition("/")
        if not address.sentinels or not service:
            raise _Malformed("of Sentinels names some, and the service: redis+sentinel://host:26379,host:26379/service")
        address.service = service
        address.sentinel_username = options.get("sentinel_username")
        address.sentinel_password = options.get("sentinel_password")
        db = db or number
    elif scheme.endswith("+cluster"):
        address.nodes = tuple(_place(each, DEFAULT_PORT) for each in place.split(",") if each)
        if not address.nodes or path.strip("/") not in ("", "0") or db not in (None, "0"):
            raise _Malformed("of a cluster names nodes and no database: redis+cluster://host:6379,host:6379")
    else:
        address.host, address.port = _place(place, DEFAULT_PORT)
        db = db or _unquote(path).strip("/")
    return db


def _place(place: str, default: int) -> tuple[str, int]:
    """Host and port."""
    if place.startswith("["):
        host, bracket, port = place[1:].partition("]")
        if not bracket or (port and not port.startswith(":")):
            raise _Malformed("writes an IPv6 address in brackets: redis://[::1]:6379/0")
        port = port[1:]
    else:
        host, _, port = place.partition(":")
    if port and not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) <= _MAX_PORT):
        raise _Malformed("has a port from 1 to 65535; in a password, `:` `/` `@` `?` and `#` are percent-encoded")
    host = _unquote(host) or "localhost"
    if not all(" " < char != "\x7f" for char in host):
        raise _Malformed("names a host without blanks")
    return host, int(port or default)


def _parse_query(query: str, scheme: str) -> dict[str, str]:
    """Raises _Malformed for an option that this scheme has not, or has twice."""
    options: dict[str, str] = {}
    known = (*_LOGIN, *_TUNING)
    known += _TLS if scheme.startswith("rediss") else ()
    known += _SENTINEL if scheme.endswith("+sentinel") else ()
    for number, pair in enumerate(filter(None, query.split("&")), 1):
        name, _, value = pair.partition("=")
        name, value = _unquote(name.replace("+", " ")), _unquote(value.replace("+", " "))
        if name not in known:
            if name in _TLS:
                raise _Malformed(f"has {name} only where it is one of TLS: rediss:// or rediss+...://")
            raise _Malformed(
                f"of this kind has the options {', '.join(known)}, and its option number {number} is none of them;"
                " in a password, `?` and `&` are percent-encoded"
            )
        if name in options:
            raise _Malformed(f"has {name} once")
        options[name] = value
    return {name: value for name, value in options.items() if value}


def _tls_options(options: dict[str, str]) -> dict[str, str]:
    required = options.get("ssl_cert_reqs", "required").lower()
    if required not in _CERT_REQS:
        raise _Malformed(f"has ssl_cert_reqs as one of {', '.join(_CERT_REQS)}")
    tls: dict[str, str] = {
        name: options[name] for name in ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile") if name in options
    }
    if "ssl_keyfile" in tls and "ssl_certfile" not in tls:
        raise _Malformed("has ssl_keyfile beside the ssl_certfile that it belongs to")
    tls["ssl_cert_reqs"] = required
    if not _tuned("ssl_check_hostname", _FLAG, options.get("ssl_check_hostname", "true")):
        tls["ssl_check_hostname"] = "false"
    return tls


def _tuned(name: str, kind: str, text: str) -> "str | int | float | bool":
    value = _value(kind, text)
    if value is None:
        raise _Malformed(f"has {name} as {_ALLOWED[kind]}")
    return value


def _value(kind: str, text: str) -> "str | int | float | bool | None":
    """None for a text that is no value of this kind."""
    if kind == _FLAG:
        word = text.lower()
        return word in _TRUE if word in _TRUE + _FALSE else None
    if kind == _WORD:
        return text if text.isascii() and text.translate(dict.fromkeys(map(ord, "._:-"))).isalnum() else None
    if kind == _PROTOCOL:
        return int(text) if text in ("2", "3") else None
    whole, _, part = text.partition(".")
    digits = whole + part if kind == _SECONDS else text
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 5):
        return None
    number = float(text) if kind == _SECONDS else int(text)
    return number if 0 < number <= (3600 if kind == _SECONDS else 99999) else None


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
