"""Passwords among the words of a program, as a trace, a log or a message shows them."""

from skillcache.core.credentials.judgement import is_dull, is_word
from skillcache.core.credentials.legible import Text
from skillcache.core.credentials.patterns import compiled
from skillcache.core.credentials.words import PROGRAMS

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

_KIND = "command-password"


def spans(text: Text) -> "Iterator[tuple[int, int, str]]":
    """Start, end and kind of every password in the text."""
    for programs, options in PROGRAMS:
        for program in programs.split():
            if program.encode() in text.words:
                yield from _found(_search(program, options), text.seen)


def patterns() -> "list[re.Pattern[bytes]]":
    return [_search(programs.split()[0], options) for programs, options in PROGRAMS]


def _search(program: str, options: str) -> "re.Pattern[bytes]":
    reach = 60 if options.startswith("login") else 120
    return compiled(rf"{program}(?<![\w-]{program})\s[^\n;|]{{0,{reach}}}?(?<=\s){options}".encode())


def _found(pattern: "re.Pattern[bytes]", seen: bytes) -> "Iterator[tuple[int, int, str]]":
    for match in pattern.finditer(seen):
        group = match.lastgroup or 0
        value = match[group]
        if len(value) > 1 and not is_dull(value) and not (is_word(value) and value.isupper()):
            yield *match.span(group), _KIND
