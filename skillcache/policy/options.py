"""Reading a known tool's words: refuses options that write, ask for freshness or read more; finds the files named."""

from skillcache.errors import Bypass
from skillcache.outcome import COMMAND_FRESH, COMMAND_WRITES, OUTSIDE
from skillcache.policy.tool import Tool

# Parts of long option names that mean the same in every tool that has them.
_WRITES = frozenset(
    """fix fixes write update output outfile outdir out watch save export install upgrade init generate upload publish
    record bless accept overwrite inplace logfile profile dump emit snapshot snapshots report reports coverage html
    junit junitxml xml inspect ui open serve server interactive repl pdb debugger daemon background commit migrate
    codegen download push daemonize tee trace tracing archive store apply""".split()  # noqa: SIM905 - read as a list
)
_FRESH = frozenset("force forced rerun reruns repeat shuffle random randomize fresh refresh flaky nocache".split())  # noqa: SIM905
_OUTSIDE = frozenset("changed since affected staged picked git vcs uncommitted modified ref revision".split())  # noqa: SIM905
_SAFE = frozenset(
    """--output-format --out-format --output-style --no-cache-dir --no-output --error-format
    --message-format --force-exclude --force-color --force-colors --stdin-filename""".split()  # noqa: SIM905
)
_OFF = ("false", "0", "no", "never", "off", "none")
UNKNOWN = Tool("", writes="-w -u")


class Words:
    """A command's words, told apart.

    operands: indices of the words that are neither options nor their values; files: values of options that name
    files; values: all other values, for what they may name; rest: where the words after `--` begin.
    """

    __slots__ = ("files", "operands", "options", "rest", "values")

    def __init__(self) -> None:
        self.operands: list[int] = []
        self.files: list[str] = []
        self.values: list[str] = []
        self.options: list[str] = []
        self.rest = -1


def examine(tool: Tool, words: tuple[str, ...], at: int) -> Words:
    """The words from `at` on, as options and operands of the tool; raises Bypass."""
    seen = Words()
    end = len(words)
    while at < end:
        word = words[at]
        at += 1
        if not word.startswith("-") or word == "-":
            seen.operands.append(at - 1)
        elif word == "--" or (tool.dashed and word in ("-args", "--args")):
            seen.rest = at
            seen.operands.extend(range(at, end))
            _examine_rest(tool, words[at:])
            if tool.passes:
                seen.options.extend(words[at:])
            break
        elif word.startswith("--") or tool.dashed:
            at = _long(tool, words, at - 1, seen)
        else:
            at = _short(tool, words, at - 1, seen)
    if tool.needs and not any(option in seen.options for option in tool.needs):
        raise Bypass(COMMAND_WRITES, f"{tool.name} without {tool.needs[0]}")
    return seen


def _long(tool: Tool, words: tuple[str, ...], at: int, seen: Words) -> int:
    name, equals, value = words[at].partition("=")
    if tool.dashed and name.startswith("--"):
        name = name[1:]
    refuse(tool, name, value if equals else "")
    seen.options.append(words[at])
    # `tsc --noEmit false` is the opposite of what it begins with.
    if (value if equals else "".join(words[at + 1 : at + 2])).lower() not in _OFF:
        seen.options.append(name)
    elif name in tool.needs:
        raise Bypass(COMMAND_WRITES, f"{name} {words[at]}")
    takes = name in tool.values
    at += 1
    if not equals and takes and at < len(words):
        value = words[at]
        at += 1
        _refuse_next(tool, name, value)
    if value:
        (seen.files if name in tool.files else seen.values).append(value)
    return at


def _short(tool: Tool, words: tuple[str, ...], at: int, seen: Words) -> int:
    """A cluster such as `-xvk expression`, or one such as `-Pname`, up to the letter that takes a value."""
    word = words[at]
    at += 1
    seen.options.append(word)
    for place in range(1, len(word)):
        option = "-" + word[place]
        refuse_short(tool, option)
        seen.options.append(option)
        if option in tool.values:
            value = word[place + 1 :].removeprefix("=")
            if not value and at < len(words):
                value = words[at]
                at += 1
            _refuse_next(tool, option, value)
            if option in ("-D", "-P"):
                name, _, given = value.partition("=")
                refuse(tool, "--" + name, given)
            (seen.files if option in tool.files else seen.values).append(value)
            break
        if word[place + 1 : place + 2] == "=":
            seen.values.append(word[place + 2 :])
            break
    return at


def _refuse_next(tool: Tool, option: str, value: str) -> None:
    """The value of an option as the word after it, which another parser may take for an option."""
    refuse_value(tool, option, value)
    if value.startswith("-"):
        name, _, given = value.partition("=")
        refuse(tool, name, given)


def refuse_short(tool: Tool, option: str) -> None:
    if option in tool.writes:
        raise Bypass(COMMAND_WRITES, option)
    if option in tool.fresh:
        raise Bypass(COMMAND_FRESH, option)
    if option in tool.outside:
        raise Bypass(OUTSIDE, option)


def refuse(tool: Tool, name: str, value: str) -> None:
    """A long option, with the value after its `=` if it has one."""
    refuse_value(tool, name, value)
    if name in tool.safe or f"{name}={value}" in tool.safe:
        return
    refuse_short(tool, name)
    _refuse_beginning(tool, name)
    if name in _SAFE:
        return
    parts = parts_of(name[2:] if tool.dashed and name[:2] in ("-D", "-P") else name)
    if value.lower() in _OFF or parts[0] == "no":
        if "cache" in parts and "provider" not in parts:
            raise Bypass(COMMAND_FRESH, name)
        return
    for outcome, meaning in ((COMMAND_FRESH, _FRESH), (COMMAND_WRITES, _WRITES), (OUTSIDE, _OUTSIDE)):
        if not meaning.isdisjoint(parts):
            raise Bypass(outcome, name)


def _refuse_beginning(tool: Tool, name: str) -> None:
    """Argparse and getopt take any beginning of a long option for the whole."""
    if not name.startswith("--") or len(name) <= len("--xx") or name in [*tool.values, *tool.needs, *tool.only]:
        return
    for outcome, options in ((COMMAND_WRITES, tool.writes), (COMMAND_FRESH, tool.fresh), (OUTSIDE, tool.outside)):
        for option in options:
            if option.startswith(name):
                raise Bypass(outcome, option)


def refuse_value(tool: Tool, name: str, value: str) -> None:
    """`--option=value*` among the tool's lists refuses values that begin so."""
    for outcome, options in ((COMMAND_WRITES, tool.writes), (COMMAND_FRESH, tool.fresh), (OUTSIDE, tool.outside)):
        for option in options:
            if option.endswith("*") and f"{name}={value}".startswith(option[:-1]):
                raise Bypass(outcome, option)


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


def _examine_rest(tool: Tool, words: tuple[str, ...]) -> None:
    """Words after `--` may be another program's: options among them are held against what every tool means."""
    for word in words:
        if word.startswith("--") or (tool.dashed and word.startswith("-")):
            name, _, value = word.partition("=")
            refuse(tool, name, value)
            refuse(UNKNOWN, name, value)
        elif word.startswith("-") and len(word) > 1:
            for letter in word[1:]:
                refuse_short(tool, "-" + letter)
                refuse_short(UNKNOWN, "-" + letter)
