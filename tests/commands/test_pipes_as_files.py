"""Pipes where a command is given a file: what comes through one is the command's to read, once, and in no key."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from skillcache.commands.streams import require_files
from skillcache.core.outcomes import UNCAPTURABLE, Bypass
from tests.shims.shell import SHELLS, Shell

# Counts its run and prints what each argument and each value of an option holds.
_CAT = """#!/bin/sh
echo "$*" >>"$COUNTER"
for each; do
    case $each in --*=*) each=${each#*=} ;; -*) continue ;; esac
    cat "$each" 2>/dev/null
done
cat $IN
"""
_SKILL = """\
import os, sys
open(os.environ["COUNTER"], "a").write("run\\n")
for path in [*sys.argv[1:], *filter(None, [os.environ.get("IN")])]:
    print(open(path.partition("=")[2] or path).read(), end="")
"""
_DECLARED = "---\nname: cat\ndescription: Reads.\nmetadata:\n  skillcache:\n    ttl: 900\n---\n"
LINES = {
    "a built-in rule": "shellcheck",
    "a script of a skill": "python3 .claude/skills/cat/cat.py",
    "skillcache run": 'skillcache run -- "$BIN/shellcheck"',
}


@pytest.fixture(params=sorted(kind for kind in SHELLS if os.path.exists(SHELLS[kind][0])))
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Shell:
    made = Shell(tmp_path, request.param, plain=True)
    made.tool("shellcheck", _CAT)
    made.tool("skillcache", f'#!/bin/sh\nexec "{sys.executable}" -m skillcache "$@"\n')
    folder = made.project / ".claude/skills/cat"
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(_DECLARED)
    (folder / "cat.py").write_text(_SKILL)
    made.environ |= {"BIN": str(made.bin), "SKILLCACHE_MIN_DURATION_DECLARED": "0"}
    made.start()
    return made


def test_they_are_cached_with_a_file(shell: Shell) -> None:
    for line in LINES.values():
        before = shell.runs()
        assert [shell.call(f"{line} data").stdout for _ in range(3)] == ["one\n"] * 3
        assert shell.runs() - before == 1


@pytest.mark.table
@pytest.mark.parametrize("lane", LINES)
@pytest.mark.parametrize("where", ["ff", "$HOME/ff", "--in=ff"])
def test_a_named_pipe_is_read_by_the_command_alone(shell: Shell, lane: str, where: str) -> None:
    for folder in (shell.project, shell.home):
        os.mkfifo(folder / "ff")
    pipe = where.removeprefix("--in=")
    for text in ("one", "two"):
        done = shell.call(f"(echo {text} >{pipe}) & {LINES[lane]} {where}; wait")
        assert (done.stdout, done.returncode) == (f"{text}\n", 0)


@pytest.mark.table
@pytest.mark.parametrize("lane", LINES)
@pytest.mark.parametrize("given", ["<(echo {})", "data <(echo {})", "--in=<(echo {})"])
def test_what_a_shell_substitutes_is_in_no_key(shell: Shell, lane: str, given: str) -> None:
    if given.startswith("--") and shell.kind == "zsh":
        pytest.skip("zsh substitutes whole words")
    for text in ("one", "two"):
        done = shell.call(f"{LINES[lane]} {given.format(text)}")
        assert (done.stdout.splitlines()[-1:], done.returncode) == ([text], 0)


@pytest.mark.parametrize("lane", LINES)
@pytest.mark.parametrize("shell", ["bash"], indirect=True)  # zsh opens no number of two digits
def test_a_variable_that_names_a_descriptor_is_in_no_key(shell: Shell, lane: str) -> None:
    for text in ("one", "two"):
        done = shell.call(f"exec 11< <(echo {text}); IN=/dev/fd/11 {LINES[lane]} data")
        assert (done.stdout, done.returncode) == (f"one\n{text}\n", 0)


def test_standard_input_by_name_is_in_the_key(shell: Shell) -> None:
    for lane in ("a built-in rule", "a script of a skill"):
        for text in ("one", "two"):
            before = shell.runs()
            for _ in range(2):
                assert shell.call(f"echo {text} | {LINES[lane]} /dev/stdin").stdout == f"{text}\n"
            assert shell.runs() - before == 1


def test_a_socket_that_is_given_is_left_to_the_command(shell: Shell) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.getcwd()
        os.chdir(shell.project)
        listening.bind("sock")
        os.chdir(here)
        for line in (LINES["a built-in rule"], LINES["skillcache run"]):
            shell.same(f"{line} data sock", runs=2)


def test_a_descriptor_that_a_variable_names_is_the_command_s_to_read() -> None:
    for name, value in {"IN": "/dev/fd/9", "X": f"/proc/self/fd/{'9' * 5000}"}.items():
        with pytest.raises(Bypass) as caught:
            require_files(("pytest", "-q"), "/", {name: value})
        assert caught.value.outcome is UNCAPTURABLE
    require_files(("pytest", "-q"), "/", {"SSH_AUTH_SOCK": "/nowhere", "OUT": "/dev/fd/1"})
