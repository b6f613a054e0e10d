"""Programs that only print what they are given: which options they may have, and which operands are files."""

from skillcache.errors import Bypass
from skillcache.outcome import COMMAND_WRITES, OTHER_COMMAND, OUTSIDE, SHELL_EXPANSION, SHELL_WRITES
from skillcache.policy.shell_words import NAMES, Printed, built_in
from skillcache.shell.line import Command

_FILES, _PATTERN, _PROGRAM, _WORDS = "files", "a pattern, then files", "a program, then files", "words"
_GREP = """color color= colour= extended-regexp fixed-strings perl-regexp ignore-case invert-match count line-number
only-matching no-filename with-filename quiet text max-count= after-context= before-context= context= regexp=
line-buffered word-regexp"""
_RG = """color= colors= line-number no-line-number ignore-case invert-match only-matching count max-count=
after-context= before-context= context= regexp= no-heading fixed-strings pcre2 word-regexp no-filename smart-case
case-sensitive trim"""
_SORT = "numeric-sort reverse unique key= field-separator="
_CUT = "delimiter= fields= characters= bytes= complement output-delimiter="
# word: letters without a value, letters with one, long options (with `=` when they take a value), its operands
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
    "sort": ("nrufhVbdgiMscCz", "kt", _SORT, _FILES),
    "uniq": ("cdui", "fsw", "count repeated unique ignore-case", _FILES),
    "cut": ("s", "dfcb", _CUT, _FILES),
    "tr": ("dscCt", "", "delete squeeze-repeats complement", _WORDS),
    "grep": ("EFGPivwxclLnohHqsazbIU", "ABCme", _GREP, _PATTERN),
    "rg": ("nNivocwxFSsHIUPq", "ABCme", _RG, _PATTERN),
    "sed": ("nErsu", "e", "quiet silent regexp-extended expression=", _PROGRAM),
    "awk": ("", "Fv", "", _PROGRAM),
    "diff": ("uqbwBicy", "U", "unified brief", _FILES),
    "cmp": ("sbl", "", "silent quiet", _FILES),
    "basename": ("", "s", "", _WORDS),
    "dirname": ("", "", "", _WORDS),
    "seq": ("w", "sf", "", _WORDS),
}
_STAYING = frozenset(["cd", "exit", "set", "export"])
_ALIASES = {"egrep": "grep", "fgrep": "grep", "ggrep": "grep", "gawk": "awk", "mawk": "awk", "gsed": "sed"}


def filtered(command: Command, words: tuple[str, ...]) -> Printed | None:
    """What a filter reads; None when the words are not surely a filter's. Raises Bypass for one that writes."""
    word = words[0].removeprefix("/usr/bin/").removeprefix("/bin/")
    if word == "tee":
        raise Bypass(SHELL_WRITES, "tee")
    if word in NAMES:
        if word in _STAYING and words != command.words:
            return None  # `time cd x` and `command cd x` change the directory unseen
        found = built_in(command, words)
    else:
        word = _ALIASES.get(word, word)
        spec = _TABLE.get(word)
        found = None if spec is None or command.statuses else _program(word, words, spec, piped=command.piped)
    if found is not None and command.globs:
        raise Bypass(SHELL_EXPANSION, "a pattern among the words")
    return found


def _program(word: str, words: tuple[str, ...], spec: tuple[str, str, str, str], *, piped: bool) -> Printed | None:
    kind = spec[3]
    programs: list[str] = []
    operands = _operands(word, words, spec, programs)
    if operands is None:
        return None
    if kind in (_PATTERN, _PROGRAM) and not programs:
        if not operands:
            return None
        programs.append(operands.pop(0))
    if kind == _PROGRAM and not _prints(word, programs, operands):
        return None
    if word == "uniq" and len(operands) > 1:
        raise Bypass(COMMAND_WRITES, "uniq to a file")
    if word == "rg" and (operands or not piped):
        return None  # it would walk a directory
    result = Printed(program=True)
    if kind != _WORDS:
        result.reads.extend([path for path in operands if path != "-"])
    return result


def _prints(word: str, programs: list[str], operands: list[str]) -> bool:
    from skillcache.policy.programs import awk_prints, sed_prints

    if word == "awk":
        return all(map(awk_prints, programs)) and not any("=" in operand for operand in operands)
    if not all(map(sed_prints, programs)):
        raise Bypass(COMMAND_WRITES, "a sed program")
    return True


def _operands(
    word: str, words: tuple[str, ...], spec: tuple[str, str, str, str], programs: list[str]
) -> list[str] | None:
    """Those given, programs or patterns given by option apart; None for an unknown option."""
    operands: list[str] = []
    at, end = 1, len(words)
    while at < end:
        option = words[at]
        at += 1
        if option == "--":
            operands.extend(words[at:])
            break
        if not option.startswith("-") or option == "-":
            if option.startswith("+") and word in ("tail", "sort"):
                return None
            operands.append(option)
        elif option.startswith("--"):
            name, equals, value = option[2:].partition("=")
            if name + equals not in spec[2].split():
                _refuse(word, option)
                return None
            if name in ("regexp", "expression"):
                programs.append(value)
        elif not (word in ("head", "tail", "grep") and option[1:].isascii() and option[1:].isdigit()):
            at = _cluster(word, words, at, spec, programs)
            if at < 0:
                _refuse(word, option)
                return None
    return operands


def _cluster(word: str, words: tuple[str, ...], at: int, spec: tuple[str, str, str, str], programs: list[str]) -> int:
    """Letters such as `-rn` or `-n5`, the word before `at`; gives what comes after, -1 for an unknown one."""
    option = words[at - 1]
    for place in range(1, len(option)):
        letter = option[place]
        if letter in spec[0]:
            continue
        if letter not in spec[1]:
            return -1
        value = option[place + 1 :]
        if not value:
            if at >= len(words):
                return -1
            value = words[at]
            at += 1
        if letter == "e":
            programs.append(value)
        elif word in ("head", "tail") or (word in ("grep", "rg") and letter in "ABCm"):
            return at if value.lstrip("+-").rstrip("kKmMbB").isdigit() and value.isascii() else -1
        return at
    return at


def _refuse(word: str, option: str) -> None:
    """An option that is not known; Bypass where it is known to do more."""
    cluster = "" if option.startswith("--") else option
    if word == "sed" and ("i" in cluster or option.startswith("--in")):
        raise Bypass(COMMAND_WRITES, f"{word} {option}")
    if word == "sort" and ("o" in cluster or option.startswith("--out")):
        raise Bypass(COMMAND_WRITES, f"{word} {option}")
    if word == "grep" and ("r" in cluster.lower() or option.startswith(("--include", "--exclude", "--recursive"))):
        raise Bypass(OUTSIDE, f"{word} {option} reads what git ignores")
    if word == "tail" and ("f" in cluster.lower() or option.startswith("--f")):
        raise Bypass(OTHER_COMMAND, "tail waits for more")
