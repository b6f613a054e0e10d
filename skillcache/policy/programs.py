"""Whether a sed or awk program surely only prints; each answers True or False, and False for whatever is unusual."""

_SED_PLAIN = frozenset("dDpPnNgGhHxql=qQ")
_SED_FLAGS = frozenset("gpiI0123456789mM")
_SED_BLANKS = " \t\n;"
_AWK_WORDS = frozenset(
    """system getline close fflush ARGV ARGC ENVIRON PROCINFO rand srand systime strftime mktime nextfile
    include load namespace FILENAME""".split()  # noqa: SIM905 - read as a list
)


def sed_prints(program: str) -> bool:
    """Commands of one letter and substitutions, with addresses; nothing that reads, writes or executes."""
    at, end = 0, len(program)
    while at < end:
        if program[at] in _SED_BLANKS or program[at] in "{}":
            at += 1
            continue
        at = _sed_addresses(program, at)
        if not 0 <= at < end:
            return False
        letter = program[at]
        if letter == "{":
            at += 1
        elif letter in ("s", "y"):
            at = _sed_substitution(program, at)
            if at < 0:
                return False
        elif letter in _SED_PLAIN:
            at += 1
            while at < end and program[at] in " \t":
                at += 1
            if at < end and program[at] not in ";\n}":
                return False
        else:
            return False
    return True


def _sed_addresses(program: str, at: int) -> int:
    while at < len(program):
        character = program[at]
        if character in "0123456789$,+~! \t":
            at += 1
        elif character == "/":
            at = _closing(program, at + 1, "/")
            if at < 0:
                return -1
            at += 1
            if program[at : at + 1] == "I":
                at += 1
        else:
            break
    return at


def _sed_substitution(program: str, at: int) -> int:
    delimiter = program[at + 1 : at + 2]
    if delimiter in ("", "\n", "\\", " ", ";") or delimiter.isalnum():
        return -1
    middle = _closing(program, at + 2, delimiter)
    last = _closing(program, middle + 1, delimiter) if middle >= 0 else -1
    if last < 0:
        return -1
    at = last + 1
    while at < len(program) and program[at] in _SED_FLAGS:
        at += 1
    while at < len(program) and program[at] in " \t":
        at += 1
    return at if at == len(program) or program[at] in ";\n}" else -1


def _closing(program: str, at: int, delimiter: str) -> int:
    """Where the delimiter closes; -1 when a bracket makes that a question of the sed at hand."""
    bracket = False
    while at < len(program):
        character = program[at]
        if character == "\\":
            at += 2
            continue
        if character == "\n":
            return -1
        if character == delimiter:
            return -1 if bracket else at
        if character == "[":
            bracket = True
        elif character == "]":
            bracket = False
        at += 1
    return -1


def awk_prints(program: str) -> bool:
    """No redirection, pipe, call out, or value from the environment, the clock or chance."""
    text = _without_strings(program)
    if text is None or "@" in text or "|" in text.replace("||", ""):
        return False
    if ">" in text.replace(">=", ""):
        return False
    word = ""
    for character in text + " ":
        if character.isalnum() or character == "_":
            word += character
            continue
        if word in _AWK_WORDS:
            return False
        word = ""
    return True


def _without_strings(program: str) -> str | None:
    """The program without the contents of its strings and regular expressions; None when that is not sure."""
    kept: list[str] = []
    at, end = 0, len(program)
    last = ""  # the last character that is not blank: tells a regular expression from a division
    while at < end:
        character = program[at]
        if character == "#":
            return None
        if character == '"' or (character == "/" and last in ("", "~", "(", ",", "!", "{", "}", ";", "&", "|", "\n")):
            close = _closing(program, at + 1, character)
            if close < 0:
                return None
            at = close + 1
            last = "x"
            kept.append(" ")
            continue
        if character == "/":
            return None
        kept.append(character)
        if character not in " \t":
            last = character
        at += 1
    return "".join(kept)
