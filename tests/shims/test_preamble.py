"""What a session's Bash calls source: it answers what runs there, and is never in the way of the rest."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.shims.shell import Shell

SAID = "ruff says <check> <.>\n"


@pytest.fixture
def ready(shell: Shell) -> Shell:
    shell.tool("ruff")
    shell.start()
    return shell


@pytest.mark.table
@pytest.mark.parametrize("option", ["set -e", "set -u", "set -eu -o pipefail", "set -C", "set -a"])
def test_it_answers_whatever_the_shell_is_set_to(ready: Shell, option: str) -> None:
    for _ in range(2):
        done = ready.call("ruff check .", before=option)
        assert (done.stdout, done.returncode) == (SAID, 0)
    assert ready.runs() == 1


@pytest.mark.parametrize(
    "option", ["sh_word_split", "ksh_arrays", "no_nomatch", "null_glob", "extended_glob", "posix_builtins"]
)
def test_it_answers_under_options_of_zsh(ready: Shell, option: str) -> None:
    if ready.kind != "zsh":
        return
    for _ in range(2):
        assert ready.call("ruff check .", before=f"setopt {option}").stdout == SAID
    assert ready.runs() == 1


def test_in_posix_mode_paths_stay_paths(shell: Shell) -> None:
    shell.tool("ruff")
    shell.tool("gradlew", folder=shell.project)
    shell.start()
    before = "set -o posix" if shell.kind == "bash" else "emulate sh"
    assert shell.call("ruff check . && ./gradlew test", before=before).stdout == SAID + "gradlew says <test>\n"


def test_what_a_person_calls_so_stays_theirs(shell: Shell) -> None:
    shell.tool("ruff")
    shell.tool("gradlew", folder=shell.project)
    shell.start()
    before = (
        "shopt -s expand_aliases 2>/dev/null\nalias ruff='echo mine'\nalias hash='echo mine' function='x' || :\n"
        "pytest() { echo my own; }\n"
    )
    done = shell.call("ruff check .; pytest; unalias function hash", before=before)
    assert done.stdout == "mine check .\nmy own\n"


@pytest.mark.parametrize("tool", ["ruff", "mypy", "pytest"])
def test_a_tool_is_found_if_and_only_if_it_is_there(ready: Shell, tool: str) -> None:
    line = (
        f"command -v {tool} >/dev/null; echo $?; type -p {tool} >/dev/null; echo $?; which {tool} >/dev/null; echo $?"
    )
    bare = ready.run(line)
    assert ready.call(line).stdout == bare.stdout


def test_the_folder_is_on_path_once(ready: Shell) -> None:
    folder = str(ready.shims())
    done = ready.call('. "$FILE"; . "$FILE"; echo "$PATH"', FILE=ready.preamble())
    assert done.stdout.strip().split(":").count(folder) == 1
    assert done.stdout.startswith(folder + ":")
    moved = ready.call('. "$FILE"; echo "$PATH"', FILE=ready.preamble(), PATH=f"/usr/bin:{folder}:/bin::")
    assert moved.stdout == f"{folder}:/usr/bin:/bin::\n"


@pytest.mark.parametrize("before", ["PATH=", "unset PATH", "set -u; unset PATH"])
def test_without_a_path_nothing_is_done(ready: Shell, before: str) -> None:
    assert (
        ready.call('echo "${PATH-unset}"', before=before).stdout
        == ready.run(f'{before}\necho "${{PATH-unset}}"').stdout
    )


def test_an_emptied_cache_leaves_the_shell_as_it_was(ready: Shell) -> None:
    line = "ruff check .; gone 2>/dev/null || echo $?"
    shutil.rmtree(ready.shims())
    assert ready.call(line).stdout == SAID + "127\n"
    shutil.rmtree(ready.cache)
    assert ready.call(line, before="set -e").stdout == SAID + "127\n"


def test_the_clients_file_is_one_line_and_the_same_however_often(ready: Shell) -> None:
    first = ready.start().read_text()
    assert ready.start().read_text() == first
    assert first.count("\n") == 1
    for kind in ("bash", "zsh"):
        assert subprocess.run([f"/usr/bin/{kind}", "-n", ready.preamble()], check=False).returncode == 0


def test_an_activated_environment_is_answered_and_deactivated(shell: Shell) -> None:
    shell.tool("ruff")
    shell.tool("pytest", folder=shell.project / ".venv/bin")
    (shell.project / ".venv/bin/activate").write_text(
        f"deactivate() {{ PATH=$_OLD; unset VIRTUAL_ENV; hash -r 2>/dev/null; }}\n_OLD=$PATH\n"
        f"export VIRTUAL_ENV='{str(shell.project).replace(chr(39), chr(39) + chr(92) + chr(39) + chr(39))}/.venv'\n"
        'export PATH="$VIRTUAL_ENV/bin:$PATH"\nhash -r 2>/dev/null\n'
    )
    (shell.project / ".gitignore").write_text(".venv\n")
    shell.start()
    for _ in range(2):
        done = shell.call(
            "source .venv/bin/activate && pytest -q; deactivate; ruff check .; pytest 2>/dev/null || echo none"
        )
        assert done.stdout == "pytest says <-q>\n" + SAID + "none\n"
    assert shell.runs() == 2


def test_programs_are_answered_by_their_usual_paths(shell: Shell) -> None:
    shell.tool("pytest", folder=shell.project / "bin")
    shell.start()
    quoted = "'" + str(shell.project).replace("'", "'\\''") + "'"
    for word in ("bin/pytest", "./bin/pytest"):
        for _ in range(2):
            assert shell.call(f"{word} -q 2>&1 | cat").stdout == "pytest says <-q>\n"
    assert shell.call(f"{quoted}/bin/pytest -q").stdout == "pytest says <-q>\n"
    assert shell.runs() == 3  # a path with blanks has no function of its name


def test_a_program_by_its_path_in_the_background_is_what_is_killed(shell: Shell) -> None:
    shell.tool("gradlew", "#!/bin/sh\necho here; exec sleep 60\n", folder=shell.project)
    shell.start()
    done = shell.call(
        "./gradlew bootRun >/dev/null & p=$!; kill $p; wait $p 2>/dev/null; echo $?;"
        " kill -0 $p 2>/dev/null || echo gone"
    )
    assert done.stdout == "143\ngone\n"
