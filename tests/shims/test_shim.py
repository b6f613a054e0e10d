"""A shim that becomes its program: that is as if the shim had not been there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from skillcache.commands.shims.session import prepare
from skillcache.core.paths import hooks_folder
from skillcache.settings.in_force import load
from tests.conftest import require_program
from tests.shims.shell import Shell, environment

# Of no shell's script: that one is given a PATH without us.
_ENVIRONMENT = '#!/usr/bin/perl\nopen(E, "</proc/$$/environ"); open(C, ">$ENV{COPY}"); print C <E>;\n'
_ODD = {
    "BASH_FUNC_x%%": "() { echo x; }",
    "odd.name": "value",
    "BASH_ENV": "/nonexistent/script",
    "ENV": "/nonexistent/env",
    "CDPATH": "/",
    "UID": "7",
    "OLDPWD": "/nonexistent",
    "PWD": "/nonexistent/stale",
    "SHLVL": "3",
    "_": "whoever",
    "LC_CTYPE": "C",
}


def _given(shell: Shell, words: list[str], environ: dict[str, str]) -> dict[bytes, bytes]:
    copy = shell.base / "copy"
    copy.unlink(missing_ok=True)
    subprocess.run(words, env={**environ, "COPY": str(copy)}, cwd=shell.project, check=True, stdin=subprocess.DEVNULL)
    return environment(copy)


@pytest.mark.parametrize("words", [["install"], ["check", "."]])
@pytest.mark.parametrize("odd", [{}, _ODD], ids=["plain", "odd"])
def test_the_program_gets_the_environment_that_it_would_have(
    bash: Shell, words: list[str], odd: dict[str, str]
) -> None:
    tool = bash.tool("ruff", _ENVIRONMENT)
    bash.start()
    environ = {"SHLVL": "1", "PATH": f"{bash.shims()}:{bash.environ['PATH']}", **odd}
    environ |= {name: value for name, value in bash.environ.items() if name.startswith(("SKILL", "HOME", "CLAUDE"))}
    without = _given(bash, [str(tool), *words], environ)
    assert _given(bash, [str(bash.shims() / "ruff"), *words], environ) == without


@pytest.mark.parametrize("words", ["install", "check ."])
def test_a_shell_names_the_program_itself(shell: Shell, words: str) -> None:
    tool = shell.tool("ruff", _ENVIRONMENT)
    shell.start()
    shell.call(f"ruff {words}; true", COPY=str(shell.base / "copy"))
    given = environment(shell.base / "copy")
    assert given[b"_"] == bytes(tool)
    assert b"LC_CTYPE" not in given
    assert not [name for name in given if name.startswith(b"_skillcache")]


def test_the_program_has_the_name_that_it_was_called_by(bash: Shell) -> None:
    (bash.bin / "ruff").symlink_to("/bin/bash")
    bash.start()
    for line in ("ruff -c 'echo $0 $1'", "ruff -c 'echo $BASH_ARGV0; echo $0' check"):
        assert bash.call(line).stdout == bash.run(line).stdout


def test_nothing_on_path_leads_a_shim_to_a_shim(bash: Shell) -> None:
    tool = bash.tool("ruff")
    bash.start()
    here = bash.shims()
    other = bash.base / "other version"
    shutil.copytree(here, other, symlinks=True)
    links = [bash.base / "a", bash.base / "b", bash.base / "c"]
    for folder, target in zip(links, (here / "ruff", other / "ruff", here / ".shim"), strict=True):
        folder.mkdir()
        (folder / "ruff").symlink_to(target)
    shutil.copy(here / ".shim", bash.project / "ruff")  # in the folder of an empty entry
    before = ":".join(map(str, (here, other, *links)))
    for path in (f"{before}:{tool.parent}:/usr/bin:/bin", f"::{before}:.:{here}:../bin:/usr/bin:/bin"):
        assert bash.call("ruff rule; ruff check .", PATH=path).stdout == "ruff says <rule>\nruff says <check> <.>\n"
    done = bash.call("ruff rule", PATH=f"::{before}:/usr/bin:/bin")
    assert (done.stdout, done.returncode) == ("bash: line 1: ruff: command not found\n", 127)
    # It names each tool that there is, and leads to none of them.
    path, runs = f"{before}:{tool.parent}:/usr/bin:/bin", bash.runs()
    bash.tool("mypy")
    bash.call("ruff check .", PATH=path)
    assert bash.runs() == runs


def test_a_tool_that_went_away_is_not_found_in_the_shells_words(shell: Shell) -> None:
    tool = shell.tool("ruff")
    shell.start()
    tool.unlink()
    said = {"bash": "bash: line 1: ruff: command not found\n", "zsh": "zsh:1: command not found: ruff\n"}
    done = shell.call("ruff check .")
    assert (done.stdout, done.returncode) == (said[shell.kind], 127)


@pytest.mark.parametrize("variable", ["1", "true", "yes"])
def test_switched_off_it_becomes_the_program(bash: Shell, variable: str) -> None:
    bash.tool("ruff")
    bash.start()
    for _ in range(2):
        assert bash.call("ruff check .", SKILLCACHE_DISABLE=variable).stdout == "ruff says <check> <.>\n"
    assert bash.runs() == 2


@pytest.mark.parametrize("gone", ["entry", "python", "package"])
def test_without_what_answers_it_becomes_the_program(bash: Shell, gone: str) -> None:
    bash.tool("ruff")
    bash.start()
    hook, python = f"{hooks_folder()}/stand_in.py", os.path.realpath(sys.executable)
    name, old, new = {
        "entry": (".shim", f"'{hook}'", "/nonexistent"),
        "python": (".shim", f"'{python}'", "/nonexistent/python"),
        "package": (".stand_in.py", repr(hook), "'/nonexistent/hooks/stand_in.py'"),
    }[gone]
    file = bash.shims() / name
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    for _ in range(2):
        done = bash.call("ruff check .")
        assert done.stdout == "ruff says <check> <.>\n"
    assert bash.runs() == 2


def test_without_its_own_copy_of_the_entry_it_becomes_the_program(bash: Shell) -> None:
    bash.tool("ruff")
    bash.start()
    (bash.shims() / ".stand_in.py").unlink()
    assert bash.call("ruff check .").stdout == "ruff says <check> <.>\n"


def test_shims_of_another_manager_work_behind_it(tmp_path: Path) -> None:
    pyenv = Path(require_program("pyenv"))
    bash = Shell(tmp_path, "bash", plain=True)  # it knows no blanks in its own paths
    root = bash.base / "pyenv"
    bash.tool("ruff", folder=root / "versions/3.0/bin")
    bash.tool("python", folder=root / "versions/3.0/bin")
    environ = {
        "PYENV_ROOT": str(root),
        "PYENV_VERSION": "3.0",
        "PATH": f"{root}/shims:{pyenv.parent}:{bash.environ['PATH']}",
    }
    subprocess.run([str(pyenv), "rehash"], env={**bash.environ, **environ}, check=True)
    bash.environ |= environ
    bash.start()
    for _ in range(2):
        assert bash.call("ruff check .; ruff rule").stdout == "ruff says <check> <.>\nruff says <rule>\n"
    # The next of that name on PATH, and where that is a shim, not that one again.
    bash.tool("ruff", "#!/bin/sh\necho of the system\n")
    for line in ("ruff check .", "ruff rule"):
        assert bash.call(line, PYENV_VERSION="system").stdout == "of the system\n"


def test_where_no_shim_would_start_nothing_is_written(bash: Shell) -> None:
    bash.tool("ruff")
    file = bash.base / "hook.sh"
    for environ in ({"LC_ALL": "xx_YY.UTF-8"}, {"HOME": "/proc"}):
        given = {**bash.environ, **environ, "CLAUDE_ENV_FILE": str(file)}
        before = os.environ.copy()
        os.environ |= environ
        try:
            made = prepare(given, str(bash.project), "one", load(given, str(bash.project)))
        except OSError:
            made = False
        finally:
            os.environ.clear()
            os.environ.update(before)
        assert not made
        assert not file.exists()
