"""Recorded text as it may stand in a brief, and times as people say them."""

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
        text = text.encode("utf-8", "replace").decode("utf-8").translate(_TABLE)
    text = " ".join(text.split())
    if "<" in text:
        first, *rest = text.split("<")
        text = first + "".join([(ANGLE if part[:1].isalpha() or part[:1] in "/!?" else "<") + part for part in rest])
    return text if len(text) <= limit else text[: limit - 1].rstrip() + ELLIPSIS


def units(text: str) -> int:
    """The length by which the client measures: UTF-16."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "replace")) // 2


class Clock:
    """now: unix ms."""

    __slots__ = ("now",)

    def __init__(self, now: int) -> None:
        self.now = now

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
