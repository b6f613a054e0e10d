"""What stands where a script writes and is not of its run: it is in no key, and the script may read it all the same.

A run is stored with the digest of that, and given only where it is so again. What the run itself has left may stand
there too, byte for byte, or be gone. What it was given to read and has written anew with the bytes that were there
before has to stand there.

standing = [digest of what else stands, [paths that must be there]], a detail of an entry
"""

import os

from skillcache.cache.skills import outputs
from skillcache.cache.skills.folders import OWNER, folders
from skillcache.core.digest import digest_parts
from skillcache.core.errors import Bypass
from skillcache.core.outcomes import CHANGED_INPUTS, UNCAPTURABLE, UNDECLARED, UNFIT
from skillcache.fingerprint.files import Budget, blob

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from skillcache.stores.entry import File

DETAIL = "standing"


def look(root: str, globs: "Sequence[str]", *, apart: "Collection[str]" = (), deadline: float) -> dict[str, str]:
    """What each file there holds, but for those `apart`, and the modes of folders, whose paths end in a slash.

    Raises Bypass (TOO_LARGE, TOO_SLOW, UNCAPTURABLE).
    """
    budget = Budget(deadline, "outputs")
    found: dict[str, str] = {}
    for path in outputs.standing(root, globs, deadline=deadline):
        what = blob(os.fsencode(f"{root}/{path}"), budget, long=False) if path not in apart else None
        if what is not None:
            found[path] = digest_parts(what[:2])
    return found | folders(root, globs, budget)


def around(
    root: str,
    globs: "Sequence[str]",
    before: "Mapping[str, str]",
    kept: "Sequence[File]",
    is_input: "Callable[[str], bool]",
    *,
    deadline: float,
) -> list[object]:
    """The detail for a run that has written `kept` where `before` was seen by `look`.

    Raises Bypass: CHANGED_INPUTS for an input that is another now, UNDECLARED and UNCAPTURABLE for what cannot be kept.
    """
    written = {file.path for file in kept}
    after = look(root, globs, deadline=deadline)
    again: list[str] = []
    for path in sorted(written):
        if path in before and is_input(path):
            if before[path] != after.get(path):
                raise Bypass(CHANGED_INPUTS, f"{path} is given to be read, and was written")
            again.append(path)
    _require_plain_folders(before, after, written)
    others = {path for path in after if path not in written}
    for path in others:
        if not path.endswith("/") and before.get(path) != after[path]:
            raise Bypass(UNDECLARED, f"{path} was left as it was, and is another")
    return [_digest_of(after, written), again]


def _require_plain_folders(before: "Mapping[str, str]", after: "Mapping[str, str]", written: "set[str]") -> None:
    """That a replay, which makes folders for files alone, leaves the folders that the run has left."""
    mask = os.umask(0o022)
    os.umask(mask)
    plain = f"{0o777 & ~mask:o}"
    needed = _above(written)
    for path, mode in after.items():
        if path.endswith("/") and before.get(path) != mode:
            if path in before or mode != plain:
                raise Bypass(UNCAPTURABLE, f"{path} is a folder with a mode of its own")
            if path not in needed:
                raise Bypass(UNCAPTURABLE, f"{path} is an empty folder")
    if gone := [path for path in before if path.endswith("/") and path not in after]:
        raise Bypass(UNDECLARED, f"{gone[0]} was removed")


def _above(paths: "Collection[str]") -> set[str]:
    return {path[: at + 1] for path in paths for at, letter in enumerate(path) if letter == "/"}


def _digest_of(seen: "Mapping[str, str]", written: "Collection[str]") -> str:
    """Without what the run has left, and the folders that this lies in."""
    needed = _above(written)
    parts: list[bytes] = []
    for path, value in sorted(seen.items()):
        if path not in written and path not in needed:
            text = f"{int(value, 8) & OWNER:o}" if path.endswith("/") else value
            parts += (os.fsencode(path), text.encode())
    return digest_parts(parts)


def require(root: str, globs: "Sequence[str]", kept: "Sequence[File]", detail: object, *, deadline: float) -> None:
    """Raises Bypass: UNFIT where something stands there that the run, of which `detail` tells, did not leave."""
    if not isinstance(detail, list) or len(detail) != 2 or not isinstance(detail[1], list):
        raise Bypass(UNFIT, "the stored result does not say what stood where it writes")
    written = {file.path for file in kept}
    if _digest_of(look(root, globs, apart=written, deadline=deadline), written) != detail[0]:
        raise Bypass(UNFIT, "another file stands where it writes than when the result was stored")
    for path in detail[1]:
        if path not in written or not os.path.lexists(f"{root}/{path}"):
            raise Bypass(UNFIT, f"{path!r} is to be read, and is gone")
