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


@pytest.mark.parametrize(("verdict", "line"), CORPUS, ids=lambda value: value[:60])
def test_a_line_gets_its_verdict(verdict: str, line: str) -> None:
    assert verdict_on(line) == verdict


@pytest.mark.parametrize("line", REPLAYABLE, ids=lambda value: value[:60])
def test_the_first_look_lets_every_replayable_line_pass(line: str) -> None:
    assert first_look(line) or '"' in line or "\\\n" in line


@pytest.mark.parametrize("line", REPLAYABLE, ids=lambda value: value[:60])
def test_nothing_that_writes_can_be_added_to_a_replayable_line(line: str) -> None:
    in_comment = "#" in line.rpartition("\n")[2]
    for added in ("; rm -rf x", " && rm x", " > out", " &", "\nrm x", " | tee x", "; $(rm x)", "; `rm x`", "; cp a b"):
        if added.startswith("\n") or not in_comment:
            assert verdict_on(line.rstrip("\n") + added) != "replayable", added
