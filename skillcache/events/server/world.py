"""The world as the resident core sees it: who is connected, its stores, the client's environment, patterns of projects.

Observed: the client reads `env` of a settings file again as soon as the file changes, and gives it to whatever it
starts from then on. A server that lives on would take old values for those that a command runs with.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

from skillcache.claude.mcp_servers import config_folder
from skillcache.claude.permissions import LARGEST, MANAGED, client_arguments, roots_of, values_of
from skillcache.core import files, json
from skillcache.core.outcomes import STORE_TIMEOUT, STORE_UNREACHABLE, ConfigError, Outcome, StoreError
from skillcache.core.paths import cache_folder, project_config_file
from skillcache.core.processes import describe
from skillcache.library.embedded import EmbeddedFile
from skillcache.settings import PROJECT
from skillcache.settings.configuration import parse
from skillcache.stores import open_store, over
from skillcache.stores.contract import EMBEDDED, Store, keys_of
from skillcache.tools import World

if TYPE_CHECKING:
    from skillcache.cache.decision import Plan
    from skillcache.events.server.calls import Flights
    from skillcache.stores.connection import Link, Request
    from skillcache.stores.signed import Keys
    from skillcache.tools.lookup import Call, Consultation


T = TypeVar("T")


REST = 5.0  # seconds in which a server that did not answer is not asked again
_BLOCK = 2.0  # seconds that a reply may be kept back where somebody waits for a run, at most


class Connected:
    """connect, reply: seconds that the server has. Raises ConfigError."""

    def __init__(self, target: str, *, connect: float, reply: float) -> None:
        try:
            from skillcache.stores import redis_py  # takes its time, and no other store needs it
            from skillcache.stores.pooled import PooledLink
        except ModuleNotFoundError as fault:  # the plugin alone brings no packages
            raise ConfigError("redis_url", f"the plugin's server needs the Python package {fault.name}") from None

        self._link, self._waiting = (
            PooledLink(redis_py.connect(target, socket_connect_timeout=connect, socket_timeout=seconds))
            for seconds in (reply, _BLOCK + reply)
        )
        for link in (self._link, self._waiting):
            link.rest(REST)

    def is_gone(self) -> bool:
        """Whether there is nothing left to ask after a failure: of a cluster a node may be away, which rests alone."""
        return self._link.is_gone()

    def store(self, note: Callable[[StoreError], None], keys: Keys | None) -> Store:
        """`note` is told of every failure."""
        return over(_Watched(self._link, self._waiting, note), keys)


class _Watched:
    """The connections stay for the next call. waiting: the link for what the server keeps back."""

    longest = _BLOCK
    is_spread = False

    def __init__(self, link: Link, waiting: Link, note: Callable[[StoreError], None]) -> None:
        self._link = link
        self._waiting = waiting
        self._note = note

    def ask(self, request: Request[T], patience: float = 0.0) -> T:
        try:
            return (self._waiting if patience else self._link).ask(request, patience)
        except StoreError as fault:
            self._note(fault)
            raise

    def ask_all(self, requests: Sequence[Request[Any]]) -> list[Any]:
        try:
            return self._link.ask_all(requests)
        except StoreError as fault:
            self._note(fault)
            raise

    def close(self) -> None:
        pass


class Stores:
    """The stores of a process, by target. connect, reply: seconds that the server has; threads may share it."""

    def __init__(self, *, connect: float, reply: float) -> None:
        self._connect = connect
        self._reply = reply
        self._lock = Lock()
        self._servers: dict[str, Connected] = {}
        self._files: dict[str, EmbeddedFile] = {}
        self._faults: dict[str, tuple[float, Outcome]] = {}

    def open(self, target: str, *, now: float) -> Store:
        """Raises ConfigError, and StoreError while a server that did not answer rests."""
        if target.startswith(EMBEDDED):
            self._hold(target)
            return open_store(target, now=now)
        until, outcome = self._faults.get(target, (0.0, STORE_TIMEOUT))
        if time.monotonic() < until:
            raise StoreError(outcome, "it did not answer a moment ago")
        server = self._server(target)
        return server.store(lambda fault: self._note(target, server, fault), keys_of(target))

    def _hold(self, target: str) -> None:
        """Without a connection that stays, each call would be the last to close the file, which takes it long."""
        with self._lock:
            file = self._files.setdefault(target, EmbeddedFile(target))
        file.take(lambda _store: None)

    def _server(self, target: str) -> Connected:
        with self._lock:
            server = self._servers.get(target)
            if server is None:
                server = self._servers[target] = Connected(target, connect=self._connect, reply=self._reply)
            return server

    def _note(self, target: str, server: Connected, fault: StoreError) -> None:
        if fault.outcome in (STORE_TIMEOUT, STORE_UNREACHABLE) and server.is_gone():
            self._faults[target] = (time.monotonic() + REST, fault.outcome)


class ResidentWorld(World):
    """For one event.

    allow: told how many seconds from now a call may take, where it waits for another's run; flights: of a call that is
    about to run.
    """

    __slots__ = ("_allow", "_flights", "_stores")

    def __init__(
        self,
        environ: Mapping[str, str],
        stores: Stores,
        allow: Callable[[float], None] = lambda _seconds: None,
        flights: Flights | None = None,
    ) -> None:
        super().__init__(environ, time.time(), time.monotonic())
        self._stores = stores
        self._allow = allow
        self._flights = flights

    def join(self, call: Call, planned: Plan, consulted: Consultation) -> tuple[Consultation, bool]:
        if self._flights is None:
            return super().join(call, planned, consulted)
        return self._flights.join(call, planned, consulted, allow=self._allow)

    def open_store(self, target: str) -> Store:
        return self._stores.open(target, now=time.time())  # a claim is renewed long after the call has begun


_READS = 0.05  # seconds that the client surely takes from its start to reading them; a start is known to 0.01
GRACE = 10.0  # seconds within which the client has surely taken up a change


class Environment:
    """until: when the server is to end, on the clock of time.time; None while its environment is the client's."""

    def __init__(self, environ: Mapping[str, str], now: float) -> None:
        self._environ = environ
        self._places = _places(environ)
        self._stamps = self._look()
        self._values = self._read()
        self.until: float | None = None
        changed = max((stamp[0] / 1e9 for stamp in self._stamps if stamp is not None), default=0.0)
        if changed > _start_of_client(environ) + _READS and now - changed < GRACE:
            self.until = changed + GRACE

    def is_current(self, now: float) -> bool:
        if self.until is None:
            stamps = self._look()
            if stamps != self._stamps:
                self._stamps = stamps
                if self._read() != self._values:
                    self.until = now + GRACE
        return self.until is None

    def _look(self) -> list[tuple[int, int, int] | None]:
        stamps: list[tuple[int, int, int] | None] = []
        for place in self._places:
            try:
                status = os.stat(place)
                stamps.append((status.st_mtime_ns, status.st_size, status.st_ino))
            except OSError:
                stamps.append(None)
        return stamps

    def _read(self) -> list[object]:
        return [_env_of(place) for place in self._places]


def _env_of(path: str) -> object:
    try:
        settings = json.loads(files.read(path, LARGEST) or b"{}")
    except (OSError, ValueError):
        return None
    return settings.get("env") if isinstance(settings, dict) else None


def _places(environ: Mapping[str, str]) -> list[str]:
    """Every file that the client takes settings from."""
    project = environ.get("CLAUDE_PROJECT_DIR") or os.getcwd()
    config = config_folder(environ)
    places = [f"{MANAGED}/managed-settings.json", f"{config}/remote-settings.json", f"{config}/settings.json"]
    for folder in roots_of(project, project):
        places += [f"{folder}/.claude/settings.json", f"{folder}/.claude/settings.local.json"]
    given = values_of(client_arguments(environ), ("--settings",))
    return [*places, *(os.path.join(project, path) for path in given if not path.lstrip().startswith("{"))]


def _start_of_client(environ: Mapping[str, str]) -> float:
    """Unix seconds; 0 where the system does not tell."""
    pid = environ.get("CLAUDE_PID", "")
    ticks = describe(int(pid)).get("pid_start", "") if pid.isdecimal() else ""
    if not ticks:
        return 0.0
    since_boot = time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.time() - since_boot + int(ticks) / os.sysconf("SC_CLK_TCK")


_LARGEST = 1 << 20
_MOST = 500  # patterns of either sort


def known(environ: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Of rules, and of what puts their results out of date."""
    try:
        found: Any = json.loads(files.read(_path(environ), _LARGEST) or b"[[], []]")
        rules, writers = ([str(text) for text in texts] for texts in found)
    except (OSError, ValueError, TypeError):
        return [], []
    return rules, writers


def meet(project: str, environ: Mapping[str, str]) -> None:
    """Take in a project's rules. Raises ConfigError and OSError."""
    before = known(environ)
    matches, writers = _of_project(project)
    after = (_joined(before[0], matches), _joined(before[1], writers))
    if after != before:
        files.write(_path(environ), json.dumps(after).encode())


def is_met(project: str, environ: Mapping[str, str]) -> bool:
    """Whether the project's rules were taken in. Raises ConfigError and OSError."""
    before = known(environ)
    return all(set(texts) <= set(old) for texts, old in zip(_of_project(project), before, strict=True))


def _of_project(project: str) -> tuple[list[str], list[str]]:
    path = project_config_file(project)
    text = files.read(path, _LARGEST)
    if text is None:
        return [], []
    _, rules, _ = parse(text, path, PROJECT)
    writers = [str(pattern) for rule in rules for pattern in _listed(rule.get("invalidated_by"))]
    return [str(rule["match"]) for rule in rules], writers


def _joined(old: list[str], new: list[str]) -> list[str]:
    return list(dict.fromkeys([*old, *new]))[-_MOST:]


def _listed(value: object) -> Iterable[object]:
    return value if isinstance(value, list | tuple) else ()


def _path(environ: Mapping[str, str]) -> str:
    return f"{cache_folder(environ)}/plugin/patterns.json"
