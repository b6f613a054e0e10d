"""Which tool a word runs, and what that tool is."""

import base64
import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from skillcache.core import outcomes
from skillcache.core.outcomes import Bypass
from skillcache.fingerprint import leads

if TYPE_CHECKING:
    from tests.fingerprint.conftest import Project

SCRIPT = "#!/bin/sh\necho {}\n"


class Bench:
    """A project with a folder of tools on its PATH."""

    def __init__(self, project: "Project") -> None:
        self.project = project
        self.home = project.beside("home")
        self.environ = {"PATH": f"{self.home.top}/bin:/usr/bin:/bin"}

    def put(self, path: str, content: str | bytes) -> str:
        return str(self.home.write(path, content, mode=0o755))

    def rows(self, word: str, **environ: str) -> tuple[tuple[str, str, str], ...]:
        executables = ((word, str(self.project.top)),)
        return self.project.rows(environ=self.environ | environ, executables=executables)

    def outcome(self, word: str, **environ: str) -> outcomes.Outcome:
        with pytest.raises(Bypass) as caught:
            self.rows(word, **environ)
        return caught.value.outcome


@pytest.fixture
def bench(repo: "Project") -> Bench:
    return Bench(repo)


def test_a_missing_tool_is_a_bypass(bench: Bench) -> None:
    assert bench.outcome("no-such-tool") is outcomes.NO_TOOL


def test_a_script_counts_by_its_text(bench: Bench) -> None:
    bench.put("bin/check", SCRIPT.format(1))
    before = bench.rows("check")
    bench.put("bin/check", SCRIPT.format(2))
    assert bench.rows("check") != before


def test_a_program_counts_by_its_size_and_both_ends(bench: Bench) -> None:
    rows = set()
    for content in (b"\x7fELF" + bytes(300_000), b"\x7fELF" + bytes(300_001), b"\x7fELG" + bytes(300_000)):
        bench.put("bin/check", content)
        rows.add(bench.rows("check"))
    bench.put("bin/check", b"\x7fELF" + bytes(299_999) + b"\1")
    assert len({*rows, bench.rows("check")}) == 4


def test_a_tool_earlier_on_the_path_counts_instead(bench: Bench) -> None:
    bench.put("late/check", SCRIPT.format(1))
    path = f"{bench.home.top}/bin:{bench.home.top}/late:/usr/bin:/bin"
    before = bench.rows("check", PATH=path)
    bench.put("bin/check", SCRIPT.format(2))
    assert bench.rows("check", PATH=path) != before


def test_the_same_tool_in_another_place_is_the_same(bench: Bench) -> None:
    bench.put("here/check", f"#!{bench.put('here/interpreter', bytes(10))}\nbody\n")
    bench.put("there/check", f"#!{bench.put('there/interpreter', bytes(10))}\nbody\n")
    here, there = (bench.rows("check", PATH=f"{bench.home.top}/{place}:/usr/bin:/bin") for place in ("here", "there"))
    assert here == there
    bench.put("there/interpreter", bytes(11))
    assert bench.rows("check", PATH=f"{bench.home.top}/there:/usr/bin:/bin") != here


def test_an_interpreter_found_by_env_counts(bench: Bench) -> None:
    bench.put("bin/check", "#!/usr/bin/env runner\nbody\n")
    assert bench.outcome("check") is outcomes.NO_TOOL
    bench.put("bin/runner", b"\x7fELF 1")
    before = bench.rows("check")
    bench.put("bin/runner", b"\x7fELF 2")
    assert bench.rows("check") != before


def test_a_script_that_is_its_own_interpreter_is_a_bypass(bench: Bench) -> None:
    bench.put("bin/check", f"#!{bench.home.top}/bin/check\n")
    assert bench.outcome("check") is outcomes.UNCAPTURABLE


def test_a_line_that_sets_the_path_is_a_bypass(bench: Bench) -> None:
    with pytest.raises(Bypass) as caught:
        bench.project.rows(assignments=(("PATH", "/elsewhere"),))
    assert caught.value.outcome is outcomes.UNCAPTURABLE


def test_a_tool_of_the_project_itself(bench: Bench) -> None:
    bench.project.write("scripts/check", SCRIPT.format(1), mode=0o755)
    assert ("tool", "scripts/check") in {row[:2] for row in bench.rows("scripts/check")}


def test_what_a_large_script_says_is_read_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    named = bench.put("share/settings.conf", "one")
    text = f"#!/bin/sh\n. {named}\n{'# as some are' * 200}\n"
    bench.put("bin/check", text)
    environ = {"SKILLCACHE_HOME": str(bench.home.top / "cache")}
    before = bench.rows("check", **environ)

    read = leads._read_now

    def read_now(body: bytes, path: str, *, is_shell: bool) -> leads.Read:
        assert len(body) < len(text) / 2
        return read(body, path, is_shell=is_shell)

    with monkeypatch.context() as later:
        later.setattr(leads, "_read", {})  # as in another process
        later.setattr(leads, "_read_now", read_now)
        assert bench.rows("check", **environ) == before
        bench.put("share/settings.conf", "two")
        assert bench.rows("check", **environ) != before
    other = bench.put("share/other.conf", "one")
    bench.put("bin/check", text.replace(named, other))
    one = bench.rows("check", **environ)
    bench.put("share/other.conf", "two")
    assert bench.rows("check", **environ) != one


def test_a_folder_that_is_on_the_path_by_two_names_is_one(bench: Bench) -> None:
    bench.put("bin/check", "#!/bin/sh\ncheck --further\n")  # which starts the next of its name
    (bench.home.top / "link").symlink_to("bin")
    path = f"{bench.home.top}/bin:{bench.home.top}/link:{bench.home.top}/later:/usr/bin:/bin"
    before = bench.rows("check")
    assert bench.rows("check", PATH=path) == before
    bench.put("later/check", SCRIPT.format(1))
    assert bench.rows("check", PATH=path) != before


@pytest.mark.parametrize("place", [".venv/bin", "node_modules/.bin"])
def test_launchers_find_tools_in_the_project(bench: Bench, place: str) -> None:
    bench.project.write(f"{place}/check", SCRIPT.format(1), mode=0o755)
    before = bench.rows("check")
    bench.project.write(f"{place}/check", SCRIPT.format(2), mode=0o755)
    assert bench.rows("check") != before


class TestPython:
    def install(self, bench: Bench, prefix: str) -> str:
        python = bench.put(f"{prefix}/bin/python3", b"\x7fELF python")
        bench.put(f"{prefix}/bin/pytest", f"#!{python}\nimport pytest\n")
        bench.put(f"{prefix}/lib/python3.12/site-packages/pytest-8.0.dist-info/RECORD", "")
        return f"{bench.home.top}/{prefix}"

    def test_the_packages_beside_an_interpreter_count(self, bench: Bench) -> None:
        prefix = self.install(bench, "versions/3.12.1")
        environ = {"PATH": f"{prefix}/bin:/usr/bin:/bin"}
        before = bench.rows("pytest", **environ)
        bench.put("versions/3.12.1/lib/python3.12/site-packages/plugin-1.0.dist-info/RECORD", "")
        changed = bench.rows("pytest", **environ)
        bench.put(".local/lib/python3.12/site-packages/user-1.0.dist-info/RECORD", "")
        assert len({before, changed, bench.rows("pytest", **environ)}) == 3
        assert bench.rows("pytest", **environ, PYTHONNOUSERSITE="1") != before

    def test_a_shim_of_pyenv_stands_for_the_chosen_version(self, bench: Bench) -> None:
        for version in ("3.11.9", "3.12.1", "3.12.10"):
            self.install(bench, f".pyenv/versions/{version}")
        bench.put(".pyenv/shims/pytest", SCRIPT.format("shim"))
        bench.put(".pyenv/version", "3.11.9\n")
        path = f"{bench.home.top}/.pyenv/shims:/usr/bin:/bin"
        by_default = bench.rows("pytest", PATH=path)
        bench.put(".pyenv/versions/3.12.10/lib/python3.12/site-packages/plugin-1.0.dist-info/RECORD", "")
        assert bench.rows("pytest", PATH=path) == by_default
        bench.project.write(".python-version", "3.12\n")
        newest = bench.rows("pytest", PATH=path)
        assert any("3.12.10" in row[1] for row in newest)
        assert any("3.12.1/" in row[1] for row in bench.rows("pytest", PATH=path, PYENV_VERSION="3.12.1"))
        assert bench.outcome("pytest", PATH=path, PYENV_VERSION="3.9.9") is outcomes.NO_TOOL

    def test_a_virtual_environment_elsewhere_counts(self, bench: Bench) -> None:
        prefix = self.install(bench, "elsewhere")
        bench.put("elsewhere/pyvenv.cfg", "version = 3.12.1\n")
        before = bench.rows("git", VIRTUAL_ENV=prefix)
        bench.put("elsewhere/lib/python3.12/site-packages/plugin-1.0.dist-info/RECORD", "")
        assert bench.rows("git", VIRTUAL_ENV=prefix) != before

    def test_a_search_path_outside_the_project_counts_by_content(self, bench: Bench) -> None:
        module = bench.put("modules/helper.py", "1\n")
        before = bench.rows("git", PYTHONPATH=os.path.dirname(module))
        bench.put("modules/helper.py", "2\n")
        assert bench.rows("git", PYTHONPATH=os.path.dirname(module)) != before

    def test_a_manager_that_keeps_its_environment_elsewhere_is_a_bypass(self, bench: Bench) -> None:
        bench.put("bin/poetry", SCRIPT.format(1))
        assert bench.outcome("poetry") is outcomes.UNCAPTURABLE
        bench.project.write(".venv/pyvenv.cfg", "version = 3.12.1\n")
        assert bench.rows("poetry")

    def test_the_environment_that_poetry_keeps_for_a_project_counts(self, bench: Bench) -> None:
        """Poetry 2.4 calls it by the project's name, and the first eight signs of a digest of where that lies."""
        bench.put("bin/poetry", SCRIPT.format(1))
        bench.project.write("pyproject.toml", "")
        signs = hashlib.sha256(os.fsencode(os.path.realpath(bench.project.top))).digest()
        kept = f".cache/pypoetry/virtualenvs/it-{base64.urlsafe_b64encode(signs).decode()[:8]}-py3.12"
        bench.put(f"{kept}/pyvenv.cfg", "version = 3.12.1\n")
        bench.put(f"{kept}/bin/python", b"\x7fELF")
        bench.put(f"{kept}/bin/pytest", SCRIPT.format(1))
        home = {"HOME": str(bench.home.top)}
        seen = [bench.rows("poetry", **home)]
        bench.put(f"{kept}/lib/python3.12/site-packages/plugin-1.0.dist-info/RECORD", "")
        seen.append(bench.rows("poetry", **home))
        bench.put(".cache/pypoetry/virtualenvs/envs.toml", "x")
        seen.append(bench.rows("poetry", **home))
        assert len(set(seen)) == 3
        assert bench.outcome("poetry", POETRY_VIRTUALENVS_PATH="/x", **home) is outcomes.UNCAPTURABLE
        bench.project.write("poetry.toml", "[virtualenvs]\ncreate = false\n")
        assert bench.outcome("poetry", **home) is outcomes.UNCAPTURABLE


class TestVolta:
    def test_all_that_it_chooses_by_and_from_counts(self, bench: Bench) -> None:
        bench.put(".volta/bin/volta-shim", b"\x7fELF")
        (bench.home.top / ".volta/bin/node").symlink_to("volta-shim")
        path = f"{bench.home.top}/.volta/bin:/usr/bin:/bin"
        seen = [bench.rows("node", PATH=path)]
        for name in ("tools/user/platform.json", "tools/image/node/20.1.0/bin/node", "tools/user/packages/ava.json"):
            bench.put(f".volta/{name}", name)
            seen.append(bench.rows("node", PATH=path))
        bench.project.write("package.json", '{"volta": {"node": "20.1.0"}}')
        seen.append(bench.rows("node", PATH=path))
        assert len(set(seen)) == len(seen)
        bench.project.write("package.json", '{"volta": {"extends": "../package.json"}}')
        assert bench.outcome("node", PATH=path) is outcomes.UNCAPTURABLE


class TestRust:
    def test_a_proxy_of_rustup_stands_for_the_chosen_toolchain(self, bench: Bench) -> None:
        bench.put(".cargo/bin/rustup", b"\x7fELF rustup")
        (bench.home.top / ".cargo/bin/cargo").symlink_to("rustup")
        for name in ("stable-x86_64", "1.75-x86_64", "nightly-x86_64"):
            bench.put(f".rustup/toolchains/{name}/bin/cargo", f"\x7fELF {name}")
            bench.put(f".rustup/toolchains/{name}/lib/rustlib/x", "")
        bench.put(".rustup/settings.toml", 'default_toolchain = "stable-x86_64"\n[overrides]\n')
        path = f"{bench.home.top}/.cargo/bin:/usr/bin:/bin"

        def tool(**environ: str) -> str:
            (value,) = {value for label, name, value in bench.rows("cargo", PATH=path, **environ) if label == "tool"}
            return value

        stable, nightly = tool(), tool(RUSTUP_TOOLCHAIN="nightly")
        bench.project.write("rust-toolchain.toml", '[toolchain]\nchannel = "1.75"\n')
        pinned = tool()
        bench.put(
            ".rustup/settings.toml", f'default_toolchain = "x"\n[overrides]\n"{bench.project.top}" = "nightly-x86_64"\n'
        )
        assert len({stable, nightly, pinned}) == 3
        assert tool() == nightly
        assert bench.outcome("cargo", PATH=path, RUSTUP_TOOLCHAIN="gone") is outcomes.UNCAPTURABLE

    def test_libraries_of_the_compiler_count(self, bench: Bench) -> None:
        bench.put("bin/cargo", b"\x7fELF")
        bench.put("lib/rustlib/x", "")
        before = bench.rows("cargo")
        bench.put("lib/librustc_driver-0123.so", "")
        assert bench.rows("cargo") != before


class TestTasks:
    def test_a_task_may_run_any_tool_of_its_project(self, bench: Bench) -> None:
        bench.put("bin/make", SCRIPT.format(1))
        bench.project.write("go.mod", "module x\n")
        bench.put("bin/go", b"\x7fELF 1")
        before = bench.rows("make")
        bench.put("bin/go", b"\x7fELF 2")
        changed = bench.rows("make")
        assert changed != before

    def test_a_tool_that_the_task_may_not_find_is_absent(self, bench: Bench) -> None:
        bench.put("bin/make", SCRIPT.format(1))
        bench.project.write("Cargo.toml")
        assert ("tool", "rustc", "absent") in bench.rows("make")

    def test_java_counts_for_what_starts_it(self, bench: Bench) -> None:
        bench.put("bin/mvn", SCRIPT.format(1))
        java = {"JAVA_HOME": f"{bench.home.top}/jdk"}
        rows = {bench.rows("mvn", **java)}
        bench.put("jdk/bin/java", b"\x7fELF")
        rows.add(bench.rows("mvn", **java))
        bench.put("jdk/release", 'JAVA_VERSION="21"')
        assert len({*rows, bench.rows("mvn", **java)}) == 3

    def test_what_mise_has_installed_counts(self, bench: Bench) -> None:
        bench.put("bin/mise", SCRIPT.format(1))
        rows = {bench.rows("mise")}
        bench.put(".local/share/mise/installs/python/3.12.1/bin/python3", b"\x7fELF")
        rows.add(bench.rows("mise"))
        bench.put(".local/share/mise/installs/python/3.12.1/lib/python3.12/site-packages/a-1.dist-info/RECORD", "")
        assert len({*rows, bench.rows("mise")}) == 3


def test_the_same_word_in_two_folders_is_two_tools(bench: Bench) -> None:
    for folder in ("one", "two"):
        bench.project.write(f"{folder}/gradlew", SCRIPT.format(folder), mode=0o755)
    executables = tuple(("./gradlew", f"{bench.project.top}/{folder}") for folder in ("one", "two"))
    names = [row[1] for row in bench.project.rows(executables=executables) if "gradlew" in row[1]]
    assert names == ["./gradlew", "./gradlew in {root}/two"]


class TestSettings:
    def test_configuration_above_and_at_home_counts(self, bench: Bench) -> None:
        bench.put("bin/ruff", SCRIPT.format(1))
        before = bench.rows("ruff")
        bench.put(".config/ruff/ruff.toml", "line-length = 1\n")
        home = bench.rows("ruff")
        bench.home.write("../ruff.toml", "line-length = 2\n")
        assert len({before, home, bench.rows("ruff")}) == 3

    def test_configuration_at_home_counts_where_it_was_moved_to(self, bench: Bench) -> None:
        bench.put("bin/ruff", SCRIPT.format(1))
        moved = {"XDG_CONFIG_HOME": f"{bench.home.top}/settings"}
        before = bench.rows("ruff", **moved)
        bench.put(".config/ruff/ruff.toml", "line-length = 1\n")
        assert bench.rows("ruff", **moved) == before
        bench.put("settings/ruff/ruff.toml", "line-length = 1\n")
        assert bench.rows("ruff", **moved) != before
        unmoved = {row for row in bench.rows("ruff") if row[0] == "settings"}
        assert {row for row in bench.rows("ruff", **moved) if row[0] == "settings"} == unmoved

    def test_a_worktree_inside_its_repository_is_the_same(self, bench: Bench) -> None:
        bench.put("bin/ruff", SCRIPT.format(1))
        project = bench.project
        project.write("pyproject.toml", "[tool.ruff]\n")
        project.commit()
        project.git("worktree", "add", "-q", ".claude/worktrees/one")
        other = bench.project.beside("project/.claude/worktrees/one")
        rows = other.rows(environ=bench.environ, executables=(("ruff", str(other.top)),))
        project.write(".git/info/exclude", ".claude\n")
        assert rows == bench.rows("ruff")
        bench.put("bin/eslint", SCRIPT.format(1))
        assert ("ignored", ".claude/worktrees/one") in {row[:2] for row in bench.rows("eslint")}
