"""A store that means ill: the call goes on in bounded time and memory, and people are told in a line."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from skillcache.core.outcomes import StoreError
from skillcache.library.cache import AsyncSkillCache, SkillCache
from skillcache.library.session_state import load_session_state, save_session_state
from skillcache.library.shared_state import SharedState, StateConflict
from skillcache.stores.entry import Unreadable, decode, encode
from tests import ready
from tests.events.conftest import Place
from tests.events.conftest import place as place_fixture
from tests.hostile import HUGE, LITTLE, REPLIES, Hostile, drip, packed
from tests.stores.test_entry import make

place = place_fixture
PAGE = {"url": "https://example.org/", "prompt": "What is it about?"}
MEMORY = 270 << 20  # bytes of address space beyond what the interpreter and its modules have
TEAM = {"SKILLCACHE_TEAM_KEY": "0123456789abcdef" * 4}


def give(place: Place, script: str, event: dict[str, object]) -> None:
    environ = {"CLAUDE_PROJECT_DIR": str(place.root), **place.environ}
    assert ready.hook(script, json.dumps(event).encode(), environ, memory=MEMORY) == (0, b"", b"")


FAULTS = {"store_garbage", "store_timeout", "store_unreachable", "store_refused"}


@pytest.mark.table
@pytest.mark.parametrize("name", [*REPLIES, "dripping"])
def test_hooks_leave_the_call_as_it_was(place: Place, name: str) -> None:
    with Hostile(REPLIES.get(name, drip)) as server:
        place.environ |= {
            "SKILLCACHE_REDIS_URL": server.url,
            "SKILLCACHE_MESSAGES_DELIVER": "1",
            "SKILLCACHE_WAIT": "9",
            **(TEAM if [*REPLIES, "dripping"].index(name) % 2 else {}),  # which changes nothing
        }
        event = place.before("WebFetch", PAGE)
        give(place, "pre_tool_use.py", event)
        after = {**event, "hook_event_name": "PostToolUse", "duration_ms": 2000, "tool_response": {"stdout": "x"}}
        for script in ("post_tool_use.py", "invalidate.py", "record.py", "deliver.py"):
            give(place, script, after)
        give(place, "session_start.py", {**event, "hook_event_name": "SessionStart", "source": "startup"})
        give(place, "record.py", {**event, "hook_event_name": "Stop"})
    counted = set(place.counted())
    assert server.asked
    assert counted & FAULTS
    assert counted <= FAULTS | {"spooled", "no_entry", "invalidated"}, counted


PLAIN = {"coding": "plain", "body": 0, "size": 0}
START = encode(make()).partition(b"\n")[0]
ENTRIES: dict[str, Callable[[], bytes]] = {
    "unpacks to much, and says so": lambda: packed(HUGE),
    "unpacks to much, and says less": lambda: packed(HUGE, size=10),
    "unpacks to much, and says nothing": lambda: packed(HUGE, size=None),
    "says 10^300 bytes": lambda: packed(LITTLE, size=10**300),
    "says fewer than none": lambda: packed(LITTLE, size=-1, body=-1),
    "files that unpack to much": lambda: packed(HUGE, **PLAIN, files=[["a", 420, HUGE, "0"]]),
    "files that say less": lambda: packed(HUGE, **PLAIN, files=[["a", 420, 1, "0"]]),
    "files of fewer bytes than none": lambda: packed(LITTLE, **PLAIN, files=[["a", 420, -HUGE, "0"]]),
    "a header of 40 MB": lambda: START + b"\n" + b"[" * (40 << 20) + b"\n",
    "40 MB without a line": lambda: b"0" * (40 << 20),
    "1,000,000 lines": lambda: START + b"\n" * 1_000_000,
    "100,000 digits": lambda: b"9" * 100_000 + b" skillcache 1\n{}\n",
}


@pytest.mark.table
@pytest.mark.parametrize("name", ENTRIES)
def test_a_poisoned_entry_is_one_that_cannot_be_read(place: Place, name: str) -> None:
    entry = ENTRIES[name]()

    with pytest.raises(Unreadable):
        decode(entry, details=True)

    def answer(words: Sequence[bytes]) -> Iterator[bytes]:
        if words[0] == b"MGET":
            yield b"*%d\r\n$%d\r\n%b\r\n" % (len(words) - 1, len(entry), entry)
            yield b"$-1\r\n" * (len(words) - 2)
        else:
            yield b":1\r\n"

    with Hostile(answer) as server:
        # What was read before would be asked for in another way.
        place.environ |= {"SKILLCACHE_REDIS_URL": server.url, "SKILLCACHE_NEAR_CACHE": "0"}
        give(place, "pre_tool_use.py", place.before("WebFetch", PAGE))
        alone = len(place.counted())
        place.environ |= TEAM
        give(place, "pre_tool_use.py", place.before("WebFetch", PAGE))
    late = ["store_timeout"]  # a large one takes a slow machine its time
    assert place.counted()[:alone] in (["unreadable_entry"], late)
    assert place.counted()[alone:] in (["unsigned", "no_entry"], ["missigned", "no_entry"], late)


def test_no_more_is_unpacked_than_may_be_served() -> None:
    """Half of the bytes of an entry are its output's, plain or packed; one more is too many."""
    for output in (b"x" * 100, b"x" * 100_000):
        data = encode(make(output=output))
        assert decode(data, most=len(output)).output == output
        with pytest.raises(Unreadable):
            decode(data, most=len(output) - 1)
    marks = encode(make(output=b"\0R" * 1_000, relocated=True))
    assert decode(marks, most=1_000).relocated
    with pytest.raises(Unreadable):
        decode(marks, most=999)


# People and programs


COMMANDS = (
    *("entries list --all", "entries show 00", "sessions list", "sessions show", "inbox", "agents", "send --to x hi"),
    *("state list", "state get x", "state set x 1", "state increment x", "state delete x", "note list"),
    *("invalidate --skill x", "clear --yes", "explain pytest", "run -- echo hi"),
)


@pytest.mark.table
@pytest.mark.parametrize("command", COMMANDS)
def test_a_person_is_told_in_a_line(place: Place, command: str) -> None:
    """Each command meets another of the kinds."""
    name = list(REPLIES)[COMMANDS.index(command) % len(REPLIES)]
    with Hostile(REPLIES[name]) as server:
        place.environ["SKILLCACHE_REDIS_URL"] = server.url
        status, out, err = ready.skillcache(*command.split(), folder=place.root, environ=place.environ, memory=MEMORY)
    said = out + err
    assert "Traceback" not in said, (name, said)
    assert said.count("\n") <= 2 or not status, (name, said)
    if command.startswith("run"):
        assert (status, out) == (0, "hi\n"), name


@pytest.mark.table
@pytest.mark.parametrize("name", REPLIES)
def test_a_program_is_told_by_our_own_errors(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Hostile(REPLIES[name]) as server:
        state, values = SharedState("x", url=server.url), SkillCache(server.url)
        calls: list[Callable[[], object]] = [
            lambda: state.get("a"), lambda: state.set("a", 1), lambda: state.increment("a"), lambda: state.delete("a"),
            state.items, lambda: asyncio.run(state.aio_get("a")), lambda: asyncio.run(state.aio_items()),
            lambda: values.delete("s", {}), lambda: values.invalidate_skill("s"),
            lambda: save_session_state("s", {"a": 1}, url=server.url), lambda: load_session_state("s", url=server.url),
        ]  # fmt: skip
        first = list(REPLIES).index(name)
        for call in [calls[(first + number) % len(calls)] for number in (0, 3, 6)]:  # each call meets several of them
            with contextlib.suppress(StoreError, StateConflict):
                call()
        assert values.get("s", {}, default="none") == "none"
        assert values.get_or_compute("s", {}, lambda: 1) == 1
        assert asyncio.run(computed(server.url)) == 1


async def computed(url: str) -> object:
    async with AsyncSkillCache(url) as values:
        return await values.get_or_compute("s", {}, one)


async def one() -> int:
    return 1
