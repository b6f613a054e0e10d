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


class Heard:
    """What the module exports; its expressions read alike in Python."""

    def __init__(self, rules: list[str], writers: list[str]) -> None:
        self._text = module(["python", "serve.py"], rules, writers)

    def line(self, name: str, line: str) -> bool:
        return any(expression.search(line) for expression in self._expressions(self._export(name)))

    def tool(self, name: str, tool: str) -> bool:
        value = self._export(name)
        named = json.dumps(tool) in re.sub(r"new RegExp\(.*?, 'i'\)", "", value)
        return named or any(expression.search(tool) for expression in self._expressions(value))

    def _export(self, name: str) -> str:
        (value,) = re.findall(rf"(?m)^export const {name} = (.*)$", self._text)
        return str(value)

    def _expressions(self, value: str) -> list[re.Pattern[str]]:
        found = re.findall(r"new RegExp\((\".*?\"), 'i'\)", value)
        return [re.compile(json.loads(expression), re.IGNORECASE) for expression in found]


BUILT_IN = Heard([], [])
OWN = Heard(RULES, WRITERS)


@pytest.mark.parametrize("line", REPLAYABLE, ids=lambda value: value[:60])
def test_a_replayable_line_is_heard(line: str) -> None:
    assert BUILT_IN.line("lines", line) or '"' in line or "\\\n" in line


@pytest.mark.skipif(not LINES.exists(), reason="no ../shared/commands.jsonl beside the checkout")
def test_every_replayable_line_that_agents_ran_is_heard_and_few_others() -> None:
    judged = outcomes()
    missed = [line for outcome, line in judged if outcome == "replayable" and not BUILT_IN.line("lines", line)]
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
    assert not BUILT_IN.line("lines", line)


@pytest.mark.parametrize("line", ["make codegen", "cd x && ./report.sh a", "python skills/x/run.py"])
def test_a_line_that_an_own_rule_may_name_is_heard(line: str) -> None:
    assert OWN.line("lines", line)


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
    assert OWN.tool("tools", tool) is answered
    assert OWN.tool("endedTools", tool) is ended


def test_without_own_rules_the_tools_of_the_web_alone_are_heard() -> None:
    assert [tool for tool in ("WebFetch", "Agent", "mcp__a__b", "Edit") if BUILT_IN.tool("tools", tool)] == ["WebFetch"]


def test_lines_that_put_results_out_of_date_are_heard_at_their_end() -> None:
    line = "alembic upgrade head"
    assert not OWN.line("lines", line)
    assert OWN.line("writingLines", line)
    assert not BUILT_IN.line("writingLines", line)


def test_a_rule_for_every_line_hears_every_line() -> None:
    assert Heard(["Bash"], []).line("lines", "anything")


def test_without_wildcards_in_own_rules_no_other_tool_makes_the_client_ask() -> None:
    text = module(["python", "serve.py"], ["Agent", "mcp__db__read"], [])
    assert 'export const tools = ["WebFetch", "WebSearch", "Agent", "mcp__db__read"]' in text
