"""What the project's text leads to, at home and on the machine: programs have settings, suites a past."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.commands.test_beyond_the_project import call, counts, led, prints, real, write
from tests.shims.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = led(tmp_path, "pytest")
    made.start()
    return made


# git, curl, jq, npm and zsh were seen to read theirs; the others by their manuals; nobody has heard of `frob`: what
# is called after a program is its own.
SETTINGS = {
    'run(["git", "init"])': "~/.gitconfig ~/.config/git/config ~/.config/git/attributes",
    'run(["curl", "-s", url])': "~/.curlrc ~/.config/curlrc",
    'run("timeout 5 jq -n f", shell=True)': "~/.jq",
    'run(["npm", "config", "get", "x"])': "~/.npmrc",
    'run(["frob"])': "~/.frobrc ~/.config/frob/config.toml ~/.config/frob.yaml ~/.frob/settings.json"
    " ~/.config/frob/ignore ~/.config/frob/conf.d/x ~/.frob/init.d/x.frob",
    'run(["go", "build"])': "~/.config/go/env",
    'run(["mvn", "-q"])': "~/.m2/settings.xml",
    'run(["gradle", "x"])': "~/.gradle/init.d/x.gradle ~/.gradle/gradle.properties",
    'run(["zsh", "-c", "x"])': "~/.zshenv",
    'run(["sqlite3", "x.db"])': "~/.sqliterc",
    'run(["mysql", "-e", "x"])': "~/.my.cnf",
    "run(\"bash -lc 'echo x'\", shell=True)": "~/.bash_profile ~/.profile",
}


@pytest.mark.parametrize("text", SETTINGS)
def test_the_settings_of_a_program_that_a_test_starts_count(shell: Shell, text: str) -> None:
    for name in ("curl", "jq", "npm", "frob", "sqlite3", "mysql", "go", "mvn", "gradle"):
        if name in text:
            shell.tool(name)
    paths = SETTINGS[text].split()
    prints(shell, *paths)
    call(shell, "pytest -q", 1, "first")
    (shell.project / "test_a.py").write_text(text)
    call(shell, "pytest -q", 1, "the project is another")
    for path in paths:
        file = real(shell, path)
        for value, runs in (("one", 1), ("two", 1), ("two", 0)):
            write(file, f"[x]\n\ty = {value}\n")
            call(shell, "pytest -q", runs, f"{path} is {value}")
        file.unlink()
    call(shell, "pytest -q", 0, "all as in the beginning")


def test_those_of_others_do_not(shell: Shell) -> None:
    prints(shell, "data")
    shell.tool("frob")
    call(shell, "pytest -q", 1, "first")
    for path in ("~/.frobrc", "~/.config/frob/config.toml", "~/.curlrc", "~/.jq", "~/.bash_profile"):
        write(real(shell, path), "one\n")
    call(shell, "pytest -q", 0, "no text names the programs")


def test_they_lie_where_a_variable_says(shell: Shell) -> None:
    (shell.project / "test_a.py").write_text('run(["git", "init"])')
    elsewhere = {"XDG_CONFIG_HOME": str(shell.base / "settings")}
    prints(shell, "../settings/git/config")
    call(shell, "pytest -q", 1, "first", **elsewhere)
    for value, runs in (("one", 1), ("two", 1), ("two", 0)):
        write(real(shell, "../settings/git/config"), f"[x]\n\ty = {value}\n")
        call(shell, "pytest -q", runs, value, **elsewhere)


GIT = "[user]\n\tname = {}\n[alias]\n\tst = {}\n[core]\n\teditor = {}\n[init]\n\tdefaultBranch = main\n"


def test_people_with_the_same_settings_share_but_where_a_text_asks_who_they_are(shell: Shell) -> None:
    file = shell.home / ".gitconfig"
    file.write_text(GIT.format("one", "status", "vi"))
    (shell.project / "test_a.py").write_text('run(["git", "init"])')
    prints(shell, "data")
    call(shell, "pytest -q", 1, "first")
    file.write_text(GIT.format("two", "stash", "ed"))
    call(shell, "pytest -q", 0, "another person")
    file.write_text(GIT.format("two", "stash", "ed").replace("main", "trunk"))
    call(shell, "pytest -q", 1, "another branch")
    for text, to in (('run(["git", "config", "user.name"])', "three"), ('run(["git", "st"])', "stage")):
        (shell.project / "test_a.py").write_text(text)
        prints(shell, "~/.gitconfig")
        file.write_text(GIT.format("two", "stash", "ed"))
        call(shell, "pytest -q", 1, f"{text} is asked")
        file.write_text(GIT.format(*(("three", "stash") if to == "three" else ("two", to)), "ed"))
        call(shell, "pytest -q", 1, f"{text} is another")


def test_what_git_s_settings_name_counts_where_a_text_runs_git(shell: Shell) -> None:
    write(
        shell.home / ".gitconfig",
        "[init]\n\ttemplateDir = ~/.tmpl\n[core]\n\thooksPath = hooks\n[include]\n\tpath = work.inc\n",
    )
    paths = ("~/.tmpl/hooks/pre-commit", "~/hooks/pre-push", "~/work.inc", "~/more.inc")
    write(shell.home / "work.inc", "[include]\n\tpath = more.inc\n")
    for path in (paths[0], paths[1], paths[3]):
        write(real(shell, path), "one = 1\n")
    (shell.project / "test_a.py").write_text('run(["git", "init"])')
    prints(shell, *paths)
    call(shell, "pytest -q", 1, "first")
    for path in paths:
        counts(shell, "pytest -q", path)


def test_what_a_suite_keeps_in_the_cache_of_pytest_is_an_input(shell: Shell) -> None:
    kept = shell.project / ".pytest_cache/v/my/n"
    kept.parent.mkdir(parents=True)
    kept.write_text("0")
    (shell.project / ".gitignore").write_text(".pytest_cache/\n")
    (shell.project / "conftest.py").write_text("def pytest_configure(config):\n    config.cache.get('my/n', 0)\n")
    (shell.base / "do.sh").write_text(
        "n=$(cat .pytest_cache/v/my/n); echo run $n; echo $((n + 1)) >.pytest_cache/v/my/n\n"
    )
    assert [shell.call("pytest -q").stdout for _ in range(3)] == ["run 0\n", "run 1\n", "run 2\n"]
    prints(shell, ".pytest_cache/v/my/n")
    call(shell, "pytest -q", 1, "first that only reads it")
    counts(shell, "pytest -q", ".pytest_cache/v/my/n")


@pytest.mark.parametrize("name", ["apptainer", "nix-shell", "limactl", "ddev", "adb", "chroot", "podman-compose"])
def test_a_task_that_acts_elsewhere_runs(shell: Shell, name: str) -> None:
    shell.tool(name)
    shell.tool("make", '#!/bin/sh\necho make >>"$COUNTER"; echo made\n')
    (shell.project / "Makefile").write_text(f"test:\n\t@{name} run app pytest\nlint:\n\t@ruff check\n")
    shell.start()
    shell.same("make test", runs=2)
    shell.same("make lint", runs=1)


ENVIRONMENTS = {
    "Makefile": ("make test", "test:\n\t@../env/bin/python -m pytest -q\n", "../env"),
    "t.sh": ("pytest -q", ". $HOME/.virtualenvs/env/bin/activate && pytest", "~/.virtualenvs/env"),
    "test_a.py": ("pytest -q", "run([Path.home() / '.virtualenvs' / 'env/bin/python', 'x'])", "~/.virtualenvs/env"),
}


@pytest.mark.parametrize("path", ENVIRONMENTS)
def test_the_packages_of_an_environment_elsewhere_count_where_a_text_names_its_programs(
    shell: Shell, path: str
) -> None:
    line, text, place = ENVIRONMENTS[path]
    shell.tool("make", (shell.bin / "pytest").read_text())
    (shell.project / path).write_text(text)
    top = real(shell, place)
    for name in ("pyvenv.cfg", "bin/activate"):
        write(top / name, "version = 3.11\n")
    (top / "bin/python").symlink_to("/usr/bin/python3")
    package = top / "lib/python3.11/site-packages/six.py"
    shell.start()
    prints(shell, str(package))
    for content, runs in (("one\n", 1), ("two\n", 1), ("two\n", 0)):
        write(package, content)
        call(shell, line, runs, content)


def test_a_time_zone_counts_where_a_text_asks_for_it(shell: Shell) -> None:
    (shell.project / "test_a.py").write_text("time.localtime()")
    prints(shell, "data")
    (shell.base / "do.sh").write_text("date -d @0 +%H\n")
    for zone, runs in (("UTC", 1), ("Asia/Tokyo", 1), ("UTC", 0)):
        call(shell, "pytest -q", runs, zone, TZ=zone)


def test_files_that_texts_find_behind_a_variable_and_in_their_turn_count(shell: Shell) -> None:
    (shell.project / "test_a.py").write_text("open(os.path.join(os.environ['DATA_DIR'], 'x.txt'))\nimport helper")
    write(shell.base / "lib/helper.py", "open(os.path.dirname(__file__) + '/../kept/y.txt')")
    write(shell.base / "data/x.txt", "one\n")
    write(shell.base / "kept/y.txt", "one\n")
    given = {"DATA_DIR": str(shell.base / "data"), "PYTHONPATH": str(shell.base / "lib")}
    prints(shell, "../data/x.txt", "../kept/y.txt")
    call(shell, "pytest -q", 1, "first", **given)
    for path in ("../data/x.txt", "../kept/y.txt"):
        counts(shell, "pytest -q", path, **given)
    assert os.listdir(shell.base / "data") == ["x.txt"]
