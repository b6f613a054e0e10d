"""What the plugin of this client says to the commands in its Bash calls.

Beside the socket of the resident server lie `.off`, where the person has switched it off, and `.options`, which the
client gives the plugin's own hooks alone: see skillcache/events/server/session.py.
"""

import os

from skillcache.claude import resident
from skillcache.core import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_LARGEST = 1 << 16


def options(environ: "Mapping[str, str]") -> dict[str, str] | None:
    """Settings that the person has given the plugin, by their variables; None where it is switched off."""
    if not resident.is_private(resident.run_folder(environ)):  # most people have none
        return {}
    path = resident.socket_path(environ)
    if path is None:
        return {}
    if os.path.exists(resident.off_path(path)):
        return None
    data = files.read(f"{path}.options", _LARGEST)
    if data is None:
        return {}
    from skillcache.core import json  # only where the person has given some

    given = json.loads(data)
    return {str(name): str(value) for name, value in given.items()} if isinstance(given, dict) else {}
