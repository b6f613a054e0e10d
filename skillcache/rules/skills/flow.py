"""Flow values of YAML, over one line or several: those that every reader of YAML takes for the same."""

from skillcache.rules.skills.scalars import DEEPEST, KEYWORDS, plain, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.rules.skills.frontmatter import Reader


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
        from skillcache.rules.skills.stepping import Stepper

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
