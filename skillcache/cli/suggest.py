"""`skillcache suggest`: which repeated calls would have been worth a rule, and the rules to add."""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import click

from skillcache.claude.patterns import matches, names
from skillcache.cli import config, output
from skillcache.cli.output import duration, json_options, several, unified
from skillcache.cli.setup.settings_file import LOCAL, SCOPES, USER, locate, ours, present_edit, read
from skillcache.cli.skill.states import states
from skillcache.commands import candidate
from skillcache.commands.candidate import FAILED, MCP, Sighting, would_be
from skillcache.core.git import find_root, identity
from skillcache.core.outcomes import Bypass, ConfigError
from skillcache.core.paths import config_file as persons_file
from skillcache.core.paths import project_config_file
from skillcache.rules.judge import judge
from skillcache.rules.rule import ONLINE_TTL, Rule, rules_of
from skillcache.settings import PROJECT as PROJECT_FILE
from skillcache.settings import USER as USER_FILE
from skillcache.settings.in_force import Settings, load

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


_DAY = 86_400
_NOTHING_SEEN = (
    "No call without a rule was observed yet. The hooks observe them where sessions are recorded;"
    " check with: skillcache doctor"
)
_CAUTION = "A rule is right for calls that only report, and wrong for calls that are made for what they do."


@click.command()
@click.option("--apply", "applies", is_flag=True, help="Add the rules to your configuration.")
@click.option("--project", "of_project", is_flag=True, help="This project's calls, and its .claude/skillcache.toml.")
@click.option("--since", metavar="DAYS", type=click.IntRange(min=1), help="Only calls of the last DAYS days.")
@click.option("--dry-run", is_flag=True, help="With --apply: show the change as a diff and write nothing.")
@json_options("Suggestions")
def command(applies: bool, of_project: bool, since: int | None, dry_run: bool, as_json: bool) -> int:
    """Say which repeated calls would have been worth a rule.

    Calls that no rule names are counted by digest and duration; nothing of what they asked or gave is kept.
    """
    if dry_run and not applies:
        raise click.UsageError("--dry-run goes with --apply")
    if as_json and applies:
        raise click.UsageError("--json does not go with --apply")
    settings = load(os.environ, os.getcwd())
    sightings = _sightings(settings, of_project=of_project, since=since)
    rules = rules_of(settings)
    weighed = [found for found in weigh(sightings, lambda pattern: _ttl(pattern, settings)) if found.states]
    declared = {f"Skill({state.name})" for state in states(os.environ, os.getcwd(), settings)}  # by now
    evidence = [found for found in weighed if found.pattern not in declared and not is_covered(found.pattern, rules)]
    worth = [found for found in evidence if found.is_worth_a_rule]
    unfit = [found for found in evidence if found.different]
    if as_json:
        click.echo(_as_json(worth, unfit))
    elif applies:
        _apply([table_of(found.pattern) for found in worth], of_project=of_project, dry_run=dry_run)
    else:
        said = _as_text(worth, unfit, of_project=of_project) if sightings else [_NOTHING_SEEN]
        click.echo("\n".join(said))
    return output.OK


def is_covered(pattern: str, rules: Sequence[Rule]) -> bool:
    """Whether a rule names these calls by now, or keeps them from being named."""
    tool, _, inside = pattern.removesuffix(")").partition("(")
    label = inside.removesuffix(":*")
    for rule in rules:
        if not rule.adds and names(rule.tool, tool) and (not rule.specifier or matches(rule.specifier, label)):
            return True
    if tool != "Bash":
        return False
    try:
        judge(tuple(label.split(" ")))
    except Bypass:
        return False
    return True


def table_of(pattern: str) -> str:
    """The rule as TOML; a pattern that was observed needs no escapes."""
    lines = ["[[rules]]", f'match = "{pattern}"']
    if pattern.startswith(MCP):
        lines.append(f"ttl = {ONLINE_TTL}")
    return "\n".join(lines) + "\n"


def _sightings(settings: Settings, *, of_project: bool, since: int | None) -> list[candidate.Sighting]:
    found = candidate.read(settings.cache)
    if since is not None:
        found = [seen for seen in found if seen.at >= time.time() - since * _DAY]
    if of_project and found:
        folder = os.path.realpath(os.getcwd())
        here = candidate.keyed(candidate.salt_of(settings.cache), identity(find_root(folder) or folder))
        found = [seen for seen in found if seen.project == here]
    return found


def _ttl(pattern: str, settings: Settings) -> int:
    return would_be(pattern).ttl if pattern.startswith(MCP) else int(settings.number("ttl"))


def _apply(tables: Sequence[str], *, of_project: bool, dry_run: bool) -> None:
    if not tables:
        click.echo("No repeated call would have been worth a rule: nothing to add.")
        return
    path = project_config_file(os.getcwd()) if of_project else persons_file(os.environ)
    before, after = config.with_rules(path, tables, PROJECT_FILE if of_project else USER_FILE)
    click.echo(unified(path, before, after), nl=False)
    if dry_run:
        return
    config.write(path, after)
    click.echo(f"\n{several(len(tables), 'rule was', 'rules were')} added to {path}.")
    missing = install_that_is_missing(os.environ, of_project=of_project)
    if missing:
        click.echo(f"Their calls do not start the hooks yet. Run: {missing}")


def install_that_is_missing(environ: Mapping[str, str], *, of_project: bool) -> str:
    """The command that installs the entries which the rules of now need; "" where all are there."""
    present: dict[str, list[object]] = {}
    for scope in SCOPES:
        path = locate(scope, ".", environ)
        with contextlib.suppress(ConfigError):  # the install says what is wrong with it
            present[scope] = list(ours(read(path) or "", path))
    usual = LOCAL if of_project else USER
    needed = present_edit(usual, ".", environ).entries()
    if all(any(entry in found for found in present.values()) for entry in needed):
        return ""
    possible = [scope for scope in SCOPES if present.get(scope) and (scope != USER or not of_project)]
    scope = possible[0] if possible else usual
    return "skillcache install" + ("" if scope == USER else f" --scope {scope}")


def _as_text(worth: Sequence[Evidence], unfit: Sequence[Evidence], *, of_project: bool) -> list[str]:
    lines = [line for found in worth for line in (_sentence(found), "", table_of(found.pattern))]
    if worth:
        lines += [f"Add them with: skillcache suggest --apply{' --project' if of_project else ''}", _CAUTION]
    else:
        lines += ["No repeated call would have been worth a rule."]
    if unfit:
        lines += ["", "Not worth a rule, as equal calls gave different results:"]
    for found in unfit:
        lines += [f"  {found.pattern}: {found.different} of {several(found.seen - found.states, 'repeat')}"]
    return lines


def _sentence(found: Evidence) -> str:
    is_mcp = found.pattern.startswith(MCP)
    inputs = "with equal arguments" if is_mcp else "on equal inputs"
    states = f" ({found.states} different ones)" if found.states > 1 else ""
    equal = several(found.seen - found.different, "equal result")
    said = (
        f"{found.pattern} was seen {several(found.seen, 'time')} {inputs}{states}, with {equal}."
        f" A rule would have saved {duration(found.saved)}."
    )
    return said + (" What the server reads is not captured: a result would be served for an hour." if is_mcp else "")


def _as_json(worth: Sequence[Evidence], unfit: Sequence[Evidence]) -> str:
    return json.dumps(
        {
            "suggestions": [{**_fields(found), "toml": table_of(found.pattern)} for found in worth],
            "not_worth": [_fields(found) for found in unfit],
        },
        indent=2,
    )


def _fields(found: Evidence) -> dict[str, object]:
    return {
        "match": found.pattern,
        "seen": found.seen,
        "inputs": found.states,
        "different_results": found.different,
        "repeats": found.repeats,
        "saved_ms": found.saved,
    }
