"""What a task's own list says comes behind a command that it has started: of a Makefile, and of a package's scripts.

It is asked of the command, not of the task: what a task gives to those that it starts, such as npm's forty variables,
the one that it has started already has. A task's list is certain where each step is spelled out; the first that holds
a variable, stands in a condition or may be left out as being up to date ends it.
"""

import os

from skillcache.commands.ahead.line import Asked, Course, following
from skillcache.core import Record, field, files
from skillcache.core.processes import parent_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_CAP = 1 << 18
_MAKES = ("make", "gmake", "gnumake")
_FILES = ("GNUmakefile", "makefile", "Makefile")
_HARMLESS = frozenset("-s --silent --quiet -k --keep-going --no-print-directory -w".split())  # noqa: SIM905
_CONDITIONS = ("ifeq", "ifneq", "ifdef", "ifndef")
_OTHERWISE = (".ONESHELL", ".RECIPEPREFIX", ".SECONDEXPANSION", "define")
_SHELLS = ("sh", "bash", "dash", "zsh")
_MOST = 200  # targets


def of_task(words: tuple[str, ...], cwd: str, environ: "Mapping[str, str]") -> list[Asked]:
    """The commands that come behind the one of `words` in the list of the task that has started this process.

    environ: that of the command. `joined` is said of what is started with the streams that the command has.
    """
    script = environ.get("npm_lifecycle_script", "")
    if script and os.path.dirname(environ.get("npm_package_json", "")) == cwd:
        found = following(script, words, cwd)
        if found:
            return found
    if not environ.get("MAKELEVEL") or any(word.startswith("-j") for word in environ.get("MAKEFLAGS", "").split()):
        return []
    try:
        above = _make_above()
        return [] if above is None else of_makefile(*above, words, cwd)
    except OSError:
        return []


def _make_above() -> "tuple[list[str], str] | None":
    """The words and the folder of the make that started this process, itself or by a shell. Raises OSError."""
    number = os.getpid()
    for _ in range(2):
        number = parent_of(number)
        given = (files.read(f"/proc/{number}/cmdline", _CAP) or b"").decode("utf-8", "surrogateescape").split("\0")
        if given[0].rpartition("/")[2] in _MAKES:
            return given[:-1], os.readlink(f"/proc/{number}/cwd")
    return None


def of_makefile(given: list[str], folder: str, words: tuple[str, ...], cwd: str) -> list[Asked]:
    """given: make's own words; folder: where it runs. See `of_task`. Raises OSError."""
    targets = _targets(given)
    text = next((text for name in _FILES if (text := files.read(f"{folder}/{name}", _CAP)) is not None), b"")
    steps = _Makefile(text.decode("utf-8", "replace"), folder).steps(targets)
    courses = [Course(step) for step in steps]
    counts = [course.count(words) for course in courses]
    if sum(counts) != 1:
        return []
    at = counts.index(1)
    found, is_whole = courses[at].behind(words, cwd)
    for course in courses[at + 1 :]:
        if not is_whole:
            break
        more, is_whole = course.all(folder)
        found += more
    return found


def _targets(given: list[str]) -> list[str]:
    """[] where its words say more than what to make, and where: another file, or that all is made at once."""
    targets: list[str] = []
    rest = given[1:]
    while rest:
        word = rest.pop(0)
        if word in ("-C", "--directory"):
            rest = rest[1:]
        elif not word.startswith("-"):
            targets += [] if "=" in word else [word]
        elif word not in _HARMLESS and not word.startswith(("-C", "--directory=")):
            return []
    return targets


class _Rule(Record):
    needs: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    is_sure: bool = True  # whether it says this once, whatever else is so


def _means_more(line: str) -> bool:
    """Whether by this line others are read or run in another way."""
    words = line.replace(":", " ").replace("=", " ").replace("?", " ").split()
    if "SHELL" in words[:2]:
        return words[-1].rpartition("/")[2] not in _SHELLS
    return any(word in _OTHERWISE for word in words[:2])


class _Makefile:
    __slots__ = ("_folder", "_is_sure", "_phony", "_rules", "_seen")

    def __init__(self, text: str, folder: str) -> None:
        self._folder = folder
        self._rules: dict[str, _Rule] = {}
        self._phony: set[str] = set()
        self._seen: set[str] = set()
        self._is_sure = True
        self._read(text)

    def _read(self, text: str) -> None:
        depth = 0
        open_rules: list[_Rule] = []
        for line in text.replace("\\\n", "\\\r").split("\n"):
            first = line.split(None, 1)[0] if line.strip() else ""
            if line.startswith("\t"):
                for rule in open_rules:
                    rule.steps.append(line.replace("\\\r", "\\\n"))
                    rule.is_sure = rule.is_sure and not depth
            elif first in _CONDITIONS or first == "endif":
                depth += -1 if first == "endif" else 1
                for rule in open_rules:
                    rule.is_sure = False
            elif _means_more(line):
                self._is_sure = False
            elif ":" in line.partition("=")[0].partition("#")[0]:
                open_rules = self._opened(line.replace("\\\r", " "), is_sure=not depth)
            elif first and not first.startswith("#"):  # a variable
                open_rules = []

    def _opened(self, line: str, *, is_sure: bool) -> list[_Rule]:
        """The rules that a line such as `check: lint test` begins; none for a variable, such as `X := 1`."""
        before, _, after = line.partition("#")[0].partition(":")
        if after.startswith((":", "=")):
            is_sure = False  # a second kind of rule, or a variable
        first, has_step, step = after.partition(";")
        targets, needs = before.split(), first.split()
        if ".PHONY" in targets:
            self._phony.update(needs)
            return []
        is_sure = is_sure and not any(sign in first for sign in "=$%*?[|:") and "$" not in before
        opened = []
        for target in targets:
            is_new = target not in self._rules
            rule = self._rules.setdefault(target, _Rule())
            rule.is_sure = rule.is_sure and is_sure and is_new
            rule.needs += needs
            rule.steps += [step] if has_step else []
            opened.append(rule)
        return opened

    def steps(self, targets: list[str]) -> list[str]:
        """The lines that are started for these, one after another, as long as it is sure which."""
        found: list[str] = []
        for target in targets:
            if not self._add(target, found):
                break
        return found

    def _add(self, target: str, found: list[str]) -> bool:
        """False where what comes next is not sure."""
        if target in self._seen:
            return True
        self._seen.add(target)
        rule = self._rules.get(target)
        is_made = target in self._phony or not os.path.lexists(f"{self._folder}/{target}")
        if rule is None or not rule.is_sure or not self._is_sure or not is_made or len(self._seen) > _MOST:
            return False
        if not all(self._add(need, found) for need in rule.needs):
            return False
        for step in rule.steps:
            line = step.lstrip("\t @-+")
            if "$" in line:
                return False
            found.append(line)
        return True
