"""Whether the library is on, by the settings of the folder that this process works in."""

import logging
import os
from threading import Lock

from skillcache.core.outcomes import ConfigError
from skillcache.core.paths import HOME_VARIABLE, config_file, project_config_file
from skillcache.library.fetching import Counts
from skillcache.settings.in_force import disabled, is_homeless, load

log = logging.getLogger("skillcache")
# All that says where the files are, and what may overrule them: one that is wrong elsewhere is no fault of theirs.
_VARIABLES = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", HOME_VARIABLE, "SKILLCACHE_DISABLE")
_MOST = 64  # folders that a process has worked in

_lock = Lock()
_known: dict[object, bool | ConfigError] = {}
_told: set[str] = set()


def is_off(counts: Counts | None = None) -> bool:
    """Whether nothing is to be read or stored; what takes back goes on.

    SKILLCACHE_DISABLE says so, or `disable` in the person's file or the project's. A file that cannot be understood may
    say so, too: that is logged once, and counted as an error.
    """
    if is_homeless(os.environ):
        tell(ConfigError("HOME", f"names no folder: set HOME or {HOME_VARIABLE} to a folder of yours"))
        return True
    if disabled(os.environ):
        return True
    said = _by_file(folder())
    if isinstance(said, bool):
        return said
    tell(said)
    if counts is not None:
        counts.add_error()
    return True


def may_give() -> bool:
    """Whether a team is given results: not where `team_mode` is "read", nor where that cannot be told."""
    try:
        return load(os.environ, folder()).word("team_mode") == "write"
    except (ConfigError, OSError):
        return False


def folder() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:  # it was removed under a process that stays
        return "/"


def tell(fault: Exception) -> None:
    """Once for each text."""
    text = str(fault)
    if text not in _told:
        _told.add(text)
        log.warning("nothing is cached: %s", text)


def _by_file(here: str) -> bool | ConfigError:
    own = (config_file(os.environ), _stamp(config_file(os.environ)))
    project, stamp = _project_at(here)
    if own[1] is None and stamp is None:
        return False
    environ = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    key = (here, project, own, stamp, *environ.items())
    with _lock:
        if key in _known:
            return _known[key]
    said: bool | ConfigError
    try:
        said = load(environ, project).flag("disable")
    except ConfigError as fault:
        said = fault.with_traceback(None)
    except OSError as fault:
        said = ConfigError(fault.filename or project, f"cannot be read: {fault.strerror}")
    with _lock:
        if len(_known) >= _MOST:
            _known.clear()
        _known[key] = said
    return said


def _project_at(here: str) -> tuple[str, object]:
    """The nearest folder with a file of ours, up to the top of the repository, and that file's stamp."""
    each = here
    while True:
        stamp = _stamp(project_config_file(each))
        if stamp is not None:
            return each, stamp
        parent = os.path.dirname(each)
        if parent == each or os.path.lexists(os.path.join(each, ".git")):
            return here, None
        each = parent


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size
