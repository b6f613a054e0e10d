"""Which MCP server a call is for, and where the client keeps what defines its tools; read without trust.

Observed on 2.1.330, the first that has the name counting: `--mcp-config` files and texts (the last of them first), the
project's servers in ~/.claude.json (by the main worktree's root, outside git by the folder), `.mcp.json` in the folder
the client was started in and in every folder above, the person's servers in ~/.claude.json. With CLAUDE_CONFIG_DIR that
file is $CLAUDE_CONFIG_DIR/.claude.json. In a tool's name all but letters, digits, `_` and `-` of the server's is `_`.
"""

import os

from skillcache.claude.permissions import MANAGED, client_arguments, parse_object, roots_of, values_of
from skillcache.core import Record, files
from skillcache.core.outcomes import UNKNOWN_SERVER, Bypass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skillcache.core.outcomes import Outcome

    Definitions = dict[str, dict[str, object]]


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


_SERVERS = "mcpServers"
PLUGIN_ROOT = "${CLAUDE_PLUGIN_ROOT}"
# The client gives these to a plugin's hooks, ours perhaps, about that plugin.
_OF_HOOKS = ("CLAUDE_PLUGIN_ROOT", "CLAUDE_PLUGIN_DATA")


class Server(Record):
    name: str
    source: str
    # the object that defines it, variables in place; None for one that the account brings
    definition: "dict[str, object] | None"
    plugin: str = ""  # the folder that PLUGIN_ROOT stands for in the definition


def find_server(tool: str, told: tuple[str, str], folder: str, environ: "Mapping[str, str]") -> Server:
    """`told`: name and source as the client gives them; `folder`: where it was started. Raises Bypass."""
    name, source = told
    if not name:
        return _by_tool(tool, folder, environ)
    if source == "claudeai":
        return Server(name, source, None)
    if source == "plugin":
        return _of_plugin(name, folder, environ)
    look = _SOURCES.get(source)
    definition = look(folder, environ).get(name) if look else None
    if definition is None:
        raise Bypass(UNKNOWN_SERVER, name)
    return Server(name, source, expand(definition, environ))


def expand(value: object, environ: "Mapping[str, str]") -> "dict[str, object]":
    """The definition with `${NAME}` and `${NAME:-default}` replaced as the client does; an unset name stays."""
    expanded = _expanded(value, environ)
    return expanded if isinstance(expanded, dict) else {}


def _by_tool(tool: str, folder: str, environ: "Mapping[str, str]") -> Server:
    """For clients that do not name the server: the one whose name the tool's begins with."""
    for source, look in _SOURCES.items():
        found = {name: value for name, value in look(folder, environ).items() if _has(tool, name)}
        if len(found) > 1:
            break
        for name, definition in found.items():
            return Server(name, source, expand(definition, environ))
    raise Bypass(UNKNOWN_SERVER, tool)


def _has(tool: str, server: str) -> bool:
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "_-") else "_" for char in server)
    return tool.startswith(f"mcp__{plain}__")


def _dynamic(folder: str, environ: "Mapping[str, str]") -> "Definitions":
    found: Definitions = {}
    for value in values_of(client_arguments(environ), ("--mcp-config",)):
        if value.lstrip().startswith("{"):
            given = parse_object(value.encode("utf-8", "surrogateescape"), "--mcp-config", UNKNOWN_SERVER)
        else:
            given = read_object(os.path.join(folder, value), UNKNOWN_SERVER)
        found |= objects_of(given.get(_SERVERS))
    return found


def _local(folder: str, environ: "Mapping[str, str]") -> "Definitions":
    projects = objects_of(_own_file(environ).get("projects"))
    root = roots_of(folder, folder)[-1]
    return objects_of((projects.get(root) or projects.get(os.path.realpath(root), {})).get(_SERVERS))


def _project(folder: str, environ: "Mapping[str, str]") -> "Definitions":  # noqa: ARG001 - one shape
    found: Definitions = {}
    place = os.path.normpath(folder)
    while True:
        found = {**objects_of(read_object(f"{place}/.mcp.json", UNKNOWN_SERVER).get(_SERVERS)), **found}
        above = os.path.dirname(place)
        if above == place:
            return found
        place = above


def _user(folder: str, environ: "Mapping[str, str]") -> "Definitions":  # noqa: ARG001
    return objects_of(_own_file(environ).get(_SERVERS))


def _managed(folder: str, environ: "Mapping[str, str]") -> "Definitions":  # noqa: ARG001
    return objects_of(read_object(f"{MANAGED}/managed-mcp.json", UNKNOWN_SERVER).get(_SERVERS))


def _own_file(environ: "Mapping[str, str]") -> dict[str, object]:
    named = environ.get("CLAUDE_CONFIG_DIR")
    folder = named or os.path.dirname(config_folder(environ))
    return read_object(f"{folder}/.claude.json", UNKNOWN_SERVER)


def _of_plugin(name: str, folder: str, environ: "Mapping[str, str]") -> Server:
    """`name`: plugin:<plugin>:<server>."""
    plugin, _, server = name.partition(":")[2].partition(":")
    root = find_plugin(plugin, folder, environ, UNKNOWN_SERVER)
    stated = read_object(f"{root}/{MANIFEST}", UNKNOWN_SERVER).get(_SERVERS)
    paths = [f"{root}/.mcp.json"]
    for path in stated if isinstance(stated, list) else [stated]:
        paths += [os.path.join(root, path)] if isinstance(path, str) else []
    found = objects_of(stated)
    for path in paths:
        content = read_object(path, UNKNOWN_SERVER)
        found |= objects_of(content.get(_SERVERS, content))
    if server not in found or "${user_config." in str(found[server]):  # options of the plugin are kept elsewhere
        raise Bypass(UNKNOWN_SERVER, name)
    return Server(name, "plugin", expand(found[server], environ), root)


def _expanded(value: object, environ: "Mapping[str, str]") -> object:
    if isinstance(value, str):
        return _expanded_text(value, environ)
    if isinstance(value, list):
        return [_expanded(item, environ) for item in value]
    if isinstance(value, dict):
        return {name: _expanded(item, environ) for name, item in value.items()}
    return value


def _expanded_text(text: str, environ: "Mapping[str, str]") -> str:
    first, *rest = text.split("${")
    for piece in rest:
        inside, closed, after = piece.partition("}")
        name, dash, default = inside.partition(":-")
        given = environ.get(name) if name not in _OF_HOOKS else None
        value = (default if dash else None) if given is None else given
        first += "${" + piece if not closed or value is None else value + after
    return first


# In the order in which the client lets one win over another.
_SOURCES: "dict[str, Callable[[str, Mapping[str, str]], Definitions]]" = {
    "dynamic": _dynamic,
    "local": _local,
    "project": _project,
    "user": _user,
    "enterprise": _managed,
    "managed": _managed,
}
