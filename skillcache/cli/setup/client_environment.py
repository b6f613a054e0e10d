"""The variables of ours that Claude Code gives to hooks and a terminal does not: `env` of its settings files.

A command in a terminal is to act on the store that the hooks use. What the terminal names itself comes first. The files
of a project count where the person has told the client to trust its folder, as the client has it: a cloned repository
must not choose the store that a command acts on.
"""

import os
from collections.abc import Mapping
from typing import NamedTuple

import click

from skillcache.claude.mcp_servers import config_folder
from skillcache.claude.permissions import LARGEST, MANAGED, roots_of
from skillcache.core import files, json
from skillcache.core.outcomes import SkillcacheError
from skillcache.core.paths import HOME_VARIABLE
from skillcache.settings import TABLE
from skillcache.settings.in_force import Settings, load

_STORE = ("SKILLCACHE_REDIS_URL", "REDIS_URL", "REDIS_HOST")
_WHICH_STORE = frozenset([*_STORE, "REDIS_PORT", "REDIS_PASSWORD", HOME_VARIABLE])
_OURS = _WHICH_STORE | {setting.variable for setting in TABLE}
# These act on what the hooks have stored, and say whose that is where the terminal does not.
_ACTING = frozenset(
    "agents clear config entries explain inbox invalidate note send sessions state stats tail".split()  # noqa: SIM905
)
# These are started by the client, or are about no store of the person's; `run` asks for itself, as a command's own
# environment is to stay as it is.
_APART = frozenset(["demo", "doctor", "help", "plugin-path", "run", "serve"])


class Given(NamedTuple):
    """path: of the file that gives it."""

    value: str
    path: str


def adopt(command: str) -> None:
    """Completes this process's environment for `command`, and says so where it matters. Raises nothing."""
    if command in _APART:
        return
    try:
        folder = os.getcwd()
    except OSError:  # the command says what is wrong
        return
    given = given_by_client(os.environ, folder)
    taken = missing(os.environ, given)
    if command in _ACTING:
        for line in _told(given, taken, folder):
            click.echo(f"skillcache: {line}", err=True)
    os.environ.update({name: each.value for name, each in taken.items()})


def completed(environ: Mapping[str, str], folder: str) -> dict[str, str]:
    """`environ` with what the terminal lacks of what hooks are given."""
    taken = missing(environ, given_by_client(environ, folder))
    return {**environ, **{name: each.value for name, each in taken.items()}}


def of_hooks(environ: Mapping[str, str], folder: str) -> dict[str, str]:
    """As hooks have it that a client in this terminal starts: what its settings say comes first."""
    return {**environ, **{name: each.value for name, each in given_by_client(environ, folder).items()}}


def place_of(name: str, environ: Mapping[str, str], folder: str) -> str:
    """The variable or file that names the store, with the settings file that gives the variable."""
    each = given_by_client(environ, folder).get(name)
    return f"{name} of {each.path}" if each is not None and environ.get(name) == each.value else name


def missing(environ: Mapping[str, str], given: Mapping[str, Given]) -> dict[str, Given]:
    """What is to be taken of `given`: nothing about the store where the terminal names one."""
    named = any(environ.get(name) for name in _STORE)
    return {
        name: each
        for name, each in given.items()
        if name not in environ and not (named and name.startswith(("REDIS_", *_STORE)))
    }


def given_by_client(environ: Mapping[str, str], folder: str) -> dict[str, Given]:
    """Variables of ours, each as the last file says that has it. A file that cannot be read gives none."""
    found: dict[str, Given] = {}
    for path in _files(environ, folder):
        found.update({name: Given(value, path) for name, value in _env_of(path).items()})
    return found


def stores_of_untrusted(environ: Mapping[str, str], folder: str) -> list[str]:
    """The project's settings files that name a store and do not count here."""
    own = os.path.join(config_folder(environ), "settings.json")
    if is_trusted(environ, folder):
        return []
    return [path for path in _of_project(folder) if path != own and _WHICH_STORE & _env_of(path).keys()]


def _told(given: Mapping[str, Given], taken: Mapping[str, Given], folder: str) -> list[str]:
    stores = {name: each.path for name, each in taken.items() if name in _WHICH_STORE}
    if stores:
        paths = dict.fromkeys(stores.values())
        return [f"acts on the store of {', '.join(stores)} in {', '.join(paths)}, as the hooks do"]
    theirs = {name: each.value for name, each in given.items()}
    mine, hooks = settings_of(os.environ, folder), settings_of({**os.environ, **theirs}, folder)
    if mine is not None and hooks is not None and mine.store != hooks.store:
        paths = dict.fromkeys(each.path for name, each in given.items() if os.environ.get(name) != each.value)
        return [
            f"acts on the store of {mine.named or HOME_VARIABLE}; the hooks are given another one by {', '.join(paths)}"
        ]
    return [
        f"{path} names a store for hooks, and does not count here: Claude Code was not told to trust this folder"
        for path in stores_of_untrusted(os.environ, folder)
    ]


def settings_of(environ: Mapping[str, str], folder: str) -> Settings | None:
    try:
        return load(environ, folder)
    except (SkillcacheError, OSError):  # the command says what is wrong
        return None


def _files(environ: Mapping[str, str], folder: str) -> list[str]:
    """Every file that counts, in the order in which the client lets a later one win."""
    config = config_folder(environ)
    own = os.path.join(config, "settings.json")
    project = [path for path in _of_project(folder) if path != own] if is_trusted(environ, folder) else []
    managed = [f"{MANAGED}/managed-settings.json", *_drop_ins(f"{MANAGED}/managed-settings.d")]
    return [own, *project, f"{config}/remote-settings.json", *managed]


def _of_project(folder: str) -> list[str]:
    """The nearest folder's last, and what is a person's own after what the project shares."""
    folders = roots_of(folder, folder)[::-1]
    names = ("settings.json", "settings.local.json")
    return [os.path.join(each, ".claude", name) for name in names for each in folders]


def _drop_ins(folder: str) -> list[str]:
    try:
        return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".json")]
    except OSError:
        return []


def _env_of(path: str) -> dict[str, str]:
    env = _object(path).get("env")
    if not isinstance(env, dict):
        return {}
    return {name: value for name, value in env.items() if name in _OURS and isinstance(value, str)}


def is_trusted(environ: Mapping[str, str], folder: str) -> bool:
    """As the client has it on record, of the folder or of one above it."""
    home = environ.get("CLAUDE_CONFIG_DIR") or environ.get("HOME") or os.path.expanduser("~")
    projects = _object(os.path.join(home, ".claude.json")).get("projects")
    if not isinstance(projects, dict):
        return False
    each = os.path.realpath(folder)
    while True:
        known = projects.get(each)
        if isinstance(known, dict) and known.get("hasTrustDialogAccepted") is True:
            return True
        if each == os.path.dirname(each):
            return False
        each = os.path.dirname(each)


def _object(path: str) -> dict[str, object]:
    try:
        value = json.loads(files.read(path, LARGEST) or b"{}")
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
