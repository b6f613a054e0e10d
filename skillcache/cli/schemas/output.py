"""What all models have in common."""

from pydantic import BaseModel, ConfigDict


class Output(BaseModel):
    """Printed, never read: what is not a field of it is a mistake of ours."""

    model_config = ConfigDict(extra="forbid", strict=True)
