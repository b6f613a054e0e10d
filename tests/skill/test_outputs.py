"""The files that a skill's script writes: kept with its result, put back on a hit, and nothing else ever written."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import strategies as st

from skillcache.cache.skills.outputs import collect, restore, written
from skillcache.core.outcomes import OUTSIDE, UNCAPTURABLE, Bypass
from skillcache.stores.entry import File
from tests.events.test_forged_entries import forge
from tests.skill.conftest import SCRIPT, Skills


def test_a_hit_puts_back_what_the_run_wrote_with_bytes_and_mode(skills: Skills) -> None:
    skills.declare('{ttl: 3600, outputs: [report.pdf, "out/*.csv"]}')
    skills.writes(report_pdf="binary \x7f\x01", out__a_csv="1,2", out__b_csv="é 'quoted' $HOME")
    first, _ = skills.call()
    written = {name: (skills.root / name).read_bytes() for name in ("report.pdf", "out/a.csv", "out/b.csv")}
    (skills.root / "report.pdf").unlink()
    (skills.root / "out/b.csv").unlink()
    assert skills.call() == (first, True)
    assert {name: (skills.root / name).read_bytes() for name in written} == written
    assert stat.S_IMODE((skills.root / "out/b.csv").stat().st_mode) == 0o644
    subprocess.run(["rm", "-r", str(skills.root / "out")], check=True)
    assert skills.call() == (first, True)
    assert (skills.root / "out/b.csv").read_bytes() == written["out/b.csv"]
    assert [name for name in os.listdir(skills.root / "out") if name.startswith(".")] == []


@pytest.mark.parametrize("change", ["text", "mode"])
def test_a_file_that_was_edited_since_is_not_written_over_but_by_a_run(skills: Skills, change: str) -> None:
    skills.declare('{ttl: 3600, outputs: ["out/*.csv"]}')
    skills.writes(out__a_csv="1", out__b_csv="2")
    skills.call()
    path = skills.root / "out/a.csv"
    if change == "text":
        path.write_text("edited by hand")
    else:
        path.chmod(0o600)
    assert skills.call()[1] is False
    assert skills.place.counted()[-2:] == ["unfit", "stored"]
    assert (path.read_text(), skills.call()[1]) == ("1\n", True)


@pytest.mark.table
@pytest.mark.parametrize(
    "declared",
    [
        '{ttl: 3600, outputs: ["*.txt"]}',
        '{ttl: 3600, outputs: ["*.txt"], depends: ["*.txt"]}',
        "{ttl: 3600, outputs: [a.txt], args_are_files: true}",
    ],
)
def test_a_script_that_changes_a_file_in_place_never_puts_back_an_old_one(skills: Skills, declared: str) -> None:
    skills.declare(declared)
    skills.script.write_text(
        "import sys\ntext = open(sys.argv[1]).read()\nopen(sys.argv[1], 'w').write(text.upper())\n"
    )
    path = skills.root / "a.txt"
    for text in ("one", "two", "one"):
        path.write_text(text)
        for _ in range(2):
            skills.place.call(f"{skills.line} a.txt")
            assert path.read_text() == text.upper()


def test_a_file_that_stands_as_it_was_left_becomes_new_and_stays_the_same_file(skills: Skills) -> None:
    skills.declare("{ttl: 3600, outputs: [out.csv]}")
    skills.writes(out_csv="1")
    skills.call()
    path = skills.root / "out.csv"
    os.utime(path, (1, 1))
    before = path.stat().st_ino
    assert skills.call()[1] is True
    assert (path.stat().st_ino, path.stat().st_mtime > 1) == (before, True)


UNDECLARED = (
    "new.txt=x",
    "app.py=changed",
    "sub/mod.py=-",
    "untracked.txt=-",
    "sub/deep/new.txt=x",
    "build/gen.py=x",
    ".env=x",
)


def test_a_script_that_writes_anything_else_is_not_stored(skills: Skills) -> None:
    skills.declare("{ttl: 3600, outputs: [out/*.csv]}")
    for what in UNDECLARED:
        (skills.root / "untracked.txt").write_text("x")
        (skills.root / "sub/mod.py").write_text("one\n")
        skills.environ["SKILL_WRITES"] = f"{what};out/a.csv=1"
        assert skills.call()[1] is False, what
        assert skills.last() == "undeclared", skills.place.counted()


BYTES = (
    "n.html=x",  # beside its input
    "run.log=x",
    ".claude/report.md=x",
    ".claude/settings.local.json=x",
    "sub/__pycache__/x.pyc=x",
    ".pytest_cache/x=x",
    "htmlcov/index.html=x",
    "sub/empty/deep/x=x;sub/empty/deep/x=-",
)


def test_a_file_that_was_written_counts_whatever_its_bytes(skills: Skills) -> None:
    skills.declare("{ttl: 3600}")
    (skills.root / ".gitignore").write_text("*.log\nhtmlcov/\n")
    for what in BYTES:
        skills.environ["SKILL_WRITES"] = what
        for _ in range(2):  # of which the second writes the same bytes over
            assert skills.call("app.py")[1] is False, what
            assert skills.last() == "undeclared", what
            shutil.rmtree(skills.root / "sub/empty", ignore_errors=True)


def test_so_does_a_package_that_was_installed(skills: Skills) -> None:
    skills.declare("{ttl: 3600}")
    (skills.root / "node_modules/one").mkdir(parents=True)
    (skills.root / ".gitignore").write_text("node_modules/\n")
    skills.environ["SKILL_WRITES"] = "node_modules/more/x.js=x"
    assert skills.call()[1] is False
    assert skills.last() == "undeclared"


@pytest.mark.table
@pytest.mark.parametrize(
    "git", ["add -A", "commit -qm x", "tag x", "checkout -qb x", "update-index --assume-unchanged app.py"]
)
def test_so_does_what_git_itself_tells(skills: Skills, git: str) -> None:
    skills.declare("{ttl: 3600}")
    (skills.root / "new.txt").write_text("x\n")
    skills.place.git("add", "new.txt") if "commit" in git else None
    command = f"git {git}"
    skills.script.write_text(f"{SCRIPT}\nimport subprocess\nsubprocess.run({command!r}, shell=True, check=True)\n")
    assert skills.call()[1] is False
    assert skills.last() == "undeclared"


def test_so_does_a_committed_package_and_a_repository_within(skills: Skills) -> None:
    skills.declare("{ttl: 3600}")
    for path in ("node_modules/one/lib/x.js", "nested/x.py"):
        (skills.root / path).parent.mkdir(parents=True)
        (skills.root / path).write_text("one\n")
    skills.place.git("add", "-f", "node_modules")
    skills.place.git("init", "-q", "nested")
    for path in ("node_modules/one/lib/x.js", "nested/x.py"):
        skills.environ["SKILL_WRITES"] = f"{path}=x"
        assert skills.call(path[:3])[1] is False
        assert skills.last() == "undeclared"


@pytest.mark.table
@pytest.mark.parametrize("arguments", ["{base}/given/a.csv", "{base}/given", "--in={base}/given/a.csv"])
@pytest.mark.parametrize("line", ["{line}", "cd ~/.claude/skills/report && python3 scripts/run.py"])
def test_so_does_one_beside_what_it_was_given_elsewhere(skills: Skills, arguments: str, line: str) -> None:
    skills.declare("{ttl: 3600}")
    given = skills.place.base / "given"
    given.mkdir()
    (given / "a.csv").write_text("1\n")
    line, arguments = line.format(line=skills.line), arguments.format(base=skills.place.base)
    assert [skills.call(arguments, line=line)[1] for _ in range(2)] == [False, True]
    skills.environ["SKILL_WRITES"] = f"{given}/a.html=x"
    (given / "a.csv").write_text("2\n")
    for _ in range(2):
        assert skills.call(arguments, line=line)[1] is False
        assert skills.last() == "undeclared"


def test_what_is_written_in_the_project_and_the_skill_counts_from_the_skill_s_folder(skills: Skills) -> None:
    skills.declare("{ttl: 3600}")
    line = "cd ~/.claude/skills/report && python3 scripts/run.py"
    for what in (f"{skills.root}/sub/a.html=x", "state.json=x", f"{skills.root}/run.log=x"):
        skills.environ["SKILL_WRITES"] = what
        for _ in range(2):
            assert skills.call(line=line)[1] is False
            assert skills.last() == "undeclared"


def test_what_python_keeps_of_the_skill_s_own_modules_may_be_made(skills: Skills) -> None:
    for folder in (skills.folder, skills.root / ".claude/skills/report"):
        skills.declare("{ttl: 3600}", folder)
        (folder / "scripts/helper.py").write_text(f"# {folder}\n")
        (folder / "scripts/run.py").write_text(f"{SCRIPT}\nimport helper\n")
        assert [skills.call(line=f"python3 {folder}/scripts/run.py")[1] for _ in range(2)] == [False, True]
        assert (folder / "scripts/__pycache__").is_dir()


def test_so_it_is_outside_git(skills: Skills) -> None:
    skills.declare("{ttl: 3600, outputs: [out.csv]}")
    subprocess.run(["rm", "-r", str(skills.root / ".git")], check=True)
    skills.writes(out_csv="1")
    assert [skills.call()[1] for _ in range(2)] == [False, True]
    skills.writes(out_csv="1", more_txt="x")
    skills.place.settings("")
    assert skills.place.call(f"{skills.line} # fresh")[1] is False
    assert skills.last() == "undeclared"


def test_a_script_that_commits_is_not_stored(skills: Skills) -> None:
    skills.declare("{ttl: 3600}")
    skills.script.write_text("import subprocess\nsubprocess.run('git commit -q --allow-empty -m x', shell=True)\n")
    skills.place.call(skills.line)
    assert skills.last() == "undeclared"


def test_an_output_that_counts_for_another_rule_is_left_out_of_the_content(skills: Skills) -> None:
    skills.declare(None)
    skills.place.settings('[[rules]]\nmatch = "Skill(report)"\nttl = 600\noutputs = ["out.csv", "app.py"]\n')
    skills.writes(out_csv="1", app_py="two")
    assert [skills.call()[1] for _ in range(2)] == [False, True]
    (skills.root / "notes.txt").write_text("changed\n")
    assert [skills.call()[1] for _ in range(2)] == [False, True]


def test_runs_on_other_inputs_keep_their_own_files(skills: Skills) -> None:
    skills.declare('{ttl: 3600, outputs: ["out/*.csv"]}')
    skills.environ["SKILL_WRITES"] = "out/a.csv=of a"
    skills.call("a")
    skills.environ["SKILL_WRITES"] = "out/b.csv=of b"
    skills.call("b")
    (skills.root / "out/b.csv").unlink()
    assert skills.call("b")[1] is True
    assert (skills.root / "out/a.csv").read_text() == "of a\n"
    assert (skills.root / "out/b.csv").read_text() == "of b\n"
    (skills.root / "out/a.csv").write_text("edited since")  # which the script may read
    assert [skills.call("b")[1] for _ in range(2)] == [False, True]
    assert (skills.root / "out/a.csv").read_text() == "edited since"


def test_outputs_are_counted_from_the_directory_of_the_script(skills: Skills) -> None:
    skills.declare('{ttl: 3600, outputs: ["*.csv"]}')
    skills.writes(a_csv="1")
    line = f"cd sub && {skills.line}"
    assert [skills.call(line=line)[1] for _ in range(2)] == [False, True]
    (skills.root / "sub/a.csv").unlink()
    skills.call(line=line)
    assert (skills.root / "sub/a.csv").exists()
    assert not (skills.root / "a.csv").exists()
    skills.writes(deep__a_csv="1")
    skills.place.call(f"{line} x")
    assert skills.last() == "undeclared"


def test_a_folder_that_is_given_and_holds_the_outputs_counts_without_them(skills: Skills) -> None:
    skills.declare('{ttl: 3600, outputs: ["sub/out.csv", "made/out.csv"]}')
    skills.writes(sub__out_csv="1", made__out_csv="2")
    assert [skills.call("sub made")[1] for _ in range(3)] == [False, True, True]
    (skills.root / "sub/mod.py").write_text("changed\n")
    assert skills.call("sub made")[1] is False


def test_a_named_output_that_a_run_leaves_as_it_was_is_not_stored(skills: Skills) -> None:
    skills.declare("{ttl: 3600, outputs: [report.pdf]}")
    (skills.root / "report.pdf").write_text("from before")
    skills.call()
    assert skills.last() == "undeclared"


def test_a_run_that_removes_an_output_is_not_stored(skills: Skills) -> None:
    skills.declare('{ttl: 3600, outputs: ["*.pdf"]}')
    (skills.root / "old.pdf").write_text("from before")
    skills.environ["SKILL_WRITES"] = "new.pdf=x;old.pdf=-"
    skills.call()
    assert skills.last() == "undeclared"


def test_outputs_over_the_cap_that_are_links_or_that_carry_a_credential_are_not_stored(skills: Skills) -> None:
    skills.declare('{ttl: 3600, outputs: ["*.txt"]}')
    skills.environ["SKILLCACHE_MAX_OUTPUT"] = "1000"
    skills.writes(a_txt="x" * 600, b_txt="x" * 600)
    skills.call()
    assert skills.last() == "too_big"
    skills.writes(a_txt="token: ghp_" + "a1B2c3D4e5F6" * 3)
    skills.call()
    assert skills.last() == "secret"
    skills.script.write_text("import os\nos.path.lexists('l.txt') or os.symlink('app.py', 'l.txt')\n")
    skills.place.call(skills.line)
    assert skills.last() == "uncapturable"


def test_an_output_folder_that_leads_elsewhere_is_refused_before_and_at_a_hit(skills: Skills, tmp_path: Path) -> None:
    skills.declare('{ttl: 3600, outputs: ["out/a.csv"]}')
    skills.writes(out__a_csv="1")
    skills.call()
    elsewhere = tmp_path / "precious"
    elsewhere.mkdir()
    (skills.root / "out/a.csv").unlink()
    (skills.root / "out").rmdir()
    (skills.root / "out").symlink_to(elsewhere)
    assert skills.place.call(skills.line)[1] is False
    assert skills.last() == "outside"
    assert not (elsewhere / "a.csv").is_symlink()


def test_another_worktree_is_given_texts_that_name_no_place_and_nothing_else(skills: Skills) -> None:
    skills.declare('{ttl: 3600, outputs: ["out.*"]}')
    other = skills.place.other_root
    skills.writes(out_csv="1,2")
    skills.call("a")
    assert skills.call("a", root=other)[1] is True
    assert (other / "out.csv").read_text() == "1,2\n"
    for number, content in enumerate((f"{skills.root}/app.py", "binary \x00")):
        skills.script.write_text(f"{SCRIPT}\nopen('out.bin', 'w').write({content!r})\n")
        assert skills.call(str(number))[1] is False
        assert skills.call(str(number), root=other)[1] is False
        assert "elsewhere" in skills.place.counted()


def test_a_verifying_run_compares_the_files_too(skills: Skills) -> None:
    skills.declare("{ttl: 3600, outputs: [out.csv]}")
    skills.writes(out_csv="1")
    skills.call()
    skills.environ["SKILLCACHE_VERIFY"] = "1"
    skills.call()
    assert skills.last() == "confirmed"
    skills.writes(out_csv="2")
    skills.call()
    assert skills.last() == "refuted"


def test_a_run_that_wrote_more_puts_what_is_stored_in_doubt(skills: Skills) -> None:
    skills.declare("{ttl: 3600, outputs: [out.csv]}")
    skills.writes(out_csv="1")
    assert [skills.call()[1] for _ in range(2)] == [False, True]
    skills.writes(out_csv="1", more_txt="x")
    skills.environ["SKILLCACHE_VERIFY"] = "1"
    skills.call()
    assert skills.last() == "undeclared"
    (skills.root / "more.txt").unlink()
    skills.environ["SKILLCACHE_VERIFY"] = "0"
    assert skills.call()[1] is False


@pytest.mark.parametrize("name", ["b'a\\xff.csv'", "'a\\nb.csv'", "'a\\x1b[2J.csv'"])
def test_a_name_that_the_client_would_not_keep_is_not_stored(skills: Skills, name: str) -> None:
    skills.declare('{ttl: 3600, outputs: ["*.csv"]}')
    skills.script.write_text(f"open({name}, 'w').write('x')\n")
    skills.place.call(skills.line)
    assert skills.last() == "uncapturable"


def test_a_forged_entry_writes_no_file_that_the_skill_does_not_declare(skills: Skills) -> None:
    skills.declare('{ttl: 3600, outputs: ["out/a.csv"]}')
    skills.writes(out__a_csv="1")
    skills.call()
    for path in ("app.py", "out/other.csv", "out/a.csv/x", "../a.csv", ".git/hooks/pre-commit"):
        forge(skills.place, {"files": kept((path, 0o644, b"forged"))})
        assert skills.call()[1] is False, path
    assert [file for file in skills.root.parent.rglob("*") if file.is_file() and file.read_bytes() == b"forged"] == []


# The parts.


def kept(*files: tuple[str, int, bytes]) -> tuple[File, ...]:
    return tuple(File(*file) for file in files)


NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20
)
PATHS = st.lists(NAMES.filter(lambda name: name not in (".", "..", ".git")), min_size=1, max_size=3)


@pytest.mark.parametrize("path", [".git/hooks/pre-commit", "sub/.git", "link/a", "link", "folder", "file/a"])
def test_nothing_is_put_through_a_link_over_a_folder_or_into_git(tmp_path: Path, path: str) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    for folder in (root / "folder", elsewhere, root / ".git/hooks", root / "sub"):
        folder.mkdir(parents=True)
    (root / "link").symlink_to(elsewhere)
    (root / "file").write_text("x")
    before = sorted(map(str, tmp_path.rglob("*")))
    with pytest.raises(Bypass) as refused:
        restore(kept(("fine", 0o644, b"x"), (path, 0o644, b"x")), str(root), str(root))
    assert refused.value.outcome in (OUTSIDE, UNCAPTURABLE)
    assert sorted(map(str, tmp_path.rglob("*"))) == before


def test_a_directory_outside_the_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    with pytest.raises(Bypass):
        restore(kept(("a", 0o644, b"x")), str(tmp_path), str(tmp_path / "root"))
    assert os.listdir(tmp_path) == ["root"]


def test_only_what_was_written_since_is_collected(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("old")
    since = (tmp_path / "old.csv").stat().st_ctime_ns + 1
    later = tmp_path / "new.csv"
    while not later.exists() or later.stat().st_ctime_ns < since:
        later.write_text("new")
    deadline = time.monotonic() + 10
    found = collect(str(tmp_path), ("*.csv",), ("old.csv",), since=since, cap=100, deadline=deadline)
    assert [(file.path, file.content) for file in found] == [("new.csv", b"new")]


def test_a_file_that_was_just_written_is_doubted_where_whole_seconds_are_kept() -> None:
    at = 1_700_000_000_500_000_000
    second = 1_700_000_000_000_000_000
    stamps: dict[str, tuple[object, ...]] = {
        "": ("the state of git",),
        "folder": (1, 0o755),
        "just": (2, second, second, 10),
        "long ago": (3, second - 10**10, second - 10**10, 10),
        "fine": (4, second + 1, second + 1, 10),
        "packages": ("digest", "a", "b", "c"),
    }
    assert list(written(stamps, stamps, at)) == ["just"]
