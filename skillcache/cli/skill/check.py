"""`skillcache skill check`: what keeps a skill out of the cache, and what its scripts do beside its declaration."""

import json
import os
import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import click

from skillcache.cache import history
from skillcache.cli import output
from skillcache.cli.line import NotALine, read
from skillcache.cli.output import duration, json_options, several
from skillcache.cli.skill.rehearsal import Difference, Place, Rehearsal, Run, rehearse
from skillcache.cli.skill.sight import (
    ABOVE,
    CHANCE,
    CLOCK,
    ENDS,
    GIT,
    HOME,
    NETWORK,
    PRESENT,
    STOPS,
    VARIABLE,
    WRITES,
    Look,
    Seen,
    Sight,
)  # fmt: skip
from skillcache.cli.skill.states import Standing, stand
from skillcache.core import files
from skillcache.core.git import find_root
from skillcache.fingerprint.globs import matches
from skillcache.fingerprint.ignored import is_cache
from skillcache.fingerprint.usual import capture
from skillcache.rules.rule import rules_of
from skillcache.rules.skills.manifest import FILE, Declaration
from skillcache.sessions.text import legible
from skillcache.settings.in_force import Settings, load

_CAP = 1 << 20
_FENCE = re.compile(r"^\s*(`{3,}|~{3,})")
_INLINE = re.compile(r"(?<!`)(`++)([^`\n]++)\1(?!`)")
_SKILL = re.compile(r"\$\{?(?:CLAUDE_)?SKILL_(?:DIR|ROOT|PATH)\}?/|\{baseDir\}/|<([\w -]++)>/", re.IGNORECASE)
_BLANKS_IN = re.compile(r"<([\w][\w ./|-]*)>")
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")


class Shown(NamedTuple):
    """script: its path below the skill's folder; spelled: the command as it is shown; given: the words after it."""

    script: str
    spelled: str
    given: tuple[str, ...]


def shown(folder: str, scripts: Sequence[str]) -> list[Shown]:
    """Each once, in the order of the text."""
    text = (files.read(f"{folder}/{FILE}", _CAP) or b"").decode("utf-8", "replace")
    found: dict[Shown, None] = {}
    for line, is_block in _lines(text):
        for each in _of_line(line, os.path.basename(folder), scripts):
            if is_block or each.given or each.spelled != each.script:  # a path in the text alone is a mention
                found[each] = None
    return list(found)


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """What stands in blocks of code, lines that go on joined, and between backquotes; whether it is of a block."""
    closes, held = "", ""
    for line in text.splitlines():
        fence = _FENCE.match(line)
        if closes:
            if fence is not None and line.strip().startswith(closes):
                closes = ""
            elif line.endswith("\\"):
                held += line[:-1] + " "
                continue
            else:
                yield (held + line).strip().removeprefix("$ "), True
            held = ""
        elif fence is not None:
            closes = fence[1]
        else:
            yield from ((found[2].strip(), False) for found in _INLINE.finditer(line))


def _of_line(line: str, name: str, scripts: Sequence[str]) -> Iterator[Shown]:
    own = _SKILL.sub(_without_folder, line)
    plain = _OPTIONAL.sub(r"\1", _BLANKS_IN.sub(lambda found: found[1].replace(" ", "-").replace("|", "-"), own))
    try:
        commands = read(plain).commands
    except NotALine:
        return
    for spoken in commands:
        for at, word in enumerate(spoken.words[:8]):
            script = _script(word, name, scripts)
            if script is not None and (at or "/" in word) and not spoken.words[0].startswith("-"):
                yield Shown(script, shlex.join(spoken.words), spoken.words[at + 1 :])
                break


def _without_folder(found: re.Match[str]) -> str:
    """What stands in angles is the skill's folder where it says so."""
    said = found[1]
    return found[0] if said is not None and not re.search("skill|base", said, re.IGNORECASE) else ""


def _script(word: str, name: str, scripts: Sequence[str]) -> str | None:
    path = word.removeprefix("./")
    for script in scripts:
        if path == script or path.endswith((f"/{script}", f"{name}/{script}")):
            return script
    by_name = [script for script in scripts if os.path.basename(script) == path]
    return by_name[0] if len(by_name) == 1 else None


# What says where something is, and what the client itself sets.
_PLACES = frozenset(
    "PATH HOME PWD TMPDIR TEMP TMP USER LOGNAME SHELL CLAUDE_SKILL_DIR CLAUDE_PLUGIN_ROOT CLAUDE_PROJECT_DIR".split()  # noqa: SIM905 - read as a list
)
_ALL = "**"
STATE_OF_GIT = "reads git's state, which is in no key: declare a version and raise it, or leave the script out"


class Remark(NamedTuple):
    sight: Sight
    text: str


def remarks(look: Look, declared: Declaration) -> list[Remark]:
    return [Remark(sight, text) for sight in look.sights for text in _texts(sight, declared)]


def is_always_counted(variable: str) -> bool:
    """Whether results depend on it whatever is declared, or it says only where something is."""
    return variable in _PLACES or bool(capture({variable: ""}, (), "/"))


def _texts(sight: Sight, declared: Declaration) -> Iterator[str]:  # noqa: C901, PLR0912 - one kind after another
    kind, name = sight.kind, sight.name
    if kind == WRITES:
        if not _is_output(name, declared):
            yield _written(name)
    elif kind == ENDS and not declared.failures:
        status = name or "a status of its own"
        yield f"ends with {status}: such a run is a report as well with failures: true"
    elif kind == STOPS and declared.failures:
        yield f"ends with {name or 'a status of its own'} where something is missing or fails: that is replayed as well"
    elif kind == VARIABLE:
        if not name:
            yield "reads environment variables whose names it makes up: list them under env"
        elif name not in declared.env and not is_always_counted(name):
            yield f"reads the environment variable {name}: list it under env"
    elif kind == CLOCK:
        yield f"reads the clock ({name}): a replay tells the time of the run that was stored"
    elif kind == CHANCE:
        yield f"draws at random ({name}): a replay gives what the stored run drew"
    elif kind == NETWORK:
        ttl = f"for the ttl, {declared.ttl} s" if declared.ttl else "for a day, unless a ttl says less"
        yield f"uses the network ({name}): what answers there is not looked at, and a result holds {ttl}"
    elif kind == GIT and not declared.version:
        yield STATE_OF_GIT
    elif kind == PRESENT and _ALL not in declared.depends:
        yield f"looks at the directory it runs in ({name}): files it finds there count where they are under depends"
    elif kind == ABOVE:
        yield (
            f"takes code from above the skill ({name}):"
            " it counts from beside the skill and from its plugin, else under depends"
        )
    elif kind == HOME and not _is_depended_on(name, declared):
        what = f"{name}: list it" if name else "the home folder: list what it reads there"
        yield f"reads {what} under depends"


def _is_output(name: str, declared: Declaration) -> bool:
    if not name:
        return bool(declared.outputs)
    if name.startswith(("/dev/", "-")):
        return True
    path = name.removeprefix("./")
    # A folder on the way to an output is made with it.
    return any(matches(glob, path) or glob.startswith(f"{path}/") for glob in declared.outputs)


def _written(name: str) -> str:
    if name.startswith(("/", "~")):
        return f"writes {name}: a replay does not, and nothing beyond the worktree is put back"
    return f"writes {name}: list it under outputs" if name else "writes files: list what it leaves under outputs"


def _is_depended_on(name: str, declared: Declaration) -> bool:
    if not name:
        return any(glob.startswith("~") for glob in declared.depends)
    return any(matches(glob, name) for glob in declared.depends)


_MOST = 200  # scripts of a skill
_ENDINGS = {
    ".py": "python", ".sh": "shell", ".bash": "shell", ".zsh": "shell", ".js": "node", ".mjs": "node", ".cjs": "node",
    ".ts": "node", ".mts": "node", ".cts": "node", ".tsx": "node", ".jsx": "node", ".rb": "", ".pl": "",
}  # fmt: skip
_FIRST_LINES = (("python", "python"), ("bash", "shell"), ("node", "node"), ("deno", "node"), ("bun", "node"),
                ("zsh", "shell"), ("sh", "shell"))  # fmt: skip
_APART = frozenset(["node_modules", ".venv", "venv", "tests", "test", "__tests__"])  # what no skill tells to run


def look(folder: str) -> Look:
    scripts: list[str] = []
    unread: list[str] = []
    sights: list[Sight] = []
    for path in _files(folder):
        text = (files.read(os.path.join(folder, path), _CAP) or b"").decode("utf-8", "replace")
        language = _language(path, text)
        if language is None or len(scripts) == _MOST:
            continue
        scripts.append(path)
        seen = _reader(language)
        found = seen(text, path.count("/")) if seen is not None else None
        if found is None:
            unread.append(path)
            continue
        lines: dict[tuple[str, str], dict[int, None]] = {}
        for each in sorted(filter(lambda one: not _is_part(one, found), found)):
            lines.setdefault((each.kind, each.name), {})[each.line] = None
        sights += [Sight(path, tuple(at), kind, name) for (kind, name), at in lines.items()]
    return Look(tuple(scripts), tuple(unread), tuple(sights))


def _is_part(one: Seen, found: list[Seen]) -> bool:
    """Whether it is the beginning of a path that is built there."""
    return one.kind == HOME and any(
        other.kind == HOME and other.line == one.line and other.name.startswith(f"{one.name}/" if one.name else "~")
        for other in found
    )


def _reader(language: str) -> Callable[[str, int], list[Seen] | None] | None:
    from skillcache.cli.skill import python_sight
    from skillcache.cli.skill.sight import seen_in_node, seen_in_shell

    return {"python": python_sight.seen, "shell": seen_in_shell, "node": seen_in_node}.get(language)


def _language(path: str, text: str) -> str | None:
    """None for what is no script."""
    ending = os.path.splitext(path)[1].lower()
    if ending in _ENDINGS:
        return _ENDINGS[ending]
    if not text.startswith("#!"):
        return None
    first = text.partition("\n")[0]
    return next((language for word, language in _FIRST_LINES if word in first), "")


def _files(folder: str) -> Iterator[str]:
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if each not in _APART and not is_cache(os.fsencode(each)))
        for name in sorted(names):
            path = os.path.join(top, name)
            if os.path.isfile(path) and not name.startswith("test_") and name != "conftest.py":
                yield os.path.relpath(path, folder)


_WIDEST = 160
_SHOWN = 5  # lines of one remark


@click.command()
@json_options("Check")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False))
@click.argument("words", metavar="[-- COMMAND]", nargs=-1, type=click.UNPROCESSED)
def check(as_json: bool, folder: str, words: tuple[str, ...]) -> int:
    """Say whether a skill's scripts are cached, and try one.

    Names the line of SKILL.md that keeps them out and what to write there, and what each script visibly does besides
    what is declared; scripts are read for that, not run.

    COMMAND is run twice, in a copy of this directory that is removed afterwards, without input, for a minute at most,
    and with the declared outputs removed in between. Both runs must end alike, print the same and leave the same
    files. Nothing is run without it.

    Ends with 1 where something keeps the skill out, or the runs differ.

    \b
    skillcache skill check .claude/skills/report -- scripts/report.py table.csv
    """  # noqa: D301 - click's mark for lines to be left alone
    folder = os.path.abspath(folder)
    cwd = os.path.realpath(os.getcwd())
    settings = load(os.environ, find_root(cwd) or cwd)
    rules = rules_of(settings)
    standing, seen = stand(folder, rules), look(folder)
    noted = remarks(seen, standing.declared)
    if not as_json:
        click.echo("\n".join([*_standing(standing), *_beside(seen, noted)]))
    tried = None
    if words:
        if not as_json:
            click.echo(f"\nRuns twice, in a copy of {legible(cwd)}: {legible(shlex.join(words))}")
        tried = rehearse(
            words, Place(os.path.realpath(folder), cwd, os.environ, rules, int(settings.number("max_output")))
        )
    if as_json:
        click.echo(json.dumps(_as_json(standing, noted, words, tried), indent=2))
    elif tried is not None:
        click.echo("\n".join(_tried(tried, settings)))
    else:
        click.echo("\n".join(_untried(folder, seen)))
    is_out = not standing.cached or (tried is not None and bool(tried.out or tried.differences))
    return output.FAILED if is_out else output.OK


def _standing(standing: Standing) -> list[str]:
    name = legible(standing.name)
    if standing.cached:
        return [f"{name}: calls of its scripts are cached, by {legible(standing.why)}."]
    where = f"{FILE} line {standing.line}: " if standing.line else ""
    return [f"{name}: not cached. {where}{legible(standing.why)}.", f"Mend: {legible(standing.instead)}"]


def _beside(seen: Look, noted: list[Remark]) -> list[str]:
    lines = []
    if not seen.scripts:
        return ["", "There is no script in its folder."]
    if noted:
        lines += ["", "What its scripts visibly do besides what is declared:"]
    else:
        read = len(seen.scripts) - len(seen.unread)
        lines += ["", f"Nothing is seen of {several(read, 'script')} besides what is declared."] if read else [""]
    for sight, text in noted:
        at = ",".join(map(str, sight.lines[:_SHOWN]))
        lines.append(f"  {legible(sight.script)}:{at} {legible(text)}")
    lines += [f"  {legible(path)} was not read: no language that is known here" for path in seen.unread]
    return lines


def _untried(folder: str, seen: Look) -> list[str]:
    found = shown(folder, seen.scripts)
    if not found:
        return ["", "Nothing was run. To try a script, give a command that runs it after --"]
    best = next((each for each in found if each.given), found[0])
    command = f"skillcache skill check {shlex.quote(folder)} -- {best.spelled}"
    return ["", "Nothing was run. To try what SKILL.md shows:", f"  {legible(command)}"]


def _tried(tried: Rehearsal, settings: Settings) -> list[str]:
    lines = []
    if tried.differences:
        lines.append("The runs differ:")
        for each in tried.differences:
            lines += _difference(each)
    elif len(tried.runs) == 2:
        lines.append(f"Both runs gave the same: {_result(tried.runs[0])}.")
    if tried.out:
        lines += ["What keeps this command out:", *(f"  {legible(why)}" for why in tried.out)]
    least, took = history.least_duration(settings, declared=True), tried.runs[0].milliseconds
    if took < least:
        lines.append(f"It took {duration(took)}: runs under {duration(least)} are not stored (min_duration_declared).")
    return lines


def _result(run: Run) -> str:
    said = f"status {run.status}, {several(len(run.output), 'byte')} of output"
    if run.error:
        said += f", {several(len(run.error), 'byte')} on standard error"
    return said + "".join(f", {legible(file.path)}" for file in run.files)


def _difference(each: Difference) -> list[str]:
    at = f", first in line {each.line}" if each.line else ""
    what = f"  {legible(each.what)}" + (f" differs {each.how}" if each.how else "") + at
    return [what, f"    first:  {legible(each.first)[:_WIDEST]}", f"    second: {legible(each.second)[:_WIDEST]}"]


def _as_json(
    standing: Standing, noted: list[Remark], words: tuple[str, ...], tried: Rehearsal | None
) -> dict[str, Any]:
    run = None
    if tried is not None:
        run = {
            "command": list(words),
            "status": [each.status for each in tried.runs],
            "files": [file.path for file in tried.runs[0].files],
            "keeps_out": list(tried.out),
            "differences": [each._asdict() for each in tried.differences],
        }
    return {
        "skill": standing.name,
        "cached": standing.cached,
        "line": standing.line,
        "why": standing.why,
        "instead": standing.instead,
        "visible": [
            {"script": each.script, "lines": list(each.lines), "kind": each.kind, "name": each.name, "text": text}
            for each, text in noted
        ],
        "run": run,
    }
