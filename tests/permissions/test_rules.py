import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.permissions import Rules

MATRIX: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "data/permission_matrix.json").read_text(encoding="utf-8")
)
PROJECT, HOME = "/work/project", "/home/person"


def rows(*kinds: str) -> list[Any]:
    return [
        pytest.param(kind, rule, commands, id=f"{kind} {rule}")
        for kind in kinds
        for rule, marks in MATRIX[kind]["rules"].items()
        for commands in [dict(zip(MATRIX[kind]["commands"], marks, strict=True))]
    ]


def verdict(kind: str, rule: str, command: str) -> str | None:
    rules = Rules(**{kind: [rule] if rule else []}, roots=[PROJECT], home=HOME)
    return rules.verdict(command.replace("@PROJECT@", PROJECT).replace("@HOME@", HOME))


@pytest.mark.parametrize(("kind", "rule", "commands"), rows("deny", "ask", "deny_files"))
def test_what_the_client_stops_is_stopped_here(kind: str, rule: str, commands: dict[str, str]) -> None:
    kind = kind.partition("_")[0]
    missed = [command for command, mark in commands.items() if mark == "1" and verdict(kind, rule, command) != kind]
    assert missed == []


@pytest.mark.parametrize(("kind", "rule", "commands"), rows("allow"))
def test_what_is_approved_here_the_client_approves(kind: str, rule: str, commands: dict[str, str]) -> None:
    wrong = [command for command, mark in commands.items() if mark == "0" and verdict(kind, rule, command) == "allow"]
    assert wrong == []


@pytest.mark.parametrize(
    "command",
    [
        *("npm test", "npm test -- --silent", "cd sub && npm test", "CI=1 npm test", "timeout 5 npm test"),
        *("cd /work/project && npm test", "cd /work/project/sub && npm test", "npm test | grep -E 'FAIL|ERROR'"),
        *("npm test 2>&1 | tail -3", "npm test >/dev/null 2>&1", "npm test || echo failed", "nohup npm test"),
    ],
)
def test_an_ordinary_approval_is_recognised(command: str) -> None:
    assert Rules(allow=["Bash(npm test:*)"], roots=["/", PROJECT]).verdict(command) == "allow"


@pytest.mark.parametrize(
    "command",
    [
        "npm test; rm -rf x",
        "npm test > out.txt",
        "npm test | sh",
        "npm test $(x)",
        "cd .. && npm test",
        "cd /work/projects && npm test",
    ],
)
def test_a_line_that_does_more_is_not_approved(command: str) -> None:
    assert Rules(allow=["Bash(npm test:*)"], roots=[PROJECT]).verdict(command) is None


def test_a_stop_wins_over_an_approval_and_a_deny_over_an_ask() -> None:
    rules = Rules(deny=["Bash(a:*)"], ask=["Bash(a:*)", "Bash(b:*)"], allow=["Bash"])
    assert rules.verdict("a 1") == "deny"
    assert rules.verdict("b 1") == "ask"
    assert rules.verdict("c 1") == "allow"
    assert rules.verdict("c 1 && b 2") == "ask"


@pytest.mark.parametrize("command", ["echo $(x)", "x `y`", "f() { x; }; f", "x $y", "x <<EOF\n'\nEOF", '"'])
def test_a_line_not_surely_understood_may_hold_anything(command: str) -> None:
    assert Rules(deny=["Bash(z)"]).verdict(command) == "deny"
    assert Rules(deny=["Read(z)"]).verdict(command) == "deny"
    assert Rules(deny=["WebFetch(domain:z)"]).verdict(command) is None


def test_what_a_shell_is_given_as_text_is_read_too() -> None:
    rules = Rules(deny=["Bash(npm test:*)"])
    assert rules.verdict("bash -c 'cd x && npm test'") == "deny"
    assert rules.verdict("timeout 9 sh -ec \"npm 'test' -q\"") == "deny"
    assert rules.verdict("bash -c 'npm run lint'") is None


def test_other_runners_are_other_commands() -> None:
    rules = Rules(deny=["Bash(pytest:*)"])
    assert rules.verdict("uv run pytest -q") is None
    assert rules.verdict(".venv/bin/pytest -q") == "deny"


@pytest.mark.parametrize(
    ("rule", "command"),
    [
        ("Read(.env)", "cat .env"),
        ("Read(**/.env)", "grep x a/b/.env"),
        ("Read(./secrets/**)", "ls secrets"),
        ("Read(secrets/**)", "cd secrets && cat x"),
        ("Read(//etc/**)", "cat /etc/hosts"),
        ("Read(~/.ssh/**)", "cat ~/.ssh/id"),
        ("Read(.env)", "tool --file=.ENV"),
        ("Read(tests/x.py)", "pytest tests/x.py::test_y"),
        ("Edit(src/**)", "touch src/x"),
    ],
)
def test_a_rule_about_files_stops_commands_that_name_them(rule: str, command: str) -> None:
    assert Rules(deny=[rule], roots=[PROJECT], home=HOME).verdict(command) == "deny"


@pytest.mark.parametrize(
    ("rule", "command"),
    [
        ("Read(.env)", "pytest tests"),
        ("Read(**/*.pem)", "ruff check ."),
        ("Read(~/.ssh/**)", "pytest"),
        ("Read(cache/**)", "cat '/home/person/cache/x'"),
        ("Edit(tests/**)", "pytest tests"),
        ("Read", "cat x"),
        ("Grep(src/**)", "grep x src/y"),
    ],
)
def test_a_rule_about_other_files_is_silent(rule: str, command: str) -> None:
    assert Rules(deny=[rule], roots=[PROJECT], home=HOME).verdict(command) is None


@pytest.mark.parametrize("rule", ["Bash(npm", "bash(npm:*)", "Bash (npm:*)", "npm", "", "Bash()", "Ba*(npm)"])
def test_a_malformed_rule_is_no_rule_as_in_the_client(rule: str) -> None:
    assert Rules(deny=[rule]).verdict("npm test") is None


@given(st.text(), st.sampled_from(["Bash(a:*)", "Bash(*b*)", "Read(.env)", "Edit(src/**)", "Bash"]))
def test_any_command_gets_a_verdict(command: str, rule: str) -> None:
    assert Rules(deny=[rule], allow=[rule]).verdict(command) in {"deny", "allow", None}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", ["a ", "env ", "A=1 ", "a; ", "bash -c 'a' ", "../ ", "a && b | c\n"])
def test_a_long_command_is_judged_in_bounded_time(unit: str) -> None:
    rules = Rules(deny=["Bash(zz:*)", "Bash(*y*z*)", "Read(**/x/**/y/**)"], allow=["Bash(a *b *c)"], roots=[PROJECT])
    assert rules.verdict(unit * (16_000 // len(unit))) in {"deny", None}


def test_a_wildcard_over_tools_stops_everything() -> None:
    assert Rules(deny=["*"]).verdict("npm test") == "deny"
    assert Rules(deny=["B*"]).verdict("npm test") == "deny"
