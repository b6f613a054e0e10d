"""One connection that hears of a release, for all coroutines that wait for the same one."""

import asyncio
from collections.abc import Awaitable, Callable


class Hearings:
    """hear: waits for the release after a mark for as long as one exchange may take, and says whether it came."""

    def __init__(self, hear: Callable[[str, str], Awaitable[bool]]) -> None:
        self._hear = hear
        self._under_way: dict[tuple[str, str], _Hearing] = {}

    async def wait(self, digest: str, mark: str, seconds: float) -> bool:
        """False: none came in so many seconds. Raises what `hear` raises."""
        name = digest, mark
        hearing = self._under_way.get(name)
        if hearing is None:
            hearing = self._under_way[name] = _Hearing()
            hearing.task = asyncio.create_task(self._listen(name, hearing))
        hearing.listeners += 1
        try:
            await asyncio.wait({hearing.task}, timeout=seconds)
            return hearing.task.done() and hearing.task.result()
        finally:
            hearing.listeners -= 1
            if not hearing.listeners:
                await self._end(name, hearing)

    async def _listen(self, name: tuple[str, str], hearing: "_Hearing") -> bool:
        while not await self._hear(*name):
            # An exchange whose answer comes as it is cancelled may swallow that: it was the last one then.
            if not hearing.listeners:
                return False
        return True

    async def _end(self, name: tuple[str, str], hearing: "_Hearing") -> None:
        """At once: what goes on unheard would hold a connection, or be left behind by its event loop."""
        if self._under_way.get(name) is hearing:
            del self._under_way[name]
        if hearing.task.cancel():
            await asyncio.wait({hearing.task})
        if not hearing.task.cancelled():
            hearing.task.exception()  # whatever came of it, nobody is there to be told


class _Hearing:
    __slots__ = ("listeners", "task")

    task: "asyncio.Task[bool]"

    def __init__(self) -> None:
        self.listeners = 0
