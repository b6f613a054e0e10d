"""A script is known by the file that runs, however the line spells its path and wherever it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.skill.conftest import SCRIPT, Skills

PLUGIN = ".claude/plugins/cache/market/docs/1.0"


@pytest.mark.table
@pytest.mark.parametrize("kind", ["home", "project", "plugin"])
def test_all_spellings_of_a_call_share_what_is_stored(skills: Skills, kind: str) -> None:
    base = {
        "home": skills.folder,
        "project": skills.root / ".claude/skills/report",
        "plugin": skills.home / PLUGIN / "skills/report",
    }[kind]
    skills.declare("{ttl: 3600}", base)
    if kind == "plugin":
        (skills.home / PLUGIN / ".claude-plugin").mkdir()
        (skills.home / PLUGIN / ".claude-plugin/plugin.json").write_text('{"name": "docs"}')
    (skills.root / "a.csv").write_text("1,2\n")
    absolute = f"python3 {base}/scripts/run.py {skills.root}/a.csv"
    spelled = [
        f"cd {base} && python3 scripts/run.py {skills.root}/a.csv",
        f"cd {base} && python3 ./scripts/run.py {skills.root}/a.csv",
        f"cd {base} && {absolute}",
        f"cd {base} && python3 ../report/scripts/run.py {skills.root}/a.csv",
    ]
    assert [skills.call(line=line) for line in spelled] == [("report on a.csv\n1,2", at > 0) for at in range(4)]
    relative = Path("../" * len(skills.root.parts), *base.parts[1:]) if kind != "project" else ".claude/skills/report"
    spelled = [absolute, f"python3 {relative}/scripts/run.py {skills.root}/a.csv"]
    if kind != "project":
        spelled += [f"python3 ~/{base.relative_to(skills.home)}/scripts/run.py {skills.root}/a.csv"]
    assert [skills.call(line=line)[1] for line in spelled] == [False, True, True][: len(spelled)]


def test_from_the_folder_of_skills_and_the_script_s_own_it_is_found(skills: Skills) -> None:
    skills.declare("{ttl: 3600}")
    for line in (
        "cd ~/.claude/skills && python3 report/scripts/run.py",
        "cd ~/.claude/skills/report/scripts && python3 run.py",
    ):
        assert [skills.call(line=line)[1] for _ in range(2)] == [False, True]
    assert skills.call("run.py", line="cd ~/.claude/skills/report/scripts && python3 run.py")[1] is False
    same = f"cd {skills.script.parent} && python3 {skills.script} {skills.script}"
    assert [skills.call(line=same)[1] for _ in range(2)] == [False, True]  # an argument is no script


def test_where_it_runs_is_part_of_the_call(skills: Skills) -> None:
    skills.declare("{ttl: 3600}")
    skills.script.write_text(f"{SCRIPT}\nprint(os.path.basename(os.getcwd()))\n")
    assert skills.call() == ("report on\nworkshop", False)
    assert skills.call(line=f"cd sub && {skills.line}") == ("report on\nsub", False)
    assert skills.call(line="cd ~/.claude/skills/report && python3 scripts/run.py") == ("report on\nreport", False)


def test_a_skill_behind_a_link_is_known_by_both_its_paths(skills: Skills, tmp_path: Path) -> None:
    real = tmp_path / "sources/skills/reports"
    skills.declare("{ttl: 3600}", real)
    skills.folder.parent.mkdir(parents=True)
    skills.folder.symlink_to(real)
    assert skills.call()[1] is False
    assert skills.call(line=f"python3 {real}/scripts/run.py")[1] is True
    elsewhere = tmp_path / "dotfiles"
    skills.folder.parent.rename(elsewhere)
    skills.folder.parent.symlink_to(elsewhere)
    real.rename(elsewhere / "report2")
    skills.folder.unlink()
    (elsewhere / "report2").rename(skills.folder)
    line = "cd ~/.claude/skills/report && python3 scripts/run.py"
    assert [skills.call(line=line)[1] for _ in range(2)] == [False, True]


@pytest.mark.table
@pytest.mark.parametrize(
    "prints",
    [
        "sys.argv[0]",
        "os.path.dirname(sys.argv[0])",
        "os.path.dirname(os.path.dirname(sys.argv[0]))",
        "sys.orig_argv[1]",
    ],
)
def test_what_names_the_script_as_it_was_spelled_is_given_to_that_spelling_alone(skills: Skills, prints: str) -> None:
    skills.declare("{ttl: 3600}", folder := skills.root / ".claude/skills/report")
    (folder / "scripts/run.py").write_text(f"{SCRIPT}\nprint({prints})\n")
    relative, dotted = (f"python3 {start}.claude/skills/report/scripts/run.py" for start in ("", "./"))
    absolute = f"python3 {folder}/scripts/run.py"
    for line in (relative, absolute, dotted, relative):
        (fresh, served), (again, twice) = skills.call(line=line), skills.call(line=line)
        assert (served, twice, again) == (False, True, fresh)
        assert skills.place.run(line).text.rstrip() == fresh


@pytest.mark.table
@pytest.mark.parametrize("line", ["python3 app.py", "python3 -c 1", "python3 sub/mod.py", "bash app.py", "node app.js"])
def test_what_is_surely_no_script_of_a_skill_starts_nothing_of_ours(skills: Skills, line: str) -> None:
    skills.declare("{ttl: 3600}")
    (skills.folder / "app.py").write_text("")
    skills.place.call(line, SANDBOX_RUNTIME="1")  # of which whatever answers keeps count
    assert skills.place.counted() == []
    skills.place.call("cd ~/.claude/skills/report && python3 -c 1", SANDBOX_RUNTIME="1")
    assert skills.place.counted() == []
    skills.place.call("cd ~/.claude/skills/report && python3 scripts/run.py", SANDBOX_RUNTIME="1")
    assert skills.place.counted() == ["sandboxed"]


@pytest.mark.table
@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("bun", "run"),
        ("bun", ""),
        ("deno", "run -A"),
        ("tsx", ""),
        ("npx", "tsx"),
        ("uv", "run --script"),
        ("uv", "run -s"),
        ("sh", "-eu"),
    ],
)
def test_other_interpreters_are_asked_too(skills: Skills, program: str, words: str) -> None:
    skills.declare("{ttl: 3600}")
    skills.script.write_text('echo run >>"$OBSERVER_COUNTER"; echo report "$@"\n')
    if program != "sh":
        tool = skills.place.base / "bin" / program
        tool.write_text(f'#!/bin/bash\nshift {len(words.split())}\nexec bash "$@"\n')
        tool.chmod(0o755)
    local = skills.folder / "node_modules/.bin/tsx"
    local.parent.mkdir(parents=True)
    local.write_text("")
    local.chmod(0o755)
    line = f"cd ~/.claude/skills/report && {program} {words} scripts/run.py 1"
    assert [skills.call(line=line) for _ in range(2)] == [("report 1", False), ("report 1", True)], (
        skills.place.counted()
    )


def test_what_is_looked_up_in_a_registry_runs(skills: Skills) -> None:
    skills.declare("{ttl: 3600}")
    tool = skills.place.base / "bin/uv"
    tool.write_text(f'#!/bin/sh\nshift 3\nexec {skills.place.python} "$@"\n')
    tool.chmod(0o755)
    for words in ("run --with pandas", "run --quiet --with=pandas"):
        assert skills.call(line=f"uv {words} ~/.claude/skills/report/scripts/run.py")[1] is False
        assert skills.last() == "outside"


@pytest.mark.table
@pytest.mark.parametrize(
    ("block", "served"),
    [
        ("dependencies = []", True),
        ('requires-python = ">=3.11"', True),
        ('dependencies = ["pandas"]', False),
        ('dependencies = [\n#   "pandas",\n# ]', False),
        ('a = """\n# ///\n# """\n# dependencies = ["pandas"]', False),
        ('dependencies = []\n# [tool.uv]\n# dev-dependencies = ["pandas"]', False),
    ],
)
def test_a_script_that_says_it_needs_no_package_looks_up_none(skills: Skills, block: str, *, served: bool) -> None:
    skills.declare("{ttl: 3600}")
    tool = skills.place.base / "bin/uv"
    tool.write_text(f'#!/bin/sh\nshift 2\nexec {skills.place.python} "$@"\n')
    tool.chmod(0o755)
    skills.script.write_text(f"# /// script\n# {block}\n# ///\n\n# Its dependencies: none.\n{SCRIPT}")
    line = "uv run --script ~/.claude/skills/report/scripts/run.py"
    assert [skills.call(line=line)[1] for _ in range(2)] == [False, served]
    assert served or skills.last() == "uncapturable"
