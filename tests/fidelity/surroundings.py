"""What happens around a project: above it, beside it, at home, among its packages and tools, in the environment.

Each public method of `Surroundings` is a kind of step. It changes something that a run in this root sees, or at times,
where several are drawn together, nothing, and says whether it did.
"""

from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.fidelity.observer import IDLE, SETTINGS

_CONTENTS = ("one\n", "two\n", None, None, None)  # None: it is gone, as it was, so that states come again
_ABOVE = sorted({name for above, *_ in SETTINGS.values() for name in above})
_ALONE = SETTINGS["flake8"][1][0]
_HOME = sorted({name for _, home, _ in SETTINGS.values() for name in home} - {_ALONE})
_ENDS = ("_MODE", "_LEVEL", "_URL", "_DIR", "_HOST", "_X", "")
_WORDS = (
    *("APP", "TEST", "NODE", "DB", "AWS", "RUST", "PY", "MY", "FEATURE", "LOG", "CACHE", "CONFIG", "RETRY", "SEED"),
    *("COLOR", "NUMBER", "SERVICE", "QUEUE", "GO", "JAVA", "RUBY", "BUILD", "COVERAGE", "REPORT", "LOCALE", "TIMEOUT"),
)
# What tools are known to look at, by themselves.
_KNOWN = ("FORCE_COLOR", "NO_COLOR", "TZ", "tests", "MYPYPATH", "DEBUG", "COLUMNS", "NODE_OPTIONS", "PYTHONHASHSEED")
_NAMING = ("MY_APP_FILE", "MY_CONFIG", "PYLINTRC", "EXTRA_ARGS", "TEST_DATA", "SOME_OPTIONS")
_NAMED = ("app.ini", "rules.json", "data.txt", "hook.cjs")
SHARED = "shared"  # a link that is tracked, to a folder beside the project
PLUGIN = "node_modules/lib"  # a link that git ignores, to a package beside the project with packages of its own
TRACKED = {
    # A configuration extends one beside the project, and that another one.
    "settings.json": '{"extends": "../common/base.json"}\n',
    # What the project's tests read elsewhere, and that they ask for permissions.
    "elsewhere.py": 'DATA = "../beside.txt"\nSETTINGS = "~/.config/app.json"  # and st_mode of notes.txt\n',
    "tests/test_starts.py": 'import subprocess\n\nsubprocess.run(["helper", "--version"])\n',
}


class Surroundings:
    """base: of the world; roots: its checkouts; environ: of its shells."""

    def __init__(self, base: Path, roots: list[Path], environ: dict[str, str], random: Random) -> None:
        self.base = base
        self.environ = environ
        self.random = random
        self._drawn: list[str] = []
        for place in {root.parent for root in roots}:
            for name in ("shared/x.txt", "lib/index.js", "lib/node_modules/dep/index.js", "common/strict.json"):
                put(place / name, "one\n")
            put(place / "common/base.json", '{"extends": "./strict.json"}\n')
        for root in roots:
            put(root / "node_modules/foo/index.js", "one\n")
            (root / PLUGIN).symlink_to("../../lib")
        self.install("helper", "1")
        self.install("flavour", "1")

    def kinds(self) -> tuple[Callable[[Path], bool], ...]:
        return (
            self.edit_above, self.edit_beside, self.edit_behind_a_link, self.edit_what_is_extended, self.edit_at_home,
            self.edit_at_home_alone, self.edit_named_at_home, self.generate_package, self.patch_package,
            self.edit_linked_package,
            self.add_package_above, self.make_empty_folder, self.change_permissions, self.edit_ignored_fixture,
            self.exclude_in_git, self.set_any_variable, self.set_idle_variable, self.name_a_file,
            self.upgrade_behind_a_task, self.upgrade_behind_a_script, self.upgrade_named_program,
        )  # fmt: skip

    # Files above, beside and at home.

    def edit_above(self, root: Path) -> bool:
        """Of two folders above, the nearer one shadows the other."""
        return self._change(self.random.choice(self._above(root)) / self.random.choice(_ABOVE))

    def edit_beside(self, root: Path) -> bool:
        return self._change(root.parent / "beside.txt")

    def edit_behind_a_link(self, root: Path) -> bool:
        return self._turn(root.parent / "shared/x.txt")

    def edit_what_is_extended(self, root: Path) -> bool:
        return self._turn(root.parent / "common/strict.json")

    def edit_at_home(self, _root: Path) -> bool:
        return self._change(self.base / "home" / self.random.choice(_HOME))

    def edit_at_home_alone(self, _root: Path) -> bool:
        """Of a tool that the command alone names."""
        return self._change(self.base / "home" / _ALONE)

    def edit_named_at_home(self, _root: Path) -> bool:
        return self._change(self.base / "home/.config/app.json")

    # Packages: no manifest says anything of these.

    def generate_package(self, root: Path) -> bool:
        return self._change(
            self.random.choice((_installed(root), root / "node_modules/.prisma")) / "client/__init__.py"
        )

    def patch_package(self, root: Path) -> bool:
        if self.random.random() < 0.5:
            return self._turn(root / "node_modules/foo/index.js")
        return self._change(_installed(root) / "six.py")

    def edit_linked_package(self, root: Path) -> bool:
        name = self.random.choice(("index.js", "node_modules/dep/index.js"))
        return self._turn(root.parent / "lib" / name)

    def add_package_above(self, root: Path) -> bool:
        return self._change(root.parent / "node_modules/bar/index.js")

    # What git ignores or does not know, modes.

    def make_empty_folder(self, root: Path) -> bool:
        folder = root / "cases"
        if folder.is_dir():
            folder.rmdir()
        else:
            folder.mkdir()
        return True

    def change_permissions(self, root: Path) -> bool:
        path = root / "notes.txt"
        if not path.is_file() or path.is_symlink():
            return False
        before = path.stat().st_mode
        path.chmod(self.random.choice((0o600, 0o644)))
        return path.stat().st_mode != before

    def edit_ignored_fixture(self, root: Path) -> bool:
        return self._change(root / "sub/access.log")

    def exclude_in_git(self, root: Path) -> bool:
        """A file that git tracks all the same: linters leave it out."""
        shared = root.parent.parent / "workshop/.git" if (root / ".git").is_file() else root / ".git"
        return put(shared / "info/exclude", self.random.choice(("sub/mod.py\n", "# none\n")))

    # Variables.

    def set_any_variable(self, _root: Path) -> bool:
        """Any name may be one that a test reads."""
        names = [*self._drawn, self.random.choice(_KNOWN), self.random.choice(_WORDS) + self.random.choice(_ENDS)]
        name = self.random.choice(names)
        if name not in self._drawn:
            self._drawn = [*self._drawn[-3:], name]
        return self._set(name, self.random.choice(("1", "sub", "some words", None, None)))

    def set_idle_variable(self, _root: Path) -> bool:
        """Of a session, a terminal, a desktop: no result depends on them."""
        return self._set(self.random.choice(IDLE), self.random.choice(("1", "other", None)))

    def name_a_file(self, _root: Path) -> bool:
        """Or change, move or remove what is named."""
        path = self.base / "settings" / self.random.choice(_NAMED)
        form = self.random.choice(("{}", "{}", "--file={}", "-c {}"))
        value = self.random.choice((form.format(path), None))
        changes = put(path, self.random.choice(("one\n", "two\n"))) and str(path) in "".join(self.environ.values())
        return self._set(self.random.choice(_NAMING), value) or changes

    # Tools behind tasks, scripts and the project's own text.

    def upgrade_behind_a_task(self, _root: Path) -> bool:
        return self._upgrade(self.base / "bin/checker", "VERSION = ")

    def upgrade_behind_a_script(self, _root: Path) -> bool:
        """What a script sources, or what it becomes."""
        if self.random.random() < 0.5:
            return self.install("flavour", self.random.choice("123"))
        return self._upgrade(self.base / "libexec/mypy", "VERSION = ")

    def upgrade_named_program(self, _root: Path) -> bool:
        return self.install("helper", self.random.choice("123"))

    def install(self, name: str, version: str) -> bool:
        """A program that tests start, or what the script in front of a tool sources."""
        if name == "flavour":
            return put(self.base / "libexec/flavour.sh", f"export FLAVOUR={version}\n")
        path = self.base / "bin" / name
        done = put(path, f"#!/bin/sh\necho {name} {version}\n")
        path.chmod(0o755)
        return done

    def _upgrade(self, path: Path, mark: str) -> bool:
        text = path.read_text()
        at = text.index(f"\n{mark}") + len(mark) + 2
        changed = text[:at] + self.random.choice("123") + text[at + 1 :]
        return put(path, changed)

    def _above(self, root: Path) -> list[Path]:
        return [folder for folder in root.parents if folder == self.base or self.base in folder.parents]

    def _set(self, name: str, value: str | None) -> bool:
        before = self.environ.pop(name, None)
        if value is not None:
            self.environ[name] = value
        return before != value

    def _change(self, path: Path) -> bool:
        return put(path, self.random.choice(_CONTENTS))

    def _turn(self, path: Path) -> bool:
        return put(path, self.random.choice(_CONTENTS[:2]))


def _installed(root: Path) -> Path:
    return root / ".venv/lib/python3.11/site-packages"


def put(path: Path, content: str | None) -> bool:
    """Whether that has changed anything."""
    before = path.read_text() if path.exists() else None
    if content == before:
        return False
    if content is None:
        path.unlink()
        return True
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return True
