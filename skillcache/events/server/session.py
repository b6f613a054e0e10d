"""What the server knows of the client's session, from its start and from one call to the next."""

from __future__ import annotations

import json
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TypeVar

from skillcache.claude.event import ToolEvent
from skillcache.claude.resident import off_path
from skillcache.core import counts, files
from skillcache.core.outcomes import Outcome
from skillcache.core.paths import cache_folder
from skillcache.events.server.environment import Environment
from skillcache.events.server.flights import Flights
from skillcache.events.server.world import ResidentWorld, Stores

T = TypeVar("T")

_MOST = 1_000  # calls and tools that are remembered
_LARGEST = 1 << 16


class Session:
    """environ: the client's environment, as a hook would have it; socket: the path of ours.

    Beside the socket may lie `.off`, which switches the server off for this client, and `.options`, the options of the
    plugin as a hook was given them; `options`: whether nothing can be answered before these are there.
    """

    def __init__(self, environ: Mapping[str, str], socket: str, *, options: bool) -> None:
        self._environ = dict(environ)
        self._current = Environment(self._environ, time.time())
        self._off = off_path(socket)
        self._options = f"{socket}.options" if options else ""
        self._roots: OrderedDict[str, str] = OrderedDict()
        self._servers: OrderedDict[str, tuple[str, str]] = OrderedDict()

    def is_on(self) -> bool:
        """Whether calls can be answered now."""
        if os.path.exists(self._off) or not self._current.is_current(time.time()):
            return False
        return not self._options or self._take_options()

    def is_over(self, now: float) -> bool:
        """Whether another process has to take over, with the client's environment of then."""
        return not self._current.is_current(now) and now > (self._current.until or 0)

    def enter(self, event: ToolEvent, root: str) -> ToolEvent:
        """A call begins; `root`: where the client was started, or has moved. The mod does not know MCP servers."""
        _keep(self._roots, event.tool_use_id, root)
        if event.tool in self._servers and event.server == ("", ""):
            event.server = self._servers[event.tool]
        return event

    def leave(self, event: ToolEvent) -> None:
        """A call has ended."""
        if event.server != ("", ""):
            _keep(self._servers, event.tool, event.server)

    def world(
        self,
        event: ToolEvent,
        stores: Stores,
        allow: Callable[[float], None] = lambda _seconds: None,
        flights: Flights | None = None,
    ) -> ResidentWorld:
        """For one event: with the variables that the client would set for a hook at this moment."""
        root = self._roots.get(event.tool_use_id) or self._environ.get("CLAUDE_PROJECT_DIR") or event.cwd
        now = {"CLAUDE_PROJECT_DIR": root, "CLAUDE_CODE_SESSION_ID": event.session_id}
        return ResidentWorld(self._environ | now, stores, allow, flights)

    def count(self, outcome: Outcome) -> None:
        counts.record(cache_folder(self._environ), time.time(), outcome)

    def _take_options(self) -> bool:
        try:
            given = json.loads(files.read(self._options, _LARGEST) or b"null")
        except (OSError, ValueError):
            return False
        if not isinstance(given, dict):
            return False
        self._environ = {str(name): str(value) for name, value in given.items()} | self._environ
        self._options = ""
        return True


def _keep(known: OrderedDict[str, T], name: str, value: T) -> None:
    known[name] = value
    while len(known) > _MOST:
        known.popitem(last=False)
