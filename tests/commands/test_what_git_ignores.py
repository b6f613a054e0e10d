"""What git ignores is an input unless a run has left it there itself; folders and modes are inputs, too.

What runs leave, through a real shim: a command that reads it, recorded and given unchanged, and then a change, after
which what is given is what a fresh run says. All else by keys.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.shims.shell import Shell

# Does what `do.sh` says; each real run leaves a line.
_TOOL = (
    '#!/usr/bin/perl\nsysopen(C, $ENV{COUNTER}, 02101); syswrite(C, "@ARGV\\n"); exec "/bin/sh", "$ENV{HOME}/do.sh";\n'
)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell(tmp_path, "bash", plain=True)
    for name in ("pytest", "cargo", "npm"):
        made.tool(name, _TOOL)
    git(made, "config", "user.email", "a@example.org")
    git(made, "config", "user.name", "A")
    made.start()
    return made


def git(shell: Shell, *words: str) -> None:
    subprocess.run(["git", "-C", str(shell.project), *words], env=shell.environ, check=True, capture_output=True)


def does(shell: Shell, text: str) -> None:
    (shell.home / "do.sh").write_text(text)


def given(shell: Shell, line: str = "pytest -q") -> tuple[str, int, int]:
    """What one call says and ends with, and how often it really ran."""
    before = shell.runs()
    done = shell.call(line)
    return done.stdout, done.returncode, shell.runs() - before


def is_served(shell: Shell, line: str = "pytest -q", *, within: int = 2) -> None:
    """After so many runs at most the call is answered with what a fresh run says, here or in a copy."""
    for _ in range(within):
        given(shell, line)
    text, status, runs = given(shell, line)
    assert runs == 0
    if "cd " in line:
        fresh = shell.call(f"{line} # fresh")
        assert (text, status) == (fresh.stdout, fresh.returncode)
    else:
        assert (text, status) == in_a_copy(shell)


def in_a_copy(shell: Shell) -> tuple[str, int]:
    """What a run says there: here its outputs would be those of somebody else."""
    copy = shell.base / "copy"
    shutil.copytree(shell.project, copy, symlinks=True)
    done = subprocess.run(
        ["/bin/sh", f"{shell.home}/do.sh"], cwd=copy, env=shell.environ, capture_output=True, text=True, check=False
    )
    shutil.rmtree(copy)
    return done.stdout, done.returncode


def runs_again(shell: Shell, line: str = "pytest -q") -> None:
    bare = shell.run(line)
    text, status, runs = given(shell, line)
    assert (text, status) == (bare.stdout, bare.returncode)
    assert runs == 1


def write(shell: Shell, path: str, text: str = "one\n") -> Path:
    file = shell.project / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


_IGNORED = (
    ("*.log", "fixtures/access.log"),
    ("target/", "target/release/tool"),
    ("build/", "build/tool"),
    (".claude/", ".claude/skills/x.md"),
    (".claude/", ".claude/agents/deep/y.md"),
    ("coverage/", "coverage/base.json"),
    ("htmlcov/", "htmlcov/index.html"),
    (".cache/", ".cache/model.bin"),
    ("tmp/", "tmp/state"),
    ("*.pid", "run/app.pid"),
    ("*.db", "state/app.db"),
    (".idea.json", ".idea.json"),
    (".tox/", ".tox/data.txt"),
    ("logs/", "logs/app.log"),
    (".nyc_output/", ".nyc_output/x.json"),
    ("*.tsbuildinfo", "tsconfig.tsbuildinfo"),
)


def test_a_file_that_git_ignores_counts_whatever_its_name(shell: Shell) -> None:
    write(shell, "Cargo.toml", "")
    for ignored, path in _IGNORED:
        write(shell, ".gitignore", f"{ignored}\n")
        file = write(shell, path)
        before = shell.key("pytest -q")
        file.write_text("two\n")
        after = shell.key("pytest -q")
        file.unlink()
        assert len({before, after, shell.key("pytest -q")}) == 3, path


@pytest.mark.parametrize("path", ["target/release/tool", "fixtures/access.log"])
def test_it_does_once_a_run_has_left_it_as_it_was(shell: Shell, path: str) -> None:
    write(shell, ".gitignore", "target/\n*.log\n")
    write(shell, "Cargo.toml", "")
    file = write(shell, path)
    does(shell, f"cat {path}\n")
    is_served(shell, within=1)
    file.write_text("two\n")
    runs_again(shell)
    is_served(shell, within=0)
    file.unlink()
    runs_again(shell)


@pytest.mark.table
@pytest.mark.parametrize(
    ("ignored", "writes", "within"),
    [
        ("logs/", "mkdir -p logs; date +%N >logs/app.log", 2),
        ("logs/", "mkdir -p logs; date +%N >>logs/app.log", 2),
        ("*.log", "date +%N >app.log", 2),
        (".coverage", "date +%N >.coverage", 2),
        ("junit.xml", "date +%N >junit.xml", 2),
        ("test-results/", "rm -rf test-results; mkdir test-results; date +%N >test-results/a.xml", 2),
        ("htmlcov/", "mkdir -p htmlcov/a; date +%N >htmlcov/a/index.html", 2),
        ("build/", "mkdir -p build/Testing/Temporary; date +%N >build/Testing/Temporary/CTestCostData.txt", 1),
        (".nx/", "mkdir -p .nx/cache; date +%N >.nx/cache/$(date +%N).json", 2),
        (".nx/", "mkdir -p .nx/cache; rm -f .nx/cache/*; date +%N >.nx/cache/$(date +%N).json", 3),
        ("test-results/", "rm -rf test-results; d=test-results/$(date +%N); mkdir -p $d; date >$d/x", 2),
        ("*.db", "date +%N >app.db", 2),
        ("out/", "mkdir -p out; date +%N >out/state.bin", 2),
        ("out/", "mkdir -p out/deep; date +%N >out/deep/a.bin; date +%N >out/b.bin", 2),
    ],
)
def test_what_each_run_writes_itself_keeps_nothing_from_being_served(
    shell: Shell, ignored: str, writes: str, within: int
) -> None:
    write(shell, ".gitignore", f"{ignored}\n")
    does(shell, f"{writes}; cat data\n")
    is_served(shell, within=within)
    write(shell, "data", "two\n")
    assert given(shell) == ("two\n", 0, 1)
    is_served(shell, within=0)


def test_a_cache_that_a_run_tells_of_is_no_bookkeeping(shell: Shell) -> None:
    write(shell, ".gitignore", ".cache/\n")
    does(shell, "[ -e .cache/x ] && echo from the cache || echo made; mkdir -p .cache; date +%N >.cache/x\n")
    texts = [given(shell)[0] for _ in range(4)]
    assert texts == ["made\n", *["from the cache\n"] * 3]
    is_served(shell, within=0)


@pytest.mark.table
@pytest.mark.parametrize("path", [".best", "reports/cov.json", "best.log", "best.pid", "coverage/last.txt"])
def test_what_a_run_reads_of_its_own_last_run_is_an_input(shell: Shell, path: str) -> None:
    """A ratchet: a score that is lower than the best one fails, and so does a report that is held against the last."""
    write(shell, ".gitignore", f"{path}\n")
    write(shell, "data", "1\n")
    (shell.project / path).parent.mkdir(exist_ok=True)
    does(
        shell,
        f"read now <data; best=$(cat {path} 2>/dev/null || echo 0)\n"
        f'[ "$now" -ge "$best" ] || {{ echo fell; exit 1; }}; echo "$now" >{path}; echo fine\n',
    )
    for _ in range(3):
        given(shell)
    write(shell, "data", "5\n")
    assert given(shell)[:2] == ("fine\n", 0)
    write(shell, "data", "1\n")
    assert given(shell)[:2] == ("fell\n", 1)


@pytest.mark.table
@pytest.mark.parametrize("path", [".n", "run.log", "reports/last.json", "a.pid", "coverage/n.txt"])
def test_a_counter_counts(shell: Shell, path: str) -> None:
    write(shell, ".gitignore", f"{path}\n")
    (shell.project / path).parent.mkdir(exist_ok=True)
    does(shell, f"n=$(cat {path} 2>/dev/null || echo 0); echo $n; echo $((n + 1)) >{path}\n")
    assert [given(shell)[0] for _ in range(6)] == [f"{n}\n" for n in range(6)]


def test_a_folder_of_logs_that_is_gone_is_noticed(shell: Shell) -> None:
    write(shell, ".gitignore", "logs/\n")
    (shell.project / "logs").mkdir()
    does(shell, "[ -d logs ] || { echo no folder; exit 1; }; date +%N >logs/app.log; echo fine\n")
    is_served(shell, within=2)
    shutil.rmtree(shell.project / "logs")
    assert given(shell) == ("no folder\n", 1, 1)


@pytest.mark.parametrize("path", ["junit.xml", "out/state.bin"])
def test_an_output_that_is_gone_is_made_again(shell: Shell, path: str) -> None:
    write(shell, ".gitignore", "junit.xml\nout/\n")
    (shell.project / "out").mkdir()
    does(shell, f"date +%N >{path}; echo all well\n")
    is_served(shell, within=2)
    (shell.project / path).unlink()
    assert given(shell) == ("all well\n", 0, 1)
    assert (shell.project / path).exists()


def test_an_output_that_somebody_else_writes_counts(shell: Shell) -> None:
    write(shell, ".gitignore", "*.log\n*.db\n")
    does(shell, "[ ! -e data ] || date +%N | tee app.log >app.db; echo fine\n")
    for name in ("app.log", "app.db"):
        for _ in range(3):
            given(shell)
        assert given(shell)[2] == 0
        write(shell, name, "broken\n")
        assert given(shell) == ("fine\n", 0, 1)


def test_what_another_writes_during_a_run_is_not_the_run_s_own(shell: Shell) -> None:
    """A watcher that builds when a source changes."""
    write(shell, ".gitignore", "dist/\n")
    write(shell, "dist/out.js", "0\n")
    does(shell, "cat dist/out.js; cp data dist/out.js\n")  # after what is read, as the watcher would
    for text in ("1\n", "2\n", "3\n", "4\n"):
        write(shell, "data", text)
        given(shell)
        runs_again(shell)


def test_a_task_s_own_outputs_are_not_those_of_another_task(shell: Shell) -> None:
    write(shell, ".gitignore", "out/\n")
    (shell.project / "out").mkdir()
    write(shell, "package.json", "{}")
    does(shell, "date +%N >out/tool; echo built\n")
    for _ in range(3):
        given(shell, "npm test")
    does(shell, "cat out/tool\n")
    before = given(shell, "npm run lint")[0]
    write(shell, "out/tool", "another\n")
    after = given(shell, "npm run lint")
    assert before != after[0] == "another\n"


def test_what_is_of_the_client_s_session_does_not_count(shell: Shell) -> None:
    for ignored in ("other\n", ".claude/\n"):
        write(shell, ".gitignore", ignored)
        before = shell.key("pytest -q")
        write(shell, ".claude/settings.local.json", ignored)
        assert shell.key("pytest -q") == before, ignored


def test_many_and_large_ignored_files_count_by_stamps(shell: Shell) -> None:
    write(shell, ".gitignore", "many/\nbig\n")
    for number in range(2_100):
        write(shell, f"many/{number // 100}/{number}", "1")
    write(shell, "small/.gitignore", "*\n")
    write(shell, "small/x", "one\n")
    with (shell.project / "big").open("wb") as file:
        file.truncate(80 << 20)
    keys = [shell.key("pytest -q")]
    assert shell.key("pytest -q") == keys[0]
    write(shell, "many/7/777", "2")
    keys.append(shell.key("pytest -q"))
    write(shell, "small/x", "two\n")
    keys.append(shell.key("pytest -q"))
    with (shell.project / "big").open("r+b") as file:
        file.write(b"abc")
    keys.append(shell.key("pytest -q"))
    assert len(set(keys)) == len(keys)


def with_another_worktree(shell: Shell, ignored: str) -> None:
    """`../other`, linked to the project, where git ignores these lines."""
    write(shell, ".gitignore", ignored)
    git(shell, "add", "-A")
    git(shell, "commit", "-qm", "all")
    git(shell, "worktree", "add", "-q", "../other")


def test_two_worktrees_share_what_writes_logs_and_coverage(shell: Shell) -> None:
    with_another_worktree(shell, "logs/\n.coverage\n")
    does(shell, "mkdir -p logs; date +%N >logs/app.log; date +%N >.coverage; cat data\n")
    is_served(shell, within=2)
    line = "cd ../other && pytest -q"
    assert given(shell, line)[2] == 0
    os.rename(shell.base / "other/data", shell.base / "other/data2")
    assert given(shell, line)[2] == 1


# Folders and permissions.


@pytest.mark.parametrize("path", ["out", "deep/er/out", "src/out", "ignored"])
def test_an_empty_folder_counts(shell: Shell, path: str) -> None:
    write(shell, ".gitignore", "ignored/\n")
    write(shell, "src/a", "1")
    git(shell, "add", "-A")
    without = shell.key("pytest -q")
    (shell.project / path).mkdir(parents=True)
    there = shell.key("pytest -q")
    (shell.project / path).rmdir()
    gone = shell.key("pytest -q")
    assert there not in (without, gone)
    assert (gone == without) is not path.startswith("deep")
    (shell.project / path).mkdir()
    assert shell.key("pytest -q") == there


def test_folders_that_a_branch_left_with_caches_in_them_do_not_count(shell: Shell) -> None:
    without = shell.key("pytest -q")
    write(shell, "old/sub/__pycache__/a.cpython-311.pyc")
    assert shell.key("pytest -q") == without


@pytest.mark.parametrize("known", [True, False])
def test_permissions_count(shell: Shell, *, known: bool) -> None:
    write(shell, "src/a.sh").chmod(0o755)
    if known:
        git(shell, "add", "-A")
    before = shell.key("pytest -q")
    for path, mode in (("data", 0o600), ("data", 0o666), ("src", 0o700), ("src/a.sh", 0o744)):
        file = shell.project / path
        as_it_was = file.stat().st_mode & 0o777
        file.chmod(mode)
        assert shell.key("pytest -q") != before, path
        file.chmod(as_it_was)
        assert shell.key("pytest -q") == before, path


def test_permissions_count_among_many_files_where_a_text_asks_for_them(shell: Shell) -> None:
    for number in range(1_100):
        write(shell, f"many/{number}.txt", "1")
    write(shell, "test_mode.py", 'oct(os.stat("data").st_mode)')
    git(shell, "add", "-A")
    before = shell.key("pytest -q")
    (shell.project / "data").chmod(0o600)
    assert shell.key("pytest -q") != before


# What the project's own text names beyond the project.


_NAMING = (
    ("conftest.py", 'sys.path.insert(0, "../shared")', "../shared/helper.py"),
    ("tests/conftest.py", 'X = Path(__file__).parent.parent.parent / "shared"', "../shared/helper.py"),
    ("test_a.py", 'open("../fixture.json")', "../fixture.json"),
    ("test_a.py", 'open("{base}/fixture.json")', "../fixture.json"),
    ("test_a.py", 'open(os.path.expanduser("~/.config/app.json"))', "../home/.config/app.json"),
    ("Makefile", "TOP := ..\ninclude $(TOP)/common.mk\n", "../common.mk"),
    ("Makefile", "test:\n\t$(MAKE) -C ../other\n", "../other/Makefile"),
    ("package.json", '{{"scripts": {{"test": "cd .. && node check.js"}}}}', "../check.js"),
)


def test_what_a_text_names_elsewhere_is_an_input(shell: Shell) -> None:
    for path, text, there in _NAMING:
        own = write(shell, path, text.format(base=shell.base))
        git(shell, "add", "-A")
        without = shell.key("pytest -q")
        file = write(shell, there)
        one = shell.key("pytest -q")
        file.write_text("two\n")
        assert len({without, one, shell.key("pytest -q")}) == 3, text
        file.unlink()
        own.unlink()


def test_it_is_run_again_for_what_a_text_names_elsewhere(shell: Shell) -> None:
    write(shell, "test_a.py", 'open("../fixture.json")')
    git(shell, "add", "-A")
    does(shell, "cat ../fixture.json 2>/dev/null || echo none\n")
    is_served(shell, within=1)
    file = write(shell, "../fixture.json")
    runs_again(shell)
    is_served(shell, within=0)
    file.unlink()
    assert given(shell)[0] == "none\n"


def test_a_submodule_s_tests_that_read_what_the_superproject_has(shell: Shell) -> None:
    inner = shell.base / "inner"
    inner.mkdir()
    subprocess.run(["git", "init", "-q", str(inner)], env=shell.environ, check=True)
    (inner / "tests").mkdir()
    (inner / "tests/test_a.py").write_text("(Path(__file__).parents[2] / 'VERSION').read_text()")
    identity = ("-c", "user.email=a@example.org", "-c", "user.name=A")
    subprocess.run(["git", "-C", str(inner), "add", "-A"], env=shell.environ, check=True)
    subprocess.run(["git", "-C", str(inner), *identity, "commit", "-qm", "all"], env=shell.environ, check=True)
    git(shell, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "sub")
    write(shell, "VERSION", "1\n")
    does(shell, "cat ../VERSION\n")
    line = "cd sub && pytest -q"
    is_served(shell, line, within=1)
    write(shell, "VERSION", "2\n")
    runs_again(shell, line)


@pytest.mark.table
@pytest.mark.parametrize(("path", "within"), [("../out.log", 2), ("../out.txt", 2), ("{base}/out.txt", 2)])
def test_a_file_elsewhere_that_the_run_writes_keeps_nothing_from_being_served(
    shell: Shell, path: str, within: int
) -> None:
    named = path.format(base=shell.base)
    write(shell, "test_a.py", f'open("{named}", "w")')
    does(shell, f"date +%N >{named}; cat data\n")
    is_served(shell, within=within)


_STAMPS = """at=$HOME/.ca; at=${at}che; mkdir -p $at
now=$(stat -c %y coverage/index.html)
[ "$now" = "$(cat $at/s 2>/dev/null)" ] || cat coverage/index.html >$at/x
echo "$now" >$at/s
cat $at/x
"""


def test_a_report_of_another_command_that_a_run_leaves_alone_counts_by_being_there(shell: Shell) -> None:
    write(shell, ".gitignore", "coverage/\n")
    does(shell, "cat app.py; ls coverage; cat coverage/sorter.js\n")
    write(shell, "app.py")
    code = write(shell, "coverage/sorter.js")
    for text in ("one\n", "two\n"):
        report = write(shell, "coverage/index.html", text)
        report.read_text()
        runs_again(shell)
    for text in ("three\n", "four\n"):
        write(shell, "coverage/index.html", text)
        is_served(shell, within=0)
    code.write_text("two\n")
    runs_again(shell)
    is_served(shell, within=0)
    report.unlink()
    runs_again(shell)
    write(shell, "coverage/other.html")
    runs_again(shell)


@pytest.mark.table
@pytest.mark.parametrize(
    "reads",
    [
        "cat coverage/index.html",
        ": <coverage/index.html; stat -c %s coverage/index.html",
        _STAMPS,  # as a tool with a cache does
    ],
)
def test_one_that_it_looks_at_counts_by_content(shell: Shell, reads: str) -> None:
    write(shell, ".gitignore", "coverage/\n")
    does(shell, reads)
    for at in range(3):
        write(shell, "coverage/index.html", f"{'x' * at}\n")
        for line in ("pytest -q", "pytest -q # fresh", "pytest -q"):
            text = given(shell, line)[0]
            assert text == shell.run("pytest -q").stdout


def test_one_that_it_begins_to_read_counts_from_that_run_on(shell: Shell) -> None:
    write(shell, ".gitignore", "coverage/\n")
    does(shell, "cat app.py; test ! -e asked || cat coverage/index.html\n")
    write(shell, "app.py")
    for text in ("one\n", "two\n"):
        write(shell, "coverage/index.html", text).read_text()
        runs_again(shell)
    write(shell, "coverage/index.html", "three\n")
    is_served(shell, within=0)
    asked = write(shell, "asked")
    for text in ("four\n", "five\n", "six\n"):
        write(shell, "coverage/index.html", text)
        runs_again(shell)
    asked.unlink()
    for text in ("seven\n", "eight\n"):
        write(shell, "coverage/index.html", text)
        given(shell)
    asked.write_text("one\n")
    for text in ("nine\n", "ten\n"):
        write(shell, "coverage/index.html", text)
        runs_again(shell)


def test_a_folder_of_bookkeeping_that_a_run_does_not_open_counts_by_being_there(shell: Shell) -> None:
    """As nyc makes one, whose files are called otherwise each time."""
    write(shell, ".gitignore", ".nyc_output/\n")
    does(shell, "cat app.py; test ! -e asked || ls -A .nyc_output\n")
    write(shell, "app.py")

    def another(number: int) -> None:
        shutil.rmtree(shell.project / ".nyc_output", ignore_errors=True)
        write(shell, f".nyc_output/{number}.json", f"{number}\n")
        write(shell, f".nyc_output/{number + 1}.json")

    for number in (1, 2):
        another(number)
        runs_again(shell)
    for number in (3, 4):
        another(number)
        is_served(shell, within=0)
    asked = write(shell, "asked")
    for number in (5, 6, 7):
        another(number)
        runs_again(shell)
    asked.unlink()
    for number in (8, 9):
        another(number)
        given(shell)
    shutil.rmtree(shell.project / ".nyc_output")
    runs_again(shell)
    write(shell, ".nyc_output/hook.js")
    runs_again(shell)


def test_a_report_that_nobody_has_read_counts_by_being_there_from_the_first_run_on(shell: Shell) -> None:
    write(shell, ".gitignore", "coverage/\n")
    probe = write(shell, "probe")
    times = probe.stat()
    probe.read_text()
    if probe.stat().st_atime_ns == times.st_atime_ns:
        pytest.skip("no times of reading are kept here")
    probe.unlink()
    does(shell, "cat app.py; test ! -e asked || cat coverage/index.html\n")
    write(shell, "app.py")
    report = write(shell, "coverage/index.html", "1\n")
    given(shell)
    report.write_text("2\n")
    is_served(shell, within=0)
    write(shell, "coverage/other.html", "3\n").read_text()  # as a tool that remembers what it has read
    for text in ("4\n", "5\n"):
        runs_again(shell)
        write(shell, "coverage/other.html", text)
    is_served(shell, within=1)


def test_a_linked_worktree_begins_with_what_is_known_of_outputs(shell: Shell) -> None:
    with_another_worktree(shell, "htmlcov/\n.nyc_output/\n")
    does(
        shell,
        "test ! -e asked || cat htmlcov/index.html; mkdir -p htmlcov; date +%N >htmlcov/index.html; cat data\n"
        "rm -rf .nyc_output; mkdir .nyc_output; date >.nyc_output/$(date +%N).json\n",
    )
    is_served(shell, within=2)
    line = "cd ../other && pytest -q"
    assert given(shell, line)[2] == 1  # to make the report
    is_served(shell, line, within=0)
    # Where a run with other inputs may read it, it is to be seen that it does not.
    git(shell, "worktree", "add", "-q", "../third")
    write(shell, "../third/asked")
    line = "cd ../third && pytest -q"
    assert [given(shell, line)[2] for _ in range(3)] == [1, 1, 1]


def test_a_linked_worktree_begins_with_what_is_known_of_others_reports(shell: Shell) -> None:
    with_another_worktree(shell, "coverage/\n")
    does(shell, "cat coverage/sorter.js data; echo for $PWD\n")
    for text in ("one\n", "two\n"):
        write(shell, "coverage/sorter.js")
        write(shell, "coverage/index.html", text + str(shell.project))
        given(shell)
    # The path is one that the run has not read in there.
    write(shell, "../other/coverage/sorter.js")
    write(shell, "../other/coverage/index.html", "three\n")
    is_served(shell, "cd ../other && pytest -q", within=0)
