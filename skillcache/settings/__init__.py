"""What is set: the table of settings, the files and variables in force, and whether our folder may be trusted.

What lies in our folder is believed, so whoever may write it could have any result replayed. As ssh treats its keys
(StrictModes): the folder belongs to the person, nobody else may look into it, and nobody else may put another in its
place, by any folder or link on the way. A project's files belong to the person, too, and the client gives us the
variables that its settings set.
"""

import os

from skillcache.core import Record
from skillcache.core.outcomes import ConfigError
from skillcache.core.paths import HOME_VARIABLE, cache_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


USER = "user"  # the environment or the person's own file
PROJECT = "project"  # these, or the project's file


class Setting(Record):
    name: str  # as in TOML
    kind: str  # what values are allowed
    default: object
    variable: str  # its environment variable
    scope: str  # who may set it
    text: str


TABLE = (
    Setting("disable", "flag", False, "SKILLCACHE_DISABLE", PROJECT, "do nothing at all"),
    Setting(
        "redis_url", "url", "", "SKILLCACHE_REDIS_URL", USER,
        "the shared store; without it `REDIS_URL`, then `REDIS_HOST`, `REDIS_PORT` and `REDIS_PASSWORD`,"
        " and without those the embedded store",
    ),
    Setting(
        "min_duration", "seconds", 1.0, "SKILLCACHE_MIN_DURATION", USER,
        "runs quicker than this are not stored, and commands known to be are not looked up",
    ),
    Setting(
        "min_duration_declared", "seconds", 0.1, "SKILLCACHE_MIN_DURATION_DECLARED", USER,
        "the same, where it is less, for scripts of skills that are cached and for commands that a rule of yours names",
    ),
    Setting("ttl", "ttl", 86_400, "SKILLCACHE_TTL", USER, "seconds a result is kept unless its rule says otherwise"),
    Setting("failures_ttl", "ttl", 600, "SKILLCACHE_FAILURES_TTL", USER, "the same for results of failed runs"),
    Setting("max_output", "bytes", 5_000_000, "SKILLCACHE_MAX_OUTPUT", USER, "longer outputs are not stored"),
    Setting(
        "max_store", "bytes", 1 << 30, "SKILLCACHE_MAX_STORE", USER,
        "size of the embedded store; the oldest results make room",
    ),
    Setting(
        "capture_time", "seconds", 2.0, "SKILLCACHE_CAPTURE_TIME", USER,
        "most time spent on reading what a call depends on",
    ),
    Setting(
        "verify", "share", 0.02, "SKILLCACHE_VERIFY", USER,
        "share of hits that run for real and are compared; 1 serves nothing and only measures",
    ),
    Setting(
        "observe", "flag", False, "SKILLCACHE_OBSERVE", USER,
        "after a verifying run of a linter, type checker or format check, run it once more under strace, where that is"
        " installed, and make what it reads besides part of its key",
    ),
    Setting(
        "serve.web", "switch", "on", "SKILLCACHE_SERVE_WEB", USER,
        "whether hooks answer WebFetch and WebSearch: they can only do so by a refusal that carries the result",
    ),
    Setting("team", "name", "", "SKILLCACHE_TEAM", USER, "whom the results of rules with `share` are shared with"),
    Setting(
        "team_mode", "mode", "write", "SKILLCACHE_TEAM_MODE", USER,
        "`read`: take the team's results and give none, as people do where CI is the only writer",
    ),
    Setting(
        "wait", "seconds", 300.0, "SKILLCACHE_WAIT", USER,
        "most time that a call waits for a run of the same call; 0: it runs as well",
    ),
    Setting(
        "near_cache", "seconds", 60.0, "SKILLCACHE_NEAR_CACHE", USER,
        "results read from Redis are kept on this machine, and replayed for so long while Redis is away; 0 keeps none",
    ),
    Setting("record.sessions", "flag", True, "SKILLCACHE_RECORD_SESSIONS", USER, "record what sessions do"),
    Setting("record.prompts", "flag", True, "SKILLCACHE_RECORD_PROMPTS", USER, "record the words of prompts"),
    Setting("record.ttl", "ttl", 2_592_000, "SKILLCACHE_RECORD_TTL", USER, "seconds a session is kept after its end"),
    Setting(
        "brief.size", "characters", 2_000, "SKILLCACHE_BRIEF_SIZE", USER,
        "most characters of the brief that a session begins with; 0 for none",
    ),
    Setting(
        "messages.deliver", "flag", False, "SKILLCACHE_MESSAGES_DELIVER", USER,
        "register the agents of sessions and give them their messages: one more process for each turn of the model",
    ),
    Setting(
        "messages.from", "writers", "user", "SKILLCACHE_MESSAGES_FROM", USER,
        "whose messages reach an agent: `user`, the same person on the same machine; `team`, these and the same `team`;"
        " `anyone` who has the store",
    ),
    Setting(
        "team_key_file", "path", "", "SKILLCACHE_TEAM_KEY_FILE", USER,
        "a file of keys that the team shares: what lies in a Redis then counts only where one of them has signed it"
        " (see [trust](trust.md)); the keys themselves in `SKILLCACHE_TEAM_KEY` instead",
    ),
    Setting(
        "writers", "names", [], "SKILLCACHE_WRITERS", USER,
        "where a team has keys: whose signatures count besides your own, such as `ci@acme` or `ci@*`; none: all of"
        " the team's",
    ),
    Setting(
        "ahead_load", "load", 1.0, "SKILLCACHE_AHEAD_LOAD", USER,
        "load average for each processor above which nothing is run ahead, and what is ends",
    ),
)  # fmt: skip
BY_NAME = {setting.name: setting for setting in TABLE}
# Where Claude Code gives what the person has entered as an option of the plugin.
OPTIONS = {
    "SKILLCACHE_REDIS_URL": "CLAUDE_PLUGIN_OPTION_REDIS_URL",
    "SKILLCACHE_TEAM": "CLAUDE_PLUGIN_OPTION_TEAM",
}
FALSE = {"", "0", "false", "no", "off"}


def from_text(setting: Setting, text: str) -> object:
    """A value given as text; raises ConfigError naming the variable."""
    word = text.strip()
    if setting.kind == "flag":
        # Whoever sets a switch wants it on: only the words for "no" leave it off.
        return word.lower() not in FALSE
    if setting.kind in {"url", "switch", "name", "mode", "writers", "path"}:
        return check(setting, word, setting.variable)
    if setting.kind == "names":
        return check(setting, word.replace(",", " ").split(), setting.variable)
    try:
        number: object = float(word) if setting.kind in {"seconds", "share", "load"} else int(word)
    except ValueError:
        number = word
    return check(setting, number, setting.variable)


def check(setting: Setting, value: object, where: str) -> object:
    """The value when the setting's kind allows it; raises ConfigError naming `where` and what is allowed."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_whole = is_number and isinstance(value, int)
    allowed = {
        "flag": (isinstance(value, bool), "true or false"),
        "url": (isinstance(value, str), "a Redis URL"),
        "seconds": (is_number and 0 <= value <= 3_600, "a number of seconds from 0 to 3600"),  # type: ignore[operator]
        "ttl": (is_whole and 1 <= value <= 31_536_000, "a whole number of seconds from 1 to 31536000"),  # type: ignore[operator]
        "bytes": (is_whole and value >= 1, "a whole number of bytes, at least 1"),  # type: ignore[operator]
        "characters": (is_whole and 0 <= value <= 9_500, "a whole number from 0 to 9500"),  # type: ignore[operator]
        "switch": (value in ("on", "off"), '"on" or "off"'),
        "mode": (value in ("write", "read"), '"write" or "read"'),
        "writers": (value in ("user", "team", "anyone"), '"user", "team" or "anyone"'),
        "name": (isinstance(value, str) and _is_name(value), "letters, digits, - and _"),
        "path": (isinstance(value, str) and value[:1] in ("/", "~"), "a path from / or ~/"),
        "names": (_are_writers(value), 'a list of writers, such as ["ci@acme", "ci@*"]'),
        "load": (is_number and value >= 0, "a number, at least 0"),  # type: ignore[operator]
        "share": (is_number and 0 <= value <= 1, "a number from 0 to 1"),  # type: ignore[operator]
    }
    fits, words = allowed[setting.kind]
    if not fits:
        # A URL may hold a password, so its value is never repeated.
        shown = "this value" if setting.kind == "url" else repr(value)
        raise ConfigError(where, f"{setting.name} cannot be {shown}; allowed: {words}")
    if setting.kind == "url":
        require_url(str(value), where)
    return value


def _is_name(value: str) -> bool:
    return value.isascii() and len(value) <= 64 and (value.replace("-", "").replace("_", "").isalnum() or not value)


def _are_writers(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(each, str) and each.isascii() and each.isprintable() and each and not set(each) & set(' ,"')
        for each in value
    )


def require_url(value: str, where: str) -> None:
    from skillcache.stores.redis_url import parse_url  # few people name one

    parse_url(value, where)


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
        self.said = message
        self.text = f"{folder} is not used: {message}"
        self.mend = mend


def require_folder(environ: "Mapping[str, str]", project: str) -> None:
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


def require_way(path: str) -> None:
    """That nobody else can put another file there. Raises Untrusted and OSError."""
    for each in {path, os.path.realpath(path)}:
        _walk(f"{os.path.dirname(each)}/.")  # of which the last folder, too, is one on the way


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
