"""Keeps a claim while its owner computes. It is extended well before its end, and nobody extends it for the dead."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

from skillcache.core.errors import StoreError
from skillcache.library.aio_source import AsyncSource
from skillcache.library.fetching import LEASE
from skillcache.library.source import Source
from skillcache.library.steps import Step

_PAUSE = LEASE / 3  # seconds: two attempts may fail


@contextmanager
def kept(source: Source, extend: Step) -> Iterator[None]:
    over = threading.Event()

    def keep() -> None:
        while not over.wait(_PAUSE):
            with suppress(StoreError):
                source.take(extend)

    # A daemon: a process that ends in the middle of a computation is not held up.
    thread = threading.Thread(target=keep, name="skillcache lease", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # too many threads, or the interpreter ends: the claim may fall before the value is there
        yield
        return
    try:
        yield
    finally:
        over.set()
        thread.join()  # an extension under way would outlive the release that follows


@asynccontextmanager
async def aio_kept(source: AsyncSource, extend: Step) -> AsyncIterator[None]:
    over = asyncio.Event()

    async def keep() -> None:
        while True:
            try:
                async with asyncio.timeout(_PAUSE):
                    await over.wait()
                return
            except TimeoutError:
                with suppress(StoreError):
                    await source.take(extend)

    task = asyncio.create_task(keep())
    try:
        yield
    finally:
        over.set()
        await task
