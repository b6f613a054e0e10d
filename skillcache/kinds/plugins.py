"""Where a plugin of the client lies: what `--plugin-dir` names, else what the client has noted as installed."""

import os

from skillcache.errors import Bypass
from skillcache.kinds.definitions import config_folder, read_object
from skillcache.permissions.sources import client_arguments, values_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillcache.outcome import Outcome

MANIFEST = ".claude-plugin/plugin.json"


def find_plugin(name: str, folder: str, environ: "Mapping[str, str]", outcome: "Outcome") -> str:
    """The plugin's folder; `folder`: where the client was started. Raises Bypass of `outcome` unless there is one."""
    given = [os.path.join(folder, path) for path in values_of(client_arguments(environ), ("--plugin-dir",))]
    given += [path for path in environ.get("CLAUDE_CODE_PLUGIN_DIRS", "").split(os.pathsep) if path]
    places = {path for path in given if _name_of(path, outcome) == name} or _installed(name, environ, outcome)
    if len(places) != 1:
        raise Bypass(outcome, f"the plugin {name} was found {len(places)} times")
    return places.pop()


def _name_of(path: str, outcome: "Outcome") -> object:
    return read_object(f"{path}/{MANIFEST}", outcome).get("name") or os.path.basename(os.path.normpath(path))


def _installed(name: str, environ: "Mapping[str, str]", outcome: "Outcome") -> set[str]:
    noted = read_object(f"{config_folder(environ)}/plugins/installed_plugins.json", outcome).get("plugins")
    places = set()
    for full_name, installs in (noted if isinstance(noted, dict) else {}).items():
        if full_name.partition("@")[0] == name and isinstance(installs, list):
            places |= {each.get("installPath") for each in installs if isinstance(each, dict)}
    return {place for place in places if isinstance(place, str) and os.path.isdir(place)}
