"""The key of a call: everything its result depends on, as labelled rows, and the digest of their text.

text = compact JSON of `[VERSION, [label, name, value], ...]`. JSON text is injective, so two calls share a text
only when every part is the same; the text is stored in the entry and compared by the reader. `skillcache
explain` prints these rows.

Version log
  1  first form: tool, command, directory, sandbox, narrowing, then the fingerprint's own rows
"""

from skillcache import jsontext
from skillcache.digest import sha256

VERSION = 1

Row = tuple[str, str, str]


def narrowing_of(depends: tuple[str, ...] | None) -> str:
    return "everything" if depends is None else jsontext.dumps(list(depends))


def text_of(rows: tuple[Row, ...]) -> str:
    return jsontext.dumps([VERSION, *[list(row) for row in rows]])


def digest_of(text: str) -> str:
    """40 hexadecimal digits: 160 bits of SHA-256. The reader compares the whole text all the same."""
    whole: str = sha256(text.encode("ascii")).hexdigest()
    return whole[:40]


def rows_of(text: str) -> tuple[Row, ...]:
    """The rows of a stored key text; raises ValueError when it is of another version or shape."""
    value = jsontext.loads(text)
    if not isinstance(value, list) or not value or value[0] != VERSION:
        raise ValueError("a key of another version")
    rows = []
    for row in value[1:]:
        label, name, content = row
        rows.append((str(label), str(name), str(content)))
    return tuple(rows)
