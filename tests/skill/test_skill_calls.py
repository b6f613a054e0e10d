"""What becomes of a line that runs a script of a skill, through the real hooks."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ready
from tests.skill.conftest import SCRIPT, Skills

ONCE, TWICE = ["no_entry", "stored", "replayed"], ["no_entry", "stored", "no_entry", "stored"]


def test_a_declared_skill_is_replayed_under_its_own_name(skills: Skills) -> None:
    skills.declare("{ttl: 3600}")
    (skills.root / "a.csv").write_text("1,2\n")
    first, second = skills.call("a.csv"), skills.call("a.csv")
    assert (first, second) == (("report on a.csv\n1,2", False), ("report on a.csv\n1,2", True))
    assert skills.place.counted() == ONCE
    stored = subprocess.run(
        [sys.executable, "-c", "import sqlite3,sys\nfor r in sqlite3.connect(sys.argv[1]).iterdump(): print(r)",
         str(skills.place.cache / "store.sqlite3")],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert "skill_cache:report:" in stored


def test_a_skill_that_says_nothing_runs(skills: Skills) -> None:
    skills.declare(None)
    assert [skills.call()[1] for _ in range(2)] == [False, False]
    assert skills.place.counted() == []


LINES = (
    "python3 {home}/.claude/skills/report/scripts/run.py",
    "python3 -u '{home}/.claude/skills/report/scripts/run.py'",
    "timeout 60 python3 ~/.claude/skills/report/scripts/run.py",
    "A=1 python3 ~/.claude/skills/report/scripts/run.py",
    "cd sub && python3 ~/.claude/skills/report/scripts/run.py",
    "python3 ~/.claude/skills/report/scripts/run.py 2>&1 | head -5",
    "cat app.py | python3 ~/.claude/skills/report/scripts/run.py - | tail -1",
    "~/.claude/skills/report/scripts/run.py",
)


def test_it_is_found_behind_every_form_of_line(skills: Skills) -> None:
    skills.declare("{ttl: 3600, env: [MODE]}")
    skills.script.write_text(f"#!/usr/bin/env python3\n{SCRIPT}")
    skills.script.chmod(0o755)
    for number, form in enumerate(LINES):
        skills.environ["MODE"] = str(number)  # so that no line has the result of another
        line = form.replace("{home}", str(skills.home))
        (text, fresh), (again, served) = skills.call(line=line), skills.call(line=line)
        assert (fresh, served, again) == (False, True, text), line


def test_a_project_s_skill_is_found_from_where_the_line_runs(skills: Skills) -> None:
    folder = skills.root / ".claude/skills/report"
    skills.declare("{ttl: 3600}", folder)
    for line in (
        "python3 .claude/skills/report/scripts/run.py",
        "cd sub && python3 ../.claude/skills/report/scripts/run.py",
    ):
        assert [skills.call(line=line)[1] for _ in range(2)] == [False, True]


def test_a_plugin_s_skill_bears_the_plugin_s_name(skills: Skills) -> None:
    plugin = skills.home / ".claude/plugins/cache/market/docs/1.0"
    skills.declare("{ttl: 3600}", plugin / "skills/report")
    (plugin / ".claude-plugin").mkdir()
    (plugin / ".claude-plugin/plugin.json").write_text('{"name": "docs"}')
    line = f"python3 {plugin}/skills/report/scripts/run.py"
    assert [skills.call(line=line)[1] for _ in range(2)] == [False, True]
    skills.place.settings('[[rules]]\nmatch = "Skill(docs:report)"\nenabled = false\n')
    assert skills.call(line=line)[1] is False


def test_a_script_whose_dependencies_uv_looks_up_is_not_stored_without_a_lock(skills: Skills) -> None:
    skills.declare("{ttl: 3600}")
    skills.script.write_text(f'# /// script\n# dependencies = ["requests"]\n# ///\n{SCRIPT}')
    uv = Path(skills.place.base, "bin/uv")
    python = shutil.which("python3")
    uv.write_text(f'#!/bin/sh\nshift; exec {python} "$@"\n')  # by its path, as uv starts that of its environment
    uv.chmod(0o755)
    line = skills.line.replace("python3", "uv run")
    skills.call(line=line)
    assert skills.last() == "uncapturable"
    Path(f"{skills.script}.lock").write_text("version = 1\n")
    assert [skills.call(line=line)[1] for _ in range(2)] == [False, True]


# What a result depends on.


def test_any_edit_of_the_skill_makes_what_is_stored_out_of_date(skills: Skills) -> None:
    skills.declare("{ttl: 3600}")
    assert skills.is_new()
    for edited in ("SKILL.md", "scripts/run.py", "data/new.json", "scripts/.hidden"):
        path = skills.folder / edited
        path.parent.mkdir(exist_ok=True)
        with path.open("a") as file:
            file.write("\n# edited\n")
        assert skills.is_new(), edited
    assert [skills.call()[1] for _ in range(2)] == [False, True]
    skills.script.write_text(f"{SCRIPT}\n")
    assert skills.call()[1] is False


def test_a_mode_a_name_and_a_link_in_the_skill_count_and_caches_do_not(skills: Skills) -> None:
    skills.declare("{ttl: 3600}")
    (skills.folder / "more.txt").write_text("x")
    beyond = skills.home / "shared.txt"
    beyond.write_text("one")
    (skills.folder / "link").symlink_to(beyond)
    assert skills.is_new()
    (skills.folder / "scripts/__pycache__").mkdir()
    (skills.folder / "scripts/__pycache__/run.cpython-311.pyc").write_bytes(b"x")
    assert not skills.is_new()
    for change in (
        lambda: (skills.folder / "more.txt").chmod(0o755),
        lambda: (skills.folder / "more.txt").rename(skills.folder / "other.txt"),
        lambda: beyond.write_text("two"),
    ):
        change()
        assert skills.is_new()


def test_the_content_of_an_argument_that_names_a_file_counts(skills: Skills) -> None:
    skills.declare("{ttl: 3600}")
    for form in ("a.csv", "--in=a.csv", "--in a.csv", "-ia.csv", "x:a.csv", f"{skills.root}/a.csv"):
        (skills.root / "a.csv").write_text("1\n")
        assert skills.is_new(form), form
        (skills.root / "a.csv").write_text("2\n")
        assert skills.is_new(form), form


def test_what_a_pattern_among_the_arguments_names_counts(skills: Skills) -> None:
    skills.declare("{ttl: 3600}")
    (skills.root / "data").mkdir()
    for form in ("'data/*.csv'", "--in='data/*.csv'", "'data/**'", "'da?a/a.csv'", "'{root}/data/*.csv'"):
        arguments = form.replace("{root}", str(skills.root))
        keys = []
        for text in (f"{form}\n", "another\n"):
            (skills.root / "data/a.csv").write_text(text)
            keys.append(skills.key(arguments))
        assert keys[0] != keys[1], form
        (skills.root / "app.py").write_text(f"changed for {form}\n")
        assert skills.key(arguments) == keys[1], form
        (skills.root / "data/b.csv").write_text("new\n")
        assert (skills.key(arguments) == keys[1]) is ("da?a" in form), form
        (skills.root / "data/b.csv").unlink()
    assert [skills.call("'data/*.csv'")[1] for _ in range(2)] == [False, True]
    (skills.root / "data/b.csv").write_text("new\n")
    assert skills.call("'data/*.csv'")[1] is False


def test_a_pattern_that_may_name_what_is_not_captured_keeps_the_line_out(skills: Skills) -> None:
    skills.declare("{ttl: 3600}")
    for path in (skills.root / "data/a.csv", skills.home / "lists/a.txt"):
        path.parent.mkdir()
        path.write_text("1\n")
    for form in ("'{home}/lists/*.txt'", "'../*/a.txt'", "'data/[ab].csv'", "'[ab]pp.py'"):
        assert [skills.call(form.replace("{home}", str(skills.home)))[1] for _ in range(2)] == [False, False], form
        assert skills.last() == "uncapturable", form


def test_a_word_that_names_no_file_though_it_looks_like_a_pattern_is_a_word(skills: Skills) -> None:
    skills.declare("{ttl: 3600}")
    for word in ("'a.*b[0-9]+'", "'SELECT * FROM t'", "'s/a.*/b/'", "--title='What? No*'", "'[a-z]+'"):
        assert skills.is_new(word), word


def test_a_folder_that_is_given_counts_whole_and_the_rest_of_the_worktree_does_not(skills: Skills) -> None:
    skills.declare("{ttl: 3600}")
    assert skills.is_new("sub")
    (skills.root / "app.py").write_text("changed\n")
    (skills.root / "new.txt").write_text("new\n")
    assert not skills.is_new("sub")
    (skills.root / "sub/new.txt").write_text("new\n")
    assert skills.is_new("sub")
    (skills.root / "sub/mod.py").unlink()
    assert skills.is_new("sub")


def test_files_beyond_the_worktree_that_are_given_count(skills: Skills) -> None:
    skills.declare("{ttl: 3600}")
    beyond = skills.home / "data.csv"
    beyond.write_text("1\n")
    assert [skills.call("~/data.csv")[1] for _ in range(2)] == [False, True]
    beyond.write_text("2\n")
    assert skills.call("~/data.csv") == ("report on data.csv\n2", False)


DEPENDS = {
    "data/**": "data/deep/in.txt",
    "logs/*.log": "logs/a.log",
    "temporary": "temporary/x.tmp",
    "**/*.toml": "sub/a.toml",
    "settings.ini": "settings.ini",
    "~/.config/report/*.toml": "{home}/.config/report/a.toml",
    "~/report.toml": "{home}/report.toml",
    "{home}/lists/**": "{home}/lists/deep/a.txt",
}


@pytest.mark.parametrize("ignored", [False, True])
def test_what_is_declared_to_be_depended_on_counts(skills: Skills, *, ignored: bool) -> None:
    home = str(skills.home)
    globs = ", ".join(f'"{glob.replace("{home}", home)}"' for glob in DEPENDS)
    skills.declare(f"{{ttl: 3600, depends: [{globs}]}}")
    if ignored:
        (skills.root / ".gitignore").write_text("data/\ntemporary/\n*.ini\n*.toml\n*.log\n")
    targets = [skills.root / path.replace("{home}", home) for path in DEPENDS.values()]
    known_by_each(skills, targets)
    first = skills.key()
    (skills.root / "notes.txt").write_text("no part of it")
    assert skills.key() == first
    assert [skills.call()[1] for _ in range(2)] == [False, True]
    targets[0].write_text("one")
    assert skills.call()[1] is False


def known_by_each(skills: Skills, targets: list[Path], line: str | None = None) -> None:
    """Each of the files is known by the key, and by what it holds; without them it is as before."""
    for target in targets:
        target.parent.mkdir(parents=True, exist_ok=True)
    seen = [skills.key(line=line)]
    for target in targets:
        for content in ("one", "two"):
            target.write_text(content)
            seen.append(skills.key(line=line))
            assert seen[-1] not in seen[:-1], (target, content)
    for target in targets:
        target.unlink()
    assert skills.key(line=line) == seen[0]


def test_declared_variables_and_the_version_count(skills: Skills) -> None:
    skills.declare("{ttl: 3600, env: [REPORT_STYLE], version: 1}")
    assert skills.is_new()
    for value in ("wide", ""):
        skills.environ["REPORT_STYLE"] = value
        assert skills.is_new()
    skills.environ["ANOTHER"] = "x"
    assert not skills.is_new()
    skills.place.settings('[[rules]]\nmatch = "Skill(report)"\nversion = "2"\n')
    assert skills.is_new()


def test_where_arguments_are_files_one_that_is_missing_keeps_the_line_out(skills: Skills) -> None:
    skills.declare("{ttl: 3600, args_are_files: true, outputs: [out.txt]}")
    (skills.root / "a.csv").write_text("1\n")
    skills.call("--quick missing.csv a.csv")
    assert skills.last() == "uncapturable"
    skills.writes(out_txt="x")
    assert [skills.call("--quick a.csv out.txt")[1] for _ in range(2)] == [False, True]


def test_a_person_s_rule_names_a_skill_that_says_nothing_and_then_the_whole_worktree_counts(skills: Skills) -> None:
    skills.declare(None)
    skills.place.settings('[[rules]]\nmatch = "Skill(report)"\nttl = 600\n')
    assert [skills.call()[1] for _ in range(2)] == [False, True]
    (skills.root / "app.py").write_text("changed\n")
    assert [skills.call()[1] for _ in range(2)] == [False, True]
    skills.place.settings('[[rules]]\nmatch = "Skill(report)"\ndepends = ["sub/**", "~/x.toml"]\n')
    skills.call()
    (skills.root / "app.py").write_text("changed again\n")
    assert skills.call()[1] is True
    (skills.home / "x.toml").write_text("x")
    assert skills.call()[1] is False
    skills.place.settings('[[rules]]\nmatch = "Skill(report)"\nenabled = false\n')
    assert skills.call()[1] is False


MISUNDERSTOOD = (
    ("metadata:\n  skillcache: {ttl: soon}", "ttl"),
    ("metadata:\n  skillcache: {ttl: 0}", "ttl"),
    ("metadata:\n  skillcache: {every: 60}", "every"),
    ("metadata:\n  skillcache: yes", "line 5"),
    ("metadata:\n  skillcache: {outputs: [../x]}", "../x"),
    ("metadata:\n  skillcache: {outputs: [/x]}", "/x"),
    ("metadata:\n  skillcache: {outputs: [.git/hooks/x]}", ".git"),
    ('metadata:\n  skillcache: {depends: ["{a,b}"]}', "{a,b}"),
    ("metadata:\n  skillcache: {depends: [.git/HEAD]}", "git"),
    ("metadata:\n  skillcache: {env: [A=1]}", "A=1"),
    ("metadata:\n  skillcache: *other", "line 5"),
)


def test_a_declaration_that_is_not_understood_keeps_the_skill_out_and_explain_says_where(skills: Skills) -> None:
    skills.declare(None)
    path = skills.folder / "SKILL.md"
    for frontmatter, says in MISUNDERSTOOD:
        path.write_text(f"---\nname: report\ndescription: x\n{frontmatter}\n---\n")
        counted = len(skills.place.counted())
        skills.call()
        assert skills.place.counted()[counted:] == ["uncapturable"], frontmatter
        status, told, _ = ready.skillcache("explain", skills.line, folder=skills.root, environ=skills.environ)
        assert status == 0, frontmatter
        assert "uncapturable" in told, frontmatter
        assert str(path) in told, frontmatter
        assert says in told.partition(str(path))[2], frontmatter


def test_two_homes_share_and_an_output_that_names_the_skill_s_place_stays(skills: Skills, tmp_path: Path) -> None:
    skills.declare("{ttl: 3600}")
    skills.call("a")
    other = tmp_path / "other"
    shutil.copytree(skills.home, other)
    (skills.folder / "where.txt").write_text(f"{skills.home}/.config\n")
    (other / ".claude/skills/report/where.txt").write_text(f"{skills.home}/.config\n")
    skills.environ["SKILL_PRINTS"] = "~/.claude/skills/report/where.txt"
    skills.call("b")
    skills.environ["HOME"] = str(other)
    assert skills.call("b")[1] is False
    assert "elsewhere" in skills.place.counted()
    shutil.rmtree(skills.folder)
    (other / ".claude/skills/report/where.txt").unlink()
    assert skills.call("a")[1] is True


@pytest.mark.table
@pytest.mark.parametrize(
    ("setting", "seconds", "stored"),
    [("", 0.15, True), ("min_duration_declared = 5", 0.15, False), ("min_duration = 0", 0, True)],
)
def test_what_is_declared_is_worth_storing_from_a_tenth_of_a_second(
    skills: Skills, setting: str, seconds: float, *, stored: bool
) -> None:
    del skills.environ["SKILLCACHE_MIN_DURATION"]
    skills.declare("{ttl: 3600}")
    skills.script.write_text(f"import time\ntime.sleep({seconds})\nprint(1)\n")
    own = skills.place.base / "bin/own"
    own.write_text(f"#!/bin/sh\nsleep {seconds}\n")
    own.chmod(0o755)
    skills.place.settings(f'{setting}\n[[rules]]\nmatch = "Bash(own:*)"\n')
    for line in (skills.line, "own"):
        served = [skills.place.call(line)[1] for _ in range(2)]
        assert served == [False, stored]
    if not stored:
        assert skills.place.counted() == ["no_entry", "not_worth", "too_fast"] * 2


def test_a_rule_takes_the_skill_s_name_and_its_folder_s(skills: Skills) -> None:
    skills.declare(None, name="monthly-report")
    for name in ("monthly-report", "report"):
        skills.place.settings(f'[[rules]]\nmatch = "Skill({name})"\nttl = 600\nversion = "{name}"\n')
        assert [skills.call()[1] for _ in range(2)] == [False, True]
    skills.place.settings('[[rules]]\nmatch = "Skill(other)"\nttl = 600\n')
    assert skills.call()[1] is False


OF_OTHERS = (
    "metadata: *other",
    "? x\n: y",
    "description: 'never closed",
    "name: 2024-01-01",
    "metadata:\n  date: 2024-01-01\n  version: 4.x\n  hooks:\n    - matcher: Bash\n      command: |\n        x",
)


def test_a_rule_needs_nothing_else_of_a_skill_that_says_nothing(skills: Skills) -> None:
    skills.declare(None)
    for frontmatter in OF_OTHERS:
        skills.place.settings("")
        counted = len(skills.place.counted())
        (skills.folder / "SKILL.md").write_text(
            f"---\nname: report\n{frontmatter}\n---\n".replace("name: report\nname", "name")
        )
        assert skills.call()[1] is False
        assert len(skills.place.counted()) == counted, frontmatter
        skills.place.settings('[[rules]]\nmatch = "Skill(report)"\nttl = 600\n')
        assert [skills.call()[1] for _ in range(2)] == [False, True], frontmatter


def test_a_skill_is_read_among_whatever_else_people_write_there(skills: Skills) -> None:
    skills.declare(None)
    (skills.folder / "SKILL.md").write_text(
        """---
name: "report"
description: "Reports,
  over two lines: with a colon."
allowed-tools: Bash(git:*), Read
metadata:
  "author": somebody\tof whom nothing is known
  version: 4.x
  date: 2024-01-01
  none: null
  changes:
    - version: 3.x
      text: >-
        folded
        skillcache: {ttl: 9}
  skillcache:
    ttl: 60
    args_are_files: true
---
"""
    )
    assert [skills.call("app.py")[1] for _ in range(2)] == [False, True]


@pytest.mark.table
@pytest.mark.parametrize("kind", ["home", "project", "plugin"])
def test_what_a_skill_shares_counts(skills: Skills, kind: str) -> None:
    base = {
        "home": skills.home / ".claude",
        "project": skills.root / ".claude",
        "plugin": skills.home / ".claude/plugins/cache/market/docs/1.0",
    }[kind]
    folder = base / "skills/report"
    skills.declare("{ttl: 3600}", folder)
    shared = base / ("lib" if kind == "plugin" else "skills/shared")
    shared.mkdir()
    if kind == "plugin":
        (base / ".claude-plugin").mkdir()
        (base / ".claude-plugin/plugin.json").write_text('{"name": "docs"}')
    (folder / "scripts/run.py").write_text(
        f"{SCRIPT}\nsys.path.insert(0, {str(shared)!r})\nimport common\nprint(common.WORD)\n"
    )
    line = f"python3 {folder}/scripts/run.py"
    for word in ("one", "three"):
        (shared / "common.py").write_text(f"WORD = {word!r}\n")
        assert [skills.call(line=line) for _ in range(2)] == [(f"report on\n{word}", at == 1) for at in range(2)]
    assert (shared / "__pycache__").is_dir()  # which may be made
    assert skills.is_new(line=line)
    (shared / "more.py").write_text("")
    assert skills.is_new(line=line)
    (shared / "more.py").unlink()
    assert not skills.is_new(line=line)
    other = base / "skills/other"
    skills.declare("{ttl: 3600}", other, name="other")
    assert skills.call(line=line)[1] is (kind != "plugin")  # another skill is none of this one's affair


def test_a_script_that_writes_into_what_it_shares_is_not_stored(skills: Skills) -> None:
    skills.declare("{ttl: 3600}")
    shared = skills.folder.parent / "shared"
    shared.mkdir()
    skills.environ["SKILL_WRITES"] = f"{shared}/state.json=x"
    for _ in range(2):
        assert skills.call()[1] is False
        assert skills.last() in ("undeclared", "changed_inputs")


@pytest.mark.table
@pytest.mark.parametrize("status", [0, 3, 137])
@pytest.mark.parametrize(
    "declared", ["{ttl: 3600, failures: true, outputs: [out.txt]}", "{ttl: 3600, outputs: [out.txt]}"]
)
def test_a_status_that_is_declared_to_be_a_report_is_replayed_as_often_as_it_is_asked_for(
    skills: Skills, declared: str, status: int
) -> None:
    skills.declare(declared)
    skills.script.write_text(f"{SCRIPT}\nopen('out.txt', 'w').write('x')\nsys.exit({status})\n")
    told = []
    for _ in range(3):
        (skills.root / "out.txt").unlink(missing_ok=True)
        ran, served = skills.place.call(f"{skills.line} app.py")
        assert (ran.status, ran.text) == (status, "report on app.py\none\n")
        assert (skills.root / "out.txt").read_text() == "x"
        told.append(served)
    assert told == [False, *([status == 0 or (status < 126 and "failures" in declared)] * 2)]
    (skills.root / "app.py").write_text("fixed\n")
    assert skills.place.call(f"{skills.line} app.py")[1] is False


PLUGIN = ".claude/plugins/cache/market/docs/1.0"
FROM_THE_SKILL = {
    # glob: a file that it names, from the folder two above the skill's
    "../other/lib/*.py": "skills/other/lib/a.py",
    "../../lib/x.py": "lib/x.py",
    "../../tables/**": "tables/deep/a.csv",
    "${CLAUDE_SKILL_DIR}/../../one.md": "one.md",
    "${CLAUDE_SKILL_DIR}/lib/x.py": "skills/report/lib/x.py",
    "${CLAUDE_PLUGIN_ROOT}/two/*.md": "two/a.md",
    "lib/y.py": "skills/report/lib/y.py",  # which counts as all of the skill does, and the worktree's as well
}


@pytest.mark.table
@pytest.mark.parametrize("kind", ["home", "project", "plugin"])
def test_what_is_named_from_the_skill_s_folder_counts(skills: Skills, kind: str) -> None:
    base = {"home": skills.home / ".claude", "project": skills.root / ".claude", "plugin": skills.home / PLUGIN}[kind]
    globs = {glob: path for glob, path in FROM_THE_SKILL.items() if kind == "plugin" or "PLUGIN" not in glob}
    named = ", ".join(f'"{glob}"' for glob in globs)
    skills.declare(f"{{ttl: 3600, depends: [{named}]}}", base / "skills/report")
    skills.declare(None, base / "skills/other", name="other")
    if kind == "plugin":
        (base / ".claude-plugin").mkdir()
        (base / ".claude-plugin/plugin.json").write_text('{"name": "docs"}')
    line = f"python3 {base}/skills/report/scripts/run.py"
    targets = [base / path for path in globs.values()] + [skills.root / "lib/y.py"]
    known_by_each(skills, targets, line)
    assert skills.is_new(line=line), skills.place.counted()


def test_a_plugin_s_file_is_the_same_in_every_version(skills: Skills) -> None:
    plugin = skills.home / PLUGIN
    skills.declare('{ttl: 3600, depends: ["${CLAUDE_PLUGIN_ROOT}/lib/*.py", ../../x.md]}', plugin / "skills/report")
    (plugin / ".claude-plugin").mkdir()
    (plugin / ".claude-plugin/plugin.json").write_text('{"name": "docs"}')
    (plugin / "lib").mkdir()
    for name in ("lib/a.py", "x.md"):
        (plugin / name).write_text("one")
    assert skills.call(line=f"python3 {plugin}/skills/report/scripts/run.py")[1] is False
    shutil.copytree(plugin, plugin.parent / "1.1")
    assert skills.call(line=f"python3 {plugin.parent}/1.1/skills/report/scripts/run.py")[1] is True
    (plugin.parent / "1.1/lib/a.py").write_text("two")
    assert skills.call(line=f"python3 {plugin.parent}/1.1/skills/report/scripts/run.py")[1] is False


def test_a_skill_behind_a_link_counts_what_lies_beside_both_its_paths(skills: Skills, tmp_path: Path) -> None:
    real = tmp_path / "sources/skills/report"
    skills.declare("{ttl: 3600, depends: [../../x.md]}", real)
    skills.folder.parent.mkdir(parents=True)
    skills.folder.symlink_to(real)
    for folder in (tmp_path / "sources", skills.home / ".claude"):
        (folder / "x.md").write_text("one")
        assert [skills.call()[1] for _ in range(2)] == [False, True]


def test_what_is_named_from_nowhere_keeps_the_skill_out(skills: Skills) -> None:
    for glob in ("${CLAUDE_PLUGIN_ROOT}/x", "${HOME}/x", "../x/../y", "..", "../", "../.git/x", "a/../x"):
        skills.declare(f'{{ttl: 3600, depends: ["{glob}"]}}')
        counted = len(skills.place.counted())
        assert skills.call()[1] is False, glob
        assert skills.place.counted()[counted:] == ["uncapturable"], glob
