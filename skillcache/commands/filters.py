"""A line that is one command seen through filters: the command's own words, and the filters.

For the one failure that may be given again. Whatever is not surely such a line is none: in any other something else may
have changed the world, before the command, after it or beside it.
"""

import shlex
from collections.abc import Sequence

from skillcache.core.outcomes import Bypass
from skillcache.rules.words import unwrap

_OPERATORS = frozenset("|&;<>()")
# What only prints some of what it reads. Nothing here writes or starts anything, but by the words below.
_FILTERS = frozenset("cat column cut egrep fgrep grep head nl rg sed sort tac tail tr uniq wc".split())  # noqa: SIM905
_DOES_MORE = ("-o", "--output", "--compress-program", "--pre", "-i", "--in-place", "-f", "--follow", "-F", "--retry")
_NEVER = ("\n", "`", "$(", "<(", ">(", "${", "#")


def seen_through(line: str, words: Sequence[str]) -> tuple[str, str] | None:
    """What a line has before its first pipe, and the filters behind that, '' for none.

    None for a line that is not the command of `words` and nothing else.
    """
    if any(mark in line for mark in _NEVER):
        return None
    try:
        parts = _parts(line)
    except ValueError:
        return None
    if parts is None:
        return None
    command, *filters = parts
    if not _is_command(command, list(words)) or not all(map(_is_filter, filters)):
        return None
    return line.partition("|")[0].strip().removesuffix("2>&1").strip(), " | ".join(map(shlex.join, filters))


def _parts(line: str) -> list[list[str]] | None:
    """The words between the pipes; None where anything but pipes and joined streams is in it. Raises ValueError."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    parts: list[list[str]] = [[]]
    pieces = list(lexer)
    at = 0
    while at < len(pieces):
        piece = pieces[at]
        if not _OPERATORS.issuperset(piece):
            parts[-1].append(piece)
        elif piece in {"|", "|&"}:
            parts.append([])
        elif piece == ">&" and pieces[at + 1 : at + 2] == ["1"] and parts[-1][-1:] == ["2"]:
            parts[-1].pop()
            at += 1
        elif len(parts) == 1 and _changes_nothing(piece, parts[0]):
            parts[0] = []
        else:
            return None
        at += 1
    return parts


def _changes_nothing(operator: str, words: list[str]) -> bool:
    """Whether what stands before the command moves or sets the shell alone."""
    if operator == "&&" and len(words) == 2 and words[0] == "cd":
        return True
    return operator in {";", "&&"} and len(words) > 1 and words[0] == "set" and words[1].startswith("-")


def _is_command(given: list[str], words: list[str]) -> bool:
    """Behind variables that are set for it, and wrappers whose words are all their own."""
    rest = list(given)
    while rest and "=" in rest[0] and rest[0].partition("=")[0].isidentifier():
        del rest[0]
    if rest == words or not rest:
        return bool(rest)
    try:
        inner = unwrap(tuple(rest))
    except Bypass:
        return False
    return inner is not None and not inner.launcher and list(inner.words) == words


def _is_filter(words: list[str]) -> bool:
    if not words or words[0] not in _FILTERS:
        return False
    if any(word.startswith(_DOES_MORE) for word in words[1:]):
        return False
    operands = [word for word in words[1:] if not word.startswith("-")]
    if words[0] == "uniq":  # its second operand is what it writes
        return not operands
    if words[0] == "sed":  # a script may write, or start something
        return all(set(word) <= set("0123456789,$p;q") for word in operands)
    return True
