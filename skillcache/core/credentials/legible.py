r"""A text as one would read it, byte for byte in its place: colours are blank, and so is what escapes a character.

In JSON, in a log of JSON and in a repr a line begins with `\n`, whose letter would else be part of the first word.
"""

from skillcache.core.credentials.patterns import compiled
from skillcache.core.credentials.words import NO_WORD

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re

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


def patterns() -> "list[re.Pattern[bytes]]":
    return [compiled(_COLOURS), compiled(_UNICODE)]


def read(data: bytes) -> Text:
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
