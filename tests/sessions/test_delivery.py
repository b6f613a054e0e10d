"""Nothing is lost while the store is away, nothing is told twice, and the order is kept."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skillcache.core import counts
from skillcache.core.outcomes import SPOOL_FULL, SPOOLED, StoreError
from skillcache.core.paths import spool_file
from skillcache.sessions import delivery as spool
from skillcache.sessions import journal
from skillcache.sessions.delivery import Delivery
from skillcache.sessions.journal import Past, Question, encode
from skillcache.settings import TABLE
from skillcache.settings.in_force import Settings
from tests.conftest import RedisServer, free_port
from tests.sessions.conftest import NOW, PROJECT, Teller, bash, prompt, start


@pytest.fixture
def cache(tmp_path: Path) -> str:
    return str(tmp_path / "cache")


def delivery(cache: str, store: str, now: float) -> Delivery:
    values = {setting.name: setting.default for setting in TABLE}
    settings = Settings(values, cache=cache, store=store, rules=[], warnings=[])
    return Delivery(settings, now=now, patient=True)


class Away:
    """A Redis URL behind which nobody listens until `come_back`."""

    def __init__(self, start_redis: Callable[..., RedisServer], cache: str) -> None:
        self._port = free_port()
        self._start = start_redis
        self.cache = cache
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.spool = Path(spool_file(cache, self.url))
        self.opened: list[Delivery] = []
        self.now = NOW

    def come_back(self) -> None:
        self.now += 60
        self._start(options=("--port", str(self._port)))

    def open(self) -> Delivery:
        """Another process's delivery."""
        self.opened.append(delivery(self.cache, self.url, self.now))
        return self.opened[-1]


@pytest.fixture
def away(redis_factory: Callable[..., RedisServer], cache: str) -> Iterator[Away]:
    made = Away(redis_factory, cache)
    yield made
    for opened in made.opened:
        opened.close()


def past(opened: Delivery) -> Past:
    history = opened.ask(Question(PROJECT))
    assert history is not None
    (found,) = history.sessions
    return found


def commands(found: Past) -> list[str]:
    entries = [json.loads(entry) for entry in found.log[::-1]]
    return [entry["text"] for entry in entries if entry["kind"] == "command"]


def test_what_the_store_did_not_take_is_delivered_by_the_next_in_order_and_once(away: Away, teller: Teller) -> None:
    for told in (start(), prompt("while away"), bash("one"), bash("two")):
        away.open().deliver(teller.record(told))
    assert [count.outcome for count in counts.read(away.cache)] == [SPOOLED] * 4
    away.come_back()

    away.open().deliver(teller.record(bash("three")))

    found = past(away.open())
    assert commands(found) == ["one", "two", "three"]
    assert found.state["prompt"] == "while away"
    assert not away.spool.exists()


def test_a_question_is_answered_with_what_waited(away: Away, teller: Teller) -> None:
    for told in (start(), bash("one")):
        away.open().deliver(teller.record(told))
    assert away.open().ask(Question(PROJECT), teller.record(bash("two"))) is None
    away.come_back()

    history = away.open().ask(Question(PROJECT), teller.record(bash("three")))

    assert history is not None
    assert commands(history.sessions[0]) == ["one", "two"]
    assert commands(past(away.open())) == ["one", "two", "three"]


def test_the_spool_is_private(away: Away, teller: Teller) -> None:
    away.open().deliver(teller.record(start()))
    assert stat.S_IMODE(away.spool.stat().st_mode) == 0o600
    assert stat.S_IMODE(away.spool.parent.stat().st_mode) == 0o700


def test_a_long_spool_is_delivered_in_batches(away: Away, teller: Teller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "SPOOL_BATCH", 3)
    for number in range(8):
        away.open().deliver(teller.record(start() if not number else bash(str(number))))
    away.come_back()

    away.open().deliver(teller.record(bash("own")))
    assert len(away.spool.read_bytes().splitlines()) == 5
    assert commands(past(away.open())) == ["1", "2", "own", "3", "4", "5", "6", "7"]
    assert not away.spool.exists()


def test_a_full_spool_takes_no_more_and_says_so(away: Away, teller: Teller, monkeypatch: pytest.MonkeyPatch) -> None:
    away.open().deliver(teller.record(start()))
    monkeypatch.setattr(journal, "SPOOL", away.spool.stat().st_size + 10)
    away.open().deliver(teller.record(prompt("too much")))
    assert [count.outcome for count in counts.read(away.cache)] == [SPOOLED, SPOOL_FULL]
    assert b"too much" not in away.spool.read_bytes()


def test_a_line_cut_short_harms_no_other(away: Away, teller: Teller) -> None:
    away.open().deliver(teller.record(start()))
    with away.spool.open("ab") as file:
        file.write(b'{"version":1,"id":"cut')
    away.open().deliver(teller.record(bash("after")))
    away.come_back()
    assert commands(past(away.open())) == ["after"]


def test_a_process_killed_after_delivering_leaves_nothing_double(away: Away, teller: Teller) -> None:
    lines = [encode(teller.record(told)) for told in (start(), bash("one"))]
    place = spool.make(str(away.spool))
    for line in lines:
        place.add(line)
    place.close()
    away.come_back()
    away.open().journal.tell(lines, ttl=60)  # all that the killed one managed to do
    assert commands(past(away.open())) == ["one"]


def test_a_store_that_fails_in_the_middle_loses_nothing(away: Away, teller: Teller) -> None:
    away.open().deliver(teller.record(start()))
    away.now += 60
    with socket.create_server(("127.0.0.1", int(away.url.rpartition(":")[2].partition("/")[0]))) as listener:

        def hang_up() -> None:
            link, _ = listener.accept()
            link.recv(100)
            link.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        away.open().deliver(teller.record(bash("one")))
        thread.join()
    away.come_back()
    assert commands(past(away.open())) == ["one"]


def test_a_store_that_hangs_is_asked_by_one_hook_and_then_left_alone_for_a_while(away: Away, teller: Teller) -> None:
    port = int(away.url.rpartition(":")[2].partition("/")[0])
    with socket.create_server(("127.0.0.1", port)) as listener:
        listener.settimeout(5)
        records = [teller.record(told) for told in (start(), bash("one"), bash("two"))]
        impatient = Delivery(away.open()._settings, now=NOW)
        impatient.deliver(records[0])
        impatient.close()
        listener.accept()[0].close()
        away.now += 1
        away.open().deliver(records[1])
        listener.settimeout(0.05)
        with pytest.raises(TimeoutError):
            listener.accept()
    away.come_back()
    away.open().deliver(records[2])
    assert commands(past(away.open())) == ["one", "two"]


def test_a_flush_without_a_store_says_so_and_keeps_everything(away: Away, teller: Teller) -> None:
    away.open().deliver(teller.record(start()))
    with pytest.raises(StoreError):
        away.open().flush()
    away.come_back()
    away.open().flush()
    assert past(away.open()).id == "one"


ADDER = """
import sys
sys.path.insert(0, sys.argv[1])
from skillcache.sessions import delivery as spool
for number in range(40):
    if sys.argv[3] == "add":
        place = spool.make(sys.argv[2])
        place.add(b"%s-%d" % (sys.argv[4].encode(), number))
        place.close()
    else:
        place = spool.waiting(sys.argv[2])
        if place is not None:
            lines = place.read()
            sys.stdout.buffer.write(b"".join(line + b"\\n" for line in lines[:7]))
            sys.stdout.flush()
            place.keep(lines[7:])
            place.close()
"""


def test_many_processes_at_one_spool_lose_and_double_nothing(tmp_path: Path) -> None:
    path = tmp_path / "spool" / "s.log"
    root = str(Path(spool.__file__).parents[2])

    def run(*words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", ADDER, root, str(path), *words], stdout=subprocess.PIPE)

    processes = [run("add", "a"), run("take"), run("add", "b"), run("take"), run("add", "c")]
    taken = [line for process in processes for line in process.communicate(timeout=60)[0].splitlines()]
    assert [process.returncode for process in processes] == [0] * 5

    left = path.read_bytes().splitlines() if path.exists() else []
    everything = sorted(taken + left)
    assert everything == sorted(f"{who}-{number}".encode() for who in "abc" for number in range(40))
    assert os.listdir(path.parent) in ([], [path.name])
