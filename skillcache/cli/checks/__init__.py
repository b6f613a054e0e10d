"""What `skillcache doctor` looks at: one module per subject, each with `check(place) -> findings`."""

from collections.abc import Mapping
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


class Place(NamedTuple):
    """What is looked at. now: unix seconds."""

    environ: Mapping[str, str]
    project: str
    now: float
