"""Each lane in the client that people had before: a hit for every kind of tool, and a person's No."""

from __future__ import annotations

from skillcache.cli.checks.messages_api import Turn
from tests.e2e.client import EARLIER_VERSION, version_of
from tests.e2e.plugin import Plugged, notes
from tests.e2e.project import CHECK_RULE, COUNT, MCP_RULE, Place, after

DENY = ["--disallowedTools", "Bash(./check denied:*)"]


def turns(place: Place) -> list[Turn | list[str]]:
    edited = after(lambda: place.write("answer", "all is different\n"), "./check")
    return ["./check", "./check", edited, "./check denied", COUNT, COUNT]


def test_the_hooks(place: Place, earlier_claude: str) -> None:
    place.client.binary = earlier_claude
    assert version_of(earlier_claude) == EARLIER_VERSION
    place.configure(CHECK_RULE + MCP_RULE)
    place.skillcache("install")
    session = place.play(*turns(place), mcp_config=place.servers(), options=DENY)
    fresh, replayed, edited, denied, counted, served = session.results
    assert replayed[1:] == fresh[1:]
    assert edited.text == "all is different"
    assert denied.is_error
    assert served.text.split("\n", 1)[1] == counted.text == "3 words"
    assert place.replayed() == 2
    assert place.count() == 3, place.outcomes()


def test_the_plugin(plugged: Plugged, earlier_claude: str) -> None:
    plugged.client.binary = earlier_claude
    plugged.configure(CHECK_RULE + MCP_RULE)
    session = plugged.play(*turns(plugged), mcp_config=plugged.servers(), options=DENY)
    fresh, answered, edited, denied, counted, served = session.results
    assert answered[1:] == fresh[1:]
    assert edited.text == "all is different"
    assert denied.is_error
    assert served[1:] == counted[1:]
    assert len(notes(session)) == 1
    assert plugged.replayed() == 2
    assert plugged.count() == 3, plugged.outcomes()
