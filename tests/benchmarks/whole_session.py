"""A scripted session of 50 tool calls in the real client, without us, with replays, and with sessions recorded too.

Where the model answers at once the ratio is the worst there is: a real one takes seconds for each turn, in which the
hooks that nobody waits for are done. `--think` gives it time.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from skillcache.cli.checks.messages_api import Request, ToolCall, Turn, bash
from tests.conftest import start_redis
from tests.e2e.client import find_client
from tests.e2e.project import Place

_CALLS = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--think", type=float, default=0.0, help="seconds that the model takes for a turn")
    asked = parser.parse_args()
    claude = find_client()
    if claude is None:
        parser.exit(1, "no client: name one in SKILLCACHE_TEST_CLAUDE\n")
    with tempfile.TemporaryDirectory() as folder:
        server = start_redis(Path(folder) / "redis")
        try:
            for store, url in (("embedded", ""), ("redis", server.unix_url)):
                _report(store, _places(Path(folder) / store, claude, url), asked.rounds, asked.think)
        finally:
            server.stop()


def _places(folder: Path, claude: str, url: str) -> dict[str, Place]:
    places = {}
    for name, recorded in (("without", None), ("with replays", "0"), ("with replays and sessions", "1")):
        place = Place(folder / name.replace(" ", "-"), claude)
        place.make()
        if url:
            place.client.env["SKILLCACHE_REDIS_URL"] = url
        if recorded is not None:
            place.client.env["SKILLCACHE_RECORD_SESSIONS"] = recorded
            place.skillcache("install", "--scope", "user")
        places[name] = place
    return places


def _report(store: str, places: dict[str, Place], rounds: int, think: float) -> None:
    times: dict[str, list[float]] = {name: [] for name in places}
    for _ in range(rounds):
        for name, place in places.items():
            session = place.client.run(place.project, [_after(think, turn) for turn in _turns(place)], prompt="go")
            assert len(session.results) == _CALLS
            times[name].append(session.duration)
    base = statistics.median(times["without"])
    print(f"{store}, {_CALLS} calls, {think:g} s of thought before each, load {os.getloadavg()[0]:.1f}:")
    for name, values in times.items():
        median = statistics.median(values)
        added = (median - base) * 1000 / _CALLS
        print(f"  {name:28} {median:6.2f} s  {median / base:5.2f} x  {added:+6.1f} ms a call")


def _after(seconds: float, turn: Turn) -> Turn:
    def think(_request: Request) -> Turn:
        time.sleep(seconds)
        return turn

    return think if seconds else turn


def _turns(place: Place) -> list[Turn]:
    """What sessions are made of: looking, editing, and now and then a test."""
    turns: list[Turn] = []
    for number in range(_CALLS):
        if number % 10 == 9:
            turns.append(bash("./check"))
        elif number % 5 == 2:
            given = {"file_path": str(place.project / f"new{number}.py"), "content": f"x = {number}\n"}
            turns.append(ToolCall("Write", given))
        else:
            turns.append(bash(f"git log --oneline -{number + 1} | head -3"))
    return turns


if __name__ == "__main__":
    main()
