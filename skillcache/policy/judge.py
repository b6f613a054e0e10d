"""Is a line replayable? Every simple command in it must be one that a rule names or a pure filter."""

from skillcache.errors import Bypass
from skillcache.outcome import COMMAND_WRITES, NO_RULE, OTHER_COMMAND, OUTSIDE, SHELL_EXPANSION
from skillcache.policy import filters, wrappers
from skillcache.policy.builtin import plain_name, tool_of
from skillcache.policy.options import UNKNOWN, Words, examine, refuse, refuse_short
from skillcache.policy.paths import leaving
from skillcache.policy.pattern import matches
from skillcache.policy.rule import Rule
from skillcache.policy.runner import TABLE as RUNNERS
from skillcache.policy.runners import task
from skillcache.policy.tool import Tool
from skillcache.policy.variables import examine_variable
from skillcache.policy.verdict import Verdict
from skillcache.shell.line import Command, Line

_PYTHON_FLAGS = frozenset(["-B", "-u", "-I", "-s", "-S", "-E", "-O", "-OO", "-b", "-bb", "-q"])


def judge(line: Line, rules: tuple[Rule, ...] = ()) -> Verdict:
    """`rules`: the person's own, the first that matches a command counting. Raises Bypass."""
    judge_ = _Judge(rules)
    other = ""
    for command in line.commands:
        if not judge_.command(command) and not other:
            other = command.words[0]
    if not judge_.rules:
        raise Bypass(NO_RULE)
    if other:
        raise Bypass(OTHER_COMMAND, other)
    return judge_.verdict(line)


class _Judge:
    """Judges command by command and gathers what the line runs and reads."""

    def __init__(self, rules: tuple[Rule, ...]) -> None:
        self.own = rules
        self.rules: list[Rule] = []
        self.executables: list[tuple[str, str]] = []
        self.launched: list[tuple[str, str, str]] = []
        self.reads: list[tuple[str, str]] = []
        self.operands: list[tuple[str, str]] = []
        self.assignments: list[tuple[str, str]] = []
        self.seconds = 0.0

    def verdict(self, line: Line) -> Verdict:
        verdict = Verdict(line.ends_in)
        verdict.rules = _once(self.rules)
        verdict.executables = _once(self.executables)
        verdict.launched = _once(self.launched)
        verdict.reads = _once(self.reads)
        verdict.operands = _once(self.operands)
        verdict.assignments = tuple(self.assignments)
        verdict.seconds = self.seconds
        return verdict

    def command(self, command: Command) -> bool:
        """Whether a rule or a filter accounts for it."""
        for name, value in command.assignments:
            self.variable(name, value, command.directory)
        self.reads.extend([(path, command.directory) for path in command.reads])
        if not command.words:
            return True
        if self.looks_up(command):
            return True
        inner = wrappers.unwrap(command.words, command.directory)
        if inner is None:
            return False
        filtered = filters.filtered(command, inner.words)
        if filtered is not None:
            return self.filter(command, inner, filtered)
        rule = self.named(command, inner)
        if rule is None:
            return False
        if command.globs or command.statuses:
            raise Bypass(SHELL_EXPANSION, "a pattern among the words")
        for name, value in inner.assignments:
            self.variable(name, value, inner.directory)
        self.wrapped(inner)
        self.rules.append(rule)
        return True

    def looks_up(self, command: Command) -> bool:
        """`command -v X` and `which X`: where a program is found, if it is."""
        words = command.words
        names = words[2:] if words[:2] == ("command", "-v") else words[1:] if words[0] == "which" else ()
        if (
            not names
            or command.globs
            or command.statuses
            or not all(name.replace("-", "a").isalnum() for name in names)
        ):
            return False
        self.executables.extend([(name, command.directory) for name in names])
        return True

    def filter(self, command: Command, inner: wrappers.Wrapped, filtered: filters.Filtered) -> bool:
        if filtered.globs or command.globs:
            raise Bypass(SHELL_EXPANSION, "a pattern among the words")
        for name, value in [*inner.assignments, *filtered.assignments]:
            self.variable(name, value, inner.directory)
        self.wrapped(inner)
        if filtered.program:
            self.executables.append((inner.words[0], inner.directory))
        self.reads.extend([(path, inner.directory) for path in filtered.reads])
        return True

    def wrapped(self, inner: wrappers.Wrapped) -> None:
        self.executables.extend(inner.programs)
        if inner.programs and inner.programs[-1][1] != inner.directory:
            self.executables.append((inner.programs[-1][0], inner.directory))
        if inner.seconds and not 0 < self.seconds < inner.seconds:
            self.seconds = inner.seconds

    def variable(self, name: str, value: str, directory: str) -> None:
        self.assignments.append((name, value))
        self.operands.extend([(path, directory) for path in examine_variable(name, value)])

    def named(self, command: Command, inner: wrappers.Wrapped) -> Rule | None:
        """The rule that names the command; its words are examined on the way."""
        own = self.own_rule(command, inner)
        if own is not None and not own.enabled:
            return None
        built_in = self.built_in(inner)
        if own is None:
            return built_in
        if built_in is None:
            self.run(inner, inner.words[0], inner.directory)
            self.note(examine(UNKNOWN, inner.words, 1), inner.words, inner.directory)
        elif own.name == "":
            own.name = built_in.name
        return own

    def own_rule(self, command: Command, inner: wrappers.Wrapped) -> Rule | None:
        if not self.own:
            return None
        texts = (command.text, " ".join(command.words), " ".join(inner.words))
        for rule in self.own:
            if any(matches(rule.specifier, text) for text in texts):
                return rule
        return None

    def built_in(self, inner: wrappers.Wrapped) -> Rule | None:
        words, directory = inner.words, inner.directory
        word = plain_name(words[0])
        if (word.startswith("python") and word[6:].replace(".", "").isdigit()) or word in ("python", "pypy3"):
            return self.python(inner)
        if word == "php" and len(words) > 1:
            self.operands.append((words[1], directory))
            return self.by_tool(inner, plain_name(words[1]).removeprefix("./"), 1)
        if word == "bun" and words[1:2] == ("test",):
            from skillcache.policy.tools.javascript import BUN_TEST

            return self.as_tool(inner, BUN_TEST, 2)
        if word == "cargo" and len(words) > 1 and words[1].startswith("+"):
            inner.words = (words[0], *words[2:])
        if word in RUNNERS:
            found = task(word, words, directory)
            if found is not None:
                inner.directory = found.directory
                if found.tool:
                    self.executables.append((words[0], directory))
                    inner.launcher = word
                    inner.words = words[found.rest :]
                    return self.by_tool(inner, inner.words[0], 0)
                self.operands.extend([(path, found.directory) for path in found.files])
                for value in found.values:
                    self.leaving(value, found.directory)
                self.rest(words, found.rest, found.directory)
                if found.name.endswith("-test"):
                    refuse_live([*words[found.rest :], *found.values])
                self.executables.append((words[0], directory))
                if found.directory != directory:
                    self.executables.append((words[0], found.directory))
                return Rule(found.name, f"Bash({' '.join(words[: found.rest])}:*)", tools=found.tools)
            if word != "deno":
                return None
        return self.by_tool(inner, word, 0)

    def python(self, inner: wrappers.Wrapped) -> Rule | None:
        words = inner.words
        at = 1
        while at < len(words) and words[at].startswith("-") and words[at] != "-m":
            if words[at] in ("-X", "-W"):
                at += 1
            elif words[at] not in _PYTHON_FLAGS and not words[at].startswith(("-X", "-W")):
                return None
            at += 1
        if at >= len(words):
            return None
        if words[at] == "-m":
            from skillcache.policy.tools.python import MODULES

            at += 1
            if at >= len(words) or words[at] not in MODULES:
                return None
            return self.by_tool(inner, words[at], at)
        name = plain_name(words[at])
        if words[at].endswith("manage.py"):
            name = "manage.py"
            self.operands.append((words[at], inner.directory))
        elif name == words[at]:
            return None
        return self.by_tool(inner, name, at)

    def by_tool(self, inner: wrappers.Wrapped, word: str, at: int) -> Rule | None:
        tool = tool_of(word)
        return None if tool is None else self.as_tool(inner, tool, at + 1)

    def as_tool(self, inner: wrappers.Wrapped, tool: Tool, at: int) -> Rule | None:
        """`at`: where the tool's own words begin."""
        words = inner.words
        program = words[0]
        while tool.subcommands is not None:
            place = _first_operand(tool, words, at)
            if place < 0:
                return None
            if words[place] in tool.building:
                raise Bypass(COMMAND_WRITES, f"{tool.name} {words[place]}")
            chosen = tool.subcommands.get(words[place])
            if chosen is None:
                return None
            if place > at:
                self.note(examine(chosen, words[:place], at), words, inner.directory)
            tool, at = chosen, place + 1
        if tool.only and not any(word in tool.only for word in words[at:]):
            return None
        seen = examine(tool, words, at)
        if seen.operands and words[seen.operands[0]] in tool.building:
            raise Bypass(COMMAND_WRITES, f"{tool.name} {words[seen.operands[0]]}")
        if tool.goals is not None:
            goals = [words[place].rpartition(":" if tool.name == "gradle" else "\n")[2] for place in seen.operands]
            if not goals or any((goal.lower() if tool.name == "gradle" else goal) not in tool.goals for goal in goals):
                return None
        else:
            self.note(seen, words, inner.directory)
            if tool.name.endswith(_TESTS):
                refuse_live([words[place] for place in seen.operands])
        self.run(inner, program, inner.directory)
        return Rule(tool.name, tool.pattern, env=tool.env, tools=tool.tools)

    def run(self, inner: wrappers.Wrapped, word: str, directory: str) -> None:
        if inner.launcher:
            self.launched.append((word, directory, inner.launcher))
        else:
            self.executables.append((word, directory))

    def note(self, seen: Words, words: tuple[str, ...], directory: str) -> None:
        """Files that the words of a ruled command name, or may name."""
        for path in seen.files:
            if path != "/dev/null":
                self.operands.append((path, directory))
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

    def rest(self, words: tuple[str, ...], at: int, directory: str) -> None:
        """Words given to a task go to a program that is not known."""
        for word in words[at:]:
            name, _, value = word.partition("=")
            if word.startswith("--"):
                if name != "--":
                    refuse(UNKNOWN, name, value)
            elif word.startswith("-") and name not in _GO_FLAGS:
                refuse(_GIVEN, name, value)
                for letter in name[1:]:
                    refuse_short(_GIVEN, "-" + letter)
            elif word in _VERBS:
                raise Bypass(COMMAND_WRITES, word)
            self.operand(word, directory)


_GIVEN = Tool("", writes="-w -u -i -o", fresh="-f -count")
_GO_FLAGS = frozenset(
    ["-run", "-v", "-race", "-timeout", "-tags", "-short", "-failfast", "-parallel", "-skip", "-cover"]
)
_VERBS = frozenset(["fix", "write", "update", "watch", "dev", "serve", "build", "install", "format", "init"])
# Tests below a folder of this name talk to something that is running.
_LIVE = frozenset(["e2e", "live", "smoke"])
_TESTS = ("test", "jest", "mocha", "ava", "rspec", "phpunit", "pest", "maven", "gradle", "nextest")


def refuse_live(words: list[str]) -> None:
    for word in words:
        if not _LIVE.isdisjoint(word.replace("::", "/").split("/")):
            raise Bypass(OUTSIDE, word)


def _first_operand(tool: Tool, words: tuple[str, ...], at: int) -> int:
    """The place of the subcommand; -1 when it is not surely found."""
    while at < len(words):
        word = words[at]
        if not word.startswith("-"):
            return at
        name = word.partition("=")[0]
        common = ("-q", "--quiet", "-v", "--verbose", "--no-color", "--offline", "--locked", "--frozen", "--no-ansi")
        if name not in common and word not in ("--color=always", "--color=never"):
            return -1
        at += 1
    return -1


def _once(items: list) -> tuple:  # type: ignore[type-arg]
    return tuple(dict.fromkeys(items))
