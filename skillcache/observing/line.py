"""The one command of a Bash line, where that is all of it: a function of the text.

Nothing is expanded, joined or redirected in such a line, so that its words are what the program was given, and its
status and text are the program's own.
"""

_SPECIAL = frozenset("$`\\;&|<>(){}[]*?~#!\n")
_IN_QUOTES = frozenset("$`\\!")


def words_of(line: str) -> tuple[str, ...]:
    """The words, after a `cd` where the line begins with one; () for any other line."""
    first, also, rest = line.strip().partition(" && ")
    if also and first.startswith("cd ") and len(_words(first)) == 2:
        line = rest
    return _words(line.strip().removesuffix("2>&1"))


def _words(text: str) -> tuple[str, ...]:
    words: list[str] = []
    quote, within = "", False
    for c in f"{text} ":
        if quote:
            if quote == '"' and c in _IN_QUOTES:
                return ()
            if c == quote:
                quote = ""
                continue
        elif c in _SPECIAL:
            return ()
        elif c in " \t":
            within = False
            continue
        if not within:
            words.append("")
            within = True
        if not quote and c in "'\"":
            quote = c
        else:
            words[-1] += c
    return () if quote else tuple(words)
