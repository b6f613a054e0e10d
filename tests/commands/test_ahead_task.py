"""What a task's list says of what comes next, held to what make and npm then start."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from skillcache.commands.ahead.task import of_makefile, of_task

_STUB = f"""#!{sys.executable}
import json, os, sys
from skillcache.commands.ahead.task import of_task
words = (os.path.basename(sys.argv[0]), *sys.argv[1:])
cwd = os.getcwd()
said = [[*each.words, each.cwd] for each in of_task(words, cwd, os.environ)] if words[0] == "first" else []
with open(os.environ["NOTES"], "a") as notes:
    notes.write(json.dumps([[*words, cwd], said, dict(os.environ)]) + "\\n")
"""


class Project(NamedTuple):
    top: Path
    notes: Path
    environ: dict[str, str]

    def run(self, *words: str) -> tuple[list[str], list[str], list[dict[str, str]]]:
        """What begins behind the one of `first`, what that one was told of it, and the environments of all."""
        subprocess.run(words, cwd=self.top, env=self.environ, capture_output=True, check=True, timeout=60)
        noted = [json.loads(line) for line in self.notes.read_text().splitlines()]
        names = [started[0] for started, _, _ in noted]
        behind = noted[names.index("first") + 1 :]
        (said,) = [said for started, said, _ in noted if started[0] == "first"]
        return (
            [self.shown(started) for started, _, _ in behind],
            list(map(self.shown, said)),
            [each[2] for each in noted],
        )

    def shown(self, words: list[str]) -> str:
        *command, cwd = words
        return f"{cwd.removeprefix(str(self.top))}:{' '.join(command)}"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    base = tmp_path.resolve()
    for folder in ("bin", "project/sub"):
        (base / folder).mkdir(parents=True)
    for name in ("first", "mypy", "pytest", "tsc"):
        (base / "bin" / name).write_text(_STUB)
        (base / "bin" / name).chmod(0o755)
    (base / "project/there").write_text("")
    environ = {"PATH": f"{base}/bin:{os.environ['PATH']}", "HOME": str(base), "NOTES": f"{base}/notes"}
    return Project(base / "project", base / "notes", environ)


NOISE = {"_", "OLDPWD", "PWD"}  # what no key holds


@pytest.mark.skipif(not shutil.which("make"), reason="no make")
@pytest.mark.parametrize(
    "words", [("check",), ("-s", "X=1", "check", "-k"), ("--no-print-directory", "-C", ".", "check")]
)
@pytest.mark.parametrize(
    ("makefile", "named"),
    [
        ("check:\n\tfirst\n\tmypy src\n\tpytest -q\n", [":mypy src", ":pytest -q"]),
        ("check:\n\t@first && mypy\n\t-@pytest\n", [":mypy", ":pytest"]),
        (".PHONY: check there\ncheck: there types\n\tpytest\nthere:\n\tfirst\ntypes:\n\tmypy\n", [":mypy", ":pytest"]),
        (
            "X = 1\nexport X\ncheck: lint types # both\nlint: ; @first\ntypes:\n\tcd sub && mypy\n\ttsc",
            ["/sub:mypy", ":tsc"],
        ),
        ("check:\n\tfirst\n\t# types\n\techo types\n\n\tmypy \\\n\t  src\n", [":mypy src"]),
        ("SHELL := /bin/bash\n.SHELLFLAGS := -eu -c\ncheck:\n\tfirst\n\tmypy\n", [":mypy"]),
        ("a:\n\tfirst\nb: a\n\tmypy\ncheck: b a\n\ttsc\n", [":mypy", ":tsc"]),
        ("ifdef Y\nall:\n\ttsc\nendif\ncheck:\n\tfirst\n\tmypy\n", [":mypy"]),
    ],
)
def test_what_make_starts_next(project: Project, makefile: str, named: list[str], words: tuple[str, ...]) -> None:
    (project.top / "Makefile").write_text(makefile)
    behind, said, environs = project.run("make", *words)
    assert said == named == behind
    assert {key for one in environs for key in one if one[key] != environs[0].get(key)} <= NOISE


@pytest.mark.parametrize(
    "makefile",
    [
        "check:\n\tfirst\n\t$(MYPY) src\n",
        "check:\n\tfirst\n\tmypy $$HOME\n",
        "check:\n\tfirst\n\tfor a in b; do mypy; done\n\tpytest\n",
        "check:\n\tfirst\n\tcat >out\n\tpytest\n",
        "check: lint there\n\tmypy\nlint:\n\tfirst\n",  # a file
        "check: lint missing\n\tmypy\nlint:\n\tfirst\n",
        "check: lint $(MORE)\n\tmypy\nlint:\n\tfirst\n",
        "check: lint | types\n\tmypy\nlint:\n\tfirst\n",
        "check: lint types\ncheck: X = 1\nlint:\n\tfirst\ntypes:\n\tmypy\n",
        "check:: first\n\tfirst\n\tmypy\n",
        "check:\n\tfirst\nifdef X\n\tmypy\nelse\n\ttsc\nendif\n\tpytest\n",
        "ifdef X\ncheck:\n\tfirst\n\tmypy\nelse\ncheck:\n\tfirst\n\ttsc\nendif\n",
        "check:\n\tfirst\n\tmypy\ncheck:\n\tfirst\n\ttsc\n",
        ".ONESHELL:\ncheck:\n\tfirst\n\tmypy\n",
        "SHELL = /usr/bin/python3\ncheck:\n\tfirst\n\tmypy\n",
        "define X\ncheck:\n\tfirst\n\tmypy\nendef\n",
        "check:\n\tfirst\n\tmypy\n\tfirst\n\tpytest\n",
        "other:\n\tfirst\n\tmypy\n",
        "",
    ],
)
def test_where_a_makefile_is_not_sure_nothing_is_next(tmp_path: Path, makefile: str) -> None:
    (tmp_path / "Makefile").write_text(makefile)
    (tmp_path / "there").write_text("")
    assert of_makefile(["make", "check"], str(tmp_path), ("first",), str(tmp_path)) == []


@pytest.mark.parametrize("words", [("-f", "other.mk"), ("-j4",), ("--jobs",), ("-n",), ("-B",), ("-I", "x")])
def test_nothing_is_next_for_a_make_that_goes_another_way(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "Makefile").write_text("check:\n\tfirst\n\tmypy\n")
    assert of_makefile(["make", *words, "check"], str(tmp_path), ("first",), str(tmp_path)) == []
    for joined in (True, False):
        (asked,) = of_makefile(["make", "check", "X=1"], str(tmp_path), ("first",), str(tmp_path), joined=joined)
        assert asked.joined is joined


@pytest.mark.skipif(not shutil.which("make"), reason="no make")
def test_where_all_is_made_at_once_nothing_is_next(project: Project) -> None:
    (project.top / "Makefile").write_text("MAKEFLAGS += -j2\ncheck:\n\tfirst\n\tmypy\n")
    assert project.run("make", "check")[:2] == ([":mypy"], [])


@pytest.mark.skipif(not shutil.which("npm"), reason="no npm")
def test_what_a_script_of_a_package_starts_next(project: Project) -> None:
    scripts = {"check": "first && npm run types && pytest -q || exit 1", "types": "mypy"}
    (project.top / "package.json").write_text(json.dumps({"name": "x", "version": "1.0.0", "scripts": scripts}))

    behind, said, environs = project.run("npm", "run", "check")

    assert said == [":npm run types", ":pytest -q"]
    assert behind == [":mypy", ":pytest -q"]
    last = environs[-1]
    assert {key for key in last if last[key] != environs[0].get(key)} <= NOISE


def test_a_script_of_another_package_says_nothing(tmp_path: Path) -> None:
    environ = {"npm_lifecycle_script": "first && mypy", "npm_package_json": "/elsewhere/package.json"}
    assert of_task(("first",), str(tmp_path), environ) == []
    assert of_task(("first",), "/elsewhere", environ) != []
