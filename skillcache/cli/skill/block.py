"""The block `metadata.skillcache` as a SKILL.md has it: written in that file's own manner, between its own lines."""

import os
import re
import tempfile
from collections.abc import Sequence
from typing import NamedTuple

from skillcache.cli.skill.proposal import Field, Value
from skillcache.cli.skill.standing import mend_of
from skillcache.core.errors import Bypass, SkillcacheError
from skillcache.rules.skills import manifest
from skillcache.rules.skills.frontmatter import OURS, read
from skillcache.rules.skills.manifest import FILE
from skillcache.rules.skills.scalars import NotUnderstood, plain

_METADATA = re.compile(r"[\"']?metadata[\"']?[ ]*:(.*)")
_STEP = 2  # of indentation, where the file has none of its own


class Placed(NamedTuple):
    """The block's text, and the file's text with it in it."""

    block: str
    text: str


def place(text: str, name: str, fields: Sequence[Field]) -> Placed:
    """`text`: of the SKILL.md of the skill in a folder called `name`.

    Raises SkillcacheError where it is not surely known where the block belongs, or how it would be read.
    """
    try:
        found = read(text)
    except NotUnderstood as fault:
        why = str(fault).partition(": ")[2]
        raise SkillcacheError(f"{FILE} {fault}. Mend: {mend_of(why)}") from None
    lines = text.splitlines(keepends=True)
    if not found and not text.removeprefix("\ufeff").startswith("---"):
        raise SkillcacheError(f"{FILE} line 1: there is no frontmatter. Mend: begin it with ---, name and description")
    end = next(at for at, line in enumerate(lines[1:], 1) if line.startswith("---"))
    metadata = found.get("metadata")
    if isinstance(metadata, dict) and OURS in metadata:
        at = next((at for at, line in enumerate(lines[:end]) if line.strip(" \"'{").startswith(OURS)), 0)
        raise SkillcacheError(f"{FILE} line {at + 1}: it declares already what it depends on: take that out first")
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
    """Of the keys of `metadata`, which stands at line `at`. Raises SkillcacheError."""
    where = f"{FILE} line {at + 1}: metadata"
    rest = _METADATA.match(lines[at])
    if rest is not None and rest[1].split("#")[0].strip():
        raise SkillcacheError(f"{where} has its value on the same line. Mend: write its keys below, a line for each")
    for line in lines[at + 1 : end]:
        bare = line.strip()
        if bare and not bare.startswith("#"):
            indent = len(line) - len(line.lstrip(" "))
            if bare.startswith("- "):
                raise SkillcacheError(f"{where} is a list. Mend: write keys with values below it")
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
    """By the reader that hooks have. Raises SkillcacheError."""
    with tempfile.TemporaryDirectory(prefix="skillcache-propose-") as top:
        folder = f"{top}/{name}"
        os.mkdir(folder)
        with open(f"{folder}/{FILE}", "w", encoding="utf-8", newline="") as file:
            file.write(text)
        try:
            said = manifest.read(folder, frozenset())
        except Bypass as bypass:
            raise SkillcacheError(bypass.detail.removeprefix(f"{folder}/")) from None
    for field in fields:
        expected = tuple(field.value) if isinstance(field.value, list) else field.value
        if said is None or said.declared is None or getattr(said.declared, field.name) != expected:
            raise SkillcacheError(f"{FILE}: {field.name} would not be read as it is meant: write it yourself")
