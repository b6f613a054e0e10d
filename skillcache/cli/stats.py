"""`skillcache stats`: hits, misses, bypasses and the time saved."""

import json
import os
import time
from collections.abc import Sequence
from typing import NamedTuple

import click

from skillcache.cache import quarantine
from skillcache.cache.quarantine import Rest
from skillcache.cli.output import duration, json_options, several, share
from skillcache.cli.skill.states import State, states
from skillcache.cli.trouble import OK
from skillcache.core.counts import Count, read
from skillcache.core.outcomes import (
    BYPASS,
    CONFIRMED,
    ERROR,
    HIT,
    MISS,
    REFUTED,
    STORE,
    WAITED,
    Outcome,
    SkillcacheError,
)
from skillcache.core.paths import cache_folder
from skillcache.sessions.text import legible
from skillcache.settings.in_force import load

EXPECTED = 0.6  # a lower share of hits is worth a look at what stands in the way
_CLASSES = (HIT, MISS, BYPASS, STORE, ERROR)
_COSTLIEST = 3


class Row(NamedTuple):
    """One outcome's share, in milliseconds. run: of the runs that were not repeated or have ended; spent: by us."""

    outcome: Outcome
    calls: int
    run: int
    spent: int


class Summary(NamedTuple):
    """since: unix seconds of the oldest count, None without any; rows: by class, then the most frequent first."""

    since: int | None
    rows: list[Row]

    def number(self, *kinds: str) -> int:
        return sum(row.calls for row in self.rows if row.outcome.kind in kinds)

    def of(self, outcome: Outcome) -> int:
        return sum(row.calls for row in self.rows if row.outcome is outcome)

    @property
    def saved(self) -> int:
        return sum(row.run for row in self.rows if row.outcome.kind == HIT)

    @property
    def spent(self) -> int:
        return sum(row.spent for row in self.rows)

    @property
    def hit_rate(self) -> float | None:
        lookups = self.number(HIT, MISS)
        return self.number(HIT) / lookups if lookups else None


@click.command()
@json_options("Stats")
def command(as_json: bool) -> int:
    """Show hits, misses, bypasses and the time saved.

    Counts are of this machine, since the cache folder was made.
    """
    cache = cache_folder(os.environ)
    counts = read(cache)
    summary = summarize(counts)
    resting = quarantine.current(cache, time.time())
    skills = _skills(counts)
    click.echo(_as_json(summary, resting, skills) if as_json else "\n".join(_as_text(summary, resting, skills)))
    return OK


def _skills(counts: Sequence[Count]) -> list[State]:
    """Those that declare themselves, as far as they can be seen from here."""
    try:
        settings = load(os.environ, os.getcwd())
    except (SkillcacheError, OSError):  # the doctor says what is wrong
        return []
    return states(os.environ, os.getcwd(), settings, counts)


def summarize(counts: Sequence[Count]) -> Summary:
    rows: dict[int, Row] = {}
    for count in counts:
        row = rows.get(count.outcome.id, Row(count.outcome, 0, 0, 0))
        rows[count.outcome.id] = Row(row.outcome, row.calls + 1, row.run + count.run, row.spent + count.spent)
    ordered = sorted(rows.values(), key=lambda row: (_CLASSES.index(row.outcome.kind), -row.calls, row.outcome.id))
    return Summary(min((count.at for count in counts), default=None), ordered)


def costliest(summary: Summary) -> list[Row]:
    """The outcomes whose runs took most time without being replayed."""
    ran = [row for row in summary.rows if row.outcome.kind != HIT and row.run]
    return sorted(ran, key=lambda row: -row.run)[:_COSTLIEST]


def _as_text(summary: Summary, resting: Sequence[Rest], skills: Sequence[State]) -> list[str]:
    if summary.since is None:
        return ["The hooks have seen no call yet. Are they installed? Check with: skillcache doctor"]
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(summary.since))
    hits, lookups = summary.number(HIT), summary.number(HIT, MISS)
    rate = share(hits, lookups) if lookups else "none"
    lines = [
        f"Calls seen since {since}",
        "",
        f"  hits        {rate}: {several(hits, 'hit')} in {several(lookups, 'lookup')}",
        f"  time saved  {_saved(summary)}",
    ]
    waited = summary.of(WAITED)
    if waited:
        lines.append(f"  waited      {several(waited, 'run')} saved by waiting for another's")
    verified = summary.of(CONFIRMED) + summary.of(REFUTED)
    if verified:
        lines.append(
            f"  verified    {several(verified, 'run')}: {summary.of(REFUTED):,} differed from the stored result"
        )
    lines += ["", "  count    run time    own time  outcome"]
    lines += [
        f"  {row.calls:5,}  {duration(row.run) if row.run else '-':>10}  {duration(row.spent):>10}"
        f"  {row.outcome.kind:6}  {row.outcome.name}: {row.outcome.text}"
        for row in summary.rows
    ]
    lines += [
        f"The rule {legible(rest.rule)} rests in {legible(rest.project)} until"
        f" {time.strftime('%Y-%m-%d %H:%M', time.localtime(rest.until))}: {rest.reason()}."
        for rest in resting
    ]
    if skills:
        lines += ["", "  skill"]
        lines += [legible(f"  {state.name}: " + (state.why or several(state.hits, "hit"))) for state in skills]
    if summary.hit_rate is not None and summary.hit_rate < EXPECTED:
        lines += ["", f"Less than {EXPECTED:.0%} of the lookups are hits.".replace("%", " %")]
        worst = costliest(summary)
        if worst:
            names = ", ".join(f"{row.outcome.name} ({duration(row.run)})" for row in worst)
            lines[-1] += f" The runs that took most time: {names}."
    return lines


def _saved(summary: Summary) -> str:
    runs, own, net = duration(summary.saved), duration(summary.spent), summary.saved - summary.spent
    if net < 0:
        return f"none: {runs} of runs not repeated, and skillcache took {own}"
    return f"{duration(net)}: {runs} of runs not repeated, less {own} that skillcache took"


def _as_json(summary: Summary, resting: Sequence[Rest], skills: Sequence[State]) -> str:
    return json.dumps(
        {
            "since": summary.since,
            "hits": summary.number(HIT),
            "misses": summary.number(MISS),
            "lookups": summary.number(HIT, MISS),
            "hit_rate": summary.hit_rate,
            "bypasses": summary.number(BYPASS),
            "errors": summary.number(ERROR),
            "saved_ms": summary.saved,
            "spent_ms": summary.spent,
            "net_ms": summary.saved - summary.spent,
            "waited": summary.of(WAITED),
            "verified": summary.of(CONFIRMED) + summary.of(REFUTED),
            "refuted": summary.of(REFUTED),
            "outcomes": [
                {
                    "name": row.outcome.name,
                    "class": row.outcome.kind,
                    "count": row.calls,
                    "run_ms": row.run,
                    "spent_ms": row.spent,
                }
                for row in summary.rows
            ],
            "costliest": [row.outcome.name for row in costliest(summary)],
            "quarantined": [
                {"rule": rest.rule, "project": rest.project, "until": rest.until, "unwanted": rest.unwanted}
                for rest in resting
            ],
            "skills": [
                {"name": state.name, "folder": state.folder, "hits": state.hits, "out": state.why or None}
                for state in skills
            ],
        },
        indent=2,
    )
