"""`skillcache skill propose`: the block that a SKILL.md could hold, put in with all its other bytes kept."""

import os
import re
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import click

from skillcache.cli.output import OK, unified
from skillcache.cli.skill.check import STATE_OF_GIT, Shown, is_always_counted, look, shown
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
from skillcache.cli.skill.states import NAME_ONE, mend_of
from skillcache.core import files
from skillcache.core.git import find_root
from skillcache.core.outcomes import Bypass, SkillcacheError
from skillcache.fingerprint.globs import fault_of, matches
from skillcache.fingerprint.ignored import is_cache
from skillcache.rules.rule import ONLINE_TTL
from skillcache.rules.skills import manifest
from skillcache.rules.skills.frontmatter import OURS, read
from skillcache.rules.skills.manifest import FILE, fault_of_output
from skillcache.rules.skills.yaml import NotUnderstood, plain
from skillcache.sessions.text import legible

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


def proposed(folder: str) -> Proposal:
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


_METADATA = re.compile(r"[\"']?metadata[\"']?[ ]*:(.*)")
_STEP = 2  # of indentation, where the file has none of its own


class Unplaced(SkillcacheError):
    """Why a block has no place in that SKILL.md, and what to do before it is tried once more."""


class Placed(NamedTuple):
    """The block's text, and the file's text with it in it."""

    block: str
    text: str


def place(text: str, name: str, fields: Sequence[Field]) -> Placed:
    """`text`: of the SKILL.md of the skill in a folder called `name`.

    Raises Unplaced where it is not surely known where the block belongs, or how it would be read.
    """
    try:
        found = read(text)
    except NotUnderstood as fault:
        why = str(fault).partition(": ")[2]
        raise Unplaced(f"{FILE} {fault}. Mend: {mend_of(why)}") from None
    lines = text.splitlines(keepends=True)
    if not found and not text.removeprefix("\ufeff").startswith("---"):
        raise Unplaced(f"{FILE} line 1: there is no frontmatter. Mend: begin it with ---, name and description")
    end = next(at for at, line in enumerate(lines[1:], 1) if line.startswith("---"))
    metadata = found.get("metadata")
    if isinstance(metadata, dict) and OURS in metadata:
        at = next((at for at, line in enumerate(lines[:end]) if line.strip(" \"'{").startswith(OURS)), 0)
        raise Unplaced(f"{FILE} line {at + 1}: it declares already what it depends on. Mend: take that out")
    manner = _Manner(lines[1:end])
    at = next((at for at in range(1, end) if _METADATA.match(lines[at])), 0)
    indent = _indent_below(lines, at, end, manner) if at else manner.step
    block = manner.block(fields, indent)
    if not at:
        block, at = f"metadata:{manner.end}{block}", end - 1
    before, after = "".join(lines[: at + 1]), "".join(lines[at + 1 :])
    placed = Placed(block, before + block + after)
    _require_read(placed.text, name, fields)
    return placed


def _indent_below(lines: list[str], at: int, end: int, manner: "_Manner") -> int:
    """Of the keys of `metadata`, which stands at line `at`. Raises Unplaced."""
    where = f"{FILE} line {at + 1}: metadata"
    rest = _METADATA.match(lines[at])
    if rest is not None and rest[1].split("#")[0].strip():
        raise Unplaced(f"{where} has its value on the same line. Mend: write its keys below, a line for each")
    for line in lines[at + 1 : end]:
        bare = line.strip()
        if bare and not bare.startswith("#"):
            indent = len(line) - len(line.lstrip(" "))
            if bare.startswith("- "):
                raise Unplaced(f"{where} is a list. Mend: write keys with values below it")
            return indent or manner.step
    return manner.step


class _Manner:
    """How a file is written: the step of its indentation, its lists, its quotes and the end of its lines."""

    def __init__(self, lines: list[str]) -> None:
        self.end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
        text = "".join(lines)
        self.quote = "'" if len(re.findall(r"[:-] '", text)) > len(re.findall(r'[:-] "', text)) else '"'
        steps: list[int] = []
        items: list[int] = []
        above = -1
        for line in lines:
            bare = line.strip()
            indent = len(line) - len(line.lstrip(" "))
            if not bare or bare.startswith("#"):
                continue
            if bare.startswith("- "):
                items += [indent - above] if above >= 0 else []
            elif indent > above >= 0:
                steps.append(indent - above)
            above = indent if re.fullmatch(r"[^\s#-][^\s#]*:\s*(?:#.*)?", bare) else -1
        self.step = next(iter(steps or filter(None, items)), _STEP)
        self.item_step = next(iter(items), self.step)

    def block(self, fields: Sequence[Field], indent: int) -> str:
        lines = [" " * indent + f"{OURS}:"]
        for field in fields:
            deep = " " * (indent + self.step)
            if isinstance(field.value, list):
                lines.append(f"{deep}{field.name}:")
                lines += [f"{deep}{' ' * self.item_step}- {self.written(item)}" for item in field.value]
            else:
                lines.append(f"{deep}{field.name}: {_word(field.value)}")
        return "".join(f"{line}{self.end}" for line in lines)

    def written(self, text: str) -> str:
        """In quotes where a reader of YAML may take it for something else."""
        try:
            if plain(text, lambda why: NotUnderstood(0, why)) == text:
                return text
        except NotUnderstood:
            pass
        return f"{self.quote}{text}{self.quote}"


def _word(value: Value) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _require_read(text: str, name: str, fields: Sequence[Field]) -> None:
    """By the reader that hooks have. Raises Unplaced."""
    with tempfile.TemporaryDirectory(prefix="skillcache-propose-") as top:
        folder = f"{top}/{name}"
        os.mkdir(folder)
        with open(f"{folder}/{FILE}", "w", encoding="utf-8", newline="") as file:
            file.write(text)
        try:
            said = manifest.read(folder, frozenset())
        except Bypass as bypass:
            raise Unplaced(bypass.detail.removeprefix(f"{folder}/")) from None
    for field in fields:
        expected = tuple(field.value) if isinstance(field.value, list) else field.value
        if said is None or said.declared is None or getattr(said.declared, field.name) != expected:
            raise Unplaced(f"{FILE}: {field.name} would not be read as it is meant. Mend: write it yourself")


_LARGEST_SKILL = 16 << 20  # bytes of a SKILL.md
_CAUTION = (
    "It is right for scripts that only report and write files, and wrong for those that are run for what they do."
)


@click.command()
@click.option("--write", "writes", is_flag=True, help="Put the block into SKILL.md, and change nothing else in it.")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False))
def propose(writes: bool, folder: str) -> int:
    """Print what a skill could declare of its scripts.

    That is the block metadata.skillcache of its SKILL.md, as that file is indented and quoted, by what its scripts
    visibly do and the commands that its text shows. Nothing is run: read it before you take it, and try it with
    skillcache skill check.
    """
    folder = os.path.abspath(folder)
    try:
        return _proposed(folder, writes=writes)
    except Unplaced as fault:
        again = f"skillcache skill propose{' --write' if writes else ''} {shlex.quote(folder)}"
        raise SkillcacheError(f"{fault}. Then: {again}") from None


def _proposed(folder: str, *, writes: bool) -> int:
    path = os.path.join(folder, FILE)
    before = _read(path)
    proposal = proposed(folder)
    if not proposal.scripts:
        raise Unplaced(f"{folder} holds no script: there is nothing to declare. Mend: put them into {folder}/scripts")
    placed = place(before, os.path.basename(folder), proposal.fields)
    if not writes:
        click.echo("\n".join(_said(placed, proposal, folder)))
        return OK
    _write(_inside(path, folder), before, placed.text)
    click.echo(unified(path, before, placed.text), nl=False)
    if proposal.left:
        click.echo("\n".join(_by_hand(proposal)))
    click.echo(f"\n{legible(path)} declares it now. Try it with:\n  {_trial(proposal, folder)}")
    return OK


def _said(placed: Placed, proposal: Proposal, folder: str) -> list[str]:
    lines = [*placed.block.splitlines(), "", "Why:"]
    for field in proposal.fields:
        lines += [f"  {field.name}: {legible(why)}" for why in field.why]
    return [
        *lines,
        *_by_hand(proposal),
        "",
        _CAUTION,
        f"Put it in with: skillcache skill propose --write {legible(shlex.quote(folder))}",
    ]


def _by_hand(proposal: Proposal) -> list[str]:
    return ["", "By hand:", *(f"  {legible(each)}" for each in proposal.left)] if proposal.left else []


def _trial(proposal: Proposal, folder: str) -> str:
    found = proposal.shown
    command = next((each for each in found if each.given), found[0]).spelled if found else "COMMAND"
    return legible(f"skillcache skill check {shlex.quote(folder)} -- {command}")


def _read(path: str) -> str:
    """Raises SkillcacheError and OSError."""
    try:
        return files.load(path, _LARGEST_SKILL).decode("utf-8")
    except FileNotFoundError:
        raise SkillcacheError(
            f"{os.path.dirname(path)} is no folder of a skill: there is no {FILE} in it. {NAME_ONE}"
        ) from None
    except UnicodeDecodeError:
        raise Unplaced(f"{path} is no UTF-8. Mend: write it anew as that") from None


def _inside(path: str, folder: str) -> str:
    """Where the file is, be it through a link. Raises SkillcacheError where that is elsewhere than the skill."""
    real, own = os.path.realpath(path), os.path.realpath(folder)
    if not any(real.startswith(f"{top}/") for top in (own, find_root(own) or own)):
        raise SkillcacheError(
            f"{path} leads to {real}, outside the skill and its worktree: write into that yourself what is printed by:"
            f" skillcache skill propose {shlex.quote(folder)}"
        )
    return real


def _write(real: str, before: str, after: str) -> None:
    """Whole or not at all. Raises Unplaced and OSError."""
    new = f"{real}.skillcache-{os.getpid()}"
    try:
        with open(new, "x", encoding="utf-8", newline="") as file:
            file.write(after)
        os.chmod(new, os.stat(real).st_mode & 0o7777)
        if _read(real) != before:
            raise Unplaced(f"{real} was changed meanwhile")
        os.replace(new, real)
    finally:
        if os.path.lexists(new):
            os.unlink(new)
