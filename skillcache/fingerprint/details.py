"""What a capture keeps beside its digests, so that `skillcache explain` can later say what differs."""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillcache.fingerprint.ignored import Ignored
    from skillcache.fingerprint.packages import Installed
    from skillcache.fingerprint.status import Content

_OVERLAY, _IGNORED, _PACKAGES = 24_000, 8_000, 24_000  # characters of JSON each, roughly


def describe(found: "Content", ignored: "Ignored", installed: "Mapping[str, Installed]") -> dict[str, object]:
    """A JSON object under 64 KB.

    head: commit or None; overlay: [path, mode, object id] of files that differ from it, None twice for one that is
    gone; ignored: path -> digest; packages: folder -> ["name-version"]; cut: the lists that are not whole.
    """
    cut: list[str] = []
    overlay: list[list[str | None]] = []
    room = _OVERLAY
    for path, entry in sorted({**found.staged, **found.edits}.items()):
        name = os.fsdecode(path).encode("utf-8", "replace").decode()
        room -= 80 + 2 * len(name)
        if room < 0:
            cut.append("overlay")
            break
        overlay.append([name, *([part.decode() for part in entry] if entry else [None, None])])
    names: dict[str, str] = {}
    room = _IGNORED
    for name, value in sorted(ignored.files.items()):
        room -= 40 + 2 * len(name)
        if room < 0:
            cut.append("ignored")
            break
        names[_text(name)] = value
    packages: dict[str, list[str]] = {}
    room = _PACKAGES
    for folder, what in sorted(installed.items()):
        room -= 20 + len(folder) + sum(len(name) + 4 for name in what.names)
        if room < 0:
            cut.append("packages")
            break
        packages[_text(folder)] = [_text(name) for name in what.names]
    return {"head": found.head or None, "overlay": overlay, "ignored": names, "packages": packages, "cut": cut}


def _text(name: str) -> str:
    return name.encode("utf-8", "replace").decode()
