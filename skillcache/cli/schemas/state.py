"""What `skillcache state` prints with `--json`."""

from typing import Any

from pydantic import RootModel

from skillcache.cli.schemas.output import Output


class Value(Output):
    key: str
    value: Any
    version: int


class Values(RootModel[list[Value]]):
    """Those of the namespace."""
