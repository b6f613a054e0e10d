"""Commands in Bash calls: what is served, what is stored, what is counted."""

from pathlib import Path

import pytest

from skillcache.cache.invalidation import Selection, invalidate
from tests.events.conftest import Place


def test_a_repeat_is_served_with_the_same_text_and_status(place: Place) -> None:
    first, served = place.call("cd sub && pytest -q")
    assert not served
    assert place.call("cd sub && pytest -q", session="s2") == (first, True)
    assert place.counted() == ["no_entry", "stored", "replayed"]


def test_everything_on_disk_is_private(place: Place) -> None:
    place.call("pytest -q")
    place.call("pytest -q")
    open_ = [path for path in (place.cache, *place.cache.rglob("*")) if not path.is_symlink()]
    assert [path for path in open_ if path.stat().st_mode & 0o077] == []


def test_a_command_that_no_rule_names_is_counted_nowhere(place: Place) -> None:
    assert place.call("ls -la; pytest --no-such-option-of-anybody x.py | cat; ruff server")[1] is False
    assert set(place.counted()) <= {"unknown_option"}


@pytest.mark.parametrize("wish", ["pytest -q # fresh", "SKILLCACHE_FRESH=1 pytest -q"])
def test_a_wish_for_a_fresh_run_is_granted_and_refreshes_the_entry(place: Place, wish: str) -> None:
    place.call("pytest -q")
    place.age(80_000)
    assert place.call(wish)[1] is False
    place.age(80_000)  # too old, had it not been replaced
    assert place.call("pytest -q")[1] is True
    assert place.counted() == ["no_entry", "stored", "fresh", "stored", "replayed"]


def test_a_quick_run_is_not_stored_and_not_looked_up_again(place: Place) -> None:
    place.environ["SKILLCACHE_MIN_DURATION"] = "30"
    place.call("pytest -q")
    place.call("pytest -q")
    assert place.counted() == ["no_entry", "not_worth", "too_fast"]


def test_a_failure_runs_again(place: Place) -> None:
    (place.root / "app.py").write_text("DEFECT\n")
    first, _ = place.call("pytest -q")
    assert first.status == 1
    assert place.call("pytest -q") == (first, False)


def test_a_failure_behind_a_pipe_runs_again(place: Place) -> None:
    (place.root / "app.py").write_text("DEFECT\n")
    first, _ = place.call("pytest -q | tail -1")
    assert (first.status, first.text.split(",")[0]) == (0, "1 failed")
    assert place.call("pytest -q | tail -1") == (first, False)


def test_a_failure_on_inputs_that_passed_takes_the_pass_back(place: Place) -> None:
    place.call("pytest -k flaky")  # the counter makes every other one fail
    place.call("pytest -k flaky")
    place.call("pytest -k flaky # fresh")
    assert place.call("pytest -k flaky")[1] is False


class TestFailuresByRule:
    @pytest.fixture(autouse=True)
    def _broken(self, place: Place) -> None:
        place.settings('[[rules]]\nmatch = "Bash(pytest:*)"\nfailures = true\n')
        (place.root / "app.py").write_text("DEFECT\n")

    def test_another_session_is_served_the_failure_with_its_status(self, place: Place) -> None:
        first, _ = place.call("pytest -q")
        assert first.status == 1
        assert place.call("pytest -q", session="s2") == (first, True)

    def test_a_session_that_has_seen_it_runs_again(self, place: Place) -> None:
        place.call("pytest -q")
        assert place.call("pytest -q")[1] is False

    def test_it_is_forgotten_after_ten_minutes(self, place: Place) -> None:
        place.call("pytest -q")
        place.age(300)
        assert place.call("pytest -q", session="s2")[1] is True
        place.age(400)
        assert place.call("pytest -q", session="s3")[1] is False


def test_a_result_is_forgotten_after_its_time(place: Place) -> None:
    place.settings("ttl = 1000\n")
    place.call("pytest -q")
    place.age(500)
    assert place.call("pytest -q")[1] is True
    place.age(501)
    assert place.call("pytest -q")[1] is False
    assert place.counted()[2:] == ["replayed", "expired", "stored"]


def test_what_is_invalidated_runs(place: Place) -> None:
    place.call("pytest -q")
    invalidate(f"embedded:{place.cache}/store.sqlite3", Selection(("pytest",)))
    assert place.call("pytest -q")[1] is False
    assert place.call("pytest -q")[1] is True


@pytest.mark.parametrize(
    "meanwhile",
    ["echo changed > app.py", "cp app.py x; echo else > app.py; cp x app.py; rm x", "echo new > more.py"],
    ids=["an edit", "one taken back", "a new file"],
)
def test_an_edit_during_the_run_keeps_the_result_out(place: Place, meanwhile: str) -> None:
    tool = place.base / "bin/mypy"
    tool.write_text(f"#!/bin/sh\n{meanwhile}\necho checked\n")
    place.call("mypy .")
    assert place.counted() == ["no_entry", "changed_inputs"]


def test_a_command_that_writes_into_the_worktree_is_never_served(place: Place) -> None:
    for _ in range(3):
        assert place.call("pytest -k writes")[1] is False
    assert set(place.counted()) == {"no_entry", "changed_inputs"}


def test_another_worktree_of_the_same_content_is_served_with_its_own_paths(place: Place) -> None:
    first, _ = place.call("pytest -q")
    again, served = place.call("pytest -q", root=place.other_root)
    assert served
    assert str(place.root) in first.text
    assert again.text == first.text.replace(str(place.root), str(place.other_root))
    assert again == place.run("pytest -q", place.other_root)


def test_a_path_that_a_file_spells_out_is_not_taken_for_the_root(place: Place) -> None:
    for root in (place.root, place.other_root):
        (root / "app.py").write_text(f"DATA = '{place.root}/data'\n")
    place.call("pytest -q")
    assert place.call("pytest -q", root=place.other_root)[1] is False
    assert place.counted()[2:] == ["elsewhere", "stored"]


def test_caches_below_a_named_folder_are_no_input(place: Place) -> None:
    first, _ = place.call("pytest sub")
    (place.root / "sub/__pycache__").mkdir()
    (place.root / "sub/__pycache__/mod.cpython-311.pyc").write_bytes(b"x")
    assert place.call("pytest sub") == (first, True)


def test_output_with_a_credential_is_not_stored(place: Place) -> None:
    (place.root / "app.py").write_text("ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8\n")
    place.call("pytest -q")
    assert place.counted() == ["no_entry", "secret"]


@pytest.mark.parametrize("line", ["pytest ../annexe", "cd .. && pytest ../workshop", "pytest --rootdir /etc"])
def test_a_tool_that_looks_outside_the_project_is_left_alone(place: Place, line: str) -> None:
    assert place.call(line)[1] is False
    assert place.call(line)[1] is False


def test_a_rule_that_is_switched_off_runs(place: Place) -> None:
    place.settings('[[rules]]\nmatch = "Bash(pytest:*)"\nenabled = false\n')
    place.call("pytest -q")
    assert place.call("pytest -q")[1] is False
    assert place.counted() == []


class TestVerification:
    @pytest.fixture(autouse=True)
    def _recorded(self, place: Place) -> None:
        tool = place.base / "bin/mypy"
        tool.write_text('#!/bin/sh\ncat "$OBSERVER_COUNTER.said" 2>/dev/null || echo said\n')
        place.call("mypy .")
        place.environ["SKILLCACHE_VERIFY"] = "1"

    def test_a_verifying_run_confirms_the_entry(self, place: Place) -> None:
        assert place.call("mypy .")[1] is False
        assert place.counted()[2:] == ["verify", "confirmed"]
        place.environ["SKILLCACHE_VERIFY"] = "0"
        assert place.call("mypy .")[1] is True

    def test_a_wrong_entry_is_dropped_and_its_rule_rests(self, place: Place) -> None:
        (place.base / "counter.said").write_text("something else\n")
        place.call("mypy .")
        assert place.counted()[2:] == ["verify", "refuted"]
        place.environ["SKILLCACHE_VERIFY"] = "0"
        assert place.call("mypy .")[1] is False
        assert place.counted()[4:] == ["quarantined"]

    def test_in_shadow_mode_measuring_goes_on_after_a_wrong_entry(self, place: Place) -> None:
        (place.base / "counter.said").write_text("something else\n")
        for _ in range(3):
            place.call("mypy .")
        assert place.counted()[2:] == ["verify", "refuted", "no_entry", "stored", "verify", "confirmed"]


class TestObstacles:
    def test_a_bad_configuration_stops_replays(self, place: Place) -> None:
        first, _ = place.call("pytest -q")
        Path(place.environ["HOME"], ".config/skillcache").mkdir(parents=True)
        Path(place.environ["HOME"], ".config/skillcache/config.toml").write_text("ttl = 'soon'\n")
        assert place.call("pytest -q") == (first, False)

    def test_a_store_that_refuses_is_counted(self, place: Place) -> None:
        place.environ["SKILLCACHE_REDIS_URL"] = "redis://127.0.0.1:1/0"
        assert place.call("pytest -q")[1] is False
        assert place.counted() == ["store_unreachable"]

    def test_a_damaged_store_is_set_aside(self, place: Place) -> None:
        place.call("pytest -q")
        for path in place.cache.glob("store*"):
            path.write_bytes(b"not a database" * 1000)
        assert place.call("pytest -q")[1] is False
        place.call("pytest -q")
        assert place.call("pytest -q")[1] is True
        assert "store_garbage" in place.counted()

    def test_a_cache_folder_that_cannot_be_made_leaves_the_command_untouched(self, place: Place) -> None:
        place.environ["SKILLCACHE_HOME"] = "/proc/nowhere"
        assert place.call("pytest -q") == (place.run("pytest -q"), False)

    def test_switched_off_nothing_is_read_or_written(self, place: Place) -> None:
        place.environ["SKILLCACHE_DISABLE"] = "1"
        assert place.call("pytest -q")[1] is False
        assert not place.cache.exists()
