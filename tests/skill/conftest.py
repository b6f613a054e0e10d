"""A project, a home folder with a skill whose script counts its runs, and calls through the real hook processes."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from skillcache.commands.invocation import Program
from skillcache.commands.stand_in import ruled
from skillcache.settings.in_force import load
from tests.events.conftest import Place

# Prints its arguments and the first line of each that is a file; writes what SKILL_WRITES says: path=text;...
SCRIPT = """\
import os, sys
with open(os.environ["OBSERVER_COUNTER"], "a") as counter:
    counter.write("run\\n")
print("report on", *[os.path.basename(each) for each in sys.argv[1:]])
for path in sys.argv[1:]:
    if os.path.isfile(path):
        print(open(path).readline(), end="")
for name in os.environ.get("SKILL_PRINTS", "").split():
    print(open(os.path.expanduser(name)).read(), end="")
for each in filter(None, os.environ.get("SKILL_WRITES", "").split(";")):
    path, _, text = each.partition("=")
    if text == "-":
        os.unlink(path)
    else:
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        open(path, "w").write(text + "\\n")
"""


class Skills:
    """`place` with skills in its home folder; a call of `run` is told apart by what the counter says."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.root = place.root
        self.home = Path(place.environ["HOME"])
        self.environ = place.environ
        place.claude_settings(permissions={"allow": ["Bash"]})
        self.folder = self.home / ".claude/skills/report"
        self.script = self.folder / "scripts/run.py"
        self.line = "python3 ~/.claude/skills/report/scripts/run.py"
        self.known: set[str] = set()

    def declare(self, declared: str | None, folder: Path | None = None, name: str = "report") -> None:
        """`declared`: the flow mapping after `skillcache:`, None for a skill that says nothing of us."""
        folder = folder or self.folder
        (folder / "scripts").mkdir(parents=True, exist_ok=True)
        (folder / "scripts/run.py").write_text(SCRIPT)
        metadata = f"metadata:\n  skillcache: {declared}\n" if declared is not None else ""
        (folder / "SKILL.md").write_text(f"---\nname: {name}\ndescription: Reports.\n{metadata}---\n# Reports\n")

    def writes(self, **files: str) -> None:
        """What every later run writes; `_` in a name stands for the dot, `__` for a slash."""
        named = {name.replace("__", "/").replace("_", "."): text for name, text in files.items()}
        self.environ["SKILL_WRITES"] = ";".join(f"{path}={text}" for path, text in named.items())

    @property
    def runs(self) -> int:
        counter = Path(self.environ["OBSERVER_COUNTER"])
        return len(counter.read_text().splitlines()) if counter.exists() else 0

    def call(self, arguments: str = "", line: str | None = None, root: Path | None = None) -> tuple[str, bool]:
        """What the model reads, and whether it was served."""
        before = self.runs
        ran, served = self.place.call(f"{line or self.line} {arguments}".strip(), root=root)
        assert served is (self.runs == before), self.place.counted()
        assert ran.status == 0, ran
        return ran.text.rstrip(), served

    def key(self, arguments: str = "", line: str | None = None) -> str:
        """The digest that a stand-in would look up for the call, of which the line is the words: see `Shell.key`."""
        words = [
            f"{self.home}{word[1:]}" if word.startswith("~/") else word
            for word in shlex.split(f"{line or self.line} {arguments}")
        ]
        known = {**self.environ, "CLAUDE_PROJECT_DIR": str(self.root)}
        path = shutil.which(words[0], path=known["PATH"])
        assert path is not None
        settings = load(self.environ, str(self.root))
        program = Program(path, tuple(words), known)
        task = ruled(program, str(self.root), known, settings, fresh=False, joined=True)
        return task.capture_key((), seconds=60).digest

    def is_new(self, arguments: str = "", line: str | None = None) -> bool:
        """Whether no call before it had the key of this one; two of them at one moment have the same."""
        key = self.key(arguments, line)
        assert self.key(arguments, line) == key
        if key in self.known:
            return False
        self.known.add(key)
        return True

    def last(self) -> str:
        return self.place.counted()[-1]


@pytest.fixture
def skills(tmp_path: Path) -> Skills:
    return Skills(Place(tmp_path))
