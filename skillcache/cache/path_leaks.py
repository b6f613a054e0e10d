"""Judge what is left of a text once the root's path is taken out of it: whether it still tells where the root was.

A text is settled when nothing in it shows the root's place in another way than by the whole path: its name or a folder
above it, a path that climbs out of it, a piece of it cut off or broken over two lines, a digest of it; and when
nothing seems padded, framed or wrapped by the length of a line that the path stands in. In doubt it is not settled.
"""

import os

from skillcache.core import files
from skillcache.core.files import sha1, sha256

try:
    from _md5 import md5  # type: ignore[import-not-found]
except ImportError:  # another interpreter than CPython, or one built without it
    from hashlib import md5


TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_PATH = _WORD | frozenset(b"./+@-")
_RULES = ("-", "=", "_", "*", "~", "#", ".", "─", "━", "═", "⎯", "│", "┃", "╌", "▔", "▁")
_FLATTENING = (b"-", b"_", b".", b"+", b"!", b":", b"|", b"\\", b"%2f")  # how tools make one name of a path
_CUTS = (b"...", "…".encode())
_WRAPS_FROM = 60  # columns: no tool wraps its lines narrower
_DRAWN = ("====", "----", "────")  # ends of a heading
_UNWRAPPED = "rootdir: "  # pytest's header: a line of its own however long, often right before "collected 5 items"
_MOST = 400  # occurrences worth a look at the disk
_MANIFEST = 1 << 20  # bytes
_LONGEST = 4_096  # bytes of a path, as the system takes them; a longer run of its characters is in doubt


def is_settled(text: bytes, root: str, forms: "Sequence[bytes]") -> bool:
    """`text` holds NUL and a letter for each root replaced; `forms` are the spellings that were looked for."""
    if any(form in text for form in forms):
        return False  # at a place where it was not surely a path
    if _names_a_folder_above(text, root) or _climbs_out(text, root):
        return False
    if not _name_is_explained(text, root) or _shows_a_piece(text, os.fsencode(root)) or _shows_a_digest(text, root):
        return False
    return not _is_laid_out_by_it(text, len(root))


def _occurrences(text: bytes, part: bytes) -> "Iterator[int]":
    at = text.find(part)
    while at >= 0:
        yield at
        at = text.find(part, at + 1)


def _names_a_folder_above(text: bytes, root: str) -> bool:
    """The parent folder and all above it that have at least two names, such as a home folder."""
    for path in {root, os.path.realpath(root)}:
        folder = os.path.dirname(path)
        parent = folder
        while folder.count("/") >= 2 or (folder == parent and folder != "/"):
            name = os.fsencode(folder)
            for at in _occurrences(text, name):
                ends = text[at + len(name) : at + len(name) + 1]
                if not ends or ends[0] not in _WORD:
                    return True
            folder = os.path.dirname(folder)
        names = os.fsencode(path.lower()).strip(b"/").split(b"/")
        if len(names) > 1 and any(joint.join(names) in text.lower() for joint in _FLATTENING):
            return True
    return False


def _climbs_out(text: bytes, root: str) -> bool:
    """A relative path that leads to something outside the root depends on how deep the root is."""
    above = [os.path.dirname(os.fsencode(root))]
    while above[-1] != b"/":
        above.append(os.path.dirname(above[-1]))
    seen: set[bytes] = set()
    runs = _Runs(text)
    for at in _occurrences(text, b"../"):
        start, end = runs.around(at)
        if end - start > _LONGEST:
            return True
        rest = text[at:end].lstrip(b"./").rstrip(b".")
        if rest in seen:
            continue
        seen.add(rest)
        first = rest.partition(b"/")[0]
        if not rest or len(seen) > _MOST or any(os.path.lexists(os.path.join(folder, first)) for folder in above):
            return True
    return False


class _Runs:
    """The runs of a path's characters in a text, each read once however many occurrences lie in it."""

    __slots__ = ("end", "start", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.start = self.end = 0

    def around(self, at: int) -> tuple[int, int]:
        """Where the run begins and ends that `at` lies in or before; of one beyond _LONGEST not all is read."""
        text = self.text
        if not self.start <= at < self.end:
            start, least = at, max(0, at - _LONGEST - 1)
            while start > least and text[start - 1] in _PATH:
                start -= 1
            end, most = at, min(len(text), start + _LONGEST + 1)
            while end < most and text[end] in _PATH:
                end += 1
            self.start, self.end = start, end
        return self.start, self.end


def _name_is_explained(text: bytes, root: str) -> bool:
    """Whether wherever the root's own name stands, it is that of a file or a module inside the root."""
    name = os.fsencode(os.path.basename(root))
    lowered, wanted = text.lower(), name.lower()
    known: dict[bytes, bool] = {}
    runs = _Runs(text)
    for at in _occurrences(lowered, wanted):
        end = at + len(wanted)
        if (at and text[at - 1] in _WORD and text[at - 2 : at - 1] != b"\0") or (
            end < len(text) and text[end] in _WORD
        ):
            continue
        start, end = runs.around(at)
        if end - start > _LONGEST:
            return False
        if start and text[start - 1] == 0:
            start += 1  # the letter of a mark: the path goes on from the root
        token = text[start:end]
        if token not in known:
            if len(known) > _MOST:
                return False
            known[token] = _is_inside(os.fsencode(root), token)
        before = text[text.rfind(b"\n", 0, start) + 1 : start]
        if not (
            known[token]
            or _is_quoted_source(before, os.fsencode(root))
            or _is_of_manifest(before, token, text[at : at + len(name)], root)
        ):
            return False
    return True


def _is_quoted_source(before: bytes, root: bytes) -> bool:
    """Whether a line that begins so shows a line of a file, an import, or the name of a test in a file of the root."""
    if before.endswith((b"import ", b"from ")) or before.lstrip(b" 0123456789").startswith((b"|", "│".encode())):
        return True
    path, found, _test = before.partition(b"::")
    return bool(found) and _is_inside(root, path.rpartition(b" ")[2].replace(b"\0R/", b""))


# How tools call a package by what its manifest says: npm above what it runs, cargo of what it builds and tests.
_BY_NPM, _BY_CARGO = b"> ", (b" Compiling ", b" Checking ", b" Doc-tests ", b"warning: `", b"could not compile `")


def _is_of_manifest(before: bytes, token: bytes, name: bytes, root: str) -> bool:
    """Whether a line that begins so calls the project as its manifest does, wherever it lies."""
    if before == _BY_NPM and token.startswith(name + b"@"):
        return b'"%s"' % name in (files.read(f"{root}/package.json", _MANIFEST) or b"")
    if before.endswith(_BY_CARGO) and token == name:
        return b'name = "%s"' % name in (files.read(f"{root}/Cargo.toml", _MANIFEST) or b"")
    return False


def _is_inside(root: bytes, token: bytes) -> bool:
    """Whether a token with more to it than the name is a path or a dotted module that the root holds."""
    path = token.strip(b"/").rstrip(b".")
    if path.startswith(b"./"):
        path = path[2:]
    if b".." in path:
        return False
    if b"/" in path or b"." in path:
        module = path.split(b".")[0]
        tries = [path, module, b"src/" + module] if b"/" not in path else [path]
        return any(os.path.lexists(root + b"/" + each) for each in tries)
    return False


def _shows_a_piece(text: bytes, root: bytes) -> bool:
    """A path cut short by dots, or broken at the end of a line, where the piece may be of the root."""
    name = root.rpartition(b"/")[2]
    for cut in _CUTS:
        runs = _Runs(text)
        for at in _occurrences(text, cut):
            # Of a long row of dots only the last can be before a name.
            after = b""
            if not text.startswith(b"......", at):
                start, end = runs.around(at + len(cut))
                if end - start > _LONGEST:
                    return True
                after = text[at + len(cut) : end]
            first = after.partition(b"/")[0]
            if first and b"/" in after and (name.endswith(first) or root.endswith(after.split(b"/")[0])):
                return True
            start = at
            while start and text[start - 1] in _PATH and text[start - 1] != 0x2E:
                start -= 1
            before = text[start:at]
            if text[at - 2 : at - 1] == b"\0" or (before.startswith(b"/") and root.startswith(before)):
                return True
    for size in range(2, len(root)):
        piece = root[:size]
        if piece + b"\n" in text or piece + b"\r" in text or (size > 2 and text.endswith(piece)):
            return True
    return False


def _shows_a_digest(text: bytes, root: str) -> bool:
    path = os.fsencode(root)
    lowered = text.lower()
    return any(
        make(spelled).hexdigest()[:8].encode() in lowered
        for make in (md5, sha1, sha256)
        for spelled in (path, path + b"/", path + b"\n", b"file://" + path)
    )


def _is_laid_out_by_it(text: bytes, length: int) -> bool:
    """Whether a line with the path looks padded, framed, cut or wrapped, so that a longer path would change more."""
    if b"\0" not in text.replace(b"\0000", b""):
        return False
    lines = text.decode("utf-8", "surrogateescape").splitlines()
    for number, line in enumerate(lines):
        mark = line.find("\0")
        while line[mark + 1 : mark + 2] == "0" and mark >= 0:
            mark = line.find("\0", mark + 1)
        if mark < 0:
            continue
        before = lines[number - 1] if number else ""
        after = lines[number + 1] if number + 1 < len(lines) else ""
        if _is_padded(line[mark:]) or _is_framed(line) or line.rstrip("'\")] ").endswith(("...", "…")):
            return True
        width = len(line) + length - 2
        if _is_rule(before, width) or _is_rule(after, width) or _points_at(after, mark):
            return True
        if (width >= _WRAPS_FROM and _goes_on(line, after)) or (len(before) >= _WRAPS_FROM and _goes_on(before, line)):
            return True
    return False


def _is_padded(rest: str) -> bool:
    return rest.endswith(" ") or "  " in rest.replace("  [", " [")  # mypy sets its codes off by two blanks


def _is_framed(line: str) -> bool:
    return any(rule * 4 in line for rule in _RULES)


def _is_rule(line: str, width: int) -> bool:
    """A line drawn as long as the one with the path."""
    bare = line.strip()
    return len(bare) >= 3 and bare[0] in _RULES and not bare.strip(bare[0]) and abs(len(bare) - width) <= 4


def _points_at(line: str, mark: int) -> bool:
    """Carets that reach under the path or beyond."""
    bare = line.strip()
    return bool(bare) and not bare.strip("^~ ") and len(line.rstrip()) > mark


def _goes_on(line: str, following: str) -> bool:
    """Whether `following` reads as the rest of the line: as deep, in small letters, in the middle of a sentence."""
    rest = following.lstrip()
    if line.startswith(_UNWRAPPED) or line.endswith(_DRAWN):
        return False
    same = len(line) - len(line.lstrip()) == len(following) - len(rest)
    if rest.startswith("\0"):
        rest = rest.partition(" ")[2]
    word = rest.partition(" ")[0].rstrip(",.")
    return same and word.isalpha() and word.islower() and line.rstrip()[-1:] not in set(".:;,)]}\"'")
