"""What the store says to a planned call, now: the part that PreToolUse and `skillcache explain` share."""

from skillcache import durations, quarantine, seen
from skillcache.call import Call
from skillcache.decision import Answer, decide
from skillcache.errors import Bypass
from skillcache.lookup import Lookup, look
from skillcache.outcome import QUARANTINED, TOO_FAST
from skillcache.plan import Plan
from skillcache.project import identity
from skillcache.redis_keys import entry_key
from skillcache.stores import open_store


class Consultation:
    """found: the key and what was captured; project: its identity; generations: of the rules' names, now."""

    __slots__ = ("answer", "found", "generations", "project")

    def __init__(self, answer: Answer, found: Lookup, project: str, generations: dict[str, int]) -> None:
        self.answer = answer
        self.found = found
        self.project = project
        self.generations = generations


def consult(call: Call, planned: Plan) -> Consultation:
    """One round trip to the store. Raises Bypass and StoreError."""
    event, settings, now = call.event, call.settings, call.world.now
    require_worth(call, planned)
    found = look(planned, event.cwd, call.world.environ, seconds=settings.number("capture_time"))
    project = identity(found.fingerprint.root)
    # In shadow mode nothing is served, so there is nothing to rest from.
    if settings.number("verify") < 1 and quarantine.rests(call.cache, project, planned.name, now):
        raise Bypass(QUARANTINED)
    store = open_store(settings.store, now=now)
    stored = store.get(entry_key(planned.name, found.digest), planned.names)
    store.close()
    generations = dict(zip(planned.names, stored.generations, strict=True))
    answer = decide(
        planned,
        key=found.key,
        found=stored.entry,
        generations=generations,
        root=found.fingerprint.root,
        now=now,
        seen_failure=planned.failures and seen.has_seen(call.cache, event.session_id, event.agent_id, found.digest),
    )
    return Consultation(answer, found, project, generations)


def require_worth(call: Call, planned: Plan) -> None:
    """Raises Bypass for a command known to be quicker than a lookup is worth."""
    learnt = durations.learnt(call.cache, call.folder, call.command)
    if learnt is not None and learnt < call.settings.number("min_duration") * 1000 and not planned.fresh:
        raise Bypass(TOO_FAST)
