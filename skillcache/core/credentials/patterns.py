"""Regular expressions that are compiled where a text calls for one: `re` alone costs more than all else of a look."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re


def compiled(pattern: bytes) -> "re.Pattern[bytes]":
    """`re` keeps what it has compiled."""
    import re  # nearly every text is clean, and shown to be without it

    return re.compile(pattern)
