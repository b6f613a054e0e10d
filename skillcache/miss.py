"""What PreToolUse knew of a call that it let run, kept until the run has ended."""

from skillcache.errors import Bypass
from skillcache.outcome import INTERNAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Miss:
    """A call between its two hooks.

    key: full key text; cwd: where the run began; project: its identity; started: milliseconds since the epoch;
    since: see `skillcache.pending`; generations: of each name.
    """

    __slots__ = ("cwd", "generations", "key", "project", "since", "started")

    def __init__(
        self,
        *,
        key: str,
        cwd: str,
        project: str,
        started: int,
        since: int,
        generations: dict[str, int],
    ) -> None:
        self.key = key
        self.cwd = cwd
        self.project = project
        self.started = started
        self.since = since
        self.generations = generations

    def record(self) -> dict[str, object]:
        """As JSON values, for `skillcache.pending`."""
        return {name: getattr(self, name) for name in self.__slots__}


def read_miss(record: dict[str, object]) -> Miss:
    """Raises Bypass for a record of another form: one that another version of ours wrote."""
    try:
        return Miss(
            key=str(record["key"]),
            cwd=str(record["cwd"]),
            project=str(record["project"]),
            started=int(str(record["started"])),
            since=int(str(record["since"])),
            generations=_generations(record["generations"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Bypass(INTERNAL, "a pending record of another form") from None


def _generations(value: "Any") -> dict[str, int]:
    return {str(name): int(number) for name, number in value.items()}
