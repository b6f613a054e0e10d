r"""Output that names absolute paths of the worktree, stored so that another worktree sees its own.

Relocated text is the text with the root's path replaced by NUL and a letter that says in which form it stood:

    R  the root          P  percent-encoded, as in URLs     J  as JSON escapes it     S  with escaped slashes (\/)
    r p j s              the same of the root's real path, where that is another
    H                    relative to the home folder (~/...)
    0                    a NUL of the text itself

Only whole paths are replaced: not /a/b in /a/bc, x/a/b or /a/b.old. Whether what is left of the text may still depend
on where the root is, is judged by `residue`.
"""

import os

from skillcache.jsontext import dumps
from skillcache.residue import is_settled

_MARK = b"\0"
_UNQUOTED = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-~/")
_NAME = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+@%~$#") | frozenset(
    range(0x80, 0x100)
)
_BEFORE = _NAME | frozenset(b"/.\\")


def relocate(text: bytes, root: str, home: str | None = None) -> tuple[bytes, bool]:
    """The text freed from the root and True; or the text as it is and False, where it holds in its own root only."""
    if root in {"", "/"} or not root.startswith("/"):
        return text, False
    moved = text.replace(_MARK, _MARK + b"0")
    forms = _forms(root, home)
    for letter, form in sorted(forms.items(), key=lambda item: (-len(item[1]), item[0])):
        moved = _replace(moved, form, _MARK + letter)
    return (moved, True) if is_settled(moved, root, tuple(forms.values())) else (text, False)


def relocatable(text: bytes, root: str) -> bool:
    """Whether a run in another root would surely give this text with its own root in it."""
    return relocate(text, root)[1]


def expand(text: bytes, root: str, home: str | None = None) -> bytes:
    """Relocated text as a run in `root` would have printed it: the exact inverse of `relocate` in the same root."""
    if _MARK not in text:
        return text
    first, *rest = text.split(_MARK)
    forms = _forms(root, home)
    parts = [first]
    for part in rest:
        letter = part[:1]
        if letter == b"0":
            parts.append(_MARK)
        else:
            parts.append(forms.get(letter) or forms.get(letter.upper()) or forms[b"R"])
        parts.append(part[1:])
    return b"".join(parts)


def _forms(root: str, home: str | None) -> dict[bytes, bytes]:
    """The forms in which the root may stand in a text, those that equal a plainer one left out."""
    found: dict[bytes, bytes] = {}
    real = os.path.realpath(root)
    for letters, path in ((b"RPJS", root), (b"rpjs", real)):
        plain = os.fsencode(path)
        spelled = (plain, _quote(plain), _escape(path), plain.replace(b"/", b"\\/"))
        for at, form in enumerate(spelled):
            if form not in found.values():
                found[letters[at : at + 1]] = form
    home = os.path.expanduser("~") if home is None else home
    if len(home) > 1 and root.startswith(home.rstrip("/") + "/"):
        found[b"H"] = b"~" + os.fsencode(root[len(home.rstrip("/")) :])
    return found


def _quote(path: bytes) -> bytes:
    return b"".join(bytes((byte,)) if byte in _UNQUOTED else b"%%%02X" % byte for byte in path)


def _escape(path: str) -> bytes:
    return dumps(path).encode()[1:-1]


def _replace(text: bytes, form: bytes, mark: bytes) -> bytes:
    parts, at, found = [], 0, text.find(form)
    while found >= 0:
        end = found + len(form)
        if _starts_path(text, found) and _ends_name(text, end):
            parts += [text[at:found], mark]
            at = end
        found = text.find(form, end)
    return b"".join([*parts, text[at:]]) if parts else text


def _starts_path(text: bytes, at: int) -> bool:
    if not at or text[at - 1] not in _BEFORE:
        # A letter after NUL is part of a mark, and a path right after one goes on with it.
        return at < 2 or text[at - 2] != 0
    before = text[max(0, at - 17) : at]
    if before.endswith((b"file://", b"file://localhost", b"\\n", b"\\t", b"\\r")):
        return True
    escape = before.rfind(b"\x1b[")
    return escape >= 0 and before.endswith(b"m") and all(byte in b"0123456789;:" for byte in before[escape + 2 : -1])


def _ends_name(text: bytes, at: int) -> bool:
    after = text[at : at + 2]
    if after[:1] == b".":
        return len(after) == 1 or (after[1] not in _NAME and after[1] not in b"./")
    return not after or after[0] not in _NAME
