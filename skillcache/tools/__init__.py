"""The way of one tool call, from its event to its answer and its record; what is special of each tool."""

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from skillcache.cache.decision import Plan
    from skillcache.stores.contract import Store
    from skillcache.tools.lookup import Call, Consultation


class World:
    """What a handler may know of the world. now: unix seconds; begun: monotonic seconds at the start of our work.

    after: what a handler leaves to be done once its answer is written, not at all where it could not be.
    """

    __slots__ = ("after", "begun", "environ", "now")

    def __init__(self, environ: "Mapping[str, str]", now: float, begun: float) -> None:
        self.after: Callable[[], None] | None = None
        self.environ = environ
        self.now = now
        self.begun = begun

    def join(self, _call: "Call", _planned: "Plan", consulted: "Consultation") -> "tuple[Consultation, bool]":
        """See `events.server.calls`. A hook does not know whether its call will run, and has ended when it does."""
        return consulted, False

    def open_store(self, target: str) -> "Store":
        """What `stores.open_store` opens; a process that stays has another way."""
        from skillcache.stores import open_store

        return open_store(target, now=self.now)

    def spent(self) -> int:
        """Milliseconds that we have taken since this was last asked, or since the beginning."""
        before, self.begun = self.begun, time.monotonic()
        return int((self.begun - before) * 1000)
