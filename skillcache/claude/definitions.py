"""What defines the client's tools: JSON files, words of its command line, plugins' folders; read without trust."""

import os

from skillcache.claude.permission_sources import client_arguments, parse_object, values_of
from skillcache.core import files
from skillcache.core.outcomes import Bypass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillcache.core.outcomes import Outcome


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
