"""Rules about files, such as `Read(.env)`, held against the words of a command.

The client applies them to the commands it knows to read or write files, by gitignore patterns: `//x` from the root
of the file system, `~/x` from the home, `/x`, `./x` and `x/y` from the project, `x` at any depth. This applies them to
every word of every command, and rules against writing where the line may write.
"""

import os

from skillcache.permissions.readings import Line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

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


def covers(tool: str, pattern: str, line: Line, roots: "Sequence[str]", home: str) -> bool:
    """Whether a word of the line may name a path that the rule is about."""
    if tool != "Read" and not (line.writes or _WRITERS.intersection(line.words)):
        return False
    if pattern in {"", "*"}:  # the whole tool, which says nothing of commands
        return False
    return any(
        _fits(pattern, path, roots, home) for word in line.words for path in _paths(word, line.words, roots, home)
    )


def _paths(word: str, words: list[str], roots: "Sequence[str]", home: str) -> set[str]:
    """The absolute paths a word may stand for: from each root, and from each folder the line may go to."""
    found = set()
    for part in {word, word.partition("=")[2], word.partition("::")[0]}:
        if part == "~" or part.startswith("~/"):
            found.add(os.path.normpath(home + part[1:]))
        elif part.startswith("/"):
            found.add(os.path.normpath(part))
        elif part:
            starts = [*roots, *(os.path.join(roots[0], other) for other in words if other != word and words[0] == "cd")]
            found.update(os.path.normpath(os.path.join(start, part)) for start in starts)
    return found


def _fits(pattern: str, path: str, roots: "Sequence[str]", home: str) -> bool:
    if pattern.startswith("//"):
        return _match(_segments(pattern), _segments(path))
    if pattern.startswith("~"):
        return _match(_segments(home + pattern[1:]), _segments(path))
    segments = _segments(pattern.removeprefix("./"))
    if "/" not in pattern.removeprefix("./").rstrip("/"):
        segments = ["**", *segments]
    for root in roots:
        inside = path == root or path.startswith(root.rstrip("/") + "/")
        if inside and path != root and _match(segments, _segments(path[len(root) :])):
            return True
    return False


def _segments(path: str) -> list[str]:
    # Folded: some file systems take .ENV for .env.
    return [part for part in path.lower().split("/") if part and part != "."]


def _match(pattern: list[str], path: list[str]) -> bool:
    """Whether the pattern names the path, a folder above it, or (`x/**`) the folder x itself."""
    if not pattern or pattern == ["**"]:
        return True
    if pattern[0] == "**":
        return any(_match(pattern[1:], path[start:]) for start in range(len(path) + 1))
    return bool(path) and _segment_fits(pattern[0], path[0]) and _match(pattern[1:], path[1:])


def _segment_fits(pattern: str, name: str) -> bool:
    for mark in "?[{":  # in doubt they match: what follows them is not compared
        if mark in pattern:
            pattern = pattern[: pattern.index(mark)] + "*"
    first, star, rest = pattern.partition("*")
    if not star:
        return pattern == name
    last = rest.rpartition("*")[2]
    return len(name) >= len(first) + len(last) and name.startswith(first) and name.endswith(last)
