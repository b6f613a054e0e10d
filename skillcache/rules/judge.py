"""Is a command replayable? A rule must name it, built in or the person's, and its words must do no more than report."""

from skillcache.core import KW_ONLY, Record, field
from skillcache.core.outcomes import COMMAND_WRITES, LIVE, NO_RULE, OUTSIDE, Bypass
from skillcache.core.paths import PROJECT_CONFIG
from skillcache.rules.builtin import RUNNERS, UNKNOWN, Tool, Words, examine, plain_name, reason, tool_of
from skillcache.rules.rule import Rule
from skillcache.rules.words import VERBS, Wrapped, examine_given, examine_variable, is_python_of, leaving, unwrap

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


_PYTHON_FLAGS = frozenset(
    ["-B", "-u", "-I", "-s", "-S", "-E", "-O", "-OO", "-b", "-bb", "-q", "-Xdev", "-Xutf8", "-Xfaulthandler"]
)
_TESTS = ("test", "jest", "mocha", "ava", "rspec", "phpunit", "pest", "maven", "gradle", "nextest")


def built_in(inner: Wrapped, gathered: Gathered) -> Rule | None:
    """None when no rule names the command. Raises Bypass for one that does more than report."""
    words = inner.words
    word = plain_name(words[0])
    if word.startswith("python") and word[6:].replace(".", "").isdigit():
        word = "python"
    if word in ("python", "pypy3"):
        return _python(inner, gathered)
    if word == "php" and len(words) > 1:
        gathered.operands.append((words[1], inner.directory))
        return _by_name(inner, plain_name(words[1]), 1, gathered)
    if word == "bun" and words[1:2] == ("test",):
        from skillcache.rules.builtin.javascript import BUN_TEST

        return _by_tool(inner, BUN_TEST, 2, gathered)
    if word == "cargo" and len(words) > 1 and words[1].startswith("+"):
        inner.words = (words[0], *words[2:])
    if word in RUNNERS:
        rule = _task(word, inner, gathered)
        if rule is not None or word != "deno":
            return rule
    return _by_name(inner, word, 0, gathered)


def _task(word: str, inner: Wrapped, gathered: Gathered) -> Rule | None:
    from skillcache.rules.tasks import task

    words, directory = inner.words, inner.directory
    found = task(word, words, directory)
    if found is None:
        return None
    for place in (directory, found.directory):
        inner.directory = place
        gathered.run(inner, words[0])
    for name, value in found.variables:
        gathered.variable(name, value, found.directory)
    gathered.operands.extend([(path, found.directory) for path in found.files])
    for value in found.values:
        gathered.leaving(value, found.directory)
    if found.tool:
        inner.launcher = word
        inner.words = words[found.rest :]
        return _by_name(inner, inner.words[0], 0, gathered)
    gathered.tasks.extend([(word, name, found.directory) for name in found.names])
    gathered.given(words, found.rest, found.directory)
    if found.name.endswith("-test"):
        refuse_live([*words[found.rest :], *found.values])
    return Rule(found.name, f"Bash({' '.join(words[: found.rest])}:*)", tools=found.tools)


def _python(inner: Wrapped, gathered: Gathered) -> Rule | None:
    words = inner.words
    at = 1
    while at < len(words) and words[at].startswith("-") and words[at] != "-m":
        word = words[at]
        if word in ("-X", "-W"):
            at += 1
            word += words[at] if at < len(words) else ""
        if word not in _PYTHON_FLAGS and not word.startswith("-W"):
            return None
        at += 1
    if at >= len(words):
        return None
    if words[at] == "-m":
        from skillcache.rules.builtin.python import MODULES

        module = words[at + 1] if at + 1 < len(words) else ""
        return _by_name(inner, module, at + 1, gathered) if module in MODULES else None
    name = "manage.py" if words[at].endswith("/manage.py") else plain_name(words[at])
    if name == words[at] and name != "manage.py":
        return None
    gathered.operands.append((words[at], inner.directory))
    return _by_name(inner, name, at, gathered)


def _by_name(inner: Wrapped, word: str, at: int, gathered: Gathered) -> Rule | None:
    """`at`: where the tool's name stands."""
    tool = tool_of(word)
    return None if tool is None else _by_tool(inner, tool, at + 1, gathered)


def _by_tool(inner: Wrapped, tool: Tool, at: int, gathered: Gathered) -> Rule | None:
    """`at`: where the tool's own words begin."""
    words = inner.words
    while tool.subcommands is not None:
        while at < len(words) and words[at] in tool.flags:
            at += 1
        word = words[at] if at < len(words) else ""
        _refuse_building(tool, word)
        if word not in tool.subcommands:
            return None
        tool = tool.subcommands[word]
        at += 1
    if tool.only and not any(word in tool.only for word in words[at:]):
        return None  # any script
    seen = examine(tool, words, at, gathered.spelled)
    if tool.only and not any(word in tool.only for word in seen.options):
        return None
    operands = [words[place] for place in seen.operands]
    _refuse_building(tool, "".join(operands[:1]))
    if tool.goals is not None:
        if not operands or not all(_is_goal(tool, operand) for operand in operands):
            return None
        seen.operands.clear()  # they are no paths
    elif tool.name.endswith(_TESTS):
        refuse_live(operands)
    gathered.note(seen, words, inner.directory)
    gathered.run(inner, words[0])
    return Rule(tool.name, tool.pattern, env=tool.env, tools=tool.tools)


def _refuse_building(tool: Tool, word: str) -> None:
    if word in tool.building:
        raise Bypass(COMMAND_WRITES, f"{tool.name} {word}")


def _is_goal(tool: Tool, operand: str) -> bool:
    """`:app:testDebug` is one of Gradle's tasks in a subproject; Maven's goals are whole."""
    if tool.name == "gradle":
        operand = operand.rpartition(":")[2].lower()
    return tool.goals is not None and operand in tool.goals


# What a person's own rule cannot name, however wide its pattern: it writes, or it changes the shell itself.
_WRITERS = frozenset(
    """rm mv cp mkdir rmdir touch chmod chown ln dd tee install truncate shred git hg svn gh docker podman
    kubectl helm sudo doas su ssh scp rsync kill pkill killall curl wget pip pip3 apt apt-get brew dnf yum
    pacman systemctl service crontab at xargs patch tar unzip zip gzip mktemp open xdg-open""".split()  # noqa: SIM905 - read as a list
)
# What a project's rule cannot name besides: whoever cloned it has not said that these may be left undone.
_ELSEWHERE = frozenset(
    """psql mysql mariadb mongosh redis-cli gcloud aws az fly flyctl heroku vercel netlify firebase wrangler twine
    terraform tofu pulumi ansible ansible-playbook""".split()  # noqa: SIM905
)
SHELL = frozenset(
    """alias unalias unset shopt trap read eval source . exec pushd popd dirs umask ulimit declare typeset
    local readonly let builtin enable hash bg fg jobs wait disown suspend logout return break continue shift
    getopts mapfile readarray history fc bind complete compgen caller times setopt unsetopt autoload
    zmodload emulate""".split()  # noqa: SIM905
)


def judge(words: tuple[str, ...], rules: tuple[Rule, ...] = (), finder: "Finder | None" = None) -> Verdict:
    """`rules`: the person's own, the first that matches counting; `finder`: of skills. Raises Bypass."""
    gathered = Gathered(finder)
    inner = unwrap(words)
    deciding = tuple([rule for rule in rules if not rule.adds])
    rule = _rule(words, inner, deciding, gathered) if inner is not None else None
    if inner is None or rule is None:
        raise Bypass(NO_RULE)
    gathered.wrapped(inner)
    if rules:
        texts = (" ".join(words), " ".join(inner.words))
        rule = rule.with_more(added(texts, rules, rule.pattern))
        refuse_live_rule(rule)
    return gathered.verdict(rule)


def added(texts: tuple[str, ...], rules: tuple[Rule, ...], pattern: str = "") -> list[Rule]:
    """The rules that add to what is said of the command: by its texts, or by the pattern of the rule that names it."""
    from skillcache.claude.patterns import matches  # most people have no rules of their own

    named = pattern.replace("-", " ")  # as `cargo-test` is called that is typed as two words
    return [
        rule
        for rule in rules
        if rule.adds
        and (rule.pattern.replace("-", " ") == named or any(matches(rule.specifier, text) for text in texts))
    ]


def refuse_live_rule(rule: Rule) -> None:
    """Raises Bypass (LIVE)."""
    if rule.live is True:
        raise Bypass(LIVE, rule.pattern)


def _rule(words: tuple[str, ...], inner: Wrapped, rules: tuple[Rule, ...], gathered: Gathered) -> Rule | None:
    own = _own_rule(words, inner, rules)
    if own is None:
        use = gathered.finder.find(inner) if gathered.finder is not None else None
        return built_in(inner, gathered) if use is None else gathered.script(use, inner)
    if not own.enabled:
        return None
    word = plain_name(inner.words[0])
    if word in SHELL:
        return None
    if word in _WRITERS:
        raise Bypass(COMMAND_WRITES, word)
    if own.origin.endswith(PROJECT_CONFIG):
        _require_harmless(inner.words)
    # What a task is called is the person's affair once they have named it; what a tool's options do is not, but for
    # those that the tables do not hold and their pattern spells out.
    gathered.spelled = frozenset(own.specifier.removesuffix(":*").split())
    known = None if word in RUNNERS else built_in(inner, gathered)
    gathered.spelled = frozenset()
    if known is None:
        gathered.own(inner.words, inner.directory)
        gathered.run(inner, inner.words[0])
        return own
    return Rule(
        own.name,
        own.pattern,
        depends=own.depends,
        env=(*own.env, *known.env),
        ttl=own.ttl,
        failures=own.failures,
        failures_ttl=own.failures_ttl,
        normalize=own.normalize,
        tools=(*known.tools, *own.tools),
        reads=own.reads,
        live=own.live,
        ahead=own.ahead,
        share=own.share,
        origin=own.origin,
    )


def _require_harmless(words: tuple[str, ...]) -> None:
    """Raises Bypass."""
    if plain_name(words[0]) in _ELSEWHERE:
        raise Bypass(COMMAND_WRITES, words[0])
    for word in words[1:]:
        if word in VERBS:
            raise Bypass(COMMAND_WRITES, word)


def _own_rule(words: tuple[str, ...], inner: Wrapped, rules: tuple[Rule, ...]) -> Rule | None:
    texts = (" ".join(words), " ".join(inner.words))
    for rule in rules:
        from skillcache.claude.patterns import matches  # most people have no rules of their own

        if any(matches(rule.specifier, text) for text in texts):
            return rule
    return None
