"""What a cache object was made with, checked, and what both kinds of it do without asking the store."""

import re
from typing import Any

from skillcache.invalidation import Selection
from skillcache.library.counts import Counts
from skillcache.library.fetching import Fetching, Wishes, milliseconds, putting
from skillcache.library.keys import Place, check_team
from skillcache.library.records import Computed, Found, read_record
from skillcache.stores import Lookup, check_ttl, started_of

TTL = 3_600  # seconds
PATIENCE = 60.0  # seconds

# A pattern of all entries of one skill, spelt out.
_OF_A_SKILL = re.compile(r"skill_cache:([^*?\[\]\\]+):\*")


class Options:
    """team: whose entries, None for one's own; ttl, patience: seconds, as in SkillCache."""

    def __init__(self, team: str | None, ttl: int, patience: float) -> None:
        check_ttl(ttl)
        if team is not None:
            check_team(team)
        if patience < 0:
            raise ValueError(f"a patience is a number of seconds, not {patience}")
        self.team = team
        self.ttl = ttl
        self.patience = patience
        self.counts = Counts()

    def place(self, skill: str, inputs: object, version: int | str | None) -> Place:
        return Place(skill, inputs, version, self.team)

    def fetching(self, place: Place, ttl: int | None, negative_ttl: int | None, beta: float) -> Fetching:
        if beta < 0:
            raise ValueError(f"beta is a number from 0, not {beta}")
        for seconds in (ttl, negative_ttl):
            if seconds is not None:
                check_ttl(seconds)
        wishes = Wishes(self.ttl if ttl is None else ttl, negative_ttl, beta, self.patience)
        return Fetching(place, wishes, self.counts)

    def read(self, place: Place, lookup: Lookup) -> Found | None:
        """Counts a hit or a miss."""
        found = read_record(place, lookup.entry, lookup.generations, self.ttl)
        if found is None:
            self.counts.add_miss()
        else:
            self.counts.add_hit()
        return found

    def putting(self, place: Place, value: object, ttl: int | None, lookup: Lookup) -> Any:
        """The step that stores a value which took no time."""
        now = milliseconds()
        computed = Computed(value, now, now)
        return putting(place, computed, lookup.generations, ttl or self.ttl, started_of(lookup.entry))


class Counted:
    """What became of the reads of one object."""

    _options: Options

    @property
    def team(self) -> str | None:
        """Whose values this object reads and stores; None for one's own."""
        return self._options.team

    def hit_rate(self) -> float | None:
        """Hits per answered read, from 0 to 1; None before the first."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else None

    @property
    def hits(self) -> int:
        """Values that this object served from the cache."""
        return self._options.counts.hits

    @property
    def misses(self) -> int:
        """Reads of this object that found nothing."""
        return self._options.counts.misses

    @property
    def errors(self) -> int:
        """Times that the store failed this object without its caller being told."""
        return self._options.counts.errors


def looking(place: Place) -> Any:
    """The step that reads what is stored and what it must agree with."""
    return lambda store: store.get(place.key, place.names)


def raising(name: str) -> Any:
    """The step that makes all of a skill void, whether anything is stored of it or only computed yet."""
    return lambda store: store.invalidate(name)


def spelt_out(pattern: str) -> str | None:
    """The skill's name, of a pattern of all of its entries."""
    found = _OF_A_SKILL.fullmatch(pattern)
    return found[1] if found else None


def glob_of(name: str) -> Selection:
    """What is stored under that very name."""
    text = "".join([f"\\{each}" if each in "*?[]^-\\" else each for each in name])
    # A name that begins as keys do would be taken for a pattern of keys.
    return Selection((), text if text[:1] == "\\" else f"\\{text}")
