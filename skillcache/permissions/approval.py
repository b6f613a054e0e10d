"""Whether the person's allow rules approve a whole command line, as the client itself would find.

Every simple command must match a rule, after the few wrappers and assignments the client looks through, or be one of
the harmless commands it never asks about. Anything else, and the person has not allowed it here.
"""

from skillcache.errors import Bypass
from skillcache.policy.pattern import matches
from skillcache.shell.lex import COMMENT, OPERATOR, REDIRECTION, Token, tokens

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_JOINTS = frozenset(("&&", "||", ";", "|", "\n"))
_QUIET = frozenset((("2>&", "1"), (">", "/dev/null"), ("1>", "/dev/null"), ("2>", "/dev/null")))
_HARMLESS = frozenset(("tail", "head", "wc", "echo", "true", "false", "grep", "cut", "tr", "cat"))
# What these start is not looked at by the client, which then asks, or only by some rules.
_OPAQUE = frozenset(
    (
        *("exec", "eval", "alias", "coproc", "builtin", "command", "source", ".", "trap", "ionice", "setsid", "script"),
        *("unbuffer", "parallel", "watch", "find", "fd", "xargs", "strace", "sudo", "doas", "su", "chroot", "taskset"),
        *("chrt", "flock", "busybox"),
    )
)
_ASSIGNMENTS = frozenset(
    (
        *("CI", "NODE_ENV", "FORCE_COLOR", "NO_COLOR", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "RUST_BACKTRACE"),
        *("TZ", "LANG", "LC_ALL", "COLUMNS", "TERM"),
    )
)


def approves(specifiers: "Sequence[str]", command: str, project: str) -> bool:
    """specifiers: the insides of the `Bash(...)` allow rules; project: the folder the client works in."""
    # A wildcard before `:*` names nothing for the client, and nothing before it was not tried.
    usable = [text for text in specifiers if not (text.endswith(":*") and (text == ":*" or "*" in text[:-2]))]
    if not usable:
        return False
    try:
        pieces = _pieces(tokens(command))
    except Bypass:
        return False
    if pieces is None or sum(piece[0].text == "cd" for piece in pieces) > 1:
        return False
    return all(_is_harmless(piece, project) or _is_allowed(usable, command, piece) for piece in pieces)


def _pieces(found: list[Token]) -> list[list[Token]] | None:
    """The words of each simple command; None where there is more than words, plain joints and silencing."""
    pieces: list[list[Token]] = [[]]
    redirection, redirected = "", False
    for token in found:
        if token.kind == OPERATOR:
            if token.text not in _JOINTS or redirection:
                return None
            pieces.append([])
            redirected = False
        elif token.kind == REDIRECTION:
            if not pieces[-1]:
                return None
            redirection, redirected = token.text, True
        elif redirection:
            if (redirection, token.text) not in _QUIET:
                return None
            redirection = ""
        elif token.kind != COMMENT:
            if redirected:  # a word after a redirection is one the client asks about
                return None
            pieces[-1].append(token)
    return [piece for piece in pieces if piece]


def _is_harmless(piece: list[Token], project: str) -> bool:
    name, *rest = (token.text for token in piece)
    if (
        name == "cd"
        and len(rest) == 1
        and (rest[0] + "/").startswith(project.rstrip("/") + "/")
        and ".." not in rest[0]
    ):
        return True
    if any(token.glob or token.status or token.text.startswith(("/", "~")) or ".." in token.text for token in piece):
        return False
    if name == "cd":
        return len(rest) == 1 and not rest[0].startswith("-")
    if name == "sed":
        return len(rest) == 2 and rest[0] == "-n" and not rest[1].strip("0123456789,p") and rest[1].endswith("p")
    if name == "uniq":
        return rest in ([], ["-c"])
    return name in _HARMLESS or (name == "sort" and not rest)


def _is_allowed(specifiers: list[str], command: str, piece: list[Token]) -> bool:
    """Whether a rule matches the command as it is written, or what a wrapper of the plainest form runs."""
    words = [token.text for token in piece]
    if any(token.status for token in piece) or _OPAQUE.intersection(words) or "env" in words[1:] or "-p" in words[:2]:
        return False
    end = piece[-1].end
    while piece:
        text = command[piece[0].start : end]
        if any(matches(specifier, text) for specifier in specifiers):
            return True
        piece = _unwrap(piece)
    return False


def _unwrap(piece: list[Token]) -> list[Token]:
    first = piece[0]
    if first.name:
        name, value = first.text[: first.name], first.text[first.name + 1 :]
        return piece[1:] if name in _ASSIGNMENTS and value.isalnum() and not first.quoted else []
    words = [token.text for token in piece]
    if words[0] == "timeout" and len(words) > 2 and words[1].rstrip("smh").isdigit():
        return piece[2:]
    if words[:2] == ["nice", "-n"] and len(words) > 3 and words[2].isdigit():
        return piece[3:]
    if words[0] in {"nohup", "time"} and len(words) > 1 and not words[1].startswith("-"):
        return piece[1:]
    return []
