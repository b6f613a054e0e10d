"""What a command sees and does besides its words and files: the process, its streams, what runs around it."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest

from skillcache.commands.filters import seen_through
from skillcache.core import counts
from skillcache.settings.in_force import load
from skillcache.stores import open_store
from skillcache.stores.entry import decode, encode
from tests.conftest import until
from tests.shims.shell import Shell

_TOOL = (
    '#!/usr/bin/perl\nsysopen(C, $ENV{COUNTER}, 02101); syswrite(C, "@ARGV\\n"); exec "/bin/sh", "$ENV{HOME}/do.sh";\n'
)


@pytest.fixture(params=["bash", "zsh"])
def shell(tmp_path: Path, request: pytest.FixtureRequest) -> Shell:
    return _shell(tmp_path, request.param)


@pytest.fixture
def bash(tmp_path: Path) -> Shell:
    return _shell(tmp_path, "bash")


def _shell(base: Path, kind: str) -> Shell:
    made = Shell(base, kind)
    for name in ("pytest", "ruff"):
        made.tool(name, _TOOL)
    (made.project / "Makefile").write_text("test check:\n\t@pytest -q\nloop:\n\t@pytest -q; pytest -q\n")
    made.start()
    return made


def does(shell: Shell, text: str) -> None:
    (shell.home / "do.sh").write_text(text)


def outcomes(shell: Shell) -> list[str]:
    return [count.outcome.name for count in counts.read(str(shell.cache))]


def test_the_state_of_the_process_is_part_of_what_it_depends_on(shell: Shell) -> None:
    does(shell, "umask; ulimit -n; ulimit -v; sh -c 'kill -HUP $$; echo alive' || echo dead\n")
    shell.same("pytest -q", runs=1)
    for before in ("umask 077", "ulimit -n 64", "ulimit -v 4000000", "trap '' HUP", "ulimit -s unlimited"):
        shell.same(f"{before}; pytest -q", runs=1)
    files = (256, 1024, 4096) if resource.getrlimit(resource.RLIMIT_NOFILE)[1] >= 4096 else ()
    for number in files:
        shell.same(f"ulimit -Sn {number}; pytest -q", runs=1)
    shell.same("pytest -q", runs=0)


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="as Linux shows it")
def test_a_command_that_is_to_ignore_closed_pipes_does(bash: Shell) -> None:
    does(bash, "grep SigIgn /proc/self/status | cut -c21\n")  # the digit of SIGPIPE
    bash.same("pytest -q", runs=1)
    bash.same("trap '' PIPE; pytest -q", runs=2)  # each time
    bash.same("pytest -q", runs=0)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) == 1, reason="there is one processor")
def test_so_are_the_processors_that_it_may_use(bash: Shell) -> None:
    does(bash, "nproc\n")
    bash.same("pytest -q", runs=1)
    bash.same("taskset -c 0 pytest -q", runs=1)


def test_a_text_that_names_the_home_folder_is_of_one_person(bash: Shell) -> None:
    """As warnings do of packages that are installed there; any other is given to all."""
    bash.environ["SKILLCACHE_HOME"] = str(bash.base / "shared")
    texts = ('echo "in $HOME/.local/x.py"', 'echo "{\\"at\\": \\"$HOME\\"}" | sed "s,/,\\\\\\\\/,g"', "echo all well")
    for number, text in enumerate(texts):
        ran = []
        for name in ("alice", "bob", "bob"):
            home = bash.base / "people" / name
            home.mkdir(parents=True, exist_ok=True)
            bash.environ |= {"HOME": str(home), "USER": name, "TEXT": text}
            (home / "do.sh").write_text("")
            bash.tool("pytest", _TOOL.replace('"$ENV{HOME}/do.sh"', '"-c", $ENV{TEXT}'))
            bare, before = bash.run(f"pytest -k a{number}"), bash.runs()
            assert bash.call(f"pytest -k a{number}").stdout == bare.stdout
            ran.append(bash.runs() - before)
        assert ran == ([1, 0, 0] if text == "echo all well" else [1, 1, 0])


def test_a_stream_that_is_closed_stays_closed(shell: Shell) -> None:
    does(shell, 'wc -c; echo "out"; echo "err" >&2; exit 0\n')
    shell.same("pytest -q </dev/null", runs=1)
    for closed in ("<&-", "2>&-", ">&-"):
        shell.same(f"pytest -q {closed}; echo $?", runs=2)


def test_what_is_read_and_written_elsewhere_is_not_recorded(bash: Shell) -> None:
    does(bash, "echo said; echo more >&3; cat <&4\n")
    bash.same("pytest -q 3>&1 4</dev/null >/dev/null | cat", runs=2)
    for text in ("one", "two"):
        done = bash.call(f"pytest -x 3>/dev/null 4<<<{text}")
        assert done.stdout == f"said\n{text}\n"


@pytest.mark.long
def test_input_that_is_written_slowly_comes_whole(bash: Shell) -> None:
    does(bash, "read line; echo $line; wc -l\n")
    bash.same("(for i in $(seq 12); do echo line $i; sleep 0.25; done) | pytest -q", runs=2)


def test_a_command_whose_output_lies_in_what_it_reads_knows_it(bash: Shell) -> None:
    does(bash, "grep -rn TODO . || true\n")
    (bash.project / "a.c").write_text("TODO\n" * 100)
    (bash.project / ".gitignore").write_text("*.txt\n")
    bash.same("pytest -q >out.txt 2>/dev/null; wc -l out.txt", runs=2)


def test_an_interrupt_before_the_command_begins_ends_it(bash: Shell) -> None:
    does(bash, "echo ran\n")
    environ = {**bash.environ, "PATH": f"{bash.shims()}:{bash.environ['PATH']}"}
    command = [str(bash.shims() / "pytest"), "-q"]
    with subprocess.Popen(command, env=environ, cwd=bash.project, stdin=subprocess.PIPE, stdout=-1) as process:
        until(lambda: b"stand_in" in Path(f"/proc/{process.pid}/cmdline").read_bytes())
        until(lambda: "poll" in Path(f"/proc/{process.pid}/wchan").read_text())  # it waits for its input
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == -signal.SIGINT
        assert process.stdin is not None
    assert bash.runs() == 0


# What runs around it.


def test_a_run_that_holds_a_replay_is_not_recorded(bash: Shell) -> None:
    does(bash, "date +%N\n")
    first = bash.call("make test").stdout
    for _ in range(2):
        assert bash.call("make check").stdout == first
    around = ["no_entry", "replayed", "holds_a_replay"]
    assert outcomes(bash) == [*["no_entry"] * 2, *["stored"] * 2, *around * 2]


def test_a_run_that_is_to_be_real_is_real_within(bash: Shell) -> None:
    does(bash, "echo all well\n")
    bash.same("make test", runs=1)
    bash.same("make test; make test", runs=2)  # the second of each call
    bash.call("make test")
    before = bash.runs()
    bash.call("make test", SKILLCACHE_VERIFY="1")
    assert bash.runs() - before == 1


def test_a_loop_that_outlives_its_call_runs(bash: Shell) -> None:
    does(bash, "echo all well\n")
    done = bash.base / "done"
    bash.call("pytest -q", DONE=str(done))
    before = bash.runs()
    loop = '(sleep 0.3; for i in 1 2 3; do pytest -q; done; touch "$DONE") >/dev/null 2>&1 &'
    bash.call(loop, DONE=str(done))
    until(done.exists)
    assert bash.runs() - before == 2


def test_a_wrapper_that_looks_for_the_next_of_its_name_finds_it(bash: Shell) -> None:
    does(bash, "echo all well\n")
    text = """#!/bin/sh
me=$(dirname "$0"); IFS=:
for place in $PATH; do [ "$place" != "$me" ] && [ -x "$place/pytest" ] && exec "$place/pytest" "$@"; done
"""
    bash.tool("pytest", text, folder=bash.base / "first")
    bash.environ["PATH"] = f"{bash.base}/first:{bash.environ['PATH']}"
    bash.start()
    bash.same("pytest -q", runs=1)
    bash.same("pytest --lf", runs=2)


def test_options_that_a_shell_exports_reach_the_next_one(bash: Shell) -> None:
    does(bash, "bash -c 'false | true; echo $?; echo $SHELLOPTS'\n")
    line = "export SHELLOPTS; set -o pipefail; ruff format; pytest -q"
    bash.same(line, runs=3)


def test_libraries_that_are_meant_for_the_command_are_for_the_command(bash: Shell) -> None:
    bash.tool("pytest", '#!/bin/sh\necho "$*" >>"$COUNTER"; echo all well\n')
    library = bash.base / "library"
    library.mkdir()
    for name in ("libm.so.6", "libpython3.so", "libexpat.so.1", "libz.so.1"):
        (library / name).touch()
    bash.same("pytest -q", runs=2, LD_LIBRARY_PATH=str(library))


def test_without_a_home_nothing_is_kept_anywhere(bash: Shell) -> None:
    does(bash, "echo all well\n")
    bash.tool("pytest", "#!/usr/bin/perl\nprint qq(all well\\n);\n")
    assert bash.call("unset HOME; pytest -q").stdout == "all well\n"
    assert outcomes(bash) == []


def test_functions_that_a_shell_exports_count(bash: Shell) -> None:
    bash.tool("pytest", "#!/bin/bash\nchecker\n")
    bash.start()
    for text in ("one", "two"):
        for _ in range(2):
            assert bash.call(f"checker() {{ echo {text}; }}; export -f checker; pytest -q").stdout == f"{text}\n"


def test_a_clock_that_was_ahead_does_not_keep_an_old_result(bash: Shell) -> None:
    does(bash, "echo old\n")
    bash.call("pytest -q")
    settings = load(bash.environ, str(bash.project))
    store = open_store(settings.store, now=time.time())
    held = bash.cache / "store.sqlite3"
    assert held.exists()
    import sqlite3

    with sqlite3.connect(held) as file:
        for key, value in file.execute("SELECT key, value FROM entries WHERE key LIKE 'skill_cache:%'").fetchall():
            entry = decode(value, details=True)
            entry.finished += 86_400_000
            entry.started += 86_400_000
            file.execute("UPDATE entries SET value = ?, started = ? WHERE key = ?", (encode(entry), entry.started, key))
    file.close()
    store.close()
    does(bash, "echo new\n")
    assert bash.call("pytest -q # fresh").stdout == "new\n"
    assert bash.call("pytest -q").stdout == "new\n"
    assert outcomes(bash)[-1] == "replayed"


# Failures.


@pytest.mark.parametrize(
    ("line", "filters"),
    [
        ("pytest -q", ("pytest -q", "")),
        ("pytest -q 2>&1 | tail -3", ("pytest -q", "tail -3")),
        ("cd a && CI=1 nice pytest -q |& grep x | uniq -c", ("cd a && CI=1 nice pytest -q", "grep x | uniq -c")),
        ("pytest -q | sed -n '1,40p'", ("pytest -q", "sed -n 1,40p")),
        ("set -o pipefail; pytest -q | tail", ("set -o pipefail; pytest -q", "tail")),
        *(
            (line, None)
            for line in (
                "up; pytest -q | tail",
                "pytest -q; up | tail",
                "pytest -q || up",
                "./ci.sh | tail",
                "pytest -q | tail # again",
                "pytest -q | tee log",
                "pytest -q | xargs touch",
                "pytest -q | sed -i s/a/b/ f",
                "pytest -q | sort -o f",
                "pytest -q | uniq - f",
                "pytest -q > f",
                "pytest -q\nup",
                "$(up) pytest -q | tail",
                "pytest -x | tail",
                "up pytest -q | tail",
                "timeout 5 up pytest -q | tail",
                "env A=1 up pytest -q | tail",
                "pytest -q & up | tail",
                "pytest -q | tail 'open",
            )
        ),
    ],
)
def test_a_line_is_one_command_behind_filters_or_none(line: str, filters: tuple[str, str] | None) -> None:
    assert seen_through(line, ("pytest", "-q")) == filters


def test_a_failure_of_a_line_that_began_otherwise_is_not_given(bash: Shell) -> None:
    does(bash, "echo down; exit 1\n")
    bash.call("nice pytest -q | tail -1")
    before = bash.runs()
    bash.call("pytest -q | tail -2")
    bash.call("pytest -q | tail -1")  # and this one looks at the same once more
    assert bash.runs() - before == 1


def test_a_failure_is_not_given_where_another_call_has_begun(bash: Shell) -> None:
    does(bash, "[ -e ../up ] && echo up || { echo down; exit 1; }\n")
    assert bash.call("pytest -q 2>&1 | tail -1").stdout == "down\n"
    bash.call("touch ../up")
    assert bash.call("pytest -q 2>&1 | tail -2").stdout == "up\n"


def test_a_wish_at_the_end_of_any_line_is_heard(shell: Shell) -> None:
    does(shell, "echo all well\n")
    shell.call("pytest -q")
    for end in ("  # fresh", " #fresh", " # Fresh", " # fresh run", " # fresh \n:", " # fresh\necho x"):
        before = shell.runs()
        shell.call(f"pytest -q{end}")
        assert shell.runs() - before == 1, end


# Projects.


def test_settings_of_another_project_do_not_say_where_results_go(bash: Shell) -> None:
    does(bash, "echo all well\n")
    other = bash.base / "other"
    subprocess.run(["git", "init", "-q", str(other)], env=bash.environ, check=True)
    evil = {"SKILLCACHE_REDIS_URL": "redis://127.0.0.1:1/0", "CLAUDE_PROJECT_DIR": "/nonexistent"}
    settings = bash.project / ".claude/settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"env": evil}))
    for line in ("pytest -q", "cd ../other && pytest -q"):
        bash.same(line, runs=1, **evil)
    assert outcomes(bash) == ["no_entry", "stored", "replayed"] * 2


@pytest.mark.parametrize("words", ["npm publish", "make deploy", "gcloud app", "psql -c x"])
def test_a_project_cannot_have_left_undone_what_is_done_for_its_effect(bash: Shell, words: str) -> None:
    does(bash, "echo done\n")
    name, word = words.split(" ")[:2]
    bash.tool(name, _TOOL)
    toml = bash.project / ".claude/skillcache.toml"
    toml.parent.mkdir()
    toml.write_text(f'[[rules]]\nmatch = "Bash({name} {word}:*)"\n')
    bash.start()
    bash.same(words, runs=2)


@pytest.mark.parametrize("line", ["python3 manage.py test", "php artisan test"])
def test_scripts_that_rules_name_behind_their_interpreter_are_answered(bash: Shell, line: str) -> None:
    does(bash, "echo all well\n")
    interpreter, script, _ = line.split(" ")
    bash.tool(interpreter, _TOOL)
    (bash.project / script).touch()
    bash.start()
    bash.same(line, runs=1)


# Variables, and the files that they name.


_OF_NOBODY = (
    *("MY_APP_MODE", "a.b", "tests", "SHELLCHECK_OPTS", "BIOME_CONFIG_PATH", "CLAUDE_CODE_SHELL", "HOST"),
    *("VSCODE_VERSION", "PYENV_DIR"),
)


def test_a_variable_that_nobody_thought_of_counts(bash: Shell) -> None:
    unset = bash.key("pytest -q")
    for name in _OF_NOBODY:
        assert len({unset, *(bash.key("pytest -q", **{name: value}) for value in ("one", "two", ""))}) == 4, name
    assert bash.key("pytest -q") == unset
    for name in _OF_NOBODY[:1]:  # and a shell hands it on
        does(bash, f"tr '\\0' '\\n' </proc/self/environ | grep '^{name}=' || echo unset\n")
        bash.same("pytest -q", runs=1, **{name: "one"})
        bash.same("pytest -q", runs=1, **{name: ""})
        bash.same("pytest -q", runs=0, **{name: "one"})


def test_what_is_of_a_terminal_or_a_session_does_not(bash: Shell) -> None:
    does(bash, "echo all well\n")
    bash.same("pytest -q", runs=1)
    other = {
        "CLAUDE_CODE_SESSION_ID": "two",
        "CLAUDE_PID": "77",
        "CLAUDE_CODE_MESSAGING_TOKEN": "0123456789abcdef",
        "SHLVL": "7",
        "WINDOWID": "12",
        "TMUX": "/run/tmux-0/default,1,0",
        "SSH_AUTH_SOCK": "/run/ssh-x/agent.1",
        "HISTSIZE": "9",
        "EDITOR": "vi",
        "ATUIN_SESSION": "0192",
        "CLAUDE_TMPDIR": "/var/claude",
        "TERM_PROGRAM": "kitty",
    }
    bash.same("pytest -q", runs=0, **other)


_NAMING = (
    ("APP_OPTS", '--require "{}"'),
    ("APP_OPTS", "-c {}"),
    ("APP_OPTS", "-c{}"),
    ("APP_OPTS", "--require={} -v"),
    ("APPRC", "{}"),
    ("SOMETHING", "{}"),
    ("SEVERAL", "/nowhere:{}"),
)


def test_a_file_that_a_variable_names_is_an_input(tmp_path: Path) -> None:
    shell = Shell(tmp_path, "bash", plain=True)
    shell.tool("pytest", _TOOL)
    shell.start()
    first, other = shell.base / "app.ini", shell.base / "b@1,c:d.cjs"
    for name, value in _NAMING:
        for path, named in ((first, str(first)), (other, f"../{other.name}")):
            if ":" in named and name == "SEVERAL":  # whose paths are parted by it
                continue
            given = {name: value.format(named)}
            keys = []
            for text in ("one\n", "two\n", "one\n"):
                path.write_text(text)
                keys.append(shell.key("pytest -q", **given))
            assert keys[0] == keys[2] != keys[1], given
    does(shell, f"cat '{first}'\n")
    given = {_NAMING[0][0]: _NAMING[0][1].format(first)}
    for text, runs in (("one\n", 1), ("two\n", 1), ("one\n", 0)):
        first.write_text(text)
        shell.same("pytest -q", runs=runs, **given)


def test_so_are_the_files_of_a_folder_of_configuration(tmp_path: Path) -> None:
    shell = Shell(tmp_path, "bash", plain=True)
    shell.tool("pytest", _TOOL)
    shell.start()
    folder = shell.base / "settings"
    folder.mkdir()
    does(shell, f"cat {folder}/* 2>/dev/null; true\n")
    shell.same("pytest -q", runs=1, APP_CONFIG_PATH=str(folder))
    (folder / "app").write_text("one\n")
    shell.same("pytest -q", runs=1, APP_CONFIG_PATH=str(folder))
    shell.same("pytest -q", runs=0, APP_CONFIG_PATH=str(folder))


def test_a_file_that_the_command_writes_is_none(tmp_path: Path) -> None:
    shell = Shell(tmp_path, "bash", plain=True)
    shell.tool("pytest", _TOOL)
    shell.start()
    does(shell, "date +%N >>$WRITES; echo all well\n")
    shell.same("pytest -q", runs=1, WRITES=str(shell.base / "log"))


def test_a_variable_s_value_is_in_no_entry_and_its_name_is_explained(bash: Shell) -> None:
    does(bash, "echo all well\n")
    bash.call("pytest -q", SOME_TOKEN="hunter2-of-mine", DO_THING="correct-horse")
    kept = b"".join(path.read_bytes() for path in bash.cache.rglob("*") if path.is_file())
    assert b"SOME_TOKEN" in kept
    assert b"DO_THING" in kept
    assert not any(word in kept for word in (b"hunter2-of-mine", b"correct-horse"))
