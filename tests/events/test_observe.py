"""Calls that no rule names: which are counted, as what, and that nothing else of them is kept."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skillcache.claude import ToolEvent
from skillcache.cli.suggest import Evidence, weigh
from skillcache.commands.candidate import FAILED, Sighting, acts, append, keyed, label_of, read, salt_of
from skillcache.core import counts, files
from skillcache.core.files import digest, make_folder
from skillcache.events.observe import observe
from skillcache.settings.in_force import load
from skillcache.tools import World
from tests.fidelity.hooks import Ran, event_after, event_before, path_of_machine, run_hook
from tests.sessions.test_repository import git

LINE = re.compile(rb"\d{10}\tBash\(\./report:\*\)(\t[0-9a-f]{32}){4}\t\d+")
LATER = 60.0  # seconds: a run that seems to have begun long after the project was written


class Person:
    """A person with a project that has a slow command of its own, whose client starts the recording hook."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = folder / "project"
        self.project.mkdir()
        git(self.project, "init", "--quiet")
        self.write("report", "#!/bin/sh\n")
        self.write("count.py", "")
        (self.project / "sub").mkdir()
        self.write("sub/report", "#!/bin/sh\n")
        git(self.project, "add", "--all")
        git(self.project, "commit", "--quiet", "-m", "first")
        self.environ = {
            "HOME": str(folder),
            "PATH": path_of_machine(),
            "LANG": "C.UTF-8",
            "CLAUDE_PROJECT_DIR": str(self.project),
            "SKILLCACHE_CAPTURE_TIME": "60",  # a busy machine decides no test
        }
        self.calls = 0

    @property
    def cache(self) -> str:
        return str(self.folder / ".cache/skillcache")

    @property
    def sightings(self) -> list[Sighting]:
        return read(self.cache)

    def write(self, name: str, text: str) -> None:
        path = self.project / name
        path.write_text(text)
        path.chmod(0o755)

    def configure(self, text: str) -> None:
        path = self.folder / ".config/skillcache/config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def event(
        self, command: str, said: str = "all is well", *, status: int = 0, duration: int = 2_000, ended: str = ""
    ) -> dict[str, Any]:
        self.calls += 1
        before = event_before(command, str(self.project), f"toolu_{self.calls}", "one")
        return event_after(before, Ran(status, said, str(self.project / ended)), duration)[1]

    def ran(self, command: str, said: str = "all is well", *, shift: float = LATER, **fields: Any) -> None:
        assert run_hook("record.py", self.event(command, said, **fields), self.environ, shift=shift) == {}

    def ran_with(self, command: str, **fields: Any) -> None:
        assert run_hook("record.py", {**self.event(command), **fields}, self.environ, shift=LATER) == {}

    def called(self, tool: str, given: dict[str, Any], response: Any, **fields: Any) -> None:
        """A call of another tool has ended."""
        told = {**event_before("", str(self.project), "toolu_1", "one"), "hook_event_name": "PostToolUse"}
        told |= {"tool_name": tool, "tool_input": given, "tool_response": response, "duration_ms": 40, **fields}
        assert run_hook("record.py", told, self.environ, shift=LATER) == {}


@pytest.fixture
def person(tmp_path: Path) -> Person:
    return Person(tmp_path)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Person:
    return Person(tmp_path_factory.mktemp("busy"))


class TestWhatIsKept:
    def test_is_one_line_of_digests(self, person: Person) -> None:
        person.ran(
            "cd sub && ./report --month=monday 'a secret word' 2>&1",
            "42 of the client's files",
            duration=1_500,
            ended="sub",
        )

        content = Path(person.cache, "observed.log").read_bytes()

        assert LINE.fullmatch(content.removesuffix(b"\n"))
        assert content.endswith(b"\t1500\n")
        assert counts.read(person.cache) == []

    def test_is_private(self, person: Person) -> None:
        person.ran("./report")

        for name in ("observed.log", "observed.salt"):
            assert os.stat(f"{person.cache}/{name}").st_mode & 0o777 == 0o600

    def test_tells_nothing_to_one_who_tries_commands(self, person: Person) -> None:
        person.ran("./report")
        seen = person.sightings[0]

        assert len(files.read(person.cache + "/observed.salt", 100) or b"") == 32
        os.unlink(person.cache + "/observed.salt")
        person.ran("./report")

        again = person.sightings[1]
        for name in ("project", "call", "inputs", "result"):
            assert getattr(seen, name) != getattr(again, name)
        assert digest(b"None\nall is well") not in {seen.result, again.result}

    @settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(words=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)), said=st.text())
    def test_is_no_byte_of_what_was_asked_or_given(self, busy: Person, words: list[str], said: str) -> None:
        text = shlex.join(["./report", "-x", *words])
        event = ToolEvent(
            "PostToolUse",
            tool="Bash",
            input={"command": text},
            tool_use_id="toolu_1",
            cwd=str(busy.project),
            response={"stdout": said, "stderr": "", "interrupted": False, "isImage": False},
            duration=1_500,
        )
        before = len(busy.sightings)

        observe(event, World(busy.environ, time.time() + LATER, time.monotonic()), load(busy.environ, event.cwd))

        lines = Path(busy.cache, "observed.log").read_bytes().splitlines() if busy.sightings else []
        assert all(map(LINE.fullmatch, lines))
        assert before <= len(lines) <= before + 1


class TestWhatIsEqual:
    def test_is_a_call_on_the_same_inputs(self, person: Person) -> None:
        for command in ("./report", "./report", "./report --all"):
            person.ran(command)
        person.write("count.py", "changed")
        person.ran("./report")

        one, two, three, four = person.sightings
        assert (one.call, one.inputs, one.result) == (two.call, two.inputs, two.result)
        assert three.call != one.call
        assert three.inputs == one.inputs
        assert four.call == one.call
        assert four.inputs != one.inputs
        assert len({seen.project for seen in person.sightings}) == 1

    def test_is_a_result_but_for_the_time_it_took(self, person: Person) -> None:
        for said in ("3 passed in 0.12s", "3 passed in 7.40s", "4 passed in 0.12s"):
            person.ran("./report", said)

        one, two, three = person.sightings
        assert one.result == two.result != three.result

    def test_is_no_failure_and_a_pass(self, person: Person) -> None:
        person.ran("./report", "wrong", status=1)
        person.ran("./report", "wrong", status=2)

        assert [seen.result for seen in person.sightings] == [FAILED, FAILED]

    def test_holds_in_another_clone_of_the_project(self, person: Person) -> None:
        person.ran("./report")
        clone = person.folder / "clone"
        subprocess.run(["git", "clone", "--quiet", str(person.project), str(clone)], check=True)
        person.project = clone
        person.environ["CLAUDE_PROJECT_DIR"] = str(clone)
        person.ran("./report")

        one, two = person.sightings
        assert (one.call, one.inputs, one.result) == (two.call, two.inputs, two.result)


@pytest.mark.table
@pytest.mark.parametrize(
    "command",
    [
        "pytest -q",  # a built-in rule names it
        "flake8 tests",
        "./report | tail -3",  # whose status it is, nobody knows
        "./report && ./report",
        "./report; make tables",
        "./report > out.txt",
        "./report $(date)",
        "./report &",
        "./report *.txt",
        "./report # fresh",
        "rm -rf build",
        "git status",
        "docker ps",
        "npm ci",
        "npm run build",
        "make",
        "cargo build",
        "sleep 30",
        "find . -name '*.py'",
        "python -c 'print(1)'",
        "python",
        "eval x",
        "echo done",
        "/opt/tools/report",
        "../report",
        "~/report",
    ],
)
def test_a_line_that_a_rule_names_or_none_should_is_not_seen(busy: Person, command: str) -> None:
    before = len(busy.sightings)

    busy.ran(command)

    assert len(busy.sightings) == before
    assert counts.read(busy.cache) == []


@pytest.mark.table
@pytest.mark.parametrize(
    ("command", "pattern"),
    [
        ("./report", "Bash(./report:*)"),
        ("timeout 60 ./report --all 2>&1", "Bash(./report:*)"),
        ("python count.py --all", "Bash(python count.py:*)"),
        ("python3 -m tools.count", "Bash(python3 -m tools.count:*)"),
        ("make tables", "Bash(make tables:*)"),
        ("npm run tables:all", "Bash(npm run tables:all:*)"),
    ],
)
def test_a_line_is_seen_as_what_runs(busy: Person, command: str, pattern: str) -> None:
    (busy.folder / "bin").mkdir(exist_ok=True)
    for name in ("npm", "make", "python", "python3", "node"):
        (busy.folder / "bin" / name).unlink(missing_ok=True)
        (busy.folder / "bin" / name).symlink_to("/bin/true")
    busy.environ["PATH"] = f"{busy.folder / 'bin'}:{path_of_machine()}"

    busy.ran(command)

    assert busy.sightings[-1].pattern == pattern


def test_a_quick_call_is_not_seen(person: Person) -> None:
    person.ran("./report", duration=999)
    assert person.sightings == []
    person.environ["SKILLCACHE_MIN_DURATION"] = "0.9"
    person.ran("./report", duration=999)
    assert len(person.sightings) == 1


def test_a_call_that_a_rule_of_one_s_own_names_or_shuts_out_is_not_seen(person: Person) -> None:
    for more in ("", "enabled = false\n"):
        person.configure(f'[[rules]]\nmatch = "Bash(./report:*)"\n{more}')
        person.ran("./report")
    assert person.sightings == []


@pytest.mark.table
@pytest.mark.parametrize("match", ["mcp__words__*", "WebSearch", "WebFetch", "Agent", "Skill(words)"])
def test_a_rule_about_other_tools_hides_no_line(person: Person, match: str) -> None:
    person.configure(f'[[rules]]\nmatch = "{match}"\n')
    person.ran("./report")
    assert len(person.sightings) == 1


def test_a_line_that_runs_a_script_is_not_seen_where_the_skill_says_that_it_is_kept(person: Person) -> None:
    skill = "---\nname: words\ndescription: Counts words.\n{more}---\n"
    (person.project / ".claude/skills/words").mkdir(parents=True)
    person.write(".claude/skills/words/count.sh", "#!/bin/sh\n")

    person.write(".claude/skills/words/SKILL.md", skill.format(more="metadata:\n  skillcache:\n    ttl: 600\n"))
    person.ran(".claude/skills/words/count.sh 7")
    assert person.sightings == []

    person.write(".claude/skills/words/SKILL.md", skill.format(more=""))
    person.ran(".claude/skills/words/count.sh 7")
    assert [seen.pattern for seen in person.sightings] == ["Skill(words)"]


@pytest.mark.parametrize(
    ("line", "pattern"),
    [
        ("bash .claude/skills/words/count.sh 7", "Skill(words)"),
        ("cd .claude/skills/words && ./count.sh 7", "Skill(words)"),
        ("{project}/.claude/skills/words/count.sh", "Skill(words)"),
        ("bash .claude/skills/words/deploy.sh", None),  # which is run for what it does
        ("bash .claude/skills/nothing/count.sh", "Bash(bash .claude/skills/nothing/count.sh:*)"),
    ],
)
def test_lines_that_run_scripts_of_one_skill_are_seen_as_that_skill_s(
    person: Person, line: str, pattern: str | None
) -> None:
    for folder in ("words", "nothing"):
        (person.project / ".claude/skills" / folder).mkdir(parents=True)
        for name in ("count.sh", "deploy.sh"):
            person.write(f".claude/skills/{folder}/{name}", "#!/bin/sh\n")
    person.write(".claude/skills/words/SKILL.md", "---\nname: words\ndescription: Counts.\n---\n")
    person.ran(line.format(project=person.project), ended=".claude/skills/words" if line.startswith("cd") else "")
    assert [seen.pattern for seen in person.sightings] == ([pattern] if pattern else [])


def test_a_call_in_the_background_or_interrupted_is_not_seen(person: Person) -> None:
    person.ran_with("./report", tool_input={"command": "./report", "run_in_background": True})
    response = {"stdout": "", "stderr": "", "interrupted": True, "isImage": False}
    person.ran_with("./report", tool_response=response)
    assert person.sightings == []


def test_a_call_that_carries_a_credential_is_not_seen(person: Person) -> None:
    person.ran("./report --token ghp_" + "a1B2c3D4e5F6" * 3)
    person.ran("./report", "token: ghp_" + "a1B2c3D4e5F6" * 3)
    assert person.sightings == []


def test_a_run_that_touched_what_it_reads_is_not_seen(person: Person) -> None:
    person.write("written", "by the run itself")
    person.ran("./report", duration=60_000, shift=0)
    assert person.sightings == []


def test_a_project_that_cannot_be_read_in_time_is_not_seen(person: Person) -> None:
    person.environ["SKILLCACHE_CAPTURE_TIME"] = "0"
    person.ran("./report")
    assert person.sightings == []
    assert counts.read(person.cache) == []


@pytest.mark.parametrize("variable", ["SKILLCACHE_DISABLE", "SKILLCACHE_RECORD_SESSIONS"])
def test_a_switch_keeps_everything_from_being_seen(person: Person, variable: str) -> None:
    person.environ[variable] = "0" if variable.endswith("SESSIONS") else "1"
    person.ran("./report")
    assert not os.path.exists(person.cache)


def test_a_fault_is_counted_and_the_session_s_record_is_kept(person: Person) -> None:
    make_folder(person.cache + "/observed.log")
    person.ran("./report")
    assert [count.outcome.name for count in counts.read(person.cache)] == ["disk"]
    assert any(b"./report" in path.read_bytes() for path in Path(person.cache).glob("sessions.sqlite3*"))


class TestAServersTool:
    @pytest.fixture(autouse=True)
    def _a_server(self, person: Person) -> None:
        person.write(".mcp.json", '{"mcpServers": {"words": {"command": "words", "args": ["--quick"]}}}')

    def called(self, person: Person, tool: str = "mcp__words__count_words", text: str = "3", **given: Any) -> None:
        response = [{"type": "text", "text": text}]
        person.called(tool, given, response, mcp_server={"name": "words", "source": "project"})

    def test_is_seen_however_quick_it_was_by_its_arguments_and_server(self, person: Person) -> None:
        self.called(person, a=1, b="very private")
        self.called(person, b="very private", a=1)
        person.write("count.py", "changed")
        self.called(person, a=1, b="very private", text="4")
        self.called(person, a=2, b="very private")
        person.write(".mcp.json", '{"mcpServers": {"words": {"command": "other"}}}')
        self.called(person, a=1, b="very private")

        one, two, three, four, five = person.sightings
        assert {seen.pattern for seen in person.sightings} == {"mcp__words__count_words"}
        assert (one.call, one.inputs, one.result, one.duration) == (two.call, two.inputs, two.result, 40)
        assert (three.call, three.inputs) == (one.call, one.inputs)
        assert three.result != one.result
        assert len({one.call, four.call, five.call}) == 3
        assert b"private" not in Path(person.cache, "observed.log").read_bytes()

    def test_is_not_seen_where_it_acts_or_fails_or_a_rule_names_it(self, person: Person) -> None:
        self.called(person, "mcp__words__add_word")
        self.called(person, text="")
        person.called("mcp__other__count", {}, "3", mcp_server={"name": "other", "source": "project"})
        person.configure('[[rules]]\nmatch = "mcp__words__*"\n')
        self.called(person)
        assert person.sightings == []
        assert counts.read(person.cache) == []


class TestAnAgent:
    def called(self, person: Person, prompt: str = "review it", text: str = "fine", **given: Any) -> None:
        response = {"status": "completed", "agentId": str(person.calls), "content": [{"type": "text", "text": text}]}
        person.calls += 1
        person.called("Agent", {"description": "d", "subagent_type": "reviewer", "prompt": prompt, **given}, response)

    def test_is_seen_by_its_prompt_and_the_worktree(self, person: Person) -> None:
        self.called(person)
        self.called(person)
        self.called(person, "review all", "other")
        person.write("count.py", "changed")
        self.called(person)

        one, two, three, four = person.sightings
        assert {seen.pattern for seen in person.sightings} == {"Agent(reviewer)"}
        assert (one.call, one.inputs, one.result) == (two.call, two.inputs, two.result)
        assert three.call != one.call
        assert three.result != one.result
        assert four.call == one.call
        assert four.inputs != one.inputs

    def test_is_not_seen_in_the_background_or_without_a_type(self, person: Person) -> None:
        person.called("Agent", {"subagent_type": "reviewer", "prompt": "x"}, {"status": "async_launched"})
        self.called(person, subagent_type=None)
        assert person.sightings == []


def test_other_tools_are_not_seen(person: Person) -> None:
    person.called("WebFetch", {"url": "https://example.org", "prompt": "x"}, {"code": 200, "result": "x"})
    person.called("Read", {"file_path": "/x"}, {})
    assert person.sightings == []


@pytest.mark.parametrize(
    ("line", "label"),
    [
        ("psalm --no-cache", "psalm"),
        ("psalm src", "psalm"),
        ("psalm review", "psalm review"),
        ("psalm 7", "psalm"),
        ("psalm correct-horse-battery-staple", ""),
        ("vendor/bin/psalm", "vendor/bin/psalm"),
        ("tool-x sub-command a b", "tool-x sub-command"),
        ("yarn", ""),
        ("yarn --silent report", ""),
        ("yarn report", "yarn report"),
        ("just report_all", "just report_all"),
        ("npm run", ""),
        ("go run ./cmd/report -v", "go run ./cmd/report"),
        ("go run", ""),
        ("go -C x run", ""),
        ("go tool", "go tool"),
        ("node count.js", ""),
        ("node src", "node src"),
        ("python3.12 src", "python3.12 src"),
        ("bash -lc ./x", ""),
        ("python -m", ""),
        ("python -m x;y", ""),
        ("date", ""),
        ("./build.sh", ""),
        ("node deploy", ""),
        ("make regenerate-and-push", ""),
        ("./make-tables", "./make-tables"),
        ("/usr/bin/psalm", ""),
        ("a(b", ""),
        ("a*", ""),
        ("a:b", ""),
        ("é", ""),
        ("x" * 65, ""),
    ],
)
def test_a_label_holds_what_runs_and_no_more(line: str, label: str) -> None:
    assert label_of(tuple(line.split(" ")), lambda word: word == "src") == label


@pytest.mark.parametrize(
    ("name", "does"),
    [
        ("get-docs", False),
        ("search_issues", False),
        ("address", False),
        ("browser_click", True),
        ("createIssue", True),
        ("SendMail", True),
        ("build.sh", True),
        ("", False),
    ],
)
def test_a_name_says_whether_something_is_done(name: str, does: bool) -> None:
    assert acts(name) is does


class TestTheLog:
    def seen(self, at: int = 5) -> Sighting:
        return Sighting(at, "Bash(x:*)", project="0" * 32, call="1" * 32, inputs="2" * 32, result=FAILED, duration=7)

    def test_gives_back_what_was_seen(self, tmp_path: Path) -> None:
        append(str(tmp_path), self.seen())
        (found,) = read(str(tmp_path))
        assert [getattr(found, name) for name in Sighting.__slots__] == [
            getattr(self.seen(), name) for name in Sighting.__slots__
        ]

    def test_of_nothing_is_empty(self, tmp_path: Path) -> None:
        assert read(str(tmp_path)) == []

    def test_passes_over_lines_of_another_form(self, tmp_path: Path) -> None:
        append(str(tmp_path), self.seen())
        line = Path(tmp_path, "observed.log").read_bytes()
        bad = [b"\xff", b"1\tx", line.replace(b"1" * 32, b"1" * 31), line.replace(b"failed", b"passed"), line[:-4]]
        Path(tmp_path, "observed.log").write_bytes(b"\n".join([*bad, line]))
        assert len(read(str(tmp_path))) == 1

    def test_does_not_grow_for_ever(self, tmp_path: Path) -> None:
        append(str(tmp_path), self.seen())
        line = Path(tmp_path, "observed.log").read_bytes()
        Path(tmp_path, "observed.log").write_bytes(line * ((4 << 20) // len(line) + 1))
        append(str(tmp_path), self.seen(at=9))
        found = read(str(tmp_path))
        assert Path(tmp_path, "observed.log").stat().st_size <= 2 << 20
        assert (found[0].at, found[-1].at) == (5, 9)
        assert os.stat(tmp_path / "observed.log").st_mode & 0o777 == 0o600

    def test_has_one_secret_for_good(self, tmp_path: Path) -> None:
        salt = salt_of(str(tmp_path))
        assert salt_of(str(tmp_path)) == salt
        assert keyed(salt, "a") != keyed(bytes(32), "a") != keyed(bytes(32), "b")
        Path(tmp_path, "observed.salt").write_bytes(b"cut")
        assert len(salt_of(str(tmp_path))) == 32


class TestWorth:
    """A run is written `call inputs result at`; each takes two seconds."""

    def weigh(self, *runs: str, ttl: int = 100) -> list[Evidence]:
        sightings = []
        for run in runs:
            call, inputs, result, at = run.split()
            sightings.append(
                Sighting(int(at), "p", project="", call=call, inputs=inputs, result=result, duration=2_000)
            )
        return weigh(sightings, lambda _: ttl)

    def test_of_repeats_is_their_time(self) -> None:
        assert self.weigh("a 1 x 1", "a 1 x 2", "b 1 y 3", "a 1 x 4", "a 2 x 5", "b 1 y 6") == [
            Evidence("p", 5, 2, 0, 3, 6_000)
        ]

    def test_of_what_was_seen_once_is_nothing(self) -> None:
        assert self.weigh("a 1 x 1", "a 2 x 2", "b 1 x 3") == [Evidence("p", 0, 0, 0, 0, 0)]

    def test_ends_where_a_result_gave_way_to_another(self) -> None:
        (found,) = self.weigh("a 1 x 1", "a 1 y 2", "a 1 x 3", "b 1 x 4", "b 1 x 5", "b 1 x 6", "b 1 x 7", "b 1 x 8")
        assert found == Evidence("p", 8, 2, 1, 4, 8_000)
        assert not found.is_worth_a_rule

    def test_counts_a_failure_beside_a_pass_as_different_and_failures_alone_for_nothing(self) -> None:
        assert self.weigh("a 1 failed 1", "a 1 failed 2") == [Evidence("p", 0, 0, 0, 0, 0)]
        assert self.weigh("a 1 failed 1", "a 1 x 2") == [Evidence("p", 2, 1, 1, 0, 0)]

    def test_begins_anew_when_a_result_has_expired(self) -> None:
        assert self.weigh("a 1 x 0", "a 1 x 99", "a 1 y 100", "a 1 y 150", "a 1 z 300") == [
            Evidence("p", 4, 2, 0, 2, 4_000)
        ]

    def test_needs_three_repeats_and_five_seconds(self) -> None:
        assert not Evidence("p", 3, 1, 0, 2, 60_000).is_worth_a_rule
        assert not Evidence("p", 9, 1, 0, 8, 4_999).is_worth_a_rule
        assert Evidence("p", 4, 1, 0, 3, 5_000).is_worth_a_rule
        assert not Evidence("p", 4, 1, 1, 3, 5_000).is_worth_a_rule
