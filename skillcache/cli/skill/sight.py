"""What the scripts of a skill visibly do besides printing: read, never run."""

from typing import NamedTuple

WRITES, ENDS, STOPS, VARIABLE, CLOCK, CHANCE = "writes", "ends", "stops", "variable", "clock", "random"
NETWORK, PRESENT, ABOVE, HOME, READS = "network", "present directory", "above", "home", "reads"
GIT = "git"


class Seen(NamedTuple):
    """line: from 1; kind: one of the words above; name: the variable, path, status or call, "" where it is computed.

    A script `ends` with a status that tells of its findings, and `stops` with one where something is missing or fails.
    """

    line: int
    kind: str
    name: str


class Sight(NamedTuple):
    """The same of a script at `script`, a path below the skill's folder, with all lines that show it."""

    script: str
    lines: tuple[int, ...]
    kind: str
    name: str


class Look(NamedTuple):
    """scripts: paths below the folder; unread: those of them in a language that nothing is read of, or not readable."""

    scripts: tuple[str, ...]
    unread: tuple[str, ...]
    sights: tuple[Sight, ...]
