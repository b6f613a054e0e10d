"""What the store says to a planned call, now: the part that every lane and `skillcache explain` share."""

from skillcache import durations, quarantine, seen
from skillcache.call import Call
from skillcache.decision import Answer, Inquiry, decide
from skillcache.entry import JSON, TEXT
from skillcache.errors import Bypass
from skillcache.event import ToolEvent
from skillcache.lookup import Lookup, look
from skillcache.outcome import QUARANTINED, SECRET, TOO_FAST
from skillcache.plan import BASH, Plan
from skillcache.project import identity
from skillcache.redis_keys import entry_key, project_name, team_name


class Consultation:
    """found: the key and what was captured; project: its identity; generations: of every name of the call, now."""

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
    found = look(planned, event, event.cwd, call.world.environ, seconds=settings.number("capture_time"))
    project = identity(found.fingerprint.root)
    # In shadow mode nothing is served, so there is nothing to rest from.
    if settings.number("verify") < 1:
        for name in {planned.name, *planned.rules}:
            if quarantine.rests(call.cache, project, name, now):
                raise Bypass(QUARANTINED)
    team = call.team(planned)
    asked = (*planned.names, project_name(project), *((team_name(team),) if team else ()))
    store = call.open_store()
    key, also = entry_key(planned.name, found.digest), entry_key(planned.name, found.digest, team) if team else None
    stored = store.get(key, asked, also)
    generations = dict(zip(asked, stored.generations, strict=True))
    inquiry = Inquiry(
        key=found.key,
        names=planned.names,
        generations=dict(generations),
        root=found.fingerprint.root,
        place=found.workplace.place if found.workplace is not None else "",
        now=now,
        form=TEXT if planned.tool == BASH else JSON,
        failures=planned.failures and not seen.has_seen(call.cache, event.session_id, event.agent_id, found.digest),
        most=int(settings.number("max_output")),
    )
    answer = decide(planned, inquiry, stored.entry, stored.also)
    if answer.unknown:
        more = store.get(key, answer.unknown).generations
        inquiry.generations.update(zip(answer.unknown, more, strict=True))
        answer = decide(planned, inquiry, stored.entry, stored.also)
    store.close()
    if answer.entry is None and planned.tool != BASH:
        _require_no_secret(event)
    return Consultation(answer, found, project, generations)


def _require_no_secret(event: ToolEvent) -> None:
    """Raises Bypass: the result would not be stored, so nobody is to wait for it, and no file is to hold its call."""
    from skillcache.secrets import find, spelled  # dear, and the call now takes its time

    if find(spelled(event.input)):
        raise Bypass(SECRET)


def require_worth(call: Call, planned: Plan) -> None:
    """Raises Bypass for a command known to be quicker than a lookup is worth."""
    if planned.tool != BASH:  # what others ask for is not on this machine, and asking costs more than time
        return
    learnt = durations.learnt(call.cache, call.folder, call.command)
    if learnt is not None and learnt < call.settings.number("min_duration") * 1000 and not planned.fresh:
        raise Bypass(TOO_FAST)
