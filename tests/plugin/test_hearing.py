"""What the plugin's module hears: every line that could be answered, and few others."""

from __future__ import annotations

import json
import re

import pytest

from skillcache.plugin.hearing import module
from tests.policy.test_corpus import REPLAYABLE
from tests.policy.test_real_lines import LINES, outcomes

RULES = [
    "Bash(make codegen:*)",
    "Bash(./report.sh *)",
    "mcp__github",
    "mcp__db__read_*",
    "Agent",
    "WebFetch(domain:x.org)",
]
WRITERS = ["mcp__db__write", "Bash(alembic upgrade *)", "mcp__github__create_*"]


def heard(rules: list[str], writers: list[str]) -> dict[str, re.Pattern[str]]:
    """The module's expressions; what they are made of reads alike in Python."""
    text = module(["python", "serve.py"], rules, writers)
    found = re.findall(r"(?m)^export const (\w+) = new RegExp\((.*), 'i'\)$", text)
    return {name: re.compile(json.loads(expression), re.IGNORECASE) for name, expression in found}


BUILT_IN = heard([], [])
OWN = heard(RULES, WRITERS)


@pytest.mark.parametrize("line", REPLAYABLE, ids=lambda value: value[:60])
def test_a_replayable_line_is_heard(line: str) -> None:
    assert BUILT_IN["lines"].search(line) or '"' in line or "\\\n" in line


@pytest.mark.skipif(not LINES.exists(), reason="no ../shared/commands.jsonl beside the checkout")
def test_every_replayable_line_that_agents_ran_is_heard_and_few_others() -> None:
    judged = outcomes()
    missed = [line for outcome, line in judged if outcome == "replayable" and not BUILT_IN["lines"].search(line)]
    assert missed == []


@pytest.mark.parametrize(
    "line",
    [
        "ls -la",
        "git status --short",
        "git checkout main",
        "git log --format=%h",
        "find . -type f -name '*.c'",
        "cat README.md",
        "npm install left-pad@latest",
        "cd ../other",
        "sleep 10",
        "python3 -c 'print(1)'",
    ],
)
def test_a_line_that_nothing_names_is_not_heard(line: str) -> None:
    assert not BUILT_IN["lines"].search(line)


@pytest.mark.parametrize("line", ["make codegen", "cd x && ./report.sh a", "python skills/x/run.py"])
def test_a_line_that_an_own_rule_may_name_is_heard(line: str) -> None:
    assert OWN["lines"].search(line)


@pytest.mark.parametrize(
    ("tool", "answered", "ended"),
    [
        ("WebFetch", True, True),
        ("WebSearch", True, True),
        ("Agent", True, True),
        ("mcp__github__get_issue", True, True),
        ("mcp__db__read_table", True, True),
        ("mcp__db__write", False, True),
        ("mcp__db__write_all", False, False),
        ("mcp__dbx__read_table", False, False),
        ("Read", False, False),
        ("Bash", False, False),
    ],
)
def test_tools_are_heard_by_the_patterns_of_rules(tool: str, answered: bool, ended: bool) -> None:
    assert bool(OWN["tools"].search(tool)) is answered
    assert bool(OWN["endedTools"].search(tool)) is ended


def test_without_own_rules_the_tools_of_the_web_alone_are_heard() -> None:
    assert [tool for tool in ("WebFetch", "Agent", "mcp__a__b", "Edit") if BUILT_IN["tools"].search(tool)] == [
        "WebFetch"
    ]


def test_lines_that_put_results_out_of_date_are_heard_at_their_end() -> None:
    line = "alembic upgrade head"
    assert not OWN["lines"].search(line)
    assert OWN["writingLines"].search(line)
    assert "writingLines" not in BUILT_IN


def test_a_rule_for_every_line_hears_every_line() -> None:
    assert heard(["Bash"], [])["lines"].search("anything")
