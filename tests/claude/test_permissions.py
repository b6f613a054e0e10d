"""Verdicts on calls of other tools than Bash, held against what the client did (tool_probe.py)."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.claude.permissions import Rules, verdict

MATRIX: dict[str, Any] = json.loads(
    (Path(__file__).parent.parent / "data/tool_permission_matrix.json").read_text(encoding="utf-8")
)
CALLS = [(tool, given) for tool, given in MATRIX["calls"]]


def rows(*kinds: str) -> list[Any]:
    return [
        pytest.param(kind, rule, marks, id=f"{kind} {rule}") for kind in kinds for rule, marks in MATRIX[kind].items()
    ]


def only(kind: str, rule: str) -> Rules:
    deny, ask, allow = ([rule] if rule and kind == each else [] for each in ("deny", "ask", "allow"))
    return Rules(deny, ask, allow)


def verdicts(kind: str, rule: str) -> list[str | None]:
    rules = only(kind, rule)
    return [verdict(rules, tool, given) for tool, given in CALLS]


@pytest.mark.parametrize(("kind", "rule", "marks"), rows("deny", "ask"))
def test_what_the_client_stops_is_stopped_here(kind: str, rule: str, marks: str) -> None:
    ours = verdicts(kind, rule)

    assert [CALLS[place] for place, mark in enumerate(marks) if mark == "1" and ours[place] != kind] == []


@pytest.mark.parametrize(("kind", "rule", "marks"), rows("allow"))
def test_what_is_approved_here_the_client_approves(kind: str, rule: str, marks: str) -> None:
    ours = verdicts(kind, rule)

    assert [CALLS[place] for place, mark in enumerate(marks) if mark == "0" and ours[place] == "allow"] == []


@pytest.mark.parametrize(
    ("rule", "tool", "given"),
    [
        ("mcp__words", "mcp__words__now", {}),
        ("mcp__words__*", "mcp__words__now", {}),
        ("mcp__words__now", "mcp__words__now", {}),
        ("mcp__a__b__now", "mcp__a__b__now", {}),
        ("WebSearch", "WebSearch", {"query": "x"}),
        ("WebFetch", "WebFetch", {"url": "https://x.example/"}),
        ("WebFetch(domain:x.example)", "WebFetch", {"url": "https://X.example:443/a"}),
        ("WebFetch(domain:*.example)", "WebFetch", {"url": "https://a.b.example/"}),
        ("Agent", "Agent", {"prompt": "x"}),
        ("Task", "Agent", {"prompt": "x"}),
    ],
)
def test_an_ordinary_approval_is_recognised(rule: str, tool: str, given: dict[str, object]) -> None:
    assert verdict(Rules(allow=[rule]), tool, given) == "allow"


@pytest.mark.parametrize(
    ("rule", "tool", "given"),
    [
        ("WebFetch(domain:other.example)", "WebFetch", {"url": "https://x.example/"}),
        ("WebFetch(domain:*.x.example)", "WebFetch", {"url": "https://x.example/"}),
        ("mcp__word", "mcp__words__now", {}),
        ("mcp__words__no", "mcp__words__now", {}),
        ("mcp__words__count(text:z)", "mcp__words__count", {"text": "a"}),
        ("Agent(rev)", "Agent", {"prompt": "x", "subagent_type": "Plan"}),
        ("Agent(model:opus)", "Agent", {"prompt": "x", "model": "haiku"}),
        ("Bash", "WebFetch", {"url": "https://x.example/"}),
        ("Read(x)", "mcp__words__now", {}),
    ],
)
def test_a_rule_for_other_calls_stops_and_approves_nothing(rule: str, tool: str, given: dict[str, object]) -> None:
    assert verdict(Rules(deny=[rule], ask=[rule], allow=[rule]), tool, given) is None


def test_a_stop_wins_over_an_approval_and_a_denial_over_a_question() -> None:
    given = {"url": "https://x.example/"}

    assert verdict(Rules(ask=["WebFetch"], allow=["WebFetch"]), "WebFetch", given) == "ask"
    assert verdict(Rules(deny=["WebFetch"], ask=["WebFetch"], allow=["WebFetch"]), "WebFetch", given) == "deny"


@pytest.mark.parametrize("url", ["not a url", "https://x.example\\@y.example/", 3, None])
def test_an_address_that_is_not_surely_read_is_stopped_by_any_domain(url: object) -> None:
    rules = Rules(deny=["WebFetch(domain:other.example)"])

    assert verdict(rules, "WebFetch", {"url": url}) == "deny"
    assert verdict(Rules(allow=["WebFetch(domain:*)"]), "WebFetch", {"url": url}) is None


@given(st.text(max_size=30), st.sampled_from(CALLS))
def test_any_rule_is_read(rule: str, call: tuple[str, dict[str, object]]) -> None:
    for kind in ("deny", "ask", "allow"):
        assert verdict(only(kind, rule), *call) in {kind, None}
