"""Commands of the shell itself that change nothing but the line they stand in."""

from skillcache.shell.line import Command

NAMES = frozenset(["echo", "printf", "true", "false", ":", "pwd", "exit", "test", "[", "cd", "set", "export"])
_TESTS = frozenset(["-eq", "-ne", "-gt", "-lt", "-ge", "-le", "=", "==", "!=", "-z", "-n", "!", "-a", "-o"])
_FILE_TESTS = frozenset(["-f", "-e", "-s", "-r"])
_SET = frozenset(["-e", "-u", "-x", "-v", "-eu", "-ex", "-eux", "-euo", "-eo", "-uo", "-euxo", "-o", "pipefail"])


class Printed:
    """program: it is one, and not built into the shell; reads: files it is given; assignments: variables it sets."""

    __slots__ = ("assignments", "program", "reads")

    def __init__(self, *, program: bool) -> None:
        self.program = program
        self.reads: list[str] = []
        self.assignments: list[tuple[str, str]] = []


def built_in(command: Command, words: tuple[str, ...]) -> Printed | None:
    """None when it is used in a way that is not surely harmless; a status may be printed, compared and returned."""
    result = Printed(program=False)
    word, given = words[0], words[1:]
    fits = True
    if word == "printf":
        fits = bool(given) and not given[0].startswith("-") and not any("%(" in text for text in given)
    elif word == "exit":
        fits = not given or (len(given) == 1 and (given[0].isdigit() or bool(command.statuses)))
    elif word in ("test", "["):
        fits = _compared(word, given, result)
    elif word in ("pwd", "set", "export", "cd") and command.statuses:
        fits = False
    elif word == "pwd":
        fits = given in ((), ("-P",), ("-L",))
    elif word == "set":
        fits = bool(given) and _SET.issuperset(given)
    elif word == "export":
        fits = _exported(given, result)
    return result if fits else None


def _exported(given: tuple[str, ...], result: Printed) -> bool:
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.isidentifier() or not name.isascii():
            return False
        result.assignments.append((name, value))
    return bool(given)


def _compared(word: str, given: tuple[str, ...], result: Printed) -> bool:
    if word == "[":
        if given[-1:] != ("]",):
            return False
        given = given[:-1]
    at = 0
    while at < len(given):
        text = given[at]
        if text in _FILE_TESTS and at + 1 < len(given):
            result.reads.append(given[at + 1])
            at += 1
        elif text in ("<", ">", "(", ")") or (text.startswith("-") and text not in _TESTS and not text[1:].isdigit()):
            return False
        at += 1
    return True
