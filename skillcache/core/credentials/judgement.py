"""What tells a credential from what source code, help texts and test reports hold in the same place."""

from skillcache.core.credentials.patterns import compiled

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re

_MASK = rb"(?:[*.xX#?_-]|\xe2\x80\xa2)+\Z|[$<{\[%(]|!!|(?i:your|my|some)[A-Za-z_ -]+\Z"
_RUNS = rb"[A-Z]?[a-z]+"
_DIGITS, _HEX, _LETTERS = (
    b"0123456789",
    b"0123456789abcdefABCDEF-",
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
)
_DULL = frozenset(
    b"none null nil true false undefined string str int bool boolean bytes object any text required optional invalid"
    b" missing password passwd pass pwd secret token key apikey api_key changed unchanged default empty unset expired"
    b" incorrect wrong passed failed string; str, -> = == + | & ... redacted hidden masked".split()
)


def patterns() -> "list[re.Pattern[bytes]]":
    return [compiled(_MASK), compiled(_RUNS)]


def is_dull(value: bytes) -> bool:
    """A word for a value, a mask or a variable in its place."""
    return value.lower() in _DULL or compiled(_MASK).match(value) is not None


def is_place(value: bytes) -> bool:
    if value.startswith((b"http://", b"https://", b"file:", b"./", b"../", b"~/")) or value[1:3] in {b":\\", b":/"}:
        return True
    return value.startswith(b"/") and all(len(part) < 25 for part in value.split(b"/"))


def is_word(value: bytes) -> bool:
    return not value.translate(None, _LETTERS + b"_")


def is_hex(value: bytes) -> bool:
    return not value.translate(None, _HEX)


def is_digest(value: bytes) -> bool:
    """Hexadecimal, alone or behind what names it or its cache."""
    if value.startswith((b"sha1-", b"sha256-", b"sha384-", b"sha512-", b"md5-")):
        return True
    return is_hex(value) or (
        value.count(b"-") > 0 and len(value.rpartition(b"-")[2]) >= 32 and is_hex(value.rpartition(b"-")[2])
    )


def is_random(value: bytes, length: int) -> bool:
    """Long enough, and letters mixed with digits or, where there are none, letters of both cases and twice as long."""
    if len(value) < length or value.isdigit():
        return len(value) >= 2 * length
    if len(value) - len(value.translate(None, _DIGITS)) >= 2:
        return True
    return len(value) >= 2 * length and value != value.upper() and value != value.lower() and not is_camel(value)


def is_mixed(value: bytes) -> bool:
    """Letters and digits in one word, and no version, date, path or digest: for places where prose may stand."""
    digits = len(value) - len(value.translate(None, _DIGITS))
    letters = len(value) - len(value.translate(None, _LETTERS))
    if not (len(value) >= 6 and digits and letters) or is_hex(value) or b"/" in value:
        return False
    return not (value.removeprefix(b"v")[:1].isdigit() and any(sign in value for sign in (b".", b":", b"-")))


def is_camel(value: bytes) -> bool:
    """Whether the letters are words joined by capitals, dots, dashes or underscores, as an identifier's are."""
    runs = compiled(_RUNS).findall(value)
    return bool(runs) and sum(map(len, runs)) / len(runs) >= 4
