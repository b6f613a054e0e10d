"""What the scripts of a skill visibly do besides printing: read, never run; of shell and JavaScript, by their words."""

import re
from collections.abc import Iterator
from typing import NamedTuple

WRITES, ENDS, STOPS, VARIABLE, CLOCK, CHANCE = "writes", "ends", "stops", "variable", "clock", "random"
NETWORK, PRESENT, ABOVE, HOME, READS = "network", "present directory", "above", "home", "reads"
GIT = "git"


class Seen(NamedTuple):
    """line: from 1; kind: one of the words above; name: the variable, path, status or call, "" where it is computed.

    A script `ends` with a status that tells of its findings, and `stops` with one where something is missing or fails.
    """

    line: int
    kind: str
    name: str


class Sight(NamedTuple):
    """The same of a script at `script`, a path below the skill's folder, with all lines that show it."""

    script: str
    lines: tuple[int, ...]
    kind: str
    name: str


class Look(NamedTuple):
    """scripts: paths below the folder; unread: those of them in a language that nothing is read of, or not readable."""

    scripts: tuple[str, ...]
    unread: tuple[str, ...]
    sights: tuple[Sight, ...]


# A text, so that what stands in one is no comment; a comment.
# What is not closed goes to its end: searched for anew at each quote, it would be read as often as there are quotes.
_PIECE = re.compile(
    r"(\"(?:\\.|[^\"\\\n])*+\"?|'(?:\\.|[^'\\\n])*+'?|`(?:\\.|[^`\\])*+`?)|//[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/)?",
    re.DOTALL,
)
_TEXT = r"\s*(?:['\"`]([^'\"`$]*)['\"`])?"
_FROM = r"(?:\bfrom|\brequire\(|\bimport\(|\bimport)\s*['\"](?:node:)?"
_NODE_WRITER = r"\b(?:writeFile|appendFile|createWriteStream|mkdir|rm|rmdir|unlink|symlink|writeTextFile)(?:Sync)?"
_NETWORKS = "https?|net|tls|axios|node-fetch|undici|got|ws|openai|@anthropic-ai/sdk|puppeteer|playwright"
_PATTERNS = (
    (WRITES, _NODE_WRITER + r"\(" + _TEXT),
    (WRITES, r"\bBun\.write\(" + _TEXT),
    (WRITES, r"\b(?:rename|copyFile|cp)(?:Sync)?\([^,()]*," + _TEXT),
    (ENDS, r"\b(?:process|Deno)\.exit\(\s*([1-9]\d*)"),
    (ENDS, r"\bprocess\.exitCode\s*=\s*([1-9]\d*)"),
    (ENDS, r"\b(?:process\.exit\(|process\.exitCode\s*=)[^;)\n]{0,200}\?\s*(?:0\s*:\s*)?([1-9]\d*)"),
    (VARIABLE, r"\b(?:process|Bun)\.env\.(\w+)\b(?!\s*=[^=])"),
    (VARIABLE, r"\b(?:process|Bun)\.env\[\s*['\"`](\w+)"),
    (VARIABLE, r"\bDeno\.env\.get\(\s*['\"`](\w+)"),
    (CLOCK, r"\b(Date\.now|performance\.now)\("),
    (CLOCK, r"\b(new Date)\(\s*\)"),
    (CHANCE, r"\b(Math\.random|randomUUID|randomBytes|getRandomValues)\("),
    (NETWORK, r"(?<![.\w])(fetch)\("),
    (NETWORK, _FROM + rf"({_NETWORKS})['\"]"),
    (GIT, r"\b(?:exec|spawn)(?:File)?(?:Sync)?\(\s*['\"`](git)\b"),
    (PRESENT, r"\b((?:process|Deno)\.cwd)\("),
    (PRESENT, r"\b(readdir(?:Sync)?|readDir)\(\s*['\"`]\.?/?['\"`]"),
    (HOME, r"\b(?:os\.)?homedir\(()"),
    (HOME, r"['\"`](~/[^'\"`$]*)['\"`]"),
)  # fmt: skip
_COMPILED = tuple((kind, re.compile(pattern)) for kind, pattern in _PATTERNS)
_NODE_TROUBLE = re.compile(r"\bargv\b|existsSync|\bcatch\b|[Uu]sage|process\.env|[Ee]rror|[Mm]issing|not found")
_NODE_TAKEN = re.compile(r"\{([^{}]*)\}\s*=\s*process\.env\b")
_IMPORTED = re.compile(r"(?:\bfrom|\brequire\(|\bimport\(|\bimport)\s*['\"]((?:\./)?(?:\.\./)++[^'\"]*+)['\"]")


def seen_in_node(text: str, depth: int) -> list[Seen]:
    """`depth`: of folders between the skill's and the script."""
    bare = _PIECE.sub(lambda found: found[1] or re.sub(r"[^\n]", " ", found[0]), text)
    lines = bare.splitlines()
    found: list[Seen] = []
    for number, line in enumerate(lines, 1):
        is_trouble = _NODE_TROUBLE.search("\n".join(lines[max(0, number - 3) : number])) is not None
        for each in (*_of_node_line(number, line), *_imported(number, line, depth)):
            is_stop = each.kind == ENDS and is_trouble and "?" not in line
            found.append(each._replace(kind=STOPS) if is_stop else each)
    return found


def _of_node_line(number: int, line: str) -> Iterator[Seen]:
    for kind, pattern in _COMPILED:
        for found in pattern.finditer(line):
            name = found[1] or ""
            yield Seen(number, HOME, "") if (kind, name) == (VARIABLE, "HOME") else Seen(number, kind, name)
    for found in _NODE_TAKEN.finditer(line):
        for name in re.findall(r"(?:^|,)\s*(\w+)", found[1]):
            yield Seen(number, VARIABLE, name)


def _imported(number: int, line: str, depth: int) -> Iterator[Seen]:
    for found in _IMPORTED.finditer(line):
        if found[1].split("/").count("..") > depth:
            yield Seen(number, ABOVE, found[1])


_HERE = re.compile(r"<<-?\s*(['\"]?)(\w+)\1")
# What may stand before the name of a command.
_AT = r"(?:^|[;&|({`]|\$\(|\b(?:then|do|else|if|while|until|exec|time|sudo|!)\s)\s*"
_REDIRECTED = re.compile(r"(?<![<>=\-&\d])[12&]?>>?\|?\s*(\"[^\"]*\"|[^\s;&|()<>\"]+)")
_SHELL_WRITER = re.compile(_AT + r"(tee|mkdir|touch|rm|rmdir|mv|cp|ln|install|sed\s+-i|truncate)(?:\s+(.*))?$")
_BLANK = "\0"  # one in quotes, where it parts no words
_TEST = re.compile(r"\[\[|\(\(|\[ ")
_SHELL_TROUBLE = re.compile(r"command -v|\bwhich |\$#|[Uu]sage|! ?-[a-z] |-z |\b[Ee]rror|ERROR|not found|[Mm]issing")
_EXIT = re.compile(r"\bexit\s+([1-9]\d*|\"?\$\{?\w+\}?\"?|\$\?)")
_USED = re.compile(r"(?<!\\)\$(?:\{[#!]?([A-Z][A-Z0-9_]*)|([A-Z][A-Z0-9_]*))")
_ASSIGNED = re.compile(r"(?:^|[\s;(])([A-Z][A-Z0-9_]*)\+?=")
_SHELL_TAKEN = re.compile(r"(?<![-\w])(?:for|local|(?:read|declare|mapfile)(?:\s++-\w++)*+)\s+([A-Z][A-Z0-9_]*)")
_DEFAULT = re.compile(r"\b([A-Z][A-Z0-9_]*)=\"?\$\{\1[:\-=?]")
_CLOCK = re.compile(_AT + r"(date)\b|\$\{?(SECONDS|EPOCHSECONDS|EPOCHREALTIME)\b")
_CHANCE = re.compile(r"\$\{?(RANDOM|SRANDOM)\b|(/dev/u?random)|" + _AT + r"(uuidgen|shuf|openssl\s+rand)\b")
_NETWORK = re.compile(
    _AT + r"(curl|wget|ssh|scp|gh|aws|gcloud|nc|git\s+(?:fetch|pull|clone|push|ls-remote)"
    r"|npm\s+(?:install|ci)|pip3?\s+install)\b"
)
_GIT = re.compile(_AT + r"(git)\s+(?!fetch|pull|clone|push|ls-remote)")
_PRESENT = re.compile(_AT + r"(pwd|find\s+\.|ls)(?=\s*(?:$|[;&|)/]|\s-))|\$\{?(PWD)\b")
_ABOVE = re.compile(r"(?:^|[;&|]|\b(?:then|do)\s)\s*(?:source|\.)\s+(\S+)")
_HOME = re.compile(r"(?:(?<=[\s=\":(])|^)(?:~|\$HOME|\$\{HOME\})(/[\w./-]+)?(?=$|[\s\"/;)}&|])")
# The shell's own, and what says where something is.
_OWN = frozenset(
    """PATH HOME PWD OLDPWD IFS RANDOM SRANDOM SECONDS LINENO OPTARG OPTIND PIPESTATUS EUID UID GID FUNCNAME REPLY PPID
    SHELL SHLVL EPOCHSECONDS EPOCHREALTIME MACHTYPE OSTYPE HOSTTYPE HOSTNAME BASH COPROC DIRSTACK PS1 PS4""".split()  # noqa: SIM905 - read as a list
)
_NOWHERE = ("/dev/", "&")


def seen_in_shell(text: str, depth: int) -> list[Seen]:
    """`depth`: of folders between the skill's and the script."""
    return list(_all(list(_lines(text)), depth))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """(number from 1, what a shell may obey)."""
    ends = ""
    within: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if ends:
            ends = "" if line.strip("\t ") == ends else ends
            continue
        begins = not within
        bare = _bare(line, within)
        found = _HERE.search(line) if begins else None
        if found is not None and "<<" in bare and "<<<" not in line:
            ends, within = found[2], []
        yield number, bare


def _bare(line: str, within: list[str]) -> str:
    """Without comments, and without what quoted texts hold that a shell does not obey.

    `within`: the quotes and parentheses that are open when the line begins, and then when it ends.
    """
    found: list[str] = []
    at = 0
    while at < len(line):
        letter, mark = line[at], within[-1] if within else ""
        step = 1
        if mark == "'":
            found.append(letter if letter == mark else "_")
        elif letter == "\\" or (mark == '"' and line.startswith("$(", at)):
            step = 2
            found.append(line[at : at + 2])
        elif mark == '"':
            found.append("_" if letter in "<>;|&" else _BLANK if letter == " " else letter)
        elif letter == "#" and line[at - 1 : at] in ("", " ", "\t", ";"):
            break
        else:
            found.append(letter)
        if letter == mark:
            within.pop()
        elif mark != "'" and letter != "\\":
            opened = ")" if step == 2 or (letter == "(" and within and mark != '"') else ""
            within += [opened or letter] if opened or (letter in "'\"" and mark != '"') else []
        at += step
    return "".join(found)


def _all(lines: list[tuple[int, str]], depth: int) -> Iterator[Seen]:
    assigned: dict[str, int] = {}
    for number, line in lines:
        for found in (*_ASSIGNED.finditer(line), *_SHELL_TAKEN.finditer(line)):
            assigned.setdefault(found[1], number)
    given: set[str] = set()  # with a default, where they are not set
    for at, (number, line) in enumerate(lines):
        before = "\n".join(text for _, text in lines[max(0, at - 3) : at + 1])
        for found in _EXIT.finditer(line):
            kind = STOPS if _SHELL_TROUBLE.search(before) else ENDS
            yield Seen(number, kind, found[1] if found[1].isdigit() else "")
        given.update(found[1] for found in _DEFAULT.finditer(line) if assigned[found[1]] == number)
        yield from _of_shell_line(number, line, depth)
        for found in _USED.finditer(line):
            name = found[1] or found[2]
            is_own = name in _OWN or name.startswith("BASH_")
            is_first = assigned.get(name, number + 1) > number or (name in given and assigned[name] == number)
            if not is_own and is_first:
                yield Seen(number, VARIABLE, name)


def _of_shell_line(number: int, line: str, depth: int) -> Iterator[Seen]:  # noqa: C901 - one kind after another
    for found in _REDIRECTED.finditer(line) if _TEST.search(line) is None else ():
        target = found[1].strip('"')
        if not target.startswith(_NOWHERE):
            yield Seen(number, WRITES, _plain(target))
    for found in _SHELL_WRITER.finditer(line):
        words = [word.strip('"') for word in re.split(r"\s+|[;&|)]", found[2] or "") if word[:1] not in ("", "-")]
        last = words[-1] if words else ""
        yield Seen(number, WRITES, "" if found[1].startswith("sed") else _plain(last))
    for kind, pattern in ((CLOCK, _CLOCK), (CHANCE, _CHANCE), (NETWORK, _NETWORK), (GIT, _GIT)):
        for found in pattern.finditer(line):
            yield Seen(number, kind, " ".join(next(filter(None, found.groups())).split()))
    if "dirname" not in line:  # as where a script looks for its own folder
        for found in _PRESENT.finditer(line):
            yield Seen(number, PRESENT, " ".join(next(filter(None, found.groups())).split()))
    for found in _ABOVE.finditer(line):
        if found[1].split("/").count("..") > depth:
            yield Seen(number, ABOVE, found[1].strip('"'))
    for found in _HOME.finditer(line):
        yield Seen(number, HOME, f"~{found[1]}" if found[1] else "")


def _plain(path: str) -> str:
    """As it is written, or "" where the shell makes it up."""
    return "" if "$" in path or _BLANK in path else path
