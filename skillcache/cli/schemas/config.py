"""`skillcache config --json`."""

from typing import Literal

from skillcache.cli.schemas.output import Output


class Setting(Output):
    """`where`: the file or variable that sets it; `unit`: of a number that has one."""

    name: str
    value: bool | int | float | str
    unit: Literal["seconds", "bytes", "characters"] | None
    origin: Literal["default", "user", "project", "environment"]
    where: str | None


class Config(Output):
    """`warnings`: sentences about what is ignored."""

    settings: list[Setting]
    warnings: list[str]
