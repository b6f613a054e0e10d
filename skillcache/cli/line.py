"""A shell's line, taken apart for people, and rules of theirs that were written for whole lines.

Which commands it starts, where, and how their streams lie. Nothing is decided by this. What a shell expands is seen as
it stands; what stands in `$(...)`, a loop or a condition is one command among the others.
"""

import os
import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

from skillcache.claude.patterns import matches
from skillcache.rules.rule import rules_of
from skillcache.settings.in_force import Settings

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


_JOINING = ("|", "&", ";", "<", ">", "\n", "$(", "`", "'", '"', "#")

_FILTERS = frozenset("awk cat column cut grep head less more nl rg sed sort tac tail tee tr uniq wc".split())  # noqa: SIM905 - read as a list


class WholeLine(NamedTuple):
    """pattern: as it is written; specifier: its inside; instead: patterns that name the commands in it."""

    pattern: str
    specifier: str
    instead: tuple[str, ...]

    @property
    def text(self) -> str:
        return f"{self.pattern} is of a whole line, and a rule names one command by its words: this one names none"

    @property
    def mend(self) -> str:
        return f"write {' and '.join(self.instead)} instead" if self.instead else "name the command itself instead"


def whole_lines(settings: Settings) -> Iterator[WholeLine]:
    for rule in rules_of(settings):
        if rule.tool == "Bash" and _is_of_a_line(rule.specifier):
            yield WholeLine(rule.pattern, rule.specifier, tuple(dict.fromkeys(_instead(rule.specifier))))


def of_line(settings: Settings, line: str) -> list[WholeLine]:
    """Those that named this very line."""
    return [each for each in whole_lines(settings) if matches(each.specifier, line)]


def _is_of_a_line(specifier: str) -> bool:
    first = specifier.partition(" ")[0]
    return first == "cd" or "=" in first or any(mark in specifier for mark in _JOINING)


def _instead(specifier: str) -> Iterator[str]:
    try:
        line = read(specifier.removesuffix(":*"))
    except NotALine:
        return
    for at, spoken in enumerate(line.commands, 1):
        if not (spoken.piped and spoken.words[0] in _FILTERS):
            is_open = at == len(line.commands) and specifier.endswith(":*")
            yield f'"Bash({" ".join(spoken.words)}{":*" if is_open else ""})"'
