"""Credentials in text: found, so that a result is not stored, and redacted, so that a log may name a command.

In doubt a text is a secret: a false alarm costs one cached result. What is looked for lies in `prefixes` (tokens that
begin as their service has them begin), `shapes` (what is known by its form), `command_lines` (passwords among the words
of a program) and `assignment` (the name a value is given); `re` is imported only where a text gives cause to. All of it
is done in a time in proportion to the text, which may be a stranger's.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

Span = tuple[int, int, str]  # start and end in the UTF-8 bytes, the pattern's name


def find(text: str) -> str | None:
    """The name of the first credential that the text shows; None for a clean text."""
    for _start, _end, name in _spans(_encode(text)):
        return name
    return None


def spelled(value: object) -> str:
    """A JSON value as text to be searched: its strings as they are, each behind its name."""
    lines = []
    rest: list[tuple[str, object]] = [("", value)]
    while rest:
        name, item = rest.pop()
        if isinstance(item, dict):
            rest.extend(item.items())
        elif isinstance(item, list):
            rest.extend([(name, each) for each in item])
        else:
            lines.append(f'"{name}": "{item}"' if name else str(item))
    return "\n".join(lines)


def redact(text: str) -> str:
    """The text with every secret replaced by `[redacted:<name>]`; redacting twice changes nothing."""
    data = _encode(text)
    spans = sorted(_spans(data), key=lambda span: (span[0], -span[1]))
    if not spans:
        return text
    parts, at = [], 0
    for start, end, name in spans:
        if start >= at:
            parts += [data[at:start], b"[redacted:%s]" % name.encode()]
        elif end > at:  # overlaps what is already redacted and reaches further
            parts.append(b"[redacted:%s]" % name.encode())
        at = max(at, end)
    parts.append(data[at:])
    return b"".join(parts).decode("utf-8", "surrogatepass")


def _encode(text: str) -> bytes:
    # Bytes: lower() then keeps every offset, and matching is by ASCII as the tokens are.
    return text.encode("utf-8", "surrogatepass")


def _spans(data: bytes) -> "Iterator[Span]":
    from skillcache.core.credentials import assignment, in_mind, judgement, shapes

    for secret in map(_encode, in_mind()):
        at = data.find(secret)
        while at >= 0:
            yield at, at + len(secret), "team key"
            at = data.find(secret, at + len(secret))
    text = judgement.read_legible(data)
    yield from shapes.spans_of_tokens(text)
    yield from shapes.spans(text)
    yield from assignment.spans_of_words(text)
    yield from assignment.spans(text)
