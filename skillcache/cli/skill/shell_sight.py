"""What a shell script visibly does, by its words: quoted texts, comments and here-documents are left out."""

import re
from collections.abc import Iterator

from skillcache.cli.skill.sight import ABOVE, CHANCE, CLOCK, ENDS, HOME, NETWORK, PRESENT, STOPS, VARIABLE, WRITES, Seen

_HERE = re.compile(r"<<-?\s*(['\"]?)(\w+)\1")
_SINGLE = re.compile(r"'[^']*'")
_COMMENT = re.compile(r"(?:^|(?<=[\s;]))#.*$")
# What may stand before the name of a command.
_AT = r"(?:^|[;&|({`]|\$\(|\b(?:then|do|else|if|while|until|exec|time|sudo|!)\s)\s*"
_REDIRECTED = re.compile(r"(?<![<>=\-&\d])[12&]?>>?\|?\s*(\"[^\"]*\"|[^\s;&|()<>\"]+)")
_WRITER = re.compile(_AT + r"(tee|mkdir|touch|rm|rmdir|mv|cp|ln|install|sed\s+-i|truncate)(?:\s+(.*))?$")
# A text with more in it than a path: what stands in it is printed.
_QUOTED = re.compile(r"\"(?=[^\"]*[\s>])(?:\\.|[^\"\\])*\"")
_TEST = re.compile(r"\[\[|\(\(|\[ ")
_TROUBLE = re.compile(r"command -v|\bwhich |\$#|[Uu]sage|! ?-[a-z] |-z |\b[Ee]rror|ERROR|not found|[Mm]issing")
_EXIT = re.compile(r"\bexit\s+([1-9]\d*|\"?\$\{?\w+\}?\"?|\$\?)")
_USED = re.compile(r"(?<!\\)\$(?:\{[#!]?([A-Z][A-Z0-9_]*)|([A-Z][A-Z0-9_]*))")
_ASSIGNED = re.compile(r"(?:^|[\s;(])([A-Z][A-Z0-9_]*)\+?=")
_TAKEN = re.compile(r"\b(?:read(?:\s+-\w+)*|for|local|declare(?:\s+-\w+)*|mapfile(?:\s+-\w+)*)\s+([A-Z][A-Z0-9_]*)")
_DEFAULT = re.compile(r"\b([A-Z][A-Z0-9_]*)=\"?\$\{\1[:\-=?]")
_CLOCK = re.compile(_AT + r"(date)\b|\$\{?(SECONDS|EPOCHSECONDS|EPOCHREALTIME)\b")
_CHANCE = re.compile(r"\$\{?(RANDOM|SRANDOM)\b|(/dev/u?random)|" + _AT + r"(uuidgen|shuf|openssl\s+rand)\b")
_NETWORK = re.compile(
    _AT + r"(curl|wget|ssh|scp|gh|aws|gcloud|nc|git\s+(?:fetch|pull|clone|push|ls-remote)"
    r"|npm\s+(?:install|ci)|pip3?\s+install)\b"
)
_PRESENT = re.compile(_AT + r"(pwd|find\s+\.|ls)(?=\s*(?:$|[;&|)/]|\s-))|\$\{?(PWD)\b")
_ABOVE = re.compile(r"(?:^|[;&|]|\b(?:then|do)\s)\s*(?:source|\.)\s+(\S+)")
_HOME = re.compile(r"(?:(?<=[\s=\":(])|^)(?:~|\$HOME|\$\{HOME\})(/[\w./-]+)?(?=$|[\s\"/;)}&|])")
# The shell's own, and what says where something is.
_OWN = frozenset(
    """PATH HOME PWD OLDPWD IFS RANDOM SRANDOM SECONDS LINENO OPTARG OPTIND PIPESTATUS EUID UID GID FUNCNAME REPLY PPID
    SHELL SHLVL EPOCHSECONDS EPOCHREALTIME MACHTYPE OSTYPE HOSTTYPE HOSTNAME BASH COPROC DIRSTACK PS1 PS4""".split()  # noqa: SIM905 - read as a list
)
_NOWHERE = ("/dev/", "&")


def seen(text: str, depth: int) -> list[Seen]:
    """`depth`: of folders between the skill's and the script."""
    return list(_all(list(_lines(text)), depth))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """(number from 1, what a shell may obey)."""
    ends = ""
    for number, line in enumerate(text.splitlines(), 1):
        if ends:
            if line.strip("\t ") == ends:
                ends = ""
            continue
        bare = _COMMENT.sub("", _SINGLE.sub(lambda found: "'" + "_" * (len(found[0]) - 2) + "'", line))
        found = _HERE.search(line)
        if found is not None and "<<<" not in line and _HERE.search(bare.replace("_", "E")) is not None:
            ends = found[2]
        yield number, bare


def _all(lines: list[tuple[int, str]], depth: int) -> Iterator[Seen]:
    assigned: dict[str, int] = {}
    for number, line in lines:
        for found in (*_ASSIGNED.finditer(line), *_TAKEN.finditer(line)):
            assigned.setdefault(found[1], number)
    given: set[str] = set()  # with a default, where they are not set
    for at, (number, line) in enumerate(lines):
        before = "\n".join(text for _, text in lines[max(0, at - 3) : at + 1])
        for found in _EXIT.finditer(line):
            kind = STOPS if _TROUBLE.search(before) else ENDS
            yield Seen(number, kind, found[1] if found[1].isdigit() else "")
        given.update(found[1] for found in _DEFAULT.finditer(line) if assigned[found[1]] == number)
        yield from _of_line(number, line, depth)
        for found in _USED.finditer(line):
            name = found[1] or found[2]
            is_own = name in _OWN or name.startswith("BASH_")
            is_first = assigned.get(name, number + 1) > number or (name in given and assigned[name] == number)
            if not is_own and is_first:
                yield Seen(number, VARIABLE, name)


def _of_line(number: int, line: str, depth: int) -> Iterator[Seen]:  # noqa: C901 - one kind after another
    plain = _QUOTED.sub('"$"', line)
    for found in _REDIRECTED.finditer(plain) if _TEST.search(plain) is None else ():
        target = found[1].strip('"')
        if not target.startswith(_NOWHERE):
            yield Seen(number, WRITES, "" if "$" in target else target)
    for found in _WRITER.finditer(plain):
        words = [word.strip('"') for word in re.split(r"\s+|[;&|)]", found[2] or "") if word[:1] not in ("", "-")]
        last = words[-1] if words else ""
        yield Seen(number, WRITES, "" if "$" in last or found[1].startswith("sed") else last)
    for kind, pattern in ((CLOCK, _CLOCK), (CHANCE, _CHANCE), (NETWORK, _NETWORK)):
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
