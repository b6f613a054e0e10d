"""A walk through a large store: a person is told how far it is, on standard error, and what the way out is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from skillcache.__main__ import main
from skillcache.cli import entries, output
from skillcache.stores.contract import entry_key
from tests.cli.conftest import Person
from tests.conftest import RedisServer
from tests.stores.conftest import open_embedded, open_patiently, put


def test_one_that_takes_long_says_now_and_then_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    told = output.Progress("Counting", "Ctrl-C ends it.", clock=lambda: now)
    for now in (1.0, 4.0, 6.0, 7.0, 15.0, 17.0):  # noqa: B007 - the clock's
        told(6_000)
    assert capsys.readouterr().err == (
        "Counting: 18,000 entries so far. Ctrl-C ends it.\nCounting: 36,000 entries so far. Ctrl-C ends it.\n"
    )


def test_one_that_is_soon_over_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    told = output.Progress("Counting", "Ctrl-C ends it.", clock=lambda: now)
    now = 60.0  # of a busy machine
    told(9_999)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("words", "doing"),
    [
        (("entries", "list", "--all"), "Looking through the store: "),
        (("invalidate", "--skill", "report", "--dry-run"), "Counting: "),
        (("invalidate", "--skill", "report"), "Invalidated. Removing what was stored: "),
        (("clear", "--yes"), "Counting: "),
        (("clear", "--yes"), "Removing: "),
    ],
)
def test_each_command_that_walks_says_it(
    redis_server: RedisServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    doing: str,
) -> None:
    monkeypatch.setattr(output, "_MANY", 1)
    monkeypatch.setattr(output, "_FIRST", 0.0)
    monkeypatch.setenv("SKILLCACHE_HOME", str(tmp_path))
    monkeypatch.setenv("SKILLCACHE_REDIS_URL", redis_server.url)
    store = open_patiently(redis_server.url)
    assert put(store, entry_key("report", "0" * 40), 1000, report=0)
    store.close()
    assert main(list(words)) == output.OK
    assert f"{doing}1 entry so far. " in capsys.readouterr().err


def test_a_list_that_takes_too_long_is_of_what_was_looked_at_and_says_so(
    redis_server: RedisServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(entries, "_LONGEST", 0.0)
    monkeypatch.setenv("SKILLCACHE_HOME", str(tmp_path))
    monkeypatch.setenv("SKILLCACHE_REDIS_URL", redis_server.url)
    store = open_patiently(redis_server.url)
    for number in range(3):
        assert put(store, entry_key("report", f"{number:040x}"), 1000, report=0)
    store.close()
    said = "Only 1 entry was looked at, as 0 s were over. Fewer with: skillcache entries list --name NAME\n"
    assert main(["entries", "list", "--all"]) == output.OK
    assert capsys.readouterr().out.endswith(f"\n1 entry, 22 bytes.\n{said}")
    assert main(["entries", "list", "--all", "--json"]) == output.OK
    out, err = capsys.readouterr()
    assert (len(json.loads(out)), err) == (1, said)


def test_what_has_expired_in_the_file_is_not_listed(person: Person, tmp_path: Path) -> None:
    person.variables["SKILLCACHE_HOME"] = str(tmp_path / "cache")
    store = open_embedded(tmp_path / "cache/store.sqlite3")  # of another time: all of it has expired by now
    assert put(store, entry_key("report", "0" * 40), 1000)
    store.close()
    assert json.loads(person.skillcache("entries", "list", "--all", "--json").out) == []
    assert person.skillcache("entries", "list", "--all").out == "0 entries, 0 bytes.\n"
