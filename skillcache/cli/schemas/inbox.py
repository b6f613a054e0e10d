"""`skillcache inbox --json`: one of these in each line."""

from pydantic import BaseModel, ConfigDict, Field


class Message(BaseModel):
    """`from`: the sender's id. Times are unix milliseconds; `bounce`: why it came back to its sender, "" for others."""

    model_config = ConfigDict(extra="allow", strict=True)

    id: str
    kind: str
    from_: str = Field(alias="from")
    to: str
    text: str
    bounce: str
