"""A skill in a session: every spelling of a call, every kind of edit, each answer held against a fresh run.

A case is a JSON object:
    collection, skill   where the skill's folder lies, below the folder of collections
    plugin              the folder of its plugin there, for layout "plugin"
    layout              "home", "project" or "plugin"
    block               what its author would declare
    program, script, arguments
                        what starts the script, its path below the skill, and words after it: `@x` is the file x there
    inputs, edited      texts of the project's files by name, and another text of some of them
    outputs             names of files that a run leaves, at the project's top
    beside              a file of the skill that is edited, where it has one
    shared, above       what is copied beside the skill's folder, and a file of it, or of the plugin, that is edited
    variable            of the environment, which the script reads, by name, and another value of it
"""

from __future__ import annotations

import os
import shlex
import shutil
import stat
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from skillcache.core import counts
from tests.shims.shell import Shell
from tests.skill.declaring import declared

Tree = dict[str, tuple[int, bytes]]
_NONE: Mapping[str, str] = {}
_FIRST, _CHANGED, _REPEAT = "first", "changed", "repeat"
_NOT_COUNTED = ("/.git/", "/__pycache__/")
_COMMENTS = {".js": "//", ".mjs": "//", ".cjs": "//", ".ts": "//"}


class Unsteady(Exception):
    """Two runs of the script differ, so that nothing can be held against them."""


class Trial:
    """One case in a session of its own.

    calls, hits: of the lane; wrong: what differed from a fresh run or was served after a change, in words;
    passed_by: outcomes of safe repeats that ran, by what the repeat was.
    """

    def __init__(
        self, case: dict[str, Any], collections: Path, base: Path, programs: Mapping[str, str] = _NONE
    ) -> None:
        """programs: paths of those that are on PATH, besides the machine's own, by name."""
        self.case = case
        self.shell = Shell(base, "bash", plain=True)
        self.project = self.shell.project
        self.calls = self.hits = 0
        self.wrong: list[str] = []
        self.passed_by: Counter[str] = Counter()
        self.folder = self._lay_out(collections / case["collection"])
        (self.project / "sub").mkdir()
        for name, text in case["inputs"].items():
            self._write(name, text)
        for name, path in programs.items():
            (self.shell.bin / name).symlink_to(path)
        self.shell.environ |= {"UV_OFFLINE": "1", "UV_PYTHON_DOWNLOADS": "never"}
        self.shell.start()

    def _lay_out(self, collection: Path) -> Path:
        """Copies the skill, or its plugin, to where the client looks for it, and declares the block; the folder."""
        skill, layout = self.case["skill"], self.case["layout"]
        name = skill.rpartition("/")[2]
        if layout == "plugin":
            top = self.shell.home / ".claude/plugins/cache/market/plugin/1.0"
            shutil.copytree(collection / self.case["plugin"], top, symlinks=True)
            folder: Path = top / os.path.relpath(skill, self.case["plugin"])
        else:
            folder = (self.shell.home if layout == "home" else self.project) / ".claude/skills" / name
            shutil.copytree(collection / skill, folder, symlinks=True)
            for shared in self.case.get("shared", ()):
                shutil.copytree((collection / skill).parent / shared, folder.parent / shared)
        page = folder / "SKILL.md"
        page.write_bytes(declared(page.read_bytes().decode(), self.case["block"]).encode())
        return folder

    def _write(self, name: str, text: str) -> None:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    # Lines.

    def _line(self, script: str, place: str = "", *, program: str = "") -> str:
        """place: what stands before the names of the project's files."""
        rest = [f"{place}{word[1:]}" if word.startswith("@") else word for word in self.case["arguments"]]
        return " ".join([program or self.case["program"], script, *map(shlex.quote, rest)])

    def spellings(self) -> list[list[str]]:
        """Lines by the directory that they run in and the program that they start; one result serves each list."""
        script, folder, project = self.case["script"], str(self.folder), f"{self.project}/"
        link = self.shell.base / "elsewhere/skills"
        link.parent.mkdir()
        link.symlink_to(self.folder.parent)
        here = [self._line(f"{folder}/{script}"), self._line(f"{folder}//./{script}")]
        here.append(self._line(f"{link}/{self.folder.name}/{script}"))
        if self.case["layout"] == "project":
            relative = os.path.relpath(folder, self.project)
            here += [self._line(f"{relative}/{script}"), self._line(f"./{relative}/{script}")]
        else:
            here.append(self._line(f"~/{self.folder.relative_to(self.shell.home)}/{script}"))
        there = [f"cd {folder} && {self._line(f'{way}{script}', project)}" for way in ("", "./", f"{folder}/")]
        below = [f"cd sub && {self._line(f'{folder}/{script}', '../')}"] * 2
        groups = [here, there, below]
        if (self.shell.bin / "uv").exists() and self.case["program"].startswith("python"):
            groups.append([self._line(f"{folder}/{script}", program="uv run")] * 2)
        return groups

    # Calls.

    def run(self) -> None:
        """Raises Unsteady."""
        groups = self.spellings()
        main = groups[0][0]
        if self._bare(main) != self._bare(main):
            raise Unsteady(main)
        for lines in groups:
            for number, line in enumerate(lines):
                self._ask(line, _REPEAT if number else _FIRST)
        self._leave_outputs(main)
        for name, text in self.case["edited"].items():
            self._edit(f"input {name}", main, self.project / name, text)
        script = self.folder / self.case["script"]
        mark = _COMMENTS.get(script.suffix, "#")
        self._edit("script", main, script, f"{script.read_text()}\n{mark} edited\n")
        if beside := self.case.get("beside"):
            self._edit("beside", main, self.folder / beside, (self.folder / beside).read_text() + "\n")
        self._edit("new file", main, self.folder / "references/new.md", "new\n")
        above = self.folder.parent.parent if self.case["layout"] == "plugin" else self.folder.parent
        self._edit("new file above", main, above / "words/new.txt", "new\n")
        if name := self.case.get("above"):
            self._edit("shared", main, above / name, (above / name).read_text() + "\n")
        if environ := self.case.get("variable", {}):
            self._ask(main, _CHANGED, "variable", **environ)
            self._ask(main, _REPEAT, "variable", **environ)

    def _leave_outputs(self, line: str) -> None:
        for name in self.case.get("outputs", ()):
            path = self.project / name

            def by_hand(path: Path = path) -> None:
                path.write_text("by hand\n")

            self._ask(line, _REPEAT, "output gone", path.unlink)
            self._ask(line, _CHANGED, "output by hand", by_hand)
            self._ask(line, _REPEAT, "after by hand")

    def _edit(self, what: str, line: str, path: Path, text: str) -> None:
        """Changes a file, then back."""
        before = path.read_text() if path.exists() else None
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        self._ask(line, _CHANGED, what)
        self._ask(line, _REPEAT, what)
        if before is None:
            path.unlink()
        else:
            path.write_text(before)
        self._ask(line, _REPEAT, f"{what} back")

    def _ask(
        self, line: str, kind: str, what: str = "call", prepare: Callable[[], object] = lambda: None, **environ: str
    ) -> None:
        """One call in the lane and one without us, each from the same state."""
        prepare()
        before = len(self._outcomes())
        done = self.shell.call(line, **environ)
        told = (done.stdout, done.returncode, self._tree())
        outcomes = self._outcomes()[before:]
        prepare()
        fresh = self._bare(line, **environ)
        served = "replayed" in outcomes
        self.calls += 1
        self.hits += served
        if told != fresh or (served and kind != _REPEAT):
            self.wrong.append(f"{what}: {line}: {outcomes}: {_difference(told, fresh)}")
        if kind == _REPEAT and not served:
            self.passed_by[f"{what}: {' '.join(outcomes) or 'not looked at'}"] += 1

    def _bare(self, line: str, **environ: str) -> tuple[str, int, Tree]:
        done = self.shell.run(line, **environ)
        return done.stdout, done.returncode, self._tree()

    def _outcomes(self) -> list[str]:
        return [count.outcome.name for count in counts.read(str(self.shell.cache))]

    def _tree(self) -> Tree:
        """What lies in the project and the skill."""
        found: Tree = {}
        for top in (self.project, self.folder):
            for path in top.rglob("*"):
                if path.is_file() and not any(part in f"{path}" for part in _NOT_COUNTED):
                    found[str(path)] = (stat.S_IMODE(path.stat().st_mode), path.read_bytes())
        return found


def _difference(told: tuple[str, int, Tree], fresh: tuple[str, int, Tree]) -> str:
    if told[:2] != fresh[:2]:
        return f"{told[:2]} is not {fresh[:2]}"
    return str([path for path in {*told[2], *fresh[2]} if told[2].get(path) != fresh[2].get(path)])
