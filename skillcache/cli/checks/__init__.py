"""What `skillcache doctor` looks at: a module per subject, a function `check_...(place) -> findings` per check."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

OK = "ok"
NOTE = "note"  # worth knowing; nothing needs mending
MEND = "mend"


class Finding(NamedTuple):
    """`text`: one sentence without its full stop; `mend`: the command or step that mends it."""

    level: str
    subject: str
    text: str
    mend: str = ""


def silent(_doing: str) -> None:
    return


class Place(NamedTuple):
    """What is looked at. environ: as hooks have it; now: unix seconds; tell: takes what a long check is doing.

    terminal: as commands have it in this terminal, None where that is the same.
    """

    environ: Mapping[str, str]
    project: str
    now: float
    tell: Callable[[str], None] = silent
    terminal: Mapping[str, str] | None = None
