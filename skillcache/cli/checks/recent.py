"""What the last calls came to: whether each of them was stopped by something that stops all."""

from collections import Counter

from skillcache.cli.checks.finding import MEND, Finding, Place
from skillcache.cli.format import duration, several
from skillcache.core.counts import Count, read
from skillcache.core.outcomes import (
    BAD_CONFIG,
    BAD_EVENT,
    CONFIRMED,
    DISK,
    HIT,
    INTERNAL,
    NO_GIT,
    NO_TOOL,
    QUARANTINED,
    SLOW_PLACE,
    STORE_GARBAGE,
    STORE_REFUSED,
    STORE_TIMEOUT,
    STORE_UNREACHABLE,
    STORED,
    TIME_UP,
    TOO_LARGE,
    TOO_SLOW,
    UNCAPTURABLE,
    UNSETTLED_SETTINGS,
)
from skillcache.core.paths import cache_folder

_DAY = 86_400
_LEAST, _LAST = 3, 50  # calls that say something, and how many of them are looked at
_STORE = "see what is said of the store here; if that is well by now, the next call shows it"
_EXPLAIN = "skillcache explain -- COMMAND, with one of those commands, says what"
# What does not lie in the call itself, and how it is mended.
MENDS = {
    NO_GIT: "see what git says where they ran: git status. In a folder of another user: git config --global --add"
    " safe.directory FOLDER",
    NO_TOOL: _EXPLAIN,
    TOO_LARGE: "narrow what the command depends on by a rule with `depends`: " + _EXPLAIN,
    TOO_SLOW: "narrow what the command depends on by a rule with `depends`, or set SKILLCACHE_CAPTURE_TIME=5",
    SLOW_PLACE: "see what git says there, and how long it takes: git status",
    UNCAPTURABLE: _EXPLAIN,
    QUARANTINED: "skillcache stats says how long that lasts",
    UNSETTLED_SETTINGS: _EXPLAIN,
    BAD_EVENT: "pip install --upgrade skillcache",
    BAD_CONFIG: "correct what is said of the configuration here",
    STORE_UNREACHABLE: _STORE,
    STORE_TIMEOUT: _STORE,
    STORE_REFUSED: _STORE,
    STORE_GARBAGE: _STORE,
    DISK: "see what is said of the folder here",
    TIME_UP: "the disk or the machine is too slow for a hook: see what is said of the store and of git here",
    INTERNAL: "report it, with what is said of a fault here",
}


def check(place: Place) -> list[Finding]:
    try:
        counts = read(cache_folder(place.environ))
    except OSError:  # the folder's own check says what is wrong
        return []
    last = [count for count in counts if place.now - _DAY < count.at <= place.now and _says_something(count)][-_LAST:]
    if len(last) < _LEAST or any(_is_well(count) for count in last):
        return []
    ((outcome, times),) = Counter(count.outcome for count in last).most_common(1)
    ago = duration((place.now - last[-1].at) * 1000)
    text = (
        f"nothing was stored or replayed lately: {several(times, 'call')} ended with {outcome.name}"
        f" ({outcome.text}), the last {ago} ago"
    )
    return [Finding(MEND, "calls", text, MENDS[outcome])]


def _says_something(count: Count) -> bool:
    return count.outcome in MENDS or _is_well(count)


def _is_well(count: Count) -> bool:
    return count.outcome.kind == HIT or count.outcome in (STORED, CONFIRMED)
