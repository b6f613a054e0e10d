"""Which built-in rule names a command; its words are examined on the way."""

from skillcache.errors import Bypass
from skillcache.outcome import COMMAND_WRITES
from skillcache.policy.builtin import RUNNERS, plain_name, tool_of
from skillcache.policy.gathered import Gathered, refuse_live
from skillcache.policy.options import examine
from skillcache.policy.rule import Rule
from skillcache.policy.tool import Tool
from skillcache.policy.wrappers import Wrapped

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
        from skillcache.policy.tools.javascript import BUN_TEST

        return _by_tool(inner, BUN_TEST, 2, gathered)
    if word == "cargo" and len(words) > 1 and words[1].startswith("+"):
        inner.words = (words[0], *words[2:])
    if word in RUNNERS:
        rule = _task(word, inner, gathered)
        if rule is not None or word != "deno":
            return rule
    return _by_name(inner, word, 0, gathered)


def _task(word: str, inner: Wrapped, gathered: Gathered) -> Rule | None:
    from skillcache.policy.runners import task

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
        from skillcache.policy.tools.python import MODULES

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
