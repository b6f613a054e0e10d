"""`skillcache doctor --json`."""

from typing import Literal

from skillcache.cli.schemas.output import Output


class Finding(Output):
    """`mend`: the command or step that mends it, "" for what needs none."""

    level: Literal["ok", "note", "mend"]
    subject: str
    text: str
    mend: str


class Doctor(Output):
    """`mend`: how many findings are to be mended."""

    mend: int
    findings: list[Finding]
