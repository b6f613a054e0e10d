"""Settings come from the environment, the project's file and the person's file, each within its rights."""

from pathlib import Path

import pytest

from skillcache.core.outcomes import ConfigError
from skillcache.core.paths import cache_folder, config_file
from skillcache.rules.rule import rules_of
from skillcache.settings import TABLE
from skillcache.settings.in_force import Settings, disabled, load


class Place:
    """A home and a project with configuration files."""

    def __init__(self, base: Path) -> None:
        self.user_file = base / "home/.config/skillcache/config.toml"
        self.project_file = base / "project/.claude/skillcache.toml"
        self.environ = {"HOME": str(base / "home")}
        self.project = str(base / "project")

    def write(self, *, user: str | None = None, project: str | None = None) -> None:
        for path, text in ((self.user_file, user), (self.project_file, project)):
            if text is not None:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)

    def load(self, **environ: str) -> Settings:
        return load({**self.environ, **environ}, self.project)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_defaults_without_any_file(place: Place) -> None:
    settings = place.load()
    assert settings.values == {setting.name: setting.default for setting in TABLE}
    assert settings.store == f"embedded:{place.environ['HOME']}/.cache/skillcache/store.sqlite3"
    assert (settings.rules, settings.warnings) == ([], [])


def test_nothing_is_written_where_no_file_is(place: Place) -> None:
    place.load()
    assert not Path(place.environ["HOME"]).exists()


def test_the_environment_wins_over_the_file(place: Place) -> None:
    place.write(user="min_duration = 3\n")
    assert place.load().number("min_duration") == 3
    assert place.load(SKILLCACHE_MIN_DURATION="0.5").number("min_duration") == 0.5


def test_an_unchanged_file_is_read_from_its_compiled_form(place: Place) -> None:
    place.write(user='ttl = 60\n[[rules]]\nmatch = "Bash(x)"\n')
    first = place.load()
    compiled = list(Path(first.cache, "compiled").iterdir())
    assert len(compiled) == 1
    again = place.load()
    assert (again.values, again.rules, again.warnings) == (first.values, first.rules, first.warnings)
    assert list(Path(first.cache, "compiled").iterdir()) == compiled


def test_a_changed_file_is_read_again_whatever_its_time_says(place: Place) -> None:
    place.write(user="ttl = 60\n")
    place.load()
    place.write(user="ttl = 61\n")
    assert place.load().number("ttl") == 61


@pytest.mark.parametrize("damage", [b"", b"x", b"\xe9\x00"])
def test_a_damaged_compiled_form_is_made_again(place: Place, damage: bytes) -> None:
    place.write(user="ttl = 60\n")
    cache = place.load().cache
    for path in Path(cache, "compiled").iterdir():
        path.write_bytes(damage)
    assert place.load().number("ttl") == 60


def test_a_project_may_not_redirect_the_store_or_loosen_anything(place: Place) -> None:
    place.write(project='redis_url = "redis://elsewhere"\nverify = 0\nmin_duration = 0\ndisable = true\n')
    settings = place.load()
    assert settings.store.startswith("embedded:")
    assert (settings.number("verify"), settings.number("min_duration")) == (0.02, 1.0)
    assert settings.flag("disable") is True
    assert settings.warnings == [
        f"{place.project_file}: {name} is ignored: a project's file may not set it"
        for name in ("redis_url", "verify", "min_duration")
    ]


def test_what_may_differ_is_said_by_the_person_alone(place: Place) -> None:
    rule = '[[rules]]\nmatch = "Bash(make verify:*)"\n'
    place.write(project=f'{rule}normalize = ["(a+)+$"]\nttl = 60\n', user=f'{rule}normalize = ["seed=[0-9]+"]\n')

    settings = place.load()

    assert settings.warnings == [f"{place.project_file}, rule 1: normalize is ignored: a project's file may not set it"]
    # The project's rule is the one that counts, and levels by what the person says of the same calls.
    (first, _own) = rules_of(settings)
    assert (first.ttl, first.normalize) == (60, ("seed=[0-9]+",))


def test_only_the_person_has_commands_run_ahead(place: Place) -> None:
    rule = '[[rules]]\nmatch = "Bash(*)"\nahead = true\n'
    place.write(project=f'{rule}[[rules]]\nmatch = "Bash(make verify:*)"\nahead = true\nttl = 60\n')

    settings = place.load()

    said = "ahead is ignored: a project's file may not set it but to false"
    assert settings.warnings == [f"{place.project_file}, rule {n}: {said}" for n in (1, 2)]
    assert not settings.ahead
    # The rest of a rule goes on, and one of nothing else names no call.
    assert [(each.pattern, each.ttl, each.ahead) for each in rules_of(settings)] == [("Bash(make verify:*)", 60, None)]

    place.write(user=rule, project='[[rules]]\nmatch = "Bash(make verify:*)"\nahead = false\n')
    settings = place.load()
    assert (settings.ahead, settings.warnings) == (True, [])
    assert [(each.ahead, each.adds) for each in rules_of(settings)] == [(False, True), (True, True)]


@pytest.mark.parametrize("said", ["", "ahead = false\n"])
def test_nothing_runs_ahead_unless_a_rule_says_so(place: Place, said: str) -> None:
    place.write(user=f'[[rules]]\nmatch = "Bash(x)"\n{said}')
    assert not place.load().ahead


def test_an_unknown_name_warns(place: Place) -> None:
    place.write(user='later = 1\n[[rules]]\nmatch = "Bash(x)"\nsooner = 2\n')
    settings = place.load()
    assert settings.warnings == [
        f"{place.user_file}: later is not a setting of this version",
        f"{place.user_file}, rule 1: sooner is not a field of this version",
    ]
    assert settings.rules == [{"match": "Bash(x)", "origin": str(place.user_file)}]


@pytest.mark.parametrize(
    "match",
    [
        *("mcp__*", "mcp__words", "mcp__w*__count", "mcp__plugin_a_b__c.d", " Agent "),
        *("WebFetch(domain:*.a-b.example)", "WebFetch(domain:*)"),
    ],
)
def test_a_pattern_that_names_calls_is_taken_without_its_blanks(place: Place, match: str) -> None:
    place.write(user=f'[[rules]]\nmatch = "{match}"\n')
    assert place.load().rules == [{"match": match.strip(), "origin": str(place.user_file)}]


def test_rules_of_both_files_are_kept_in_order(place: Place) -> None:
    place.write(
        user='[[rules]]\nmatch = "Bash(a)"\nenv = ["X"]\nfailures = true\n',
        project='[[rules]]\nmatch = "Bash(b:*)"\ndepends = ["src/**"]\nttl = 60\n',
    )
    assert place.load().rules == [
        {"match": "Bash(a)", "origin": str(place.user_file), "env": ["X"], "failures": True},
        {"match": "Bash(b:*)", "origin": str(place.project_file), "depends": ["src/**"], "ttl": 60},
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ttl = 0", "ttl cannot be 0; allowed: a whole number of seconds from 1 to 31536000"),
        ('ttl = "x"', "ttl cannot be 'x'; allowed: a whole number of seconds from 1 to 31536000"),
        ("disable = 1", "disable cannot be 1; allowed: true or false"),
        ("verify = 1.5", "verify cannot be 1.5; allowed: a number from 0 to 1"),
        ('redis_url = "http://u:secret@h"', "a Redis URL begins with redis://, rediss://, unix://, "),
        ('redis_url = ["redis://u:secret@h"]', "redis_url cannot be this value; allowed: a Redis URL"),
        ('[rules]\nmatch = "Bash(x)"', "rules must be tables, each begun by a line [[rules]]"),
        ('[[rules]]\nmatch = "Bash(x)"\nahead = 1', "ahead cannot be 1; allowed: true or false"),
        ('[[rules]]\nmatch = "WebSearch"\nahead = true', "ahead says nothing of WebSearch; it is for Bash"),
        ('[[rules]]\nmatch = "mcp__"', "match cannot be 'mcp__'; allowed: a pattern such as"),
        ('[[rules]]\nmatch = "mcp__words__"', "match cannot be 'mcp__words__'"),
        ('[[rules]]\nmatch = "mcp____count"', "match cannot be 'mcp____count'"),
        ('[[rules]]\nmatch = "WebFetch(domain:)"', "match cannot be 'WebFetch(domain:)'"),
        ('[[rules]]\nmatch = "WebFetch(domain:https://example.org/)"', "match cannot be"),
        ('[[rules]]\nmatch = "WebSearch"\ninvalidated_by = ["mcp__"]', "invalidated_by cannot be ['mcp__']"),
        ('[[rules]]\nmatch = "WebSearch"\ninvalidated_by = ["mcp__a__b(c)"]', "invalidated_by cannot be"),
        ('[[rules]]\nmatch = "Bash(x)"\nnormalize = ["("]', "rule 1: normalize cannot hold '(': '(' cannot be read"),
        ('[[rules]]\nmatch = "Bash(x)"\nnormalize = ["(a+)+$"]', "rule 1: normalize cannot hold '(a+)+$': "),
        ("rules = 1", "rules must be tables, each begun by a line [[rules]]"),
        ("[[rules]]", 'rule 1: needs a pattern: match = "Bash(pytest:*)"'),
        ('[[rules]]\nmatch = "Bash("', "the parenthesis must close at the end"),
        ('[[rules]]\nmatch = "Bash"', "allowed: a pattern such as"),
        ('[[rules]]\nmatch = "Bash(x)"\ndepends = []', "depends cannot be []; allowed: paths below the project's root"),
        ('[[rules]]\nmatch = "Bash(x)"\ndepends = ["../x"]', "depends cannot be ['../x']"),
        ('[[rules]]\nmatch = "Bash(x)"\nreads = [""]', "reads cannot be ['']; allowed: paths from the project's root"),
        ('[[rules]]\nmatch = "Bash(x)"\ntools = "jq"', "tools cannot be 'jq'; allowed: programs"),
        ('[[rules]]\nmatch = "Bash(x)"\nlive = false', "live cannot be False; allowed: true, or a whole number"),
        ('[[rules]]\nmatch = "WebSearch"\nlive = true', "live says nothing of WebSearch; it is for Bash"),
        ('[[rules]]\nmatch = "Bash(x)"\nenabled = "no"', "enabled cannot be 'no'; allowed: true or false"),
        ("x = ", "is not TOML: "),
        ("x = " + "[" * 100_000, "nested too deeply"),
        ("x = " + "{a=" * 20_000, "nested too deeply"),
        ("x = " + "9" * 5_000, "too many digits"),
        ("a" + ".a" * 100_000 + " = 1", "a line of too many dots"),
        ("[" + '\'a\' . "\\"" .' * 50_000 + "a]", "a line of too many dots"),
        ("x = " + "a" * 900_000, "is not TOML: "),
    ],
)
def test_a_bad_value_says_where_it_is_and_what_is_allowed(place: Place, text: str, message: str) -> None:
    place.write(user=text)
    with pytest.raises(ConfigError) as caught:
        place.load()
    shown = str(caught.value)
    assert message in shown
    assert "secret" not in shown
    if "parenthesis" not in message:
        assert str(place.user_file) in shown


def test_a_file_that_is_not_text_is_refused(place: Place) -> None:
    place.write(user="")
    place.user_file.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        place.load()


@pytest.mark.parametrize(
    ("name", "text"), [("SKILLCACHE_TTL", "x"), ("SKILLCACHE_VERIFY", "2"), ("SKILLCACHE_REDIS_URL", "h")]
)
def test_a_bad_variable_is_named(place: Place, name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=name):
        place.load(**{name: text})


@pytest.mark.parametrize(
    ("environ", "store"),
    [
        ({"SKILLCACHE_REDIS_URL": "redis://a", "REDIS_URL": "redis://b"}, "redis://a"),
        ({"REDIS_URL": "rediss://b", "REDIS_HOST": "c"}, "rediss://b"),
        ({"REDIS_HOST": "c"}, "redis://c:6379/0"),
        ({"REDIS_HOST": "::1", "REDIS_PORT": "7", "REDIS_PASSWORD": "p@:/é"}, "redis://:p%40%3A%2F%C3%A9@[::1]:7/0"),
    ],
)
def test_the_store_is_named_by_the_first_variable_of_the_list(
    place: Place, environ: dict[str, str], store: str
) -> None:
    place.write(user='redis_url = "redis://from-file"\n')
    assert place.load(**environ).store == store


@pytest.mark.parametrize(
    ("environ", "where"),
    [
        ({"SKILLCACHE_REDIS_URL": "redis://:secret@h?family=0"}, "SKILLCACHE_REDIS_URL: a Redis URL "),
        ({"CLAUDE_PLUGIN_OPTION_REDIS_URL": "redis://:secret@h/x"}, "SKILLCACHE_REDIS_URL: a Redis URL "),
        (
            {"REDIS_URL": "rediss://:secret@h?ssl_cert_reqs=maybe"},
            "REDIS_URL: a Redis URL has ssl_cert_reqs ",
        ),
        ({"REDIS_URL": "redis://:secret\udcff@h"}, "REDIS_URL: a Redis URL is UTF-8 text on one line"),
        ({"REDIS_HOST": "a/b", "REDIS_PASSWORD": "secret"}, "REDIS_HOST: allowed: the name or the address of a host"),
        ({"REDIS_HOST": "a", "REDIS_PORT": "70000"}, "REDIS_PORT: allowed: a port from 1 to 65535"),
        ({"REDIS_HOST": "a", "REDIS_PORT": "٣"}, "REDIS_PORT: allowed: a port from 1 to 65535"),
    ],
)
def test_a_url_that_is_none_is_named_by_its_variable(place: Place, environ: dict[str, str], where: str) -> None:
    with pytest.raises(ConfigError) as caught:
        place.load(**environ)
    assert str(caught.value).startswith(where)
    assert "secret" not in str(caught.value)


def test_the_file_names_the_store_where_no_variable_does(place: Place) -> None:
    place.write(user='redis_url = "redis://from-file"\n')
    assert place.load().store == "redis://from-file"


@pytest.mark.parametrize(
    ("text", "off"), [("1", True), ("true", True), ("please", True), ("0", False), ("", False), ("no", False)]
)
def test_one_variable_switches_everything_off(text: str, off: bool) -> None:
    assert disabled({"SKILLCACHE_DISABLE": text, "HOME": "/home/somebody"}) is off


@pytest.mark.parametrize("home", [{}, {"HOME": ""}, {"HOME": "/"}])
def test_where_no_folder_is_the_persons_everything_is_off(home: dict[str, str]) -> None:
    assert disabled(home)
    assert not disabled({**home, "SKILLCACHE_HOME": "/srv/somebody"})


@pytest.mark.parametrize("home", ["", "/", "/home/me", "/home/me/"])
def test_our_folders_are_below_the_home_folder_however_it_is_written(home: str) -> None:
    base = home.rstrip("/")
    assert cache_folder({"HOME": home}) == f"{base}/.cache/skillcache"
    assert config_file({"HOME": home}) == f"{base}/.config/skillcache/config.toml"


def test_without_a_home_folder_ours_are_below_the_root() -> None:
    assert cache_folder({}) == "/.cache/skillcache"
