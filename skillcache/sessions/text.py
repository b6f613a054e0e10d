"""Texts as they are stored and shown: no credential in them, cut, encodable, legible; times as people say them.

Looking for credentials needs `re`, 9 ms of a hook's start. Most texts show at a glance that they hold none:
`may_hold_secret` must be true for every text in which `credentials.find.find` finds one, and a test holds it to that.
"""

from skillcache.core.credentials.words import NO_WORD, PROGRAMS
from skillcache.core.record import Record
from skillcache.sessions.record import WINDOW

# Every assignment has one of these names, every shape one of these beginnings or a long run below.
_WORDS = (
    *("pass", "pw", "secret", "token", "cred", "cookie", "auth", "key", "earer", "basic", "sig=", "signature"),
    *("webhook", "hooks.", "xox", "xapp", "xwfp", "sntry", "glc_", "_live_", "_test_", "_prod_"),
    *("$1$", "$2", "$5$", "$6$", "$7$", "$y$", "$argon2", "$scrypt$", "$pbkdf2"),
)
_SEPARATORS = str.maketrans(dict.fromkeys("\\'\"`()[]{}<>,;|&", " "))
_LONGEST = 19  # what is known by its beginning is longer than this, where no slash is in it
_LONGEST_WITH_SLASHES = 25
_COLONS = 4  # of a line of .pgpass
_PROGRAMS = frozenset([program.encode() for programs, _ in PROGRAMS for program in programs.split()])


def stored(text: object, limit: int) -> str:
    """`text` without credentials and with at most `limit` characters; '' for what is no text."""
    if not isinstance(text, str):
        return ""
    # A surrogate without its other half cannot be written as UTF-8.
    text = text[:WINDOW].encode("utf-8", "replace").decode("utf-8").replace("\0", "")
    if may_hold_secret(text):
        from skillcache.core.credentials.find import redact  # imports re

        text = redact(text)
    return cut(text, limit)


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def may_hold_secret(text: str) -> bool:
    lowered = text.lower()
    if any(word in lowered for word in _WORDS) or ("://" in text and "@" in text):
        return True
    if not _PROGRAMS.isdisjoint(text.encode("utf-8", "replace").translate(NO_WORD).split()):
        return True
    return any(_is_odd(run) for run in text.translate(_SEPARATORS).split() if len(run) > _LONGEST)


def _is_odd(run: str) -> bool:
    """Long in one piece or, as base64 may be in several, of letters of both cases and digits."""
    if any(len(part) > _LONGEST for part in run.split("/")) or run.count(":") >= _COLONS:
        return True
    mixed = run != run.lower() and run != run.upper() and any(char.isdigit() for char in run)
    return mixed and len(run) > _LONGEST_WITH_SLASHES


_BLANKS = dict.fromkeys([*range(9, 14), 0x85, 0x2028, 0x2029], " ")
# Control characters, what turns the direction of text, and what nobody sees: each can hide or reorder words.
_DROPPED = dict.fromkeys(
    [
        *range(9),
        *range(14, 32),
        *range(0x7F, 0xA0),
        *(0xAD, 0x61C, 0x180E, 0x200B, 0x200E, 0x200F, 0xFEFF),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        *range(0xFFF0, 0xFFFC),
        *range(0xE0000, 0xE0200),
    ]
)
_TABLE = {**_DROPPED, **_BLANKS}
_WINDOW = 8_192  # characters looked at of a text from the store
OPEN, CLOSE = "<recorded>", "</recorded>"
ANGLE = "\u2039"  # in the place of a < that would begin a tag
ELLIPSIS = "…"


def plain(text: str, limit: int) -> str:
    """One line of at most `limit` characters that cannot be taken for markup, an end of the fence or another line."""
    text = text[:_WINDOW]
    if not (text.isascii() and text.isprintable()):
        text = legible(text)
    text = " ".join(text.split())
    if "<" in text:
        first, *rest = text.split("<")
        text = first + "".join([(ANGLE if part[:1].isalpha() or part[:1] in "/!?" else "<") + part for part in rest])
    return text if len(text) <= limit else text[: limit - 1].rstrip() + ELLIPSIS


def legible(text: str) -> str:
    """One line with all its words and blanks, and nothing that a terminal obeys or that hides or turns them."""
    return text.encode("utf-8", "replace").decode("utf-8").translate(_TABLE)


def units(text: str) -> int:
    """The length by which the client measures: UTF-16."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "replace")) // 2


class Clock(Record):
    now: int  # unix ms

    def ago(self, at: int) -> str:
        """A clock of another machine may be ahead of ours: the future is now."""
        if at <= 0:
            return "at an unknown time"
        seconds = max(0, self.now - at) // 1000
        if seconds < 2:
            return "just now"
        return f"{span(seconds)} ago"


def span(seconds: int) -> str:
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size or (seconds >= size and unit != "days"):
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def several(count: int, one: str) -> str:
    return f"{count} {one}{'' if count == 1 else 's'}"
