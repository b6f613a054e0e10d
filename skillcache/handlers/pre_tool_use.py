"""PreToolUse: looks the call up; answers with a replay, or says nothing and remembers the miss for PostToolUse."""

from skillcache.call import Call, read_bash_call
from skillcache.errors import Bypass
from skillcache.outcome import NO_RULE
from skillcache.runtime import World


def handle(data: bytes, world: World) -> str:
    """Raises SkillcacheError and OSError: the runtime counts them and the call goes on untouched."""
    call = read_bash_call(data, world)
    if call is None:
        return ""
    planned, bypass = None, None
    try:
        planned = call.plan()
    except Bypass as raised:
        bypass = raised
        if bypass.outcome is NO_RULE:
            return ""
    from skillcache import pending  # most calls end above

    # From here on this process alone handles the call, whatever comes of it.
    claimed = pending.begin(call.cache, call.event.tool_use_id)
    if claimed is None:
        return ""
    if planned is not None:
        from skillcache.serving import answer

        try:
            return answer(call, planned, claimed)
        except Bypass as raised:
            bypass = raised
    if bypass is not None:
        call.count(bypass.outcome, planned.name if planned else "", run=_expected(call))
    return ""


def _expected(call: Call) -> int:
    """Milliseconds that the run now beginning is likely to take, 0 when nothing is known of it."""
    from skillcache import durations

    return durations.learnt(call.cache, call.folder, str(call.event.input.get("command"))) or 0
