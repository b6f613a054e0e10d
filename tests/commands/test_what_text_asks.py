"""What the project's text asks git, the environment and programs for counts for it, and for no other project."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.commands.test_beyond_the_project import call, counts, led, write
from tests.shims.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = led(tmp_path, "pytest", "npm")
    made.environ |= {"GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.org"}
    made.environ |= {"GIT_COMMITTER_NAME": "A", "GIT_COMMITTER_EMAIL": "a@example.org"}
    made.start()
    return made


def git(shell: Shell, line: str) -> None:
    subprocess.run(["sh", "-ec", line], cwd=shell.project, env=shell.environ, check=True, stdout=subprocess.DEVNULL)


COMMIT, TAG, BRANCH = "git commit -q --allow-empty -m next", "git tag v1", "git checkout -q -b other"
STAGE, REMOTE = "echo 1 > new; git add new; git rm -q --cached data", "git remote add origin x"
FETCH = "git update-ref refs/remotes/origin/main $(git commit-tree -m z HEAD^{tree})"
NOTE = "git notes add -m note"
MERGE = "git rev-parse HEAD > .git/MERGE_HEAD"
# Text -> what changes its report, and what does not.
ASKING = {
    "check_output(['git', 'rev-list', '--count', 'HEAD'])": ([COMMIT], [TAG, REMOTE]),
    "run('git describe --tags', shell=True)": ([COMMIT, TAG], [REMOTE]),
    "run(\n    ['git', '-C', here, 'log',\n     '-1'])": ([COMMIT], [TAG]),
    "run(['git'] + 'describe --tags'.split())": ([TAG], [REMOTE]),
    "GIT = 'git'\nrun([GIT, '--no-pager', 'branch'])": ([BRANCH], [REMOTE]),
    "def git(*args): ...\ngit('remote', '-v')": ([REMOTE], [COMMIT, TAG]),
    'Command::new("git")\n    .args(["describe", "--tags"])': ([TAG], [REMOTE]),
    "run(['git', 'diff', '--stat', 'origin/main...'])": ([FETCH], [REMOTE]),
    "run('git ls-files', shell=True)": ([STAGE], [REMOTE, TAG]),
    "run('git ls-files --with-tree=HEAD', shell=True)": ([STAGE, COMMIT], [REMOTE]),
    "run('git grep -q x HEAD', shell=True)": ([COMMIT], [REMOTE]),
    "run('git rev-parse --abbrev-ref HEAD', shell=True)": ([BRANCH], []),
    "run(['git', 'status', '-sb'])": ([BRANCH], []),
    "run(['git', 'log', '-1', '--format=%D'])": ([TAG], []),
    "run(['git', 'rev-list', '--all', '--count'])": ([TAG], []),
    "run('git rev-parse --verify v1', shell=True)": ([TAG], []),
    "run(['git', 'tag', '--points-at', 'HEAD'])": ([TAG, COMMIT], []),
    "run(['git', 'branch', '-a'])": ([FETCH], [REMOTE]),
    "run(['git', 'log', '-1'])  # with notes": ([NOTE], [TAG]),
    "run('git ls-remote . x', shell=True)": ([TAG], [REMOTE]),
    "command = 'describe'\nrun(['git', command, '--tags'])": ([TAG], [REMOTE]),
    "base = ['git', '-C', '.']\nrun(base + ['rev-list', '--count', 'HEAD'])": ([COMMIT], [TAG]),
    "def ask(*given): return run(['git', *given])\nask('describe', '--tags')": ([TAG], [REMOTE]),
    "VCS = 'git'\nrun(VCS + ' rev-list --count HEAD', shell=True)": ([COMMIT], [TAG]),
    "run([shutil.which('git'), 'remote'])": ([REMOTE], [TAG]),
    "run([os.environ.get('GIT_PROGRAM', 'git'), 'tag'])": ([TAG], [REMOTE]),
    "const ask = c => execSync(`git ${c}`)\nask('rev-list --count HEAD')": ([COMMIT], [TAG]),
    "d = check_output(['git', 'rev-parse', '--git-dir'])\nexists(d + '/MERGE_HEAD')": ([MERGE], [REMOTE]),
    "run(['git', 'config', 'core.hooksPath'])": ([REMOTE], [TAG]),
    "run(['git', 'config', 'user.name', 'x'])\nrun([GIT, 'init'])": ([], [TAG, REMOTE, COMMIT]),
    "def git(*given): return run(['git', *given])\ngit('init')\ngit('commit')": ([], [TAG, REMOTE, COMMIT]),
    "from setuptools_scm import get_version": ([TAG, COMMIT], []),
    "git.Repo('.').head": ([BRANCH], []),
    "open('.git/HEAD')": ([BRANCH], [REMOTE]),
    "(ROOT / '.git' / 'MERGE_HEAD').exists()": ([MERGE], [REMOTE]),
    "run(['git', 'rev-parse', '--show-toplevel'])\nDIGITS = 'git-log'": ([], [COMMIT, TAG, REMOTE]),
    "run(['git', 'init', '-q'])\nrun('git config user.name x')": ([], [COMMIT, TAG, REMOTE]),
    "x.isdigit() or log(github)  # legit status": ([], [COMMIT, REMOTE]),
    "# git log\n// git status\n * git describe": ([], [COMMIT, TAG]),
}


@pytest.mark.table
@pytest.mark.parametrize("text", ASKING)
def test_what_a_text_asks_git_counts_as_far_as_it_asks(shell: Shell, text: str) -> None:
    (shell.project / "test_a.py").write_text(text)
    git(shell, "git add -A; git commit -q -m first")
    for change in ASKING[text][1]:
        key = shell.key("pytest -q")
        git(shell, change)
        assert shell.key("pytest -q") == key, change
        git(shell, "git reset -q --mixed HEAD; git tag -d v1 || true; git remote remove origin || true")
    for change in ASKING[text][0]:
        key = shell.key("pytest -q")
        git(shell, change)
        assert shell.key("pytest -q") != key, change


# What the test says, the script that it starts, and what that one goes on to.
STARTED = {
    "run(['sh', 'v.sh'])": {"v.sh": "git describe --tags\n"},
    "run(['./scripts/version'])": {"scripts/version": "#!/bin/sh\ngit describe --tags\n"},
    "run(['sh', 'a.sh'])": {"a.sh": ". ./lib.sh\n", "lib.sh": "ver() { git describe --tags; }\n"},
    "run(['make', '-s', 'ver'])": {"Makefile": "ver:\n\t@git describe --tags\n"},
    "from gitx import ask\nask('describe', '--tags')": {"gitx.py": "def ask(*a): return run(['git', *a])\n"},
}


@pytest.mark.table
@pytest.mark.parametrize("text", STARTED)
def test_a_script_asks_git_where_a_test_starts_it(shell: Shell, text: str) -> None:
    write(shell.project / "test_a.py", text)
    for path, said in STARTED[text].items():
        write(shell.project / path, said)
    git(shell, "git add -A; git commit -q -m first")
    (shell.base / "do.sh").write_text("git tag\n")
    call(shell, "pytest -q", 1, "first")
    git(shell, TAG)
    call(shell, "pytest -q", 1, "a tag more")
    write(shell.project / "test_a.py", "nothing is started")
    git(shell, "git add -A; git commit -q -m first")
    (shell.base / "do.sh").write_text("echo end\n")
    call(shell, "pytest -q", 1, "another text")
    git(shell, "git tag v2")
    call(shell, "pytest -q", 0, "nobody starts the script")


def test_a_task_asks_git_by_its_own_text_and_the_scripts_that_it_calls(shell: Shell) -> None:
    (shell.project / "package.json").write_text('{"scripts": {"test": "sh ./t.sh", "release": "git tag"}}')
    (shell.project / "t.sh").write_text("git rev-list --count HEAD\n")
    (shell.project / "release.sh").write_text("git describe --tags\n")
    git(shell, "git add -A; git commit -q -m first")
    (shell.base / "do.sh").write_text("git rev-list --count HEAD\n")
    call(shell, "npm test", 1, "first")
    git(shell, COMMIT)
    call(shell, "npm test", 1, "one commit more")


# What goes by changes, by its manual: jest, biome, pnpm, turbo, nx, lint-staged, pre-commit and others.
BY_CHANGES = {
    "jest --changedSince=origin/main": FETCH,
    "biome check --staged": STAGE,
    "pnpm --filter ...[origin/main] test": FETCH,
    "turbo run test --filter=[HEAD^1]": COMMIT,
    "nx affected -t test": COMMIT,
    "nx format:check": COMMIT,
    "lint-staged": STAGE,
    "pre-commit run --all-files": STAGE,
    "diff-cover coverage.xml --compare-branch=origin/main": FETCH,
    "commitlint --last": COMMIT,
    "changeset status": COMMIT,
}


@pytest.mark.table
@pytest.mark.parametrize("text", BY_CHANGES)
def test_a_task_depends_on_git_where_its_tools_go_by_what_has_changed(shell: Shell, text: str) -> None:
    write(shell.project / "package.json", json.dumps({"scripts": {"test": text}}))
    git(shell, "git add -A; git commit -q -m first; git update-ref refs/remotes/origin/main HEAD")
    first, again = shell.key("npm test"), shell.key("npm test")
    git(shell, BY_CHANGES[text])
    assert first == again != shell.key("npm test")


def test_and_not_where_another_task_does(shell: Shell) -> None:
    given = {"scripts": {"test": "jest", "prepare": "husky", "lint": "eslint ."}, "lint-staged": {"*": "eslint"}}
    write(shell.project / "package.json", json.dumps(given))
    git(shell, "git add -A; git commit -q -m first")
    key = shell.key("npm test")
    git(shell, COMMIT)
    assert shell.key("npm test") == key


def test_spotless_goes_by_a_branch_where_it_is_configured_so(shell: Shell) -> None:
    shell.tool("mvn")
    shell.tool("java")
    write(shell.project / "pom.xml", "<ratchetFrom>origin/main</ratchetFrom>")
    git(shell, "git add -A; git commit -q -m first")
    key = shell.key("mvn spotless:check")
    git(shell, FETCH)
    assert shell.key("mvn spotless:check") != key


# Path and text that asks for the place.
PLACES = [
    ("test_a.py", "assert Path.cwd().name == 'project'"),
    ("test_a.py", "os.path.basename(os.getcwd())"),
    ("a.js", "path.basename(process.cwd())"),
    ("t/test_a.py", "Path(__file__).resolve().parents[1].name"),
    ("test_a.py", "os.path.isdir('.git')"),
    ("test_a.py", "(ROOT / '.git').is_dir()"),
    ("test_a.py", "open('.git/HEAD')"),
    ("pytest.ini", "[pytest]\naddopts = --ignore-glob=*/worktrees/*\n"),
    ("package.json", '{"jest": {"testPathIgnorePatterns": ["/\\\\.work/"]}}'),
]
ASKING_NOTHING = [
    ("test_a.py", "run([file.name], cwd=tmp_path)"),
    ("test_a.py", "os.path.basename(__file__)"),
    ("setup.cfg", "[flake8]\nexclude = .git, .work\n"),
    ("package.json", '{"jest": {"testPathIgnorePatterns": ["<rootDir>/.work/"]}}'),
]


@pytest.mark.table
@pytest.mark.parametrize(("path", "text"), PLACES + ASKING_NOTHING)
def test_where_the_project_lies_counts_where_a_text_asks_for_it(shell: Shell, path: str, text: str) -> None:
    write(shell.project / path, text)
    git(shell, "git add -A; git commit -q -m first; git worktree add -q ../.work/worktrees/other")
    other = shell.base / ".work/worktrees/other"
    is_another = shell.key("pytest -q") != shell.key("pytest -q", folder=str(other))
    assert is_another is ((path, text) in PLACES)


@pytest.mark.parametrize("name", ["run/app.sock", "pipe"])
def test_a_socket_and_a_pipe_count_by_being_there(shell: Shell, name: str) -> None:
    write(shell.project / "run/data", "one\n")
    first = shell.key("pytest -q")
    makes = "socket.socket(socket.AF_UNIX).bind" if name.endswith(".sock") else "os.mkfifo"
    git(shell, f"python3 -c \"import os, socket; {makes}('{name}')\"")
    assert shell.key("pytest -q") == shell.key("pytest -q") != first
    (shell.project / name).unlink()
    assert shell.key("pytest -q") == first


def test_a_file_that_git_takes_for_another_by_its_case_is_seen(shell: Shell) -> None:
    (shell.project / "Data.txt").write_text("one\n")
    git(shell, "git add -A; git commit -q -m first; git config core.ignorecase true; mv Data.txt data.txt")
    first = shell.key("pytest -q")
    (shell.project / "data.txt").write_text("two\n")
    assert shell.key("pytest -q") != first


READING = [
    ("os.environ['EDITOR']", "EDITOR"),
    ("os.environ.get('PAGER')", "PAGER"),
    ("process.env.USER", "USER"),
    ("getpass.getuser()", "LOGNAME"),
    ("os.environ['XDG_RUNTIME_DIR']", "XDG_RUNTIME_DIR"),
    ("os.getenv('CLAUDE_CODE_ENTRYPOINT')", "CLAUDE_CODE_ENTRYPOINT"),
    ("os.getenv('HOSTNAME')", "HOSTNAME"),
    ("{k: v for k, v in os.environ.items() if k.startswith('GNOME_')}", "GNOME_SHELL"),
]


def test_a_variable_that_does_not_count_does_where_a_text_reads_it(shell: Shell) -> None:
    source = shell.project / "test_a.py"
    for text, name in READING:
        for read in (text, "nothing is read here"):
            source.write_text(read)
            one, other, again = (shell.key("pytest -q", **{name: value}) for value in ("one", "two", "one"))
            assert one == again, read
            assert (one != other) is (read == text), text


def test_only_a_task_runs_scripts_and_what_they_read(shell: Shell) -> None:
    (shell.project / "deploy.sh").write_text("echo $USER\n")
    (shell.project / "package.json").write_text('{"scripts": {"test": "node t.js"}}')
    names = ({"USER": "one"}, {"USER": "two"})
    assert len({shell.key("pytest -q", **name) for name in names}) == 1
    assert len({shell.key("npm test", **name) for name in names}) == 2


VALUES = {
    "DATABASE_URL": ("sqlite:///../test.db", "../test.db"),
    "DB": ("sqlite:////{base}/x/test.sqlite3", "../x/test.sqlite3"),
    "MYAPP_MODEL": ("{base}/x/model.bin", "../x/model.bin"),
    "MAKEFILES": ("{base}/x/g.mk", "../x/g.mk"),
    "NODE_OPTIONS": ("--require={base}/x/a.cjs", "../x/b.js"),  # which the first requires
}


@pytest.mark.parametrize("name", VALUES)
def test_a_file_that_a_value_names_counts_whatever_it_is_called_and_what_that_leads_to(shell: Shell, name: str) -> None:
    value, path = VALUES[name]
    write(shell.base / "x/a.cjs", "require('./b')\n")
    counts(shell, "pytest -q", path, **{name: value.format(base=shell.base)})


def test_a_file_that_a_value_names_and_each_run_writes_does_not(shell: Shell) -> None:
    (shell.base / "do.sh").write_text('date +%s%N > "$MYAPP_NOTES"; echo end\n')
    given = {"MYAPP_NOTES": str(shell.base / "x/notes.bin")}
    write(shell.base / "x/notes.bin", "")
    runs = [shell.runs()]
    for _ in range(5):
        shell.call("pytest -q", **given)
        runs.append(shell.runs())
    assert runs[-1] == runs[-2]


def test_a_program_that_a_value_names_counts(shell: Shell) -> None:
    for value in ("frob", "LC_ALL=C frob -x", "nice frob"):
        shell.tool("frob", "#!/bin/sh\necho one\n")
        first = shell.key("pytest -q", MYTOOL=value)
        shell.tool("frob", "#!/bin/sh\necho two\n")
        assert shell.key("pytest -q", MYTOOL=value) != first, value


SCRIPTS = {
    "(pathlib.Path(__file__).resolve().parent.parent / 'share' / 'frob' / 'd.txt').read_text()": "share/frob/d.txt",
    "sys.path.insert(0, os.path.join(os.path.dirname(__file__), '..', 'libx'))\nimport core": "libx/core.py",
}


@pytest.mark.parametrize("text", SCRIPTS)
def test_what_lies_around_a_program_that_a_text_names_counts_where_the_program_goes_there(
    shell: Shell, text: str
) -> None:
    (shell.project / "test_a.py").write_text("run(['frob'])")
    shell.tool("frob", f"#!/usr/bin/env python3\nimport os, pathlib, sys\n{text}\n", shell.base / "opt/bin")
    shell.environ["PATH"] = f"{shell.base}/opt/bin:{shell.environ['PATH']}"
    counts(shell, "pytest -q", f"{shell.base}/opt/{SCRIPTS[text]}")


KEPT = {  # what hypothesis 6.170, eslint 10, stylelint 17 and prettier 3 were seen to read before they look
    "from hypothesis import given": ("pytest -q", ".hypothesis/examples/0a/1b"),
    "eslint --cache .": ("npm test", ".eslintcache"),
    "stylelint --cache x.css": ("npm test", ".stylelintcache"),
    "eslint --cache --cache-location=.caches/eslint .": ("npm test", ".caches/eslint"),
    "prettier --check --cache .": ("npm test", "node_modules/.cache/prettier/.prettier-cache"),
}


@pytest.mark.table
@pytest.mark.parametrize("text", KEPT)
def test_what_a_tool_keeps_and_goes_by_counts(shell: Shell, text: str) -> None:
    line, path = KEPT[text]
    (shell.project / "test_a.py").write_text(text if line == "pytest -q" else "")
    (shell.project / "package.json").write_text(json.dumps({"scripts": {"test": text}}))
    (shell.project / ".gitignore").write_text(".hypothesis\n.eslintcache\n.stylelintcache\n.caches\nnode_modules\n")
    counts(shell, line, path)


@pytest.mark.parametrize("text", ["jest -o", "jest --ci -o src"])
def test_a_task_that_tests_what_has_changed_depends_on_the_commit(shell: Shell, text: str) -> None:
    (shell.project / "package.json").write_text(json.dumps({"scripts": {"test": text}}))
    git(shell, "git add -A; git commit -q -m first")
    key = shell.key("npm test")
    git(shell, COMMIT)
    assert shell.key("npm test") != key


@pytest.mark.parametrize("option", ["onlyChanged: true", "lastCommit: true"])
def test_and_so_does_jest_where_it_is_configured_so(shell: Shell, option: str) -> None:
    shell.tool("jest")
    (shell.project / "jest.config.js").write_text(f"module.exports = {{{option}}}")
    git(shell, "git add -A; git commit -q -m first")
    key = shell.key("jest")
    git(shell, COMMIT)
    assert shell.key("jest") != key


def test_a_process_without_a_network_is_another(shell: Shell) -> None:
    alone = ["unshare", "--net", "--map-root-user"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no namespaces for this user")
    (shell.base / "do.sh").write_text("grep -c : /proc/net/dev\n")
    shell.tool("alone", f'#!/bin/sh\nexec {" ".join(alone)} "$@"\n')
    call(shell, "pytest -q", 1, "first")
    before = shell.runs()
    assert shell.call("alone bash -c 'pytest -q; :'").stdout == shell.run("alone bash -c 'pytest -q; :'").stdout
    assert shell.runs() > before + 1


def test_a_package_that_is_named_with_a_module_of_it_counts(shell: Shell) -> None:
    write(shell.base / "conftest.py", "pytest_plugins = ['plugged.fixtures']\n")
    counts(shell, "pytest -q", "../plugged/deep.py")
