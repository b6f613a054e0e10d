"""The frontmatter of a SKILL.md, as far as we need it: the keys `name` and `metadata`, read strictly.

A hook has no YAML library, so this reads the part of YAML that people write there, and refuses the rest:

    block mappings and lists, flow mappings and lists over one line or several, comments
    true and false, whole and decimal numbers, texts that no reader of YAML takes for anything else, quoted texts

Whatever is accepted, a YAML library reads as the same value. Values of other keys are stepped over, where it is sure
where they end.
"""

from skillcache.skill.flow import Flow
from skillcache.skill.scalars import DEEPEST, KEYWORDS, NotUnderstood, escaped_end, plain, quoted

_WANTED = ("name", "metadata")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_IN_KEYS = _LETTERS | frozenset("0123456789-")


def read(text: str) -> dict[str, object]:
    """`name` and `metadata`, where they stand there. Raises NotUnderstood; {} for a text without frontmatter."""
    lines = text.removeprefix("\ufeff").split("\n")
    if lines[0].rstrip(" \r") != "---":
        return {}
    found: list[str] = []
    for number, line in enumerate(lines[1:], 2):
        bare = line.removesuffix("\r")
        if bare.startswith("---"):
            if bare.rstrip(" ") != "---":
                raise NotUnderstood(number, "a line that begins with ---")
            return Reader(found).top()
        if not all(character == " " or character.isprintable() for character in bare):
            raise NotUnderstood(number, "a tab or a character that cannot be printed")
        found.append(bare)
    raise NotUnderstood(len(lines), "the frontmatter has no end")


class Reader:
    """`at` is the line that is read; numbers that people are told count from the file's first line."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 0
        self.depth = 0

    def refuse(self, why: str) -> NotUnderstood:
        return NotUnderstood(self.at + 2, why)

    def next(self) -> int:
        """Steps to the next line that says something; its indentation, -1 at the end."""
        while self.at < len(self.lines):
            text = self.lines[self.at].lstrip(" ")
            if text and text[0] != "#":
                return len(self.lines[self.at]) - len(text)
            self.at += 1
        return -1

    def top(self) -> dict[str, object]:
        found: dict[str, object] = {}
        seen = set()
        while (indent := self.next()) >= 0:
            if indent:
                raise self.refuse("an indented line that belongs to nothing")
            key, rest = self.key(self.lines[self.at])
            if key in seen:
                raise self.refuse(f"{key} stands there twice")
            seen.add(key)
            if key in _WANTED:
                found[key] = self.value(rest, 0)
            else:
                self.skip(rest)
        return found

    def key(self, text: str) -> tuple[str, str]:
        """The key that a line begins with, and what follows its colon."""
        end = 0
        while end < len(text) and text[end] in _IN_KEYS:
            end += 1
        if not end or text[0] not in _LETTERS or text[end : end + 1] != ":" or text[end + 1 : end + 2] not in ("", " "):
            raise self.refuse("a line that is no plain key with a value")
        return text[:end], text[end + 1 :]

    # Values that are wanted.

    def value(self, rest: str, indent: int) -> object:
        """The value of a key that stands at `indent`, from what follows its colon on; ends on the line after it."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.refuse("too deep")
        text = rest.lstrip(" ")
        found: object
        if not text or text[0] == "#":
            self.at += 1
            found = self.block(indent)
        else:
            found = self.inline(text)
            self.at += 1
            if self.next() > indent:
                raise self.refuse("a value that goes on in the next line")
        self.depth -= 1
        return found

    def inline(self, text: str) -> object:
        """A value that begins on this line; a flow value may end on a later one, which is then this one."""
        if text[0] in "[{":
            flow = Flow(self, len(self.lines[self.at]) - len(text))
            found = flow.value()
            rest = self.lines[self.at][flow.column :]
        elif text[0] in "\"'":
            found, end = quoted(text, self.refuse)
            rest = text[end:]
        else:
            end = text.find(" #")
            return plain((text if end < 0 else text[:end]).rstrip(" "), self.refuse)
        if rest.strip(" ") and not rest.lstrip(" ").startswith("#"):
            raise self.refuse("more after a value")
        if rest.startswith("#"):
            raise self.refuse("a comment right after a value")
        return found

    def block(self, indent: int) -> object:
        """The mapping or list below a key that stands at `indent`."""
        here = self.next()
        if here >= indent and self.is_item():
            return self.items(here)
        if here > indent:
            return self.mapping(here)
        raise self.refuse("a key without a value")

    def is_item(self) -> bool:
        text = self.lines[self.at].lstrip(" ")
        return text == "-" or text.startswith("- ")

    def items(self, indent: int) -> list[object]:
        found = []
        while self.next() == indent and self.is_item():
            text = self.lines[self.at][indent + 1 :].lstrip(" ")
            if not text or text[0] == "#" or text == "-" or text.startswith("- "):
                raise self.refuse("a list within a list, or an empty one")
            found.append(self.inline(text))
            self.at += 1
        if self.next() > indent:
            raise self.refuse("an item that goes on in the next line")
        return found

    def mapping(self, indent: int) -> dict[str, object]:
        found: dict[str, object] = {}
        while self.next() == indent and not self.is_item():
            key, rest = self.key(self.lines[self.at][indent:])
            if key in found or key.lower() in KEYWORDS:
                raise self.refuse(f"{key} stands there twice, or is no text")
            found[key] = self.value(rest, indent)
        if self.next() >= indent:
            raise self.refuse("a line that is indented in another way")
        return found

    # Values of other keys.

    def skip(self, rest: str) -> None:
        """Steps over the value of a key of the first level."""
        text = rest.lstrip(" ")
        if text and text[0] != "#":
            self.skip_inline(text, 0)
            # What is indented goes on with a plain text.
            while self.next() > 0:
                if text[0] in "[{\"'|>":
                    raise self.refuse("a value that goes on in the next line")
                self.at += 1
            return
        self.at += 1
        while (indent := self.next()) > 0 or (indent == 0 and self.is_item()):
            line = self.lines[self.at]
            text = line.lstrip(" ")
            while text == "-" or text.startswith("- "):
                indent = len(line) - len(text)
                text = text[1:].lstrip(" ")
            colon = _colon(text)
            if colon >= 0 and text[0] not in "[{\"'":
                indent = len(line) - len(text)
                text = text[colon + 1 :].lstrip(" ")
            if text and text[0] != "#":
                self.skip_inline(text, indent)
            else:
                self.at += 1

    def skip_inline(self, text: str, indent: int) -> None:
        """Steps over a value on this line, or a block of text below it that is deeper than `indent`."""
        if text[0] in "|>":
            if text[1:].lstrip("+-").partition(" #")[0].strip(" "):
                raise self.refuse("a block of text with an odd beginning")
            self.at += 1
            self.skip_text(indent)
            return
        if text[0] in "[{":
            self.inline(text)
        elif text[0] in "\"'":
            end = escaped_end(text, self.refuse)
            if text[end:].strip(" ") and not text[end:].startswith(" #"):
                raise self.refuse("more after a quoted text")
        elif text[0] in "&*!%@`,]}?" or text[:2] == "- ":
            raise self.refuse(f"a value that begins with {text[0]}")
        self.at += 1

    def skip_text(self, indent: int) -> None:
        first = 0
        while self.at < len(self.lines):
            line = self.lines[self.at]
            deep = len(line) - len(line.lstrip(" "))
            if deep == len(line):
                if deep and not first:
                    raise self.refuse("blanks before a block of text")
            elif deep <= indent:
                return
            elif first and deep < first:
                raise self.refuse("a block of text that is indented in another way")
            else:
                first = first or deep
            self.at += 1


def _colon(text: str) -> int:
    """Where the colon after a key stands, -1 for none."""
    if text.endswith(":"):
        inner = text.find(": ")
        return len(text) - 1 if inner < 0 else inner
    return text.find(": ")
