"""What was so when a command began: what a look at the store gives, and what the record of the run goes by."""

from skillcache.core.outcomes import NO_ENTRY, Outcome
from skillcache.core.record import KW_ONLY, Record, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.cache.capture import Lookup
    from skillcache.commands.rewritten import Watch


class Begun(Record):
    """What was so when the command began."""

    since: int  # see `way.stamp`
    found: "Lookup"  # captured after that
    project: str  # identity
    team: str  # whose results may be given, '' for none
    key: str  # the store's
    _: KW_ONLY
    generations: dict[str, int] = field(default_factory=dict)  # of the names
    outcome: Outcome = NO_ENTRY  # of the look at the store
    started: int = 0  # ms since the epoch
    watch: "Watch | None" = None  # of the files that its runs write anew
    trace: dict[str, object] = field(default_factory=dict)  # see `skillcache.cache.skills.run`
