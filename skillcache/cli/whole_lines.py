"""Rules of a person's own that were written for whole lines of a shell, and name no command."""

from collections.abc import Iterator
from typing import NamedTuple

from skillcache.cli.line import NotALine, read
from skillcache.policy.own import rules_of
from skillcache.policy.pattern import matches
from skillcache.settings import Settings

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
