"""`skillcache explain --json`."""

from typing import Any

from pydantic import Field

from skillcache.cli.schemas.output import Output


class Shim(Output):
    reached: bool
    reason: str


class Key(Output):
    """`rows`: label, name and value of each part."""

    digest: str
    rows: list[tuple[str, str, str]]


class Entry(Output):
    """The one that is served, or else the newest of the same command. `finished_ms`: unix milliseconds."""

    served: bool
    finished_ms: int
    duration_ms: int
    status: int
    writer: dict[str, Any]


class Command(Output):
    """`rule`: the one that names it, "" for none; `changes`: what differs from the newest entry, in words."""

    command: str
    outcome: str
    class_: str = Field(alias="class")
    reason: str
    detail: str
    rule: str
    shim: Shim | None
    key: Key | None
    entry: Entry | None
    changes: list[str]


class WholeLine(Output):
    """A rule that named the whole line. `instead`: patterns that name the commands in it."""

    match: str
    instead: list[str]


class Explanation(Output):
    """`line`: as it was read, null where words were given."""

    line: str | None
    commands: list[Command]
    rules_of_lines: list[WholeLine]
