"""Entries that no run of ours can have made, as whoever may write to a shared store can put them there."""

import sqlite3
from collections.abc import Mapping
from typing import Any

import pytest

from skillcache.stores.entry import decode, encode
from tests.events.conftest import Place
from tests.events.test_tool_calls import FETCH, SEARCH, WORDS, Tools, fetched

MANY = {f"name-{number}": 0 for number in range(40_000)} | {"Bash": 0, "pytest": 0}


def searched() -> dict[str, Any]:
    links = [{"title": "PEP 654", "url": "https://peps.python.org/pep-0654/"}]
    results = [{"tool_use_id": "toolu_1", "content": links}]
    return {"query": SEARCH["query"], "results": results, "durationSeconds": 1}


def forge(place: Place, changes: Mapping[str, object]) -> None:
    """Change fields of the one entry in the store."""
    with sqlite3.connect(place.cache / "store.sqlite3") as file:
        rows = file.execute("SELECT key, value FROM entries WHERE key LIKE 'skill_cache:%'").fetchall()
        ((key, value),) = rows
        entry = decode(value)
        for name, field in changes.items():
            setattr(entry, name, field)
        file.execute("UPDATE entries SET value = ? WHERE key = ?", (encode(entry), key))
    file.close()


CHANGES: tuple[dict[str, object], ...] = (
    {"status": -5},
    {"status": 256},
    {"relocated": True, "output": b"\0Q"},
    {"relocated": True, "output": b"text\0"},
    {"form": "json"},
    {"form": "text"},
    {"names": MANY},
)


def test_a_forged_entry_is_not_served_and_is_replaced(place: Place) -> None:
    first, _ = place.call("cd sub && pytest -q")
    for changes in CHANGES:
        forge(place, changes)
        assert place.call("cd sub && pytest -q") == (first, False), list(changes)
        assert place.counted()[-2:] == ["unreadable_entry", "stored"], list(changes)
        assert place.call("cd sub && pytest -q") == (first, True), list(changes)


OUTPUTS = (
        b"", b"no JSON", b"3", b"[]", b"{}", b'["a"]', b'[{"type":"image"}]', b'{"result":3}', b'{"results":[]}',
        b'{"results":[{}]}', b'{"query":3,"results":[]}', b'{"query":"q","results":[{"content":[3]}]}',
        b'{"query":"q","results":[{"content":{}}]}', b'{"content":[{"type":"image"}]}', b"[" * 3_000,
        b'{"query":"q","results":[{"content":[{"title":"\\ud800","url":"u"}]}]}',
)  # fmt: skip


@pytest.mark.table
@pytest.mark.parametrize(
    ("tool", "tool_input", "response"),
    [("WebFetch", FETCH, fetched()), ("WebSearch", SEARCH, searched()), ("mcp__words__count", WORDS, "3")],
)
def test_a_forged_structured_result_is_not_given_and_is_replaced(
    place: Place, tool: str, tool_input: Mapping[str, Any], response: object
) -> None:
    tools = Tools(place)
    place.settings('[[rules]]\nmatch = "mcp__words__*"\n')
    (place.root / ".mcp.json").write_text('{"mcpServers": {"words": {"command": "words"}}}')
    tools.call(tool, tool_input, response)
    for output in OUTPUTS:
        forge(place, {"output": output})
        assert tools.call(tool, tool_input, response) is None, output
        assert place.counted()[-2:] == ["unfit", "stored"], output
    assert tools.call(tool, tool_input, response, session_id="s2") is not None
