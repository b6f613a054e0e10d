"""`skillcache entries list --json`."""

from typing import Any

from pydantic import RootModel

from skillcache.cli.schemas.output import Output


class Entry(Output):
    """`team`: "" for an entry that is not shared; `expires_s`: seconds from now, null for never.

    What stands behind `readable` is there for a readable entry.
    """

    key: str
    name: str
    digest: str
    team: str
    bytes: int
    expires_s: int | None
    readable: bool
    project: str = ""
    finished_ms: int = 0
    duration_ms: int = 0
    status: int = 0
    failed: bool = False
    form: str = ""
    pinned: bool = False
    writer: dict[str, Any] | None = None
    call: str = ""


class Entries(RootModel[list[Entry]]):
    """In the order that was asked for."""
