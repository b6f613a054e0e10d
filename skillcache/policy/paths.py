"""Which of a command's words may name something outside the project."""

from skillcache.errors import Bypass
from skillcache.outcome import OUTSIDE

_HARMLESS = frozenset(["/dev/null", "/dev/stdout", "/dev/stderr", "/dev/stdin"])


def leaving(word: str) -> list[str]:
    """The absolute or climbing paths a word holds: as a whole, after `=`, `:`, `,` or `@`, or glued to a short option.

    Raises Bypass for an address of something on a network.
    """
    if "/" not in word and ".." not in word:
        return []
    if "://" in word:
        raise Bypass(OUTSIDE, word)
    found = []
    for piece in _pieces(word):
        path = piece
        if path[:1] == "-" and path[1:2] != "-":
            path = path[2:]
        if path in _HARMLESS:
            continue
        require_plain(path)
        if path.startswith(("/", "~")) or ".." in path.split("/"):
            found.append(path)
    return found


def require_plain(path: str) -> None:
    """Raises Bypass for a path whose content is no file's."""
    if path.startswith(("/dev/", "/proc/", "/sys/")) and path not in _HARMLESS:
        raise Bypass(OUTSIDE, path)


def join(directory: str, path: str) -> str:
    """`path` as seen from `directory`, lexically; `""` is the command's own directory, and `..` may lead out of it."""
    if path.startswith("/"):
        directory = ""
    absolute = path.startswith("/") or directory.startswith("/")
    parts: list[str] = []
    for part in f"{directory}/{path}".split("/"):
        if part in ("", "."):
            continue
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".." or not absolute:
            parts.append(part)
    return ("/" if absolute else "") + "/".join(parts)


def _pieces(word: str) -> list[str]:
    pieces = []
    piece = ""
    for character in word:
        if character in "=:,@;":
            pieces.append(piece)
            piece = ""
        else:
            piece += character
    pieces.append(piece)
    return pieces
