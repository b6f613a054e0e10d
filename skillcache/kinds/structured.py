"""The structured result of a call: taken from the event of its end, stored as JSON, read back without trust."""

from skillcache.event import ToolEvent
from skillcache.jsontext import dumps, loads
from skillcache.outcome import FAILURE, INTERRUPTED, NOT_TEXT, TOO_BIG
from skillcache.result import Result, Unusable


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
