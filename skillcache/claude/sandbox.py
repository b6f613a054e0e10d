"""Whether a command runs in the client's sandbox.

What may be read and reached there is not what it is outside, nor in the next sandbox: a result holds for none of the
others.
"""

from skillcache.core import files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_STATUS_CAP = 64
_VARIABLE = "SANDBOX_RUNTIME"
_FIRST = b"bwrap\n"  # what all processes in there descend from, on Linux


def is_within(environ: "Mapping[str, str]") -> bool:
    """By its variable; where `env -i` or the like has taken that away, by the first process that is seen."""
    if environ.get(_VARIABLE):
        return True
    try:
        return files.read("/proc/1/comm", _STATUS_CAP) == _FIRST
    except OSError:
        return False
