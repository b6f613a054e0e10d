"""One Bash call through the real hook processes: what is served, what is stored, what is counted."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.handlers.conftest import HOOKS, Place


def test_a_repeat_is_served_with_the_same_text_status_and_directory(place: Place) -> None:
    first, served = place.call("cd sub && pytest -q")
    assert not served
    again, served = place.call("cd sub && pytest -q", session="s2")
    assert served
    assert again == first
    assert again.cwd == str(place.root / "sub")
    assert place.counted() == ["no_entry", "stored", "replayed"]


def test_the_answer_is_one_json_object_that_says_what_it_is(place: Place) -> None:
    place.call("pytest -q")
    answer = place.ask(place.before("pytest -q", tool_input={"command": "pytest -q", "description": "Run the tests"}))
    output = answer.pop("hookSpecificOutput")
    assert answer == {}
    replay = output["updatedInput"].pop("command")
    note = output.pop("additionalContext")
    assert output == {
        "hookEventName": "PreToolUse",
        "permissionDecision": "allow",
        "permissionDecisionReason": "skillcache: recorded result",
        "updatedInput": {"description": "Run the tests"},
    }
    (text,) = (place.cache / "replays").iterdir()
    assert replay.startswith(f"cat '{text}' # skillcache: recorded ")
    assert replay.endswith(" ago by: pytest -q")
    assert note.startswith("skillcache: the result of `pytest -q` is the recorded one of the same command")
    assert "in this session" in note


def test_everything_on_disk_is_private(place: Place) -> None:
    place.call("pytest -q")
    place.call("pytest -q")
    modes = {path.stat().st_mode & 0o777 for path in place.cache.rglob("*") if path.is_file()}
    folders = {path.stat().st_mode & 0o777 for path in (place.cache, *place.cache.rglob("*")) if path.is_dir()}
    assert (modes, folders) == ({0o600}, {0o700})


def test_a_call_that_no_rule_names_leaves_no_trace(place: Place) -> None:
    _, served = place.call("ls -la")
    assert not served
    assert [path for path in place.cache.rglob("*") if path.is_file()] == []


def test_hooks_started_twice_for_one_call_handle_it_once(place: Place) -> None:
    event = place.before("pytest -q")
    assert [place.ask(event), place.ask(event)] == [{}, {}]
    ran = place.run("pytest -q")
    place.tell(event, ran)
    place.tell(event, ran)
    assert place.counted() == ["no_entry", "stored"]
    event = place.before("pytest -q")
    assert bool(place.ask(event)) is True
    assert place.ask(event) == {}
    assert place.counted() == ["no_entry", "stored", "replayed"]


def test_a_bypass_is_counted_once_and_with_its_name(place: Place) -> None:
    event = place.before("pytest > out.txt")
    place.ask(event)
    place.ask(event)
    place.tell(event, place.run("true"))
    assert place.counted() == ["shell_writes"]


def test_a_wish_for_a_fresh_run_is_granted_and_refreshes_the_entry(place: Place) -> None:
    place.call("pytest -q")
    _, served = place.call("pytest -q # fresh", shift=3_000)
    assert not served
    assert place.counted() == ["no_entry", "stored", "fresh", "stored"]
    answer = place.ask(place.before("pytest -q"), shift=3_300)
    assert "recorded 5 minutes ago" in answer["hookSpecificOutput"]["additionalContext"]


def test_a_quick_run_is_not_stored_and_not_looked_up_again(place: Place) -> None:
    place.call("pytest -q", duration=100)
    place.call("pytest -q", duration=100)
    assert place.counted() == ["no_entry", "not_worth", "too_fast"]


def test_a_command_that_has_grown_slow_is_looked_up_again(place: Place) -> None:
    place.call("pytest -q", duration=100)
    place.call("pytest -q", duration=9_000)
    place.call("pytest -q", duration=9_000)
    assert place.counted() == ["no_entry", "not_worth", "too_fast", "no_entry", "stored"]


def test_a_failure_runs_again(place: Place) -> None:
    (place.root / "app.py").write_text("BUG\n")
    first, _ = place.call("pytest -q")
    assert first.status == 1
    _, served = place.call("pytest -q")
    assert not served
    assert place.counted() == ["no_entry", "failure", "no_entry", "failure"]


def test_a_failure_hidden_by_a_pipe_runs_again(place: Place) -> None:
    (place.root / "app.py").write_text("BUG\n")
    first, _ = place.call("pytest -q | tail -1")
    assert (first.status, first.text) == (0, "1 failed")
    assert place.call("pytest -q | tail -1")[1] is False
    assert place.counted() == ["no_entry", "hidden_failure", "no_entry", "hidden_failure"]


def test_a_failure_on_inputs_that_passed_takes_the_pass_back(place: Place) -> None:
    place.call("pytest -k flaky")  # the counter makes the first one fail
    place.call("pytest -k flaky")
    place.call("pytest -k flaky # fresh")
    _, served = place.call("pytest -k flaky")
    assert not served
    assert place.counted() == ["no_entry", "failure", "no_entry", "stored", "fresh", "failure", "no_entry", "stored"]


class TestFailuresByRule:
    RULE = '[[rules]]\nmatch = "Bash(pytest:*)"\nfailures = true\n'

    @pytest.fixture(autouse=True)
    def _broken(self, place: Place) -> None:
        place.settings(self.RULE)
        (place.root / "app.py").write_text("BUG\n")

    def test_another_session_is_served_the_failure_with_its_status(self, place: Place) -> None:
        first, _ = place.call("pytest -q")
        again, served = place.call("pytest -q", session="s2")
        assert served
        assert again == first
        assert again.status == 1

    def test_a_session_that_has_seen_it_runs_again(self, place: Place) -> None:
        place.call("pytest -q")
        assert place.call("pytest -q")[1] is False
        assert place.call("pytest -q", session="s2")[1] is True
        assert place.call("pytest -q", session="s2")[1] is False

    def test_a_subagent_has_eyes_of_its_own(self, place: Place) -> None:
        place.call("pytest -q")
        assert place.call("pytest -q", agent_id="a1")[1] is True
        assert place.call("pytest -q", agent_id="a1")[1] is False

    def test_a_failure_hidden_by_a_pipe_is_one_too(self, place: Place) -> None:
        assert place.call("pytest -q | tail -1")[0].status == 0
        assert place.call("pytest -q | tail -1")[1] is False
        assert place.call("pytest -q | tail -1", session="s2")[1] is True
        assert place.call("pytest -q | tail -1", session="s3", shift=700)[1] is False

    def test_it_is_forgotten_after_ten_minutes(self, place: Place) -> None:
        place.call("pytest -q")
        assert place.call("pytest -q", session="s2", shift=300)[1] is True
        assert place.call("pytest -q", session="s3", shift=700)[1] is False


def test_a_result_is_forgotten_after_its_time(place: Place) -> None:
    place.settings("ttl = 1000\n")
    place.call("pytest -q")
    assert place.call("pytest -q", shift=500)[1] is True
    assert place.call("pytest -q", shift=1_001)[1] is False


def test_an_edit_during_the_run_keeps_the_result_out(place: Place) -> None:
    event = place.before("pytest -q")
    place.ask(event)
    ran = place.run("pytest -q")
    (place.root / "app.py").write_text("changed meanwhile\n")
    place.tell(event, ran)
    assert place.counted() == ["no_entry", "changed_inputs"]


def test_an_edit_taken_back_during_the_run_keeps_the_result_out(place: Place) -> None:
    path = place.root / "app.py"
    before = path.read_text()
    event = place.before("pytest -q")
    place.ask(event)
    path.write_text("something else\n")
    ran = place.run("pytest -q")
    path.write_text(before)
    place.tell(event, ran)
    assert place.counted() == ["no_entry", "changed_inputs"]


def test_a_stash_during_the_run_keeps_the_result_out(place: Place) -> None:
    (place.root / "app.py").write_text("work in progress\n")
    event = place.before("pytest -q")
    place.ask(event)
    place.world.git("stash", "push", "-q")
    ran = place.run("pytest -q")
    place.world.git("stash", "pop", "-q")
    place.tell(event, ran)
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
    event = place.before("pytest sub")
    place.ask(event)
    ran = place.run("pytest sub")
    (place.root / "sub/__pycache__").mkdir()
    (place.root / "sub/__pycache__/mod.cpython-311.pyc").write_bytes(b"x")
    place.tell(event, ran)
    assert place.call("pytest sub") == (ran, True)


def test_a_cache_that_the_line_names_is_an_input(place: Place) -> None:
    cache = place.root / ".pytest_cache"
    cache.mkdir()
    (cache / "lastfailed").write_text("{}\n")
    place.call("cat .pytest_cache/lastfailed && pytest -q")
    assert place.call("cat .pytest_cache/lastfailed && pytest -q")[1] is True
    (cache / "lastfailed").write_text('{"a": true}\n')
    assert place.call("cat .pytest_cache/lastfailed && pytest -q")[1] is False


def test_the_sandbox_flag_is_part_of_the_call(place: Place) -> None:
    place.call("pytest -q")
    asked = {"command": "pytest -q", "dangerouslyDisableSandbox": True}
    assert place.ask(place.before("pytest -q", tool_input=asked)) == {}
    assert place.counted()[-1] == "no_entry"


def test_a_call_in_the_background_is_left_alone(place: Place) -> None:
    place.call("pytest -q")
    asked = {"command": "pytest -q", "run_in_background": True}
    assert place.ask(place.before("pytest -q", tool_input=asked)) == {}
    assert place.counted()[-1] == "background"


def test_output_with_a_credential_is_not_stored(place: Place) -> None:
    (place.root / "app.py").write_text("ghp_" + "a1B2c3D4e5" * 3 + "f6G7h8\n")
    place.call("pytest -q")
    assert place.counted() == ["no_entry", "secret"]


def test_a_run_that_used_up_its_own_time_limit_is_not_stored(place: Place) -> None:
    place.call("timeout 60 pytest -q | tail -3", duration=59_000)
    place.call("timeout 60 pytest -q | tail -3", duration=5_000)
    assert place.counted() == ["no_entry", "time_limit", "no_entry", "stored"]


@pytest.mark.parametrize("line", ["cd missing; pytest -q", "cd missing && pytest -q", "cd app.py; pytest -q"])
def test_a_directory_that_is_not_there_is_not_taken_for_one(place: Place, line: str) -> None:
    place.call(line)
    assert place.counted() == ["uncapturable"]


@pytest.mark.parametrize("line", ["pytest ../annexe", "cd .. && pytest -q", "pytest -c /etc/pytest.ini", "pytest /tmp"])
def test_a_tool_that_looks_outside_the_project_is_left_alone(place: Place, line: str) -> None:
    assert place.ask(place.before(line)) == {}
    assert place.counted() == ["outside"]


def test_a_file_outside_that_a_filter_prints_is_an_input(place: Place) -> None:
    (place.base / "notes.txt").write_text("one\n")
    place.call("cat ../notes.txt && pytest -q")
    assert place.call("cat ../notes.txt && pytest -q")[1] is True
    (place.base / "notes.txt").write_text("two\n")
    assert place.call("cat ../notes.txt && pytest -q")[1] is False


class TestPermissions:
    def test_a_deny_rule_stops_a_hit(self, place: Place) -> None:
        place.call("pytest -q")
        place.claude_settings(permissions={"deny": ["Bash(pytest:*)"]})
        assert place.call("pytest -q")[1] is False
        assert place.counted()[-1] == "deny_rule"

    def test_an_ask_rule_stops_a_hit(self, place: Place) -> None:
        place.call("cd sub && pytest -q")
        place.claude_settings(permissions={"ask": ["Bash(pytest *)"]})
        assert place.call("cd sub && pytest -q")[1] is False
        assert place.counted()[-1] == "ask_rule"

    def test_a_rule_against_our_own_cat_stops_a_hit(self, place: Place) -> None:
        place.call("pytest -q")
        place.claude_settings(permissions={"deny": ["Bash(cat:*)"]})
        assert place.call("pytest -q")[1] is False
        assert place.counted()[-1] == "deny_rule"

    def test_settings_that_cannot_be_read_stop_a_hit(self, place: Place) -> None:
        place.call("pytest -q")
        Path(place.environ["HOME"], ".claude").mkdir()
        Path(place.environ["HOME"], ".claude/settings.json").write_text("{")
        assert place.call("pytest -q")[1] is False
        assert place.counted()[-1] == "unsettled_settings"

    def test_what_somebody_else_recorded_is_served_only_under_an_allow_rule(self, place: Place) -> None:
        place.call("pytest -q")
        place.world.git("remote", "add", "origin", "https://example.com/team/other")  # it is another project now
        event = place.before("pytest -q")
        assert place.ask(event) == {}
        assert place.counted()[-1] == "undecided"
        place.claude_settings(permissions={"allow": ["Bash(pytest:*)"]})
        assert place.ask(place.before("pytest -q")) != {}

    def test_once_run_here_it_is_allowed_here(self, place: Place) -> None:
        place.call("pytest -q")
        place.world.git("remote", "add", "origin", "https://example.com/team/other")
        assert place.call("pytest -q")[1] is False
        assert place.call("pytest -q")[1] is True

    def test_the_mode_that_allows_everything_allows_it(self, place: Place) -> None:
        place.call("pytest -q")
        place.world.git("remote", "add", "origin", "https://example.com/team/other")
        assert place.ask(place.before("pytest -q", permission_mode="bypassPermissions")) != {}


class TestVerification:
    @pytest.fixture(autouse=True)
    def _recorded(self, place: Place) -> None:
        place.call("pytest -q")
        place.environ["SKILLCACHE_VERIFY"] = "1"

    def test_a_verifying_run_confirms_the_entry(self, place: Place) -> None:
        assert place.call("pytest -q")[1] is False
        assert place.counted()[2:] == ["verify", "confirmed"]
        place.environ["SKILLCACHE_VERIFY"] = "0"
        assert place.call("pytest -q")[1] is True

    def test_a_wrong_entry_is_dropped_and_its_rule_rests_for_a_day(self, place: Place) -> None:
        event = place.before("pytest -q")
        place.ask(event)
        ran = place.run("pytest -q")
        place.tell(event, ran._replace(text=ran.text.replace("passed", "passed, 1 skipped")))
        assert place.counted()[2:] == ["verify", "refuted"]
        place.environ["SKILLCACHE_VERIFY"] = "0"
        assert place.call("pytest -q")[1] is False
        assert place.call("pytest -q", shift=40_000)[1] is False
        assert place.counted()[4:] == ["quarantined", "quarantined"]
        place.call("pytest -q", shift=90_000)
        assert place.call("pytest -q", shift=90_001)[1] is True

    def test_in_shadow_mode_measuring_goes_on_after_a_wrong_entry(self, place: Place) -> None:
        event = place.before("pytest -q")
        place.ask(event)
        place.tell(event, place.run("pytest -q")._replace(text="another"))
        place.call("pytest -q")
        place.call("pytest -q")
        assert place.counted()[2:] == ["verify", "refuted", "no_entry", "stored", "verify", "confirmed"]


class TestBadInput:
    EVENTS = (
        b"", b" ", b"null", b"[]", b"7", b"{", b"{}", b"\xff\xfe", b"\0" * 100, b'"text"', b"[" * 100_000,
        b'{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":"x","cwd":"/","tool_use_id":"t"}',
        b'{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{},"cwd":7,"tool_use_id":"t"}',
        b'{"hook_event_name":"PreToolUse","tool_name":[],"tool_input":{},"cwd":"/","tool_use_id":"t"}',
    )  # fmt: skip

    @pytest.mark.parametrize("script", ["pre_tool_use.py", "post_tool_use.py", "post_tool_use_failure.py"])
    @pytest.mark.parametrize("data", EVENTS)
    def test_leaves_the_call_untouched_and_is_counted(self, place: Place, script: str, data: bytes) -> None:
        assert place.give(script, data) == (0, b"", b"")
        assert place.counted() == ["bad_event"]

    @pytest.mark.parametrize(
        "changes",
        [
            {"tool_name": "SomethingNew", "tool_input": {"x": 1}},
            {"tool_input": {"command": 7}},
            {"tool_input": {}},
            {"tool_input": {"command": ""}},
            {"tool_input": {"command": "x" * 3_000_000}},
        ],
    )
    def test_an_unknown_call_is_none_of_ours(self, place: Place, changes: dict[str, object]) -> None:
        event = json.dumps({**place.before("pytest"), **changes}).encode()
        assert place.give("pre_tool_use.py", event) == (0, b"", b"")
        assert place.counted() == []

    def test_a_bad_configuration_stops_replays_and_is_counted(self, place: Place) -> None:
        place.call("pytest -q")
        place.settings("ttl = 'soon'\n")
        assert place.call("pytest -q")[1] is False
        assert set(place.counted()[2:]) == {"bad_config"}

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

    def test_a_cache_folder_that_cannot_be_made_leaves_the_call_untouched(self, place: Place) -> None:
        place.environ["SKILLCACHE_HOME"] = "/proc/nowhere"
        assert place.call("pytest -q")[1] is False

    def test_switched_off_nothing_is_read_or_written(self, place: Place) -> None:
        place.environ["SKILLCACHE_DISABLE"] = "1"
        assert place.call("pytest -q")[1] is False
        assert not place.cache.exists()

    def test_a_project_that_is_gone_is_left_alone(self, place: Place) -> None:
        event = place.before("pytest -q")
        shutil.rmtree(place.root)
        assert place.ask(event) == {}


@pytest.mark.parametrize("meaning", ["alias cat='cat -n'", 'cat() { command cat -n "$@"; }', "function cd { pwd; }"])
def test_a_replay_says_the_same_where_the_shell_gives_its_commands_another_meaning(place: Place, meaning: str) -> None:
    snapshots = Path(place.environ["HOME"], ".claude/shell-snapshots")
    snapshots.mkdir(parents=True)
    (snapshots / "snapshot-bash-1795402972616-okk3ya.sh").write_text(f"# Aliases\n{meaning}\n")
    first, _ = place.call("cd sub && pytest -q")
    answer = place.ask(place.before("cd sub && pytest -q"))
    replay = answer["hookSpecificOutput"]["updatedInput"]["command"]
    again = place.run(f"shopt -s expand_aliases\n{meaning}\neval {shlex.quote(replay)}")
    assert again == first


def test_a_fault_of_ours_is_counted_and_leaves_its_place(place: Place) -> None:
    place.call("pytest -q")
    broken = place.base / "checkout"
    shutil.copytree(HOOKS, broken / "hooks")
    shutil.copytree(HOOKS.parent / "skillcache", broken / "skillcache")
    with (broken / "skillcache/project.py").open("a") as file:
        file.write("\n\ndef identity(root):\n    raise KeyError('something of the person')\n")
    event = json.dumps(place.before("pytest -q"))
    environ = {**place.environ, "CLAUDE_PROJECT_DIR": str(place.root)}
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(broken / "hooks/pre_tool_use.py")],
        input=event, capture_output=True, text=True, env=environ, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert place.counted()[-1] == "internal"
    left = (place.cache / "fault.txt").read_text()
    assert left.startswith("KeyError\n")
    assert "project.py:" in left
    assert "something" not in left
