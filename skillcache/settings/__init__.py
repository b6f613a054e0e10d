"""What is set: the table of settings, the files and variables in force, and whether our folder may be trusted."""

from skillcache.core import Record
from skillcache.core.outcomes import ConfigError

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
        "path": (isinstance(value, str) and value[:1] in ("/", "~"), "a path from / or ~/"),
        "names": (_are_writers(value), 'a list of writers, such as ["ci@acme", "ci@*"]'),
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
