"""Rules about files, such as `Read(.env)`, held against the words of a command.

The client applies them to the commands it knows to read or write files, by gitignore patterns: `//x` from the root
of the file system, `~/x` from the home, `/x`, `./x` and `x/y` from the project, `x` at any depth. This applies them to
every word of every command, and rules against writing where the line may write.
"""

import os

from skillcache.permissions.readings import Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TOOLS = frozenset(("Read", "Edit", "Write", "NotebookEdit", "MultiEdit"))
_WRITERS = frozenset(
    (
        *(
            "touch",
            "cp",
            "mv",
            "rm",
            "rmdir",
            "mkdir",
            "ln",
            "sed",
            "tee",
            "dd",
            "truncate",
            "install",
            "chmod",
            "chown",
        ),
        *("patch", "rsync", "unzip", "tar", "perl", "git"),
    )
)


Path = tuple[str, ...]  # the folded names between the slashes


class Operands:
    """Where the words of a line may point: everywhere, and of that what is inside a root, relative to it."""

    __slots__ = ("everywhere", "inside", "writing")

    def __init__(self, line: Line, roots: "Sequence[str]", home: str) -> None:
        self.writing = line.writes or bool(_WRITERS.intersection(line.words))
        left = [
            os.path.join(roots[0], to) for word, to in zip(line.words, line.words[1:], strict=False) if word == "cd"
        ]
        self.everywhere = {_segments(path) for word in set(line.words) for path in _paths(word, {*roots, *left}, home)}
        self.inside = set()
        for root in {_segments(root) for root in roots}:
            self.inside |= {path[len(root) :] for path in self.everywhere if path[: len(root)] == root and path != root}


def covers(tool: str, pattern: str, operands: Operands, home: str) -> bool:
    """Whether a word of the line may name a path that the rule is about."""
    if pattern in {"", "*"} or not (tool == "Read" or operands.writing):
        return False  # a rule about the whole tool says nothing of commands
    if pattern.startswith("//"):
        return any(_match(_segments(pattern), path) for path in operands.everywhere)
    if pattern.startswith("~"):
        return any(_match(_segments(home + pattern[1:]), path) for path in operands.everywhere)
    segments = _segments(pattern)
    if "/" not in pattern.removeprefix("./").rstrip("/"):
        segments = ("**", *segments)
    return any(_match(segments, path) for path in operands.inside)


def _paths(word: str, starts: set[str], home: str) -> "Iterator[str]":
    """The absolute paths a word may stand for."""
    for part in {word, word.partition("=")[2], word.partition("::")[0]}:
        if part == "~" or part.startswith("~/"):
            yield os.path.normpath(home + part[1:])
        elif part.startswith("/"):
            yield os.path.normpath(part)
        elif part:
            yield from (os.path.normpath(f"{start}/{part}") for start in starts)


def _segments(path: str) -> Path:
    # Folded: some file systems take .ENV for .env.
    return tuple(part for part in path.lower().split("/") if part not in {"", "."})


def _match(pattern: Path, path: Path) -> bool:
    """Whether the pattern names the path, a folder above it, or (`x/**`) the folder x itself."""
    for at, part in enumerate(pattern):
        if part == "**":
            rest = pattern[at + 1 :]
            return not rest or any(_match(rest, path[start:]) for start in range(at, len(path)))
        if at >= len(path) or not (part == path[at] or _segment_fits(part, path[at])):
            return False
    return True


def _segment_fits(pattern: str, name: str) -> bool:
    for mark in "?[{":  # in doubt they match: what follows them is not compared
        if mark in pattern:
            pattern = pattern[: pattern.index(mark)] + "*"
    first, star, rest = pattern.partition("*")
    last = rest.rpartition("*")[2]
    return bool(star) and len(name) >= len(first) + len(last) and name.startswith(first) and name.endswith(last)
