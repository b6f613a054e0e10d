"""Commands in a terminal act on the store that Claude Code gives to the hooks, and say so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from skillcache.cli.setup.client_environment import completed, given_by_client, of_hooks
from tests.cli.conftest import Person
from tests.conftest import RedisServer, empty_redis

URL = "SKILLCACHE_REDIS_URL"


def write(path: Path, **env: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"env": env, "model": "opus"}))
    return path


def trust(person: Person, folder: Path) -> None:
    projects = {str(folder): {"hasTrustDialogAccepted": True}}
    (person.home / ".claude.json").write_text(json.dumps({"projects": projects}))


@pytest.fixture
def project(person: Person) -> Path:
    folder = person.home / "work" / "project"
    (folder / ".git").mkdir(parents=True)
    return folder


@pytest.mark.parametrize("words", [("stats",), ("entries", "list"), ("state", "list"), ("note", "list"), ("agents",)])
def test_a_command_acts_on_the_store_of_the_hooks_and_says_so(
    person: Person, request: pytest.FixtureRequest, words: tuple[str, ...]
) -> None:
    write(person.settings, SKILLCACHE_REDIS_URL=empty_redis(request, "redis"), PATH="/nowhere")

    ran = person.skillcache(*words)

    assert ran.status == 0
    assert ran.err == f"skillcache: acts on the store of {URL} in {person.settings}, as the hooks do\n"


def test_what_one_terminal_stores_another_finds(person: Person, redis_server: RedisServer) -> None:
    write(person.settings, REDIS_HOST="127.0.0.1", REDIS_PORT=str(redis_server.port))
    person.variables["SKILLCACHE_MIN_DURATION"] = "0"
    folder = person.home / "p"
    folder.mkdir()
    person.skillcache("state", "set", "stage", "1")
    ran = person.skillcache("run", "--skill", "r", "--", "sh", "-c", "echo ${REDIS_HOST:-none}", folder=folder)

    assert (ran.out, ran.err) == ("none\n", "")  # the command's own environment is as it was
    assert redis_server.command("DBSIZE") != b":0\r\n"
    assert redis_server.command("KEYS", "skill_cache:r:*").startswith(b"*1\r\n")


def test_a_url_of_the_client_that_is_none_is_named_with_its_file_and_holds_up_no_script(person: Person) -> None:
    write(person.settings, SKILLCACHE_REDIS_URL="redis://h:x")

    ran = person.skillcache("run", "--", "echo", "ran")

    assert (ran.status, ran.out) == (0, "ran\n")
    assert ran.err.startswith(f"skillcache: {URL}: a Redis URL has a port ")
    assert f". Mend: correct {URL} of {person.settings}\n" in person.skillcache("doctor").out


def test_what_the_terminal_names_comes_first_and_the_difference_is_said(
    person: Person, redis_server: RedisServer
) -> None:
    write(person.settings, SKILLCACHE_REDIS_URL="redis://127.0.0.1:1/0")
    person.variables["REDIS_URL"] = redis_server.url

    ran = person.skillcache("entries", "list")

    said = f"skillcache: acts on the store of REDIS_URL; the hooks are given another one by {person.settings}\n"
    assert (ran.status, ran.err) == (0, said)
    found = person.skillcache("doctor").out
    assert "mend  store: Redis at 127.0.0.1:1, database 0: the store could not be reached: ECONNREFUSED" in found
    assert f"correct {URL} of {person.settings}\n" in found
    assert (
        f"note  store: hooks act on Redis at 127.0.0.1:1, database 0, commands in this terminal on Redis at"
        f" 127.0.0.1:{redis_server.port}, database 0. Mend: unset REDIS_URL, or make both the same\n"
    ) in found


def test_doctor_says_by_what_both_act_on_one_store(person: Person, redis_server: RedisServer) -> None:
    write(person.settings, SKILLCACHE_REDIS_URL=redis_server.url)
    found = person.skillcache("doctor")
    assert found.err == ""
    assert (
        f"ok    store: hooks and the commands in this terminal act on it, by {URL} of {person.settings}\n" in found.out
    )


def test_doctor_finds_hooks_that_the_clients_settings_switch_off(person: Person) -> None:
    write(person.settings, SKILLCACHE_DISABLE="1")
    assert "mend  configuration: SKILLCACHE_DISABLE switches skillcache off" in person.skillcache("doctor").out


def test_the_file_that_the_client_lets_win_counts(person: Person, project: Path) -> None:
    trust(person, project.parent)
    below = project / "src"
    files = [
        write(person.settings, SKILLCACHE_TEAM="user", SKILLCACHE_TTL="1"),
        write(project / ".claude/settings.json", SKILLCACHE_TEAM="project", SKILLCACHE_TTL=2, SKILLCACHE_HOME="/x"),
        write(project / ".claude/settings.local.json", SKILLCACHE_TEAM="local"),
        write(below / ".claude/settings.json", SKILLCACHE_TEAM="below", OTHER="x"),
    ]

    given = given_by_client(person.variables, str(below))

    assert {name: (each.value, each.path) for name, each in given.items()} == {
        "SKILLCACHE_TEAM": ("local", str(files[2])),
        "SKILLCACHE_TTL": ("1", str(files[0])),
        "SKILLCACHE_HOME": ("/x", str(files[1])),
    }
    assert given_by_client(person.variables, str(project.parent))["SKILLCACHE_TEAM"].value == "user"


def test_a_cloned_repository_does_not_choose_the_store(person: Person, project: Path) -> None:
    path = write(project / ".claude/settings.json", SKILLCACHE_REDIS_URL="redis://127.0.0.1:1/0", SKILLCACHE_HOME="/x")

    ran = person.skillcache("entries", "list", folder=project)

    words = "names a store for hooks, and does not count here: Claude Code was not told to trust this folder"
    assert ran == (0, "0 entries of this project, 0 bytes.\n", f"skillcache: {path} {words}\n")
    noted = f"note  store: {path} names a store for hooks, which counts once Claude Code was told to trust it\n"
    assert noted in person.skillcache("doctor", "--project", str(project)).out


@pytest.mark.parametrize("content", ["", "[]", "{", '{"env": []}', '{"env": {"SKILLCACHE_TEAM": 1}}', "\0", "9" * 9999])
def test_a_file_of_another_form_gives_nothing(person: Person, content: str) -> None:
    person.write_settings(content.encode())
    (person.home / ".claude.json").write_text(content)
    assert given_by_client(person.variables, str(person.home)) == {}


def test_within_a_session_nothing_is_taken(person: Person) -> None:
    write(person.settings, SKILLCACHE_TEAM="acme", REDIS_URL="redis://h")
    inside = of_hooks(person.variables, str(person.home))
    assert completed(inside, str(person.home)) == inside
    assert inside == {**person.variables, "SKILLCACHE_TEAM": "acme", "REDIS_URL": "redis://h"}
