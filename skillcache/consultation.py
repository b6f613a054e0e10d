"""What the store says to a planned call, now: the part that every lane and `skillcache explain` share."""

from skillcache import quarantine
from skillcache.call import Call
from skillcache.decision import Answer, Inquiry, decide
from skillcache.entry import JSON
from skillcache.errors import Bypass
from skillcache.event import ToolEvent
from skillcache.kinds.capture import look
from skillcache.lookup import Lookup
from skillcache.outcome import QUARANTINED, SECRET
from skillcache.plan import Plan
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
    found = look(planned, event, event.cwd, call.world.environ, seconds=settings.number("capture_time"))
    project = identity(found.fingerprint.root)
    # In shadow mode nothing is served, so there is nothing to rest from.
    if settings.number("verify") < 1:
        for name in {planned.name, planned.rule}:
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
        place="",
        now=now,
        form=JSON,
        failures=False,
        most=int(settings.number("max_output")),
    )
    answer = decide(planned, inquiry, stored.entry, stored.also)
    if answer.unknown:
        more = store.get(key, answer.unknown).generations
        inquiry.generations.update(zip(answer.unknown, more, strict=True))
        answer = decide(planned, inquiry, stored.entry, stored.also)
    store.close()
    if answer.entry is None:
        _require_no_secret(event)
    return Consultation(answer, found, project, generations)


def _require_no_secret(event: ToolEvent) -> None:
    """Raises Bypass: the result would not be stored, so nobody is to wait for it, and no file is to hold its call."""
    from skillcache.secrets import find, spelled  # dear, and the call now takes its time

    if find(spelled(event.input)):
        raise Bypass(SECRET)
