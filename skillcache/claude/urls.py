"""Addresses of pages: one text for all spellings of one address, and whether an address carries a credential.

By RFC 3986: the case of scheme and host, the default port, an empty path, dot segments and percent-encoding do not tell
two addresses apart; the order of a query does. A fragment stays: no server sees it, but a client may. An address that
browsers read in ways of their own (blanks, backslashes, numbers for hosts) has no normal form here.
"""

from skillcache.claude.patterns import fits
from skillcache.core import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_PORTS = {"https": "443", "http": "80"}
_UNRESERVED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
_HEX = frozenset("0123456789abcdefABCDEF")
_HOST = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._")
# Names of parameters, without their marks, whose value is a credential whatever it looks like, and ends of such names.
_TELLING = frozenset(
    (
        *("authkey", "authorization", "bearer", "googleaccessid", "hmac", "jwt", "oauthverifier", "otp", "passcode"),
        *("passphrase", "passwd", "pwd", "sas", "sig"),
    )
)
_ENDS = (
    *("accesskeyid", "apikey", "credential", "credentials", "password", "privatekey", "secret", "secretkey"),
    *("signature", "subscriptionkey", "token"),
)
# Names whose value is one when it looks drawn at random, and ends of such names.
_DOUBTFUL = frozenset(
    ("auth", "code", "hash", "invite", "key", "keypairid", "login", "nonce", "pass", "pin", "policy", "session", "sid")
)
_DOUBTFUL_ENDS = ("sessid", "sessionid")
_SHORTEST = 16


class Parts(Record):
    scheme: str
    user: str
    host: str  # lower case, without a port
    port: str
    rest: str  # path, query and fragment as written


def split(url: str) -> Parts:
    """Raises ValueError for anything but an http or https address that every reader reads alike."""
    if any(char <= " " or char in '\\<>"^`{|}\x7f' for char in url):
        raise ValueError("a character that addresses do not hold")
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in _PORTS:
        raise ValueError("not an http address")
    end = min(at for at in (rest.find("/"), rest.find("?"), rest.find("#"), len(rest)) if at >= 0)
    user, _, place = rest[:end].rpartition("@")
    host, port = _host_and_port(place.lower())
    return Parts(scheme, user, host, "" if port == _PORTS[scheme] else port, rest[end:])


def is_domain(pattern: str, host: str) -> bool:
    """Whether the inside of a `domain:` rule names the host."""
    pattern, host = pattern.lower(), host.lower().rstrip(".")
    if not pattern.endswith("*"):
        pattern = pattern.rstrip(".")
    if pattern in {"*", host}:
        return True
    if "*" not in pattern:
        return False
    labels, parts = pattern.split("."), host.split(".")
    if labels[0] == "*" and len(labels) > 1:  # any number of labels, one at the least
        labels, parts = labels[1:], parts[1:][-len(labels) + 1 :]
    return len(labels) == len(parts) and all(
        fits(label.split("*"), part) for label, part in zip(labels, parts, strict=True)
    )


def normalise(url: str) -> str:
    """The normal form. Raises ValueError where there is none."""
    parts = split(url)
    rest, hash_, fragment = parts.rest.partition("#")
    path, mark, query = rest.partition("?")
    user = f"{_encoded(parts.user)}@" if parts.user else ""
    port = f":{parts.port}" if parts.port else ""
    place = f"{parts.scheme}://{user}{parts.host}{port}{_without_dots(_encoded(path))}"
    return f"{place}{mark}{_encoded(query)}{hash_}{_encoded(fragment)}"


def carries_credential(url: str) -> bool:
    """Whether the address names a user, or a parameter of it is by its name a credential."""
    authority, _, _ = url.partition("://")[2].partition("/")
    if "@" in authority.partition("?")[0].partition("#")[0]:
        return True
    return any(_is_credential(name, value) for name, value in _parameters(url))


def _host_and_port(place: str) -> tuple[str, str]:
    if place.startswith("["):
        host, bracket, port = place.partition("]")
        inside, last = host[1:], host + bracket
        if not bracket or not inside or not set(inside) <= _HEX | {":", "."} or (port and port[0] != ":"):
            raise ValueError("not an address in brackets")
        port = port[1:]
    else:
        last, _, port = place.partition(":")
        if not last.strip(".") or not set(last) <= _HOST:
            raise ValueError("not the name of a host")
        _require_no_odd_number(last)
    if port and not (port.isdecimal() and port.isascii()):
        raise ValueError("not a port")
    return last, port.lstrip("0") or ("0" if port else "")


def _require_no_odd_number(host: str) -> None:
    """A last label that is a number makes the host an IPv4 address, in one of many spellings."""
    labels = host.removesuffix(".").split(".")
    if labels[-1].isdigit() or labels[-1].startswith("0x"):
        plain = len(labels) == 4 and all(label.isdigit() and str(int(label)) == label for label in labels)
        if not plain or host.endswith(".") or any(int(label) > 255 for label in labels):
            raise ValueError("a number for a host")


def _encoded(text: str) -> str:
    """Percent-encoding only where it is needed, in capitals; ValueError for half a surrogate pair."""
    if text.isascii() and "%" not in text:
        return text
    pieces = []
    at = 0
    while at < len(text):
        char = text[at]
        if char == "%" and _HEX.issuperset(text[at + 1 : at + 3]) and at + 2 < len(text):
            plain = chr(int(text[at + 1 : at + 3], 16))
            pieces.append(plain if plain in _UNRESERVED else text[at : at + 3].upper())
            at += 3
            continue
        pieces.append(char if char.isascii() else "".join(f"%{byte:02X}" for byte in char.encode("utf-8")))
        at += 1
    return "".join(pieces)


def _without_dots(path: str) -> str:
    if "/." not in path:
        return path or "/"
    kept: list[str] = []
    segments = path.split("/")[1:]
    for place, segment in enumerate(segments):
        last = place == len(segments) - 1
        if segment == "..":
            if kept:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
            continue
        if last:
            kept.append("")
    return "/" + "/".join(kept)


def _parameters(url: str) -> "Iterator[tuple[str, str]]":
    """Names and values of the query, of a fragment written like one, and of matrix parameters in the path."""
    for mark in "?&;#":
        url = url.replace(mark, "\n")
    for piece in url.split("\n")[1:]:
        name, equals, value = piece.partition("=")
        if equals:
            yield name, value


def _is_credential(name: str, value: str) -> bool:
    plain = "".join(char for char in _encoded_or_same(name).lower() if char.isalnum())
    value = _encoded_or_same(value)
    if not value:
        return False
    if plain in _TELLING or plain.endswith(_ENDS):
        return True
    doubtful = plain in _DOUBTFUL or plain.endswith(_DOUBTFUL_ENDS)
    return doubtful and len(value) >= _SHORTEST and any(char.isdigit() for char in value)


def _encoded_or_same(text: str) -> str:
    try:
        return _encoded(text)
    except ValueError:
        return text
