"""Sees the steps that calls take, so that a test knows when somebody waits."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from skillcache.library.runs import Wait
from skillcache.library.source import AsyncSource, Source

SECONDS = 60.0  # for others to begin to wait, on a busy machine


class Waiters:
    """How many calls of this process have begun to wait for another's run."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self._came = threading.Condition()
        take, aio_take = Source.take, AsyncSource.take

        def taking(source: Source, step: Any) -> Any:
            self._note(step)
            return take(source, step)

        async def aio_taking(source: AsyncSource, step: Any) -> Any:
            self._note(step)
            return await aio_take(source, step)

        monkeypatch.setattr(Source, "take", taking)
        monkeypatch.setattr(AsyncSource, "take", aio_taking)

    def await_(self, count: int) -> None:
        with self._came:
            assert self._came.wait_for(lambda: self.count >= count, SECONDS)

    async def aio_await(self, count: int) -> None:
        await asyncio.to_thread(self.await_, count)

    def _note(self, step: object) -> None:
        if isinstance(step, Wait):
            with self._came:
                self.count += 1
                self._came.notify_all()
