r"""How a text is read for credentials, and what tells one from what source code and reports hold in its place.

In JSON, in a log of JSON and in a repr a line begins with `\n`, whose letter would else be part of the first word.
"""

from skillcache.core.credentials import NO_WORD

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re


_compiled: "dict[bytes, re.Pattern[bytes]]" = {}


def compiled(pattern: bytes) -> "re.Pattern[bytes]":
    """Kept here, too: to ask `re` for what it has compiled takes longer than most matches."""
    known = _compiled.get(pattern)
    if known is None:
        import re  # nearly every text is clean, and shown to be without it

        known = _compiled[pattern] = re.compile(pattern)
    return known


_MASK = rb"(?:[*.xX#?_-]|\xe2\x80\xa2)+\Z|[$<{\[%(]|!!|(?i:your|my|some)[A-Za-z_ -]+\Z"
_MASK_BEGINS = frozenset(bytes([byte]) for byte in b"*.xX#?_-\xe2$<{[%(!yYmMsS")
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
    return value.lower() in _DULL or (value[:1] in _MASK_BEGINS and compiled(_MASK).match(value) is not None)


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


# Terminal colours as they are, or as JSON, Python or a shell spells them.
_COLOURS = rb"(?:\x1b|\\u001[bB]|\\x1[bB]|\\033|\\e)\[[\d;:]*[A-Za-z]"
_UNICODE = rb"\\u[0-9a-fA-F]{4}"
LONG = 12  # characters: no token is shorter, from its beginning to its first sign that is none of a word's
HEAD = 4
_ESCAPES = ((b"\\n", b" \n"), (b"\\r", b"  "), (b"\\t", b"  "), (b"\\b", b"  "), (b"\\f", b"  "), (b"\\v", b"  "))


class Text:
    """data: as it was given; seen: as one reads it, of the same length; words: of `seen`, each once.

    long: those of LONG characters and more, each behind a line's end; heads: what these begin with; longest: characters
    of a word.
    """

    __slots__ = ("data", "heads", "long", "longest", "seen", "words")

    def __init__(self, data: bytes, seen: bytes) -> None:
        self.data = data
        self.seen = seen
        self.words = frozenset(seen.translate(NO_WORD).split())
        words = [word for word in self.words if len(word) >= LONG]
        self.long = b"\n" + b"\n".join(words)
        self.longest = max(map(len, words), default=0)
        self.heads = {word[:HEAD] for word in words}

    def has_beginning(self, beginning: bytes) -> bool:
        """Whether a long word begins so."""
        return (len(beginning) < HEAD or beginning[:HEAD] in self.heads) and b"\n" + beginning in self.long


def patterns_of_escapes() -> "list[re.Pattern[bytes]]":
    return [compiled(_COLOURS), compiled(_UNICODE)]


def read_legible(data: bytes) -> Text:
    seen = data
    if b"[" in seen and (b"\x1b" in seen or b"\\" in seen):
        seen = compiled(_COLOURS).sub(_blank, seen)
    if b"\\" in seen:
        if b"\\u" in seen:
            seen = compiled(_UNICODE).sub(b"      ", seen)
        for escape, meant in _ESCAPES:
            seen = seen.replace(escape, meant)
        seen = seen.replace(b"\\", b" ")
    return Text(data, seen)


def _blank(match: "re.Match[bytes]") -> bytes:
    return b" " * (match.end() - match.start())
