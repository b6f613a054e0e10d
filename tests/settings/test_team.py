"""Where a team's keys come from: a file of the person's own or the environment, nothing that a project can write."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from skillcache.core import counts
from skillcache.core.outcomes import ConfigError
from skillcache.settings.in_force import keys_in_force
from tests.conftest import RedisServer
from tests.events.conftest import Place as Workshop
from tests.events.conftest import place as workshop_fixture
from tests.settings.test_in_force import Place, place

workshop, _place = workshop_fixture, place
SECRET, OTHER = "0123456789abcdef" * 4, "fedcba9876543210" * 4
REDIS = {"SKILLCACHE_REDIS_URL": "redis://127.0.0.1:1/0"}


def key_file(place: Place, text: str = SECRET, mode: int = 0o600) -> str:
    path = Path(place.environ["HOME"], "team.keys")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_without_a_key_nothing_is_loaded(place: Place) -> None:
    settings = place.load(**REDIS)
    assert settings.keys is None
    assert type(settings.store) is str
    assert keys_in_force(place.environ, place.project) is None


def test_they_come_from_a_file_or_the_environment(place: Place) -> None:
    path = key_file(place, f"# ours\n\n{SECRET}\n{OTHER}  ci@acme\n")
    for more in ({"SKILLCACHE_TEAM_KEY_FILE": path}, {"SKILLCACHE_TEAM_KEY": f"{SECRET},{OTHER} ci@acme"}):
        keys = place.load(**REDIS, **more, USER="alice").keys
        assert keys is not None
        assert [key.writer for key in keys.keys] == ["", "ci@acme"]
        assert keys.writer == f"alice@{os.uname().nodename}"
    place.write(user='team_key_file = "~/team.keys"\nwriters = ["ci@acme", "build@*"]\n')
    keys = place.load(**REDIS).keys
    assert keys is not None
    assert keys.writers == ("ci@acme", "build@*")
    assert [keys.trusts(name) for name in ("ci@acme", "build@two", "ci@acme2", "x@build@")] == [
        True,
        True,
        False,
        False,
    ]
    own = keys_in_force(place.environ, place.project)
    assert own is not None
    assert [key.id for key in own.keys] == [key.id for key in keys.keys]


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        (SECRET, 0o640, "others may use it. Mend: chmod 600 {path}"),
        (SECRET, 0o604, "others may use it. Mend: chmod 600 {path}"),
        ("", 0o600, "holds no key. Mend: skillcache team key, or unset it"),
        ("# " + SECRET, 0o600, "holds no key"),
        ("short", 0o600, "line 1 is too short or too plain to be a key: at least 32 random characters"),
        ("a" * 64, 0o600, "line 1 is too short or too plain"),
        (f"{SECRET}\n{SECRET}", 0o600, "line 2 repeats a key"),
        (f"{SECRET} ci", 0o600, "line 1 is no key and, behind a blank, the name of whose alone it is"),
        (f"{SECRET} ci@acme more", 0o600, "line 1 is no key"),
        ("é" * 40, 0o600, "line 1 holds other signs"),
        ("x" * 70_000, 0o600, "is too large"),
    ],
)
def test_a_file_that_cannot_be_used_says_what_mends_it(place: Place, text: str, mode: int, said: str) -> None:
    path = key_file(place, text, mode)
    with pytest.raises(ConfigError) as raised:
        place.load(**REDIS, SKILLCACHE_TEAM_KEY_FILE=path)
    assert raised.value.where == path
    assert said.format(path=path) in raised.value.message
    assert SECRET not in str(raised.value)


def test_nobody_else_can_put_another_in_its_place(place: Place, tmp_path: Path) -> None:
    """As one with a key that was taken out, which lies beside it."""
    folder = tmp_path / "shared"
    folder.mkdir()
    path = folder / "team.keys"
    path.write_text(SECRET)
    path.chmod(0o600)
    link = Path(place.environ["HOME"], "link")
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(path)
    for mode, is_used in ((0o755, True), (0o777, False), (0o1777, True)):
        folder.chmod(mode)
        for each in (path, link):
            if is_used:
                assert place.load(**REDIS, SKILLCACHE_TEAM_KEY_FILE=str(each)).keys is not None
                continue
            with pytest.raises(ConfigError, match=f"others may write in {folder}. Mend: chmod go-w {folder}"):
                place.load(**REDIS, SKILLCACHE_TEAM_KEY_FILE=str(each))


def test_one_that_is_not_there_or_no_file_is_not_passed_over(place: Place, tmp_path: Path) -> None:
    for path in (f"{tmp_path}/none", str(tmp_path)):
        with pytest.raises(ConfigError, match="Mend: skillcache team key"):
            place.load(**REDIS, SKILLCACHE_TEAM_KEY_FILE=path)
    with pytest.raises(ConfigError, match="holds no key"):
        place.load(**REDIS, SKILLCACHE_TEAM_KEY="")  # as a secret that a fork is not given
    with pytest.raises(ConfigError, match="allowed: a path from / or ~/"):
        place.load(**REDIS, SKILLCACHE_TEAM_KEY_FILE="team.keys")


def test_a_project_names_no_key_and_nobody_to_trust(place: Place) -> None:
    """Neither by its file, nor by the client's settings, nor by a file that lies in it."""
    path = key_file(place)
    place.write(user=f'team_key_file = "{path}"\n', project='team_key_file = "/etc/hostname"\nwriters = ["eve@x"]\n')
    Path(place.project, ".git").mkdir(parents=True)
    settings = place.load(**REDIS)
    assert settings.keys is not None
    assert (settings.word("team_key_file"), settings.keys.writers) == (path, ())
    assert [warning.partition(": ")[2] for warning in settings.warnings] == [
        f"{name} is ignored: a project's file may not set it" for name in ("team_key_file", "writers")
    ]
    inner = Path(place.project, "team.keys")
    inner.write_text(OTHER)
    inner.chmod(0o600)
    link = Path(place.environ["HOME"], "link")
    link.symlink_to(inner)
    for each in (inner, link):
        with pytest.raises(ConfigError, match="lies in the project"):
            place.load(**REDIS, SKILLCACHE_TEAM_KEY_FILE=str(each))


@pytest.mark.parametrize("variable", ["SKILLCACHE_TEAM_KEY", "SKILLCACHE_TEAM_KEY_FILE", "SKILLCACHE_WRITERS"])
def test_where_a_project_sets_whom_to_trust_nothing_is_read(place: Place, variable: str) -> None:
    """The client gives what a project says in the place of the person's own: without it nothing would be verified."""
    values = {"SKILLCACHE_TEAM_KEY": OTHER, "SKILLCACHE_TEAM_KEY_FILE": key_file(place), "SKILLCACHE_WRITERS": "*"}
    Path(place.project, ".git").mkdir(parents=True)
    file = Path(place.project, ".claude/settings.json")
    file.parent.mkdir()
    said = f"sets {variable}, whom to trust. Mend: take it out of that file"
    texts = {json.dumps({"env": {variable: values[variable]}}): said, '{"env": {"\\u0053KILLCACHE": 1': "Mend: take it"}
    for text, told in texts.items():
        file.write_text(text)
        with pytest.raises(ConfigError, match=told):
            place.load(**REDIS, **{variable: values[variable]})
    file.write_text('{"env": {"OTHER": "1"}}')
    place.load(**REDIS, **{variable: values[variable]})


def test_hooks_and_commands_go_on_without_a_store(workshop: Workshop, redis_server: RedisServer) -> None:
    workshop.environ |= {"SKILLCACHE_REDIS_URL": redis_server.url}
    ran, _ = workshop.call("pytest -q")
    assert workshop.call("pytest -q") == (ran, True)
    workshop.environ["SKILLCACHE_TEAM_KEY"] = "short"
    before = redis_server.command("DBSIZE")
    assert workshop.call("pytest -q") == (ran, False)
    assert workshop.ask(workshop.before("WebFetch", {"url": "https://x.org", "prompt": "x"})) == {}
    assert redis_server.command("DBSIZE") == before
    assert counts.read(str(workshop.cache))[-1].outcome.name == "bad_config"
