"""What `doctor` and `stats` say of each skill that declares itself, after real calls."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from skillcache.cli.checks import MEND, NOTE, OK, Place
from skillcache.cli.checks.installation import check_skills
from tests import ready
from tests.skill.conftest import SCRIPT, Skills
from tests.skill.conftest import skills as skills_  # noqa: F401 - the fixture


@pytest.fixture(name="held")
def _held(skills_: Skills) -> Skills:  # noqa: F811
    return skills_


def said(held: Skills) -> list[tuple[str, str, str]]:
    """Level, what comes after the name and the folder, and what mends it."""
    found = check_skills(Place(held.environ, str(held.root), time.time()))
    assert all(finding.subject == "skill" for finding in found)
    texts = [finding.text.partition(") is ")[2].partition(", its last command ")[0] for finding in found]
    return [(finding.level, text, finding.mend) for finding, text in zip(found, texts, strict=True)]


def printed(held: Skills, *words: str) -> str:
    _, text, complained = ready.skillcache(*words, folder=held.root, environ=held.environ)
    assert complained == ""
    return text


def test_a_skill_that_says_nothing_is_not_named(held: Skills) -> None:
    held.declare(None)
    assert said(held) == []


def test_one_that_is_cached_is_named_with_its_hits(held: Skills) -> None:
    held.declare("{ttl: 3600}")
    assert check_skills(Place(held.environ, str(held.root), time.time())) == [
        (OK, "skill", f"report ({held.folder}) is cached; no command of it was seen yet", "")
    ]
    for _ in range(3):
        held.call()
    assert said(held) == [(OK, "cached: 2 hits", "")]
    assert f"\nok    skill: report ({held.folder}) is cached: 2 hits, its last command " in printed(held, "doctor")
    assert "\n  skill\n  report: 2 hits\n" in printed(held, "stats")
    assert json.loads(printed(held, "stats", "--json"))["skills"] == [
        {"name": "report", "folder": str(held.folder), "hits": 2, "out": None}
    ]


@pytest.mark.parametrize("kind", ["home", "project", "plugin"])
def test_a_block_that_is_not_understood_is_named_with_its_line(held: Skills, kind: str) -> None:
    plugin = held.home / ".claude/plugins/cache/market/docs/1.0"
    folder = {"home": held.folder, "project": held.root / ".claude/skills/report", "plugin": plugin / "skills/report"}[
        kind
    ]
    held.declare("{ttl: [}", folder)
    if kind == "plugin":
        noted = {"version": 2, "plugins": {"docs@market": [{"installPath": str(plugin)}]}}
        (held.home / ".claude/plugins/installed_plugins.json").write_text(json.dumps(noted))
    held.place.call(f"python3 {folder}/scripts/run.py")
    assert held.last() == "uncapturable"
    ((level, text, _),) = said(held)
    assert level == MEND
    assert text.startswith(f"not cached: {folder}/SKILL.md: line 5: ")
    assert f"\n  report: not cached: {folder}/SKILL.md: line 5: " in printed(held, "stats")


def test_a_rule_that_switches_a_skill_off_is_named(held: Skills) -> None:
    held.declare("{ttl: 3600}")
    held.place.settings('[[rules]]\nmatch = "Skill(report)"\nenabled = false\n')
    config = held.home / ".config/skillcache/config.toml"
    assert said(held) == [
        (NOTE, "not cached: a rule of yours switches it off", f"remove enabled = false from Skill(report) in {config}")
    ]


def test_a_script_that_is_missing_is_named(held: Skills) -> None:
    held.declare("{ttl: 3600}")
    text = (held.folder / "SKILL.md").read_text()
    (held.folder / "SKILL.md").write_text(f"{text}\nRun `python3 ${{CLAUDE_SKILL_DIR}}/scripts/gone.py`.\n")
    assert said(held) == [
        (MEND, "not cached: SKILL.md names scripts/gone.py, which is not there", "put it there, or correct SKILL.md")
    ]
    held.script.rename(held.script.with_name("gone.py"))
    assert said(held)[0][0] == OK
    (held.folder / "scripts/gone.py").unlink()
    assert said(held) == [
        (
            MEND,
            "not cached: it has no script, and only commands that run one are replayed",
            "remove metadata.skillcache",
        )
    ]


def test_files_that_are_not_declared_are_told_of_after_the_run_that_wrote_them(held: Skills) -> None:
    held.declare("{ttl: 3600}")
    held.writes(new_txt="x")
    held.call()
    mend = "declare all that it writes under outputs, or let it write nothing"
    why = "not cached: its last command wrote files, and it declares no outputs"
    assert said(held) == [(NOTE, why, mend)]
    assert f"\n  report: {why}\n" in printed(held, "stats")
    assert json.loads(printed(held, "stats", "--json"))["skills"][0]["out"] == why
    held.declare("{ttl: 3600, outputs: [other.txt]}")
    held.call()
    why = "not cached: its last command ended with undeclared: the run wrote files that nobody has declared"
    assert said(held) == [(NOTE, why, mend)]
    held.declare("{ttl: 3600, outputs: [new.txt]}")
    held.call()
    assert said(held) == [(OK, "cached: 0 hits", "")]


@pytest.mark.parametrize("outputs", ["out.txt", '"*.txt"'])
@pytest.mark.parametrize("kind", ["home", "project"])
def test_outputs_in_the_skill_s_own_folder_are_told_of(held: Skills, kind: str, outputs: str) -> None:
    folder = held.folder if kind == "home" else held.root / ".claude/skills/report"
    held.declare(f"{{ttl: 3600, outputs: [{outputs}]}}", folder)
    held.environ["SKILL_WRITES"] = "out.txt=x"
    (folder / "notes.txt").write_text("of the skill\n")
    assert said(held)[0][0] == OK
    (folder / "notes.txt").unlink()
    assert held.call(line=f"cd {folder} && python3 scripts/run.py")[1] is False
    assert held.last() == "changed_inputs"
    ((level, text, _),) = said(held)
    assert level == NOTE
    assert text == (
        "seldom replayed: its output out.txt lies in its own folder, which its results depend on: they hold while that"
        " file stays as it is"
    )


def test_what_else_kept_the_last_command_out_is_told(held: Skills) -> None:
    held.declare("{ttl: 3600}")
    held.script.write_text(f"{SCRIPT}\nsys.exit(3)\n")
    held.place.call(held.line)
    assert said(held) == [
        (
            NOTE,
            "not cached: its last command ended with failure: the run failed and its rule does not replay failures",
            "failures: true, where another status than 0 is a report as well",
        )
    ]


def test_one_behind_two_paths_is_named_once(held: Skills, tmp_path: Path) -> None:
    held.declare("{ttl: 3600}", tmp_path / "sources/skills/report")
    for shelf in (held.home / ".claude/skills", held.root / ".claude/skills"):
        shelf.mkdir(parents=True)
        (shelf / "report").symlink_to(tmp_path / "sources/skills/report")
    assert len(said(held)) == 1
