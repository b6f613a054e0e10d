"""What is suggested of what was observed, and what that adds to a configuration file."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from skillcache.commands.candidate import FAILED, Sighting, append, keyed, salt_of
from skillcache.core.git import identity
from tests.cli.conftest import Person

NOW = int(time.time())
PSALM = '[[rules]]\nmatch = "Bash(psalmist:*)"\n'
CAUTION = "A rule is right for calls that only report, and wrong for calls that are made for what they do.\n"
NOTHING = "No repeated call would have been worth a rule.\n"


def see(
    person: Person, pattern: str, times: int, *, inputs: str = "1", result: str = "2", ms: int = 5_000, at: int = NOW,
    project: Path | None = None,
) -> None:  # fmt: skip
    """That many equal runs, a second apart."""
    cache = str(person.cache)
    where = keyed(salt_of(cache), identity(str(project))) if project else "0" * 32
    result = result if result == FAILED else result * 32
    for number in range(times):
        append(
            cache,
            Sighting(
                at - 60 + number, pattern, project=where, call="3" * 32, inputs=inputs * 32, result=result, duration=ms
            ),
        )


def config(person: Person) -> Path:
    return person.home / ".config/skillcache/config.toml"


@pytest.fixture
def project(person: Person) -> Path:
    folder = person.home / "project"
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet", str(folder)], check=True)
    return folder


def test_says_when_nothing_was_observed(person: Person) -> None:
    ran = person.skillcache("suggest")

    assert (ran.status, ran.err) == (0, "")
    assert ran.out == (
        "No call without a rule was observed yet. The hooks observe them where sessions are recorded;"
        " check with: skillcache doctor\n"
    )


def test_suggests_what_saves_most_first_with_its_evidence(person: Person) -> None:
    see(person, "Bash(psalmist:*)", 4)
    see(person, "Bash(./slow-report:*)", 5, ms=4_000)
    see(person, "Bash(./slow-report:*)", 4, ms=5_000, inputs="4")
    see(person, "Bash(./flaky:*)", 2)
    see(person, "Bash(./flaky:*)", 3, result="5")
    see(person, "Bash(./seldom:*)", 3)
    see(person, "Bash(./quick:*)", 5, ms=1_249)
    see(person, "Bash(./broken:*)", 9, result=FAILED)

    assert person.skillcache("suggest") == (
        0,
        "Bash(./slow-report:*) was seen 9 times on equal inputs (2 different ones), with 9 equal results."
        " A rule would have saved 31.0 s.\n"
        "\n"
        '[[rules]]\nmatch = "Bash(./slow-report:*)"\n'
        "\n"
        "Bash(psalmist:*) was seen 4 times on equal inputs, with 4 equal results. A rule would have saved 15.0 s.\n"
        "\n" + PSALM + "\n"
        "Add them with: skillcache suggest --apply\n" + CAUTION + "\n"
        "Not worth a rule, as equal calls gave different results:\n"
        "  Bash(./flaky:*): 3 of 4 repeats\n",
        "",
    )


def test_one_different_result_on_equal_inputs_is_enough_to_refuse(person: Person) -> None:
    see(person, "Bash(./flaky:*)", 20)
    see(person, "Bash(./flaky:*)", 4, inputs="6")
    see(person, "Bash(./flaky:*)", 1, inputs="6", result=FAILED)

    assert person.skillcache("suggest").out == (
        NOTHING + "\nNot worth a rule, as equal calls gave different results:\n  Bash(./flaky:*): 1 of 23 repeats\n"
    )
    person.skillcache("suggest", "--apply")
    assert not config(person).exists()


def test_repeats_after_a_result_has_expired_count_for_nothing(person: Person) -> None:
    for day in (3, 2, 1, 0):
        see(person, "Bash(psalmist:*)", 1, at=NOW - day * 86_400)
    assert person.skillcache("suggest").out == NOTHING


def test_a_server_s_tool_is_suggested_for_an_hour(person: Person) -> None:
    see(person, "mcp__context7__get-docs", 4)

    ran = person.skillcache("suggest")

    assert ran.out.startswith(
        "mcp__context7__get-docs was seen 4 times with equal arguments, with 4 equal results."
        " A rule would have saved 15.0 s."
        " What the server reads is not captured: a result would be served for an hour.\n"
        '\n[[rules]]\nmatch = "mcp__context7__get-docs"\nttl = 3600\n'
    )


@pytest.mark.parametrize(
    "rule",
    [
        'match = "Bash(psalmist:*)"',
        'match = "Bash(psalm*)"',
        'match = "Bash(psalmist:*)"\nenabled = false',
    ],
)
def test_what_a_rule_covers_meanwhile_is_left_out(person: Person, rule: str) -> None:
    see(person, "Bash(psalmist:*)", 4)
    config(person).parent.mkdir(parents=True)
    config(person).write_text(f"[[rules]]\n{rule}\n")
    assert person.skillcache("suggest").out == NOTHING


def test_what_a_built_in_rule_covers_meanwhile_is_left_out(person: Person) -> None:
    see(person, "Bash(pytest:*)", 4)
    assert person.skillcache("suggest").out == NOTHING


@pytest.mark.parametrize(
    ("pattern", "rule"),
    [
        ("mcp__context7__get-docs", "mcp__context7__*"),
        ("mcp__context7__get-docs", "mcp__context7"),
        ("Agent(reviewer)", "Agent(reviewer)"),
        ("Agent(reviewer)", "Agent"),
    ],
)
def test_what_a_rule_for_another_tool_covers_is_left_out(person: Person, pattern: str, rule: str) -> None:
    see(person, pattern, 4)
    assert person.skillcache("suggest").out != NOTHING
    config(person).parent.mkdir(parents=True)
    config(person).write_text(f'[[rules]]\nmatch = "{rule}"\n')
    assert person.skillcache("suggest").out == NOTHING


def test_json_says_the_same(person: Person) -> None:
    see(person, "Bash(psalmist:*)", 4)
    see(person, "Bash(./flaky:*)", 1)
    see(person, "Bash(./flaky:*)", 1, result="5")
    counts = {"inputs": 1, "seen": 4, "different_results": 0, "repeats": 3, "saved_ms": 15_000}

    assert json.loads(person.skillcache("suggest", "--json").out) == {
        "suggestions": [{"match": "Bash(psalmist:*)", **counts, "toml": PSALM}],
        "not_worth": [
            {"match": "Bash(./flaky:*)", "inputs": 1, "seen": 2, "different_results": 1, "repeats": 0, "saved_ms": 0}
        ],
    }
    assert json.loads(person.skillcache("suggest", "--json", "--since", "1").out)["suggestions"] != []


def test_since_leaves_out_what_is_older(person: Person) -> None:
    see(person, "Bash(psalmist:*)", 4, at=NOW - 3 * 86_400)
    assert person.skillcache("suggest", "--since", "2").out != person.skillcache("suggest", "--since", "4").out


def test_apply_adds_the_rules_behind_what_is_there(person: Person) -> None:
    see(person, "Bash(psalmist:*)", 4)
    path = config(person)
    path.parent.mkdir(parents=True)
    before = b"# mine\r\nttl = 60  # short\n\n[record]\nprompts = false"
    path.write_bytes(before)
    path.chmod(0o640)
    person.skillcache("install")

    ran = person.skillcache("suggest", "--apply")

    after = before + b"\n\n" + PSALM.encode()
    assert path.read_bytes() == after
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(path.parent) == ["config.toml"]
    assert ran.out == (
        f"--- {path}\n+++ {path}\n@@ -2,4 +2,7 @@\n ttl = 60  # short\n \n [record]\n"
        "-prompts = false\n\\ No newline at end of file\n+prompts = false\n+\n"
        '+[[rules]]\n+match = "Bash(psalmist:*)"\n'
        f"\n1 rule was added to {path}.\n"
    )
    assert person.skillcache("suggest", "--apply").out == NOTHING.replace(".\n", ": nothing to add.\n")
    assert path.read_bytes() == after


def test_apply_makes_the_file_and_needs_no_install_where_the_hooks_start_anyway(person: Person) -> None:
    person.skillcache("install")
    see(person, "Bash(./check:*)", 4)
    see(person, "Bash(./lint:*)", 4)

    ran = person.skillcache("suggest", "--apply")

    assert config(person).read_text() == '[[rules]]\nmatch = "Bash(./check:*)"\n\n[[rules]]\nmatch = "Bash(./lint:*)"\n'
    assert ran.out.endswith(f"\n2 rules were added to {config(person)}.\n")


def test_what_starts_no_hook_yet_is_said_until_the_install(person: Person) -> None:
    person.skillcache("install")
    see(person, "Agent(reviewer)", 4)
    assert person.skillcache("suggest", "--apply").out.endswith("Run: skillcache install\n")
    person.skillcache("install")
    see(person, "Bash(./check:*)", 4)
    assert "Run:" not in person.skillcache("suggest", "--apply").out


def test_a_dry_run_shows_the_change_and_makes_none(person: Person) -> None:
    see(person, "Bash(psalmist:*)", 4)
    before = person.files()

    ran = person.skillcache("suggest", "--apply", "--dry-run")

    path = config(person)
    assert ran.out == f'--- {path}\n+++ {path}\n@@ -0,0 +1,2 @@\n+[[rules]]\n+match = "Bash(psalmist:*)"\n'
    assert {name: content for name, content in person.files().items() if "compiled" not in name} == before


def test_project_is_about_its_calls_and_its_file(person: Person, project: Path) -> None:
    see(person, "Bash(psalmist:*)", 4)
    see(person, "Bash(./slow-report:*)", 4, project=project)
    (project / ".claude").mkdir()

    said = person.skillcache("suggest", "--project", folder=project).out
    ran = person.skillcache("suggest", "--project", "--apply", folder=project)

    assert "psalmist" not in said
    assert "Add them with: skillcache suggest --apply --project\n" in said
    path = project / ".claude/skillcache.toml"
    assert path.read_text() == '[[rules]]\nmatch = "Bash(./slow-report:*)"\n'
    assert ran.out.endswith(
        f"\n1 rule was added to {path}.\nTheir calls do not start the hooks yet."
        " Run: skillcache install --scope local\n"
    )
    assert not config(person).exists()
    person.skillcache("install", "--scope", "local", folder=project)
    assert person.skillcache("suggest", "--project", folder=project).out.startswith("No repeated call")


@pytest.mark.parametrize("text", ["rules = []\n", "x = [[\n", "[[rules]]\nmatch = 1\n"])
def test_a_file_that_takes_no_rule_stays_as_it_was(person: Person, text: str) -> None:
    see(person, "Bash(psalmist:*)", 4)
    config(person).parent.mkdir(parents=True)
    config(person).write_text(text)

    ran = person.skillcache("suggest", "--apply")

    assert (ran.status, ran.out) == (1, "")
    assert str(config(person)) in ran.err
    assert config(person).read_text() == text


@pytest.mark.parametrize("options", [["--dry-run"], ["--json", "--apply"], ["--since", "0"]])
def test_options_that_do_not_fit_are_usage_errors(person: Person, options: list[str]) -> None:
    assert person.skillcache("suggest", *options).status == 2


def test_a_skill_that_declares_itself_by_now_needs_no_rule(person: Person, project: Path) -> None:
    see(person, "Skill(report)", 4)
    rule = '[[rules]]\nmatch = "Skill(report)"\n'
    said = "Skill(report) was seen 4 times on equal inputs, with 4 equal results. A rule would have saved 15.0 s.\n"
    expected = f"{said}\n{rule}\nAdd them with: skillcache suggest --apply\n{CAUTION}"
    assert person.skillcache("suggest", folder=project).out == expected
    skill = project / ".claude/skills/report/SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("---\nname: report\nmetadata:\n  skillcache:\n    ttl: 60\n---\n")
    assert person.skillcache("suggest", folder=project).out == NOTHING
    skill.unlink()
    person.skillcache("suggest", "--apply", folder=project)
    assert config(person).read_text() == rule
    assert person.skillcache("suggest", folder=project).out == NOTHING
