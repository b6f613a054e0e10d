"""Which task the words of a task runner name, where it runs, and what else they say."""

from skillcache.errors import Bypass
from skillcache.outcome import COMMAND_FRESH, COMMAND_WRITES, OUTSIDE
from skillcache.policy.runner import TABLE, Runner
from skillcache.policy.tasks import kind
from skillcache.shell.line import join


class Task:
    """name: of its rule; word: the task, or a tool to be judged when `tool`; rest: where the words after it begin."""

    __slots__ = ("directory", "files", "name", "rest", "tool", "tools", "values")

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.name = ""
        self.rest = 0
        self.tool = False
        self.tools: tuple[str, ...] = ()
        self.files: list[str] = []
        self.values: list[str] = []


def task(word: str, words: tuple[str, ...], directory: str) -> Task | None:
    """The task that the words run; None when no rule names it. Raises Bypass."""
    runner = TABLE[word]
    found = Task(directory)
    found.tools = runner.tools
    at = _options(runner, words, 1, found)
    if not 0 < at < len(words):
        return None
    named = words[at] in runner.verbs
    if named:
        at = _options(runner, words, at + 1, found)
        if not 0 < at < len(words):
            return None
    if word == "yarn" and words[at] == "workspace" and at + 2 < len(words):
        at += 2 if words[at + 2] not in runner.verbs else 3
        if at >= len(words):
            return None
    first = words[at]
    if word == "nx" and first in ("run-many", "affected"):
        return _nx_many(runner, words, at + 1, found)
    if not named and first in runner.building:
        raise Bypass(COMMAND_WRITES, f"{word} {first}")
    if first in runner.outside or (word in ("pnpm", "yarn", "bun") and first in ("dlx", "x")):
        raise Bypass(OUTSIDE, f"{word} {first}")
    if not named and first not in runner.alone and not runner.bare:
        return None
    if runner.launches and _is_tool(first):
        found.tool = True
        found.rest = at
        return found
    kinds: list[str] = []
    while at < len(words):
        operand = words[at]
        if kinds and not runner.several:
            break
        if operand == "--" or (operand.startswith("-") and operand not in runner.flags and not runner.several):
            break
        if operand.startswith("-"):
            at = _options(runner, words, at, found)
            if at < 0:
                return None
            continue
        name, equals, value = operand.partition("=")
        if runner.assignments and equals and name.replace("-", "_").isidentifier():
            found.values.append(value)
        elif "/" in operand and word != "mise" and kinds:
            found.values.append(operand)
        elif word in ("bun", "deno") and "." in operand:
            return None
        else:
            this = kind(operand if word != "npm" or named else "test")
            if not this and not (kinds and word == "just"):
                return None
            kinds.append(this or kinds[0])
        at += 1
    if not kinds:
        return None
    found.name = f"{'make' if word == 'gmake' else word}-{kinds[0]}"
    found.rest = at
    return found


def _is_tool(word: str) -> bool:
    from skillcache.policy.builtin import names_tool

    return names_tool(word)


def _options(runner: Runner, words: tuple[str, ...], at: int, found: Task) -> int:
    """Steps over known options; -1 at an unknown one."""
    while at < len(words) and words[at].startswith("-"):
        word = words[at]
        name, equals, value = word.partition("=")
        if word == "--":
            return at
        if name in runner.fresh:
            raise Bypass(COMMAND_FRESH, name)
        if name in runner.outside:
            raise Bypass(OUTSIDE, name)
        taking = name in runner.values or name in runner.moves or name in runner.files
        if not taking and not word.startswith("--") and word[:2] in [*runner.values, *runner.moves] and len(word) > 2:
            name, value, taking, equals = word[:2], word[2:], True, "="
        at += 1
        if taking:
            if not equals:
                if name in runner.flags and (at >= len(words) or not words[at].isdigit()):
                    continue
                if at >= len(words):
                    return -1
                value = words[at]
                at += 1
            if name in runner.moves:
                found.directory = join(found.directory, value)
            elif name in runner.files:
                found.files.append(value)
            else:
                if "[" in value or ("..." in value.strip(".") and "git" in value):
                    raise Bypass(OUTSIDE, value)  # a filter by what changed in git
                found.values.append(value)
        elif name not in runner.flags:
            return -1
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
        elif name.startswith("-") and name not in runner.flags and name not in runner.values and name != "--all":
            return None
        at += 1
    if not kinds or not all(kinds):
        return None
    found.name = f"nx-{kinds[0]}"
    found.rest = at
    return found
