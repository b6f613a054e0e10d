"""What a process inherits, where the system does not show it in files: as on macOS."""

import os
from collections.abc import Iterator

import pytest

from skillcache.commands import invocation
from skillcache.core import files


@pytest.fixture
def hidden(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(files, "read", lambda _path, _cap: None)
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(invocation, "_seen", [])
    before = os.umask(0o22)
    yield
    os.umask(before)


@pytest.mark.usefixtures("hidden")
def test_the_mask_alone_counts() -> None:
    assert invocation.process_rows() == []
    invocation._seen.clear()
    os.umask(0o77)
    assert invocation.process_rows() == [("process", "umask", "0077")]
    assert os.umask(0o22) == 0o77
