"""`skillcache rules`: what is replayed, or one rule in all its words."""

import json
import os
import textwrap
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import click

from skillcache.cli import output
from skillcache.cli.figures import runs_no_more
from skillcache.cli.output import json_options
from skillcache.commands.ahead import ledger
from skillcache.core.outcomes import SkillcacheError
from skillcache.core.paths import cache_folder
from skillcache.rules.builtin import ASKS, RUNNERS, WORDS, Tool, plain_name, tool_of
from skillcache.rules.builtin.javascript import BUN_TEST
from skillcache.rules.rule import Rule, rules_of
from skillcache.rules.tasks import NAMED, TABLE
from skillcache.sessions.text import legible
from skillcache.settings.in_force import load
from skillcache.tools.lookup import BUILT_IN

LANGUAGES = {
    "python": "Python",
    "javascript": "JavaScript, TypeScript",
    "go": "Go",
    "rust": "Rust",
    "jvm": "Java, Kotlin",
    "ruby": "Ruby",
    "php": "PHP",
    "native": "C, C++, C#, Swift, Dart, Elixir",
    "texts": "shell, text and infrastructure",
}
_TASKS = "tasks named as a test, lint, type, format or other check"
_RUNNERS, _WEB = "task runners", "the web"
EVERY_RESULT = (
    "the words of the call and its directory, the content of the project, tracked and untracked, its packages and"
    " configuration, the programs that run, the environment and the system, unless a rule of yours says less; one of"
    " the web on the call alone, for a time"
)


class BuiltIn(NamedTuple):
    """`match`: patterns of what is replayed; `subject`: its language, or what it does."""

    name: str
    subject: str
    match: str


class Program(NamedTuple):
    """See `skillcache.cli.schemas.Program`."""

    words: str
    harmless: list[str]
    with_value: list[str]
    files: list[str]
    needs: list[str]
    writes: list[str]
    fresh: list[str]
    outside: list[str]
    building: list[str]
    variables: list[str]
    programs: list[str]


class Tasks(NamedTuple):
    """See `skillcache.cli.schemas.Tasks`."""

    runner: str
    verbs: list[str]
    alone: list[str]
    harmless: list[str]
    with_value: list[str]
    names: list[str]


def built_in() -> Iterator[BuiltIn]:
    """By subject."""
    for language, words in WORDS.items():
        for word in words.split():
            tool = tool_of(word)
            assert tool is not None  # noqa: S101 - a test holds the index to the tables
            yield BuiltIn(word, LANGUAGES[language], tool.pattern)
    for word in TABLE:
        tests = f", {BUN_TEST.pattern}" if word == "bun" else ""
        yield BuiltIn(word, _RUNNERS, _TASKS + tests)
    for name, rule in BUILT_IN.items():
        yield BuiltIn(name, _WEB, f"{rule.pattern}, for {rule.ttl} seconds")


def named(name: str) -> list[BuiltIn]:
    """`name`: a program's word, also with its folder, or what counters call its rule."""
    word = plain_name(name)
    exact = [row for row in built_in() if row.name == word]
    return exact or [row for row in built_in() if (tool := tool_of(row.name)) is not None and tool.name == name]


def programs_of(word: str) -> list[Program]:
    tool = BUN_TEST if word == "bun" else tool_of(word)
    return [] if tool is None else list(_programs(tool, "bun test" if word == "bun" else word))


def tasks_of(word: str) -> list[Tasks]:
    if word not in RUNNERS:
        return []
    runner = TABLE[word]
    values = [*runner.values, *runner.numbers, *runner.moves, *runner.files]
    return [Tasks(word, runner.verbs, runner.alone, runner.flags, values, sorted(NAMED))]


def _programs(tool: Tool, words: str) -> Iterator[Program]:
    valued = {name: allowed for name, allowed in {**tool.values, **tool.maybe}.items() if name not in tool.files}
    yield Program(
        words,
        [*tool.flags, *ASKS],
        [spelled for name, allowed in valued.items() for spelled in _spelled(name, allowed)],
        list(tool.files),
        [*tool.needs, *tool.only],
        list(tool.writes),
        list(tool.fresh),
        list(tool.outside),
        list(tool.building),
        list(tool.env),
        list(tool.tools),
    )
    for word, inner in (tool.subcommands or {}).items():
        yield from _programs(inner, f"{words} {word}")
    if tool.after is not None and tool.after is not tool:
        yield from _programs(tool.after, f"{words} --")


def _spelled(name: str, allowed: tuple[str, ...]) -> list[str]:
    return [f"{name}={value}" for value in allowed] or [name]


_WIDE = 100
_LABEL = 14
_OFF = "off: what it names is not replayed; "
_AHEAD = "may run ahead; "


@click.command()
@json_options("RulesOrExplained")
@click.argument("name", default="")
def command(name: str, as_json: bool) -> int:
    """List what is replayed, or explain what NAME names.

    NAME is a program, a tool, or a rule of your configuration. Whether one call would be replayed is said by:
    skillcache explain
    """
    own = rules_of(load(os.environ, os.environ.get("CLAUDE_PROJECT_DIR") or os.getcwd()))
    off = ledger.off(cache_folder(os.environ), time.time()) if any(rule.ahead for rule in own) else {}
    if name:
        found = _find(name, own, off)
        lines = [json.dumps(_explained(found), indent=2)] if as_json else map(legible, _explanation(found))
    elif as_json:
        listed = {"built_in": [each._asdict() for each in built_in()], "own": [_fields(rule, off) for rule in own]}
        lines = [json.dumps(listed, indent=2)]
    else:
        lines = map(legible, _listed(list(built_in()), own, off))
    click.echo("\n".join(lines))
    return output.OK


class _Found(NamedTuple):
    """All that has one name. off: rules that have switched themselves off, for reasons of `policy.REASONS`."""

    own: list[Rule]
    off: Mapping[str, list[str]]
    built_in: list[BuiltIn]
    programs: list[Program]
    tasks: list[Tasks]


def _find(name: str, own: Iterable[Rule], off: Mapping[str, list[str]]) -> _Found:
    """Raises SkillcacheError where nothing has the name."""
    mine = [rule for rule in own if name in (rule.name, rule.pattern)]
    rows = named(name)
    if not mine and not rows:
        raise SkillcacheError(f"no rule is of {name}. List them with: skillcache rules")
    programs = [found for row in rows for found in programs_of(row.name)]
    return _Found(mine, off, rows, programs, [found for row in rows for found in tasks_of(row.name)])


def _listed(rows: list[BuiltIn], own: Sequence[Rule], off: Mapping[str, list[str]]) -> Iterator[str]:
    subject = ""
    wide = max(len(row.name) for row in rows)
    for row in rows:
        if row.subject != subject:
            yield from ["", row.subject] if subject else [row.subject]
            subject = row.subject
        yield f"  {row.name:{wide}}  {row.match}"
    mine = [f"  {rule.name}  {rule.pattern}  ({_said(rule)}{rule.origin})" for rule in own]
    if mine:
        yield from ("", "Of configuration files, the first that names a call counts", *mine)
    ahead = dict.fromkeys(rule.name for rule in own if rule.ahead and rule.name in off)
    if ahead:
        yield from ("", *(f"Off: {runs_no_more(name, off[name])}" for name in ahead))


def _said(rule: Rule) -> str:
    return f"{'' if rule.enabled else _OFF}{_AHEAD if rule.ahead else ''}"


def _explanation(found: _Found) -> Iterator[str]:
    blocks = [
        *(_own_block(rule, found.off) for rule in found.own),
        *([f"{row.name}: {row.match} ({row.subject})"] for row in found.built_in),
    ]
    blocks += [*map(_program, found.programs), *map(_tasks, found.tasks)]
    blocks.append(textwrap.wrap(f"A result depends on {EVERY_RESULT}.", _WIDE))
    for at, block in enumerate(blocks):
        if at:
            yield ""
        for line in block:
            yield from _wrapped(line) if line.startswith(" ") else [line]


def _wrapped(row: str) -> list[str]:
    indent = " " * (_LABEL + 2)
    return textwrap.wrap(row, _WIDE, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


def _explained(found: _Found) -> dict[str, Any]:
    return {
        "own": [_fields(rule, found.off) for rule in found.own],
        "built_in": [row._asdict() for row in found.built_in],
        "programs": [each._asdict() for each in found.programs],
        "tasks": [each._asdict() for each in found.tasks],
        "depends": EVERY_RESULT,
    }


def _own_block(rule: Rule, off: Mapping[str, list[str]]) -> list[str]:
    lines = [f"{rule.name}: {rule.pattern} ({rule.origin})"]
    fields = _fields(rule, off)
    if rule.adds:
        fields = {field: fields[field] for field in ("reads", "tools", "live", "ahead", "ahead_off")}
    for field, value in fields.items():
        if field not in ("name", "match", "origin", "adds") and value not in (None, [], ""):
            lines.append(_row(field, json.dumps(value)))
    return lines


def _program(found: Program) -> list[str]:
    lines = [found.words]
    for label, words in (
        ("harmless", found.harmless),
        ("with a value", found.with_value),
        ("of a file", found.files),
        ("one of", found.needs),
        ("writes", found.writes),
        ("runs afresh", found.fresh),
        ("looks outside", found.outside),
        ("builds", found.building),
        ("variables", found.variables),
        ("programs", found.programs),
    ):
        if words:
            lines.append(_row(label, " ".join(words)))
    return lines


def _tasks(found: Tasks) -> list[str]:
    lines = [f"tasks of {found.runner}"]
    for label, words in (
        ("behind", found.verbs),
        ("by itself", found.alone),
        ("named as", found.names),
        ("harmless", found.harmless),
        ("with a value", found.with_value),
    ):
        if words:
            lines.append(_row(label, " ".join(words)))
    return lines


def _row(label: str, text: str) -> str:
    return f"  {label:{_LABEL}}{text}"


def _fields(rule: Rule, off: Mapping[str, list[str]]) -> dict[str, Any]:
    return {
        "name": rule.name,
        "match": rule.pattern,
        "origin": rule.origin,
        "enabled": rule.enabled,
        "depends": None if rule.depends is None else list(rule.depends),
        "env": list(rule.env),
        "ttl": rule.ttl,
        "reads": list(rule.reads),
        "tools": list(rule.tools),
        "live": rule.live or None,
        "ahead": rule.ahead,
        "ahead_off": off.get(rule.name, []) if rule.ahead else [],
        "adds": rule.adds,
    }
