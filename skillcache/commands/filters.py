"""A line that is one command seen through filters: the command's own words, and the filters.

For the one failure that may be given again. Whatever is not surely such a line is none: in any other something else may
have changed the world, before the command, after it or beside it.
"""

import shlex

from skillcache.commands.simple import pipelines
from skillcache.core.outcomes import Bypass
from skillcache.rules.words import unwrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from skillcache.commands.simple import Simple

# What only prints some of what it reads. Nothing here writes or starts anything, but by the words below.
_FILTERS = frozenset("cat column cut egrep fgrep grep head nl rg sed sort tac tail tr uniq wc".split())  # noqa: SIM905
_DOES_MORE = ("-o", "--output", "--compress-program", "--pre", "-i", "--in-place", "-f", "--follow", "-F", "--retry")


def seen_through(line: str, words: "Sequence[str]") -> tuple[str, str] | None:
    """What a line has before its first pipe, and the filters behind that, '' for none.

    None for a line that is not the command of `words` and nothing else.
    """
    given = pipelines(line)
    if not given or "#" in line or given[-1][-1].behind:
        return None
    *before, (command, *filters) = given
    if not all(len(each) == 1 and _changes_nothing(each[0]) for each in before) or not _is_command(command, words):
        return None
    if not all(map(_is_filter, filters)):
        return None
    shown = " | ".join(shlex.join(each.words) for each in filters)
    return line.partition("|")[0].strip().removesuffix("2>&1").strip(), shown


def _changes_nothing(command: "Simple") -> bool:
    """Whether what stands before the command moves or sets the shell alone."""
    if not command.is_bare or command.assigned:
        return False
    if command.behind == "&&" and len(command.words) == 2 and command.words[0] == "cd":
        return True
    return command.behind in {";", "&&"} and "".join(command.words[:2]).startswith("set-")


def _is_command(command: "Simple", words: "Sequence[str]") -> bool:
    """Behind variables that are set for it, and wrappers whose words are all their own."""
    if not command.words or not command.is_bare or command.reads:
        return False
    if list(command.words) == list(words):
        return True
    try:
        inner = unwrap(command.words)
    except Bypass:
        return False
    return inner is not None and not inner.launcher and list(inner.words) == list(words)


def _is_filter(command: "Simple") -> bool:
    if not command.words or not command.is_bare or command.reads or command.assigned:
        return False
    name, *given = command.words
    if name not in _FILTERS or any(word.startswith(_DOES_MORE) for word in given):
        return False
    operands = [word for word in given if not word.startswith("-")]
    if name == "uniq":  # its second operand is what it writes
        return not operands
    if name == "sed":  # a script may write, or start something
        return all(set(word) <= set("0123456789,$p;q") for word in operands)
    return True
