"""The lane of settings hooks, for every client: a Bash line is rewritten, any other call is refused with its result."""

from skillcache.plan import BASH, Plan

TYPE_CHECKING = False
if TYPE_CHECKING:  # most calls end before a result is looked for
    from skillcache.call import Call
    from skillcache.consultation import Consultation
    from skillcache.entry import Entry
    from skillcache.outcome import Outcome


def admit(call: "Call", planned: Plan) -> None:
    """Raises Bypass."""
    if planned.tool != BASH:
        from skillcache.lanes import refusal  # most calls are Bash lines

        refusal.admit(call, planned)


def present(call: "Call", planned: Plan, consulted: "Consultation", entry: "Entry") -> "str | Outcome":
    """Raises Bypass and OSError."""
    if planned.tool == BASH:
        from skillcache.lanes import rewriting  # a miss needs neither

        return rewriting.present(call, planned, consulted, entry)
    from skillcache.lanes import refusal

    return refusal.present(call, planned, consulted, entry)
