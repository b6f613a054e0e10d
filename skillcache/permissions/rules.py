"""A person's rules as one value."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Rules:
    """deny, ask, allow: the rules as written."""

    __slots__ = ("allow", "ask", "deny")

    def __init__(self, deny: "Sequence[str]" = (), ask: "Sequence[str]" = (), allow: "Sequence[str]" = ()) -> None:
        self.deny = tuple(deny)
        self.ask = tuple(ask)
        self.allow = tuple(allow)
