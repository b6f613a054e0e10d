"""The journal of sessions as the command line sees it: of the project that the person is in."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from skillcache.errors import SkillcacheError
from skillcache.sessions import repository
from skillcache.sessions.delivery import Delivery
from skillcache.sessions.journal import History, Journal, Past, Question
from skillcache.sessions.limits import LOG, SESSIONS
from skillcache.settings import Settings, load

EVERYTHING = 2 * LOG  # entries of a log; a server may keep some more than its cap


class Memory:
    """now: unix seconds; place: where the person is; project: its identity."""

    def __init__(self, settings: Settings, delivery: Delivery, place: repository.Place, now: float) -> None:
        self.settings = settings
        self.delivery = delivery
        self.place = place
        self.now = now
        self.project = repository.project_of(place)

    @property
    def journal(self) -> Journal:
        return self.delivery.journal

    @property
    def ttl(self) -> int:
        return int(self.settings.number("record.ttl"))

    def sessions(self, count: int = SESSIONS) -> list[Past]:
        """By last activity, newest first, without details. Raises StoreError."""
        return self._ask(Question(self.project, sessions=count, near=0, any_=0)).sessions

    def notes(self) -> dict[str, str]:
        return self._ask(Question(self.project, sessions=0)).notes

    def history(self, own: str) -> History:
        """What the start of session `own` would be told."""
        return self._ask(Question(self.project, branch=self.place.branch, own=own))

    def find(self, beginning: str) -> Past:
        """The whole session whose id begins so; the newest for "". Raises SkillcacheError."""
        ids = [past.id for past in self.sessions() if past.id.startswith(beginning)]
        exact = [id_ for id_ in ids if id_ == beginning]
        if beginning and len(ids) > 1 and not exact:
            raise SkillcacheError(f"{len(ids)} sessions begin with {beginning}: {', '.join(ids[:5])}")
        wanted = (exact or ids or [beginning])[0]
        past = self.journal.past(wanted, EVERYTHING) if wanted else None
        if past is None:
            what = (
                f"no session of this project begins with {beginning}" if beginning else "this project has no sessions"
            )
            raise SkillcacheError(f"{what}. List them with: skillcache sessions list")
        return past

    def _ask(self, question: Question) -> History:
        return self.journal.tell((), question, ttl=self.ttl) or History({}, [])


@contextmanager
def open_memory() -> Iterator[Memory]:
    """Delivers what waits for the store first. Raises ConfigError and StoreError."""
    folder, now = os.getcwd(), time.time()
    settings = load(os.environ, folder)
    delivery = Delivery(settings, now=now, patient=True)
    try:
        delivery.flush()
        yield Memory(settings, delivery, repository.locate(folder), now)
    finally:
        delivery.close()
