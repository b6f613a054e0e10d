"""One table of settings, and the values in force for one call.

Precedence: environment, then the project's file (only settings of scope "project"), then the person's file, then
the default. A file checked into a project may not redirect the store, move files or switch verification off: neither
its own nor its settings of Claude Code, whose `env` the client gives to hooks as if the person had set it.
"""

from skillcache import files
from skillcache.errors import ConfigError
from skillcache.paths import (
    HOME_VARIABLE,
    cache_folder,
    compiled_folder,
    config_file,
    embedded_store,
    home_folder,
    project_config_file,
)
from skillcache.trust import require, set_by_project

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

USER = "user"  # the environment or the person's own file
PROJECT = "project"  # these, or the project's file


class Setting:
    """name: as in TOML; kind: what values are allowed; variable: its environment variable; scope: who may set it."""

    __slots__ = ("default", "kind", "name", "scope", "text", "variable")

    def __init__(self, name: str, kind: str, default: object, variable: str, scope: str, text: str) -> None:
        self.name = name
        self.kind = kind
        self.default = default
        self.variable = variable
        self.scope = scope
        self.text = text


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
    Setting("record.sessions", "flag", True, "SKILLCACHE_RECORD_SESSIONS", USER, "record what sessions do"),
    Setting("record.prompts", "flag", True, "SKILLCACHE_RECORD_PROMPTS", USER, "record the words of prompts"),
    Setting("record.ttl", "ttl", 2_592_000, "SKILLCACHE_RECORD_TTL", USER, "seconds a session is kept after its end"),
    Setting(
        "brief.size", "characters", 4_000, "SKILLCACHE_BRIEF_SIZE", USER,
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
)  # fmt: skip
BY_NAME = {setting.name: setting for setting in TABLE}
# Where Claude Code gives what the person has entered as an option of the plugin.
OPTIONS = {
    "SKILLCACHE_REDIS_URL": "CLAUDE_PLUGIN_OPTION_REDIS_URL",
    "SKILLCACHE_TEAM": "CLAUDE_PLUGIN_OPTION_TEAM",
}

# What only the person may set.
_PERSONS = (
    *(setting.variable for setting in TABLE if setting.scope == USER),
    *OPTIONS.values(),
    *("REDIS_URL", "REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD"),
)

_CONFIG_CAP = 1 << 20
_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"", "0", "false", "no", "off"}


class Settings:
    """The values in force. `store`: what `stores.open_store` takes; `rules`: the person's rules, project's last.

    `named`: the variable or file that names the store, "" for the embedded one; `warnings`: sentences about what was
    ignored, for `doctor`.
    """

    __slots__ = ("cache", "named", "rules", "store", "values", "warnings")

    def __init__(
        self,
        values: dict[str, object],
        *,
        cache: str,
        store: str,
        rules: list[dict[str, object]],
        warnings: list[str],
        named: str = "",
    ) -> None:
        self.values = values
        self.cache = cache
        self.store = store
        self.named = named
        self.rules = rules
        self.warnings = warnings

    def number(self, name: str) -> float:
        value = self.values[name]
        assert isinstance(value, int | float)  # noqa: S101 - the table's kinds hold it
        return value

    def word(self, name: str) -> str:
        return str(self.values[name])

    def flag(self, name: str) -> bool:
        return self.values[name] is True


def load(environ: "Mapping[str, str]", project: str) -> Settings:
    """Raises ConfigError for a value or a folder we cannot use, OSError for a file we may not read."""
    require(environ, project)
    cache = cache_folder(environ)
    values = {setting.name: setting.default for setting in TABLE}
    rules: list[dict[str, object]] = []
    warnings: list[str] = []
    for path, scope in ((config_file(environ), USER), (project_config_file(project), PROJECT)):
        given, more_rules, more_warnings = _read_file(cache, path, scope)
        values.update(given)
        rules.extend(more_rules)
        warnings.extend(more_warnings)
    environ, more_warnings = _without_the_projects(environ, project)
    warnings.extend(more_warnings)
    for setting in TABLE:
        text = _given(environ, setting.variable)
        if text is not None and (text or setting.kind == "flag"):
            values[setting.name] = from_text(setting, text)
    store, named = _store(values, environ) or (f"embedded:{embedded_store(cache)}", "")
    return Settings(values, cache=cache, store=store, named=named, rules=rules, warnings=warnings)


def _without_the_projects(environ: "Mapping[str, str]", project: str) -> "tuple[Mapping[str, str], list[str]]":
    """`environ` without what a project's settings of Claude Code may not set, as no file of its own may."""
    named = [name for name in _PERSONS if name in environ]
    chosen = set_by_project(named, project, environ) if named else ()
    dropped = {name for name, _ in chosen}
    kept = {name: value for name, value in environ.items() if name not in dropped} if dropped else environ
    # The others are mostly for its own program.
    ours = [(name, path) for name, path in chosen if not name.startswith("REDIS_")]
    return kept, [f"{path}: {name} is ignored: a project's file may not set it" for name, path in ours]


def _given(environ: "Mapping[str, str]", variable: str) -> str | None:
    return environ.get(variable) or environ.get(OPTIONS.get(variable, ""), environ.get(variable))


def disabled(environ: "Mapping[str, str]") -> bool:
    """Whether the environment alone switches us off: asked before anything else is read.

    Where it names no folder of the person's, what is kept would lie in one that is everybody's.
    """
    if not (home_folder(environ) or environ.get(HOME_VARIABLE) or environ.get("XDG_CACHE_HOME")):
        return True
    return environ.get("SKILLCACHE_DISABLE", "").strip().lower() not in _FALSE


def from_text(setting: Setting, text: str) -> object:
    """A value given as text; raises ConfigError naming the variable."""
    word = text.strip()
    if setting.kind == "flag":
        # Whoever sets a switch wants it on: only the words for "no" leave it off.
        return word.lower() not in _FALSE
    if setting.kind in {"url", "switch", "name", "mode", "writers"}:
        return check(setting, word, setting.variable)
    try:
        number: object = float(word) if setting.kind in {"seconds", "share"} else int(word)
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
        "share": (is_number and 0 <= value <= 1, "a number from 0 to 1"),  # type: ignore[operator]
    }
    fits, words = allowed[setting.kind]
    if not fits:
        # A URL may hold a password, so its value is never repeated.
        shown = "this value" if setting.kind == "url" else repr(value)
        raise ConfigError(where, f"{setting.name} cannot be {shown}; allowed: {words}")
    if setting.kind == "url":
        _require_url(str(value), where)
    return value


def _is_name(value: str) -> bool:
    return value.isascii() and len(value) <= 64 and (value.replace("-", "").replace("_", "").isalnum() or not value)


def _require_url(value: str, where: str) -> None:
    from skillcache.stores.redis_url import parse_url  # few people name one

    parse_url(value, where)


def _store(values: dict[str, object], environ: "Mapping[str, str]") -> tuple[str, str] | None:
    """The Redis URL in force and what names it, None for the embedded store."""
    named = values["redis_url"]
    if isinstance(named, str) and _given(environ, "SKILLCACHE_REDIS_URL"):
        return named, "SKILLCACHE_REDIS_URL"
    general = environ.get("REDIS_URL", "")
    if general:
        _require_url(general, "REDIS_URL")
        return general, "REDIS_URL"
    if environ.get("REDIS_HOST"):
        return _url_of_parts(environ), "REDIS_HOST"
    return (named, config_file(environ)) if isinstance(named, str) and named else None


def _url_of_parts(environ: "Mapping[str, str]") -> str:
    host, port, password = environ["REDIS_HOST"], environ.get("REDIS_PORT") or "6379", environ.get("REDIS_PASSWORD", "")
    if not all(char.isalnum() or char in ".-_:%" for char in host):
        raise ConfigError("REDIS_HOST", "allowed: the name or the address of a host")
    if not (port.isascii() and port.isdigit() and len(port) <= 5 and 0 < int(port) < 65536):
        raise ConfigError("REDIS_PORT", "allowed: a port from 1 to 65535")
    login = f":{_quote(password)}@" if password else ""
    url = f"redis://{login}{f'[{host}]' if ':' in host else host}:{port}/0"
    _require_url(url, "REDIS_HOST")
    return url


def _quote(text: str) -> str:
    data = text.encode("utf-8", "surrogateescape")
    return "".join(chr(byte) if chr(byte).isalnum() and byte < 128 else f"%{byte:02X}" for byte in data)


def _read_file(cache: str, path: str, scope: str) -> tuple[dict[str, object], list[dict[str, object]], list[str]]:
    """Settings, rules and warnings of one TOML file, from its compiled form while the file is unchanged.

    TOML's reader costs a hook 20 ms, its compiled form 0.1 ms.
    """
    try:
        text = files.load(path, _CONFIG_CAP)
    except (FileNotFoundError, NotADirectoryError):
        return {}, [], []
    except OSError as fault:
        raise ConfigError(path, f"cannot be read: {fault.strerror}") from None
    from skillcache.digest import digest  # most people have no such file

    name = digest(path.encode("utf-8", "surrogateescape") + b"\0" + text)
    compiled = f"{compiled_folder(cache)}/{name}"
    known = _load_compiled(compiled)
    if known is None:
        from skillcache.configuration import parse  # tomllib is slow to import

        known = parse(text, path, scope)
        _save_compiled(compiled, known)
    return known


# Raised whenever `configuration.parse` gives another form: an older compiled file is then not used.
_COMPILED_VERSION = 4


def _load_compiled(path: str) -> tuple[dict[str, object], list[dict[str, object]], list[str]] | None:
    import marshal  # only beside a configuration file

    try:
        data = files.read(path, _CONFIG_CAP * 4)
        version, values, rules, warnings = marshal.loads(data or b"")  # noqa: S302 - our own private file
    except (OSError, EOFError, ValueError, TypeError):
        return None
    if version != _COMPILED_VERSION:
        return None
    return values, rules, warnings


def _save_compiled(path: str, known: tuple[dict[str, object], list[dict[str, object]], list[str]]) -> None:
    import marshal  # only beside a configuration file

    try:
        files.write(path, marshal.dumps((_COMPILED_VERSION, *known)))
    except OSError:
        return
