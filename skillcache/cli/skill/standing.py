"""Whether calls of a skill's scripts are cached as it stands, or which line of its SKILL.md keeps them out."""

import os
import re
from collections.abc import Sequence
from typing import NamedTuple

from skillcache.core import files
from skillcache.core.errors import Bypass, SkillcacheError
from skillcache.rules.rule import Rule
from skillcache.rules.skills import manifest
from skillcache.rules.skills.manifest import FILE, Declaration, Manifest

_CAP = 1 << 20
_AT = re.compile(r"line (\d+): (.*)", re.DOTALL)
_FIELD = re.compile(r"(?:metadata\.skillcache: )?(\w+)")
_ITEM = re.compile(r"'((?:[^'\\]|\\.)*+)")
_FIELDS = "ttl, depends, args_are_files, failures, version, env, outputs"
# (words of the reason, what mends it)
_MENDS = (
    ("must be quoted", "put it in quotes"),
    ("without quotes", "put the text in quotes"),
    ("a tab", "write blanks in place of the tab"),
    ("goes on in the next line", "write the value on one line"),
    ("stands there twice", "keep one of them"),
    ("a key without a value", "write its value, or take the key out"),
    ("a list within a list", "write one text behind each dash"),
    ("indented in another way", "indent it as the lines around it"),
    ("belongs to nothing", "take the blanks before it away"),
    ("right after a value", "put a blank before the #"),
    ("more after a", "put the whole value in quotes"),
    ("does not close", "close the quote on the same line"),
    ("is not closed", "close it, or write the value in lines of their own"),
    ("an escape", "write the text in single quotes"),
    ("the frontmatter has no end", "write a line --- below it"),
    ("begins with ---", "write --- alone on the line"),
    ("cannot be printed", "take the character out"),
    ("no plain key", "write it as key: value"),
    ("is not a field", f"use one of {_FIELDS}"),
    ("whole number of seconds", "write a number without quotes and units, such as 3600"),
    ("neither true nor false", "write true or false, without quotes"),
    ("neither a text nor a number", "write a number or a text"),
    ("is no list of texts", "write one text in each line, behind a dash, numbers in quotes"),
    ("is no mapping", "write its fields in lines of their own, indented below it"),
    ("name of a variable", "write the name alone, without $ and without a value"),
    ("is not below the directory", "write it relative to the directory that the script runs in"),
    ("may hold only", "write a line of its own for each, with *, ? and ** alone"),
    ("holds a part that is no name", "write it without . and .., and ** between two / alone"),
    ("is git's own", "name another file"),
    ("is no path", "write a path such as data/**"),
    ("letters, digits", "name the skill in letters, digits and -"),
)


class Standing(NamedTuple):
    """name: of the skill; declared: what is in force of SKILL.md; cached: whether its scripts' calls are.

    line: of SKILL.md that keeps them out, 0 where none does; why: they are out, or whose word has them in; instead:
    what to do.
    """

    name: str
    declared: Declaration
    cached: bool
    line: int
    why: str
    instead: str


def stand(folder: str, rules: Sequence[Rule]) -> Standing:
    """`folder`: absolute, as it was come by; `rules`: the person's. Raises SkillcacheError and OSError."""
    data = files.read(f"{folder}/{FILE}", _CAP)
    base = os.path.basename(folder)
    nothing = Declaration()
    if data is None:
        raise SkillcacheError(f"{folder} is no folder of a skill: there is no {FILE} in it")
    named = [rule for rule in rules if rule.tool == "Skill"]
    try:
        said = manifest.read(folder, frozenset([rule.specifier for rule in named]))
    except Bypass as bypass:
        line, why = _told(bypass.detail.removeprefix(f"{folder}/{FILE}: "), data.decode("utf-8", "replace"))
        return Standing(base, nothing, cached=False, line=line, why=why, instead=mend_of(why))
    if said is None:
        return Standing(
            base, nothing, cached=False, line=0, why=f"{FILE} has no metadata.skillcache, and no rule names the skill",
            instead=f"see what could stand there with: skillcache skill propose {folder}",
        )  # fmt: skip
    declared = said.declared or nothing
    own = next((rule for rule in named if rule.specifier in said.names), None)
    if own is not None and not own.enabled:
        why = f"your rule {own.pattern} says enabled = false"
        return Standing(said.name, declared, cached=False, line=0, why=why, instead=f"change it in {own.origin}")
    if all(os.path.basename(os.path.dirname(path)) != manifest.SHELF for path in (folder, os.path.realpath(folder))):
        return Standing(
            said.name, declared, cached=False, line=0,
            why=f"{folder} lies in no folder of the name {manifest.SHELF}",
            instead=f"move it to .claude/{manifest.SHELF}/{base}, or to {manifest.SHELF}/{base} of a plugin",
        )  # fmt: skip
    return Standing(said.name, declared, cached=True, line=0, why=_whose(said, own), instead="")


def _whose(said: Manifest, own: Rule | None) -> str:
    parts = [f"metadata.skillcache of {FILE}"] if said.declared is not None else []
    parts += [f"your rule {own.pattern}"] if own is not None else []
    return " and ".join(parts)


def mend_of(why: str) -> str:
    return next((mend for words, mend in _MENDS if words in why), "write it as key: value, with texts in quotes")


def _told(detail: str, text: str) -> tuple[int, str]:
    """The line and the reason."""
    if found := _AT.fullmatch(detail):
        return int(found[1]), found[2]
    lines = text.split("\n")
    ours = next((at for at, line in enumerate(lines) if re.match(r"\s+[\"']?skillcache\b", line)), 0)
    at = 0
    if named := _FIELD.match(detail):
        key = re.compile(rf"(?:^|[\s{{,\"'])(?:{named[1]})[\"']?\s*:")
        at = next((at for at in range(ours, len(lines)) if key.search(lines[at])), ours)
    item = _ITEM.search(detail)
    if item is not None and "- " in "".join(lines[at + 1 : at + 2]):
        at = next((each for each in range(at + 1, len(lines)) if item[1] in lines[each]), at)
    if detail.startswith("neither its name"):
        at = next((at for at, line in enumerate(lines) if line.startswith("name:")), 0)
    return at + 1, detail.removeprefix("metadata.skillcache: ")
