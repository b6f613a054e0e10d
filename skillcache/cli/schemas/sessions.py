"""What `skillcache sessions` prints with `--json`, and the form of an exported session."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, RootModel

from skillcache.cli.schemas.output import Output


class Session(Output):
    id: str
    state: dict[str, str]


class Sessions(RootModel[list[Session]]):
    """The last active first."""


class Task(Output):
    status: str
    subject: str


class Story(Output):
    """`log`: what happened, oldest first; `files`: how often each was edited."""

    id: str
    state: dict[str, str]
    log: list[dict[str, Any]]
    files: dict[str, int]
    tasks: list[Task]


class Brief(Output):
    """`context`: for the model; `message`: for the person."""

    source: Literal["startup", "clear", "resume", "fork", "compact"]
    context: str
    message: str


Text = Annotated[str, Field(min_length=1)]


class Exported(BaseModel):
    """A line of `sessions export`, read by `sessions import`; fields as of `skillcache.sessions.journal.Past`.

    `project`: its identity. A later version may add fields, which are left aside. Text is what a store takes: UTF-8.
    """

    version: int
    project: Text
    id: Text
    state: dict[Text, Text]
    log: list[Text]
    files: list[tuple[Text, int]]
    tasks: dict[Text, Text]
