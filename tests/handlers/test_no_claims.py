"""A PreToolUse hook holds nobody up: whether its call will run it does not know, and it has ended when that runs."""

from __future__ import annotations

from pathlib import Path

from tests.conftest import RedisServer
from tests.handlers.conftest import Place

LINE = "pytest -q"


def test_a_call_that_was_refused_or_left_is_waited_for_by_nobody(tmp_path: Path, redis_server: RedisServer) -> None:
    """Of such a call no hook is told."""
    place = Place(tmp_path)
    place.environ["SKILLCACHE_REDIS_URL"] = redis_server.url
    place.settings('[[rules]]\nmatch = "WebFetch"\nttl = 600\n')
    page = {"tool_name": "WebFetch", "tool_input": {"url": "https://example.org/", "prompt": "What is it about?"}}
    for session in ("s1", "s2"):
        assert place.ask(place.before(LINE, session=session)) == {}
        assert place.ask({**place.before("", session=session), **page}) == {}
    assert place.counted() == ["no_entry"] * 4
    assert redis_server.command("KEYS", "skillcache:claim:*") == b"*0\r\n"


def test_a_call_that_is_made_is_stored_although_another_was_left(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.ask(place.before(LINE))
    made = place.before(LINE, session="s2")
    place.ask(made)
    place.tell(made, place.run(LINE))
    assert place.counted() == ["no_entry", "no_entry", "stored"]
    assert place.call(LINE, session="s3")[1]
