"""The start of a session with the plugin: its options, which the client gives hooks alone, are left for the server.

They lie beside its socket, in a folder and a file that only the person can read.
"""

import os

from skillcache.claude import plugin
from skillcache.core import files, json
from skillcache.settings import OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.tools.world import World


def handle(data: bytes, world: "World") -> str:  # noqa: ARG001 - handlers have one shape
    """Never has an answer. Raises OSError."""
    given = {name: world.environ[option] for name, option in OPTIONS.items() if world.environ.get(option)}
    if given:
        from skillcache.settings.trust import set_by_project  # few people enter any

        project = world.environ.get("CLAUDE_PROJECT_DIR") or os.getcwd()
        for option, _ in set_by_project(OPTIONS.values(), project, world.environ):
            given = {name: value for name, value in given.items() if OPTIONS[name] != option}
    path = plugin.socket_path(world.environ)
    if not given or path is None:
        return ""
    folder = os.path.dirname(path)
    files.make_folder(folder)
    if plugin.is_private(folder):
        files.write(f"{path}.options", json.dumps(given).encode("ascii"))
    return ""
