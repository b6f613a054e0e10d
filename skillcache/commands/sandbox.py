"""Whether a command runs in the client's sandbox.

What may be read and reached there is not what it is outside, nor in the next sandbox: a result holds for none of the
others.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE = "SANDBOX_RUNTIME"
_FIRST = b"bwrap\n"  # what all processes in there descend from, on Linux


def is_within(environ: "Mapping[str, str]") -> bool:
    """By its variable; where `env -i` or the like has taken that away, by the first process that is seen."""
    if environ.get(_VARIABLE):
        return True
    try:
        with open("/proc/1/comm", "rb", buffering=0) as name:
            return name.read(64) == _FIRST
    except OSError:
        return False
