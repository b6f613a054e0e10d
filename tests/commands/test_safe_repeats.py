"""Repeats that nothing speaks against: what used to be taken for a failure, and what runs that write reports leave."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from skillcache.core import counts
from tests.shims.shell import Shell

_TOOL = (
    '#!/usr/bin/perl\nsysopen(C, $ENV{COUNTER}, 02101); syswrite(C, "@ARGV\\n"); exec "/bin/sh", "$ENV{HOME}/do.sh";\n'
)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell(tmp_path, "bash", plain=True)
    for name in ("pytest", "ctest"):
        made.tool(name, _TOOL)
    made.start()
    return made


def does(shell: Shell, text: str) -> None:
    (shell.home / "do.sh").write_text(text)


def last(shell: Shell) -> str:
    return counts.read(str(shell.cache))[-1].outcome.name


# Reports that each run writes anew.

# As tools do it: with a clock in it, emptied, or removed and made again, or another put in its place.
_WAYS = {
    "emptied": "date +%s%N >report.xml",
    "removed": "rm -f report.xml; date +%s%N >report.xml",
    "replaced": "date +%s%N >new.tmp; mv new.tmp report.xml",
    "in a folder": "mkdir -p test-results; date +%s%N >test-results/of-this-run",
    "two": "date +%s%N >report.xml; date +%s%N >.coverage",
    "the same each time": "echo passed >report.xml",
    # As ctest 3.25 does where nothing runs side by side: read, and of no consequence.
    "what tests cost": "mkdir -p Testing/Temporary; cd Testing/Temporary; [ ! -e CTestCostData.txt ] ||"
    " cat CTestCostData.txt >/dev/null; date +%s%N >t.tmp; mv t.tmp CTestCostData.txt",
    "read again": "date +%s%N >report.xml; cat report.xml >/dev/null",
}


@pytest.mark.table
@pytest.mark.parametrize("way", _WAYS)
def test_a_report_that_each_run_writes_anew_keeps_nothing_from_being_served(shell: Shell, way: str) -> None:
    does(shell, f"cat data; {_WAYS[way]}; echo all well\n")
    assert [_runs(shell) for _ in range(3)] == [1, 1, 0]
    (shell.project / "data").write_text("two\n")
    assert [_runs(shell, "two\nall well\n") for _ in range(2)] == [1, 0]
    (shell.project / "data").write_text("one\n")
    assert _runs(shell) == 1  # the report that is there is not of this content


def _runs(shell: Shell, text: str = "one\nall well\n") -> int:
    before = shell.runs()
    done = shell.call("pytest -q")
    assert done.stdout == text
    return shell.runs() - before


@pytest.mark.table
@pytest.mark.parametrize(
    "change",
    ["rm report.xml", "echo other >report.xml", "touch report.xml", "cp report.xml x.tmp; mv x.tmp report.xml"],
)
def test_a_replay_leaves_the_report_of_its_own_run_or_there_is_none(shell: Shell, change: str) -> None:
    does(shell, "cat data; date +%s%N >report.xml; echo all well\n")
    assert [_runs(shell) for _ in range(3)] == [1, 1, 0]
    shell.run(change)
    assert [_runs(shell) for _ in range(2)] == [1, 0]
    assert last(shell) == "replayed"


def test_nor_is_one_that_another_run_has_written(shell: Shell) -> None:
    does(shell, "cat data; date +%s%N >report.xml; echo all well\n")
    assert [_runs(shell) for _ in range(3)] == [1, 1, 0]
    shell.call("SKILLCACHE_DISABLE=1 pytest -q")
    assert _runs(shell) == 1
    shell.call("pytest -x")  # of other words, on the same content
    assert _runs(shell) == 1


@pytest.mark.parametrize(
    ("way", "served"),
    [("rm -f .coverage; cp data .coverage", True), ("cat .coverage; rm -f .coverage; cp data .coverage", False)],
)
def test_an_ignored_one_that_is_the_same_each_time_is_none_either(shell: Shell, way: str, served: bool) -> None:
    """As coverage 7 writes its data: of the same lines the same bytes, in a file that it has removed."""
    (shell.project / ".gitignore").write_text(".coverage\n")
    (shell.project / ".coverage").write_text("one\n")
    does(shell, f"{way}; cat data\n")

    def runs() -> int:
        before = shell.runs()
        assert shell.call("pytest -q").returncode == 0
        return shell.runs() - before

    assert [runs() for _ in range(4)] == ([1, 1, 0, 0] if served else [1, 1, 1, 1])
    (shell.project / "data").write_text("two\n")
    assert [runs() for _ in range(3)][1:] == ([0, 0] if served else [1, 1])


# What a run reads of the one before it decides what it says: none of these is ever served.
_READS = {
    "the size, side by side": "cd test-results 2>/dev/null || { mkdir test-results; cd test-results; };"
    " ls -l x.log 2>/dev/null | wc -l; echo $(cat x.log 2>/dev/null | wc -c) >x.log",
    "a counter": "n=$(cat count.db 2>/dev/null || echo 0); echo $((n + 1)) >count.db; echo run $n",
    "a ratchet": "cmp -s data last.log && echo no change || echo other than before; cp data last.log",
    "a log": "date >>app.log; echo all well",
    "what is newer": "[ report.xml -nt data ] && echo up to date || { date +%N >report.xml; echo built; }",
    "a file of any name": "date +%s%N >notes.txt; echo all well",
    "a source": "date +%s%N >made.py; echo all well",
}


@pytest.mark.table
@pytest.mark.parametrize("read", _READS)
def test_what_a_run_reads_of_the_last_one_is_an_input(shell: Shell, read: str) -> None:
    does(shell, _READS[read] + "\n")
    bare, shims = shell.base / "bare", shell.project
    for content in ("one", "one", "one", "two", "two", "one"):
        if (shell.project / "data").read_text() != content:
            (shell.project / "data").write_text(content)
        expected = _elsewhere(shell, bare, content)
        assert shell.call("pytest -q").stdout == expected, content
    assert shims.is_dir()


def _elsewhere(shell: Shell, place: Path, content: str) -> str:
    """What the run says in another folder, where nothing is ever served."""
    place.mkdir(exist_ok=True)
    data = place / "data"
    if not data.exists() or data.read_text() != content:
        data.write_text(content)
    done = subprocess.run(
        ["sh", str(shell.home / "do.sh")], cwd=place, env=shell.environ, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_database_that_is_filled_anew_with_the_same_is_served(shell: Shell) -> None:
    shell.tool("fill", f"#!{Path(__import__('sys').executable)}\nimport sqlite3\n{_FILL}")
    does(shell, f"cat data; {shell.bin}/fill; echo all well\n")
    runs = [_runs(shell) for _ in range(4)]
    assert runs[:2] == [1, 1]
    assert (shell.project / "test.db").exists()
    with sqlite3.connect(shell.project / "test.db") as file:
        assert file.execute("SELECT count(*) FROM t").fetchone() == (1,)


_FILL = """
import os
if os.path.exists("test.db"):
    os.remove("test.db")
with sqlite3.connect("test.db") as file:
    file.execute("CREATE TABLE t (x)")
    file.execute("INSERT INTO t VALUES (1)")
"""


def test_what_another_agent_saves_while_a_command_runs_is_no_report(shell: Shell) -> None:
    """A source that is not tracked yet, saved anew during each run, is an input whatever its times say."""
    does(shell, 'cat data; cat new.py 2>/dev/null; echo "$(date +%s%N)" >new.tmp; mv new.tmp new.py; echo all well\n')
    for _ in range(3):
        shell.call("pytest -q")
    text = (shell.project / "new.py").read_text()
    assert text in shell.call("pytest -q").stdout


# What is taken for a failure by its text is none: the status decides.

_SAID = (
    *("/x/a.js", "  1:1  warning  Unexpected console", "✖ 1 problem (0 errors, 1 warning)"),
    *("TAP version 13", "ok 1 - adds", "not ok 2 - divides # TODO", "1..2"),
    *(" ✓ reports 3 errors", " ✓ ends with exit code 2", "2 passing"),
    *("ERROR app: no answer", "Traceback (most recent call last):", "ValueError: x", "1 passed"),
)


@pytest.mark.parametrize("stream", ["", " >&2"])
def test_a_pass_that_speaks_of_failures_is_one(shell: Shell, stream: str) -> None:
    text = "".join(f"echo '{line}'{stream}\n" for line in _SAID)
    does(shell, text)
    shell.same("pytest -q", runs=1)
    shell.same("pytest -q 2>&1 | tail -2", runs=0)
    does(shell, text + "exit 1\n")
    (shell.project / "data").write_text("other\n")
    shell.same("pytest -q", runs=2)  # and a true one is seen as one: it runs again


_ONCE_NOT_ASKED_ABOUT = (
    *("npm t", "npm run mocha", "npx ava", "npx mocha", "flake8", "python3 -m flake8", "npm run test:unit", "npx xo"),
)


def test_commands_that_were_once_not_asked_about_are_served(shell: Shell) -> None:
    for name in ("npm", "npx", "flake8", "python3"):
        shell.tool(name, _TOOL)
    for name in ("ava", "mocha", "xo"):
        shell.tool(name, _TOOL, folder=shell.project / "node_modules/.bin")
    (shell.project / ".gitignore").write_text("node_modules/\n")
    scripts = '{"scripts": {"test": "mocha", "mocha": "mocha", "test:unit": "mocha"}}\n'
    (shell.project / "package.json").write_text(scripts)
    shell.start()
    does(shell, "cat data\n")
    for line in _ONCE_NOT_ASKED_ABOUT[::4]:
        shell.same(line, runs=1)
    before = [shell.key(line) for line in _ONCE_NOT_ASKED_ABOUT]
    (shell.project / "data").write_text("other\n")
    for line, key in zip(_ONCE_NOT_ASKED_ABOUT, before, strict=True):
        assert shell.key(line) != key, line


def test_an_environment_that_a_line_activates_is_served(shell: Shell) -> None:
    for name in (".venv", "other"):
        place = shell.project / name
        shell.tool("pytest", _TOOL, folder=place / "bin")
        (place / "pyvenv.cfg").write_text("home = /usr/bin\n")
        (place / "bin/activate").write_text(
            f'VIRTUAL_ENV="{place}"; export VIRTUAL_ENV\nPATH="{place}/bin:$PATH"\nhash -r\n'
        )
    shell.start()
    does(shell, "cat data\n")
    shell.same("source .venv/bin/activate && pytest -q", runs=1)
    shell.same("source other/bin/activate && pytest -q", runs=1)
    shell.same("source .venv/bin/activate && pytest -q", runs=0)


def test_what_tests_cost_orders_those_that_run_side_by_side(shell: Shell) -> None:
    """As ctest 3.25 does with `-j`: what took longest comes first."""
    costs = shell.project / "Testing/Temporary/CTestCostData.txt"
    does(shell, f"mkdir -p {costs.parent}; cat {costs} 2>/dev/null || echo none; date +%s%N >{costs}\n")
    for _ in range(4):
        expected = costs.read_text() if costs.exists() else "none\n"
        assert shell.call("ctest -j 2").stdout == expected


# Variables: whose places they name, who asks, and what they lead to.


def test_a_folder_that_is_called_as_the_user_is_no_home(shell: Shell) -> None:
    assert shell.key("pytest -q", USER="a", DIR="/x/a") != shell.key("pytest -q", USER="b", DIR="/x/b")


def test_homes_of_two_people_are_one_place(shell: Shell) -> None:
    does(shell, "cat data\n")
    shell.same("pytest -q", runs=1, USER="ada", DIR="/home/ada/x")
    shell.same("pytest -q", runs=0, USER="bob", DIR="/home/bob/x")
    shell.same("pytest -q", runs=1, USER="bob", DIR="/home/bobby/x")


@pytest.mark.parametrize(("name", "value"), [("EDITOR", "/opt/devin/code"), ("TERM_PROGRAM", "kiro")])
def test_an_editor_that_tools_take_for_an_agent_counts(shell: Shell, name: str, value: str) -> None:
    unset = shell.key("pytest -q")
    assert shell.key("pytest -q", **{name: value}) != unset
    assert shell.key("pytest -q", EDITOR="vim", TERM_PROGRAM="iTerm.app") == unset


@pytest.mark.parametrize(("name", "value"), [("ANY", "{}"), ("ANY", "pipe"), ("SOME_OPTS", "--input={}")])
def test_a_pipe_that_a_variable_names_is_read_each_time(shell: Shell, name: str, value: str) -> None:
    pipe = shell.project / "pipe"
    (shell.project / ".gitignore").write_text("pipe\n")
    os.mkfifo(pipe)
    gate = os.open(pipe, os.O_RDWR)
    try:
        does(shell, "read line <pipe; echo $line\n")
        for text in ("one", "two"):
            os.write(gate, f"{text}\n".encode())
            assert shell.call("pytest -q", **{name: value.format(pipe)}).stdout == f"{text}\n"
    finally:
        os.close(gate)


@pytest.mark.parametrize("name", ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV"])
def test_what_a_run_tells_the_service_that_runs_it_is_told_each_time(shell: Shell, name: str) -> None:
    told = shell.base / "told"
    told.touch()
    does(shell, f'echo all well; [ ! -e data ] || echo said >>"${name}"\n')
    for _ in range(2):
        shell.call("pytest -q", **{name: str(told)})
    assert told.read_text() == "said\n" * 2
    (shell.project / "data").unlink()
    shell.same("pytest -q", runs=1, **{name: str(told)})  # it says nothing there


def test_what_npm_says_once_in_some_days_is_never_served(shell: Shell) -> None:
    """As npm 11 does: it looks for a newer one now and then, tells of it, and notes at home when that was."""
    told = "npm notice\nnpm notice New minor version of npm available! 11.19.1 -> 11.21.2\nnpm notice\n"
    (shell.home / "notice").write_text(told)
    does(shell, "cat data; [ -e ~/$N ] || cat ~/notice >&2; : >~/$N\n")
    texts = [shell.call("pytest -q", N="not" + "ed").stdout for _ in range(3)]
    assert texts == [f"one\n{told}", "one\n", "one\n"]
    assert shell.runs() == 2


def test_the_hooks_of_two_worktrees_share_results(shell: Shell) -> None:
    does(shell, "cat data\n")
    shell.run("git add -A && git -c user.name=x -c user.email=x@x commit -qm first")
    given = {}
    for name in ("annexe", "barn"):
        place = shell.base / name
        shell.run(f"git worktree add -q --detach {place}")
        folder = f"{shell.project}/.git/worktrees/{name}"
        given[name] = {"GIT_DIR": folder, "GIT_INDEX_FILE": f"{folder}/index"}
    assert [_hook(shell, name, **given[name]) for name in ("annexe", "barn", "annexe")] == [1, 0, 0]
    assert _hook(shell, "barn", GIT_DIR=given["annexe"]["GIT_DIR"]) == 1  # of another worktree


def _hook(shell: Shell, name: str, **environ: str) -> int:
    before = shell.runs()
    assert shell.call(f"cd {shell.base / name} && pytest -q", **environ).stdout == "one\n"
    return shell.runs() - before


def test_a_file_that_somebody_has_open_in_an_editor_is_no_input(shell: Shell) -> None:
    seen = {shell.key("pytest -q")}
    (shell.project / ".data.swp").write_bytes(b"b0VIM 9.0\0\0")
    (shell.project / ".data.swo").write_bytes(b"b0VIM 9.0\0\1")
    seen.add(shell.key("pytest -q"))
    assert len(seen) == 1
    for text in ("one\n", "two\n"):  # that is only called so
        (shell.project / ".cases.swp").write_text(text)
        seen.add(shell.key("pytest -q"))
    assert len(seen) == 3


def test_a_plan_that_nobody_has_told_git_of_is_an_input(shell: Shell) -> None:
    """A test may read it, and nothing tells that none does."""
    without = shell.key("pytest -q")
    (shell.project / "PLAN.md").write_text("a plan\n")
    assert shell.key("pytest -q") != without


# What only looks like an input.

_GENERATED = "TOP := ../..\nreplay: other\n\tcd $(TOP) && echo one 'a word' >>out/log\n"


_BESIDE = {
    "../replay.log": False,  # a word of the text, with an ending of its own
    "../other": False,
    "../word": False,
    "../home/.cache/skillcache/of-ours": False,
    "../home/.cargo/registry/index": False,
    "../named.mk": True,  # a part of a path
    "../shared/data": True,
    "../home/.apprc": True,
}


def test_of_words_beside_a_climb_parts_of_paths_count(shell: Shell) -> None:
    """The project lies directly in a folder in which everybody writes, and git ignores what a generator has built."""
    shell.base.chmod(0o1777)
    (shell.project / ".gitignore").write_text("build/\n")
    (shell.project / "build").mkdir()
    (shell.project / "build/Makefile").write_text(_GENERATED)
    (shell.project / "all.mk").write_text("T = ..\ninclude $(T)/named.mk\nX := $(T)/shared\n")
    (shell.project / "a.sh").write_text('cp "$HOME/.cache/skillcache" "$HOME/.cargo" x; . "$HOME/.apprc"\n')
    for path, counts_ in _BESIDE.items():
        file = shell.project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("one\n")
        before = shell.key("pytest -q")
        file.write_text("other\n")
        assert (shell.key("pytest -q") != before) is counts_, path


def test_what_a_builder_has_built_is_no_input_of_it(shell: Shell) -> None:
    """As cargo does it: it starts rustc, and writes what it has built below target/, in a first run more than later."""
    shell.tool("cargo", _TOOL)
    shell.tool("rustc", _TOOL)
    shell.start()
    (shell.project / ".gitignore").write_text("target/\n")
    (shell.project / "Cargo.toml").write_text("[package]\nname = 'x'\n")
    does(shell, "mkdir -p target/debug; date +%s%N >target/debug/x; cat data\n")

    def runs(text: str) -> int:
        before = shell.runs()
        assert shell.call("cargo check").stdout == text
        return shell.runs() - before

    assert [runs("one\n") for _ in range(3)] == [1, 0, 0]
    (shell.project / "data").write_text("two\n")
    assert [runs("two\n") for _ in range(3)] == [1, 0, 0]


def test_packages_count_in_whole_where_their_interpreter_runs_and_by_name_where_it_is_spoken_of(shell: Shell) -> None:
    """`python3` here is a shell, called so, with a folder of packages beside it."""
    python = shell.base / "apart/bin/python3"
    python.parent.mkdir(parents=True)
    shutil.copy("/bin/sh", python)
    site = shell.base / "apart/lib/python3.11/site-packages"
    site.mkdir(parents=True)
    (site / "one.py").write_text("one\n")
    (shell.project / "check.sh").write_text("python3 -c pass\n")
    does(shell, "cat data\n")
    path = {"PATH": f"{shell.environ['PATH']}:{python.parent}"}
    (shell.bin / "python3").symlink_to(python)

    def runs() -> int:
        before = shell.runs()
        assert shell.call("pytest -q", **path).stdout == "one\n"
        return shell.runs() - before

    assert [runs(), runs()] == [1, 0]
    (site / "one.py").write_text("other\n")
    assert runs() == 0
    (site / "two.py").write_text("two\n")
    assert [runs(), runs()] == [1, 0]
    shell.tool("pytest", f'#!{python}\necho x >>"$COUNTER"; cat data\n')
    assert [runs(), runs()] == [1, 0]
    (site / "one.py").write_text("again\n")
    assert [runs(), runs()] == [1, 0]


def test_the_log_of_another_run_of_ctest_is_no_input_of_it(shell: Shell) -> None:
    """As ctest 3.25 does: every run writes the log, and only one that is to repeat what failed reads of the last."""
    (shell.project / ".gitignore").write_text("build/\n")
    (shell.project / "build/Testing/Temporary").mkdir(parents=True)
    (shell.project / "build/CTestTestfile.cmake").write_text("# one\n")
    does(shell, "date +%s%N >build/Testing/Temporary/LastTest.txt; cat data\n")

    def runs(line: str) -> int:
        before = shell.runs()
        assert shell.call(line).stdout == "one\n"
        return shell.runs() - before

    lines = ("ctest --test-dir build", "ctest --test-dir build -R one")
    assert [runs(line) for line in lines * 2] == [1, 1, 0, 0]
    (shell.project / "build/CTestTestfile.cmake").write_text("# other\n")
    assert [runs(line) for line in lines * 2] == [1, 1, 0, 0]
    assert [runs("ctest --test-dir build --rerun-failed") for _ in range(2)] == [1, 1]


def test_nor_of_a_makefile_of_cmakes_that_has_it_run(shell: Shell) -> None:
    """As CMake 3.25 writes one: its target `test` starts ctest by its path with ARGS, and nothing else."""
    build = shell.project / "build"
    (shell.project / ".gitignore").write_text("build/\n")
    (build / "Testing/Temporary").mkdir(parents=True)
    (build / "CTestTestfile.cmake").write_text("# one\n")
    told = f"# CMAKE generated file: DO NOT EDIT!\n\ntest:\n\t@{shell.bin}/ctest $(ARGS)\n"
    (build / "Makefile").write_text(told)
    does(shell, "date +%s%N >Testing/Temporary/LastTest.log; cat ../data\n")

    def runs(line: str) -> int:
        before = shell.runs()
        assert shell.call(line).stdout.endswith("one\n")
        return shell.runs() - before

    # Each leaves another log where the other looks.
    lines = ("cd build && ctest", "make -s -C build test")
    assert [runs(line) for line in lines * 2] == [1, 1, 0, 0]
    # With words for ctest, or by a Makefile of somebody's own, the log may be what is read.
    given = "ARGS=--rerun-failed make -s -C build test"
    assert [runs(line) for line in (given, lines[0], given)] == [1, 0, 1]
    (build / "Makefile").write_text(f"# mine\n{told}")
    for text in ("another\n", "again\n"):
        (build / "Testing/Temporary/LastTest.log").write_text(text)
        assert runs(lines[1]) == 1
