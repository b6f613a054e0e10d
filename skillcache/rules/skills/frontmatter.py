"""The frontmatter of a SKILL.md, as far as we need it: `name` and what `metadata` says of us, read strictly.

A hook has no YAML library, so this reads the part of YAML that people write there, and refuses the rest:

    block mappings and lists, flow mappings and lists over one line or several, comments
    true and false, whole and decimal numbers, texts that no reader of YAML takes for anything else, quoted texts

Whatever is accepted, a YAML library reads as the same value. Values of all other keys are stepped over, where it is
sure where they end: see `skillcache.rules.skills.yaml`.
"""

from skillcache.rules.skills.yaml import DEEPEST, KEYWORDS, Flow, NotUnderstood, Stepper, key_of, plain, quoted

OURS = "skillcache"
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
_IN_KEYS = _LETTERS | frozenset("0123456789-")


def read(text: str) -> dict[str, object]:
    """`name`, and `metadata` with our own key alone, where they stand there; {} for a text without frontmatter.

    Raises NotUnderstood.
    """
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
        if not all(character in " \t" or character.isprintable() for character in bare):
            raise NotUnderstood(number, "a character that cannot be printed")
        found.append(bare)
    raise NotUnderstood(len(lines), "the frontmatter has no end")


class Reader:
    """`at` is the line that is read; numbers that people are told count from the file's first line."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 0
        self.depth = 0
        self.within = 0  # where the key of a strict value stands

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
        while (indent := self.next()) >= 0:
            if indent:
                raise self.refuse("an indented line that belongs to nothing")
            key, rest = self.named()
            if key in found:
                raise self.refuse(f"{key} stands there twice")
            if key == "metadata":
                ours, value = self.metadata(rest)
                value = {OURS: value} if ours else {}
            elif key == "name":
                value = self.strict(rest, 0)
            else:
                Stepper(self).value(rest, 0)
                continue
            found[key] = value
        return found

    def named(self) -> tuple[str, str]:
        """The key that a line begins with, one of a mapping of which ours may be another, and what follows it."""
        if self.is_item():
            raise self.refuse("an item of no list")
        found = key_of(self.lines[self.at].lstrip(" "), self.refuse)
        if found is None or found[0] == "<<" or found[0][:1] in "&!*]},|>%`" or "\t" in found[0]:
            raise self.refuse("a line that is no plain key with a value")
        return found

    def metadata(self, rest: str) -> tuple[bool, object]:
        """Whether our key is in it, and its value."""
        text = rest.lstrip(" ")
        if text[:1] in ("&", "!", "*"):
            raise self.refuse(f"metadata begins with {text[0]}")
        if text[:1] == "{":
            flow = Flow(self, len(self.lines[self.at]) - len(text))
            first = self.at
            found = flow.ours(OURS)
            self.close(self.lines[self.at][flow.column :])
            self.at += 1
            if self.next() > 0:
                raise self.refuse("a value that goes on in the next line")
            if OURS in found:
                self.require_no_tabs(first)
            return OURS in found, found.get(OURS)
        if not text or text[0] == "#":
            before = self.at
            self.at += 1
            here = self.next()
            if here > 0 and not self.is_item():
                return self.mapping_with_ours(here)
            self.at = before
        Stepper(self).value(rest, 0)
        return False, None

    def mapping_with_ours(self, here: int) -> tuple[bool, object]:
        is_there, value = False, None
        while self.next() == here and not self.is_item():
            key, rest = self.named()
            if key != OURS:
                Stepper(self).value(rest, here)
                continue
            if is_there:
                raise self.refuse(f"{OURS} stands there twice")
            is_there, value = True, self.strict(rest, here)
        if self.next() > 0 or (self.next() == 0 and self.is_item()):
            raise self.refuse("a line that is indented in another way")
        return is_there, value

    def strict(self, rest: str, indent: int) -> object:
        first, self.within = self.at, indent
        found = self.value(rest, indent)
        self.require_no_tabs(first)
        return found

    def require_no_tabs(self, first: int) -> None:
        """In the lines from `first` on that were read."""
        for number in range(first, min(self.at, len(self.lines))):
            if "\t" in self.lines[number]:
                raise NotUnderstood(number + 2, "a tab")

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
        self.close(rest)
        return found

    def close(self, rest: str) -> None:
        """What follows a value on its line."""
        if rest.strip(" ") and not rest.lstrip(" ").startswith("#"):
            raise self.refuse("more after a value")
        if rest.startswith("#"):
            raise self.refuse("a comment right after a value")

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
