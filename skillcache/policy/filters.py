"""Commands that only print what they are given: which options they may have, and which operands are files."""

from skillcache.errors import Bypass
from skillcache.outcome import COMMAND_WRITES, OTHER_COMMAND, OUTSIDE, SHELL_WRITES
from skillcache.policy.programs import awk_prints, sed_prints
from skillcache.shell.line import Command

# word: letters without a value, letters with one, long options (with `=` when they take a value), kind of operands
_FILES, _PATTERN, _PROGRAM, _NONE, _ONE_FILE, _WORDS = "files", "pattern", "program", "none", "one file", "words"
_TABLE: dict[str, tuple[str, str, str, str]] = {
    "tail": ("qvz", "nc", "lines= bytes= quiet silent verbose", _FILES),
    "head": ("qvz", "nc", "lines= bytes= quiet silent verbose", _FILES),
    "cat": ("nAbsvetET", "", "number show-all squeeze-blank", _FILES),
    "wc": ("lwcmL", "", "lines words bytes chars", _FILES),
    "nl": ("", "bwsnv", "", _FILES),
    "tac": ("", "", "", _FILES),
    "rev": ("", "", "", _FILES),
    "column": ("t", "sc", "", _FILES),
    "fold": ("s", "w", "", _FILES),
    "sort": ("nrufhVbdgiMscCz", "kt", "numeric-sort reverse unique key= field-separator=", _FILES),
    "uniq": ("cdui", "fsw", "count repeated unique ignore-case", _ONE_FILE),
    "cut": ("s", "dfcb", "delimiter= fields= characters= bytes= complement output-delimiter=", _FILES),
    "tr": ("dscCt", "", "delete squeeze-repeats complement", _WORDS),
    "grep": ("EFGPivwxclLnohHqsazbIU", "ABCme", "color color= colour= extended-regexp fixed-strings perl-regexp "
             "ignore-case invert-match count line-number only-matching no-filename with-filename quiet text "
             "max-count= after-context= before-context= context= regexp= line-buffered word-regexp", _PATTERN),
    "rg": ("nNivocwxFSsHIUPq", "ABCme", "color= colors= line-number no-line-number ignore-case invert-match only-matching "
           "count max-count= after-context= before-context= context= regexp= no-heading fixed-strings pcre2 "
           "word-regexp no-filename smart-case case-sensitive trim", _PATTERN),
    "sed": ("nErsu", "e", "quiet silent regexp-extended expression=", _PROGRAM),
    "awk": ("", "Fv", "", _PROGRAM),
    "diff": ("uqbwBicy", "U", "unified brief", _FILES),
    "cmp": ("sbl", "", "silent quiet", _FILES),
    "basename": ("", "s", "", _WORDS),
    "dirname": ("", "", "", _WORDS),
    "seq": ("w", "sf", "", _WORDS),
}  # fmt: skip
_TABLE["egrep"] = _TABLE["fgrep"] = _TABLE["grep"]
_TABLE["gawk"] = _TABLE["mawk"] = _TABLE["awk"]
_TABLE["ggrep"] = _TABLE["grep"]
_TABLE["gsed"] = _TABLE["sed"]

_SHELL = frozenset(["echo", "printf", "true", "false", ":", "pwd", "exit", "test", "[", "cd", "set", "export"])
_TESTS = frozenset("-eq -ne -gt -lt -ge -le = == != -z -n ! -a -o".split())  # noqa: SIM905
NAMES = _SHELL.union(_TABLE)


class Filtered:
    """program: it is one, and not built into the shell; reads: the files it is given; globs: patterns of such."""

    __slots__ = ("assignments", "globs", "program", "reads")

    def __init__(self, *, program: bool) -> None:
        self.program = program
        self.reads: list[str] = []
        self.globs: list[str] = []
        self.assignments: list[tuple[str, str]] = []


def filtered(command: Command, words: tuple[str, ...]) -> Filtered | None:
    """What a filter reads; None when the words are not surely a filter's. Raises Bypass for one that writes."""
    word = words[0].removeprefix("/usr/bin/").removeprefix("/bin/")
    if word == "tee":
        raise Bypass(SHELL_WRITES, "tee")
    shift = len(command.words) - len(words)
    if word in _SHELL:
        if word not in ("echo", "printf") and command.globs:
            return None
        return _shell(word, words[1:], has_status=bool(command.statuses))
    spec = _TABLE.get(word)
    if spec is None or command.statuses:
        return None
    result = Filtered(program=True)
    rest = _operands(word, words, spec)
    if rest is None:
        return None
    given, places = rest
    kind = spec[3]
    if kind in (_PATTERN, _PROGRAM) and not given:
        if not places:
            return None
        given = [words[places.pop(0)]]
    globs = [index - shift for index in command.globs]
    if any(index not in places or kind == _WORDS for index in globs):
        return None
    if kind == _PROGRAM and not all(map(sed_prints if "sed" in word else awk_prints, given)):
        if "sed" in word:
            raise Bypass(COMMAND_WRITES, "a sed program")
        return None
    if kind == _ONE_FILE and len(places) > 1:
        raise Bypass(COMMAND_WRITES, f"{word} to a file")
    if word == "rg" and (places or not command.piped):
        return None  # it would walk a directory, ignored files and all
    if kind != _WORDS:
        for place in places:
            path = words[place]
            if "awk" in word and "=" in path:
                return None
            if path != "-":
                (result.globs if place in globs else result.reads).append(path)
    return result


def _operands(word: str, words: tuple[str, ...], spec: tuple[str, str, str, str]) -> tuple[list[str], list[int]] | None:
    """Programs or patterns given by option, and the places of the operands; None for an unknown option."""
    flags, values, longs, _ = spec
    long_names = longs.split()
    programs: list[str] = []
    places: list[int] = []
    at, end = 1, len(words)
    while at < end:
        option = words[at]
        if option == "--":
            places.extend(range(at + 1, end))
            break
        if not option.startswith("-") or option == "-":
            if option.startswith("+") and word in ("tail", "sort"):
                return None
            places.append(at)
            at += 1
            continue
        if option.startswith("--"):
            name, equals, value = option[2:].partition("=")
            if name + equals not in long_names:
                _refuse_writing(word, option)
                return None
            if name in ("regexp", "expression"):
                programs.append(value)
            at += 1
            continue
        if word in ("head", "tail", "grep", "egrep", "fgrep") and option[1:].isascii() and option[1:].isdigit():
            at += 1
            continue
        at += 1
        for place in range(1, len(option)):
            letter = option[place]
            if letter in flags:
                continue
            if letter not in values:
                _refuse_writing(word, option)
                return None
            value = option[place + 1 :]
            if not value:
                if at >= end:
                    return None
                value = words[at]
                at += 1
            if letter == "e":
                programs.append(value)
            elif not _value_fits(word, letter, value):
                return None
            break
    return programs, places


def _value_fits(word: str, letter: str, value: str) -> bool:
    if word in ("head", "tail") or (word in ("grep", "egrep", "fgrep", "rg") and letter in "ABCm"):
        return value.lstrip("+-").rstrip("kKmMbB").isdigit() and value.isascii()
    return True


def _refuse_writing(word: str, option: str) -> None:
    if (word in ("sed", "gsed") and option.startswith(("-i", "--in-place", "-ni", "-Ei", "-ri"))) or (
        word == "sort" and option.startswith(("-o", "--out"))
    ):
        raise Bypass(COMMAND_WRITES, f"{word} {option}")
    if "grep" in word and (option.startswith(("--include", "--exclude", "--recursive")) or "r" in option.lower()):
        raise Bypass(OUTSIDE, f"{word} {option} reads what git ignores")
    if word == "tail" and (option.startswith("--f") or option[-1:] in ("f", "F")):
        raise Bypass(OTHER_COMMAND, "tail waits for more")


def _shell(word: str, words: tuple[str, ...], *, has_status: bool) -> Filtered | None:
    """Commands of the shell itself; the run's status may be printed, compared and returned."""
    result = Filtered(program=False)
    if word == "printf":
        return result if words and not words[0].startswith("-") and not any("%(" in given for given in words) else None
    if word in ("echo", "true", "false", ":"):
        return result
    if word == "exit":
        plain = len(words) == 1 and (words[0].isdigit() or has_status)
        return result if not words or plain else None
    if has_status and word not in ("test", "["):
        return None
    if word == "pwd":
        return result if words in ((), ("-P",), ("-L",)) else None
    if word == "cd":
        return result
    if word in ("test", "["):
        return _compared(word, words, result)
    if word == "set":
        ok = ("-e", "-u", "-x", "-eu", "-ex", "-eux", "-euo", "-eo", "-uo", "-euxo", "-o", "pipefail", "-v")
        return result if words and all(given in ok for given in words) else None
    for given in words:  # export
        name, equals, value = given.partition("=")
        if not equals or not name.isidentifier() or not name.isascii():
            return None
        result.assignments.append((name, value))
    return result if words else None


def _compared(word: str, words: tuple[str, ...], result: Filtered) -> Filtered | None:
    if word == "[":
        if words[-1:] != ("]",):
            return None
        words = words[:-1]
    at = 0
    while at < len(words):
        given = words[at]
        if given in ("-f", "-e", "-s", "-r") and at + 1 < len(words):
            result.reads.append(words[at + 1])
            at += 1
        elif (given.startswith("-") and given not in _TESTS and not given[1:].isdigit()) or given in (
            "<",
            ">",
            "(",
            ")",
        ):
            return None
        at += 1
    return result
