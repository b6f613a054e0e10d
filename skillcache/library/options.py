"""What a cache object was made with, checked, and whether the library is on in this process's folder."""

import logging
import os
import re
from collections.abc import Hashable, Iterable
from datetime import timedelta
from threading import Lock
from typing import Any, TypeAlias

from skillcache.cache.invalidation import Selection
from skillcache.core.outcomes import ConfigError, StoreError
from skillcache.core.paths import HOME_VARIABLE, config_file, project_config_file
from skillcache.library.codec import PLAIN, Codec, codec_of
from skillcache.library.fetching import Counts, Fetching, Hook, Report, milliseconds, putting
from skillcache.library.keys import Place, check_skill, check_team
from skillcache.library.records import Computed, Found, read_record
from skillcache.library.runs import Steps, Wishes
from skillcache.settings.in_force import disabled, is_homeless, load
from skillcache.stores.contract import MAX_TTL, Lookup, check_ttl, namespaced_name, started_of

log = logging.getLogger("skillcache")
# All that says where the files are, and what may overrule them: one that is wrong elsewhere is no fault of theirs.
_VARIABLES = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", HOME_VARIABLE, "SKILLCACHE_DISABLE")
_MOST = 64  # folders that a process has worked in

_lock = Lock()
_known: dict[object, bool | ConfigError] = {}
_told: set[str] = set()


def is_off(counts: Counts | None = None) -> bool:
    """Whether nothing is to be read or stored; what takes back goes on.

    SKILLCACHE_DISABLE says so, or `disable` in the person's file or the project's. A file that cannot be understood may
    say so, too: that is logged once, and counted as an error.
    """
    if is_homeless(os.environ):
        tell(ConfigError("HOME", f"names no folder: set HOME or {HOME_VARIABLE} to a folder of yours"))
        return True
    if disabled(os.environ):
        return True
    said = _by_file(folder())
    if isinstance(said, bool):
        return said
    tell(said)
    if counts is not None:
        counts.add_error()
    return True


def may_give() -> bool:
    """Whether a team is given results: not where `team_mode` is "read", nor where that cannot be told."""
    try:
        return load(os.environ, folder()).word("team_mode") == "write"
    except (ConfigError, OSError):
        return False


def folder() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:  # it was removed under a process that stays
        return "/"


def tell(fault: Exception) -> None:
    """Once for each text."""
    text = str(fault)
    if text not in _told:
        _told.add(text)
        log.warning("nothing is cached: %s", text)


def _by_file(here: str) -> bool | ConfigError:
    own = (config_file(os.environ), _stamp(config_file(os.environ)))
    project, stamp = _project_at(here)
    if own[1] is None and stamp is None:
        return False
    environ = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    key = (here, project, own, stamp, *environ.items())
    with _lock:
        if key in _known:
            return _known[key]
    said: bool | ConfigError
    try:
        said = load(environ, project).flag("disable")
    except ConfigError as fault:
        said = fault.with_traceback(None)
    except OSError as fault:
        said = ConfigError(fault.filename or project, f"cannot be read: {fault.strerror}")
    with _lock:
        if len(_known) >= _MOST:
            _known.clear()
        _known[key] = said
    return said


def _project_at(here: str) -> tuple[str, object]:
    """The nearest folder with a file of ours, up to the top of the repository, and that file's stamp."""
    each = here
    while True:
        stamp = _stamp(project_config_file(each))
        if stamp is not None:
            return each, stamp
        parent = os.path.dirname(each)
        if parent == each or os.path.lexists(os.path.join(each, ".git")):
            return here, None
        each = parent


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size


TTL: TypeAlias = int | timedelta | str | None

DEFAULT: Any = object()  # a call that names no time of its own
_SECONDS = 86_400, 3_600, 60, 1
_TEXT = re.compile(r"(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?", re.ASCII)


def seconds_of(ttl: TTL) -> int:
    """Seconds: `90`, `timedelta(minutes=1)`, `"1h30m"`; None: until it is taken back.

    Raises TypeError and ValueError.
    """
    if ttl is None:
        return MAX_TTL
    if isinstance(ttl, str):
        found = _TEXT.fullmatch(ttl)
        if not found or not ttl:
            raise ValueError(f'an expiry is written as "45s", "30m", "1h30m" or "7d", not {ttl!r}')
        ttl = sum(int(count or 0) * unit for count, unit in zip(found.groups(), _SECONDS, strict=True))
    elif isinstance(ttl, timedelta):
        ttl = -(-ttl // timedelta(seconds=1))  # a part of a second counts
    check_ttl(ttl)
    return ttl


HOUR = 3_600  # seconds that a value is kept where nobody says how long
PATIENCE = 60.0  # seconds

# A pattern of all entries of one skill, spelt out.
_OF_A_SKILL = re.compile(r"skill_cache:([^*?\[\]\\]+):\*")


class Options:
    """team: whose entries, None for one's own; ttl, patience, namespace, on_event: as in SkillCache.

    store: what all objects over one store have in common.
    """

    def __init__(
        self,
        team: str | None,
        namespace: str | None,
        ttl: TTL,
        patience: float,
        on_event: Hook | None = None,
        store: Hashable = None,
    ) -> None:
        if team is not None:
            check_team(team)
        if patience < 0:
            raise ValueError(f"a patience is a number of seconds, not {patience}")
        if namespace is not None and (not namespace or ":" in namespace or namespace.startswith("@")):
            raise ValueError(f"a namespace is a text without a colon that does not begin with @, not {namespace!r}")
        self.team = team
        self.namespace = namespace
        self.ttl = seconds_of(ttl)
        self.patience = patience
        self.on_event = on_event
        self.store = store
        self.counts = Counts()

    def report(self, place: Place) -> Report:
        return Report(self.on_event, place.skill, place.key)

    def may_give(self) -> bool:
        """Whether what is computed here is stored: a team may be read only."""
        return self.team is None or may_give()

    def place(self, skill: str, inputs: object, version: int | str | None) -> Place:
        return Place(self.name(skill), inputs, version, self.team)

    def name(self, skill: str) -> str:
        """What a skill of this cache is called in the store."""
        check_skill(skill)
        return skill if self.namespace is None else namespaced_name(self.namespace, skill)

    def pattern(self, pattern: str) -> str:
        """One on skills' names is on those of the namespace; one on keys says it all."""
        is_of_keys = pattern.startswith(("skill_cache:", "team:cache:"))
        return pattern if is_of_keys or self.namespace is None else namespaced_name(self.namespace, pattern)

    def fetching(
        self,
        place: Place,
        ttl: TTL,
        negative_ttl: TTL,
        beta: float,
        *,
        refresh: bool = False,
        codec: Codec = PLAIN,
        counts: Counts | None = None,
    ) -> Fetching:
        """counts: of the function that asks."""
        if beta < 0:
            raise ValueError(f"beta is a number from 0, not {beta}")
        negative = None if negative_ttl is None else seconds_of(negative_ttl)
        wishes = Wishes(self.seconds(ttl), negative, beta, self.patience, codec, refresh, self.may_give())
        counts = self.counts if counts is None else Counts(self.counts, counts)
        return Fetching(place, wishes, counts, self.report(place), self.store)

    def seconds(self, ttl: TTL) -> int:
        return self.ttl if ttl is DEFAULT else seconds_of(ttl)

    def fail(self, report: Report, fault: StoreError) -> None:
        self.counts.add_error()
        report("error", fault)

    def read(self, place: Place, lookup: Lookup, codec: Codec, report: Report) -> Found | None:
        """Counts a hit or a miss."""
        found = read_record(place, lookup.entry, lookup.generations, self.ttl, codec)
        if found is None:
            self.counts.add_miss()
        else:
            self.counts.add_hit()
        report("miss" if found is None else "hit")
        return found

    def putting(self, place: Place, value: object, ttl: int, lookup: Lookup, codec: Codec) -> Any:
        """The step that stores a value which took no time."""
        now = milliseconds()
        computed = Computed(value, now, now)
        return putting(place, computed, lookup.generations, ttl, started_of(lookup.entry), codec)


class Counted:
    """What became of the reads of one object, which is pickled as what it was made with.

    And what its calls do, as steps: who takes them with calls and who with coroutines does the same.
    """

    _options: Options
    _made: dict[str, Any]

    def _getting(self, skill: str, inputs: object, default: Any, version: int | str | None, kind: Any) -> Steps[Any]:
        place = self._options.place(skill, inputs, version)
        codec = codec_of(kind, place.skill)
        if is_off(self._options.counts):
            return default
        report = self._options.report(place)
        try:
            lookup = yield looking(place)
        except StoreError as fault:
            self._options.fail(report, fault)
            return default
        found = self._options.read(place, lookup, codec, report)
        return default if found is None else found.value

    def _getting_many(
        self, skill: str, inputs: Iterable[object], default: Any, version: int | str | None, kind: Any
    ) -> Steps[list[Any]]:
        places = [self._options.place(skill, each, version) for each in inputs]
        codec = codec_of(kind, self._options.name(skill))
        if not places or is_off(self._options.counts):
            return [default] * len(places)
        reports = [self._options.report(each) for each in places]
        try:
            lookups = yield looking_at_all(places)
        except StoreError as fault:
            self._options.fail(reports[0], fault)
            return [default] * len(places)
        found = [self._options.read(*each[:2], codec, each[2]) for each in zip(places, lookups, reports, strict=True)]
        return [default if each is None else each.value for each in found]

    def _setting(
        self, skill: str, inputs: object, value: object, ttl: TTL, version: int | str | None, kind: Any
    ) -> Steps[str]:
        place = self._options.place(skill, inputs, version)
        codec, seconds = codec_of(kind, place.skill), self._options.seconds(ttl)
        codec.dump(value)
        if is_off(self._options.counts) or not self._options.may_give():
            return place.key
        try:
            lookup = yield looking(place)
            yield self._options.putting(place, value, seconds, lookup, codec)
        except StoreError as fault:
            self._options.fail(self._options.report(place), fault)
        return place.key

    def _voiding(self, name: str | None) -> Steps[None]:
        """All of a skill, whether anything is stored of it or only computed yet; None for no skill."""
        if name is not None:
            yield lambda store: store.invalidate(name)

    def __reduce__(self) -> tuple[Any, ...]:
        """Connections and counts are not carried over. Raises TypeError for one over a client that was given."""
        if self._made.get("client") is not None:
            raise TypeError(f"a {type(self).__name__} over a client cannot be pickled: give it a URL")
        return _made_anew, (type(self), self._made)

    @property
    def team(self) -> str | None:
        """Whose values this object reads and stores; None for one's own."""
        return self._options.team

    @property
    def namespace(self) -> str | None:
        """What stands before the skills' names of this object in the store."""
        return self._options.namespace

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


def _made_anew(kind: Any, made: dict[str, Any]) -> Any:
    return kind(**made)


def looking(place: Place) -> Any:
    """The step that reads what is stored and what it must agree with."""
    return lambda store: store.get(place.key, place.names)


def looking_at_all(places: list[Place]) -> Any:
    """The same of many places of one skill."""
    return lambda store: store.get_many(tuple([each.key for each in places]), places[0].names)


def spelt_out(pattern: str) -> str | None:
    """The skill's name, of a pattern of all of its entries."""
    found = _OF_A_SKILL.fullmatch(pattern)
    return found[1] if found else None


def glob_of(name: str) -> Selection:
    """What is stored under that very name."""
    text = "".join([f"\\{each}" if each in "*?[]^-\\" else each for each in name])
    # A name that begins as keys do would be taken for a pattern of keys.
    return Selection((), text if text[:1] == "\\" else f"\\{text}")
