"""`skillcache report`: what was counted, as one page of HTML that needs nothing else: no script, no network."""

import os
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from html import escape
from importlib import import_module
from typing import Any, NamedTuple

import click

from skillcache.cli.figures import (
    FIRST_RUN,
    Group,
    Missed,
    Reason,
    beginning,
    groups,
    missed,
    project_of,
    reasons,
    runs_no_more,
)
from skillcache.cli.output import OK, duration, several, share
from skillcache.cli.page import PAGE
from skillcache.cli.stats import Summary, summarize
from skillcache.commands.ahead import ledger
from skillcache.commands.ahead.ledger import Total
from skillcache.core import files
from skillcache.core.counts import Count, read
from skillcache.core.outcomes import HIT, MISS, STORE, SkillcacheError
from skillcache.core.paths import cache_folder, report_file
from skillcache.sessions.brief.choice import Facts, at_of, text_of
from skillcache.sessions.text import legible

_MISSING = "the page's charts are drawn by pygal, which is not installed. Install it with: pip install pygal"
_COMMANDS, _REASONS, _SESSIONS, _WORST = 10, 10, 12, 5
_NAME = 44  # characters of a name in a chart
_NOT_OURS = (("<!--", "-->"), ("<script", "</script>"))
_WIDTH, _ROW = 720, 34
_BOTH = _ONE, _TWO = "var(--one)", "var(--two)"  # what was saved, what was spent
_UNITS = ((3_600_000, "h"), (60_000, "min"), (1_000, "s"))
_DAY, _WEEK = 86_400, 7
_MINUTES = 1_800  # seconds of a time line from which on minutes tell its marks apart
_PAUSE = 1_800  # seconds without a call after which a session was not at work
_PROSE = 18  # characters of a number or a time, with its unit
_REPEATED = 3  # times that something has to happen before anybody is told to do something about it


class Span(NamedTuple):
    """A session, or an agent of one. pieces: when it was at work, in unix seconds, from and to."""

    name: str
    pieces: list[tuple[int, int]]
    hits: int
    runs: int
    is_agent: bool = False

    @property
    def begins(self) -> int:
        return self.pieces[0][0]

    @property
    def ends(self) -> int:
        return self.pieces[-1][1]


class Page(NamedTuple):
    summary: Summary
    days: list[Group]
    commands: list[Group]
    why: list[Reason]
    ahead: list[Total]
    spans: list[Span]
    advice: list[str]  # HTML
    now: float


@click.command()
@click.option("--since", default="30d", show_default=True, metavar="WHEN", help="30min, 12h, 7d, 2w, today or a date.")
@click.option(
    "--output", default="", metavar="FILE", help="Where to write it, - for here; by default in the cache folder."
)
def command(since: str, output: str) -> int:
    """Write a page to look at: time saved, why commands ran, sessions side by side.

    One file without scripts that opens anywhere and asks no network. It names commands, files and projects of this
    machine.
    """
    pygal = _pygal()
    cache, now = cache_folder(os.environ), time.time()
    begins = beginning(since, now)
    counts = [count for count in read(cache) if count.at >= begins]
    ran = missed(cache, begins)
    why = reasons(ran)
    page = Page(
        summarize(counts), groups(counts, "day")[::-1], groups(counts, "command"), why,
        ledger.totals(cache, now, begins), _spans(counts, begins), advice(counts, ran, why), now,
    )  # fmt: skip
    text = render(page, pygal)
    if output == "-":
        click.echo(text)
        return OK
    if page.summary.since is None:
        click.echo("Nothing has been counted in this time, and the page says no more.")
    path = os.path.abspath(output) if output else report_file(cache)  # in a project it would be a change of that
    files.write(path, text.encode("utf-8", "replace"))
    click.echo(f"Written to {legible(path)}. Open it in a browser.")
    return OK


def _pygal() -> Any:
    """Raises SkillcacheError."""
    try:
        return import_module("pygal")
    except ImportError:
        raise SkillcacheError(_MISSING) from None


def render(page: Page, pygal: Any) -> str:
    """The whole page."""
    summary = page.summary
    if summary.since is None:
        mend = "Are the hooks installed? Check with: <code>skillcache doctor</code>"
        body = f"<p>Nothing has been counted in this time. {mend}</p>"
        return PAGE.format(facts="", body=body)
    charts = _Charts(pygal)
    parts = [
        _section("Time saved by day", _saved(page, charts), _days(page.days)),
        _section("Commands by time", _commands(page, charts), _table_of_commands(page.commands)),
        _section("Why commands ran", _why(page, charts), _table_of_reasons(page.why)),
        *([_section("Running ahead", _ahead(page, charts), _table_of_ahead(page.ahead))] if page.ahead else []),
        _section("Sessions and agents", _time_line(page, charts), _table_of_spans(page.spans)),
        _worst(page.advice),
    ]
    return PAGE.format(facts=_facts(page), body="\n".join(parts))


def _facts(page: Page) -> str:
    summary = page.summary
    hits, lookups = summary.number(HIT), summary.number(HIT, MISS)
    facts = [
        ("time saved", duration(max(0, summary.saved - summary.spent))),
        ("replayed", f"{hits:,} of {lookups:,}"),
        ("hit rate", share(hits, lookups) if lookups else "none"),
        ("since", time.strftime("%Y-%m-%d", time.localtime(summary.since))),
    ]
    return "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in facts)


class _Charts:
    """Charts in the colours of the page, which follow the reader's scheme."""

    def __init__(self, pygal: Any) -> None:
        self._pygal = pygal

    def bars(self, labels: Sequence[str], series: Mapping[str, Sequence[float]], what: str) -> str:
        """Upright. `series`: milliseconds."""
        scaled, unit = _scaled(series)
        chart = self._chart("StackedBar", 260, legend=len(series) > 1, value_formatter=unit)
        chart.x_labels = list(labels)
        chart.x_labels_major_every, chart.show_minor_x_labels = -(-len(labels) // 8), False
        return self._drawn(chart, scaled, what)

    def rows(
        self, labels: Sequence[str], series: Mapping[str, Sequence[float]], what: str, colours: tuple[str, ...] = _BOTH
    ) -> str:
        """Lying, the first on top. `series`: milliseconds."""
        scaled, unit = _scaled({name: list(values)[::-1] for name, values in series.items()})
        height = 90 + _ROW * len(labels)
        chart = self._chart(
            "HorizontalStackedBar", height, legend=len(series) > 1, colours=colours, value_formatter=unit
        )
        chart.x_labels = [_short(label) for label in labels][::-1]
        return self._drawn(chart, scaled, what)

    def time_line(self, spans: Sequence[Span], what: str) -> str:
        first, last = min(span.begins for span in spans), max(span.ends for span in spans)
        form = "%H:%M:%S" if last - first < _MINUTES else "%H:%M" if last - first < _DAY else "%m-%d %H:%M"
        step = max(1, (last - first) // 4)
        colours = tuple(_TWO if span.is_agent else _ONE for span in spans)
        chart = self._chart(
            "XY", 90 + _ROW * len(spans), legend=False, colours=colours, show_dots=False, show_y_guides=False,
            allow_interruptions=True, margin_right=40,
            x_value_formatter=lambda at: time.strftime(form, time.localtime(at)), range=(0.4, len(spans) + 0.6),
        )  # fmt: skip
        chart.x_labels = [first + number * step for number in range(5)]
        chart.y_labels = [
            {"value": len(spans) - number, "label": _short(span.name)} for number, span in enumerate(spans)
        ]
        least = step // 20 + 1  # seconds that are wide enough to be seen
        for number, span in enumerate(spans):
            place, line = len(spans) - number, list[tuple[int, int] | None]()
            for begins, ends in span.pieces:
                line += [(begins, place), (max(ends, begins + least), place), None]
            chart.add(span.name, line)
        return self._drawn(chart, {}, what)

    def _chart(self, kind: str, height: int, *, legend: bool, colours: tuple[str, ...] = _BOTH, **more: Any) -> Any:
        style = import_module("pygal.style").Style(
            background="transparent", plot_background="transparent", foreground="var(--ink)",
            foreground_strong="var(--ink)", foreground_subtle="var(--soft)", colors=colours, font_family="inherit",
            opacity="1", opacity_hover="1", label_font_size=13, major_label_font_size=13, legend_font_size=13,
            guide_stroke_color="var(--line)", major_guide_stroke_color="var(--line)",
        )  # fmt: skip
        return getattr(self._pygal, kind)(
            style=style, js=[], disable_xml_declaration=True, width=_WIDTH, height=height, show_legend=legend,
            legend_at_bottom=True, legend_box_size=12, margin=8, spacing=8, truncate_label=-1, max_scale=6,
            no_data_text="nothing yet", **more,
        )  # fmt: skip

    def _drawn(self, chart: Any, series: Mapping[str, Any], what: str) -> str:
        for name, values in series.items():
            chart.add(name, values)
        drawn = _without(chart.render(is_unicode=True))
        return drawn.replace("<svg ", f'<svg role="img" aria-label="{escape(what)}" ', 1)


def _scaled(series: Mapping[str, Sequence[float]]) -> tuple[dict[str, list[float]], Callable[[float], str]]:
    """Milliseconds in a unit that suits them, and how to say one."""
    most = max((sum(values) for values in zip(*series.values(), strict=True)), default=0)
    size, name = next((unit for unit in _UNITS if most >= 2 * unit[0]), _UNITS[-1])
    return {
        key: [value / size for value in values] for key, values in series.items()
    }, lambda value: f"{value:g} {name}"


def _saved(page: Page, charts: _Charts) -> str:
    saved = {day.name: day.saved for day in page.days}
    last = date.fromisoformat(max(saved))
    count = max(_WEEK, (last - date.fromisoformat(min(saved))).days + 1)
    names = [(last - timedelta(days=ago)).isoformat() for ago in reversed(range(count))]  # also those without a call
    series = {"saved": [saved.get(name, 0) for name in names]}
    return charts.bars([name[5:] for name in names], series, "Time saved by day, as in the table beside it")


def _commands(page: Page, charts: _Charts) -> str:
    shown = page.commands[:_COMMANDS]
    series = {"saved by replays": [each.saved for each in shown], "spent in runs": [each.ran for each in shown]}
    return charts.rows([each.name for each in shown], series, "Time saved and spent by command, as in the table")


def _why(page: Page, charts: _Charts) -> str:
    shown = page.why[:_REASONS]
    if not shown:
        return ""
    series = {"runs": [each.ms for each in shown]}
    return charts.rows([each.text for each in shown], series, "Time of runs by reason, as in the table", (_TWO,))


def _ahead(page: Page, charts: _Charts) -> str:
    shown = page.ahead[:_COMMANDS]
    series = {"hidden": [each.hidden for each in shown], "wasted": [each.wasted for each in shown]}
    return charts.rows([each.rule for each in shown], series, "Time hidden and wasted by rule, as in the table")


def _time_line(page: Page, charts: _Charts) -> str:
    if not page.spans:
        return ""
    legend = '<p class="legend"><span class="one"></span> session <span class="two"></span> agent</p>'
    return charts.time_line(page.spans, "Sessions and agents by time, as in the table") + legend


def _section(title: str, chart: str, table: str) -> str:
    name = title.lower().replace(" ", "-")
    drawn = f'<div class="chart">{chart}</div>' if chart else ""
    both = f'<div class="both">{drawn}{table}</div>'
    return f'<section aria-labelledby="{name}"><h2 id="{name}">{title}</h2>{both}</section>'


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    held = list(rows)
    if not held:
        return "<p>Nothing yet.</p>"
    kinds = ["" if all(map(_is_compared, column)) else ' class="prose"' for column in zip(*held, strict=True)]
    head = "".join(f'<th scope="col"{kind}>{escape(each)}</th>' for each, kind in zip(heads, kinds, strict=True))
    body = "".join(
        f'<tr><th scope="row"{kinds[0]}>{escape(row[0])}</th>'
        + "".join(f"<td{kind}>{escape(text)}</td>" for text, kind in zip(row[1:], kinds[1:], strict=True))
        + "</tr>"
        for row in held
    )
    return (
        f'<div class="table" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _is_compared(text: str) -> bool:
    """Whether it is a number, or none, and not read as words are."""
    return text == "-" or (text[:1].isdigit() and len(text) <= _PROSE)


def _of(group: Group) -> list[str]:
    rate = "-" if group.hit_rate is None else share(group.hits, group.hits + group.misses)
    return [f"{group.hits:,}", f"{group.misses:,}", rate]


def _days(days: Sequence[Group]) -> str:
    rows = [[day.name, *_of(day), duration(day.saved)] for day in reversed(days)]
    return _table("Days", ["day", "replayed", "ran", "hit rate", "saved"], rows)


def _table_of_commands(commands: Sequence[Group]) -> str:
    rows = [
        [each.name, *_of(each), *(duration(ms) if ms else "-" for ms in (each.run, each.replay, each.saved))]
        for each in commands[:_COMMANDS]
    ]
    return _table("Commands", ["command", "replayed", "ran", "hit rate", "a run", "a replay", "saved"], rows)


def _table_of_reasons(why: Sequence[Reason]) -> str:
    rows = [[each.text, f"{each.runs:,}", duration(each.ms), ", ".join(each.commands[:3])] for each in why[:_REASONS]]
    return _table("Reasons", ["why", "runs", "time", "commands"], rows)


def _table_of_ahead(ahead: Sequence[Total]) -> str:
    rows = [
        [each.rule, f"{each.runs:,}", f"{each.used:,}", duration(each.hidden), duration(each.wasted)] for each in ahead
    ]
    told = "".join(f"<p>Off: {escape(runs_no_more(each.rule, each.off))}.</p>" for each in ahead if each.off)
    return _table("Runs ahead", ["rule", "runs", "asked for", "hidden", "wasted"], rows) + told


def _table_of_spans(spans: Sequence[Span]) -> str:
    rows = []
    for span in spans:
        at_work = duration(1000 * sum(ends - begins for begins, ends in span.pieces))
        counted = ["agent", "-", "-"] if span.is_agent else ["session", f"{span.hits:,}", f"{span.runs:,}"]
        rows.append([span.name, counted[0], _clock(span.begins), at_work, *counted[1:]])
    return _table("Sessions and agents", ["name", "kind", "began", "at work", "replayed", "ran"], rows)


def _clock(at: int) -> str:
    return time.strftime("%m-%d %H:%M", time.localtime(at))


def _short(name: str) -> str:
    return name if len(name) <= _NAME else name[: _NAME - 3] + "..."


def _worst(told: Sequence[str]) -> str:
    items = "".join(f"<li>{each}</li>" for each in told)
    body = f"<ol>{items}</ol>" if items else "<p>Nothing stands out.</p>"
    return f'<section aria-labelledby="worst"><h2 id="worst">What to do about the worst</h2>{body}</section>'


def _spans(counts: Sequence[Count], begins: int) -> list[Span]:
    """Of the newest sessions, in their order; agents stand under theirs."""
    held: dict[str, list[Count]] = {}
    for count in counts:
        if count.session:
            held.setdefault(count.session, []).append(count)
    newest = sorted(held.items(), key=lambda item: item[1][-1].at)[-_SESSIONS:]
    agents = _agents([session for session, _ in newest], begins)
    found = []
    for session, each in sorted(newest, key=lambda item: item[1][0].at):
        kinds = [count.outcome.kind for count in each]
        where = project_of(each[-1].project).rpartition("/")[2]
        name = legible(f"{session[:8]} {where}".strip())
        found.append(Span(name, _pieces([count.at for count in each]), kinds.count(HIT), kinds.count(STORE)))
        found += agents.get(session, [])
    return found


def _pieces(times: Iterable[int]) -> list[tuple[int, int]]:
    """Of times at which something happened: from and to, without the pauses."""
    found: list[tuple[int, int]] = []
    for at in sorted(times):
        if found and at - found[-1][1] < _PAUSE:
            found[-1] = (found[-1][0], at)
        else:
            found.append((at, at))
    return found


def _agents(sessions: Sequence[str], begins: int) -> dict[str, list[Span]]:
    """From what is recorded of sessions, where that is."""
    from skillcache.cli.sessions import EVERYTHING, open_memory

    found: dict[str, list[Span]] = {}
    try:
        with open_memory() as memory:
            for session in sessions:
                past = memory.journal.past(session, EVERYTHING)
                if past is not None:
                    found[session] = [span for span in _agents_of(Facts(past)) if span.ends >= begins]
    except (SkillcacheError, OSError):
        return found  # the doctor says what is wrong
    return found


def _agents_of(facts: Facts) -> list[Span]:
    times: dict[str, list[int]] = {}
    kinds: dict[str, str] = {}
    for entry in facts.entries:
        agent = text_of(entry, "agent")
        if agent and at_of(entry):
            times.setdefault(agent, []).append(at_of(entry) // 1000)
            if text_of(entry, "type"):
                kinds[agent] = text_of(entry, "type")
    spans = [
        Span(legible(f"{kinds.get(agent, 'agent')} {agent[:6]}"), _pieces(at), 0, 0, is_agent=True)
        for agent, at in times.items()
    ]
    return sorted(spans, key=lambda span: span.begins)[:_SESSIONS]


# By outcome: what was counted so often is worth this. The rest is of what changed. Marked up as in `_code`.
_DO = {
    "expired": "Results were too old. A longer `ttl` in a rule keeps them: `skillcache help configuration`",
    "changed_inputs": "Runs wrote into what they read, so nothing was stored: `skillcache observe -- COMMAND` what",
    "too_slow": "What may be read could not be looked at in time: `skillcache doctor` says what is large here",
    "too_large": "What may be read is over the cap: `skillcache doctor` says what is large here",
    "unknown_option": "An option is not known to be harmless: `skillcache explain -- COMMAND` names it",
    "failure": "Failed runs are not replayed; `failures = true` in a rule of yours lets them be",
    "secret": "The output looks like it carries a credential, so it is not stored",
    "uncapturable": "Something that may be read cannot be captured: `skillcache explain -- COMMAND` says what",
    "refuted": "A result differed when it was verified: `skillcache observe -- COMMAND` says what else is read",
}


_CHANGED = ("changed", "is new", "was deleted")


def _code(text: str) -> str:
    """What stands between back quotes as code."""
    return re.sub(r"`(.*?)`", r"<code>\1</code>", escape(text))


def advice(counts: Sequence[Count], ran: Sequence[Missed], why: Sequence[Reason]) -> list[str]:
    """What costs most and can be helped, as HTML; nothing of what happened once or twice."""
    found: list[tuple[int, str]] = []
    for reason in why:
        rest = next((rest for rest in _CHANGED if reason.text.endswith(f" {rest}")), "")
        path = reason.text.removesuffix(f" {rest}")
        if reason.runs >= _REPEATED and rest:
            text = (
                f"`{path}` {rest} before {several(reason.runs, 'run')} ({duration(reason.ms)}) of"
                f" {_named(reason.commands)}. Where they do not read it, let git ignore it, or let a rule say what they"
                " depend on: `skillcache help rules`."
            )
            found.append((reason.ms, text))
    for name, text in _DO.items():
        held = [count for count in counts if count.outcome.name == name]
        if len(held) >= _REPEATED:
            commands = list(dict.fromkeys(count.command for count in held if count.command))
            of = f" of {_named(commands)}" if commands else ""
            found.append((sum(count.run for count in held), f"{text}. So it was {several(len(held), 'time')}{of}."))
    first = [each for each in ran if each.why == [FIRST_RUN]]
    if len(first) >= 2 * _REPEATED:
        spent = sum(each.ms for each in first)
        text = f"{several(len(first), 'run')} ({duration(spent)}) were the first of their kind here."
        found.append((spent, f"{text} Over a Redis, machines and teammates share results: `skillcache help redis`."))
    return [_code(text) for _, text in sorted(found, key=lambda item: -item[0])[:_WORST]]


def _named(commands: Sequence[str]) -> str:
    more = len(commands) - _REPEATED
    return ", ".join(f"`{each}`" for each in commands[:_REPEATED]) + (f" and {more} more" if more > 0 else "")


def _without(drawn: str) -> str:
    """The drawing without comments and scripts."""
    for begin, end in _NOT_OURS:
        first, *rest = drawn.split(begin)
        drawn = first + "".join(part.partition(end)[2] for part in rest)
    return drawn
