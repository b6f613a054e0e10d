"""The built-in rules, a table per ecosystem: which word names which tool, and how the words of one are read."""

from skillcache.core import Record, field
from skillcache.core.outcomes import COMMAND_FRESH, COMMAND_WRITES, OUTSIDE, UNKNOWN_OPTION, Bypass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.core.outcomes import Outcome


class Tool:
    """One tool, or one subcommand of it; options are given as they are typed, separated by spaces.

    name: of its rule; pattern: as in docs/rules.md; needs: one of these options must be there, else it writes; only:
    the same, else no rule names it; flags: options without a value, and words such as `--watch=false`; values: options
    whose value is the next word, behind `=` or glued to a letter; maybe: those whose value may be left out, and is
    never the next word; files: as values, of a file or folder that is read. `option=begin*` and `option=exact` among
    these let such values through and no other. writes, fresh, outside: options that are refused, and why: a name that
    says so itself need not be among them. after: what the options behind `--` belong to; subcommands: by the first
    operand, and then nothing else is ruled; building: first operands known to write; dashed: long options have one
    dash; ordered: options end at the first operand; single: each letter of a cluster is an option, never a value;
    marks: how a word begins that is no operand; goals: every operand must be one of these; env, tools: as in Rule.
    """

    __slots__ = (
        "_typed",
        "after",
        "building",
        "dashed",
        "env",
        "files",
        "flags",
        "fresh",
        "goals",
        "marks",
        "maybe",
        "name",
        "needs",
        "only",
        "ordered",
        "outside",
        "pattern",
        "single",
        "subcommands",
        "tools",
        "values",
        "writes",
    )
    needs: tuple[str, ...]
    only: tuple[str, ...]
    flags: tuple[str, ...]
    values: dict[str, tuple[str, ...]]
    maybe: dict[str, tuple[str, ...]]
    files: tuple[str, ...]
    writes: tuple[str, ...]
    fresh: tuple[str, ...]
    outside: tuple[str, ...]
    building: tuple[str, ...]
    marks: tuple[str, ...]
    env: tuple[str, ...]
    tools: tuple[str, ...]

    def __init__(
        self,
        name: str,
        pattern: str = "",
        *,
        needs: str = "",
        only: str = "",
        flags: str = "",
        values: str = "",
        maybe: str = "",
        files: str = "",
        writes: str = "",
        fresh: str = "",
        outside: str = "",
        after: "Tool | None" = None,
        subcommands: "dict[str, Tool] | None" = None,
        building: str = "",
        dashed: bool = False,
        ordered: bool = False,
        single: bool = False,
        marks: str = "@ +",
        goals: "frozenset[str] | None" = None,
        env: str = "",
        tools: str = "",
    ) -> None:
        self.name = name
        self.pattern = pattern or f"Bash({name}:*)"
        self.after = after
        self.subcommands = subcommands
        self.dashed = dashed
        self.ordered = ordered
        self.single = single
        self.goals = goals
        self._typed = {
            "needs": needs,
            "only": only,
            "flags": flags,
            "values": f"{values} {files}",
            "maybe": maybe,
            "files": files,
            "writes": writes,
            "fresh": fresh,
            "outside": outside,
            "building": building,
            "marks": marks,
            "env": env,
            "tools": tools,
        }

    def __getattr__(self, name: str) -> object:
        """Takes the words apart when they are asked for: a module holds many tools, and a call is of one."""
        typed = self._typed.get(name)
        if typed is None:
            raise AttributeError(name)
        found: object = _allowed(typed) if name in ("values", "maybe") else tuple(typed.split())
        setattr(self, name, found)
        return found

    def __repr__(self) -> str:
        return f"<tool {self.name}>"


def _allowed(words: str) -> dict[str, tuple[str, ...]]:
    """The options of the words, each with the values it may have; none for any value."""
    found: dict[str, tuple[str, ...]] = {}
    for word in words.split():
        name, equals, value = word.partition("=")
        found[name] = (*found.get(name, ()), value) if equals else ()
    return found


# Parts of long option names that mean the same in every tool that has them.
_WRITES = frozenset(
    """fix fixes write update output outfile outdir out watch save export install upgrade init generate upload publish
    record bless accept overwrite inplace logfile profile dump emit snapshot snapshots report reports coverage html
    junit junitxml xml inspect ui open serve server interactive repl pdb debugger daemon background commit migrate
    codegen download push daemonize tee trace tracing archive store apply""".split()  # noqa: SIM905 - read as a list
)
_FRESH = frozenset("force forced rerun reruns repeat shuffle random randomize fresh refresh flaky nocache".split())  # noqa: SIM905
_OUTSIDE = frozenset("changed since affected staged picked git vcs uncommitted modified ref revision".split())  # noqa: SIM905
_HARMLESS = frozenset(
    """--output-format --out-format --output-style --no-cache-dir --no-output --error-format
    --message-format --force-exclude --force-color --force-colors --stdin-filename""".split()  # noqa: SIM905
)
ASKS = ("--help", "--version")  # in every tool
_OFF = ("false", "0", "no", "never", "off", "none")
UNKNOWN = Tool("", writes="-w -u")


class Words(Record):
    """A command's words, told apart."""

    operands: list[int] = field(default_factory=list)  # indices of the words that are neither options nor their values
    files: list[str] = field(default_factory=list)  # values of options that name files
    values: list[str] = field(default_factory=list)  # all other values, for what they may name
    options: list[str] = field(default_factory=list)  # as typed, by name alone, and with their value


def examine(tool: Tool, words: tuple[str, ...], at: int, spelled: "frozenset[str]" = frozenset()) -> Words:
    """The words from `at` on, as options and operands of the tool; `spelled`: options let through. Raises Bypass."""
    seen = Words()
    _read(tool, words, at, spelled, seen)
    if tool.needs and not any(option in seen.options for option in tool.needs):
        raise Bypass(COMMAND_WRITES, f"{tool.name} without {tool.needs[0]}")
    return seen


def _undoes(tool: Tool, word: str, seen: Words) -> bool:
    """Whether a word behind the last option may turn it round, as in `tsc --noEmit false`, or take it back: `null`."""
    last = seen.options[-1] if seen.options else ""
    return last in tool.needs or last in tool.only or last.startswith("--no-") or (word == "null" and bool(last))


def _read(tool: Tool, words: tuple[str, ...], at: int, spelled: "frozenset[str]", seen: Words) -> None:
    end = len(words)
    while at < end:
        word = words[at]
        if word == "--" or (tool.dashed and word in ("-args", "--args")):
            _read_rest(tool, words, at + 1, spelled, seen)
            break
        if word.startswith("-") and word != "-":
            at = _option(tool, words, at, spelled, seen)
            continue
        if word.startswith(tool.marks) or (word in ("true", "false", "null") and _undoes(tool, word, seen)):
            raise Bypass(UNKNOWN_OPTION, word)
        seen.operands.append(at)
        at += 1
        if tool.ordered:
            if not tool.only or any(option in seen.options for option in tool.only):
                _read_operands(tool, words, at, spelled, seen)
            break


def _read_rest(tool: Tool, words: tuple[str, ...], at: int, spelled: "frozenset[str]", seen: Words) -> None:
    """Words after `--` are options of another program, if there is one."""
    if tool.after is None:
        _read_operands(tool, words, at, spelled, seen)
    else:
        _read(tool.after, words, at, spelled, seen)


def _read_operands(tool: Tool, words: tuple[str, ...], at: int, spelled: "frozenset[str]", seen: Words) -> None:
    """Where the tool reads no options, a word that looks like one is not surely a file's name."""
    for place in range(at, len(words)):
        if words[place].startswith(("-", *tool.marks)) and words[place] not in spelled:
            raise Bypass(reason(UNKNOWN, words[place]) or UNKNOWN_OPTION, words[place])
        seen.operands.append(place)


def _option(tool: Tool, words: tuple[str, ...], at: int, spelled: "frozenset[str]", seen: Words) -> int:
    """The option at `at`, and its value; gives where the next word stands."""
    word = words[at]
    if tool.dashed and word.startswith("--"):
        word = word[1:]
    name, equals, value = word.partition("=")
    if word in tool.flags or word in ASKS or (not equals and name in tool.maybe):
        seen.options.append(word)
    elif name in tool.maybe or (equals and name in tool.values):
        _take(tool, name, value, seen)
    elif name in tool.values:
        at += 1
        _take(tool, name, _next(tool, name, words, at), seen)
    elif not word.startswith("--") and not tool.dashed and _are_letters(tool, word):
        return _cluster(tool, words, at, seen)
    elif word in spelled and reason(tool, name, value) is None:
        seen.options.append(word)
    else:
        raise Bypass(reason(tool, name, value) or UNKNOWN_OPTION, word)
    return at + 1


def _are_letters(tool: Tool, word: str) -> bool:
    first = word[:2]
    return first in tool.flags or first in tool.values or first in tool.maybe


def _cluster(tool: Tool, words: tuple[str, ...], at: int, seen: Words) -> int:
    """Letters such as `-xvk expression`, or `-n4`, up to the one that takes a value."""
    word = words[at]
    for place in range(1, len(word)):
        option = "-" + word[place]
        value = word[place + 1 :].removeprefix("=")
        if option in tool.flags:
            seen.options.append(option)
            continue
        if option not in tool.values and option not in tool.maybe:
            raise Bypass(reason(tool, option) or UNKNOWN_OPTION, f"{option} of {word}")
        if tool.single and value and not value.isdigit():
            raise Bypass(UNKNOWN_OPTION, word)
        if not value and option in tool.values:
            at += 1
            value = _next(tool, option, words, at)
        _take(tool, option, value, seen)
        break
    seen.options.append(word)
    return at + 1


def _next(tool: Tool, option: str, words: tuple[str, ...], at: int) -> str:
    """The next word as a value, unless another parser may take it for an option."""
    value = words[at] if at < len(words) else "-"
    if value.startswith(tool.marks) or (value.startswith("-") and not value[1:].isdigit()):
        raise Bypass(reason(tool, value.partition("=")[0]) or UNKNOWN_OPTION, f"{option} {value}")
    return value


def _take(tool: Tool, option: str, value: str, seen: Words) -> None:
    allowed = tool.values.get(option) or tool.maybe.get(option)
    if allowed and not any(value == one or (one.endswith("*") and value.startswith(one[:-1])) for one in allowed):
        raise Bypass(reason(tool, option, value) or UNKNOWN_OPTION, f"{option} {value}")
    for begin in tool.outside:
        if begin.endswith("*") and any(f"{option}={part}".startswith(begin[:-1]) for part in value.split(",")):
            raise Bypass(OUTSIDE, f"{option} {value}")
    if option in tool.files and ("=" in value or value.startswith("{")):  # what a file would say, on the spot
        raise Bypass(UNKNOWN_OPTION, f"{option} {value}")
    seen.options.extend((option, f"{option}={value}"))
    (seen.files if option in tool.files else seen.values).append(value)


def reason(tool: Tool, name: str, value: str = "") -> "Outcome | None":
    """Why an option is surely not harmless: its name says so, or the tool's table, of it or of what it abbreviates."""
    for outcome, options in ((COMMAND_WRITES, tool.writes), (COMMAND_FRESH, tool.fresh), (OUTSIDE, tool.outside)):
        for option in options:
            if name == option or (len(name) > len("--xx") and option.startswith(name) and name.startswith("--")):
                return outcome
    if name in _HARMLESS or len(name) <= len("-x"):
        return None
    parts = parts_of(name)
    if value.lower() in _OFF or parts[0] == "no":
        return COMMAND_FRESH if "cache" in parts and "provider" not in parts else None
    for outcome, meaning in ((COMMAND_FRESH, _FRESH), (COMMAND_WRITES, _WRITES), (OUTSIDE, _OUTSIDE)):
        if not meaning.isdisjoint(parts):
            return outcome
    return None


def parts_of(name: str) -> list[str]:
    """The words an option's name is made of, lower-cased: `--outputFile` and `--output-file` alike."""
    parts: list[str] = []
    part = ""
    for character in name.lstrip("-"):
        if character in "-_.:":
            if part:
                parts.append(part)
            part = ""
        elif character.isupper() and part and not part[-1].isupper():
            parts.append(part)
            part = character
        else:
            part += character
    parts.append(part)
    return [part.lower() for part in parts]


# A test holds that these are the words of the tables.
WORDS: dict[str, str] = {
    "python": """pytest py.test ruff mypy unittest doctest pyright ty black isort flake8 pylint bandit vulture
pycodestyle pydocstyle pyflakes basedpyright pyrefly lint-imports deptry interrogate manage.py""",
    "javascript": """vitest jest mocha ava eslint prettier tsc vue-tsc tsgo tsd svelte-check astro biome oxlint oxfmt
stylelint xo standard markdownlint markdownlint-cli2 cspell knip depcheck madge htmlhint ember-template-lint
node deno""",
    "go": """go gofmt gofumpt goimports golangci-lint staticcheck revive errcheck gosec fieldalignment modernize
ineffassign gotestsum""",
    "rust": """cargo rustfmt""",
    "jvm": """mvn mvnw mvnd gradle gradlew ktlint detekt""",
    "ruby": """rspec rubocop standardrb brakeman reek erb_lint srb rails""",
    "php": """phpunit pest phpstan psalm phpcs pint php-cs-fixer rector artisan""",
    "native": """ctest clang-tidy clang-format cppcheck dotnet swift swiftlint swiftformat flutter dart mix""",
    "texts": """shellcheck shfmt bash actionlint hadolint yamllint taplo codespell typos vale sqlfluff terraform
tofu tflint buf luacheck stylua selene editorconfig-checker ansible-lint nixfmt alejandra jsonlint""",
}
# Programs that run named tasks; their table is loaded when one of them is met.
RUNNERS = frozenset(
    """npm pnpm yarn bun make just task mise rake composer turbo nx poe invoke deno hatch pdm rye vp lerna""".split()  # noqa: SIM905 - read as a list
)
_MODULE_OF = {word: module for module, words in WORDS.items() for word in words.split()}
# What a package is called in a registry, where its program has another name.
_PACKAGES = {"@biomejs/biome": "biome", "typescript": "tsc", "@astrojs/check": "astro"}
# Tools that run from the project's own folders under these names.
_HERE = frozenset(["gradlew", "mvnw", "manage.py", "artisan"])
_FOLDERS = frozenset(["bin", ".bin", "Scripts"])


def plain_name(word: str) -> str:
    """The name of the program a command word runs, when it stands where programs are kept; else the word itself."""
    folder, slash, name = word.rpartition("/")
    if not slash:
        return word
    if folder.rpartition("/")[2] in _FOLDERS or (folder == "." and name in _HERE):
        return name
    return word


def tool_of(word: str) -> "Tool | None":
    word = _PACKAGES.get(word, word)
    module = _MODULE_OF.get(word)
    if module is None:
        return None
    table: dict[str, Tool] = __import__(f"skillcache.rules.builtin.{module}", fromlist=["TABLE"]).TABLE
    return table[word]


def names_tool(word: str) -> bool:
    return word in _MODULE_OF
