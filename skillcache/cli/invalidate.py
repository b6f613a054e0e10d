"""`skillcache invalidate` and `clear`: what a store holds of ours, counted, served no more, or gone."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from typing import Any

import click

from skillcache.cache.decision import named
from skillcache.cache.invalidation import Invalidated, Selection, forgetting, invalidate
from skillcache.cli import output
from skillcache.cli.output import Progress, place_of, several, size
from skillcache.core import files
from skillcache.core.git import locate, project_of
from skillcache.core.outcomes import DISK, SkillcacheError, StoreError
from skillcache.core.paths import cache_folder, config_file, durations_file
from skillcache.sessions.text import plain
from skillcache.settings.in_force import Settings, load
from skillcache.stores import scan
from skillcache.stores.cluster import Slots
from skillcache.stores.contract import EMBEDDED, project_name, record_key, team_name
from skillcache.stores.patterns import ENTRIES
from skillcache.stores.pooled import translating
from skillcache.stores.redis_cluster import ClusterClient
from skillcache.stores.scan import Holdings, Steps, T

_STARTING = 2  # seconds: by itself a server takes its start for the time of a snapshot
_LATEST = record_key("latest", "*")  # which entry a command had last


class Contents:
    """`place`: where it is, for people, without a password. Raises StoreError."""

    place: str
    holdings: Holdings
    told: Callable[[int], object] = staticmethod(lambda _keys: None)  # of each batch, how many are in it

    def take(self, steps: Steps[T]) -> T:
        raise NotImplementedError

    def close(self) -> None:
        raise NotImplementedError

    def batches(self, *globs: str) -> Iterator[list[str]]:
        """The keys of entries that match one of `globs`."""
        for glob in globs:
            cursor = -1
            while cursor:
                cursor, keys = self.take(self.holdings.keys(glob, max(cursor, 0)))
                self.told(len(keys))
                if keys:
                    yield keys

    def measure(self) -> tuple[int, int]:
        """How many results of one's own, and their bytes."""
        count = total = 0
        for keys in self.batches(ENTRIES):
            sizes = self.take(self.holdings.sizes(keys))
            count += len(sizes)
            total += sum(sizes.values())
        return count, total

    def remove(self) -> None:
        for keys in self.batches(ENTRIES):
            self.take(self.holdings.remove(keys))
        self._tidy()

    def _tidy(self) -> None:
        """Behind the last entry: what only helps to find one goes, too."""
        raise NotImplementedError


class EmbeddedContents(Contents):
    def __init__(self, path: str) -> None:
        self._path = path
        self.place = place_of(EMBEDDED + path)
        self.holdings = self._holdings = scan.EmbeddedHoldings(path, time.time())

    def take(self, steps: Steps[T]) -> T:
        return scan.take(steps)

    def close(self) -> None:
        self._holdings.close()

    def _tidy(self) -> None:
        if not os.path.exists(self._path):
            return
        try:
            with closing(scan.open_file(self._path)) as db:
                db.execute("DELETE FROM records WHERE key GLOB ?", (_LATEST,))
                db.execute("VACUUM")
        except sqlite3.Error as fault:
            raise StoreError(DISK, str(fault)) from None


class RedisContents(Contents):
    def __init__(self, url: str) -> None:
        self._client = scan.connect(url)
        self.place = place_of(url)
        self.holdings = scan.RedisHoldings()

    def take(self, steps: Steps[T]) -> T:
        return scan.take(steps, self._client)

    def close(self) -> None:
        self._client.close()

    def clock(self) -> float:
        """The server's time, unix seconds. Raises redis.RedisError."""
        seconds, microseconds = self._client.time()
        return float(seconds + microseconds / 1_000_000)

    def require(self, *words: str) -> None:
        """Raises StoreError where it does not take that command."""
        with translating(self._client):
            self._client.execute_command(*words)  # type: ignore[no-untyped-call]

    def has_snapshots_alone(self) -> bool:
        """Whether a server that comes back knows what was so when it last wrote all down. Raises redis.RedisError."""
        for kept, server in zip(self._info("persistence"), self._info("server"), strict=True):
            started = int(server["server_time_usec"]) / 1_000_000 - int(server["uptime_in_seconds"])
            if not kept["aof_enabled"] and int(kept["rdb_last_save_time"]) > started + _STARTING:
                return True
        return False

    def _info(self, section: str) -> list[dict[str, Any]]:
        """Of each server. Raises redis.RedisError."""
        client = self._client
        if not isinstance(client, ClusterClient):
            return [client.info(section)]
        told = []
        for answer in client.of_all("INFO", section).values():
            if isinstance(answer, Exception):
                raise answer
            told.append(answer)
        return told

    def evicts(self) -> str:
        """By which policy a server may give up any key of ours, "" for none. Raises redis.RedisError."""
        for memory in self._info("memory"):
            policy = str(memory.get("maxmemory_policy", ""))
            if memory.get("maxmemory") and policy.startswith("allkeys"):
                return named(policy)
        return ""

    def cluster(self) -> tuple[Slots, dict[tuple[str, int], Any]] | None:
        """Which node has what, and of each how it is set or the error; None for a server alone.

        Raises redis.RedisError.
        """
        if not isinstance(self._client, ClusterClient):
            return None
        configured = self._client.of_all("CONFIG GET", "cluster-*")
        return self._client.connection_pool.known(), configured

    def _tidy(self) -> None:
        for keys in self.batches(_LATEST):
            self.take(self.holdings.remove(keys))


def contents_of(target: str) -> Contents:
    """`target`: as `open_store` takes it. Raises ConfigError."""
    if target.startswith(EMBEDDED):
        return EmbeddedContents(target.removeprefix(EMBEDDED))
    return RedisContents(target)


_REMOVING, _LEFT = "Invalidated. Removing what was stored", "Ctrl-C leaves what is there to expire, unserved."
_NAMED = 5  # names that one line tells
_WIDE = 120  # characters of each: others may have written it


@click.command()
@click.option("--skill", metavar="NAME", help="What was stored of this skill, or under this name by the library.")
@click.option("--tool", metavar="NAME", help="Of this tool: Bash, WebFetch, mcp__server__tool, ...")
@click.option("--rule", metavar="NAME", help="Of calls that this rule names, as `skillcache explain` prints it.")
@click.option("--project", is_flag=True, help="Of this project.")
@click.option("--team", is_flag=True, help="What the team shares.")
@click.option("--pattern", metavar="GLOB", help="Of names (report-*) or whole keys (skill_cache:report:*) like this.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
def command(
    skill: str | None,
    tool: str | None,
    rule: str | None,
    project: bool,
    team: bool,
    pattern: str | None,
    dry_run: bool,
) -> int:
    """Serve no more what was stored until now, and remove it.

    It takes effect at once, for everybody who shares the store: a run that began before it stores nothing. Several
    options mean each of them.
    """
    settings = load(os.environ, os.getcwd())
    names = [name for name in (skill, tool, rule) if name]
    for name in names:
        if any(mark in name for mark in "*?["):
            raise click.UsageError(f"{name} is no name: for all that are like it give --pattern '{name}'")
    if project:
        names.append(project_name(project_of(locate(os.getcwd()))))
    if team:
        names.append(team_name(_team(settings)))
    if not names and not pattern:
        raise click.UsageError("say what: --skill, --tool, --rule, --project, --team or --pattern")
    selection = Selection(tuple(dict.fromkeys(names)), pattern or "")
    told = Progress("Counting", "Ctrl-C ends it.") if dry_run else Progress(_REMOVING, _LEFT)
    with nullcontext() if dry_run else forgetting(settings.cache):
        done = invalidate(settings.store, selection, rehearse=dry_run, told=told)
    click.echo("\n".join(_as_text(done, contents_of(settings.store).place, pattern or "", rehearsed=dry_run)))
    return output.OK


def _team(settings: Settings) -> str:
    team = settings.word("team")
    if not team:
        raise SkillcacheError(
            f'no team is set. Set SKILLCACHE_TEAM, or write team = "NAME" into {config_file(os.environ)},'
            " then: skillcache invalidate --team"
        )
    return team


def _as_text(done: Invalidated, place: str, pattern: str, *, rehearsed: bool) -> list[str]:
    told = [_in_words(name) for name in done.names[:_NAMED]]
    if len(done.names) > _NAMED:
        told.append(f"{len(done.names) - _NAMED:,} more")
    if not told:
        first = f"No name is like {pattern}."
    elif rehearsed:
        first = f"Would be invalidated: {', '.join(told)}."
    else:
        first = f"Invalidated: {', '.join(told)}."
    entries = several(done.entries, "entry", "entries")
    if rehearsed:
        return [first, f"{entries} ({size(done.bytes)}) would be removed from {place}."]
    return [first, f"{entries} removed from {place}."]


def _in_words(name: str) -> str:
    for prefix, word in ((project_name(""), "the project "), (team_name(""), "the team ")):
        if name.startswith(prefix):
            return word + plain(name.removeprefix(prefix), _WIDE)
    return plain(name, _WIDE)


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def clear(yes: bool) -> int:
    """Empty the cache: stored results, learnt durations.

    In Redis exactly the keys of stored results go, for everybody who shares it; those of a team stay, which
    `skillcache invalidate --team` removes.
    """
    cache = cache_folder(os.environ)
    with forgetting(cache), closing(contents_of(load(os.environ, os.getcwd()).store)) as contents:
        contents.told = Progress("Counting", "Ctrl-C ends it; nothing is removed.")
        count, bytes_ = contents.measure()
        if not yes:
            question = f"Remove {several(count, 'result')} ({size(bytes_)}) from {contents.place}?"
            if not click.confirm(question, default=False):
                click.echo("Nothing was removed.")
                return output.FAILED
        contents.told = Progress("Removing", "Ctrl-C leaves the rest.")
        empty(cache, contents)
    click.echo(f"{contents.place} is empty: {several(count, 'result')} removed.")
    return output.OK


def empty(cache: str, contents: Contents) -> None:
    """Raises StoreError and OSError."""
    contents.remove()
    files.remove(durations_file(cache))
