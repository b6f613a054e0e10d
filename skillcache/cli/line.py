"""A shell's line, taken apart for people: which commands it starts, where, and how their streams lie.

Nothing is decided by this. What a shell expands is seen as it stands; what stands in `$(...)`, a loop or a condition is
one command among the others.
"""

import os
import re
import shlex
from typing import NamedTuple

_TOKEN = re.compile(
    r"[ \t\r]*(?:"
    r"(?P<comment>\#[^\n]*)"
    r"|(?P<operator>&>>?|\d*>>?\|?(?:&\d*-?)?|\d*<<?<?(?:&\d*-?)?|\|\||\|&|\||&&|&|;|\n|\(|\))"
    r"|(?P<word>(?:'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.|[^\s'\"\\|&;<>()])+)"
    r")",
    re.DOTALL,
)
_SINGLE_QUOTED = re.compile(r"'[^']*'|\\.", re.DOTALL)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=", re.ASCII)
_FRESH = re.compile(r"#\s*fresh\s*", re.IGNORECASE)
_BEFORE_COMMANDS = frozenset(["!", "do", "else", "elif", "if", "then", "time", "until", "while", "{"])
_NO_COMMANDS = frozenset(["case", "done", "esac", "fi", "for", "function", "in", "select", "}"])
_EXPANDING = frozenset("$*?[`{")


class NotALine(ValueError):
    """What it says is for people."""


class Spoken(NamedTuple):
    """One command.

    directory: relative to the line's unless absolute; joined: both its streams are one file; piped: it reads what
    another prints; expands: the shell gives it other words than these.
    """

    words: tuple[str, ...]
    assignments: tuple[tuple[str, str], ...] = ()
    directory: str = ""
    joined: bool = True
    piped: bool = False
    expands: bool = False


class Line(NamedTuple):
    commands: tuple[Spoken, ...]
    fresh: bool = False


class _Part:
    """What stands between two operators that end a command."""

    def __init__(self, *, piped: bool) -> None:
        self.words: list[str] = []
        self.streams = ["call", "call"]
        self.redirections: list[tuple[str, str]] = []
        self.piped = piped
        self.expands = False

    def spoken(self, ended_by: str, directory: str) -> Spoken | None:
        words = list(self.words)
        while words and words[0] in _BEFORE_COMMANDS:
            del words[0]
        assignments = []
        while words and _ASSIGNMENT.match(words[0]):
            name, _, value = words.pop(0).partition("=")
            assignments.append((name, value))
        if not words or words[0] in _NO_COMMANDS:
            return None
        joined = self._is_joined(ended_by)
        return Spoken(tuple(words), tuple(assignments), directory, joined, self.piped, self.expands)

    def _is_joined(self, ended_by: str) -> bool:
        output, error = ("pipe" if ended_by in {"|", "|&"} else "call"), "call"
        for operator, target in self.redirections:
            if operator.startswith("&>"):
                output = error = target
            elif operator in {">&1", "1>&1", "2>&1"}:
                error = output if operator == "2>&1" else error
            elif operator in {">&2", "1>&2"}:
                output = error
            elif operator.startswith("2>"):
                error = target
            elif operator.lstrip("1").startswith(">"):
                output = target
        return output == error or ended_by == "|&"


def read(text: str) -> Line:
    """Raises NotALine."""
    commands: list[Spoken] = []
    part, directory, at, fresh = _Part(piped=False), "", 0, False
    text = text.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise NotALine(f"a shell would not take {text[at:].strip()[:40]!r} as it stands: is a quote open?")
        at = found.end()
        if found["comment"]:
            fresh = fresh or _FRESH.fullmatch(found["comment"]) is not None
        elif found["word"]:
            _take(part, found["word"])
        elif found["operator"].strip("0123456789")[0] in "<>" or found["operator"].startswith("&>"):
            part.redirections.append((found["operator"], ""))
        else:
            directory = _end(part, found["operator"], directory, commands)
            part = _Part(piped=found["operator"] in {"|", "|&"})
    _end(part, "", directory, commands)
    return Line(tuple(commands), fresh)


def _take(part: _Part, word: str) -> None:
    try:
        plain = "".join(shlex.split(word, comments=False))
    except ValueError as fault:
        raise NotALine(f"a shell would not take {word[:40]!r} as it stands: {fault}") from None
    if part.redirections and not part.redirections[-1][1] and "&" not in part.redirections[-1][0][1:]:
        part.redirections[-1] = (part.redirections[-1][0], plain or "''")
        return
    part.words.append(os.path.expanduser(plain) if word.startswith("~") else plain)
    part.expands = part.expands or not _EXPANDING.isdisjoint(_SINGLE_QUOTED.sub("", word))


def _end(part: _Part, operator: str, directory: str, commands: list[Spoken]) -> str:
    """The directory after it."""
    spoken = part.spoken(operator, directory)
    if spoken is None:
        return directory
    if spoken.words[0] == "cd" and len(spoken.words) == 2:
        return os.path.normpath(os.path.join(directory, os.path.expanduser(spoken.words[1])))
    commands.append(spoken)
    return directory


def is_line(text: str) -> bool:
    """Whether one argument is more than a program's name."""
    return any(c in text for c in " \t\n'\"\\|&;<>()#$")
