"""What a finished call gave, as it is stored and as the model is shown it, or the outcome that says why it is not."""

from skillcache.claude.event import ToolEvent
from skillcache.core.errors import SkillcacheError
from skillcache.core.json import dumps, loads
from skillcache.core.outcomes import CUT, FAILURE, INTERRUPTED, NOT_TEXT, TOO_BIG, Outcome
from skillcache.core.record import Record


class Unusable(SkillcacheError):
    """The result of this run cannot be replayed."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome


class Result(Record):
    output: bytes  # JSON of the tool's structured result


# UTF-16 units of all texts of a result. Observed with WebFetch, WebSearch, MCP tools and agents alike.
MOST = 50_000


def shown(text: str) -> str:
    """The text. Raises Unusable for one of which the model would be shown a part only."""
    if len(text) > MOST or len(text.encode("utf-16-le", "surrogatepass")) // 2 > MOST:
        raise Unusable(CUT)
    return text


def response_of(event: ToolEvent) -> object:
    """Raises Unusable for a call that has none."""
    if event.interrupted:
        raise Unusable(INTERRUPTED)
    if event.name == "PostToolUseFailure":
        raise Unusable(FAILURE)
    return event.response


def packed(response: object, cap: int) -> Result:
    """`cap`: most bytes. Raises Unusable."""
    try:
        output = dumps(response).encode("ascii")
    except RecursionError:  # nested as deeply as an event may be
        raise Unusable(NOT_TEXT) from None
    if len(output) > cap:
        raise Unusable(TOO_BIG)
    return Result(output)


def parsed(output: bytes) -> object:
    """Raises Unusable for what is no JSON: others may have written it."""
    try:
        return loads(output)
    except ValueError:
        raise Unusable(NOT_TEXT) from None
