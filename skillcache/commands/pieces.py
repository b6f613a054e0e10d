"""A shell's line in pieces, as bash and zsh take it: words, the signs between them, and where no more can be told.

    plain   a word that a program is given as it stands, and that may be one of the shell's own: nothing in it is quoted
    quoted  the same of one in which something is
    set     `NAME=value`, which before a command sets a variable for it
    open    a word that the shell makes something else of: `$HOME`, `*.py`, `~`
    sign    `&&`, `|`, `;`, the end of a line, `>`, `2>&`, ...
    unclear the last piece: what comes from here on, such as `$(...)` or a heredoc, is not read

A comment is none, and a line that goes on behind a backslash is one.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    Piece = tuple[str, str]  # its kind and its text, of a word without its quotes

PLAIN, QUOTED, SET, OPEN, SIGN, UNCLEAR = "plain", "quoted", "set", "open", "sign", "unclear"
_UNREAD: "Piece" = (UNCLEAR, "")
SURE = (PLAIN, QUOTED, SET)  # kinds of words that are what their text says
# The longer ones first.
_SIGNS = ("&>>", "<<", "&&", "||", "|&", ";;", ";&", ">>", "<&", ">&", "&>", ">|", "<>", *"|&;<>()\n")
_ENDS = " \t|&;<>()\n"
_MAY_OPEN = "*?[]{}"
_ALONE = ("[", "]", "{", "}")  # a word of one of these is the shell's own
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_SPECIAL = frozenset("?#@*$!-")  # parameters, as in `$?`


def pieces(text: str) -> "list[Piece]":
    reader = _Reader(text)
    reader.read()
    return reader.found


class _Reader:
    __slots__ = ("_at", "_is_open", "_is_quoted", "_is_set", "_text", "_word", "found")

    def __init__(self, text: str) -> None:
        self.found: list[Piece] = []
        self._text = text
        self._at = 0
        self._word = ""
        self._is_open = self._is_quoted = self._is_set = False

    def read(self) -> None:
        text = self._text
        while self._at < len(text):
            first = text[self._at]
            if first in " \t":
                self._at += 1
            elif text.startswith("\\\n", self._at):
                self._at += 2
            elif first == "#":
                end = text.find("\n", self._at)
                self._at = end if end >= 0 else len(text)
            elif not (self._sign() if first in _ENDS else self._whole()):
                self.found.append(_UNREAD)
                return

    def _sign(self, before: str = "") -> bool:
        """`before`: the number of a stream. False for what gives the text behind it another meaning."""
        sign = next(sign for sign in _SIGNS if self._text.startswith(sign, self._at))
        self._at += len(sign)
        self.found.append((SIGN, before + sign))
        return sign not in ("<<", "(", ")")

    def _whole(self) -> bool:
        """A word, from its first character on."""
        self._word = ""
        self._is_quoted = self._is_set = False
        self._is_open = self._text[self._at] == "="  # in zsh the path of a program
        while self._at < len(self._text) and self._text[self._at] not in _ENDS:
            if not self._step(self._text[self._at]):
                return False
        word = self._word
        if self._is_open and (self._is_quoted or word not in _ALONE):
            self.found.append((OPEN, word))
        elif self._is_set:
            self.found.append((SET, word))
        elif self._is_quoted:
            self.found.append((QUOTED, word))
        elif word.isdecimal() and word.isascii() and self._text[self._at : self._at + 1] in ("<", ">"):
            return self._sign(word)
        elif word:
            self.found.append((PLAIN, word))
        return True

    def _step(self, first: str) -> bool:
        if first == "'":
            return self._single()
        if first == '"':
            return self._double()
        if first == "$":
            return self._dollar()
        if first == "\\":
            return self._escaped()
        if first == "`" or first < " " or first == "\x7f":
            return False
        if first in _MAY_OPEN or (first == "~" and (not self._word or self._word[-1] in ":=")):
            self._is_open = True
        elif first == "=" and not self._is_quoted and not self._is_open:
            name = self._word.removesuffix("+")
            if name.isidentifier() and name.isascii():
                self._is_set = True
                self._is_open = name != self._word  # what it had before is part of it
        self._word += first
        self._at += 1
        return True

    def _single(self) -> bool:
        end = self._text.find("'", self._at + 1)
        self._word += self._text[self._at + 1 : end]
        self._at = end + 1
        self._is_quoted = True
        return end >= 0

    def _double(self) -> bool:
        self._is_quoted = True
        self._at += 1
        while self._at < len(self._text):
            first = self._text[self._at]
            if first == '"':
                self._at += 1
                return True
            if first == "`" or (first == "$" and not self._dollar(is_quoted=True)):
                return False
            if first == "\\":
                after = self._text[self._at + 1 : self._at + 2]
                self._word += "" if after == "\n" else after if after in ("$", "`", '"', "\\") else first + after
                self._at += 2
            elif first != "$":
                self._word += first
                self._at += 1
        return False

    def _escaped(self) -> bool:
        after = self._text[self._at + 1 : self._at + 2]
        self._word += after.strip("\n")
        self._is_quoted = self._is_quoted or after != "\n"
        self._at += 2
        return after != ""

    def _dollar(self, *, is_quoted: bool = False) -> bool:
        """A variable, of which its name alone is told, or the sign itself."""
        text, start = self._text, self._at + 1
        after = text[start : start + 1]
        end = start
        if after in _NAME:
            while end < len(text) and text[end] in _NAME:
                end += 1
        elif after in _SPECIAL:
            end += 1
        elif after == "{":
            end = text.find("}", start) + 1
            name, _, place = text[start + 1 : end - 1].partition("[")
            if not end or (not (name and _NAME.issuperset(name)) and name not in _SPECIAL):
                return False
            if place not in ("", "@]", "*]") and not place.removesuffix("]").isdecimal():
                return False  # an expression
        elif after in ("(", "[", "'") or (after == '"' and not is_quoted):
            return False
        self._is_open = self._is_open or end > start
        self._word += text[self._at : end]
        self._at = end
        return True
