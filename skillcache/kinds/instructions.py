"""What an agent is told besides its task, as far as the content of the worktree does not show it.

The person's own agents, rules and instructions; those of the folders at and above the call's, which git may ignore; a
plugin's agents; and what the client was started with.
"""

import os

from skillcache import files
from skillcache.digest import digest_parts
from skillcache.errors import Bypass
from skillcache.jsontext import dumps
from skillcache.kinds.definitions import config_folder
from skillcache.kinds.plugins import find_plugin
from skillcache.outcome import UNCAPTURABLE
from skillcache.permissions.sources import client_arguments, values_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from skillcache.key import Row

_FILES = ("CLAUDE.md", "CLAUDE.local.md", ".claude/CLAUDE.md")
_FOLDERS = (".claude/agents", ".claude/rules")
_OPTIONS = ("--agents", "--model")
_VARIABLES = ("ANTHROPIC_MODEL", "CLAUDE_CODE_SUBAGENT_MODEL")
_LARGEST = 1 << 20  # bytes of a file
_MOST = 500  # files of a folder


def instructions(kind: str, place: str, folder: str, environ: "Mapping[str, str]") -> "tuple[Row, ...]":
    """`kind`: the type of the agent; `place`: the call's folder; `folder`: the client's. Raises Bypass."""
    own = config_folder(environ)
    places = list(_above(place))
    started = [*values_of(client_arguments(environ), _OPTIONS), *(environ.get(name) for name in _VARIABLES)]
    plugin, colon, name = kind.partition(":")
    return (
        ("instructions", "person", _digest((f"{own}/CLAUDE.md",), (f"{own}/agents", f"{own}/rules"))),
        ("instructions", "folders", _digest(_joined(places, _FILES), _joined(places, _FOLDERS))),
        ("instructions", "client", dumps(started)),
        *((("instructions", "plugin", _of_plugin(plugin, name, folder, environ)),) if colon else ()),
    )


def _above(place: str) -> "Iterator[str]":
    while True:
        yield place
        above = os.path.dirname(place)
        if above == place:
            return
        place = above


def _joined(places: "Sequence[str]", names: "Sequence[str]") -> list[str]:
    return [f"{place}/{name}" for place in places for name in names]


def _of_plugin(plugin: str, name: str, folder: str, environ: "Mapping[str, str]") -> str:
    root = find_plugin(plugin, folder, environ, UNCAPTURABLE)
    last = name.rpartition(":")[2]
    paths = list(_markdown(f"{root}/agents"))
    if not any(path.endswith(f"/{last}.md") or f"name: {last}\n".encode() in _content(path) for path in paths):
        raise Bypass(UNCAPTURABLE, f"{plugin}:{name} was not found")
    return _digest(paths, ())


def _digest(paths: "Sequence[str]", folders: "Sequence[str]") -> str:
    """Of the content of files, and of all Markdown files below folders, wherever these lie."""
    parts = [content for path in paths if (content := _content(path))]
    for folder in folders:
        parts += [part for path in _markdown(folder) for part in (os.fsencode(path[len(folder) :]), _content(path))]
    return digest_parts(parts)


def _markdown(folder: str) -> "Iterator[str]":
    """Also behind links, as a person may keep theirs elsewhere. Raises Bypass for a folder that cannot be read."""
    count = 0
    known: set[str] = set()
    for place, folders, names in os.walk(folder, onerror=_refuse, followlinks=True):
        real = os.path.realpath(place)
        if real in known:
            folders.clear()
            continue
        known.add(real)
        folders.sort()
        for name in sorted(names):
            if name.endswith(".md"):
                count += 1
                if count > _MOST:
                    raise Bypass(UNCAPTURABLE, f"{folder} holds too much")
                yield f"{place}/{name}"


def _refuse(fault: OSError) -> None:
    if not isinstance(fault, FileNotFoundError | NotADirectoryError):
        raise Bypass(UNCAPTURABLE, f"{fault.filename}: {fault.strerror}")


def _content(path: str) -> bytes:
    """Nothing for a file that is not there. Raises Bypass for one that cannot be read whole."""
    try:
        content = files.read(path, _LARGEST)
    except OSError as fault:
        raise Bypass(UNCAPTURABLE, f"{path}: {fault.strerror}") from None
    if content is None and os.path.isfile(path):
        raise Bypass(UNCAPTURABLE, f"{path} is too large")
    return content or b""
