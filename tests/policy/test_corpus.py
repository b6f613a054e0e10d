"""Command lines with the verdict each must get; `tests/data/corpus.jsonl` holds one pair [verdict, line] a row."""

import json
from pathlib import Path

import pytest

from skillcache.errors import Bypass
from skillcache.policy import first_look, judge
from skillcache.shell import read

CORPUS: list[tuple[str, str]] = [
    tuple(json.loads(row)) for row in (Path(__file__).parents[1] / "data" / "corpus.jsonl").read_text().splitlines()
]
ADDED = ("; rm -rf x", " && rm x", " > out", " &", "\nrm x", " | tee x", "; $(rm x)", "; `rm x`", "; cp a b")
REPLAYABLE = [line for verdict, line in CORPUS if verdict == "replayable"]


def verdict_on(line: str) -> str:
    try:
        judge(read(line))
    except Bypass as bypass:
        return bypass.outcome.name
    return "replayable"


def test_there_are_enough_lines_and_none_twice() -> None:
    assert len(CORPUS) >= 300
    assert len({line for _, line in CORPUS}) == len(CORPUS)


def test_each_line_gets_its_verdict() -> None:
    assert [(line, judged) for verdict, line in CORPUS if (judged := verdict_on(line)) != verdict] == []


def test_the_first_look_lets_every_replayable_line_pass() -> None:
    assert [line for line in REPLAYABLE if not (first_look(line) or '"' in line or "\\\n" in line)] == []


def test_nothing_that_writes_can_be_added_to_a_replayable_line() -> None:
    for line in REPLAYABLE:
        in_comment = "#" in line.rpartition("\n")[2]
        for added in ADDED:
            if added.startswith("\n") or not in_comment:
                assert verdict_on(line.rstrip("\n") + added) != "replayable", line + added


@pytest.mark.parametrize("added", ["--an-option-of-nobody", "--lf", "--fix", "--update-snapshots", "@words"])
def test_no_option_that_no_table_holds_can_be_added_to_a_command(added: str) -> None:
    for line in REPLAYABLE:
        if line.isascii() and line.replace(" ", "").replace("-", "").isalnum() and " -- " not in line:
            assert verdict_on(f"{line} {added}") != "replayable", line
