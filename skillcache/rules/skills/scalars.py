"""Single values of YAML: only those that every reader of YAML, old or new, takes for the same."""

from skillcache.core.errors import SkillcacheError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

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
