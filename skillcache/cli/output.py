"""What a person is shown: sizes and times, `--json` with its schema, exit codes, and what mends a store that fails.

The models are for the schema, and tests hold the output to them. pydantic costs a command as much as all else at its
start, and takes no file name that is not UTF-8: it is imported where a schema is asked for, and nowhere else.
"""

import difflib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import click

from skillcache.cli.setup.client_environment import place_of as named_by
from skillcache.cli.setup.client_environment import settings_of
from skillcache.core.outcomes import (
    DISK,
    STORE_GARBAGE,
    STORE_REFUSED,
    STORE_TIMEOUT,
    ConfigError,
    StoreError,
)
from skillcache.stores.contract import EMBEDDED
from skillcache.stores.redis_url import DEFAULT_PORT, Address, parse_url

_MANY, _FIRST, _AGAIN = 10_000, 5.0, 10.0  # keys, and seconds before and between two words about a long walk
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


def duration(milliseconds: float) -> str:
    if milliseconds < 0:
        return "-" + duration(-milliseconds)
    if milliseconds < 1_000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 59_950:
        return f"{milliseconds / 1_000:.1f} s"
    minutes, seconds = divmod(round(milliseconds / 1_000), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def size(count: float) -> str:
    for unit in _UNITS:
        if count < 1_000 or unit == _UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1_000
    raise AssertionError


def paint(text: str, **style: Any) -> str:
    """`text` in colours where a terminal shows it and nobody has said no."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return text if plain else click.style(text, **style)


def several(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def share(part: float, whole: float) -> str:
    """A part in whole percent; never 100 % unless it is all of it, nor 0 % unless it is nothing."""
    percent = round(100 * part / whole)
    if percent == 100 and part < whole:
        return "over 99 %"
    if percent == 0 and part > 0:
        return "under 1 %"
    return f"{percent} %"


def unified(path: str, before: str, after: str) -> str:
    lines = difflib.unified_diff(_lines(before), _lines(after), fromfile=path, tofile=path)
    return "".join(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in lines)


def _lines(text: str) -> list[str]:
    """Split at line feeds only: a form feed or a line separator inside a string is no line end."""
    pieces = text.split("\n")
    return [piece + "\n" for piece in pieces[:-1]] + ([pieces[-1]] if pieces[-1] else [])


class Progress:
    """Told how many keys a walk through a store has just looked at: every so often a person is told how many in all.

    doing: the beginning of a sentence; out: how to end it, and what that means. Nothing of a walk that is soon over.
    """

    def __init__(self, doing: str, out: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._doing, self._out, self._clock = doing, out, clock
        self._looked = 0
        self._next = clock() + _FIRST

    def __call__(self, keys: int) -> None:
        self._looked += keys
        if self._looked >= _MANY and self._clock() >= self._next:
            self._next = self._clock() + _AGAIN
            click.echo(f"{self._doing}: {several(self._looked, 'entry', 'entries')} so far. {self._out}", err=True)


def json_options(model: str, text: str = "Print one JSON object.", name: str = "as_json") -> Callable[[Any], Any]:
    """Both options. `model`: a class of `cli/schemas`; `name`: of the flag's argument."""
    schema = click.option(
        "--json-schema",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=Schema(model),
        help="Print the schema of that JSON and exit.",
    )
    flag = click.option("--json", name, is_flag=True, help=text)
    return lambda function: flag(schema(function))


class Schema:
    """The callback of `--json-schema`. model: as of `json_options`."""

    def __init__(self, model: str) -> None:
        self.model = model

    def __call__(self, ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
        if wanted and not ctx.resilient_parsing:
            click.echo(json.dumps(model_of(self.model).model_json_schema(mode="serialization"), indent=2))
            ctx.exit()


def model_of(name: str) -> Any:
    from skillcache.cli import schemas

    return getattr(schemas, name)


# What an access list has to allow, as `contract` and the scripts of `stores` need it.
OK = 0
FAILED = 1  # it could not be done, or something needs mending; the last line says what and how
USAGE = 2  # the arguments were not understood (click's own number)
STOPPED = 130  # the person pressed Ctrl-C

KEYS = "'~skill_cache*' '~skillcache:*' '~team:cache:*' '~skill_session*' '~agent_comm:*'"
CHANNELS = "'&agent_comm:*'"
COMMANDS = "+@read +@write +@scripting +@pubsub +@connection +time +info"
CLUSTER_KEYS, CLUSTER_COMMANDS = KEYS.replace("~", "~{*}"), f"{COMMANDS} +cluster|slots +wait"
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
        keys, commands = (CLUSTER_KEYS, CLUSTER_COMMANDS) if address.nodes else (KEYS, COMMANDS)
        lacks = commands if "to run" in text or "can't run" in text else CHANNELS if "channels" in text else keys
        return f"{redis_cli} ACL SETUSER {user} {lacks}"
    if code in mends:
        return mends[code]
    if text.startswith("Unknown Redis command called from script"):
        return f"allow what our scripts call (rename-command in its configuration), or name another in {named}"
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
