"""Every text that a deny or ask rule may be meant for, in a command line.

The client compares a rule with the line, with each of its simple commands, and with what is left of them without
redirections, assignments and wrappers. This takes in all of those and some more: a text too many costs a run.
"""

from skillcache.errors import Bypass
from skillcache.shell.lex import COMMENT, OPERATOR, REDIRECTION, Token, tokens

_RESERVED = frozenset(
    (
        "if",
        "then",
        "else",
        "elif",
        "while",
        "until",
        "do",
        "coproc",
        "exec",
        "eval",
        "command",
        "builtin",
        "!",
        "{",
        "[[",
    )
)
# Words that run what follows them. Not among them: npx, uv run and their like, as the client does not look through
# them either, and a person who denies `pytest` often does so to have `uv run pytest`.
_WRAPPERS = frozenset(
    (
        *(
            "time",
            "timeout",
            "gtimeout",
            "env",
            "nice",
            "ionice",
            "nohup",
            "stdbuf",
            "unbuffer",
            "setsid",
            "sudo",
            "doas",
        ),
        *(
            "xargs",
            "parallel",
            "watch",
            "chronic",
            "caffeinate",
            "strace",
            "ltrace",
            "taskset",
            "chrt",
            "script",
            "flock",
        ),
        *("find", "fd", "busybox"),
    )
)
_SHELLS = frozenset(("sh", "bash", "zsh", "dash", "ksh", "eval", "script"))
_MOST = 24  # simple commands of a line that are compared in every run of neighbours
_MOST_WORDS = 500  # of a line; a longer one is as good as not understood
_MOST_BEFORE = 60  # words from the first to the last that may begin the real command
_DEEPEST = 3  # shells within shells


class Line:
    """texts: what a rule about commands may match; words: every word, unquoted, with the redirections' targets."""

    __slots__ = ("texts", "words", "writes")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.words: list[str] = []
        self.writes = False


def read(text: str, depth: int = 0) -> Line | None:
    """The line's readings; None when it is not surely understood, and may then hold anything."""
    try:
        found = tokens(text)
    except Bypass:
        return None
    line = Line()
    pieces: list[list[Token]] = [[]]
    joints: list[str] = []
    target = False
    for token in found:
        if token.kind == OPERATOR:
            joints.append(token.text)
            pieces.append([])
        elif token.kind == REDIRECTION:
            line.writes |= ">" in token.text and not token.text.endswith("&")
            target = True
            continue
        elif token.kind != COMMENT:
            line.words.append(token.text)
            if not target:
                pieces[-1].append(token)
        target = False
    if len(pieces) > _MOST or len(line.words) > _MOST_WORDS:
        return None
    raws = [" ".join(text[token.start : token.end] for token in piece) for piece in pieces]
    line.texts += [text, *_runs(raws, joints)]
    for piece in pieces:
        if not _unwrap(text, piece, line, depth):
            return None
    line.texts = list(dict.fromkeys(line.texts))
    return line


def _runs(raws: list[str], joints: list[str]) -> list[str]:
    """Every run of neighbouring commands, joined as they are: a rule may be written for a part of a chain."""
    texts = []
    for first in range(len(raws)):
        joined = raws[first]
        texts.append(joined)
        for joint, raw in zip(joints[first:], raws[first + 1 :], strict=False):
            joined = f"{joined}{joint}{raw}" if joint in {"\n", ";"} else f"{joined} {joint} {raw}"
            texts.append(joined.strip())
    return texts


def _unwrap(text: str, piece: list[Token], line: Line, depth: int) -> bool:
    """Add what is left of a simple command without the words before the real one; False when it may be anything."""
    for at, token in enumerate(piece):
        if at > _MOST_BEFORE:
            return False
        _add(text, piece[at:], line.texts)
        name = token.text.rpartition("/")[2]
        if name in _SHELLS:
            return all(_nest(word.text, line, depth) for word in piece[at + 1 :])
        if name in _WRAPPERS:
            if len(piece) - at > _MOST_BEFORE:
                return False
            for rest in range(at + 1, len(piece)):
                _add(text, piece[rest:], line.texts)
                if piece[rest].text.rpartition("/")[2] in _SHELLS:
                    return all(_nest(word.text, line, depth) for word in piece[rest + 1 :])
            return True
        if not (token.name or token.text in _RESERVED):
            return not token.status
    return True


def _nest(word: str, line: Line, depth: int) -> bool:
    inner = read(word, depth + 1) if depth < _DEEPEST else None
    if inner is None:
        return False
    line.texts += inner.texts
    line.words += inner.words
    line.writes |= inner.writes
    return True


def _add(text: str, words: list[Token], texts: list[str]) -> None:
    raw = [text[token.start : token.end] for token in words]
    plain = [token.text for token in words]
    texts.append(text[words[0].start : words[-1].end])  # with its own blanks
    texts += [" ".join(form) for form in (raw, plain, [plain[0].rpartition("/")[2], *plain[1:]])]
