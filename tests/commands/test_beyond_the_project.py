"""Configuration above the project, at home and wherever it leads: what changes there makes a command run again.

Which files a tool looks for was seen with strace of the real ones; here a program by the tool's name prints them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.shims.shell import Shell

TOOL = (
    '#!/usr/bin/perl\nsysopen(C, $ENV{COUNTER}, 02101); syswrite(C, "@ARGV\\n");\n'
    'exec "/bin/sh", join("/", $ENV{DO}, "do" . ".sh");\n'  # the script must not say what it leads to
)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return _shell(tmp_path)


def _shell(base: Path, *tools: str) -> Shell:
    """The project lies two folders below one that is not the home folder."""
    made = led(base, *tools, "pytest", "ruff", "cargo")
    deep = made.base / "src/deep"
    deep.mkdir(parents=True)
    made.project = made.project.rename(deep / "project")
    made.environ["CLAUDE_PROJECT_DIR"] = str(made.project)
    made.start()
    return made


def led(base: Path, *tools: str) -> Shell:
    """Its tools do what the script `do.sh` beside the project says."""
    made = Shell(base, "bash", plain=True)
    made.environ["DO"] = str(made.base)
    for name in tools:
        made.tool(name, TOOL)
    return made


def prints(shell: Shell, *paths: str) -> None:
    (shell.base / "do.sh").write_text("\n".join(f"cat {path} 2>/dev/null" for path in paths) + "\necho end\n")


def real(shell: Shell, path: str) -> Path:
    """Of a path as a shell in the project sees it."""
    home = str(shell.home)
    return Path(os.path.normpath(shell.project / path.replace("~", home).replace("$HOME", home)))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def call(shell: Shell, line: str, runs: int, why: object, **environ: str) -> None:
    """It ran so often, and its text is what a fresh run gives."""
    before = shell.runs()
    done = shell.call(line, **environ)
    assert shell.runs() - before == runs, why
    assert done.stdout == shell.run(line, **environ).stdout, why


def counts(shell: Shell, line: str, *paths: str, folder: str = "", says: str = "// {}", **environ: str) -> None:
    """Files that appear or change, and are in the end as they were: each time the command is known by another key."""
    first = shell.key(line, folder=folder, **environ)
    assert shell.key(line, folder=folder, **environ) == first, f"{line}: nothing changed"
    seen, held, made = {first}, dict[Path, str | None](), list[Path]()
    for path in paths:
        file = real(shell, path)
        held[file] = file.read_text() if file.exists() else None
        made += [above for above in reversed(file.parents) if not above.exists()]
        for text in ("one", "two"):
            write(file, f"{held[file] or ''}\n{says.format(text)}\n")
            key = shell.key(line, folder=folder, **environ)
            assert key not in seen, f"{line}: {path} is {text}"
            seen.add(key)
    for file, known in held.items():
        if known is None:
            file.unlink()
        else:
            file.write_text(known)
    for above in reversed(made):
        above.rmdir()
    assert shell.key(line, folder=folder, **environ) == first, f"{line}: all as in the beginning"


SEARCHED = {
    "vitest run": "../vitest.config.mjs ../../vite.config.ts ../vitest.workspace.json ../lerna.json ../deno.jsonc",
    "mocha": "../.mocharc.json ../../.mocharc.cjs ../.mocharc.yml",
    "jest": "../package.json ../../.browserslistrc ../browserslist ../babel.config.cjs ../.babelrc.json",
    "prettier --check .": "../.prettierrc.json5 ../prettier.config.mjs ../.prettierrc.toml ../package.yaml",
    "biome lint": "../biome.jsonc ../../.biome.json ~/.config/biome/biome.json",
    "stylelint a.css": "../.stylelintrc.yml ../.config/stylelintrc.mjs ~/.config/stylelintrc ~/.config/stylelintrc.js",
    "oxlint": "../.oxlintrc.json ../.eslintignore ../.gitignore",
    "eslint .": "../eslint.config.mts ../../.eslintrc.cjs ~/.eslintrc.yml",
    "tsc --noEmit": "../tsconfig.json ../../jsconfig.json",
    "markdownlint data": "../.markdownlintrc ~/.markdownlintrc ~/.markdownlint/config ~/.config/markdownlint/config",
    "cspell data": "../cspell.json ~/.config/configstore/cspell.json ~/.config/cspell/cspell.json",
    "htmlhint data": "../.htmlhintrc",
    "madge data": "../.madgerc ~/.madgerc ~/.config/madge",
    "cargo fmt --check": "../rustfmt.toml ../../.rustfmt.toml ~/.config/rustfmt/rustfmt.toml ~/rustfmt.toml",
    "cargo test": "../.cargo/config.toml ../../.cargo/config ~/.cargo/config.toml ../Cargo.toml ../rust-toolchain",
    "cargo clippy": "../clippy.toml ../.clippy.toml",
    "shellcheck data": "../.shellcheckrc ../../shellcheckrc ~/.shellcheckrc ~/.config/shellcheckrc ~/shellcheckrc",
    "shfmt -d data": "../.editorconfig",
    "yamllint data": "../.yamllint ~/.config/yamllint/config ../.yamllint.yaml",
    "pytest -q": "../pytest.ini ../.pytest.toml ../../conftest.py ../setup.py ../tox.ini ../.coveragerc",
    "ruff check": "../.ruff.toml ../../pyproject.toml ../.ignore ~/.config/ruff/ruff.toml",
    "ty check": "../ty.toml ~/.config/ty/ty.toml",
    "mypy .": "~/.mypy.ini ~/.config/mypy/config ../__init__.py",
    "black --check .": "~/.config/black",
    "flake8": "../.flake8 ../../setup.cfg",
    "pylint data": "~/.pylintrc ~/.config/pylintrc",
    "pydocstyle data": "../.pydocstyle.ini ../../.pep257",
    "pycodestyle data": "~/.config/pycodestyle",
    "typos": "../_typos.toml ../typos.toml",
    "rubocop": "../.rubocop.yml ~/.rubocop.yml ~/.config/rubocop/config.yml",
    "gradle test": "~/.gradle/gradle.properties ~/.gradle/init.gradle",
    "golangci-lint run": "../.golangci.toml ~/.golangci.yml",
    "make test": "~/.shellcheckrc ../.mocharc.json ../nx.json ../.unheardofrc ../some.conf.js ../Directory.Build.props",
    "npm test": "~/.npmrc ../.npmrc ~/.config/stylelintrc ~/.config/pnpm/rc ../turbo.json",
}


def test_a_checkout_elsewhere_agrees_where_what_it_leads_to_is_equal(shell: Shell) -> None:
    write(shell.project / "settings.json", '{"extends": ["../a/base.json", "../b/base.json", "../c/more.json"]}')
    git(shell, "add", "-A")
    git(shell, "commit", "-qm", "all")
    places = [shell.project, shell.base / "far/away/project"]
    git(shell, "clone", "-q", str(shell.project), str(places[1]))

    def key(place: Path, *texts: str) -> str:
        for name, text in zip(("a/base.json", "b/base.json", "c/more.json"), texts, strict=True):
            write(place.parent / name, text)
        shell.project = place
        return shell.key("pytest -q")

    own = key(places[0], "1", "1", "1")
    for texts in (("1", "1", "2"), ("1", "2", "1"), ("2", "1", "1")):
        assert key(places[0], *texts) != own
    assert key(places[0], "1", "2", "1") != key(places[0], "2", "1", "1")
    assert key(places[1], "1", "1", "2") == key(places[0], "1", "1", "2")


# Of a tool that neither the command nor anything around it names.
OF_OTHERS = {
    "ruff check": "~/.mypy.ini ~/.config/mypy/config ~/.config/flake8 ../pytest.ini ../.flake8 ~/.pylintrc",
    "mypy .": "~/.config/ruff/ruff.toml ../ruff.toml ~/.config/black ~/.config/pylintrc ../.flake8",
    "pytest -q": "~/.config/flake8 ~/.config/ruff/ruff.toml ~/.mypy.ini ~/.pylintrc ../.pylintrc ../mypy.ini",
}


@pytest.mark.parametrize("line", OF_OTHERS)
def test_settings_of_a_tool_that_nothing_names_do_not_count(tmp_path: Path, line: str) -> None:
    shell = _shell(tmp_path, "mypy")
    write(shell.project / "setup.cfg", "[metadata]\nname = x\n")
    before = shell.key(line)
    for path in OF_OTHERS[line].split():
        write(real(shell, path), "[x]\n")
        assert shell.key(line) == before, path


_OF_PACKAGES = ".venv/lib/python3.11/site-packages/pytest_flake8-1.dist-info/METADATA"


@pytest.mark.table
@pytest.mark.parametrize("where", ["setup.cfg", "tests/test_style.py", "Makefile", _OF_PACKAGES, ""])
def test_those_of_one_that_a_suite_may_run_do(shell: Shell, where: str) -> None:
    """By a text of the project, a package of its environment or a variable."""
    environ = {} if where else {"CHECKS": "flake8 mypy"}
    write(shell.project / ".venv/pyvenv.cfg", "")
    write(shell.project / ".gitignore", ".venv/\n")
    if where:
        write(shell.project / where, "from flake8.api import legacy\n")
    prints(shell, "~/.config/flake8", "../.flake8")
    call(shell, "pytest -q", 1, "first", **environ)
    counts(shell, "pytest -q", "~/.config/flake8", **environ)
    counts(shell, "pytest -q", "../.flake8", **environ)


def test_a_program_of_a_recipe_counts_where_the_recipe_may_be_run(tmp_path: Path) -> None:
    shell = _shell(tmp_path, "make")
    helper = shell.tool("helper", "#!/bin/sh\necho 1\n")
    write(shell.project / "Makefile", "check:\n\thelper\n")
    git(shell, "add", "-A")

    def keys() -> list[str]:
        helper.write_text(f"{helper.read_text()}#\n")
        return [shell.key(line) for line in ("pytest -q", "ruff check", "cargo test", "make check")]

    before, after = keys(), keys()
    assert [one == other for one, other in zip(before, after, strict=True)] == [True, True, False, False]
    write(shell.project / "test_a.py", 'subprocess.run(["make", "check"])\n')
    before, after = keys(), keys()
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, False, False, False]


def appears(shell: Shell, line: str, paths: list[str]) -> None:
    """Each of the files is known by the key, and so is what the last one holds; without them it is as before."""
    seen = [shell.key(line)]
    for path in paths:
        write(real(shell, path), "// one\n")
        seen.append(shell.key(line))
        assert seen[-1] not in seen[:-1], f"{line}: {path} appeared"
    assert shell.key(line) == seen[-1], f"{line}: nothing changed"
    write(real(shell, paths[-1]), "// two\n")
    assert shell.key(line) not in seen, f"{line}: {paths[-1]} changed"
    for path in paths:
        real(shell, path).unlink()
    assert shell.key(line) == seen[0], f"{line}: all as in the beginning"


def test_what_tools_look_for_outside_counts(tmp_path: Path) -> None:
    shell = _shell(tmp_path, *{line.partition(" ")[0] for line in SEARCHED}, "java")
    for line, paths in SEARCHED.items():
        appears(shell, line, paths.split())


@pytest.mark.parametrize(
    ("line", "paths"),
    [
        ("mocha", "../../../../.mocharc.json ../../../../vitest.config.ts"),
        ("prettier --check .", "../../../../.prettierrc"),
    ],
)
def test_so_does_what_lies_in_the_home_folder_above_the_project(tmp_path: Path, line: str, paths: str) -> None:
    shell = _shell(tmp_path, line.partition(" ")[0])
    shell.project = Path(shutil.move(shell.project, shell.home / "a/b/c/project"))
    counts(shell, line, *paths.split())


def test_folders_that_variables_name_are_looked_into(tmp_path: Path) -> None:
    shell = _shell(tmp_path, "gradle", "java")
    folder = shell.base / "elsewhere"
    folder.mkdir()
    for name, line, file in (
        ("XDG_CONFIG_HOME", "ruff check", "ruff/ruff.toml"),
        ("CARGO_HOME", "cargo test", "config.toml"),
        ("GRADLE_USER_HOME", "gradle test", "gradle.properties"),
    ):
        counts(shell, line, f"{folder}/{file}", **{name: str(folder)})


@pytest.mark.table
@pytest.mark.parametrize("path", ["../fixture.json", "~/.config/app.json", "../pytest.ini", "../lib/deep/a.txt"])
def test_what_was_changed_and_changed_back_meanwhile_was_no_input(shell: Shell, path: str) -> None:
    write(real(shell, path), "one\n")
    (shell.project / "link").symlink_to("../lib")
    (shell.project / "conftest.py").write_text('open("../fixture.json"); open("~/.config/app.json")')
    (shell.base / "do.sh").write_text(f"echo two >{path}\ncat {path}\necho one >{path}\n")
    call(shell, "pytest -q", 1, path)
    prints(shell, path)
    call(shell, "pytest -q", 1, path)
    call(shell, "pytest -q", 0, path)


def test_what_is_no_configuration_costs_nothing(tmp_path: Path) -> None:
    shell = _shell(tmp_path, "npm")
    for line in ("pytest -q", "npm test"):
        first = shell.key(line)
        for path in (
            *("../notes.txt", "../other/package.json", "../other/ruff.toml", "../README.md", "../run.log", "../a.py"),
            *("../.DS_Store", "../.notes.swp", "~/.bash_history", "~/.claude.json", "~/.viminfo", "~/.python_history"),
            *(
                "~/.claude/settings.json",
                "~/.config/htop/htoprc",
                "~/.cache/x.json",
                "~/.node_repl_history",
                "~/x.json",
            ),
            *("~/.cargo/.global-cache", "~/.cargo/.crates.toml", "~/.bashrc", "../.git/config", "~/.npm/_logs/a.log"),
        ):
            write(real(shell, path), f"{line}\n")
            assert shell.key(line) == first, f"{line}: {path}"


def test_what_the_client_keeps_for_itself_costs_what_runs_in_a_skill_s_folder_nothing(tmp_path: Path) -> None:
    shell = _shell(tmp_path)
    folder = shell.home / ".claude/skills/one"
    folder.parent.mkdir(parents=True)
    shell.project = Path(shutil.move(shell.project, folder))
    first = shell.key("pytest -q")
    for name in (".last-cleanup", ".last-update-result.json", ".credentials.json", "mcp-needs-auth-cache.json"):
        write(folder.parents[1] / name, "one\n")
    assert shell.key("pytest -q") == first
    counts(shell, "pytest -q", "../../settings.json", "../../.eslintrc.json")


@pytest.mark.parametrize("place", ["exclude", "ignore", "global", "own"])
def test_lists_of_ignored_files_count_where_they_name_a_file_that_git_knows(shell: Shell, place: str) -> None:
    file = {
        "exclude": shell.project / ".git/info/exclude",
        "ignore": shell.home / ".config/git/ignore",
        "global": shell.home / "ignored",
        "own": shell.base / "ignored",
    }[place]
    if place == "global":
        write(shell.home / ".gitconfig", "[core]\n\texcludesFile = ~/ignored\n")
    if place == "own":
        git(shell, "config", "core.excludesFile", str(file))
    git(shell, "add", "-A")
    write(file, "# of nothing here\n*.swp\n.DS_Store\n")
    keys = [shell.key("ruff check")]
    write(file, "# of nothing here\n*.swp\n.idea/\n!.keep\n")
    assert shell.key("ruff check") == keys[0]
    for text in ("/data\n", "d?ta\n", "[d]ata\n", "*.swp\n*\n"):
        write(file, text)
        keys.append(shell.key("ruff check"))
    assert len({*keys}) == 5


NAMED = [
    # the command, the project's own file and its text, then what is named, one by the other
    ("ruff check", "ruff.toml", 'extend = "../base.toml"', ["../base.toml"]),
    ("ruff check", "pyproject.toml", "[tool.ruff]\nextend = '../../conf/base.toml'", ["../../conf/base.toml"]),
    ("ruff check", "ruff.toml", 'extend = "~/base.toml"', ["~/base.toml"]),
    ("npm test", "package.json", '{"d": "link:~/lib"}', ["~/lib/package.json", "~/lib/index.js"]),
    ("jest", "jest.config.js", 'module.exports = {preset: "<rootDir>/../preset"}', ["../preset.js"]),
    (
        "mvn test",
        "pom.xml",
        "<relativePath>../../parents/a/pom.xml</relativePath>",
        ["../../parents/a/pom.xml", "../../parents/pom.xml"],
    ),
    ("ruff check", "ruff.toml", 'extend = "../my base.toml"', ["../my base.toml"]),
    (
        "tsc --noEmit",
        "tsconfig.json",
        '{ /* is */ "extends": "../config/base.json" }',
        ["../config/base.json: {'extends': './strict.json'}", "../config/strict.json"],
    ),
    (
        "tsc --noEmit",
        "tsconfig.json",
        '{"extends": ["../config/base"]}',
        [
            "../config/base.json: {'extends': '../more/strict'}",
            "../more/strict.json: {'extends':'./a'}",
            "../more/a.json",
        ],
    ),
    ("tsc --noEmit -p tsconfig.app.json", "tsconfig.app.json", '{"extends": "../app.json"}', ["../app.json"]),
    ("tsc --noEmit -p conf/x.json", "conf/x.json", '{"extends": "../../base.json"}', ["../base.json"]),
    ("tsc --noEmit", "tsconfig.test.json", '{"extends": "../base"}', ["../base.json"]),
    ("tsc --noEmit", "packages/a/b/tsconfig.lib.json", '{"extends": "../../../../base"}', ["../base.json"]),
    ("prettier --check .", ".prettierrc", '"../format.json"', ["../format.json"]),
    (
        "prettier --check .",
        "prettier.config.mjs",
        'export {default} from "../p.mjs"',
        ["../p.mjs: import './q.mjs'", "../q.mjs"],
    ),
    ("biome lint", "biome.json", '{"extends": ["../biome-base.json"]}', ["../biome-base.json"]),
    (
        "stylelint data",
        ".stylelintrc.json",
        '{"extends": "../style.cjs"}',
        ["../style.cjs: require('./rules')", "../rules.js"],
    ),
    ("yamllint data", ".yamllint", "extends: ../yaml/base.yaml", ["../yaml/base.yaml"]),
    ("yamllint data", ".yamllint", "extends: ../yaml/base", ["../yaml/base"]),
    (
        "eslint .",
        "eslint.config.js",
        'const path = require("node:path"); module.exports = require(path.join(__dirname, "..", "lint", "rules.js"))',
        ["../lint/rules.js"],
    ),
    ("eslint .", ".eslintrc.json", '{"extends": "../lint"}', ["../lint/package.json", "../lint/index.js"]),
    ("mypy .", "mypy.ini", "[mypy]\nplugins = ../plugin.py", ["../plugin.py"]),
    ("vitest run", "vite.config.ts", 'import "../shared/setup"', ["../shared/setup.ts"]),
    (
        "cargo test",
        "crates/a/Cargo.toml",
        '[dependencies]\nother = { path = "../../../../other" }',
        ["../../other/src/lib.rs"],
    ),
    (
        "cargo test",
        "Cargo.toml",
        '[dependencies]\nother = { path = "../../other" }',
        ["../../other/Cargo.toml: third = {path = '../third'}", "../../third/src/lib.rs"],
    ),
    ("cargo test", ".cargo/config.toml", 'paths = ["../mine"]', ["../mine/src/lib.rs"]),
    ("npm test", "packages/a/package.json", '{"dependencies": {"l": "file:../../../lib"}}', ["../lib/index.js"]),
    ("golangci-lint run", "go.mod", "replace x => ../../x", ["../../x/a.go"]),
]


def test_what_configuration_names_counts_through_all_that_it_leads_to(tmp_path: Path) -> None:
    for number, (line, own, text, chain) in enumerate(NAMED):
        shell = _shell(tmp_path / str(number), line.partition(" ")[0], "java")
        write(shell.project / own, text)
        git(shell, "add", "-A")
        files = dict(item.partition(": ")[::2] for item in chain)
        for path, held in files.items():
            write(real(shell, path), held.replace("'", '"') or "held")
        keys = [shell.key(line)]
        for path in files:
            with real(shell, path).open("a") as file:
                file.write("\n// one\n")
            keys.append(shell.key(line))
            assert keys[-1] not in keys[:-1], f"{line}: {path} is another"
        assert shell.key(line) == keys[-1], f"{line}: nothing changed"


def test_a_circle_of_configuration_ends(shell: Shell) -> None:
    """And it is run again for what configuration names, and given what it said as that was so."""
    write(shell.project / "ruff.toml", 'extend = "../a.toml"')
    write(real(shell, "../a.toml"), 'extend = "b.toml"')
    write(real(shell, "../b.toml"), 'extend = "a.toml"')
    prints(shell, "../b.toml")
    call(shell, "ruff check", 1, "first")
    write(real(shell, "../b.toml"), 'extend = "a.toml"\n# one')
    call(shell, "ruff check", 1, "it is another")
    write(real(shell, "../b.toml"), 'extend = "a.toml"')
    call(shell, "ruff check", 0, "it is as it was")


def test_what_configuration_above_and_at_home_names_counts(tmp_path: Path) -> None:
    shell = _shell(tmp_path, "tsc")
    write(real(shell, "../tsconfig.json"), '{"extends": "./conf/base"}')
    write(shell.home / ".config/ruff/ruff.toml", 'extend = "more/strict.toml"')
    for line, path in (("tsc --noEmit", "../conf/base.json"), ("ruff check", "~/.config/ruff/more/strict.toml")):
        write(real(shell, path), "held")
        counts(shell, line, path)


# Checkouts of one repository, and packages that are linked.


def git(shell: Shell, *arguments: str, at: Path | None = None) -> None:
    person = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always")
    subprocess.run(
        ["git", *person, *arguments], cwd=at or shell.project, env=shell.environ, check=True, capture_output=True
    )


def stands_in(shell: Shell, folder: Path) -> None:
    shell.project = folder
    shell.environ["CLAUDE_PROJECT_DIR"] = str(folder)


@pytest.fixture
def workspace(tmp_path: Path) -> Shell:
    """Workspaces a and b; the first asks for the second."""
    shell = _shell(tmp_path, "npm")
    top = shell.project
    write(top / "package.json", '{"workspaces": ["packages/*"]}')
    write(top / ".gitignore", "node_modules\ndist\n.claude\n")
    for name in "ab":
        write(top / f"packages/{name}/package.json", f'{{"name": "{name}"}}')
        write(top / f"packages/{name}/i.js", "one\n")
    git(shell, "add", "-A")
    git(shell, "commit", "-qm", "all")
    write(top / "node_modules/.package-lock.json", "{}")
    write(top / "packages/b/dist/built.js", "one\n")
    for name in "ab":
        (top / f"node_modules/{name}").symlink_to(f"../packages/{name}")
    return shell


@pytest.mark.parametrize("kind", ["inside", "beside"])
def test_packages_that_resolve_into_another_checkout_count(workspace: Shell, kind: str) -> None:
    main = workspace.project
    place = main / ".claude/worktrees/x" if kind == "inside" else main.parent / "wt"
    git(workspace, "worktree", "add", "-q", str(place))
    if kind == "beside":
        (place / "node_modules").symlink_to("../project/node_modules")
    stands_in(workspace, place)
    used = [main / "packages/b/i.js", main / "packages/b/dist/built.js", main / "shared.js"]
    counts(workspace, "npm test", *map(str, used), folder=f"{place}/packages/a")


@pytest.mark.parametrize("line", ["pytest -q", "npm test"])
def test_worktrees_share_where_they_hold_the_same(workspace: Shell, line: str) -> None:
    main = workspace.project
    write(main.parent / ".editorconfig", "root = true\n")
    for name in ("x", "y"):
        git(workspace, "worktree", "add", "-q", str(main / f".claude/worktrees/{name}"))
    (main / "packages/b/dist/built.js").unlink()
    (main / "packages/b/dist").rmdir()
    prints(workspace)
    stands_in(workspace, main / ".claude/worktrees/x")
    call(workspace, line, 1, "first")
    stands_in(workspace, main / ".claude/worktrees/y")
    call(workspace, line, 0, "it is the same")
    write(main / ".claude/worktrees/x/other.js", "one\n")
    call(workspace, line, 0, "what is in the other does not count")


def test_the_main_checkout_shares_with_a_worktree_in_it(workspace: Shell) -> None:
    main = workspace.project
    write(main.parent / "ruff.toml", "line-length = 1\n")
    git(workspace, "worktree", "add", "-q", str(main / ".claude/worktrees/x"))
    prints(workspace)
    shutil.rmtree(main / "node_modules")
    shutil.rmtree(main / "packages/b/dist")
    call(workspace, "pytest -q", 1, "first")
    stands_in(workspace, main / ".claude/worktrees/x")
    call(workspace, "pytest -q", 0, "it is the same")


def test_configuration_above_that_speaks_of_one_checkout_is_of_that_one(workspace: Shell) -> None:
    main = workspace.project
    git(workspace, "worktree", "add", "-q", str(main.parent / "other"))
    shutil.rmtree(main / "packages/b/dist")
    shutil.rmtree(main / "node_modules")

    def keys() -> set[str]:
        return {workspace.key("ruff check", folder=str(folder)) for folder in (main, main.parent / "other")}

    assert len(keys()) == 1
    for pattern in ("other/**", "oth*/*.py"):
        write(main.parent / "ruff.toml", f'exclude = ["{pattern}"]\n')
        assert len(keys()) == 2, pattern


@pytest.mark.parametrize("versioned", [True, False])
def test_packages_of_a_linked_package_count(tmp_path: Path, versioned: bool) -> None:
    shell = _shell(tmp_path, "npm")
    library = shell.base / "src/lib"
    write(library / "packages/l/package.json", "{}")
    write(library / "packages/l/index.js", "one\n")
    write(library / ".gitignore", "node_modules\n")
    if versioned:
        git(shell, "init", "-q", at=library)
    write(shell.project / "package.json", "{}")
    write(shell.project / ".gitignore", "node_modules\n")
    write(shell.project / "node_modules/.package-lock.json", "{}")
    (shell.project / "node_modules/l").symlink_to("../../../lib/packages/l")
    for folder in ("packages/l", "."):
        write(library / folder / f"node_modules/m{len(folder)}/package.json", '{"version": "1"}')
    write(shell.base / "third/index.js", "one\n")
    (library / "packages/l/node_modules/third").symlink_to("../../../../../third")
    used = [
        library / "packages/l/index.js",
        library / "packages/l/node_modules/m10/package.json",
        library / "node_modules/m1/package.json",
        shell.base / "third/index.js",
    ]
    counts(shell, "npm test", *map(str, used))


def test_the_repository_around_a_submodule_counts(shell: Shell) -> None:
    inner = shell.base / "inner"
    inner.mkdir()
    git(shell, "init", "-q", at=inner)
    git(shell, "commit", "-q", "--allow-empty", "-m", "one", at=inner)
    write(shell.project / "conf/version", "one\n")
    git(shell, "submodule", "add", "-q", str(inner), "libs/inner")
    git(shell, "submodule", "add", "-q", str(inner), "libs/second")
    around = shell.project
    stands_in(shell, around / "libs/inner")
    counts(shell, "pytest -q", "../../conf/version")
    first = shell.key("pytest -q")
    write(around / "libs/second/file", "one\n")
    assert shell.key("pytest -q") == first


def test_so_it_does_in_a_worktree(shell: Shell) -> None:
    inner = shell.base / "inner"
    inner.mkdir()
    git(shell, "init", "-q", at=inner)
    git(shell, "commit", "-q", "--allow-empty", "-m", "one", at=inner)
    git(shell, "submodule", "add", "-q", str(inner), "libs/inner")
    git(shell, "commit", "-qm", "all")
    place = shell.project.parent / "wt"
    git(shell, "worktree", "add", "-q", str(place))
    git(shell, "submodule", "update", "-q", "--init", at=place)
    stands_in(shell, place / "libs/inner")
    counts(shell, "pytest -q", "../../version")


def test_the_map_of_packages_above_leads_to_the_checkout_that_it_is_of(workspace: Shell) -> None:
    main = workspace.project
    shutil.rmtree(main / "node_modules")
    write(main / ".pnp.cjs", "'./packages/b/'\n")
    git(workspace, "worktree", "add", "-q", str(main / ".claude/worktrees/x"))
    stands_in(workspace, main / ".claude/worktrees/x")
    counts(workspace, "npm test", str(main / "packages/b/i.js"))


def test_without_git_it_is_the_same(tmp_path: Path) -> None:
    shell = _shell(tmp_path, "tsc")
    shutil.rmtree(shell.project / ".git")
    write(shell.project / "tsconfig.json", '{"extends": "../base"}')
    write(shell.project / "Cargo.toml", "[workspace]\n")
    write(shell.project / "crates/a/Cargo.toml", 'other = { path = "../../../../other" }')
    write(real(shell, "../../other/Cargo.toml"), "one")
    for line, path in (
        ("tsc --noEmit", "../base.json"),
        ("cargo test", "../../other/src/lib.rs"),
        ("cargo clippy", "../clippy.toml"),
    ):
        counts(shell, line, path)


def test_without_git_all_that_lies_in_the_project_counts(shell: Shell) -> None:
    shutil.rmtree(shell.project / ".git")
    paths = ("fixtures/access.log", "coverage/x.json", "data.tmp", "sub/.tox/x")
    for path in ("setup.py", *paths):
        write(shell.project / path, "one\n")
    counts(shell, "pytest -q", *paths)
    first = shell.key("pytest -q")
    (shell.project / "out").mkdir()
    assert shell.key("pytest -q") != first, "an empty folder"


def test_without_git_the_first_run_is_stored_that_leaves_compiled_files(shell: Shell) -> None:
    """As Python does beside the modules of a suite, and pytest at the top."""
    shutil.rmtree(shell.project / ".git")
    write(shell.project / "setup.py", "")
    write(shell.project / "tests/test_a.py", "")
    text = "mkdir -p tests/__pycache__ .pytest_cache; echo x >tests/__pycache__/test_a.cpython-311.pyc; echo end\n"
    write(shell.base / "do.sh", text)
    call(shell, "pytest -q", 1, "first")
    call(shell, "pytest -q", 0, "second")
    write(shell.project / "tests/test_a.py", "assert False\n")
    call(shell, "pytest -q", 1, "edited")


def test_without_git_what_each_run_writes_anew_does_not(shell: Shell) -> None:
    shutil.rmtree(shell.project / ".git")
    write(shell.project / "setup.py", "")
    write(shell.base / "do.sh", "date +%s%N >app.log; echo end\n")
    runs = []
    for _ in range(5):
        shell.call("pytest -q")
        runs.append(shell.runs())
    assert runs[-1] == runs[-2]


def test_large_files_and_many_files_above_count_too(tmp_path: Path) -> None:
    shell = _shell(tmp_path, "eslint")
    folder = shell.project.parent
    keys = []
    for text in ("one\n", "two\n"):
        write(folder / ".pnp.cjs", text * 100_000)
        keys.append(shell.key("eslint ."))
    assert keys[0] != keys[1], "a large file changed"
    for number in range(250):
        write(folder / f"data_{number}.json", "{}")
    assert shell.key("eslint .") == keys[1], "too many to be configuration"
    counts(shell, "eslint .", "../.eslintrc.json")


def test_a_file_above_that_cannot_be_read_is_in_nobodys_way(shell: Shell) -> None:
    prints(shell)
    os.mkfifo(real(shell, "../.fiforc"))
    (real(shell, "../.goneresolver.json")).symlink_to("nowhere")
    (real(shell, "../.loop.json")).symlink_to(".loop.json")
    call(shell, "pytest -q", 1, "first")
    call(shell, "pytest -q", 0, "second")
