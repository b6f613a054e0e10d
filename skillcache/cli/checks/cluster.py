"""The cluster that the store is, as a whole: a lookup, which `store` has tried, asks one of its nodes."""

from contextlib import closing
from typing import Any

import redis

from skillcache.cli.checks import MEND, NOTE, OK, Finding, Place
from skillcache.cli.invalidate import RedisContents, contents_of
from skillcache.cli.output import several
from skillcache.cli.setup.client_environment import settings_of
from skillcache.stores.cluster import SLOTS, Slots

_SUBJECT = "cluster"
_COVERAGE, _DOWN = "cluster-require-full-coverage", "cluster-allow-reads-when-down"


def check_cluster(place: Place) -> list[Finding]:
    """Who is away, which slots nobody has, what has no copy, and how its nodes are set to act then."""
    settings = settings_of(place.environ, place.project)
    if settings is None or not settings.named:
        return []
    try:
        with closing(contents_of(settings.store)) as contents:
            found = contents.cluster() if isinstance(contents, RedisContents) else None
            if found is None:
                return []
            slots, configured = found
            return _check_nodes(slots, configured) + _check_settings(slots, configured)
    except redis.RedisError:  # which the store's own check has told
        return []


def _check_nodes(slots: Slots, configured: dict[tuple[str, int], Any]) -> list[Finding]:
    nodes = slots.nodes()
    findings = [
        Finding(MEND, _SUBJECT, f"its node {host}:{port} does not answer: what lies there is missed", _start(nodes))
        for (host, port), said in configured.items()
        if isinstance(said, redis.ConnectionError | redis.TimeoutError)
    ]
    lost = SLOTS - sum(last - first + 1 for first, last, _ in slots.runs)
    if lost:
        text = f"no node has {several(lost, 'slot')} of {SLOTS:,}: what lies there is missed"
        findings.append(Finding(MEND, _SUBJECT, text, f"redis-cli --cluster fix {_first(nodes)}"))
    bare = [place for place in nodes if place not in slots.copied]
    if bare:
        which = ", ".join(f"{host}:{port}" for host, port in bare)
        text = (
            f"{len(bare)} of its {several(len(nodes), 'node')} {'has' if len(bare) == 1 else 'have'} no replica: while"
            f" one is away, its share is missed, and what was written last may be gone ({which})"
        )
        mend = f"redis-cli --cluster add-node NEW:PORT {_first(nodes)} --cluster-slave"
        findings.append(Finding(NOTE, _SUBJECT, text, mend))
    if not findings:
        findings.append(Finding(OK, _SUBJECT, f"{several(len(nodes), 'node')} with a replica each have all slots"))
    return findings


def _check_settings(slots: Slots, configured: dict[tuple[str, int], Any]) -> list[Finding]:
    findings = []
    nodes = slots.nodes()
    said = [each for each in configured.values() if isinstance(each, dict)]  # an access list may forbid CONFIG
    if any(each.get(_DOWN) == "yes" for each in said):
        # A master that the others have given up would go on to answer, and never hear of an invalidation.
        text = f"with {_DOWN} a node that has lost the others serves what they have invalidated since"
        findings.append(Finding(MEND, _SUBJECT, text, _set(nodes, _DOWN)))
    if any(each.get(_COVERAGE) == "yes" for each in said):
        text = f"with {_COVERAGE} all nodes refuse everything while one is away, until a replica has taken over"
        findings.append(Finding(NOTE, _SUBJECT, text, _set(nodes, _COVERAGE)))
    return findings


def _first(nodes: list[tuple[str, int]]) -> str:
    host, port = nodes[0]
    return f"{host}:{port}"


def _set(nodes: list[tuple[str, int]], name: str) -> str:
    return f"redis-cli --cluster call {_first(nodes)} CONFIG SET {name} no, and write it into their configuration"


def _start(nodes: list[tuple[str, int]]) -> str:
    return f"start it, or see what the others say: redis-cli --cluster check {_first(nodes)}"
