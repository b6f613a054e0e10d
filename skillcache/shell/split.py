"""The simple commands of a line as text, for comparing each with permission rules."""

from skillcache.errors import Bypass
from skillcache.shell.lex import COMMENT, OPERATOR, tokens

_RESERVED = frozenset(
    "if then else elif fi for while until do done case esac function select coproc time ! { } [[ ]]".split()  # noqa: SIM905 - read as a list
)


def parts(text: str) -> tuple[str, ...] | None:
    """Each simple command as it stands in the line, in order, with its assignments and redirections.

    None when the line is not surely split: the caller must then assume that it may hold anything.
    """
    try:
        found = tokens(text)
    except Bypass:
        return None
    commands: list[str] = []
    start = end = -1
    for token in found:
        if token.kind == OPERATOR:
            if start >= 0:
                commands.append(text[start:end])
            start = -1
        elif token.kind == COMMENT:
            continue
        elif start < 0 and not token.quoted and token.text in _RESERVED:
            if token.text not in ("{", "}", "time", "!"):
                return None
        else:
            start = token.start if start < 0 else start
            end = token.end
    if start >= 0:
        commands.append(text[start:end])
    return tuple(commands)
