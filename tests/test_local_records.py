"""The small private files on this machine: counts, durations, pending calls, seen failures, quarantines."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.cache import history
from skillcache.commands import replay
from skillcache.core import counts as tally
from skillcache.core import files, outcomes
from skillcache.tools import inflight


@pytest.fixture
def cache(tmp_path: Path) -> str:
    return str(tmp_path / "cache")


def modes(folder: str) -> set[str]:
    found = set()
    for base, folders, names in os.walk(folder):
        found |= {oct(os.stat(os.path.join(base, name)).st_mode & 0o777) for name in names}
        found |= {oct(os.stat(os.path.join(base, name)).st_mode & 0o777) for name in folders}
    return found


class TestFiles:
    def test_are_replaced_whole_and_are_private(self, cache: str) -> None:
        path = cache + "/a/b"
        files.write(path, b"one")
        files.write(path, b"two")
        assert files.read(path, 3) == b"two"
        assert os.listdir(cache + "/a") == ["b"]
        assert modes(cache) == {"0o600", "0o700"}

    def test_over_the_cap_missing_or_no_file_are_not_read(self, cache: str) -> None:
        files.write(cache + "/a", b"four")
        assert files.read(cache + "/a", 3) is None
        assert files.read(cache + "/b", 3) is None
        assert files.read(cache + "/a/b", 3) is None
        assert files.read(cache, 3) is None

    def test_a_failed_write_leaves_the_old_content(self, cache: str) -> None:
        files.write(cache + "/a", b"old")
        os.mkdir(cache + "/folder")
        with pytest.raises(OSError, match="folder"):
            files.write(cache + "/folder", b"new")
        assert sorted(os.listdir(cache)) == ["a", "folder"]


class TestTally:
    def test_gives_back_what_was_counted(self, cache: str) -> None:
        outcomes.record(cache, 7.9, outcomes.REPLAYED, "pytest", run=1200, spent=14)
        outcomes.record(cache, 8, outcomes.TOO_FAST)
        counts = [(c.at, c.outcome, c.rule, c.run, c.spent) for c in tally.read(cache)]
        assert counts == [(7, outcomes.REPLAYED, "pytest", 1200, 14), (8, outcomes.TOO_FAST, "", 0, 0)]

    def test_of_nothing_is_empty(self, cache: str) -> None:
        assert tally.read(cache) == []

    def test_passes_over_lines_of_another_form(self, cache: str) -> None:
        files.write(cache + "/outcomes.log", b"\xff\n1\t2\n1\t9999\tx\t0\t0\nx\t100\tx\t0\t0\n1\t100\tx\t0\t0\n1\t10")
        assert len(tally.read(cache)) == 1

    def test_a_name_cannot_forge_a_line(self, cache: str) -> None:
        outcomes.record(cache, 1, outcomes.REPLAYED, "a\tb\nc é")
        assert [count.rule for count in tally.read(cache)] == ["a?b?c??"]

    @pytest.mark.long
    def test_do_not_grow_for_ever(self, cache: str) -> None:
        for size in (16 << 20, 80 << 20):
            files.write(cache + "/outcomes.log", b"5\t1\t\t0\t0\n" * (size // 9 + 1))
            outcomes.record(cache, 9, outcomes.REPLAYED)
            tally.trim(cache + "/outcomes.log")
            assert Path(cache, "outcomes.log").stat().st_size <= 8 << 20
            assert tally.read(cache)[-1].at == 9
        before = Path(cache, "outcomes.log").read_bytes()
        tally.trim(cache + "/outcomes.log")
        assert Path(cache, "outcomes.log").read_bytes() == before

    def test_a_count_that_cannot_be_written_is_lost_in_silence(self) -> None:
        outcomes.record("/proc/nowhere", 1, outcomes.REPLAYED)

    def test_of_many_at_once_loses_none(self, cache: str) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: outcomes.record(cache, n, outcomes.REPLAYED, "pytest"), range(400)))
        assert sorted(count.at for count in tally.read(cache)) == list(range(400))


class TestDurations:
    def test_are_unknown_at_first(self, cache: str) -> None:
        assert history.learnt(cache, "/w", "pytest") is None

    def test_are_learnt_by_project_and_command(self, cache: str) -> None:
        history.learn(cache, "/w", "pytest", 300)
        assert history.learnt(cache, "/w", "pytest") == 300
        assert history.learnt(cache, "/w", "pytest -q") is None
        assert history.learnt(cache, "/x", "pytest") is None

    def test_newer_runs_weigh_half(self, cache: str) -> None:
        history.learn(cache, "/w", "pytest", 300)
        history.learn(cache, "/w", "pytest", 4_000)
        assert history.learnt(cache, "/w", "pytest") == 2_150

    def test_the_table_never_grows(self, cache: str) -> None:
        for number in range(200):
            history.learn(cache, "/w", f"pytest {number}", number)
        assert os.stat(cache + "/durations.bin").st_size <= 1 << 20

    def test_a_damaged_table_is_unknown(self, cache: str) -> None:
        files.write(cache + "/durations.bin", b"x" * 100)
        assert history.learnt(cache, "/w", "pytest") is None

    @given(st.integers(), st.text())
    def test_any_number_and_command_is_taken(self, milliseconds: int, command: str) -> None:
        history.learn("/proc/nowhere", "/w", command, milliseconds)


class TestPending:
    def test_one_process_begins_and_one_ends_a_call(self, cache: str) -> None:
        claimed = inflight.begin(cache, "toolu_1")
        assert claimed is not None
        assert inflight.begin(cache, "toolu_1") is None
        claimed.save({"key": "k"})
        assert inflight.end(cache, "toolu_1") == {"key": "k"}
        assert inflight.end(cache, "toolu_1") is None

    def test_of_many_at_once_exactly_one_gets_each_end(self, cache: str) -> None:
        with ThreadPoolExecutor(8) as pool:
            begun = list(pool.map(lambda _: inflight.begin(cache, "toolu_1"), range(32)))
            assert sum(claim is not None for claim in begun) == 1
            ended = list(pool.map(lambda _: inflight.end(cache, "toolu_1"), range(32)))
        assert [record for record in ended if record is not None] == [{}]

    def test_a_call_that_never_began_does_not_end(self, cache: str) -> None:
        assert inflight.end(cache, "toolu_1") is None

    def test_a_record_cut_short_is_empty(self, cache: str) -> None:
        files.write(cache + "/pending/toolu_1", b'{"key":')
        assert inflight.end(cache, "toolu_1") == {}

    @pytest.mark.parametrize("name", ["../../etc/x", "a/b", "", "x" * 300, "é", "a b", "\udcff"])
    def test_no_id_leaves_the_folder(self, cache: str, name: str) -> None:
        assert inflight.begin(cache, name) is not None
        assert len(os.listdir(cache + "/pending")) == 1
        assert inflight.end(cache, name) == {}
        assert os.listdir(cache + "/pending") == []

    def test_old_leftovers_are_swept(self, cache: str) -> None:
        inflight.begin(cache, "old")
        inflight.begin(cache, "new")
        now = os.stat(cache + "/pending/new").st_mtime + 90_000
        os.utime(cache + "/pending/new", (now, now))
        files.sweep(cache + "/pending", now)
        assert os.listdir(cache + "/pending") == ["new"]
        files.sweep(cache + "/gone", now)


class TestSeen:
    def test_is_kept_apart_by_session_and_subagent(self, cache: str) -> None:
        replay.see(cache, "s1", "", "0f")
        replay.see(cache, "s1", "", "1f")
        assert replay.has_seen(cache, "s1", "", "0f")
        assert not replay.has_seen(cache, "s1", "", "2f")
        assert not replay.has_seen(cache, "s1", "a1", "0f")
        assert not replay.has_seen(cache, "s2", "", "0f")


class TestQuarantine:
    def test_lasts_a_day_in_that_project(self, cache: str) -> None:
        history.quarantine(cache, "github.com/a/b", "pytest", 1000)
        assert history.rests(cache, "github.com/a/b", "pytest", 1000 + 86_399)
        assert not history.rests(cache, "github.com/a/b", "pytest", 1000 + 86_400)
        assert not history.rests(cache, "github.com/a/b", "ruff", 1000)
        assert not history.rests(cache, "github.com/a/c", "pytest", 1000)

    def test_lists_those_in_force(self, cache: str) -> None:
        assert history.quarantined(cache, 0) == []
        history.quarantine(cache, "/a path/b", "pytest", 1000)
        history.quarantine(cache, "/c", "ruff", 0)
        history.quarantine(cache, "/d", "WebFetch", 1000, unwanted=True)
        found = [(rest.rule, rest.project, rest.until, rest.reason()) for rest in history.quarantined(cache, 86_400)]
        assert sorted(found) == [
            ("WebFetch", "/d", 87_400, "what it gave was refused more often than taken"),
            ("pytest", "/a path/b", 87_400, "a result was wrong there, or may be"),
        ]
