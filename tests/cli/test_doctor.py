from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import skillcache
from skillcache.cache import history
from skillcache.cli.checks import MEND, NOTE, Finding, Place
from skillcache.cli.checks.folder import check_faults, check_folder
from skillcache.cli.checks.installation import check_entries, check_interpreter, check_lasting, check_switches
from skillcache.cli.checks.store import check_spool, check_store
from skillcache.cli.setup.settings_file import present_interpreter
from skillcache.core import outcomes
from skillcache.core.files import make_folder
from skillcache.core.outcomes import STORE_TIMEOUT
from skillcache.core.paths import hooks_folder, spool_file
from tests.cli.conftest import Person
from tests.clusters import Cluster
from tests.conftest import RedisServer, free_port, until
from tests.stores.sentinels import Service

NOW = 1_700_000_000.0
PACKAGE = Path(skillcache.__file__).parent


def place(person: Person, **variables: str) -> Place:
    return Place({**person.variables, **variables}, str(person.home / "project"), NOW)


def mends(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.text, finding.mend) for finding in findings if finding.level == MEND]


def compile_package() -> None:
    subprocess.run([sys.executable, "-m", "compileall", "-q", str(PACKAGE)], check=False)


def test_a_fresh_install_is_well(person: Person) -> None:
    person.skillcache("install")
    compile_package()

    ran = person.skillcache("doctor")

    cache = person.cache
    version = ".".join(str(part) for part in sys.version_info[:3])
    lines = ran.out.splitlines()
    assert (ran.status, ran.err) == (0, "")
    assert lines[:-3] == [
        f"ok    settings: {person.settings} has the hooks",
        f"ok    python: {present_interpreter()} is Python {version}",
        f"ok    bytecode: present in {PACKAGE}",
        *(f"note  python: {found.text}. Mend: {found.mend}" for found in check_lasting(place(person))),
        f"ok    git: {shutil.which('git')}",
        "ok    configuration: read without fault",
        f"ok    folder: {cache} will be made by the first call",
        f"ok    shims: {cache}/shims has the stand-ins that a session's Bash calls find first on PATH",
    ]
    assert lines[-3].startswith(f"ok    store: the embedded store {cache}/store.sqlite3 answers in ")
    assert lines[-2] == "note  proof: no Claude Code was found on PATH, so nothing was proved in one"
    assert lines[-1] == "All is well."


def test_without_hooks_it_names_the_command_that_installs_them(person: Person) -> None:
    ran = person.skillcache("doctor")

    assert ran.status == 1
    assert ran.out.splitlines()[0] == (
        f"mend  settings: no hooks in {person.settings} or {person.home}/.claude/settings.local.json."
        " Mend: skillcache install"
    )
    assert ran.out.splitlines()[-1] == "1 finding to mend."


def test_json_has_the_same_findings(person: Person) -> None:
    ran = person.skillcache("doctor", "--json")

    found = json.loads(ran.out)
    assert ran.status == 1
    assert found["mend"] == sum(finding["level"] == "mend" for finding in found["findings"]) == 1
    assert found["findings"][0]["mend"] == "skillcache install"


def test_entries_of_a_python_that_is_gone_are_found(person: Person) -> None:
    person.skillcache("install")
    person.settings.write_text(person.settings.read_text().replace(present_interpreter(), "/gone/python3"))

    text = f"{person.settings} has hooks of another Python, package or set of rules"
    assert mends(check_entries(place(person))) == [(text, "skillcache install")]
    gone = "/gone/python3, which the settings name, is gone"
    assert mends(check_interpreter(place(person))) == [(gone, "skillcache install")]


def test_a_python_that_does_not_start_or_is_too_old_is_found(person: Person, tmp_path: Path) -> None:
    python = tmp_path / "python3"
    person.skillcache("install")
    person.settings.write_text(person.settings.read_text().replace(present_interpreter(), str(python)))
    python.write_text("#!/bin/sh\necho '[[3, 9, 1], \"cpython-39\"]'\n")
    python.chmod(0o755)

    old = f"{python} is Python 3.9.1; 3.11 is the oldest that works"
    assert mends(check_interpreter(place(person))) == [(old, "skillcache install, run by a newer Python")]

    python.write_text("#!/bin/sh\nexit 3\n")
    broken = f"{python} does not run: CalledProcessError"
    assert mends(check_interpreter(place(person))) == [(broken, "skillcache install")]


def test_missing_bytecode_is_found_and_its_command_mends_it(person: Person, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(PACKAGE, site / "skillcache", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(hooks_folder(), site / "hooks", ignore=shutil.ignore_patterns("__pycache__"))
    person.variables |= {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    person.skillcache("install")

    (line,) = [line for line in person.skillcache("doctor").out.splitlines() if "  bytecode: " in line]
    mend = line.partition(" Mend: ")[2]
    subprocess.run(mend, shell=True, check=True)  # noqa: S602 - as a person would

    assert mend == f"{present_interpreter()} -m compileall -q {site}/skillcache"
    assert line.startswith("mend  bytecode: ")
    assert f"ok    bytecode: present in {site}/skillcache" in person.skillcache("doctor").out


def test_settings_that_cannot_be_read_are_found(person: Person) -> None:
    person.write_settings(b'{"hooks": 1}')
    message = (
        'line 1, column 11: "hooks" must be an object. Mend the file, then run the command again; it is as it was.'
    )
    assert mends(check_entries(place(person))) == [(f"{person.settings}: {message}", "mend the file by hand")]


def test_a_switch_for_all_hooks_is_found_where_it_counts(person: Person, tmp_path: Path) -> None:
    managed = tmp_path / "managed-settings.json"
    local = person.home / "project" / ".claude" / "settings.local.json"
    local.parent.mkdir(parents=True)
    person.write_settings(b'{"disableAllHooks": true}')

    def found() -> list[tuple[str, str]]:
        return mends(check_switches(place(person), str(tmp_path)))

    mend = "remove disableAllHooks from it"
    assert found() == [(f"{person.settings} switches all hooks off", mend)]
    local.write_text('{"disableAllHooks": false}')
    assert found() == []
    managed.write_text('{"disableAllHooks": true}')
    assert found() == [(f"{managed} switches all hooks off", mend)]
    managed.write_text('{"allowManagedHooksOnly": true}')
    assert found() == [(f"{managed} allows no hooks but its own", "ask who manages this machine")]


@pytest.mark.parametrize("content", [b"", b" \n", b"[]", b"{", b'{"disableAllHooks": "yes"}'])
def test_a_file_without_a_clear_switch_switches_nothing_off(person: Person, content: bytes) -> None:
    person.write_settings(content)

    assert check_switches(place(person), "/nonexistent") == []
    assert person.skillcache("doctor").status == 1


def test_a_projects_rule_without_an_entry_is_found_and_its_command_mends_it(person: Person) -> None:
    project = person.home / "project"
    (project / ".claude").mkdir(parents=True)
    (project / ".claude" / "skillcache.toml").write_text(
        '[[rules]]\nmatch = "Bash(./gate:*)"\n[[rules]]\nmatch = "mcp__gate__ask"\n'
    )
    person.skillcache("install")

    found = mends(check_entries(place(person)))

    text = "no entry starts the hooks for mcp__gate__ask, which rules of this project name"
    assert found == [(text, f"skillcache install --scope local --project {project}")]
    assert person.skillcache(*found[0][1].split()[1:]).status == 0
    assert mends(check_entries(place(person))) == []


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (
            "colour = 1\n",
            "mend  configuration: {}: colour is not a setting of this version. Mend: correct or remove it",
        ),
        (
            "ttl = 0\n",
            "mend  configuration: {}: ttl cannot be 0; allowed: a whole number of seconds from 1 to 31536000.",
        ),
        ("ttl = \n", "mend  configuration: {}: is not TOML: "),
        ("verify = 1\n", "note  configuration: verify = 1: every call runs, none is replayed"),
        ("disable = true\n", "mend  configuration: disable = true switches skillcache off. Mend: remove it from {}"),
    ],
)
def test_configuration_is_read_as_the_hooks_read_it(person: Person, content: str, line: str) -> None:
    config = person.home / ".config" / "skillcache" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(content)

    assert line.format(config) in person.skillcache("doctor").out


def test_the_switch_is_found(person: Person) -> None:
    person.variables["SKILLCACHE_DISABLE"] = "1"

    out = person.skillcache("doctor").out

    assert "SKILLCACHE_DISABLE switches skillcache off. Mend: unset SKILLCACHE_DISABLE" in out


def test_a_redis_that_does_not_answer_is_found_without_telling_its_password(person: Person) -> None:
    person.variables["SKILLCACHE_REDIS_URL"] = "redis://:hunter2@127.0.0.1:1/3"

    ran = person.skillcache("doctor")

    assert ran.status == 1
    assert "mend  store: Redis at 127.0.0.1:1, database 3: the store could not be reached" in ran.out
    assert ". Mend: start the server, or correct SKILLCACHE_REDIS_URL\n" in ran.out
    assert "hunter2" not in ran.out + ran.err


def test_a_master_that_sentinels_name_is_well(person: Person, tmp_path: Path) -> None:
    service = Service(tmp_path / "service", "hunter2")
    person.variables["SKILLCACHE_REDIS_URL"] = service.url(options="/2?sentinel_password=hunter2")

    found = person.skillcache("doctor")
    service.replica.stop()  # or it is soon the master
    service.master.stop()
    missed = person.skillcache("doctor")
    service.stop()

    assert "ok    store: Redis, the master of Sentinel's results, database 2 answers in " in found.out
    assert "mend  store: Redis, the master of Sentinel's results, database 2: the store could not be" in missed.out
    assert "hunter2" not in found.out + missed.out


def test_what_a_cluster_lacks_is_told(person: Person, redis_cluster: Cluster) -> None:
    person.variables["SKILLCACHE_REDIS_URL"] = redis_cluster.url
    ports = sorted(server.port for server in redis_cluster.masters)
    places = ", ".join(f"127.0.0.1:{port}" for port in ports)
    share = "while one is away, its share is missed, and what was written last may be gone"
    said = f"note  cluster: 3 of its 3 nodes have no replica: {share} ({places})."
    down = "mend  cluster: with cluster-allow-reads-when-down a node that has lost the others serves what they have"
    refuses = "note  cluster: with cluster-require-full-coverage all nodes refuse everything while one is away, until"
    mend = f"redis-cli --cluster call 127.0.0.1:{ports[0]} CONFIG SET"

    found = person.skillcache("doctor")
    try:
        for name in ("cluster-allow-reads-when-down", "cluster-require-full-coverage"):
            redis_cluster.masters[2].command("CONFIG", "SET", name, "yes")
        changed = person.skillcache("doctor")
    finally:
        for name in ("cluster-allow-reads-when-down", "cluster-require-full-coverage"):
            redis_cluster.masters[2].command("CONFIG", "SET", name, "no")

    assert said in found.out
    assert down not in found.out
    assert refuses not in found.out
    assert down in changed.out
    assert refuses in changed.out
    assert f"Mend: {mend} cluster-allow-reads-when-down no" in changed.out
    assert f"Mend: {mend} cluster-require-full-coverage no" in changed.out


def test_a_cluster_with_replicas_is_well_until_a_node_is_away(person: Person, tmp_path: Path) -> None:
    cluster = Cluster(tmp_path / "cluster", replicas=True)
    person.variables["SKILLCACHE_REDIS_URL"] = cluster.url
    try:
        whole = person.skillcache("doctor")
        cluster.owner.stop()
        missed = person.skillcache("doctor")
    finally:
        cluster.stop()
    assert "ok    cluster: 3 nodes with a replica each have all slots\n" in whole.out
    assert f"mend  cluster: its node 127.0.0.1:{cluster.owner.port} does not answer" in missed.out


def test_a_node_of_a_cluster_is_told_from_a_server_that_stands_alone(
    person: Person, redis_factory: Callable[..., RedisServer]
) -> None:
    server = redis_factory(options=("--cluster-enabled", "yes", "--cluster-port", str(free_port())))
    person.variables["SKILLCACHE_REDIS_URL"] = server.url
    said = (
        f"mend  store: Redis at 127.0.0.1:{server.port}, database 0 is part of a cluster, where keys of one call"
        " have to be named alike. Mend: write redis+cluster:// in place of redis://"
    )

    down = person.skillcache("doctor")
    server.command("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
    until(lambda: b"cluster_state:ok" in server.command("CLUSTER", "INFO"))
    up = person.skillcache("doctor")
    person.variables["SKILLCACHE_REDIS_URL"] = f"redis+cluster://127.0.0.1:{server.port}"
    found = person.skillcache("doctor")
    server.stop()
    missed = person.skillcache("doctor")

    assert said in down.out
    assert said in up.out
    assert f"ok    store: Redis Cluster at 127.0.0.1:{server.port} answers in " in found.out
    assert f"mend  store: Redis Cluster at 127.0.0.1:{server.port}: the store could not be reached" in missed.out


def test_a_redis_with_another_clock_is_found(person: Person, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("redis_server").url
    here = place(person, SKILLCACHE_REDIS_URL=url)

    found = check_store(here._replace(now=time.time()))
    behind = mends(check_store(here._replace(now=time.time() + 7_200)))

    assert [finding.level for finding in found] == ["ok"]
    assert len(behind) == 1
    assert behind[0][0].endswith(("is 2 h 0 min behind", "is 1 h 59 min behind"))
    assert behind[0][1] == "set both clocks by the network: sudo timedatectl set-ntp true"


def test_a_redis_that_may_evict_generations_is_found(person: Person, redis_factory: Callable[..., RedisServer]) -> None:
    server = redis_factory(options=("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"))
    person.variables["SKILLCACHE_REDIS_URL"] = server.url
    assert "evicts by allkeys-lru" in person.skillcache("doctor").out
    server.command("CONFIG", "SET", "maxmemory-policy", "volatile-lru")
    assert "evicts" not in person.skillcache("doctor").out
    server.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    server.command("CONFIG", "SET", "maxmemory", "0")
    assert "evicts" not in person.skillcache("doctor").out


def test_an_address_that_is_none_is_found(person: Person) -> None:
    person.variables["SKILLCACHE_REDIS_URL"] = "redis://localhost:hunter2"

    ran = person.skillcache("doctor")

    assert ran.status == 1
    assert "mend  configuration: SKILLCACHE_REDIS_URL: a Redis URL has a port from 1 to 65535" in ran.out
    assert "hunter2" not in ran.out + ran.err


def test_files_that_others_may_read_are_found_and_the_command_mends_it(person: Person) -> None:
    person.cache.mkdir(parents=True, mode=0o700)
    (person.cache / "durations.bin").touch(0o644)

    found = mends(check_folder(place(person)))

    text = f"others may use 1 file or folder of {person.cache}"
    assert found == [(text, f"chmod -R go= {person.cache}")]
    subprocess.run(found[0][1].split(), check=True)
    assert mends(check_folder(place(person))) == []


def test_recent_errors_and_rules_at_rest_are_told(person: Person) -> None:
    cache = str(person.cache)
    for ago in (10, 20, 90_000):
        outcomes.record(cache, NOW - ago, STORE_TIMEOUT)
    history.quarantine(cache, "/project", "eslint", NOW)

    found = check_folder(place(person))

    assert [(finding.level, finding.text) for finding in found[1:]] == [
        ("note", "store_timeout 2 times in the last day: the store did not answer in time"),
        ("note", "the rule eslint rests in /project: a result was wrong there, or may be"),
    ]


def test_a_clock_that_went_back_is_found(person: Person) -> None:
    outcomes.record(str(person.cache), NOW + 10_000, STORE_TIMEOUT)

    assert [text for text, _ in mends(check_folder(place(person)))] == [
        "the clock is behind what it was when a hook last ran"
    ]


def test_a_missing_git_is_found(person: Person, tmp_path: Path) -> None:
    person.variables["PATH"] = str(tmp_path)

    out = person.skillcache("doctor").out

    assert "mend  git: git is not on PATH" in out


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_made_is_found(person: Person) -> None:
    person.home.chmod(0o500)

    found = mends(check_folder(place(person)))

    person.home.chmod(0o700)
    assert found == [(f"{person.cache} cannot be made", "set SKILLCACHE_HOME to a folder you can write")]


def test_the_newest_fault_of_ours_is_named_with_its_place(person: Person) -> None:
    assert check_faults(place(person)) == []
    path = person.cache / "fault.txt"
    make_folder(str(path.parent))
    path.write_text("KeyError\n/x/skillcache/events/runtime.py:71\n/x/skillcache/stores/entry.py:9")
    os.utime(path, (NOW, NOW))
    text = "a hook failed on KeyError in /x/skillcache/stores/entry.py:9; the call went on without it"
    mend = f"report {path}, which holds places in our code and nothing of yours"
    assert check_faults(place(person)) == [Finding(NOTE, "fault", text, mend)]
    os.utime(path, (NOW - 8 * 86_400, NOW - 8 * 86_400))
    assert check_faults(place(person)) == []


def test_records_that_wait_for_the_store_are_noted(person: Person) -> None:
    assert check_spool(place(person)) == []
    path = Path(spool_file(str(person.cache), f"embedded:{person.cache}/store.sqlite3"))
    make_folder(str(path.parent))
    path.write_bytes(b"")
    assert check_spool(place(person)) == []
    path.write_bytes(b"x" * 2_000)
    (finding,) = check_spool(place(person))
    assert (finding.level, finding.subject) == (NOTE, "sessions")
    assert "wait for the store" in finding.text
