"""`skillcache note list --json`."""

from pydantic import RootModel

from skillcache.cli.schemas.output import Output


class Note(Output):
    """`at`: unix milliseconds; all but the id is missing of a note that cannot be read."""

    id: str
    text: str = ""
    at: int = 0
    by: str = ""
    session: str = ""


class Notes(RootModel[list[Note]]):
    """Those on this project."""
