"""Values of YAML: those that every reader takes for the same, and others, which are stepped over.

They are whatever people write there: dates, blocks of text, lists of mappings, JSON, quoted texts over several lines.
Refused is what leaves it open where a value ends, so that a line in a text is never taken for a key.
"""

from skillcache.core.outcomes import SkillcacheError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from skillcache.rules.skills.frontmatter import Reader

    Refuse = Callable[[str], "NotUnderstood"]

# Words that some reader takes for no text.
KEYWORDS = frozenset("yes no on off true false y n null nan inf".split())  # noqa: SIM905 - read as a list
DEEPEST = 8  # mappings and lists within each other
_LONGEST_NUMBER = 15
_ESCAPES = {"\\": "\\", '"': '"', "/": "/", "n": "\n", "t": "\t"}
# Escapes of texts that are stepped over, with the number of hexadecimal digits after them.
_ALL_ESCAPES = {**dict.fromkeys('0abtnvfre "/\\N_LP', 0), "x": 2, "u": 4, "U": 8}
_HEX = frozenset("0123456789abcdefABCDEF")


class NotUnderstood(SkillcacheError):
    """The frontmatter says something that is not surely understood at this line of the file."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")


def plain(text: str, refuse: "Refuse") -> object:
    """The value of a text without quotes. Raises NotUnderstood, made by `refuse`."""
    first = text[:1]
    if ": " in text or text.endswith(":") or " #" in text:
        raise refuse("a colon or a # in a text without quotes")
    if first.isascii() and first.isdigit():
        return text if _is_name(text) else _number(text, refuse)
    lowered = text.lower()
    if text in ("true", "false"):
        return text == "true"
    begins = first.isalpha() or first in ("_", "/") or text.startswith(("./", "../", "~/"))
    if first == "." and text[1:2].isalpha() and lowered not in (".nan", ".inf"):
        begins = True
    if not begins or lowered in KEYWORDS:
        raise refuse(f"{text!r} must be quoted")
    return text


def _is_name(text: str) -> bool:
    """Whether it begins with digits and is a number, a date or a time to nobody, such as `3d-view` and `2fa`."""
    after = text.lstrip("0123456789")
    letter = after.lstrip("-")[:1]
    if not letter.isascii() or not letter.isalpha() or letter in "eExXoObBtTzZ":
        return False
    return all(each in "-_" or (each.isascii() and each.isalnum()) for each in after)


def _number(text: str, refuse: "Refuse") -> object:
    parts = text.split(".")
    if all(part.isascii() and part.isdigit() for part in parts) and len(text) <= _LONGEST_NUMBER:
        if len(parts) > 2:
            return text  # 1.2.3
        if parts[0] == "0" or parts[0][0] != "0":
            return int(text) if len(parts) == 1 else float(text)
    raise refuse(f"{text!r} must be quoted")


def quoted(text: str, refuse: "Refuse") -> tuple[str, int]:
    """The text in the quotes that `text` begins with, and where they end. Raises NotUnderstood, made by `refuse`."""
    mark = text[0]
    found: list[str] = []
    at = 1
    while at < len(text):
        character = text[at]
        following = text[at + 1 : at + 2]
        at += 1
        if character == mark:
            if mark == '"' or following != mark:
                return "".join(found), at
            at += 1
        elif character == "\\" and mark == '"':
            if following not in _ESCAPES:
                raise refuse(f"an escape \\{following}")
            character = _ESCAPES[following]
            at += 1
        found.append(character)
    raise refuse("a quote that does not close on its line")


def escaped_end(text: str, refuse: "Refuse") -> int:
    """Where the quotes that `text` begins with end, whatever stands in them."""
    if text[0] == "'":
        return quoted(text, refuse)[1]
    at = 1
    while at < len(text):
        if text[at] == '"':
            return at + 1
        if text[at] == "\\":
            digits = _ALL_ESCAPES.get(text[at + 1 : at + 2])
            if digits is None or not _HEX.issuperset(text[at + 2 : at + 2 + digits]):
                raise refuse(f"an escape {text[at : at + 2]}")
            at += 1 + digits
        at += 1
    raise refuse("a quote that does not close on its line")


_QUOTES = ("'", '"')


def key_of(text: str, refuse: "Refuse") -> tuple[str, str] | None:
    """The key that the text of a line begins with, and what follows its colon; None where it begins with none."""
    if text[0] in "[{":
        return None
    if text[0] in _QUOTES:
        try:
            end = escaped_end(text, refuse)
        except refuse_type(refuse):
            return None
        after = text[end:].lstrip(" ")
        if after[:1] != ":" or after[1:2] not in ("", " "):
            return None
        return quoted(text, refuse)[0], after[1:]
    if text == "?" or text.startswith("? "):
        raise refuse("a key behind a question mark")
    said = text.partition(" #")[0].rstrip(" ")
    colon = said.find(": ")
    if colon < 0:
        colon = len(said) - 1 if said.endswith(":") else -1
    return None if colon < 0 else (text[:colon].rstrip(" "), text[colon + 1 :])


def refuse_type(refuse: "Refuse") -> type[Exception]:
    return type(refuse(""))


class Stepper:
    """Steps over values of the reader's lines."""

    def __init__(self, reader: "Reader") -> None:
        self.reader = reader
        self.depth = 0

    def value(self, rest: str, indent: int) -> None:
        """The value of a key that stands at `indent`, from what follows its colon on."""
        reader = self.reader
        text = _bare(rest)
        if text and text[0] != "#":
            self._inline(text, indent)
            return
        reader.at += 1
        here = reader.next()
        if here == indent and reader.is_item():
            self._items(here)
        elif here > indent:
            self._node(here, indent)

    def _node(self, here: int, parent: int) -> None:
        """What begins on this line, indented by `here`, below a key or an item that stands at `parent`."""
        reader = self.reader
        self.depth += 1
        if self.depth > 4 * DEEPEST:
            raise reader.refuse("too deep")
        text = reader.lines[reader.at][here:]
        if reader.is_item():
            self._items(here)
        elif key_of(text, reader.refuse) is not None:
            while reader.next() == here and not reader.is_item():
                found = key_of(reader.lines[reader.at][here:], reader.refuse)
                if found is None:
                    raise reader.refuse("a line that is no key with a value")
                self.value(found[1], here)
        else:
            self._inline(text, parent)
        if reader.next() > parent:
            raise reader.refuse("a line that is indented in another way")
        self.depth -= 1

    def _items(self, here: int) -> None:
        reader = self.reader
        while reader.next() == here and reader.is_item():
            line = reader.lines[reader.at]
            text = line[here + 1 :].lstrip(" ")
            if not text or text[0] == "#":
                reader.at += 1
                if (below := reader.next()) > here:
                    self._node(below, here)
                continue
            column = len(line) - len(text)
            reader.lines[reader.at] = " " * column + text  # as if it stood on a line of its own
            self._node(column, here)

    def _inline(self, text: str, parent: int) -> None:
        """A value that begins with `text`, the rest of this line."""
        reader = self.reader
        while text[:1] in ("&", "!"):  # a name or a kind of the value
            text = _bare(text.partition(" ")[2])
        if text[:1] in ("|", ">"):
            if text[1:].lstrip("+-").partition(" #")[0].strip(" "):
                raise reader.refuse("a block of text with an odd beginning")
            reader.at += 1
            self._block(parent)
            return
        if text[:1] in ("[", "{"):
            self._flow(text, parent)
        elif text[:1] in _QUOTES:
            after = self._quoted(text, parent)
            if _bare(after) and not after.startswith((" #", "\t#")):
                raise reader.refuse("more after a quoted text")
            reader.at += 1
        elif text:
            reader.at += 1
            while reader.next() > parent:  # a plain text goes on, whatever stands in it
                reader.at += 1
            return
        else:
            raise reader.refuse("a value behind its name or its kind")
        if reader.next() > parent:
            raise reader.refuse("more after a value")

    def _block(self, parent: int) -> None:
        reader, first = self.reader, 0
        while reader.at < len(reader.lines):
            line = reader.lines[reader.at]
            deep = len(line) - len(line.lstrip(" "))
            if deep == len(line):
                if deep and not first:
                    raise reader.refuse("blanks before a block of text")
            elif deep <= parent:
                return
            elif first and deep < first:
                raise reader.refuse("a block of text that is indented in another way")
            else:
                first = first or deep
            reader.at += 1

    def _next_line(self, parent: int, begun: int) -> str:
        """The line after this one, within a value that began on the line `begun`."""
        reader = self.reader
        reader.at += 1
        line = reader.lines[reader.at] if reader.at < len(reader.lines) else "-"
        if line.strip(" \t") and len(line) - len(line.lstrip(" ")) <= parent:
            reader.at = begun
            raise reader.refuse("a quote or a bracket that is not closed")
        return line.lstrip(" ")

    def _quoted(self, text: str, parent: int) -> str:
        """Steps to the line where the quotes end; what follows them there."""
        begun, mark, at = self.reader.at, text[0], 1
        while True:
            if at >= len(text):
                text, at = self._next_line(parent, begun), 0
            elif text[at] == "\\" and mark == '"':
                at += 2
            elif text[at] != mark:
                at += 1
            elif mark == "'" and text[at + 1 : at + 2] == mark:
                at += 2
            else:
                return text[at + 1 :]

    def in_flow(self, column: int) -> int:
        """Steps over one value of a flow mapping; the column behind it, on the line that is then the reader's."""
        text = self._pieces(self.reader.lines[self.reader.at][column:], 0, 0)
        return len(self.reader.lines[self.reader.at]) - len(text)

    def _flow(self, text: str, parent: int) -> None:
        """Brackets up to the one that closes the first, over one line or several."""
        text = self._pieces(text, parent, 1)
        if _bare(text) and not text.startswith((" #", "\t#")):
            raise self.reader.refuse("more after a bracket")
        self.reader.at += 1

    def _pieces(self, text: str, parent: int, least: int) -> str:  # noqa: C901 - one letter after another
        """Up to the bracket that closes the first one or, where `least` is 0, up to what ends the value before it.

        What follows on the line that is then the reader's.
        """
        reader, begun = self.reader, self.reader.at
        depth, fresh = 0, True  # whether a quote would begin a text here
        while True:
            text = _bare(text)
            if text and not depth and not least and text[0] in ",]}":
                return text
            if not text or text[0] == "#":
                text = self._next_line(parent, begun)
                continue
            letter = text[0]
            if letter in "[{":
                if not fresh:
                    raise reader.refuse("a bracket in a text without quotes")
                depth, text = depth + 1, text[1:]
            elif letter in "]}":
                depth, text, fresh = depth - 1, text[1:], False
                if not depth and least:
                    return text
            elif letter == "," or (letter == ":" and (not fresh or text[1:2] in ("", " "))):
                text, fresh = text[1:], True
            elif letter in _QUOTES:
                if not fresh:
                    raise reader.refuse("a quote in a text without quotes")
                text, fresh = self._quoted(text, parent), False
            elif letter in "?&!*":
                raise reader.refuse(f"a value that begins with {letter}")
            else:
                end = _plain_end(text)
                text, fresh = text[end:], False


def _plain_end(text: str) -> int:
    end = 1
    while end < len(text) and text[end] not in ",[]{}":
        if text[end] == ":" and text[end + 1 : end + 2] in ("", " ", ",", "]", "}"):
            break
        if text[end] == "#" and text[end - 1] in " \t":
            break
        end += 1
    return end


def _bare(text: str) -> str:
    return text.lstrip(" \t")


class Flow:
    """`[…]` or `{…}`, from `column` of the reader's line on; steps to further lines of the reader."""

    def __init__(self, reader: "Reader", column: int) -> None:
        self.reader = reader
        self.column = column
        self.depth = 0

    def rest(self) -> str:
        return self.reader.lines[self.reader.at][self.column :]

    def blanks(self) -> str:
        """Steps over blanks, comments and ends of lines; the character that stands there then."""
        reader = self.reader
        while True:
            rest = self.rest()
            text = rest.lstrip(" ")
            if text and text[0] == "#" and len(text) == len(rest) and self.column:
                raise reader.refuse("a comment right after a value")
            if text and text[0] != "#":
                self.column += len(rest) - len(text)
                return text[0]
            reader.at += 1
            self.column = 0
            if reader.at >= len(reader.lines):
                raise reader.refuse("a bracket that is not closed")
            line = reader.lines[reader.at]
            bare = line.lstrip(" ")
            if bare and bare[0] != "#" and len(line) - len(bare) <= reader.within:
                raise reader.refuse("a bracket that is not closed")

    def value(self) -> object:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.reader.refuse("too deep")
        found: object
        if self.rest()[0] == "[":
            found = self.list()
        elif self.rest()[0] == "{":
            found = self.mapping()
        else:
            found = self.scalar()
        self.depth -= 1
        return found

    def scalar(self) -> object:
        text = self.rest()
        if text[0] in "\"'":
            found, end = quoted(text, self.reader.refuse)
            self.column += end
            return found
        end = 0
        while end < len(text) and text[end] not in ",[]{}" and text[end : end + 2] != " #":
            end += 1
        self.column += end
        if text[end : end + 1] in ("[", "{") or "?" in text[:end]:
            raise self.reader.refuse(f"{text[:end]!r} must be quoted here")
        return plain(text[:end].rstrip(" "), self.reader.refuse)

    def list(self) -> "list[object]":
        found: list[object] = []
        self.column += 1
        while self.blanks() != "]":
            found.append(self.value())
            if self.blanks() == ",":
                self.column += 1
            elif self.blanks() != "]":
                raise self.reader.refuse("no comma between two values")
        self.column += 1
        return found

    def mapping(self) -> dict[str, object]:
        found: dict[str, object] = {}
        self.column += 1
        while self.blanks() != "}":
            key = self.key()
            if key in found or key.lower() in KEYWORDS:
                raise self.reader.refuse(f"{key} stands there twice, or is no text")
            if self.blanks() in ",}":
                raise self.reader.refuse(f"{key} has no value")
            found[key] = self.value()
            if self.blanks() == ",":
                self.column += 1
            elif self.blanks() != "}":
                raise self.reader.refuse("no comma between two values")
        self.column += 1
        return found

    def ours(self, name: str) -> dict[str, object]:
        """Of a mapping the one key, read strictly; the values of all others are stepped over."""
        found: dict[str, object] = {}
        self.column += 1
        while self.blanks() != "}":
            if (key := self._any_key()) == name:
                if name in found:
                    raise self.reader.refuse(f"{name} stands there twice")
                if self.blanks() in ",}":
                    raise self.reader.refuse(f"{name} has no value")
                found[name] = self.value()
            elif key == "<<":
                raise self.reader.refuse("a mapping that takes in another")
            elif self.blanks() not in ",}":
                self.column = Stepper(self.reader).in_flow(self.column)
            if self.blanks() == ",":
                self.column += 1
            elif self.blanks() != "}":
                raise self.reader.refuse("no comma between two values")
        self.column += 1
        return found

    def _quoted_key(self, text: str) -> str:
        found, end = quoted(text, self.reader.refuse)
        if text[end : end + 1] != ":":
            raise self.reader.refuse("a key without a colon after it")
        self.column += end + 1
        return found

    def _any_key(self) -> str:
        text = self.rest()
        if text[0] in "\"'":
            return self._quoted_key(text)
        end = 0
        while (
            end < len(text)
            and text[end] not in ",[]{}"
            and not (text[end] == ":" and text[end + 1 : end + 2] in ("", " "))
        ):
            end += 1
        if text[end : end + 1] != ":" or text[0] in "?&!*-|>%@`" or " #" in text[:end]:
            raise self.reader.refuse("a key without a colon and a blank after it")
        self.column += end + 1
        return text[:end].rstrip(" ")

    def key(self) -> str:
        text = self.rest()
        if text[0] in "\"'":
            return self._quoted_key(text)
        name, _ = self.reader.key(text)
        if text[len(name) : len(name) + 2] != ": ":
            raise self.reader.refuse("a key without a colon and a blank after it")
        self.column += len(name) + 1
        return name
