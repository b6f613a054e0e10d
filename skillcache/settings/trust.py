"""Whether our folder may be used: it is the person's alone, and no project has chosen it.

What lies there is believed, so whoever may write it could have any result replayed. As ssh treats its keys
(StrictModes): the folder belongs to the person, nobody else may look into it, and nobody else may put another in its
place, by any folder or link on the way. A project's files belong to the person, too, and the client gives us the
variables that its settings set.
"""

import os

from skillcache.core.outcomes import ConfigError
from skillcache.core.paths import HOME_VARIABLE, cache_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LINK, _FOLDER, _KIND = 0o120000, 0o040000, 0o170000
_STICKY, _OTHERS, _OTHERS_WRITE, _GROUP_WRITES = 0o1000, 0o077, 0o022, 0o020
_LINKS = 40  # as the system follows them
_UNMAPPED = 65534  # whoever has no number in this user namespace, such as root seen from a sandbox
_LARGEST = 4_000_000  # bytes of a settings file
_ELSEWHERE = f"set {HOME_VARIABLE} to a folder of yours"
_PERSONS = ("HOME", "XDG_CONFIG_HOME")  # below these are the person's own settings, which may do what no project's may
# What another than the person has chosen is no trust at all; without it nothing would be verified.
_OF_TEAM = ("SKILLCACHE_TEAM_KEY", "SKILLCACHE_TEAM_KEY_FILE", "SKILLCACHE_WRITERS")
_NOWHERE = "take it out of that file"
_HOME = f"set HOME or {HOME_VARIABLE} to a folder of yours"


class Untrusted(ConfigError):
    """Our folder is not used; mend: the command or step that makes it usable."""

    def __init__(self, folder: str, message: str, mend: str) -> None:
        super().__init__(folder, f"{message}. Mend: {mend}")
        self.text = f"{folder} is not used: {message}"
        self.mend = mend


def require(environ: "Mapping[str, str]", project: str) -> None:
    """`project`: where the client was started. Raises Untrusted."""
    cache = cache_folder(environ)
    asked = [name for name in (*_PERSONS, *_OF_TEAM) if name in environ]
    for name, path in set_by_project(asked, project, environ, spelled=True):
        what = "whom to trust" if name in _OF_TEAM else "where a person's own settings are looked for"
        raise Untrusted(cache, f"{path} sets {name}, {what}", _NOWHERE)
    real = _require_own(cache)
    if environ.get(HOME_VARIABLE):
        for _name, path in set_by_project((HOME_VARIABLE,), project, environ):
            raise Untrusted(cache, f"{path} sets {HOME_VARIABLE}", f"set {HOME_VARIABLE} elsewhere, or nowhere")
        return
    top = os.path.realpath(_chain(project)[-1])
    if _is_in(real, top) and not _is_in(os.path.realpath(environ.get("HOME") or "/"), top):
        raise Untrusted(cache, f"it lies in the project {top}", _ELSEWHERE)


def set_by_project(
    names: "Iterable[str]", project: str, environ: "Mapping[str, str]", *, spelled: bool = False
) -> "list[tuple[str, str]]":
    """Which of the variables the settings of `project`, or of a folder above it in its repository, set; and where.

    Those in the home folder are the person's own, unless they say where that is. A file that cannot be read may set
    any: the client may know how to; `spelled`: unless it surely does not hold their names.
    """
    found = []
    home = os.path.realpath(environ.get("HOME") or "/")
    for folder in _chain(project):
        is_home = os.path.realpath(folder) == home
        for path in (f"{folder}/.claude/settings.json", f"{folder}/.claude/settings.local.json"):
            if os.path.lexists(path) and not (spelled and _lacks(path, names)):
                given = _variables(path)
                found += [
                    (name, path)
                    for name in names
                    if (given is None or name in given) and not (is_home and name != "HOME")
                ]
    return found


def _lacks(path: str, names: "Iterable[str]") -> bool:
    from skillcache.core import files

    try:
        text = files.read(path, _LARGEST)
    except OSError:
        return False
    if text is None:
        return False
    return b"\0" not in text and b"\\u" not in text and not any(name.encode() in text for name in names)


def _variables(path: str) -> "Mapping[str, object] | None":
    from skillcache.core import files, json  # few projects have settings

    try:
        text = files.read(path, _LARGEST)
        settings = None if text is None else json.loads(text.strip() or b"{}")
    except (OSError, ValueError):
        return None
    given = settings.get("env", {}) if isinstance(settings, dict) else None
    return given if isinstance(given, dict) else None


def in_project(path: str, project: str, environ: "Mapping[str, str]") -> bool:
    """Whether the file lies in the repository of `project`, unless the home folder does."""
    top = os.path.realpath(_chain(project)[-1])
    spelled, real = os.path.normpath(path), os.path.realpath(path)
    within = any(_is_in(each, folder) for each in (spelled, real) for folder in (top, _chain(project)[-1]))
    return within and not _is_in(os.path.realpath(environ.get("HOME") or "/"), top)


def _is_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _chain(project: str) -> list[str]:
    """The project's folder and those above it, up to the top of its repository."""
    folder = os.path.normpath(project)
    chain = [folder]
    while not os.path.lexists(f"{folder}/.git"):
        folder = os.path.dirname(folder)
        if folder in ("/", ""):
            return chain[:1]  # in no repository
        chain.append(folder)
    return chain


def _require_own(cache: str) -> str:
    """The folder without links, there or not. Raises Untrusted."""
    try:
        at, missing = _walk(cache)
        if not missing:
            _require_private(cache, at)
        elif os.lstat(at or "/").st_mode & _OTHERS_WRITE:  # made now, as somebody else could do so first
            from skillcache.core import files  # hardly ever

            files.make_folder(at + missing)
            return _require_own(cache)
    except OSError as fault:
        raise Untrusted(cache, f"{fault.filename}: {fault.strerror}", _ELSEWHERE) from None
    return at + missing


def _walk(cache: str) -> tuple[str, str]:
    """How far the folders are there, by their names without links, and what is missing. Raises Untrusted, OSError."""
    at, pending, links = "", cache.split("/"), 0
    while pending:
        name = pending.pop(0)
        if name in ("", "."):
            continue
        if name == "..":
            at = at.rpartition("/")[0]
            continue
        place = f"{at}/{name}"
        try:
            status = os.lstat(place)
        except FileNotFoundError:
            return at, "/".join(["", name, *pending])
        _require_trusted(cache, place, status, is_last=not any(pending))
        if status.st_mode & _KIND == _LINK:
            links += 1
            target = os.readlink(place)
            at = "" if target.startswith("/") else at
            pending = [*target.split("/"), *pending]
            if links > _LINKS:
                raise Untrusted(cache, f"{place} leads in a circle", _HOME)
        else:
            at = place
    return at, ""


def _require_trusted(cache: str, place: str, status: os.stat_result, *, is_last: bool) -> None:
    if status.st_uid not in (0, os.geteuid()) and not _is_unmapped(status.st_uid):
        raise Untrusted(cache, f"{place} belongs to somebody else", _ELSEWHERE)
    kind = status.st_mode & _KIND
    if kind not in (_LINK, _FOLDER):
        raise Untrusted(cache, f"{place} is no folder", _HOME)  # it may be anything, such as /dev/null
    if kind == _FOLDER and not is_last and _lets_others_write(status):
        raise Untrusted(cache, f"others may write in {place}", _line("chmod go-w", place))


def _require_private(cache: str, folder: str) -> None:
    status = os.lstat(folder or "/")
    if status.st_uid != os.geteuid():
        raise Untrusted(cache, "it belongs to somebody else", _ELSEWHERE)
    if status.st_mode & _OTHERS:
        raise Untrusted(cache, "others may use it", _line("chmod 700", folder))


def _lets_others_write(status: os.stat_result) -> bool:
    """In a sticky folder nobody can move what is another's. A group of the owner's own number has them alone in it."""
    others = status.st_mode & _OTHERS_WRITE
    if others == _GROUP_WRITES and status.st_gid == status.st_uid:
        return False
    return bool(others) and not status.st_mode & _STICKY


def _is_unmapped(uid: int) -> bool:
    if uid != _UNMAPPED:
        return False
    from skillcache.core import files  # hardly ever

    try:
        known = files.read("/proc/self/uid_map", 4096)
    except OSError:
        return False
    return known is not None and known.split() != [b"0", b"0", b"4294967295"]


def _line(command: str, path: str) -> str:
    return f"{command} {shell_words(path)}"


def shell_words(path: str) -> str:
    """As a command line has it."""
    from skillcache.core.processes import quote  # hardly ever

    return path if all(char.isalnum() or char in "/._-" for char in path) else quote(path)
