"""Forms of public skills, in words of our own: frontmatters as people write them, and lines that call scripts.

A row of tests/data/skills.jsonl is one of

    {"folder", "text", "names", "declared"}    a SKILL.md in a folder of that name, what it is called, and its block
    {"folder", "text", "refused"}              the same, and what the refusal says: a line or a field
    {"line", "calls"}                          a line in a skill's folder, and (script, words after it) of each call
                                               that is surely one of a script of the skill's
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from skillcache.core.outcomes import Bypass
from skillcache.rules.skills import manifest
from skillcache.rules.skills.find import Finder
from skillcache.rules.words import unwrap

ROWS = [json.loads(line) for line in (Path(__file__).parents[1] / "data/skills.jsonl").read_text().splitlines()]
READ = [row for row in ROWS if "names" in row]
REFUSED = [row for row in ROWS if "refused" in row]
LINES = [row for row in ROWS if "line" in row]
EMPTY = {name: getattr(manifest.Declaration(), name) for name in manifest.Declaration.__slots__}

_PROGRAMS = ("python", "python3", "bash", "sh", "node", "uv", "npx", "ruby", "env", "timeout", "bun", "deno", "perl")
# Says how it was called: how many words follow, where, and the words.
_RECORDER = '#!/bin/sh\nprintf \'%s\\0\' $(($# + 1)) "$PWD" "$0" "$@" >>"$RECORD"\n'


def read(base: Path, row: dict[str, Any], text: str) -> manifest.Manifest | None:
    folder = base / "skills" / row["folder"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "SKILL.md").write_bytes(text.encode())
    return manifest.read(str(folder), frozenset(row.get("names", ())))


def variants(text: str) -> list[str]:
    """As another editor would have saved it."""
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n")
    return [text, plain, plain.replace("\n", "\r\n"), f"\ufeff{plain}"]


def test_there_are_enough() -> None:
    assert (len(READ) >= 300, len(REFUSED) >= 40, len(LINES) >= 100) == (True, True, True)
    assert len({row["text"] for row in READ}) == len(READ)


def test_a_frontmatter_is_read_as_it_is_meant(tmp_path: Path) -> None:
    for row in READ:
        for text in variants(row["text"]):
            found = read(tmp_path, row, text)
            assert found is not None, text
            assert list(found.names) == row["names"], text
            declared = row["declared"]
            if declared is None:
                assert found.declared is None, text
                continue
            wanted = {name: tuple(value) if isinstance(value, list) else value for name, value in declared.items()}
            if "version" in wanted:
                wanted["version"] = str(wanted["version"])
            assert {name: getattr(found.declared, name) for name in EMPTY} == EMPTY | wanted, text


def test_a_block_that_is_not_surely_understood_is_refused_by_its_line_or_field(tmp_path: Path) -> None:
    for row in REFUSED:
        for text in variants(row["text"]):
            with pytest.raises(Bypass, match=f"SKILL.md:.*{row['refused']}[: ]"):
                read(tmp_path, row, text)


@pytest.mark.parametrize("row", LINES, ids=range(len(LINES)))
def test_a_call_of_a_script_is_found_in_its_line(row: dict[str, Any], tmp_path: Path) -> None:
    folder, programs, record = tmp_path / "skills/forms", tmp_path / "bin", tmp_path / "record"
    for path in (*(programs / name for name in _PROGRAMS), *(folder / script for script, _ in row["calls"])):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(_RECORDER)
        path.chmod(0o755)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "SKILL.md").write_text("---\nname: forms\nmetadata: {skillcache: {ttl: 60}}\n---\n")
    environ = {"PATH": str(programs), "RECORD": str(record), "CLAUDE_SKILL_DIR": str(folder), "HOME": "/home/person"}
    subprocess.run(
        ["/bin/bash", "-c", row["line"]], cwd=folder, env=environ, stdin=subprocess.DEVNULL, capture_output=True,
        check=False,
    )  # fmt: skip
    found = []
    said = record.read_text().split("\0")[:-1] if record.exists() else []
    while said:
        count, cwd, words, said = int(said[0]), said[1], said[2 : 2 + int(said[0])], said[2 + int(said[0]) :]
        assert len(words) == count
        words[0] = words[0].removeprefix(f"{programs}/")
        inner = unwrap(tuple(words))
        try:
            use = Finder(cwd, environ, (), ttl=60).find(inner) if inner is not None else None
        except Bypass:  # no such file: a word in braces that stands for another
            use = None
        if use is not None:
            found.append([use.script, list(use.given)])
    assert found == row["calls"]
