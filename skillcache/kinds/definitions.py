"""JSON files and command-line values of the client's own that define what its tools are, read without trust."""

import os

from skillcache import files
from skillcache.errors import Bypass
from skillcache.permissions.sources import parse_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillcache.outcome import Outcome

_LARGEST = 16 << 20  # ~/.claude.json keeps a history of every project


def config_folder(environ: "Mapping[str, str]") -> str:
    return environ.get("CLAUDE_CONFIG_DIR") or f"{environ.get('HOME') or os.path.expanduser('~')}/.claude"


def read_object(path: str, outcome: "Outcome") -> dict[str, object]:
    """The object in a file, empty where there is no file. Raises Bypass of `outcome` when it cannot be used."""
    try:
        content = files.load(path, _LARGEST)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as fault:
        raise Bypass(outcome, f"{path}: {fault.strerror}") from None
    if not content.strip():
        return {}
    return parse_object(content, path, outcome)


def objects_of(holder: object) -> dict[str, dict[str, object]]:
    """The members of an object that are objects themselves."""
    if not isinstance(holder, dict):
        return {}
    return {name: value for name, value in holder.items() if isinstance(value, dict)}
