"""`skillcache stats --json`."""

from pydantic import Field

from skillcache.cli.schemas.output import Output


class Outcome(Output):
    name: str
    class_: str = Field(alias="class")
    count: int
    run_ms: int
    spent_ms: int


class Resting(Output):
    """`until`: unix seconds."""

    rule: str
    project: str
    until: int


class Skill(Output):
    """`out`: why it is not cached."""

    name: str
    folder: str
    hits: int
    out: str | None


class Stats(Output):
    """`since`: unix seconds of the oldest count; `hit_rate`: of the lookups, where there were any."""

    since: int | None
    hits: int
    misses: int
    lookups: int
    hit_rate: float | None
    bypasses: int
    errors: int
    saved_ms: int
    spent_ms: int
    net_ms: int
    waited: int
    verified: int
    refuted: int
    outcomes: list[Outcome]
    costliest: list[str]
    quarantined: list[Resting]
    skills: list[Skill]
