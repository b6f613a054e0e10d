r"""The regular expressions that a person may level two texts by: a language in which no search takes long.

    .  \d \w \s \D \W \S  [0-9a-f]  [^ ]  \.  x      one character; each may have one of * + ? {2} {2,5} {2,} behind it
    ^ at the beginning, $ at the end                  of a line

There are no groups, no `|` (list two patterns instead) and nothing that looks around. A repeat takes all it can and
gives nothing back, so none may take in what can follow it: `.* ms` is refused, `[^ ]* ms` is not. They are held against
single lines of at most LONGEST characters, so the work is within a constant of the text's length.
"""

import re

from skillcache.core.outcomes import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LONGEST = 250
_PART = re.compile(
    r"(?P<one>\\[dDwWsS]|\\[^\w\s]|\[\^?(?:\\[^\n]|[^\\\[\]\n])+\]|[^\\\[\](){}|*+?^$\n])"
    r"(?P<times>[*+?]|\{\d{1,3}(?:,\d{0,3})?\})?"
)
_RESERVED = ("--", "&&", "~~", "||")  # in a set: Python may give them a meaning one day, and warns of it
# Enough to show whether two parts have a character in common: letters and signs of most scripts, no line's end.
_CHARACTERS = "".join(map(chr, (9, *range(32, 0x3000))))


def fault_of(pattern: str) -> str:
    """Why the text is no expression of this language, or ''."""
    parts, rest = _read(pattern)
    if rest not in ("", "$"):
        return f"{rest[:20]!r} cannot be read; groups, | and what looks around are not taken, nor two repeats together"
    if not parts:
        return "nothing in it names a character"
    for part in parts:
        if any(sign in part["one"] for sign in _RESERVED):
            return f"a sign stands twice in {part['one']}"
        try:
            re.compile(part[0])
        except re.error as error:
            return f"{part[0]}: {error}"
    for place, part in enumerate(parts):
        for other in _followers(parts, place):
            if _share(part["one"], other["one"], pattern):
                return f"{part[0]} takes in what {other[0]} is to match; name what it may not take, as in [^ ]*"
    return ""


def leveled(text: str, patterns: tuple[str, ...]) -> str:
    """The text with `<any>` for each match, in lines that are not too long. Raises ConfigError."""
    searches = [_compiled(pattern) for pattern in patterns]
    lines = text.split("\n")
    for search in searches:
        lines = [search.sub("<any>", line) if len(line) <= LONGEST else line for line in lines]
    return "\n".join(lines)


def _compiled(pattern: str) -> "re.Pattern[str]":
    if fault := fault_of(pattern):
        raise ConfigError(f"normalize {pattern!r}", fault)
    parts, end = _read(pattern)
    middle = "".join([part[0] + ("+" if _varies(part) else "") for part in parts])
    return re.compile("^" * pattern.startswith("^") + middle + end)


def _read(pattern: str) -> "tuple[list[re.Match[str]], str]":
    """The parts behind a leading `^`, as far as they can be read, and the rest."""
    parts = []
    at = int(pattern.startswith("^"))
    while part := _PART.match(pattern, at):
        parts.append(part)
        at = part.end()
    return parts, pattern[at:]


def _varies(part: "re.Match[str]") -> bool:
    times = part["times"]
    return times is not None and (len(times) == 1 or "," in times)


def _followers(parts: "Sequence[re.Match[str]]", place: int) -> "Iterator[re.Match[str]]":
    """The parts that may stand right behind one that varies."""
    if not _varies(parts[place]):
        return
    for part in parts[place + 1 :]:
        yield part
        if part["times"] is None or not part["times"].startswith(("*", "?", "{0")):
            return


def _share(one: str, other: str, pattern: str) -> bool:
    """`pattern` holds the characters that the two spell out."""
    return re.search(f"(?={one}){other}", _CHARACTERS + pattern) is not None
