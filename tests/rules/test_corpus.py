"""Commands with the verdict each must get; `tests/data/corpus.jsonl` holds one pair [verdict, command] a row."""

import json
import shlex
from pathlib import Path

import pytest

from skillcache.core.outcomes import Bypass
from skillcache.rules.judge import judge

CORPUS: list[tuple[str, str]] = [
    tuple(json.loads(row)) for row in (Path(__file__).parents[1] / "data" / "corpus.jsonl").read_text().splitlines()
]
REPLAYABLE = [command for verdict, command in CORPUS if verdict == "replayable"]


def verdict_on(command: str) -> str:
    try:
        judge(tuple(shlex.split(command)))
    except Bypass as bypass:
        return bypass.outcome.name
    return "replayable"


def test_there_are_enough_commands_and_none_twice() -> None:
    assert len(CORPUS) >= 300
    assert len({command for _, command in CORPUS}) == len(CORPUS)


def test_each_command_gets_its_verdict() -> None:
    assert [(command, judged) for verdict, command in CORPUS if (judged := verdict_on(command)) != verdict] == []


@pytest.mark.parametrize("added", ["--an-option-of-nobody", "--lf", "--fix", "--update-snapshots", "@words"])
def test_no_option_that_no_table_holds_can_be_added_to_a_command(added: str) -> None:
    for command in REPLAYABLE:
        if command.isascii() and command.replace(" ", "").replace("-", "").isalnum() and " -- " not in command:
            assert verdict_on(f"{command} {added}") != "replayable", command
