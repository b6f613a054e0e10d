"""The settings hold in the library, too: `disable`, `team_mode`; and a file that is broken breaks nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from skillcache import SkillCache, aio_get_cached_data, cached, get_cached_data, get_team_cached_data
from skillcache.library import options
from tests.library.conftest import Cache

Open = Callable[..., Cache]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person of their own, in a project of their own."""
    (tmp_path / "home").mkdir(mode=0o700)
    (tmp_path / "project/.claude").mkdir(parents=True)
    (tmp_path / "project/.git").mkdir()
    (tmp_path / "project/src").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "SKILLCACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(options, "_told", set())
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "home"


def configure(text: str) -> Path:
    path = Path.cwd() / ".claude/skillcache.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("folder", [".", "src"])
def test_a_project_can_switch_it_off(cache: Cache, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.set("work", 1, "kept")
    file = configure("disable = true\n")
    monkeypatch.chdir(folder)
    assert cache.fetch("work", 1, lambda: "own") == ("own", False)
    assert cache.get("work", 1, "nothing") == "nothing"
    assert cache.get_many("work", [1], "nothing") == ["nothing"]
    cache.set("work", 1, "lost")
    assert (cache.hits, cache.misses, cache.errors) == (0, 0, 0)
    monkeypatch.setenv("SKILLCACHE_DISABLE", "0")  # the person's word goes before
    assert cache.get("work", 1) == "kept"
    monkeypatch.delenv("SKILLCACHE_DISABLE")
    assert cache.get("work", 1) is None
    file.unlink()
    assert cache.get("work", 1) == "kept"


def test_so_can_the_person(cache: Cache, home: Path) -> None:
    cache.set("work", 1, "kept")
    (home / ".config/skillcache").mkdir(parents=True)
    (home / ".config/skillcache/config.toml").write_text("disable = true\n")
    assert cache.get("work", 1) is None


def test_functions_run_where_it_is_off(url: str) -> None:
    runs = []
    with SkillCache(url) as cache:

        @cached(skill="work", cache=cache)
        def work() -> int:
            runs.append(1)
            return 7

        configure("disable = true\n")
        assert [work(), work()] == [7, 7]
        assert runs == [1, 1]
        configure("disable = false\n")
        assert [work(), work()] == [7, 7]
        assert runs == [1, 1, 1]


@pytest.mark.parametrize("text", ["not = [toml", "disable = 7\n"])
def test_a_broken_file_leaves_it_off_and_is_told_once(
    cache: Cache, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    cache.set("work", 1, "kept")
    file = configure(text)
    for _ in range(2):
        assert cache.fetch("work", 1, lambda: "own") == ("own", False)
    assert cache.get("work", 1) is None
    assert (cache.hits, cache.misses, cache.errors) == (0, 0, 3)
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("skillcache", "WARNING")
    assert record.getMessage().startswith(f"nothing is cached: {file}")
    file.unlink()
    assert cache.get("work", 1) == "kept"


def test_a_broken_variable_breaks_no_call(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:secret@nowhere:port")

    async def fetch() -> int:
        return 7

    @cached(skill="work")
    def work() -> int:
        return 7

    assert get_cached_data("numbers", lambda: 7) == (7, False)
    assert get_team_cached_data("acme", "numbers", lambda: 7) == (7, False)
    assert asyncio.run(aio_get_cached_data("numbers", fetch)) == (7, False)
    assert work() == 7
    assert work.cache_info().errors == 1
    (record,) = caplog.records
    assert "REDIS_URL" in record.getMessage()
    assert "secret" not in caplog.text


def test_a_team_is_given_nothing_where_it_is_only_read(open_cache: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    team, own = open_cache(team="acme"), open_cache()
    team.set("work", "there", "theirs")
    monkeypatch.setenv("SKILLCACHE_TEAM_MODE", "read")
    assert team.get("work", "there") == "theirs"
    assert team.fetch("work", "there", lambda: "mine") == ("theirs", True)
    assert [team.fetch("work", "new", lambda: "mine") for _ in range(2)] == [("mine", False)] * 2
    team.set("work", "there", "mine")
    assert team.get("work", "there") == "theirs"
    assert [own.fetch("work", "new", lambda: "mine") for _ in range(2)] == [("mine", False), ("mine", True)]
    monkeypatch.setenv("SKILLCACHE_TEAM_MODE", "write")
    assert [team.fetch("work", "new", lambda: "mine") for _ in range(2)] == [("mine", False), ("mine", True)]


def test_a_project_does_not_say_who_gives(open_cache: Open) -> None:
    team = open_cache(team="acme")
    configure('team_mode = "read"\n')
    assert [team.fetch("work", "new", lambda: "mine") for _ in range(2)] == [("mine", False), ("mine", True)]


def test_without_a_home_one_line_says_that_nothing_is_kept(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("SKILLCACHE_HOME", "XDG_CACHE_HOME", "SKILLCACHE_REDIS_URL", "REDIS_URL", "REDIS_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "")
    monkeypatch.setattr(options, "_told", set())
    runs: list[int] = []
    function = cached(skill="homeless")(lambda: runs.append(1))
    for _ in range(3):
        function()
    assert len(runs) == 3
    said = "nothing is cached: HOME: names no folder: set HOME or SKILLCACHE_HOME to a folder of yours"
    assert caplog.messages == [said]
