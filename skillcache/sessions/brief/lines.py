"""What a recorded line of a shell says at a glance: the checks in it, and the subject of the commit that it makes.

A line is read here to be told of, never to be answered: `judge` decides about commands as they run.
"""

from skillcache.core import Record
from skillcache.core.outcomes import COMMAND_WRITES, NO_RULE, Bypass
from skillcache.rules.builtin import RUNNERS, names_tool, plain_name

_QUOTES = "'\""
_JOINED = "&&"
# Behind one of these a line may have ended before its check began.
_LEAVING = (["break"], ["continue"], ["exec"], ["exit"], ["return"])
_MOVING = frozenset(("cd", "popd", "pushd"))
# Commands that only look: that one passed or found nothing says less than any other.
_LOOKING = frozenset(
    """awk cat cd date diff du echo env export fd file find grep head jq less ls printf ps pwd rg sed sleep sort stat
    tail test tree true type wc which""".split()  # noqa: SIM905 - read as a list
)


class Check(Record):
    text: str  # its commands alone, without what their output went through
    passes: bool  # whether they have passed where the line has
    fails: bool  # whether one of them has failed where the line has


def check(line: str, root: str) -> Check | None:
    """`root`: the top of the worktree that the line ran in."""
    if not any(_may_be_check(word) for word in line.split()):
        return None
    pieces = _pieces(line)
    places = [number for number, (words, _) in enumerate(pieces) if _is_check(words)]
    if not places:
        return None
    earlier = [words for words, _ in pieces[: places[-1]]]
    moves = [moved for words in earlier if (moved := _moved(words, root))]
    texts = [_shown(pieces[place][0], "" if moves else root) for place in places]
    if any(_moves_unseen(words) for words in earlier):
        moves, texts = [], [line]
    passes = not line.endswith("…") and all(operator in ("", _JOINED) for _, operator in pieces[places[0] :])
    passes = passes and not any(operator == "||" or _bare(words)[:1] in _LEAVING for words, operator in pieces)
    others = [words for number, (words, _) in enumerate(pieces) if number not in places]
    fails = passes and places[-1] == len(pieces) - 1 and all(_bare(words)[:1] == ["cd"] for words in others)
    return Check(" && ".join([*moves, *texts]), passes, fails)


def only_looks(line: str) -> bool:
    return all(bare[0] in _LOOKING for words, _ in _pieces(line) if (bare := _bare(words)))


def subject(line: str) -> str:
    """Of the commit that the line makes, "" where it makes none or does not say."""
    _, found, rest = line.partition("git commit")
    if not found:
        return ""
    marker = rest.find("<<")
    option = min((place for name in ("-m", "-am", "--message") if (place := rest.find(f" {name}")) >= 0), default=-1)
    if marker >= 0 and option < marker:
        return _first(rest[marker:].partition("\n")[2])
    if option < 0:
        return ""
    text = rest[option + 1 :].lstrip("-abcdefghijklmnopqrstuvwxyz").lstrip(" =")
    text = text[1:].partition(text[0])[0] if text[:1] in _QUOTES else text.partition(" ")[0]
    return _first(text)


def _first(text: str) -> str:
    return next((said for each in text.split("\n") if (said := each.strip())), "")


def _pieces(line: str) -> list[tuple[list[str], str]]:
    """Simple commands in words, each with the operator behind it; quotes stay in the words."""
    found: list[tuple[list[str], str]] = []
    words: list[str] = []
    word = quote = ""
    at = 0
    ends: list[str] = []  # of texts that begin with the next line
    while at < len(line):
        char = line[at]
        at += 1
        if char == "\\" and quote != "'":
            word += line[at - 1 : at + 1] if line[at : at + 1] != "\n" else ""
            at += 1
            continue
        if not (quote or word) and char == "#":
            at = at + rest if (rest := line[at:].find("\n")) >= 0 else len(line)
            continue
        if not quote and line.startswith("<<", at - 1):
            arrows = line[at - 1 :][: 3 if line.startswith("<<<", at - 1) else 2]
            ends += [_end_of_text(line[at + 1 :])] if arrows == "<<" else []
            word += arrows
            at += len(arrows) - 1
            continue
        if quote:
            word += char
            quote = "" if char == quote else quote
            continue
        if char in _QUOTES:
            quote = char
        operator = _operator(line, at - 1, word)
        if operator or char.isspace():
            words, word = ([*words, word] if word else words), ""
            if operator:
                found.append((words, operator))
                words = []
                at += len(operator) - 1
            if char == "\n" and ends:
                at, ends = _behind_texts(line, at, ends), []
        else:
            word += char
    return _ended([*found, ([*words, word] if word else words, "")])


def _ended(pieces: list[tuple[list[str], str]]) -> list[tuple[list[str], str]]:
    """Those with words. What ends a line, ends nothing that follows: the status is that of what stood last."""
    found = [piece for piece in pieces if piece[0]]
    if found and found[-1][1] in (";", "\n"):
        found[-1] = (found[-1][0], "")
    return found


def _end_of_text(behind: str) -> str:
    """The word that ends what a command is given to read, from what stands behind `<<`."""
    behind = behind.removeprefix("-").lstrip(" \t")
    if behind[:1] in _QUOTES:
        return behind[1:].partition(behind[0])[0] if behind else ""
    return "".join(behind.split(maxsplit=1)[:1]).partition(";")[0].partition("|")[0].replace("\\", "")


def _behind_texts(line: str, at: int, ends: list[str]) -> int:
    """Where the line goes on; it does not where the end of a text was cut off."""
    for end in ends:
        while at < len(line):
            read, _, _ = line[at:].partition("\n")
            at += len(read) + 1
            if read.strip("\t") == end:
                break
    return at


def _operator(line: str, at: int, word: str) -> str:
    char, two = line[at], line[at : at + 2]
    if two in (_JOINED, "||", "|&"):
        return two
    if char == "&":  # not that of 2>&1 or &>
        return "" if word.endswith((">", "<")) or two == "&>" else char
    return char if char in "|;\n" else ""


def _bare(words: list[str], *, assigned: bool = False) -> list[str]:
    """Without redirections and, unless they are wanted, the assignments before a command."""
    kept: list[str] = []
    is_target = False
    for word in words:
        if is_target:
            is_target = False
        elif (arrow := word.lstrip("0123456789&"))[:1] in (">", "<"):
            is_target = arrow in (">", ">>", "<", ">|", "<<", "<<-", "<<<")
        elif kept or assigned or "=" not in word.partition("/")[0]:
            kept.append(word)
    return kept


def _shown(words: list[str], root: str) -> str:
    """Also without what everybody knows: the folder of the worktree."""
    return " ".join(_bare(words, assigned=True)).replace(f"{root}/" if len(root) > 1 else "\0", "")


def _moved(words: list[str], root: str) -> str:
    """`cd` into a folder of the worktree, or out of it."""
    bare = _bare(words)
    if bare[:1] != ["cd"] or len(bare) != 2 or bare[1].rstrip("/") == root:
        return ""
    return _shown(bare, root).rstrip("/")


def _moves_unseen(words: list[str]) -> bool:
    """Out of the folder in another way than `_moved` knows, or into one for a part of the line alone."""
    bare = _bare(words)
    return any(word.lstrip("({") in _MOVING for word in bare[:2]) and not (bare[0] == "cd" and len(bare) == 2)


def _may_be_check(word: str) -> bool:
    """Quicker than to take the line to pieces: most hold no such word."""
    name = plain_name(word.strip(_QUOTES))
    return names_tool(name) or name in RUNNERS or name.startswith(("python", "pypy"))


def _is_check(words: list[str]) -> bool:
    bare = [word.strip(_QUOTES) if len(word) > 1 else word for word in _bare(words)]
    if not bare or bare[0] in _LOOKING:
        return False
    from skillcache.rules.judge import judge  # few sessions begin where one has run commands

    try:
        judge(tuple(bare))
    except Bypass as bypass:
        return bypass.outcome not in (NO_RULE, COMMAND_WRITES)
    return True
