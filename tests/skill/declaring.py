"""Puts a block into a SKILL.md as its author would: in the file's own indentation, whatever else stands there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping


def declared(text: str, block: Mapping[str, object]) -> str:
    """The text with `metadata.skillcache` in it. Raises ValueError for one that has no place for it."""
    ending = "\r\n" if "\r\n" in text else "\n"
    lines = text.split(ending)
    end = next((at for at in range(1, len(lines)) if lines[at].rstrip() == "---"), 0)
    if not lines[0].removeprefix("\ufeff").startswith("---") or not end:
        raise ValueError("no frontmatter")
    at = next((at for at in range(1, end) if re.match("metadata *:", lines[at])), 0)
    if not at:
        lines[end:end] = ["metadata:", *written(block, "  ")]
    elif re.match(r"metadata *: *\{", lines[at]):
        lines[at] = lines[at].replace("{", f'{{"skillcache": {json.dumps(dict(block))}, ', 1)
    elif not lines[at].partition(":")[2].partition("#")[0].strip():
        inner = next((line for line in lines[at + 1 : end] if line.strip() and line.lstrip()[0] != "#"), "")
        indent = inner[: len(inner) - len(inner.lstrip())] or "  "
        lines[at + 1 : at + 1] = written(block, indent)
    else:
        raise ValueError("metadata is no mapping")
    return ending.join(lines)


def written(block: Mapping[str, object], indent: str) -> list[str]:
    """As lines below `metadata:`."""
    lines = [f"{indent}skillcache:"]
    for name, value in block.items():
        if isinstance(value, list):
            lines += [f"{indent}  {name}:", *[f"{indent}    - {json.dumps(one)}" for one in value]]
        else:
            lines.append(f"{indent}  {name}: {json.dumps(value)}")
    return lines
