"""The settings in force for one call.

Precedence: environment, then the project's file (only settings of scope "project"), then the person's file, then
the default. A file checked into a project may not redirect the store, move files or switch verification off: neither
its own nor its settings of Claude Code, whose `env` the client gives to hooks as if the person had set it.
"""

import sys

from skillcache.core import KW_ONLY, Record, field, files
from skillcache.core.outcomes import ConfigError
from skillcache.core.paths import (
    HOME_VARIABLE,
    cache_folder,
    compiled_folder,
    config_file,
    embedded_store,
    home_folder,
    project_config_file,
)
from skillcache.settings import (
    FALSE,
    OPTIONS,
    PROJECT,
    TABLE,
    USER,
    from_text,
    require_folder,
    require_url,
    set_by_project,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillcache.stores.signed import Keys


# What only the person may set.
_PERSONS = (
    *(setting.variable for setting in TABLE if setting.scope == USER),
    *OPTIONS.values(),
    *("REDIS_URL", "REDIS_HOST", "REDIS_PORT", "REDIS_PASSWORD"),
)

_TEAM_KEY = "SKILLCACHE_TEAM_KEY"  # the keys themselves, which no file of settings holds
_CONFIG_CAP = 1 << 20


class Settings(Record):
    """The values in force."""

    values: dict[str, object]
    _: KW_ONLY
    cache: str
    store: str  # what `stores.open_store` takes
    rules: list[dict[str, object]]  # the person's rules, project's last
    warnings: list[str]  # sentences about what was ignored, for `doctor`
    named: str = ""  # the variable or file that names the store, "" for the embedded one
    origins: dict[str, str] = field(default_factory=dict)  # the same for each setting that is not at its default
    keys: "Keys | None" = None  # those of the person's team, which `store` bears too where that is a Redis

    __repr__ = object.__repr__  # a URL with a password is nothing for a traceback

    def number(self, name: str) -> float:
        value = self.values[name]
        assert isinstance(value, int | float)  # noqa: S101 - the table's kinds hold it
        return value

    def word(self, name: str) -> str:
        return str(self.values[name])

    def flag(self, name: str) -> bool:
        return self.values[name] is True

    @property
    def ahead(self) -> bool:
        """Whether anything may be run before it is asked for: some rule of the person's own says so."""
        return any(table.get("ahead") is True for table in self.rules)


def load(environ: "Mapping[str, str]", project: str) -> Settings:
    """Raises ConfigError for a value or a folder we cannot use, OSError for a file we may not read."""
    require_folder(environ, project)
    cache = cache_folder(environ)
    values = {setting.name: setting.default for setting in TABLE}
    origins: dict[str, str] = {}
    rules: list[dict[str, object]] = []
    warnings: list[str] = []
    for path, scope in ((config_file(environ), USER), (project_config_file(project), PROJECT)):
        given, more_rules, more_warnings = _read_file(cache, path, scope)
        values.update(given)
        origins.update(dict.fromkeys(given, path))
        rules.extend(more_rules)
        warnings.extend(more_warnings)
    environ, more_warnings = _without_the_projects(environ, project)
    warnings.extend(more_warnings)
    for setting in TABLE:
        text = _given(environ, setting.variable)
        if text is not None and (text or setting.kind == "flag"):
            values[setting.name] = from_text(setting, text)
            origins[setting.name] = _giver(environ, setting.variable)
    store, named = _store(values, environ) or (f"embedded:{embedded_store(cache)}", "")
    keys = _keys(values, project, environ, cache)
    if keys is not None and named:
        from skillcache.settings.team import signed_target  # few have a team

        store = signed_target(store, keys)
    return Settings(
        values, cache=cache, store=store, named=named, rules=rules, warnings=warnings, origins=origins, keys=keys
    )


def _keys(values: dict[str, object], project: str, environ: "Mapping[str, str]", cache: str) -> "Keys | None":
    """Raises ConfigError."""
    path, writers = values["team_key_file"], values["writers"]
    if not path and _TEAM_KEY not in environ:
        if "skillcache.settings.team" in sys.modules:
            sys.modules["skillcache.settings.team"].forget()
        return None
    from skillcache.settings.team import load_keys  # few have a team

    return load_keys(str(path), writers if isinstance(writers, list) else [], project, environ, cache)


def keys_in_force(environ: "Mapping[str, str]", project: str) -> "Keys | None":
    """For who was told of a store by another than the settings.

    Where these cannot be read and may name a team, nothing that others can have written counts. Raises ConfigError for
    a variable that is wrong.
    """
    import os  # a library's process

    named = any(name in environ for name in (_TEAM_KEY, "SKILLCACHE_TEAM_KEY_FILE"))
    if not named and not os.path.lexists(config_file(environ)):
        return None
    try:
        return load(environ, project).keys
    except (ConfigError, OSError):
        if named:
            raise
        from skillcache.settings.team import no_keys  # hardly ever

        return no_keys(environ, cache_folder(environ))


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


def _giver(environ: "Mapping[str, str]", variable: str) -> str:
    """The variable whose value `_given` gives."""
    option = OPTIONS.get(variable, "")
    return option if option in environ and not environ.get(variable) else variable


def is_homeless(environ: "Mapping[str, str]") -> bool:
    """Whether it names no folder of the person's: what is kept would lie in one that is everybody's."""
    return not (home_folder(environ) or environ.get(HOME_VARIABLE) or environ.get("XDG_CACHE_HOME"))


def disabled(environ: "Mapping[str, str]") -> bool:
    """Whether the environment alone switches us off: asked before anything else is read."""
    return is_homeless(environ) or environ.get("SKILLCACHE_DISABLE", "").strip().lower() not in FALSE


def _store(values: dict[str, object], environ: "Mapping[str, str]") -> tuple[str, str] | None:
    """The Redis URL in force and what names it, None for the embedded store."""
    named = values["redis_url"]
    if isinstance(named, str) and _given(environ, "SKILLCACHE_REDIS_URL"):
        return named, "SKILLCACHE_REDIS_URL"
    general = environ.get("REDIS_URL", "")
    if general:
        require_url(general, "REDIS_URL")
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
    require_url(url, "REDIS_HOST")
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
    from skillcache.core.files import digest  # most people have no such file

    name = digest(path.encode("utf-8", "surrogateescape") + b"\0" + text)
    compiled = f"{compiled_folder(cache)}/{name}"
    known = _load_compiled(compiled)
    if known is None:
        from skillcache.settings.configuration import parse  # tomllib is slow to import

        known = parse(text, path, scope)
        _save_compiled(compiled, known)
    return known


# Raised whenever `configuration.parse` gives another form: an older compiled file is then not used.
_COMPILED_VERSION = 7


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
