"""A call that PreToolUse has answered, kept for the PostToolUse that comes where the answer was not the last word."""

from skillcache.outcome import UNDONE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.call import Call

_RULE, _RUN = "hit", "run"


def record(rule: str, run: int) -> dict[str, object]:
    """For `skillcache.pending`. `run`: milliseconds of the run that was not made."""
    return {_RULE: rule, _RUN: run}


def is_one(kept: dict[str, object]) -> bool:
    return _RULE in kept


def take_back(call: "Call", kept: dict[str, object]) -> None:
    """The result was not given after all."""
    run = kept.get(_RUN)
    call.count(UNDONE, str(kept.get(_RULE)), run=run if isinstance(run, int) else 0)
