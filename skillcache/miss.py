"""What PreToolUse knew of a call that it let run, kept until the run has ended."""

from skillcache.errors import Bypass
from skillcache.outcome import INTERNAL


class Miss:
    """key: full key text; cwd: where the run began; project: its identity; started: milliseconds since the epoch;
    generations: of each rule's name; verifies: whether an entry was there and is to be held against the run.
    """  # fmt: skip

    __slots__ = ("cwd", "generations", "key", "project", "started", "verifies")

    def __init__(
        self, *, key: str, cwd: str, project: str, started: int, generations: dict[str, int], verifies: bool
    ) -> None:
        self.key = key
        self.cwd = cwd
        self.project = project
        self.started = started
        self.generations = generations
        self.verifies = verifies

    def record(self) -> dict[str, object]:
        """As JSON values, for `skillcache.pending`."""
        return {name: getattr(self, name) for name in self.__slots__}


def read_miss(record: dict[str, object]) -> Miss:
    """Raises Bypass for a record of another form: one that another version of ours wrote."""
    try:
        generations = record["generations"]
        if not isinstance(generations, dict):
            raise TypeError
        return Miss(
            key=str(record["key"]),
            cwd=str(record["cwd"]),
            project=str(record["project"]),
            started=int(str(record["started"])),
            generations={str(name): int(value) for name, value in generations.items()},
            verifies=record["verifies"] is True,
        )
    except (KeyError, TypeError, ValueError):
        raise Bypass(INTERNAL, "a pending record of another form") from None
