r"""Output that names absolute paths of the worktree, stored so that another worktree sees its own.

Relocated text is the text with the root's path replaced by NUL and a letter that says in which form it stood:

    R  the root      S  with escaped slashes (\/), as some JSON has it      H  from the home folder (~/...)
    0  a NUL of the text itself

Only whole paths are replaced: not /a/b in /a/bc, x/a/b or /a/b.old. Whether what is left of the text may still depend
on where the root is, is judged by `path_leaks.is_settled`. A root that some tools would spell in another way, because
they quote or resolve it (blanks, letters beyond ASCII, symbolic links), neither gives nor takes a text that names it.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MARK = b"\0"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-/")
_NAME = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+@%~$#") | frozenset(
    range(128, 256)
)
_BEFORE = _NAME | frozenset(b"/.\\")


def relocate(text: bytes, root: str, home: str | None = None) -> tuple[bytes, bool]:
    """The text freed from the root and True; or the text as it is and False, where it holds in its own root only."""
    if root in {"", "/"} or not root.startswith("/"):
        return text, False
    from skillcache.cache.path_leaks import is_settled  # a hit does not need it

    forms = {letter: form for letter, form in _forms(root, home).items() if letter != b"0"}
    moved = text.replace(_MARK, _MARK + b"0")
    for letter, form in sorted(forms.items(), key=lambda item: -len(item[1])):
        moved = _replace(moved, form, _MARK + letter)
    if not is_settled(moved, root, tuple(forms.values())) or (_names_root(moved) and not _is_plain(root)):
        return text, False
    return moved, True


def expand(text: bytes, root: str, home: str | None = None, *, most: int | None = None) -> bytes:
    """Relocated text as a run in `root` would have printed it: the exact inverse of `relocate` in the same root.

    Raises ValueError for a mark that no recorder makes, and for what has more than `most` bytes.
    """
    forms = _forms(root, home)
    counts = {letter: text.count(_MARK + letter) for letter in forms}
    if sum(counts.values()) != text.count(_MARK):
        raise ValueError("a mark that no recorder makes")
    if most is not None and len(text) + sum(counts[each] * (len(form) - 2) for each, form in forms.items()) > most:
        raise ValueError("too large in this root")
    for letter, form in forms.items():  # the NULs of the text itself come last: none of those before is one of them
        text = text.replace(_MARK + letter, form)
    return text


def expandable(text: bytes, recorded: str, root: str, home: str | None = None) -> bool:
    """Whether relocated text from the root `recorded` surely holds in `root`."""
    if recorded == root or not _names_root(text):
        return True
    # A tool that shortens the home folder to ~ would do so in one of the two only.
    return _is_plain(root) and _is_at_home(recorded, home) == _is_at_home(root, home)


def shows_home(streams: "Iterable[bytes]", root: str, environ: "Mapping[str, str]") -> bool:
    """Whether a text that may be relocated names the home folder, elsewhere than where it names the root."""
    home = environ.get("HOME", "").rstrip("/")
    if not home.startswith("/"):
        return False
    for stream in streams:
        left = stream.replace(os.fsencode(root), _MARK)
        for form in (os.fsencode(home), os.fsencode(home).replace(b"/", b"\\/")):
            at = left.find(form)
            while at >= 0:
                after = left[at + len(form) : at + len(form) + 1]
                if not after or after[0] not in _NAME:
                    return True
                at = left.find(form, at + 1)
    return False


def _forms(root: str, home: str | None) -> dict[bytes, bytes]:
    """What each letter stands for in this root."""
    plain = os.fsencode(root)
    home = (os.path.expanduser("~") if home is None else home).rstrip("/")
    at_home = b"~" + os.fsencode(root[len(home) :]) if home and root.startswith(home + "/") else plain
    return {b"R": plain, b"S": plain.replace(b"/", b"\\/"), b"H": at_home, b"0": _MARK}


def _names_root(text: bytes) -> bool:
    return text.count(_MARK) > text.count(_MARK + b"0")


def _is_plain(root: str) -> bool:
    return _PLAIN.issuperset(root) and os.path.realpath(root) == root


def _is_at_home(root: str, home: str | None) -> bool:
    """By the look of it, as `recorded` may be another person's or machine's."""
    own = (os.path.expanduser("~") if home is None else home).rstrip("/")
    return root.startswith(("/home/", "/Users/", "/root/", own + "/"))


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
