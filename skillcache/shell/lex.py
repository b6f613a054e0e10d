"""A command line cut into words and operators as bash cuts it; what is not surely understood raises Bypass.

The claim is narrow on purpose: for every text accepted here, bash sees the same words in the same order, and
zsh sees none that could write or run more. Expansions are refused, but for the status of a run that has
just ended (`$?`, `${PIPESTATUS[0]}`) and for the home folder before a path (`~/x`), which are marked and left to the
reader of the words.
"""

from skillcache.errors import Bypass
from skillcache.outcome import SHELL_BACKGROUND, SHELL_EXPANSION, SHELL_SYNTAX

LONGEST = 16_384  # characters; a longer line is a program, not a command

WORD, OPERATOR, REDIRECTION, COMMENT = "word", "operator", "redirection", "comment"

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./,:+@%^")
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_DIGITS = frozenset("0123456789")
_ENDS_WORD = frozenset(["", " ", "\t", "\n", ";", "&", "|", "<", ">", "(", ")"])  # "" is the end of the line
_REDIRECTIONS = ("<<<", "&>>", "<<", ">>", ">|", ">&", "<&", "<>", "&>", ">", "<")


class Token:
    """kind; text: the word unquoted, or the operator; start and end: where it stands in the line.

    Of a word: quoted: some of it was; glob: it holds an unquoted pattern; status: it holds `$?` or PIPESTATUS; home: it
    begins with an unquoted `~/`; name: the length of the name when it has the form of an assignment, else 0.
    Of a redirection: text is the operator with its descriptor, such as `2>&`.
    """

    __slots__ = ("end", "glob", "home", "kind", "name", "quoted", "start", "status", "text")

    def __init__(self, kind: str, text: str, start: int, end: int) -> None:
        self.kind = kind
        self.text = text
        self.start = start
        self.end = end
        self.quoted = False
        self.glob = False
        self.home = False
        self.status = False
        self.name = 0

    def __repr__(self) -> str:
        return f"<{self.kind} {self.text!r}>"


def tokens(text: str) -> list[Token]:
    """All tokens of the line, newlines as operators, comments kept."""
    _refuse_odd_characters(text)
    found: list[Token] = []
    at, end = 0, len(text)
    while at < end:
        character = text[at]
        if character in " \t":
            at += 1
        elif character == "\\" and text.startswith("\\\n", at):
            at += 2
        elif character == "#":
            stop = text.find("\n", at)
            stop = end if stop < 0 else stop
            found.append(Token(COMMENT, text[at:stop], at, stop))
            at = stop
        elif character in "<>" or (character == "&" and text.startswith("&>", at)):
            at = _redirection(text, at, at, found)
        elif character in "\n;&|()":
            at = _operator(text, at, found)
        else:
            token = _word(text, at)
            at = token.end
            bare = not token.quoted and token.text.isdigit() and token.text.isascii()
            if bare and at < end and text[at] in "<>" and token.end - token.start == len(token.text):
                at = _redirection(text, token.start, at, found)
            else:
                found.append(token)
    return found


def _refuse_odd_characters(text: str) -> None:
    if len(text) > LONGEST:
        raise Bypass(SHELL_SYNTAX, "the line is too long")
    if text.isascii() and text.isprintable():
        return
    for character in text:
        if character < " " and character not in "\t\n":
            raise Bypass(SHELL_SYNTAX, "a control character")
        if character == "\x7f" or "\ud800" <= character <= "\udfff":
            raise Bypass(SHELL_SYNTAX, "a control character")


def _operator(text: str, at: int, found: list[Token]) -> int:
    two = text[at : at + 2]
    if two in ("&&", "||", "|&"):
        found.append(Token(OPERATOR, two, at, at + 2))
        return at + 2
    one = text[at]
    if one == "&":
        raise Bypass(SHELL_BACKGROUND, "&")
    if two in (";;", ";&", "(("):
        raise Bypass(SHELL_SYNTAX, two)
    found.append(Token(OPERATOR, one, at, at + 1))
    return at + 1


def _redirection(text: str, start: int, at: int, found: list[Token]) -> int:
    for operator in _REDIRECTIONS:
        if text.startswith(operator, at):
            break
    at += len(operator)
    if text.startswith("(", at):
        raise Bypass(SHELL_EXPANSION, "process substitution")
    if operator in ("<<", "<<<"):
        raise Bypass(SHELL_SYNTAX, "a here-document")
    found.append(Token(REDIRECTION, text[start:at], start, at))
    return at


def _word(text: str, start: int) -> Token:  # noqa: C901, PLR0912 - one loop over the ways to quote
    token = Token(WORD, "", start, start)
    pieces: list[str] = []
    at, end = start, len(text)
    while at < end:
        character = text[at]
        if character in _PLAIN:
            begun = at
            at += 1
            while at < end and text[at] in _PLAIN:
                at += 1
            pieces.append(text[begun:at])
        elif character in _ENDS_WORD:
            if character == "(":
                raise Bypass(SHELL_SYNTAX, "a parenthesis in a word")
            break
        elif character == "'":
            stop = text.find("'", at + 1)
            if stop < 0:
                raise Bypass(SHELL_SYNTAX, "an open quote")
            pieces.append(text[at + 1 : stop])
            token.quoted = True
            at = stop + 1
        elif character == '"':
            at = _double_quoted(text, at + 1, pieces, token)
        elif character == "\\":
            if at + 1 == end:
                raise Bypass(SHELL_SYNTAX, "a backslash at the end")
            if text[at + 1] != "\n":
                pieces.append(text[at + 1])
                token.quoted = True
            at += 2
        elif character == "$":
            at = _dollar(text, at, pieces, token, quoted=False)
        else:
            _unquoted(text, at, pieces, token)
            pieces.append(character)
            at += 1
    token.text = "".join(pieces)
    token.end = at
    return token


def _double_quoted(text: str, at: int, pieces: list[str], token: Token) -> int:
    token.quoted = True
    end = len(text)
    begun = at
    while at < end:
        character = text[at]
        if character not in '"\\$`':
            at += 1
            continue
        pieces.append(text[begun:at])
        if character == '"':
            return at + 1
        if character == "`":
            raise Bypass(SHELL_EXPANSION, "a backquote")
        if character == "$":
            at = _dollar(text, at, pieces, token, quoted=True)
        else:
            following = text[at + 1 : at + 2]
            if following == "\n":
                pass
            elif following and following in '"\\$`':
                pieces.append(following)
            else:
                pieces.append("\\" + following)
            at += 2
        begun = at
    raise Bypass(SHELL_SYNTAX, "an open quote")


def _dollar(text: str, at: int, pieces: list[str], token: Token, *, quoted: bool) -> int:
    following = text[at + 1 : at + 2]
    if following == "?":
        stop = at + 2
    elif text.startswith("${PIPESTATUS[", at):
        stop = text.find("]}", at) + 2
        index = text[at + 13 : stop - 2]
        if stop < at + 2 or not (index in ("@", "*") or (len(index) == 1 and index in _DIGITS)):
            raise Bypass(SHELL_EXPANSION, "${PIPESTATUS")
    elif not following or following in " \t\n" or following in ('"|)' if quoted else ";|)"):
        pieces.append("$")  # bash leaves a dollar before these as it is
        return at + 1
    else:
        raise Bypass(SHELL_EXPANSION, "$" + following)
    pieces.append(text[at:stop])
    token.status = True
    return stop


def _unquoted(text: str, at: int, pieces: list[str], token: Token) -> None:  # noqa: C901 - a table in code
    """Refuse what a character outside quotes could mean, or note it on the token."""
    character = text[at]
    if character == "=":
        before = "".join(pieces)
        following = text[at + 1 : at + 2]  # zsh looks `=word` up as a command; a rule of `====` is only drawn
        if not before and following != "=" and following not in _ENDS_WORD:
            raise Bypass(SHELL_EXPANSION, "a word that begins with =")
        if before.endswith("+") and not token.quoted and _NAME.issuperset(before[:-1]):
            raise Bypass(SHELL_SYNTAX, "an assignment that appends")
        if before and not token.quoted and not token.name and before[0] not in _DIGITS and _NAME.issuperset(before):
            token.name = len(before)
    elif character in "*?":
        token.glob = True
    elif character == "[":
        lone = at == token.start and text[at + 1 : at + 2] in _ENDS_WORD
        token.glob = token.glob or not lone
    elif character == "~":
        _tilde(text, at, pieces, token)
    elif character == "`":
        raise Bypass(SHELL_EXPANSION, "a backquote")
    elif character in "{}":
        lone = at == token.start and text[at + 1 : at + 2] in _ENDS_WORD
        if not lone:
            raise Bypass(SHELL_EXPANSION, "a brace in a word")
    elif not character.isascii() and (character.isspace() or not character.isprintable()):
        raise Bypass(SHELL_SYNTAX, "an odd space")


def _tilde(text: str, at: int, pieces: list[str], token: Token) -> None:
    if at == token.start and text.startswith("~/", at):
        token.home = True
    elif not pieces or pieces[-1][-1:] in ("=", ":", ""):
        raise Bypass(SHELL_EXPANSION, "~")
