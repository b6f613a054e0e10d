"""The commands that the text of a SKILL.md shows, in blocks of code and between backquotes, which run its scripts."""

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from skillcache.cli.line import NotALine, read
from skillcache.core import files
from skillcache.rules.skills.manifest import FILE

_CAP = 1 << 20
_FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
_INLINE = re.compile(r"(?<!`)(`++)([^`\n]++)\1(?!`)")
_SKILL = re.compile(r"\$\{?(?:CLAUDE_)?SKILL_(?:DIR|ROOT|PATH)\}?/|\{baseDir\}/|<([\w -]++)>/", re.IGNORECASE)
_BLANKS_IN = re.compile(r"<([\w][\w ./|-]*)>")
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")


class Shown(NamedTuple):
    """script: its path below the skill's folder; spelled: the command as it is shown; given: the words after it."""

    script: str
    spelled: str
    given: tuple[str, ...]


def shown(folder: str, scripts: Sequence[str]) -> list[Shown]:
    """Each once, in the order of the text."""
    text = (files.read(f"{folder}/{FILE}", _CAP) or b"").decode("utf-8", "replace")
    found: dict[Shown, None] = {}
    for line, is_block in _lines(text):
        for each in _of_line(line, os.path.basename(folder), scripts):
            if is_block or each.given or each.spelled != each.script:  # a path in the text alone is a mention
                found[each] = None
    return list(found)


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """What stands in blocks of code, lines that go on joined, and between backquotes; whether it is of a block."""
    closes, held = "", ""
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if closes:
            if fence is not None and line.strip().startswith(closes):
                closes = ""
            elif line.endswith("\\"):
                held += line[:-1] + " "
                continue
            else:
                yield (held + line).strip().removeprefix("$ "), True
            held = ""
        elif fence is not None:
            closes = fence[1]
        else:
            yield from ((found[2].strip(), False) for found in _INLINE.finditer(line))


def _of_line(line: str, name: str, scripts: Sequence[str]) -> Iterator[Shown]:
    own = _SKILL.sub(_without_folder, line)
    plain = _OPTIONAL.sub(r"\1", _BLANKS_IN.sub(lambda found: found[1].replace(" ", "-").replace("|", "-"), own))
    try:
        commands = read(plain).commands
    except NotALine:
        return
    for spoken in commands:
        for at, word in enumerate(spoken.words[:8]):
            script = _script(word, name, scripts)
            if script is not None and (at or "/" in word) and not spoken.words[0].startswith("-"):
                yield Shown(script, shlex.join(spoken.words), spoken.words[at + 1 :])
                break


def _without_folder(found: re.Match[str]) -> str:
    """What stands in angles is the skill's folder where it says so."""
    said = found[1]
    return found[0] if said is not None and not re.search("skill|base", said, re.IGNORECASE) else ""


def _script(word: str, name: str, scripts: Sequence[str]) -> str | None:
    path = word.removeprefix("./")
    for script in scripts:
        if path == script or path.endswith((f"/{script}", f"{name}/{script}")):
            return script
    by_name = [script for script in scripts if os.path.basename(script) == path]
    return by_name[0] if len(by_name) == 1 else None
