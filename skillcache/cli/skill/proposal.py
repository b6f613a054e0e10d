"""What a skill could declare, by what its scripts visibly do and by the commands that its text shows."""

import os
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from skillcache.cli.skill.beside import STATE_OF_GIT, is_always_counted
from skillcache.cli.skill.looking import look
from skillcache.cli.skill.shown import Shown, shown
from skillcache.cli.skill.sight import (
    CHANCE,
    CLOCK,
    ENDS,
    GIT,
    HOME,
    NETWORK,
    PRESENT,
    READS,
    VARIABLE,
    WRITES,
    Look,
    Sight,
)
from skillcache.core import files
from skillcache.fingerprint.globs import fault_of, matches
from skillcache.fingerprint.ignored import is_cache
from skillcache.rules.rule import ONLINE_TTL
from skillcache.rules.skills.manifest import fault_of_output

_DAY = 86_400
_CAP = 1 << 20
_OPTIONS = ("-o", "--out", "--output", "--output-file")
_FILE = re.compile(r"[^\s]*(?:\.[A-Za-z]\w{0,4}|/[\w.*-]*)", re.ASCII)
_STANDS_FOR_ONE = re.compile(r"[$\w{}.-]*?(?:file|path|dir|folder|input|document)s?\}?\d*", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"[$<>{}]|^[A-Z_-]+(?:\.|$)|(?:^|/)path/to/")

_OUTPUT = re.compile(r"(?:^|[/_.-])out(?:puts?)?(?:[/_.-]|$)", re.IGNORECASE)

Value = bool | int | list[str]


class Field(NamedTuple):
    """One line of the block, or several. why: what it is proposed for."""

    name: str
    value: Value
    why: tuple[str, ...]


class Proposal(NamedTuple):
    """scripts: that there are; fields: in the order in which they are written; shown: the commands in the text.

    left: what no block says by itself, for who reads it.
    """

    scripts: tuple[str, ...]
    fields: tuple[Field, ...]
    shown: tuple[Shown, ...]
    left: tuple[str, ...] = ()


def propose(folder: str) -> Proposal:
    """`folder`: of the skill."""
    seen = look(folder)
    lines = shown(folder, seen.scripts)
    outputs = _outputs(folder, seen, lines)
    fields = [
        _ttl(seen),
        _listed("depends", _depends(seen, outputs)),
        _listed("env", _variables(seen)),
        _args_are_files(lines, outputs),
        _failures(seen),
        _listed("outputs", outputs),
    ]
    found = tuple(field for field in fields if field is not None)
    if not found:
        found = (Field("ttl", _DAY, ("nothing else is seen of its scripts: a day, as without it",)),)
    return Proposal(seen.scripts, found, tuple(lines), tuple(_left(seen, outputs)))


def _left(seen: Look, outputs: dict[str, str]) -> Iterator[str]:
    is_named = any(output.startswith("{") for output in outputs)  # what is made up may be just that
    for sight in seen.sights:
        if sight.kind == WRITES and not sight.name and not is_named:
            yield f"{_at(sight)} writes to a name that it makes up: complete outputs by hand"
        elif sight.kind == GIT:
            yield f"{_at(sight)} {STATE_OF_GIT}"


def _listed(name: str, found: dict[str, str]) -> Field | None:
    return Field(name, list(found), tuple(found.values())) if found else None


def _at(sight: Sight) -> str:
    return f"{sight.script}:{sight.lines[0]}"


def _ttl(seen: Look) -> Field | None:
    words = {NETWORK: "uses the network", CLOCK: "reads the clock", CHANCE: "draws at random"}
    why = [f"{_at(sight)} {words[sight.kind]} ({sight.name})" for sight in seen.sights if sight.kind in words]
    return Field("ttl", ONLINE_TTL, tuple(why)) if why else None


def _failures(seen: Look) -> Field | None:
    """None where a failure may be the network's, which would be replayed when all is well again."""
    if any(sight.kind == NETWORK for sight in seen.sights):
        return None
    why = [f"{_at(sight)} ends with {sight.name or 'a status'}" for sight in seen.sights if sight.kind == ENDS]
    return Field("failures", value=True, why=tuple(why)) if why else None


def _variables(seen: Look) -> dict[str, str]:
    found = {
        sight.name: f"{_at(sight)} reads {sight.name}"
        for sight in reversed(seen.sights)
        if sight.kind == VARIABLE and sight.name and not is_always_counted(sight.name)
    }
    return dict(sorted(found.items()))


def _depends(seen: Look, outputs: dict[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for sight in seen.sights:
        if sight.kind == PRESENT and not sight.name.startswith("glob."):
            found["**"] = f"{_at(sight)} looks at the directory it runs in ({sight.name})"
        elif sight.kind in (READS, HOME) and _is_input(sight.name, outputs):
            found.setdefault(sight.name, f"{_at(sight)} reads {sight.name}")
    if "**" in found:
        found = {glob: why for glob, why in found.items() if glob == "**" or glob.startswith("~")}
    # Of a folder and a file in it the file is what is read.
    return {glob: why for glob, why in found.items() if not any(other.startswith(f"{glob}/") for other in found)}


def _is_input(name: str, outputs: dict[str, str]) -> bool:
    """Whether it may stand under `depends`: there what begins with .. is no path of the directory it runs in."""
    is_path = bool(name) and not name.startswith("..") and not is_cache(name.encode())
    return is_path and not fault_of(name.removeprefix("~/")) and not any(matches(glob, name) for glob in outputs)


def _outputs(folder: str, seen: Look, lines: Sequence[Shown]) -> dict[str, str]:
    found: dict[str, str] = {}
    for sight in seen.sights:
        name = sight.name.removeprefix("./")
        if sight.kind == WRITES and name and not fault_of_output(name):
            found.setdefault(name, f"{_at(sight)} writes {name}")
    for line in lines:
        for option, value in _given_outputs(line.given):
            if not _is_file(value):  # a format
                continue
            named = "{" + ",".join(_spellings(f"{folder}/{line.script}", option)) + "}"
            if not fault_of_output(named):
                found.setdefault(named, f"SKILL.md shows {line.script} {option}")
            elif not _PLACEHOLDER.search(value) and not fault_of_output(value):
                found.setdefault(value, f"SKILL.md shows {line.script} {option} {value}")
    for number, word in _places(lines, found):
        named = "{" + str(number) + "}"
        if not fault_of_output(named):
            found.setdefault(named, f"SKILL.md shows {word} as word {number}")
    return {
        glob: why for glob, why in found.items() if not any(other != glob and matches(other, glob) for other in found)
    }


def _given_outputs(given: Sequence[str]) -> Iterator[tuple[str, str]]:
    for at, word in enumerate(given):
        name, equals, value = word.partition("=")
        if name not in _OPTIONS:
            continue
        if equals:
            yield name, value
        elif at + 1 < len(given):
            yield name, given[at + 1]


def _places(lines: Sequence[Shown], outputs: dict[str, str]) -> Iterator[tuple[int, str]]:
    """(number from 1, word) of words that are outputs by their name, where that place is one in every command."""
    given = [_plain_words(line, outputs) for line in lines]
    for at in range(max(map(len, given), default=0)):
        words = [words[at] for words in given if len(words) > at]
        if all(_OUTPUT.search(word) for word in words):
            yield at + 1, words[0]


def _plain_words(line: Shown, outputs: dict[str, str]) -> list[str]:
    """Those that are neither options nor the outputs that one names."""
    written = [value for _, value in _given_outputs(line.given)] if outputs else []
    return [word for word in line.given if not word.startswith("-") and word not in written]


def _spellings(path: str, option: str) -> list[str]:
    """The option as it is shown, and as the script declares it beside that."""
    text = (files.read(path, _CAP) or b"").decode("utf-8", "replace")
    for found in re.finditer(r"((?:[\"']--?[\w-]+[\"']\s*+(?:,\s*+)?){2,})", text):
        names = re.findall(r"--?[\w-]+", found[1])
        if option in names:
            return [each for each in names if each in _OPTIONS]
    return [option]


def _args_are_files(lines: Sequence[Shown], outputs: dict[str, str]) -> Field | None:
    """Where each shown command is given files, and nothing else that is no option or output."""
    seen = []
    for line in lines:
        given = _plain_words(line, outputs)
        if not all(map(_is_file, given)):
            return None
        for at, word in enumerate(given, 1):  # what is not there yet is no file, unless it is known as an output
            if _OUTPUT.search(word) and f"{{{at}}}" not in outputs and not any(matches(each, word) for each in outputs):
                return None
        seen += [f"SKILL.md shows {os.path.basename(line.script)} {word}" for word in given]
    return Field("args_are_files", value=True, why=tuple(dict.fromkeys(seen))) if seen else None


def _is_file(word: str) -> bool:
    return "://" not in word and (_FILE.fullmatch(word) or _STANDS_FOR_ONE.fullmatch(word)) is not None
