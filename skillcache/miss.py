"""What PreToolUse knew of a call that it let run, kept until the run has ended."""

from skillcache.errors import Bypass
from skillcache.outcome import INTERNAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Miss:
    """A call between its two hooks.

    key: full key text; cwd: where the run began; project: its identity; started: milliseconds since the epoch;
    since: see `skillcache.pending`; generations: of each name; verifies: whether an entry was there and is to be held
    against the run; trace: see `skillcache.skill.workplace`, {} for a call
    that runs no skill's script.
    """

    __slots__ = ("cwd", "generations", "key", "project", "since", "started", "trace", "verifies")

    def __init__(
        self,
        *,
        key: str,
        cwd: str,
        project: str,
        started: int,
        since: int,
        generations: dict[str, int],
        verifies: bool,
        trace: dict[str, object],
    ) -> None:
        self.key = key
        self.cwd = cwd
        self.project = project
        self.started = started
        self.since = since
        self.generations = generations
        self.verifies = verifies
        self.trace = trace

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
            verifies=record["verifies"] is True,
            trace=_object(record.get("trace", {})),  # earlier versions ran no scripts
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Bypass(INTERNAL, "a pending record of another form") from None


def _object(value: "Any") -> dict[str, object]:
    return {str(name): item for name, item in value.items()}


def _generations(value: "Any") -> dict[str, int]:
    return {str(name): int(number) for name, number in value.items()}
