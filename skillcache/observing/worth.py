"""What a rule would have been worth, from what was seen; functions of values."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from skillcache.observing.log import FAILED, Sighting

# Fewer may be chance: agents ask for most things twice, and one equal answer says little.
REPEATS = 3
# Less than this is not worth reading a suggestion for, whatever the share of repeats.
SAVED = 5_000  # milliseconds


class Evidence(NamedTuple):
    """Of one pattern, about runs on inputs that it had run on before, within the rule's TTL; failures that recur apart.

    seen: these runs and the first on each inputs; states: how many inputs; different: runs whose result was another
    than the first's; repeats: those that a rule would have replayed, rightly; saved: milliseconds that these took.
    """

    pattern: str
    seen: int
    states: int
    different: int
    repeats: int
    saved: int

    @property
    def is_worth_a_rule(self) -> bool:
        return not self.different and self.repeats >= REPEATS and self.saved >= SAVED


def weigh(sightings: Iterable[Sighting], ttl: Callable[[str], int]) -> list[Evidence]:
    """By pattern, most saved first. `sightings`: oldest first; `ttl`: seconds that a rule of a pattern would have."""
    groups: dict[tuple[str, str, str], list[Sighting]] = {}
    for seen in sightings:
        groups.setdefault((seen.pattern, seen.call, seen.inputs), []).append(seen)
    found: dict[str, Evidence] = {}
    for (pattern, _, _), group in groups.items():
        for runs in _within(group, ttl(pattern)):
            found[pattern] = _add(found.get(pattern, Evidence(pattern, 0, 0, 0, 0, 0)), runs)
    return sorted(found.values(), key=lambda evidence: (-evidence.saved, evidence.pattern))


def _within(group: list[Sighting], ttl: int) -> list[list[Sighting]]:
    """Runs on equal inputs, parted where a result of the first run would have expired."""
    parts = [[group[0]]]
    for seen in group[1:]:
        if seen.at - parts[-1][0].at < ttl:
            parts[-1].append(seen)
        else:
            parts.append([seen])
    return parts


def _add(known: Evidence, runs: list[Sighting]) -> Evidence:
    first, *again = runs
    if not again or {seen.result for seen in runs} == {FAILED}:
        return known
    different = sum(seen.result != first.result for seen in again)
    served = [] if different else again
    return Evidence(
        known.pattern,
        known.seen + len(runs),
        known.states + 1,
        known.different + different,
        known.repeats + len(served),
        known.saved + sum(seen.duration for seen in served),
    )
