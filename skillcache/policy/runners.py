"""Which task the words of a task runner name, where it runs, and what else they say."""

from skillcache.errors import Bypass
from skillcache.outcome import COMMAND_FRESH, COMMAND_WRITES, OUTSIDE
from skillcache.policy.paths import join
from skillcache.policy.runner import TABLE, Runner
from skillcache.policy.tasks import kind


class Task:
    """name: of its rule; word: the task, or a tool to be judged when `tool`; rest: where the words after it begin."""

    __slots__ = ("directory", "files", "name", "rest", "tool", "tools", "values", "variables")

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.name = ""
        self.rest = 0
        self.tool = False
        self.tools: tuple[str, ...] = ()
        self.files: list[str] = []
        self.values: list[str] = []
        self.variables: list[tuple[str, str]] = []


def task(word: str, words: tuple[str, ...], directory: str) -> Task | None:
    """The task that the words run; None when no rule names it. Raises Bypass."""
    runner = TABLE[word]
    found = Task(directory)
    found.tools = runner.tools
    at, named = _first_task(word, runner, words, found)
    if not 0 < at < len(words):
        return None
    first = words[at]
    if word == "nx" and first == "run-many":
        return _nx_many(runner, words, at + 1, found)
    if not named and not _may_be_task(word, runner, first):
        return None
    if runner.launches and _is_tool(first):
        found.tool = True
        found.rest = at
        return found
    kinds = _kinds(word, runner, words, at, found)
    if not kinds:
        return None
    if word == "npm":  # its own options may stand behind the task
        found.rest = max(_options(runner, words, found.rest, found), found.rest)
    for given in words[found.rest :]:
        if given.partition("=")[0] in runner.fresh:
            raise Bypass(COMMAND_FRESH, given)
        if given == ":::":
            return None
    found.name = f"{word}-{kinds[0]}"
    return found


def _may_be_task(word: str, runner: Runner, first: str) -> bool:
    """Whether a first word that no verb such as `run` came before can be a task's name."""
    if first in runner.outside or (runner.launches and first in ("dlx", "x")):
        raise Bypass(OUTSIDE, f"{word} {first}")
    if first in runner.building:
        raise Bypass(COMMAND_WRITES, f"{word} {first}")
    return runner.bare or first in runner.alone


def _first_task(word: str, runner: Runner, words: tuple[str, ...], found: Task) -> tuple[int, bool]:
    """Where the first task's name stands, or -1, and whether a verb such as `run` came before it."""
    at = _options(runner, words, 1, found)
    if word == "yarn" and words[at : at + 1] == ("workspace",):
        at += 2
    if not 0 < at < len(words) or words[at] not in runner.verbs:
        return at, False
    return _options(runner, words, at + 1, found), True


_ALL_TASKS = ("make", "rake")  # what stands behind `--` is a task as well


def _kinds(word: str, runner: Runner, words: tuple[str, ...], at: int, found: Task) -> list[str]:
    """The kinds of the tasks that stand from `at` on; none when one of them is not a report."""
    kinds: list[str] = []
    while at < len(words) and (words[at] != "--" or word in _ALL_TASKS) and (runner.several or not kinds):
        operand = words[at]
        if operand == "--":
            at += 1
            continue
        if operand.startswith("-"):
            at = _options(runner, words, at, found)
            if at < 0:
                return []
            continue
        name, equals, value = operand.partition("=")
        if runner.assignments and equals and name.replace("-", "_").isidentifier():
            found.variables.append((name, value))
        elif word in ("bun", "deno") and "." in operand:
            return []
        else:
            this = kind(_target(word, operand))
            if not this:
                return []
            kinds.append(this)
        at += 1
    found.rest = at
    return kinds


def _target(word: str, name: str) -> str:
    """What a task is called within the package whose name stands before it."""
    if word == "mise" and name.startswith("//"):
        return name.partition(":")[2]
    if word == "turbo":
        return name.rpartition("#")[2]
    return name.partition(":")[2] or name if word == "nx" else name


def _is_tool(word: str) -> bool:
    from skillcache.policy.builtin import names_tool

    return names_tool(word)


def _options(runner: Runner, words: tuple[str, ...], at: int, found: Task) -> int:
    """Steps over known options; -1 at an unknown one."""
    while 0 <= at < len(words) and words[at].startswith("-") and words[at] != "--":
        at = _option(runner, words, at, found)
    return at


def _option(runner: Runner, words: tuple[str, ...], at: int, found: Task) -> int:  # noqa: C901 - one option, read once
    word = words[at]
    name, equals, value = word.partition("=")
    if not word.startswith("--") and len(word) > 2 and word not in runner.flags:  # `-Cdir`
        name, equals, value = word[:2], "=", word[2:].removeprefix("=")
    if name in runner.fresh:
        raise Bypass(COMMAND_FRESH, name)
    if name in runner.outside:
        raise Bypass(OUTSIDE, name)
    at += 1
    if name in runner.numbers:  # such as `-j`: whether the number is left out is told by the next word
        return at + (not equals and "".join(words[at : at + 1]).isdigit()) if not value.strip("0123456789") else -1
    if name not in [*runner.values, *runner.moves, *runner.files]:
        return at if name in runner.flags and not equals else -1
    if not equals:
        if at >= len(words) or words[at].startswith("-"):
            return -1
        value = words[at]
        at += 1
    if name in runner.moves:
        found.directory = join(found.directory, value)
    elif name in runner.files:
        found.files.append(value)
    elif "[" in value:
        raise Bypass(OUTSIDE, value)  # a filter by what changed in git
    else:
        found.values.append(value)
    return at


def _nx_many(runner: Runner, words: tuple[str, ...], at: int, found: Task) -> Task | None:
    if words[at - 1] == "affected":
        raise Bypass(OUTSIDE, "nx affected")
    kinds: list[str] = []
    while at < len(words):
        name, equals, value = words[at].partition("=")
        if name in runner.fresh:
            raise Bypass(COMMAND_FRESH, name)
        if name in ("-t", "--target", "--targets"):
            if not equals:
                at += 1
                value = words[at] if at < len(words) else ""
            kinds.extend([kind(target) for target in value.split(",")])
            while at + 1 < len(words) and not words[at + 1].startswith("-"):  # a list, whose items blanks part as well
                at += 1
                kinds.append(kind(words[at]))
        elif name.startswith("-") and name not in runner.flags and name not in runner.values and name != "--all":
            return None
        at += 1
    if not kinds or not all(kinds):
        return None
    found.name = f"nx-{kinds[0]}"
    found.rest = at
    return found
