"""`skillcache explain`: which rule names a command, what its key is made of, and why it hits or misses."""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import click

from skillcache.cache.decision import BASH, age_of
from skillcache.claude import MOST, BadEvent, ToolEvent, parse_tool_event
from skillcache.cli import output
from skillcache.cli.line import Line, NotALine, Spoken, WholeLine, is_line, of_line, read
from skillcache.cli.output import json_options
from skillcache.cli.run import Declared
from skillcache.commands import nesting
from skillcache.commands.invocation import Invocation, Program, environment, find_program
from skillcache.commands.observed import ANSWER, SECONDS
from skillcache.commands.observed import MARK as TURN
from skillcache.commands.shims.script import MARK
from skillcache.commands.stand_in import Ruled, ruled, without_shims
from skillcache.commands.streams import Input
from skillcache.commands.way import Way
from skillcache.core import files
from skillcache.core.git import find_root
from skillcache.core.outcomes import NO_ENTRY, NO_RULE, TIME_UP, UNCAPTURABLE, VERIFY, Bypass, SkillcacheError
from skillcache.core.paths import shims_folder
from skillcache.rules.rule import rules_of
from skillcache.sessions.text import legible
from skillcache.settings.in_force import Settings, load
from skillcache.stores import open_store
from skillcache.stores.signed import signer
from skillcache.tools import World
from skillcache.tools.explanation import Explanation, compared, explain, nearest
from skillcache.tools.lookup import Call
from skillcache.tools.registry import may_be_ours

_CAP = 1 << 20
_MOST = 3  # changes that are named, of more two
NO_SHIMS = (
    "not in this shell, where no folder of shims is on PATH: the Bash calls of a session have one from its start, a"
    ' terminal after eval "$(skillcache shellenv)"'
)
_AS_LINE = "Quote all of it as one word, as in: skillcache explain 'cd web && npm test'"
_INSTEAD = "A command needs none: skillcache explain -- COMMAND"
_PIPED = "what it reads from the pipe is known only when it runs"


class Place(NamedTuple):
    """Where a command stands. now: unix seconds; settings: of the project; fresh: the line asks for a run."""

    environ: Mapping[str, str]
    cwd: str
    project: str
    settings: Settings
    now: float
    fresh: bool = False


def explained(spoken: Spoken, place: Place) -> Explanation:
    """Raises StoreError and OSError."""
    environ = {**place.environ, **dict(spoken.assignments)}
    fresh = place.fresh or environ.pop("SKILLCACHE_FRESH", "") not in ("", "0")
    environ = without_shims(environ)
    spelled = environ.get("PWD", "")
    if not spelled or os.path.realpath(spelled) != os.path.realpath(place.cwd):
        spelled = place.cwd  # we were started without a shell
    cwd = os.path.realpath(os.path.join(place.cwd, spoken.directory))
    environ["PWD"] = os.path.normpath(os.path.join(spelled, spoken.directory))
    program = Program(find_program(spoken.words[0], environ), spoken.words, environ)
    text = " ".join(spoken.words)
    rule = ""
    try:
        task = ruled(program, cwd, environ, place.settings, fresh=fresh, joined=spoken.joined)
        rule = task.plan.rule
        given = Input(Bypass(UNCAPTURABLE, _PIPED) if spoken.piped else None)
        nesting.begin(nesting.SECONDS + place.settings.number("capture_time"))
        try:
            begun, answer = _way(task, environ, place).consult(given)
        finally:
            nesting.end()
    except Bypass as bypass:
        return Explanation(text, bypass.outcome, bypass.detail, rule)
    except nesting.TimeUp:
        return Explanation(text, TIME_UP, "", rule)
    found = begun.found
    known = Explanation(text, begun.outcome, "", rule, found.rows, found.digest)
    if answer is not None:
        if place.settings.number("verify") >= 1:
            return known._replace(outcome=VERIFY)
        return known._replace(served=answer.entry, size=len(answer.output) + len(answer.error))
    store = open_store(place.settings.store, now=place.now)
    try:
        return compared(known, found, nearest(store, task.plan, found, int(place.settings.number("max_output"))))
    finally:
        store.close()


def _way(task: Ruled, environ: Mapping[str, str], place: Place) -> Way:
    """One that waits for nobody, leaves nothing to chance, and is of no Bash call."""
    chosen = {"SKILLCACHE_WAIT": "0", "SKILLCACHE_VERIFY": "0"}
    settings = load({**environ, **chosen}, place.project)
    return Way(task, settings, Invocation(settings.cache, {}), tell=lambda _text: None)


def reached(word: str, environ: Mapping[str, str], cache: str) -> tuple[bool, str]:
    """Whether a shim stands in for `word` in this shell, and why or why not."""
    folders = [folder for folder in environ.get("PATH", os.defpath).split(":") if folder]
    shims = next((folder for folder in folders if os.path.exists(f"{folder}/{MARK}")), None)
    if shims is None:
        return False, NO_SHIMS
    if "/" in word:
        if _has_function(word, shims, cache):
            return True, "reached by a function for this path"
        return (
            False,
            "not reached: no function of the preamble is for this path; call it by its name, or in a rule",
        )
    first = find_program(word, environ)
    if os.path.dirname(first) == shims:
        return True, f"reached: {first}"
    if os.path.lexists(f"{shims}/{word}"):
        return False, f"not reached: PATH finds {first} before the shims"
    return False, f"not reached: there is no shim of this name in {shims}, which was made when the session began"


def _has_function(word: str, shims: str, cache: str) -> bool:
    """In a preamble that puts these shims on PATH: the functions of a shell are seen by itself alone."""
    try:
        paths = [f"{shims_folder(cache)}/{name}" for name in os.listdir(shims_folder(cache)) if name.endswith(".sh")]
    except OSError:
        return False
    for path in paths:
        text = (files.read(path, _CAP) or b"").decode("utf-8", "surrogateescape")
        if shims in text and f"\nfunction {word} {{" in text:
            return True
    return False


def probe(cwd: str, words: list[str]) -> None:
    """The process that is observed: captures what the command of these words depends on, twice, and prints the rows."""
    os.chdir(cwd)
    environ = without_shims(environment())
    environ["PWD"] = cwd
    program = Program(find_program(words[0], environ), tuple(words), environ)
    settings = load(environ, _project_of(cwd, environ))
    answer: dict[str, object] = {"rule": "", "pattern": "", "bypass": None, "root": "", "rows": []}
    try:
        try:
            named = ruled(program, cwd, environ, settings, fresh=False, joined=False)
            task: Ruled | Declared = named
            answer.update(rule=named.plan.rule, pattern=named.verdict.rule.pattern, depends=named.plan.depends)
        except Bypass as bypass:
            if bypass.outcome is not NO_RULE:
                raise
            task = _declared(program, cwd, settings)
        for turn in (1, 2, 3):
            os.access(f"{TURN}/{turn}", os.F_OK)
            if turn < 3:
                found = task.capture_key((), seconds=SECONDS)
        answer.update(root=found.fingerprint.root, rows=[list(row) for row in found.rows])
    except Bypass as bypass:
        answer["bypass"] = [bypass.outcome.name, bypass.detail]
        answer["root"] = _project_of(cwd, environ)
    except SkillcacheError as fault:
        answer["bypass"] = ["", str(fault)]
        answer["root"] = _project_of(cwd, environ)
    print(ANSWER + json.dumps(answer), flush=True)  # noqa: T201 - its only output, read by who started it


def _declared(program: Program, cwd: str, settings: Settings) -> Declared:
    """Of a command that no rule names: as `skillcache run` would capture it."""
    rules = tuple(rule for rule in rules_of(settings) if rule.tool == BASH)
    ttl = int(settings.number("ttl"))
    name = os.path.basename(program.words[0])
    return Declared(
        program, name=name, skill="", depends=(), variables=(), ttl=ttl, cwd=cwd, fresh=False, joined=False, rules=rules
    )


def _project_of(cwd: str, environ: Mapping[str, str]) -> str:
    return environ.get("SKILLCACHE_PROJECT") or environ.get("CLAUDE_PROJECT_DIR") or find_root(cwd) or cwd


_EXPANDS = "the shell puts other words in the place of $ and *: they are taken here as they stand"


class _Explained(NamedTuple):
    """One command or tool call. is_reached, shim: of a command, whether a shim stands in for it here, and why."""

    about: Explanation
    is_reached: bool | None = None
    shim: str = ""
    expands: bool = False

    @property
    def is_missed(self) -> bool:
        """Whether this shell has shims, and none for this command."""
        return self.is_reached is False and self.shim != NO_SHIMS


class _Whole(NamedTuple):
    """line: as it was read, None where words were given; lost: rules that named this whole line."""

    line: str | None
    each: list[_Explained]
    lost: list[WholeLine]


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--event", "path", metavar="FILE", help="Explain the hook event in FILE, - for standard input.")
@click.option("-v", "--verbose", is_flag=True, help="Also every part of the key, all that changed, and the shim.")
@json_options("Explanation")
@click.argument("words", metavar="-- COMMAND", nargs=-1, type=click.UNPROCESSED)
def command(path: str | None, verbose: bool, as_json: bool, words: tuple[str, ...]) -> int:
    """Say why a command would be answered from the cache or run.

    COMMAND is a program with its words, or one quoted line of a shell, whose commands are explained one by one. Nothing
    runs.

    \b
    skillcache explain -- pytest -q
    skillcache explain "cd web && npm test | tail -5"
    """  # noqa: D301 - click's mark for lines to be left alone
    if (path is None) == (not words):
        raise click.UsageError("give a command after --, or an event with --event FILE")
    now = time.time()
    try:
        whole = _of_event(path, now) if path is not None else _of_words(words, os.getcwd(), now)
    except NotALine as fault:
        raise click.ClickException(f"{fault} {_AS_LINE}") from None
    click.echo(_as_json(whole) if as_json else "\n".join(map(legible, _as_text(whole, now, verbose=verbose))))
    return output.OK


def _of_event(path: str, now: float) -> _Whole:
    try:
        event = _read_event(path)
    except (BadEvent, OSError) as fault:
        raise click.ClickException(f"{path}: not a hook event: {fault}. {_INSTEAD}") from None
    line = event.input.get("command")
    if event.tool == BASH and isinstance(line, str):
        return _of_line(line, event.cwd, now)
    if event.tool == BASH or not may_be_ours(event.tool):
        raise click.ClickException(
            f"{event.tool}: calls of this tool are never answered from the cache. What is: skillcache rules"
        )
    folder = os.environ.get("CLAUDE_PROJECT_DIR") or event.cwd
    world = World(os.environ, now, time.monotonic())
    return _Whole(None, [_Explained(explain(Call(event, world, folder, load(os.environ, folder))))], [])


def _read_event(path: str) -> ToolEvent:
    if path == "-":
        return parse_tool_event(sys.stdin.buffer.read(MOST + 1))
    with open(path, "rb") as file:
        return parse_tool_event(file.read(MOST + 1))


def _of_words(words: tuple[str, ...], cwd: str, now: float) -> _Whole:
    if len(words) == 1 and is_line(words[0]):
        return _of_line(words[0], cwd, now)
    return _explained(Line((Spoken(words),)), " ".join(words), cwd, now)


def _of_line(text: str, cwd: str, now: float) -> _Whole:
    return _explained(read(text), text, cwd, now)._replace(line=text)


def _explained(line: Line, text: str, cwd: str, now: float) -> _Whole:
    environ = environment()
    folder = environ.get("CLAUDE_PROJECT_DIR") or cwd
    settings = load(environ, folder)
    place = Place(environ, cwd, folder, settings, now, line.fresh)
    each = [
        _Explained(explained(spoken, place), *reached(spoken.words[0], environ, settings.cache), spoken.expands)
        for spoken in line.commands
    ]
    return _Whole(None, each, of_line(settings, text))


def _as_text(whole: _Whole, now: float, *, verbose: bool) -> Iterator[str]:
    if whole.line is not None:
        told = "; ".join(each.about.command for each in whole.each) or "no command"
        yield f"line     understood as: {told}"
    for lost in whole.lost:
        yield f"rule     {lost.text}; {lost.mend}"
    for at, each in enumerate(whole.each):
        if at or whole.line is not None or whole.lost:
            yield ""
        yield from _block(each, now, verbose=verbose)


def _block(each: _Explained, now: float, *, verbose: bool) -> Iterator[str]:
    """What a person needs in three lines: what becomes of it, of what, and why; the rest where it is asked for."""
    about = each.about
    outcome = about.outcome
    reason = f"{outcome.text}: {about.detail}" if about.detail else outcome.text
    yield f"{outcome.kind}  {outcome.name}: {reason}"
    yield f"command  {about.command}" + (f"  (rule {about.rule})" if about.rule else "")
    if each.shim and outcome is not NO_RULE and (verbose or each.is_missed):
        yield f"shim     {each.shim}"
    if each.expands and outcome is not NO_RULE:
        yield f"words    {_EXPANDS}"
    if about.served is not None:
        entry = about.served
        yield (
            f"entry    recorded {age_of(entry, now)} ago by {entry.writer.get('user')} on {entry.writer.get('host')},"
            f" exit status {entry.status}, {about.size} bytes, a run of {entry.duration / 1000:.1f} s"
        )
        if signed := signer(entry.signature):
            yield f"signed   by {signed[0]} with the key {signed[1]}"
    yield from _compared(about, now, most=len(about.changes) if verbose else _MOST)
    if about.rows and verbose:
        yield from ("", f"key {about.digest}")
        for label, name, value in about.rows:
            yield f"  {' '.join(part for part in (label, name) if part)}: {value}"


def _compared(about: Explanation, now: float, *, most: int) -> Iterator[str]:
    """`most`: changes that are named."""
    if about.nearest is not None and about.changes:
        changes = about.changes if len(about.changes) <= most else about.changes[: most - 1]
        more = len(about.changes) - len(changes)
        yield f"changed  since the newest entry of this command, recorded {age_of(about.nearest, now)} ago:"
        yield from (f"           {change}" for change in changes)
        if more:
            yield f"           and {more:,} more: skillcache explain -v"
    elif about.outcome is NO_ENTRY and about.nearest is None:
        yield "entry    none of this command in this directory is stored"


def _as_json(whole: _Whole) -> str:
    return json.dumps(
        {
            "line": whole.line,
            "commands": [_object(each) for each in whole.each],
            "rules_of_lines": [{"match": lost.pattern, "instead": lost.instead} for lost in whole.lost],
        },
        indent=2,
    )


def _object(each: _Explained) -> dict[str, object]:
    about = each.about
    entry = about.served or about.nearest
    return {
        "command": about.command,
        "outcome": about.outcome.name,
        "class": about.outcome.kind,
        "reason": about.outcome.text,
        "detail": about.detail,
        "rule": about.rule,
        "shim": {"reached": each.is_reached, "reason": each.shim} if each.shim else None,
        "key": {"digest": about.digest, "rows": about.rows} if about.rows else None,
        "entry": entry
        and {
            "served": about.served is not None,
            "finished_ms": entry.finished,
            "duration_ms": entry.duration,
            "status": entry.status,
            "writer": entry.writer,
            "signed": dict(zip(("by", "key"), signed, strict=True)) if (signed := signer(entry.signature)) else None,
        },
        "changes": about.changes,
    }
