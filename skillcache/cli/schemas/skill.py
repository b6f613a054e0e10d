"""`skillcache skill check --json`."""

from skillcache.cli.schemas.output import Output


class Sight(Output):
    """What a script visibly does besides what is declared, and on which lines."""

    script: str
    lines: list[int]
    kind: str
    name: str
    text: str


class Difference(Output):
    """`what` differs between the runs, and how; `first`, `second`: the first line that does, of each run."""

    what: str
    how: str
    line: int
    first: str
    second: str


class Run(Output):
    """`status`: of each run."""

    command: list[str]
    status: list[int]
    files: list[str]
    keeps_out: list[str]
    differences: list[Difference]


class Check(Output):
    """`line`: of SKILL.md that keeps its scripts out, 0 where none does; `why`: they are out, or who has them in."""

    skill: str
    cached: bool
    line: int
    why: str
    instead: str
    visible: list[Sight]
    run: Run | None
