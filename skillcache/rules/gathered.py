"""What a command is found to run and read while it is judged, and the verdict that comes of it."""

from skillcache.core.outcomes import COMMAND_WRITES, OUTSIDE, Bypass
from skillcache.core.record import KW_ONLY, Record, field
from skillcache.rules.options import UNKNOWN, Tool, Words, reason
from skillcache.rules.rule import Rule
from skillcache.rules.skills.scripts import is_python_of
from skillcache.rules.words import examine_given, examine_variable, leaving
from skillcache.rules.wrappers import Wrapped

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.rules.skills.find import Finder


class Use:
    """name: of the skill; folder: the skill's, absolute, as it was come by; script: the file's path below it.

    typed: the word as the command has it; spelled: what the script may be told of its own path, by that word;
    given: the words after it; named: the outputs among them, by index; directory: where it runs, relative to the
    call's; rule: what it declares, the person's rule before the skill; outside: those globs of what it depends on
    that are not counted from the worktree's root; home: absolute, '' where it is not known.
    """

    __slots__ = (
        "directory", "folder", "given", "home", "name", "named", "outside", "rule", "script", "spelled", "typed",
    )  # fmt: skip

    def __init__(
        self,
        *,
        name: str,
        folder: str,
        script: str,
        typed: str,
        given: tuple[str, ...],
        spelled: tuple[str, ...],
        directory: str,
        rule: Rule,
        outside: tuple[str, ...],
        home: str,
    ) -> None:
        from skillcache.rules.skills.manifest import values_of  # few commands run a skill's script

        self.name = name
        self.folder = folder
        self.script = script
        self.typed = typed
        self.given = given
        self.named = values_of(rule.outputs, given)
        self.spelled = spelled
        self.directory = directory
        self.rule = rule
        self.outside = outside
        self.home = home

    @property
    def label(self) -> str:
        """What stands for the folder in a key, wherever it lies."""
        return f"{{skill:{self.name}}}"


class Verdict(Record):
    """What a replayable command runs and reads. Every directory is relative to the command's own unless absolute."""

    rule: Rule  # the one that named it
    _: KW_ONLY
    executables: tuple[tuple[str, str], ...]  # (word, directory) of every program that is looked up on PATH
    # (word, directory, launcher) of programs that a launcher such as npx or uv looks up in the project's environment
    launched: tuple[tuple[str, str, str], ...]
    # (path, directory) that it is given or may be given: to be captured even if git ignores them, and when one
    # lies outside the project the command may read what surrounds it
    operands: tuple[tuple[str, str], ...]
    assignments: tuple[tuple[str, str], ...]  # the variables that its wrappers set
    skill: "Use | None"  # the skill whose script it runs
    tasks: tuple[tuple[str, str, str], ...] = ()  # (program, task, directory) of named tasks


# Words given to a program that a person's own rule names.
_OWN = Tool("", writes="-w -u -i -o", fresh="-f -count")
_WHOLE = frozenset(
    ["-run", "-v", "-race", "-timeout", "-tags", "-short", "-failfast", "-parallel", "-skip", "-cover"]
)  # Go's, which are no letters
_VERBS = frozenset(["fix", "write", "update", "watch", "dev", "serve", "build", "install", "format", "init"])
# Tests below a folder of this name talk to something that is running.
_LIVE = frozenset(["e2e", "live", "smoke"])


class Gathered(Record):
    """The lists of a `Verdict`, open."""

    finder: "Finder | None" = None
    _: KW_ONLY
    skill: Use | None = None
    executables: list[tuple[str, str]] = field(default_factory=list)
    launched: list[tuple[str, str, str]] = field(default_factory=list)
    operands: list[tuple[str, str]] = field(default_factory=list)
    assignments: list[tuple[str, str]] = field(default_factory=list)
    tasks: list[tuple[str, str, str]] = field(default_factory=list)
    spelled: frozenset[str] = frozenset()  # options that the person's own rule spells out

    def verdict(self, rule: Rule) -> Verdict:
        return Verdict(
            rule,
            executables=tuple(dict.fromkeys(self.executables)),
            launched=tuple(dict.fromkeys(self.launched)),
            operands=tuple(dict.fromkeys(self.operands)),
            assignments=tuple(self.assignments),
            skill=self.skill,
            tasks=tuple(self.tasks),
        )

    def variable(self, name: str, value: str, directory: str) -> None:
        self.assignments.append((name, value))
        self.operands.extend([(path, directory) for path in examine_variable(name, value)])

    def wrapped(self, inner: Wrapped) -> None:
        """The wrappers themselves, and what they say."""
        for name, value in inner.assignments:
            self.variable(name, value, inner.directory)
        self.executables.extend(inner.programs)
        if inner.programs and inner.programs[-1][1] != inner.directory:
            self.executables.append((inner.programs[-1][0], inner.directory))

    def run(self, inner: Wrapped, word: str) -> None:
        """The program that a rule names."""
        if inner.launcher:
            self.launched.append((word, inner.directory, inner.launcher))
        else:
            self.executables.append((word, inner.directory))

    def script(self, use: "Use", inner: Wrapped) -> Rule:
        """A script of a skill, whose words are its own affair: what it writes is held against what it declares."""
        self.skill = use
        if use.typed != inner.words[0]:
            self.run(inner, inner.words[0])
        elif is_python_of(inner.launcher, use.typed):
            self.run(inner, "python3")
        else:
            self.executables.append((f"{use.folder}/{use.script}", inner.directory))
        return use.rule

    def note(self, seen: Words, words: tuple[str, ...], directory: str) -> None:
        """Files that the words of a ruled command name, or may name."""
        self.operands.extend([(path, directory) for path in seen.files if path != "/dev/null"])
        for value in [*seen.values, *seen.options]:
            self.leaving(value, directory)
        for place in seen.operands:
            self.operand(words[place], directory)

    def leaving(self, value: str, directory: str) -> None:
        self.operands.extend([(path, directory) for path in leaving(value)])

    def operand(self, word: str, directory: str) -> None:
        self.leaving(word, directory)
        path = word.partition("::")[0].removesuffix("...").rstrip("/")
        if path.rpartition(":")[2].isdigit():
            path = path.rpartition(":")[0]
        if path not in ("", ".") and not path.startswith(("-", "/")) and ".." not in path:
            self.operands.append((path, directory))

    def given(self, words: tuple[str, ...], at: int, directory: str) -> None:
        """Words from `at` on that go to what a task runs. Raises Bypass."""
        self.note(examine_given(words, at), words, directory)

    def own(self, words: tuple[str, ...], directory: str) -> None:
        """The words of a program that a person's own rule names: no option that is known to write. Raises Bypass."""
        for word in words[1:]:
            name, _, value = word.partition("=")
            if word in _VERBS:
                raise Bypass(COMMAND_WRITES, word)
            if word.startswith("-") and name not in ("-", "--", *_WHOLE):
                letters = "" if word.startswith("--") else name[1:]
                for option, tool in ((name, UNKNOWN if not letters else _OWN), *(("-" + one, _OWN) for one in letters)):
                    known = reason(tool, option, value)
                    if known is not None:
                        raise Bypass(known, word)
            self.operand(word, directory)


def refuse_live(words: list[str]) -> None:
    for word in words:
        if not _LIVE.isdisjoint(word.replace("::", "/").split("/")):
            raise Bypass(OUTSIDE, word)
