"""`skillcache stats`: hits, misses, bypasses and the time saved, and what went wrong."""

import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import click

from skillcache.cache import quarantine
from skillcache.cli.output import duration, json_options, several, share
from skillcache.cli.setup.client_environment import place_of as named_by
from skillcache.cli.setup.client_environment import settings_of
from skillcache.cli.skill.states import State, states
from skillcache.core.counts import Count, read
from skillcache.core.outcomes import (
    BYPASS,
    CONFIRMED,
    DISK,
    ERROR,
    HIT,
    MISS,
    REFUTED,
    STORE,
    STORE_GARBAGE,
    STORE_REFUSED,
    STORE_TIMEOUT,
    WAITED,
    ConfigError,
    Outcome,
    SkillcacheError,
    StoreError,
)
from skillcache.core.paths import cache_folder
from skillcache.sessions.text import legible
from skillcache.settings.in_force import load
from skillcache.stores.contract import EMBEDDED
from skillcache.stores.redis_url import DEFAULT_PORT, Address, parse_url

# What an access list has to allow, as `redis_keys` and the scripts of `stores` need it.
KEYS = "'~skill_cache*' '~skillcache:*' '~team:cache:*' '~skill_session*' '~agent_comm:*' '&agent_comm:*'"
COMMANDS = "+@read +@write +@scripting +@pubsub +@connection +time +info"
_OF_A_CLUSTER = ("ASK", "CLUSTERDOWN", "CROSSSLOT", "MOVED")


def sentence(fault: StoreError, environ: Mapping[str, str], folder: str) -> str:
    """One line about a fault of the store in force in `folder`."""
    settings = settings_of(environ, folder)
    if settings is None:
        return str(fault)
    mend = mend_of(fault, settings.store, named_by(settings.named, environ, folder))
    return f"{place_of(settings.store)}: {fault}. Mend: {mend}"


def place_of(target: str) -> str:
    """Where the store is, for people, without a password. Raises ConfigError."""
    if target.startswith(EMBEDDED):
        return f"the embedded store {target.removeprefix(EMBEDDED)}"
    address = parse_url(target)
    if address.sentinels:
        return f"Redis, the master of Sentinel's {address.service}, database {address.db}"
    if address.nodes:
        return f"Redis Cluster at {','.join(f'{host}:{port}' for host, port in address.nodes)}"
    where = address.path if address.path is not None else f"{address.host}:{address.port}"
    return f"Redis at {where}, database {address.db}"


def is_of_a_cluster(fault: StoreError, target: str) -> bool:
    """Whether a node of a cluster was taken for a server that stands alone."""
    return fault.outcome is STORE_REFUSED and fault.detail in _OF_A_CLUSTER and "+cluster://" not in target


def mend_of(fault: StoreError, target: str, named: str) -> str:
    """`named`: the variable or file that names the store. Names a command where one mends it."""
    if target.startswith(EMBEDDED):
        return _of_a_file(fault, target.removeprefix(EMBEDDED))
    try:
        address = parse_url(target)
    except ConfigError:
        return f"correct {named}"
    if fault.outcome is STORE_REFUSED:
        return _of_a_refusal(fault.detail, address, named)
    if fault.detail.startswith("TLS: "):
        return _of_tls(fault.detail, address, named)
    if fault.outcome is STORE_TIMEOUT:
        return f"see whether the server is quick enough for a hook: {_cli(address)} --latency"
    if fault.outcome is STORE_GARBAGE:
        return f"name a Redis server in {named}; one that speaks TLS is written rediss://"
    tls = "" if address.tls is not None or "closed" not in fault.detail else "; if it speaks TLS, write rediss://"
    return f"start the server, or correct {named}{tls}"


def _of_a_file(fault: StoreError, path: str) -> str:
    if fault.outcome is STORE_TIMEOUT:
        return "try again: another process is writing"
    if fault.outcome is STORE_GARBAGE:
        return f"try again: a damaged file is set aside, {path}.* is what it was"
    if "not a database" in fault.detail or "malformed" in fault.detail:
        return f"rm {path}, in whose place the next call puts a new one"
    if fault.outcome is DISK:
        return f"see that there is room, and that the folder is yours: ls -ld {os.path.dirname(path)}"
    return "check that disk and folder can be written, then: skillcache clear"


def _of_a_refusal(detail: str, address: Address, named: str) -> str:
    code, _, text = detail.partition(" ")
    redis_cli = _cli(address)
    if code in _OF_A_CLUSTER and not address.nodes:  # as `is_of_a_cluster`
        return f"write redis+cluster:// in place of redis:// in {named}"
    user = address.username or "default"
    mends = {
        "BUSY": f"{redis_cli} SCRIPT KILL",
        "CLUSTERDOWN": f"see which slots nobody has: {redis_cli} CLUSTER INFO",
        "DENIED": f"give that server a password, and write it into {named}",
        "LOADING": f"wait until it has read its data: {redis_cli} PING",
        "MASTERDOWN": f"start its master, or name that one in {named}",
        "MISCONF": f"make room on its disk, then: {redis_cli} BGSAVE",
        "NOAUTH": f"write its password into {named}: redis://user:password@host",
        "NOREPLICAS": f"start its replicas, or: {redis_cli} CONFIG SET min-replicas-to-write 0",
        "OOM": f"give it more memory, or let old results go: {redis_cli} CONFIG SET maxmemory-policy volatile-lru",
        "READONLY": f"name its master in {named}, which is told by: {redis_cli} INFO replication",
        "UNKILLABLE": f"{redis_cli} SHUTDOWN NOSAVE, as its script has written already",
        "WRONGPASS": f"correct user and password in {named}",
    }
    if code == "NOPERM" or "user executing the script" in text:
        lacks = COMMANDS if "to run" in text or "can't run" in text else KEYS
        return f"{redis_cli} ACL SETUSER {user} {lacks}"
    if code in mends:
        return mends[code]
    if "unknown command" in text:
        return f"allow that command on the server (rename-command in its configuration), or name another in {named}"
    if "AUTH" in text:
        return f"take the password out of {named}"
    if "DB index" in text:
        return f"name a database that the server has in {named}"
    if "max number of clients" in text:
        return f"{redis_cli} CONFIG SET maxclients 10000"
    return f"see what the server says: {redis_cli} INFO"


def _of_tls(detail: str, address: Address, named: str) -> str:
    if ": ssl_" in detail:
        return f"correct that file, or its path in {named}"
    if "VERIFY_FAILED" in detail or "host name" in detail:
        return f"name the server in {named} as its certificate does, and who signed that: ?ssl_ca_certs=/path/ca.crt"
    if "VERSION" in detail or "RECORD" in detail:
        return f"write redis:// in {named}: that server speaks no TLS"
    if "ssl_certfile" in (address.tls or {}):
        return f"give the client a certificate in {named} that the server takes"
    return (
        f"name a certificate of the client in {named}, if the server wants one: ?ssl_certfile=/path&ssl_keyfile=/path"
    )


def _cli(address: Address) -> str:
    """How a person asks that server; the password is theirs to give."""
    if address.path is not None:
        return f"redis-cli -s {address.path}"
    host, port = next(iter((*address.sentinels, *address.nodes)), (address.host, address.port))
    where = (f" -h {host}" if host not in ("localhost", "127.0.0.1") else "") + (
        f" -p {port}" if port != DEFAULT_PORT else ""
    )
    return f"redis-cli{where}{' --tls' if address.tls is not None else ''}"


OK = 0
FAILED = 1  # it could not be done, or something needs mending; the last line says what and how
USAGE = 2  # the arguments were not understood (click's own number)
STOPPED = 130  # the person pressed Ctrl-C


EXPECTED = 0.6  # a lower share of hits is worth a look at what stands in the way
_CLASSES = (HIT, MISS, BYPASS, STORE, ERROR)
_COSTLIEST = 3


class Row(NamedTuple):
    """One outcome's share, in milliseconds. run: of the runs that were not repeated or have ended; spent: by us."""

    outcome: Outcome
    calls: int
    run: int
    spent: int


class Summary(NamedTuple):
    """since: unix seconds of the oldest count, None without any; rows: by class, then the most frequent first."""

    since: int | None
    rows: list[Row]

    def number(self, *kinds: str) -> int:
        return sum(row.calls for row in self.rows if row.outcome.kind in kinds)

    def of(self, outcome: Outcome) -> int:
        return sum(row.calls for row in self.rows if row.outcome is outcome)

    @property
    def saved(self) -> int:
        return sum(row.run for row in self.rows if row.outcome.kind == HIT)

    @property
    def spent(self) -> int:
        return sum(row.spent for row in self.rows)

    @property
    def hit_rate(self) -> float | None:
        lookups = self.number(HIT, MISS)
        return self.number(HIT) / lookups if lookups else None


@click.command()
@json_options("Stats")
def command(as_json: bool) -> int:
    """Show hits, misses, bypasses and the time saved.

    Counts are of this machine, since the cache folder was made.
    """
    cache = cache_folder(os.environ)
    counts = read(cache)
    summary = summarize(counts)
    resting = quarantine.current(cache, time.time())
    skills = _skills(counts)
    click.echo(_as_json(summary, resting, skills) if as_json else "\n".join(_as_text(summary, resting, skills)))
    return OK


def _skills(counts: Sequence[Count]) -> list[State]:
    """Those that declare themselves, as far as they can be seen from here."""
    try:
        settings = load(os.environ, os.getcwd())
    except (SkillcacheError, OSError):  # the doctor says what is wrong
        return []
    return states(os.environ, os.getcwd(), settings, counts)


def summarize(counts: Sequence[Count]) -> Summary:
    rows: dict[int, Row] = {}
    for count in counts:
        row = rows.get(count.outcome.id, Row(count.outcome, 0, 0, 0))
        rows[count.outcome.id] = Row(row.outcome, row.calls + 1, row.run + count.run, row.spent + count.spent)
    ordered = sorted(rows.values(), key=lambda row: (_CLASSES.index(row.outcome.kind), -row.calls, row.outcome.id))
    return Summary(min((count.at for count in counts), default=None), ordered)


def costliest(summary: Summary) -> list[Row]:
    """The outcomes whose runs took most time without being replayed."""
    ran = [row for row in summary.rows if row.outcome.kind != HIT and row.run]
    return sorted(ran, key=lambda row: -row.run)[:_COSTLIEST]


def _as_text(summary: Summary, resting: Sequence[tuple[str, str, int]], skills: Sequence[State]) -> list[str]:
    if summary.since is None:
        return ["The hooks have seen no call yet. Are they installed? Check with: skillcache doctor"]
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(summary.since))
    hits, lookups = summary.number(HIT), summary.number(HIT, MISS)
    rate = share(hits, lookups) if lookups else "none"
    lines = [
        f"Calls seen since {since}",
        "",
        f"  hits        {rate}: {several(hits, 'hit')} in {several(lookups, 'lookup')}",
        f"  time saved  {_saved(summary)}",
    ]
    waited = summary.of(WAITED)
    if waited:
        lines.append(f"  waited      {several(waited, 'run')} saved by waiting for another's")
    verified = summary.of(CONFIRMED) + summary.of(REFUTED)
    if verified:
        lines.append(
            f"  verified    {several(verified, 'run')}: {summary.of(REFUTED):,} differed from the stored result"
        )
    lines += ["", "  count    run time    own time  outcome"]
    lines += [
        f"  {row.calls:5,}  {duration(row.run) if row.run else '-':>10}  {duration(row.spent):>10}"
        f"  {row.outcome.kind:6}  {row.outcome.name}: {row.outcome.text}"
        for row in summary.rows
    ]
    lines += [
        f"The rule {legible(rule)} rests in {legible(project)} until"
        f" {time.strftime('%Y-%m-%d %H:%M', time.localtime(until))}:"
        " a result was wrong there, or may be."
        for rule, project, until in resting
    ]
    if skills:
        lines += ["", "  skill"]
        lines += [legible(f"  {state.name}: " + (state.why or several(state.hits, "hit"))) for state in skills]
    if summary.hit_rate is not None and summary.hit_rate < EXPECTED:
        lines += ["", f"Less than {EXPECTED:.0%} of the lookups are hits.".replace("%", " %")]
        worst = costliest(summary)
        if worst:
            names = ", ".join(f"{row.outcome.name} ({duration(row.run)})" for row in worst)
            lines[-1] += f" The runs that took most time: {names}."
    return lines


def _saved(summary: Summary) -> str:
    runs, own, net = duration(summary.saved), duration(summary.spent), summary.saved - summary.spent
    if net < 0:
        return f"none: {runs} of runs not repeated, and skillcache took {own}"
    return f"{duration(net)}: {runs} of runs not repeated, less {own} that skillcache took"


def _as_json(summary: Summary, resting: Sequence[tuple[str, str, int]], skills: Sequence[State]) -> str:
    return json.dumps(
        {
            "since": summary.since,
            "hits": summary.number(HIT),
            "misses": summary.number(MISS),
            "lookups": summary.number(HIT, MISS),
            "hit_rate": summary.hit_rate,
            "bypasses": summary.number(BYPASS),
            "errors": summary.number(ERROR),
            "saved_ms": summary.saved,
            "spent_ms": summary.spent,
            "net_ms": summary.saved - summary.spent,
            "waited": summary.of(WAITED),
            "verified": summary.of(CONFIRMED) + summary.of(REFUTED),
            "refuted": summary.of(REFUTED),
            "outcomes": [
                {
                    "name": row.outcome.name,
                    "class": row.outcome.kind,
                    "count": row.calls,
                    "run_ms": row.run,
                    "spent_ms": row.spent,
                }
                for row in summary.rows
            ],
            "costliest": [row.outcome.name for row in costliest(summary)],
            "quarantined": [{"rule": rule, "project": project, "until": until} for rule, project, until in resting],
            "skills": [
                {"name": state.name, "folder": state.folder, "hits": state.hits, "out": state.why or None}
                for state in skills
            ],
        },
        indent=2,
    )
