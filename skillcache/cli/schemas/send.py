"""`skillcache send --json`."""

from typing import Literal

from pydantic import RootModel

from skillcache.cli.schemas.output import Output


class Sent(Output):
    """`to`: the recipient's id; `name`: what it is called; `status`: `sent`, or why it was not."""

    id: str
    to: str
    name: str
    status: Literal["sent", "ended", "full"]


class Messages(RootModel[list[Sent]]):
    """One for each recipient."""
