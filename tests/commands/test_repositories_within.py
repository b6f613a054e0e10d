"""Submodules and repositories in folders of a project: their text, their folders and what git knows of them count."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.commands.test_beyond_the_project import call, counts, led, real, write
from tests.shims.shell import Shell

KINDS = ("submodule", "nested", "ignored")


@pytest.fixture(params=KINDS)
def shell(tmp_path: Path, request: pytest.FixtureRequest) -> Shell:
    """A project with another repository in its folder `sub`."""
    made = led(tmp_path, "pytest")
    for name in ("AUTHOR", "COMMITTER"):
        made.environ |= {f"GIT_{name}_NAME": "A", f"GIT_{name}_EMAIL": "a@example.org"}
    place = made.base / "other" if request.param == "submodule" else made.project / "sub"
    write(place / "data", "one\n")
    git(made, "git init -q; git add -A; git commit -q -m one; git tag v1", place)
    if request.param == "submodule":
        git(made, f"git -c protocol.file.allow=always submodule --quiet add {place} sub", made.project)
    write(made.project / ".gitignore", "sub/\n" if request.param == "ignored" else "")
    made.start()
    return made


def git(shell: Shell, line: str, at: Path) -> None:
    subprocess.run(["sh", "-ec", line], cwd=at, env=shell.environ, check=True, stdout=subprocess.DEVNULL)


TEXTS = {
    "open('../fixture.txt')": "../fixture.txt",
    "(Path(__file__).parents[3] / 'shared' / 'x.txt').read_text()": "../shared/x.txt",
    "open(os.path.expanduser('~/.config/app.json'))": "~/.config/app.json",
}


@pytest.mark.table
def test_what_their_text_names_counts(shell: Shell) -> None:
    for text, path in TEXTS.items():
        write(shell.project / "sub/t/test_s.py", text)
        write(real(shell, path), "one\n")
        counts(shell, "pytest -q", path)


def test_so_do_the_programs_and_the_variables(shell: Shell) -> None:
    write(shell.project / "sub/t/test_s.py", "run(['frob'])\nos.environ['EDITOR']\n")
    keys = []
    for text in ("one", "two"):
        shell.tool("frob", f"#!/bin/sh\necho {text}\n")
        keys.append(shell.key("pytest -q", EDITOR="vi"))
    assert shell.key("pytest -q", EDITOR="vi") == keys[1]
    assert len({*keys, shell.key("pytest -q", EDITOR="ed")}) == 3


@pytest.mark.table
def test_so_do_their_folders_and_permissions(shell: Shell) -> None:
    """And what runs there is run again for them, and given while they stay."""
    write(shell.base / "do.sh", "ls -d sub/out; stat -c %a sub/data\n")
    call(shell, "pytest -q", 1, "first")
    (shell.project / "sub/out").mkdir()
    call(shell, "pytest -q", 1, "an empty folder")
    call(shell, "pytest -q", 0, "as before")
    key = shell.key("pytest -q")
    (shell.project / "sub/data").chmod(0o600)
    assert shell.key("pytest -q") != key, "other permissions"


@pytest.mark.table
@pytest.mark.parametrize("path", ["test_a.py", "sub/test_s.py"])
def test_so_does_what_a_text_asks_git_of_them(shell: Shell, path: str) -> None:
    write(shell.project / path, "run(['git', 'describe', '--tags'], cwd='sub')")
    first, again = shell.key("pytest -q"), shell.key("pytest -q")
    git(shell, "git tag v2", shell.project / "sub")
    assert first == again != shell.key("pytest -q")


def test_a_text_that_asks_nothing_leaves_their_state_out(shell: Shell) -> None:
    first = shell.key("pytest -q")
    git(shell, "git tag v2; git commit -q --allow-empty -m two", shell.project / "sub")
    assert shell.key("pytest -q") == first
    assert os.listdir(shell.project / "sub")
