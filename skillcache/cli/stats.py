"""`skillcache stats`: hits, misses, bypasses, the time saved and why commands ran."""

import json
import os
import time
from collections.abc import Sequence
from typing import NamedTuple

import click

from skillcache.cache import history
from skillcache.cache.history import Rest
from skillcache.cli.figures import BY, Group, Reason, beginning, groups, missed, reasons, runs_no_more
from skillcache.cli.output import FAILED, OK, duration, json_options, paint, several, share
from skillcache.cli.skill.states import State, states
from skillcache.commands.ahead import ledger
from skillcache.commands.ahead.ledger import Total
from skillcache.core import files
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
from skillcache.core.paths import cache_folder, misses_file, runs_ahead_file, tally_file
from skillcache.sessions.text import legible, untagged
from skillcache.settings.in_force import load

_REASONS = 8
_NAME = 48  # characters of a name in a table
_COLOURS = {HIT: "green", MISS: "yellow", BYPASS: "cyan", STORE: None, ERROR: "red"}
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


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--since", default="", metavar="WHEN", help="Only what is newer: 30min, 12h, 7d, 2w, today or a date.")
@click.option("--by", type=click.Choice(BY), help="A line for each of these.")
@json_options("Stats")
@click.pass_context
def command(ctx: click.Context, since: str, by: str | None, as_json: bool) -> int:
    """Show hits, misses, bypasses, the time saved and why commands ran.

    Counts are of this machine, since the cache folder was made or the last reset.
    """
    if ctx.invoked_subcommand:
        return OK
    cache, now = cache_folder(os.environ), time.time()
    begins = beginning(since, now) if since else 0
    counts = [count for count in read(cache) if count.at >= begins]
    summary = summarize(counts)
    resting = history.quarantined(cache, now)
    skills = _skills(counts)
    grouped = groups(counts, by) if by else None
    why = reasons(missed(cache, begins))
    ahead = ledger.totals(cache, now, begins)
    if as_json:
        click.echo(_as_json(summary, resting, skills, grouped, why, ahead))
    elif grouped is not None and by is not None and summary.since is not None:
        _print(_table(grouped, by))
    else:
        _print(_as_text(summary, resting, skills, why, ahead))
    return OK


def _print(lines: Sequence[str]) -> None:
    """Names of files and commands are a project's, and a slash command shows them to the model between tags."""
    click.echo("\n".join(map(untagged, lines)))


@command.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(yes: bool) -> int:
    """Forget what was counted; stored results stay."""
    cache = cache_folder(os.environ)
    if not yes and not click.confirm("Forget all counts?", default=False):
        click.echo("Nothing was forgotten.")
        return FAILED
    for path in (tally_file(cache), misses_file(cache), runs_ahead_file(cache)):
        files.remove(path)
    click.echo("The counts begin anew. Stored results are as they were.")
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


def _as_text(
    summary: Summary, resting: Sequence[Rest], skills: Sequence[State], why: Sequence[Reason], ahead: Sequence[Total]
) -> list[str]:
    if summary.since is None:
        return ["The hooks have seen no call yet. Are they installed? Check with: skillcache doctor"]
    since = time.strftime("%Y-%m-%d %H:%M", time.localtime(summary.since))
    hits, lookups = summary.number(HIT), summary.number(HIT, MISS)
    rate = share(hits, lookups) if lookups else "none"
    lines = [
        f"Calls seen since {since}",
        "",
        f"  hits        {paint(rate, bold=True)}: {several(hits, 'hit')} in {several(lookups, 'lookup')}",
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
    lines += ["", paint("  count    run time    own time  outcome", dim=True)]
    lines += [
        f"  {row.calls:5,}  {duration(row.run) if row.run else '-':>10}  {duration(row.spent):>10}"
        f"  {paint(f'{row.outcome.kind:6}', fg=_COLOURS[row.outcome.kind])}  {row.outcome.name}: {row.outcome.text}"
        for row in summary.rows
    ]
    if why:
        lines += ["", paint("  runs    run time  why they ran", dim=True)]
        lines += [f"  {reason.runs:4,}  {duration(reason.ms):>10}  {reason.text}" for reason in why[:_REASONS]]
        if len(why) > _REASONS:
            lines.append(f"        and {len(why) - _REASONS} more: skillcache stats --json")
    lines += _ahead(ahead)
    lines += [
        f"The rule {legible(rest.rule)} rests in {legible(rest.project)} until"
        f" {time.strftime('%Y-%m-%d %H:%M', time.localtime(rest.until))}: {rest.reason()}."
        for rest in resting
    ]
    if skills:
        lines += ["", "  skill"]
        lines += [legible(f"  {state.name}: " + (state.why or several(state.hits, "hit"))) for state in skills]
    return lines


def _ahead(ahead: Sequence[Total]) -> list[str]:
    if not ahead:
        return []
    lines = ["", paint("  runs  asked for      hidden      wasted  run ahead", dim=True)]
    lines += [
        f"  {each.runs:4,}  {each.used:9,}  {duration(each.hidden):>10}  {duration(each.wasted):>10}"
        f"  {legible(each.rule)}"
        for each in ahead
    ]
    off = [legible(runs_no_more(each.rule, each.off)) for each in ahead if each.off]
    return lines + [f"{text[0].upper()}{text[1:]}." for text in off]


def _table(grouped: Sequence[Group], by: str) -> list[str]:
    if not grouped:
        return [f"Nothing is counted by {by} yet."]
    names = [_shortened(group.name) for group in grouped]
    width = max(len(by), *map(len, names))
    head = f"  {by:{width}}  {'hits':>6}  {'runs':>6}  {'hit rate':>10}  {'a run':>11}  {'a replay':>9}  {'saved':>11}"
    lines = [paint(head, dim=True)]
    for group, name in zip(grouped, names, strict=True):
        rate = "-" if group.hit_rate is None else share(group.hits, group.hits + group.misses)
        run, replay, saved = (duration(ms) if ms else "-" for ms in (group.run, group.replay, group.saved))
        colour = "green" if group.hits else None
        lines.append(
            f"  {name:{width}}  {group.hits:6,}  {group.misses:6,}  {paint(f'{rate:>10}', fg=colour)}  {run:>11}"
            f"  {replay:>9}  {saved:>11}"
        )
    return lines


def _shortened(name: str) -> str:
    return name if len(name) <= _NAME else "..." + name[3 - _NAME :] if name.startswith(("/", "~")) else name[:_NAME]


def _saved(summary: Summary) -> str:
    runs, own, net = duration(summary.saved), duration(summary.spent), summary.saved - summary.spent
    if net < 0:
        return f"none: {runs} of runs not repeated, and skillcache took {own}"
    return f"{duration(net)}: {runs} of runs not repeated, less {own} that skillcache took"


def _as_json(
    summary: Summary,
    resting: Sequence[Rest],
    skills: Sequence[State],
    grouped: Sequence[Group] | None,
    why: Sequence[Reason],
    ahead: Sequence[Total],
) -> str:
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
            "reasons": [
                {"text": reason.text, "runs": reason.runs, "run_ms": reason.ms, "commands": reason.commands}
                for reason in why
            ],
            "ahead": [
                {
                    "rule": each.rule,
                    "runs": each.runs,
                    "used": each.used,
                    "hidden_ms": each.hidden,
                    "wasted_ms": each.wasted,
                    "off": each.off,
                }
                for each in ahead
            ],
            "groups": None
            if grouped is None
            else [
                {
                    "name": group.name,
                    "hits": group.hits,
                    "misses": group.misses,
                    "hit_rate": group.hit_rate,
                    "saved_ms": group.saved,
                    "run_ms": group.ran,
                    "median_run_ms": group.run,
                    "median_replay_ms": group.replay,
                }
                for group in grouped
            ],
        },
        indent=2,
    )
