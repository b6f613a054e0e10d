"""What the plugin's module hears: every call that could be answered, and few others."""

from __future__ import annotations

import json
import re

import pytest

from skillcache.cli.setup.entries import module

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


def test_a_name_with_many_wildcards_is_searched_for_by_its_ends() -> None:
    heard = Heard(["mcp__words__" + "*a" * 30 + "*b"], [])
    assert heard.tool("tools", "mcp__words__" + "a" * 30 + "b")
    assert not heard.tool("tools", "mcp__words__" + "a" * 100)  # with a wildcard for each it takes for ever


BUILT_IN = Heard([], [])
OWN = Heard(RULES, WRITERS)


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
    assert OWN.line("writingLines", line)
    assert not BUILT_IN.line("writingLines", line)


def test_without_wildcards_in_own_rules_no_other_tool_makes_the_client_ask() -> None:
    text = module(["python", "serve.py"], ["Agent", "mcp__db__read"], [])
    assert 'export const tools = ["WebFetch", "WebSearch", "Agent", "mcp__db__read"]' in text
