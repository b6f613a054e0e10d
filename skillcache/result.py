"""What a finished call gave, in the form that a replay reproduces; or the outcome that says why it cannot."""

from skillcache.errors import SkillcacheError
from skillcache.outcome import Outcome


class Unusable(SkillcacheError):
    """The result of this run cannot be replayed."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome


class Result:
    """output: JSON of the tool's structured result."""

    __slots__ = ("output",)

    def __init__(self, output: bytes) -> None:
        self.output = output
