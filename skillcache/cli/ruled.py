"""The built-in rules in words, read from the tables of `skillcache.rules` and of `skillcache.tools.other_tools`."""

from collections.abc import Iterator
from typing import NamedTuple

from skillcache.rules.builtin.javascript import BUN_TEST
from skillcache.rules.builtin_index import RUNNERS, WORDS, plain_name, tool_of
from skillcache.rules.options import ASKS, Tool
from skillcache.rules.task_runners import TABLE
from skillcache.rules.tasks import NAMED
from skillcache.tools.other_tools import BUILT_IN

LANGUAGES = {
    "python": "Python",
    "javascript": "JavaScript, TypeScript",
    "go": "Go",
    "rust": "Rust",
    "jvm": "Java, Kotlin",
    "ruby": "Ruby",
    "php": "PHP",
    "native": "C, C++, C#, Swift, Dart, Elixir",
    "texts": "shell, text and infrastructure",
}
_TASKS = "tasks named as a test, lint, type, format or other check"
_RUNNERS, _WEB = "task runners", "the web"
EVERY_RESULT = (
    "the words of the call and its directory, the content of the project, tracked and untracked, its packages and"
    " configuration, the programs that run, the environment and the system, unless a rule of yours says less; one of"
    " the web on the call alone, for a time"
)


class BuiltIn(NamedTuple):
    """`match`: patterns of what is replayed; `subject`: its language, or what it does."""

    name: str
    subject: str
    match: str


class Program(NamedTuple):
    """See `skillcache.cli.schemas.rules.Program`."""

    words: str
    harmless: list[str]
    with_value: list[str]
    files: list[str]
    needs: list[str]
    writes: list[str]
    fresh: list[str]
    outside: list[str]
    building: list[str]
    variables: list[str]
    programs: list[str]


class Tasks(NamedTuple):
    """See `skillcache.cli.schemas.rules.Tasks`."""

    runner: str
    verbs: list[str]
    alone: list[str]
    harmless: list[str]
    with_value: list[str]
    names: list[str]


def built_in() -> Iterator[BuiltIn]:
    """By subject."""
    for language, words in WORDS.items():
        for word in words.split():
            tool = tool_of(word)
            assert tool is not None  # noqa: S101 - a test holds the index to the tables
            yield BuiltIn(word, LANGUAGES[language], tool.pattern)
    for word in TABLE:
        tests = f", {BUN_TEST.pattern}" if word == "bun" else ""
        yield BuiltIn(word, _RUNNERS, _TASKS + tests)
    for name, rule in BUILT_IN.items():
        yield BuiltIn(name, _WEB, f"{rule.pattern}, for {rule.ttl} seconds")


def named(name: str) -> list[BuiltIn]:
    """`name`: a program's word, also with its folder, or what counters call its rule."""
    word = plain_name(name)
    exact = [row for row in built_in() if row.name == word]
    return exact or [row for row in built_in() if (tool := tool_of(row.name)) is not None and tool.name == name]


def programs_of(word: str) -> list[Program]:
    tool = BUN_TEST if word == "bun" else tool_of(word)
    return [] if tool is None else list(_programs(tool, "bun test" if word == "bun" else word))


def tasks_of(word: str) -> list[Tasks]:
    if word not in RUNNERS:
        return []
    runner = TABLE[word]
    values = [*runner.values, *runner.numbers, *runner.moves, *runner.files]
    return [Tasks(word, runner.verbs, runner.alone, runner.flags, values, sorted(NAMED))]


def _programs(tool: Tool, words: str) -> Iterator[Program]:
    valued = {name: allowed for name, allowed in {**tool.values, **tool.maybe}.items() if name not in tool.files}
    yield Program(
        words,
        [*tool.flags, *ASKS],
        [spelled for name, allowed in valued.items() for spelled in _spelled(name, allowed)],
        list(tool.files),
        [*tool.needs, *tool.only],
        list(tool.writes),
        list(tool.fresh),
        list(tool.outside),
        list(tool.building),
        list(tool.env),
        list(tool.tools),
    )
    for word, inner in (tool.subcommands or {}).items():
        yield from _programs(inner, f"{words} {word}")
    if tool.after is not None and tool.after is not tool:
        yield from _programs(tool.after, f"{words} --")


def _spelled(name: str, allowed: tuple[str, ...]) -> list[str]:
    return [f"{name}={value}" for value in allowed] or [name]
