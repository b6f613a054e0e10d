"""`skillcache team`: how a team comes to keys and changes them, and what is said of who signed."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import redis

from skillcache.stores.entry import JSON
from tests.cli.conftest import Person
from tests.cli.test_explain import Asker, asker
from tests.conftest import RedisServer
from tests.settings.test_team import OTHER, SECRET

_asker = asker


def test_a_key_is_made_changed_and_taken_out(person: Person) -> None:
    assert person.skillcache("team").out.startswith("No team's keys are set: whoever writes to a shared Redis is")
    made = person.skillcache("team", "key")
    path = person.home / ".config/skillcache/team.keys"
    first = re.fullmatch(
        rf'{path}: the key (\w{{8}}) signs\.\nTo use it: team_key_file = "{path}" in .*/config\.toml, or'
        r" SKILLCACHE_TEAM_KEY_FILE\.\n",
        made.out,
    )
    assert first is not None, made
    assert path.stat().st_mode & 0o777 == 0o600
    again = person.skillcache("team", "key")
    assert (again.status, again.err) == (
        1,
        f"skillcache: {path} has 1 key. To add one: skillcache team key --add\n",
    )
    (person.home / ".config/skillcache/config.toml").write_text(f'team_key_file = "{path}"\nwriters = ["ci@acme"]\n')
    added = person.skillcache("team", "key", "--add", "--writer", "ci@acme")
    second = re.match(
        rf"{path}: the key (\w{{8}}) verifies\. Hand the file on, and then: skillcache team key", added.out
    )
    assert second is not None, added
    assert person.skillcache("team").out.splitlines()[1:3] == [
        f"  {first[1]}  shared, signs",
        f"  {second[1]}  of ci@acme alone",
    ]
    assert person.skillcache("team", "key", "--sign", second[1]).out == (
        f"{path}: the key {second[1]} signs; 1 other still verify.\n"
    )
    told = person.skillcache("team")
    assert told.out.splitlines() == [
        f"keys     of {path}",
        f"  {second[1]}  of ci@acme alone, signs",
        f"  {first[1]}  shared",
        "signs    as ci@acme",
        "trusts   ci@acme",
        "unused   the store is the embedded one, which is yours alone",
    ]
    assert [each["id"] for each in json.loads(person.skillcache("team", "--json").out)["keys"]] == [second[1], first[1]]
    assert person.skillcache("team", "key", "--drop", first[1]).out == (
        f"{path}: what {first[1]} has signed counts no more; {second[1]} signs.\n"
    )
    assert person.skillcache("team", "key", "--drop", first[1]).err.startswith(
        f"skillcache: {path} has no key {first[1]}."
    )
    only = person.skillcache("team", "key", "--drop", second[1]).err
    assert only == (
        f"skillcache: {second[1]} is the only key of {path}."
        " First put another in front: skillcache team key --add, then --sign\n"
    )
    assert person.skillcache("team", "key", "--writer", "ci").status == 2
    path.chmod(0o644)
    assert f"{path}: others may use it. Mend: chmod 600 {path}" in person.skillcache("team").err
    assert (
        person.skillcache("doctor").out.count(
            f"mend  team: {path}: others may use it; until then nothing is read from a store or written to one."
            f" Mend: chmod 600 {path}\n"
        )
        == 1
    )


def test_none_is_made_in_a_project(person: Person, tmp_path: Path) -> None:
    """Where it would be committed, and count for nobody."""
    (tmp_path / "clone/.git").mkdir(parents=True)
    for words in ((), ("--add",), ("--drop", "00000000")):
        ran = person.skillcache("team", "key", "--file", "team.keys", *words, folder=tmp_path / "clone")
        assert (ran.status, "lies in the project" in ran.err) == (1, True)
    assert not (tmp_path / "clone/team.keys").exists()


def test_explain_and_entries_say_who_signed_with_which_key(asker: Asker, redis_server: RedisServer) -> None:
    asker.place.environ |= {"SKILLCACHE_REDIS_URL": redis_server.url, "SKILLCACHE_TEAM_KEY": SECRET, "USER": "alice"}
    asker.variables = asker.place.environ | {"PATH": asker.variables["PATH"]}
    asker.run("pytest -q")
    id_ = json.loads(asker.skillcache("team", "--json").out)["keys"][0]["id"]
    signed = f"by alice@{os.uname().nodename} with the key {id_}"
    assert f"signed   {signed}" in asker.explain("--", "pytest", "-q").out.splitlines()
    entry = asker.json("pytest -q")["entry"]
    assert entry["signed"] == {"by": f"alice@{os.uname().nodename}", "key": id_}
    (listed,) = json.loads(asker.skillcache("entries", "list", "--all", "--json").out)
    assert f"  signed   {signed}\n" in asker.skillcache("entries", "show", listed["digest"]).out
    assert asker.skillcache("entries", "pin", listed["digest"]).status == 0
    assert "pinned: served whatever its age" in asker.skillcache("entries", "show", listed["digest"]).out
    assert asker.json("pytest -q")["outcome"] == "replayed"
    said = asker.skillcache("doctor", folder=asker.place.root).out
    assert f"ok    team: signs as alice@{os.uname().nodename} with the key {id_}; of {id_} it trusts all who" in said
    with redis.Redis.from_url(redis_server.url) as client:
        value = client.get(listed["key"])
        assert isinstance(value, bytes)
        client.set(listed["key"], value + b" ")
    for words in (("show",), ("pin",)):
        ran = asker.skillcache("entries", *words, listed["digest"])
        assert (ran.status, "no signature of the team's counts on it" in ran.err) == (1, True)


def test_a_miss_names_what_changed(asker: Asker, redis_server: RedisServer) -> None:
    """Though of values, files that git ignores and edited ones only keyed digests are kept."""
    asker.place.environ |= {"SKILLCACHE_REDIS_URL": redis_server.url, "SKILLCACHE_TEAM_KEY": SECRET, "DB": "one"}
    asker.variables = asker.place.environ | {"PATH": asker.variables["PATH"]}
    (asker.place.root / ".env").write_text("COLOUR=red\n")
    (asker.place.root / "app.py").write_text("edited\n")
    asker.run("pytest -q")
    (asker.place.root / ".env").write_text("COLOUR=green\n")
    asker.place.environ["DB"] = "two"
    asker.place.git("add", "-A")
    asker.place.git("commit", "-qm", "second")
    (asker.place.root / "notes.txt").write_text("two\n")
    changes = asker.json("pytest -q")["changes"]
    assert len(changes) == 3, changes
    assert {"notes.txt changed", "the variable DB changed"} < set(changes), changes
    assert any(".env" in each for each in changes)


def test_no_digest_is_one_that_others_can_make(asker: Asker, redis_server: RedisServer) -> None:
    """Of the same content, with the same passwords, another team's key makes every digest in an entry another."""
    asker.place.environ |= {"SKILLCACHE_REDIS_URL": redis_server.url, "DB_PASSWORD": "hunter2"}
    (asker.place.root / ".env").write_text("COLOUR=red\n")
    (asker.place.root / "untracked.txt").write_text("hunter2\n")
    (asker.place.base / "given.txt").write_text("hunter2\n")
    kept: list[dict[str, str]] = []
    for secret in (SECRET, OTHER):
        asker.place.environ["SKILLCACHE_TEAM_KEY"] = secret
        asker.variables = asker.place.environ | {"PATH": asker.variables["PATH"]}
        redis_server.command("FLUSHALL")
        asker.run(f"pytest -q < {asker.place.base}/given.txt")
        with redis.Redis.from_url(redis_server.url) as client:
            texts = [entry_texts(client.get(key)) for key in sorted(client.keys("skill_cache:*"))]
        kept.append(texts[0])
    one, other = kept
    assert one.keys() == other.keys()
    same = {name for name in one if one[name] == other[name] and re.search(r"[0-9a-f]{12}", one[name])}
    assert same == set()
    assert any("env DB_PASSWORD" in name for name in one)
    assert any("stdin" in name for name in one)
    assert {"details overlay untracked.txt", "details ignored .env"} <= set(one)


def entry_texts(data: bytes) -> dict[str, str]:
    from skillcache.stores.entry import decode, rows_of

    entry = decode(data, details=True)
    assert entry.form != JSON
    found = {f"{label} {name}": value for label, name, value in rows_of(entry.key)}
    overlay, ignored = entry.details["overlay"], entry.details["ignored"]
    assert isinstance(overlay, list)
    assert isinstance(ignored, dict)
    found |= {f"details overlay {path}": str(oid) for path, _, oid in overlay}
    return found | {f"details ignored {name}": value for name, value in ignored.items()}


def test_a_teammate_s_clone_is_still_served(asker: Asker, redis_server: RedisServer) -> None:
    asker.place.environ |= {"SKILLCACHE_REDIS_URL": redis_server.url, "SKILLCACHE_TEAM_KEY": SECRET, "DB": "one"}
    assert asker.place.call("pytest -q")[1] is False
    asker.place.environ["USER"] = "bob"
    assert asker.place.call("pytest -q", session="s2", root=asker.place.other_root)[1] is True
