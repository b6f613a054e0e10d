"""`skillcache config`: every setting in force, with its unit and where it comes from."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from skillcache.cli.schemas import Config
from skillcache.settings import TABLE
from tests.cli.conftest import Person


@pytest.fixture
def project(person: Person) -> Path:
    folder = person.home / "project"
    (folder / ".claude").mkdir(parents=True)
    return folder


def configure(person: Person, text: str) -> Path:
    path = person.home / ".config" / "skillcache" / "config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def changed(person: Person, folder: Path) -> list[str]:
    ran = person.skillcache("config", folder=folder)
    assert (ran.status, ran.err) == (0, "")
    return [line for line in ran.out.splitlines() if not line.startswith("(default) ")]


def test_without_a_word_all_are_defaults(person: Person) -> None:
    cache = person.cache

    assert person.skillcache("config") == (
        0,
        f"""(default) disable = false
(default) redis_url = the embedded store {cache}/store.sqlite3
(default) min_duration = 1.0 seconds
(default) min_duration_declared = 0.1 seconds
(default) ttl = 86400 seconds
(default) failures_ttl = 600 seconds
(default) max_output = 5000000 bytes
(default) max_store = 1073741824 bytes
(default) capture_time = 2.0 seconds
(default) verify = 0.02
(default) observe = false
(default) serve.web = "on"
(default) team = ""
(default) team_mode = "write"
(default) wait = 300.0 seconds
(default) near_cache = 60.0 seconds
(default) record.sessions = true
(default) record.prompts = true
(default) record.ttl = 2592000 seconds
(default) brief.size = 2000 characters
(default) messages.deliver = false
(default) messages.from = "user"
(default) team_key_file = ""
(default) writers = []
(default) ahead_load = 1.0
(default) SKILLCACHE_HOME = {cache}
""",
        "",
    )


def test_says_who_has_set_what(person: Person, project: Path) -> None:
    own = configure(person, "ttl = 3600\nwait = 5\nverify = 1\n[record]\nprompts = false\n")
    (project / ".claude" / "skillcache.toml").write_text("disable = true\n")
    person.variables |= {"SKILLCACHE_WAIT": "7", "SKILLCACHE_HOME": f"{person.home}/kept"}

    assert changed(person, project) == [
        f"({project}/.claude/skillcache.toml) disable = true",
        f"({own}) ttl = 3600 seconds",
        f"({own}) verify = 1",
        "(SKILLCACHE_WAIT) wait = 7.0 seconds",
        f"({own}) record.prompts = false",
        f"(SKILLCACHE_HOME) SKILLCACHE_HOME = {person.home}/kept",
    ]


def test_what_the_client_gives_to_hooks_is_in_force_here_too(person: Person, project: Path) -> None:
    person.write_settings(b'{"env": {"SKILLCACHE_TTL": "60"}}')

    assert changed(person, project) == [f"(SKILLCACHE_TTL of {person.settings}) ttl = 60 seconds"]


def test_an_option_of_the_plugin_is_named_as_such(person: Person, project: Path) -> None:
    person.variables["CLAUDE_PLUGIN_OPTION_TEAM"] = "reviewers"
    assert changed(person, project) == ['(CLAUDE_PLUGIN_OPTION_TEAM) team = "reviewers"']

    person.variables["SKILLCACHE_TEAM"] = "builders"
    assert changed(person, project) == ['(SKILLCACHE_TEAM) team = "builders"']


@pytest.mark.parametrize(
    ("variables", "origin"),
    [
        ({"SKILLCACHE_REDIS_URL": "redis://me:secret@cache.example:6380/2"}, "SKILLCACHE_REDIS_URL"),
        ({"REDIS_URL": "redis://me:secret@cache.example:6380/2"}, "REDIS_URL"),
        ({"REDIS_HOST": "cache.example", "REDIS_PORT": "6380", "REDIS_PASSWORD": "secret"}, "REDIS_HOST"),
    ],
)
def test_no_password_is_shown(person: Person, variables: dict[str, str], origin: str) -> None:
    person.variables |= variables
    number = 0 if origin == "REDIS_HOST" else 2

    ran, told = person.skillcache("config"), person.skillcache("config", "--json")

    assert f"({origin}) redis_url = Redis at cache.example:6380, database {number}\n" in ran.out
    assert "secret" not in ran.out + ran.err + told.out + told.err


def test_what_is_ignored_is_said_at_the_end(person: Person, project: Path) -> None:
    own = configure(person, "tll = 5\n")
    theirs = project / ".claude" / "skillcache.toml"
    theirs.write_text("ttl = 5\n")

    assert changed(person, project) == [
        f"ignored: {own}: tll is not a setting of this version",
        f"ignored: {theirs}: ttl is ignored: a project's file may not set it",
    ]


def test_an_invalid_file_is_a_fault(person: Person) -> None:
    own = configure(person, "ttl = 0\n")

    assert person.skillcache("config") == (
        1,
        "",
        (
            f"skillcache: {own}: ttl cannot be 0; allowed: a whole number of seconds from 1 to 31536000."
            " Check with: skillcache doctor\n"
        ),
    )


def test_the_same_as_json(person: Person, project: Path) -> None:
    own = configure(person, "ttl = 3600\ntll = 5\n")

    text = person.skillcache("config", "--json", folder=project).out
    told = json.loads(text)

    Config.model_validate_json(text)
    assert [each["name"] for each in told["settings"]] == [*(setting.name for setting in TABLE), "SKILLCACHE_HOME"]
    assert told["settings"][4] == {
        "name": "ttl",
        "value": 3600,
        "unit": "seconds",
        "origin": "user",
        "where": str(own),
    }
    assert told["settings"][0] == {
        "name": "disable",
        "value": False,
        "unit": None,
        "origin": "default",
        "where": None,
    }
    assert told["warnings"] == [f"{own}: tll is not a setting of this version"]
