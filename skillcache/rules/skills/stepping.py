"""Values of a frontmatter that are none of ours, stepped over: what matters is where they end, not what they mean.

They are whatever people write there: dates, blocks of text, lists of mappings, JSON, quoted texts over several lines.
Refused is what leaves it open where a value ends, so that a line in a text is never taken for a key.
"""

from skillcache.rules.skills.scalars import DEEPEST, escaped_end, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.rules.skills.frontmatter import Reader
    from skillcache.rules.skills.scalars import Refuse

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
