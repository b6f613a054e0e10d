"""`skillcache observe`: runs a command under strace, and says what it depends on that its key does not hold."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import click

from skillcache.cli import config
from skillcache.cli.line import is_line
from skillcache.cli.output import duration, json_options, several, unified
from skillcache.commands import invocation, observed
from skillcache.commands.observed import Finding, KeyInputs
from skillcache.commands.readers import remember
from skillcache.commands.stand_in import without_shims
from skillcache.core.git import identity
from skillcache.core.outcomes import ALL, SkillcacheError
from skillcache.core.paths import cache_folder, project_config_file
from skillcache.core.paths import config_file as persons_file
from skillcache.fingerprint import traced
from skillcache.fingerprint.contents import MAX_BYTES
from skillcache.fingerprint.traced import ABSENT, LISTED, LOOKED, READ, STARTED, Trace
from skillcache.sessions.text import legible
from skillcache.settings import PROJECT, USER

_MOST_SHOWN = 40
_MOST = 50  # paths of a rule: each is looked at for every key
_MOST_FILES = 2_000  # in a folder that a rule names
_MOST_OF_A_FOLDER = 20  # paths in one folder, from which on a rule names the folder
_WORDS = {READ: "read", LISTED: "listed", ABSENT: "looked for", LOOKED: "looked at"}
# Sockets that any program may ask of the system, and that no report comes from.
_OF_SYSTEM = ("/run/nscd", "/var/run/nscd", "/run/systemd", "/dev/log", "/run/dbus", "/var/run/dbus", "/var/lib/sss")
_DESKTOP = ("/tmp/.X11-unix", "@/tmp/.X11-unix", "@/tmp/.ICE-unix")  # noqa: S108 - never used
_NO_STRACE = (
    "strace is not on PATH: what a command reads cannot be observed without it. Install it: sudo apt-get install strace"
)
_KEY = "What a key holds is told by: skillcache explain -v -- COMMAND"
_NEVER = "never"
_NICENESS = 19


class Observation(NamedTuple):
    """status, milliseconds: of the run; paths: without programs; programs: that the key does not identify."""

    words: tuple[str, ...]
    status: int
    milliseconds: float
    key: KeyInputs
    paths: list[Finding]
    programs: list[Finding]
    servers: list[str]
    home: str


def _live(_context: click.Context, _option: click.Parameter, value: str | None) -> int | bool:
    if value is None:
        return False
    if value == _NEVER:
        return True
    if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= 31_536_000:
        raise click.BadParameter(f"{_NEVER}, or a number of seconds from 1 to 31536000")
    return int(value)


@click.command(context_settings={"allow_interspersed_args": False})
@click.option("--apply", "applies", is_flag=True, help="Make what is found part of the key, by a rule.")
@click.option(
    "--project/--user",
    "of_project",
    default=True,
    help="The rule goes into this project's .claude/skillcache.toml, or into your own file, for all projects.",
)
@click.option(
    "--live",
    metavar="never|SECONDS",
    callback=_live,
    help="The rule says besides that results are never given, or for so long at most, as it talks to a server.",
)
@click.option("--remember", "remembers", is_flag=True, hidden=True)  # of the setting `observe`
@json_options("Observation")
@click.argument("words", metavar="-- COMMAND...", nargs=-1, type=click.UNPROCESSED)
def command(
    applies: bool, of_project: bool, live: int | bool, remembers: bool, as_json: bool, words: tuple[str, ...]
) -> int:  # fmt: skip
    """Run a command and say what it depends on that its key does not hold.

    It runs under strace (Linux), which makes it two to four times as long: with your terminal, your environment and
    nothing served from the cache. Then come the files it read, listed or looked for that would not make its key
    another, programs that the key does not identify, and servers it talked to, which no key holds. On a terminal you
    are asked whether a rule is to make them part of the key. Ends with the command's status.

    \b
    skillcache observe -- pytest -q
    skillcache observe --apply --live never -- make test
    """  # noqa: D301 - click's mark for lines to be left alone
    if not words:
        raise click.UsageError("give a command after --")
    if as_json and (applies or live):
        raise click.UsageError("--json does not go with --apply or --live")
    if len(words) == 1 and is_line(words[0]):
        raise click.UsageError("give one program with its words, not a line: its commands have keys of their own")
    environ = without_shims(invocation.environment())
    tracer = traced.tracer(environ) if sys.platform == "linux" else None
    if tracer is None:
        raise SkillcacheError(
            _NO_STRACE if sys.platform == "linux" else f"strace, which this needs, is of Linux alone. {_KEY}"
        )
    if remembers:
        os.nice(_NICENESS)
    seen = _observe(words, os.getcwd(), environ, tracer, aside=as_json)
    if remembers:
        _remember(seen)
        return 0
    table = _table(seen, live)
    if as_json:
        click.echo(_as_json(seen, table))
        return seen.status
    click.echo("\n".join(map(legible, _as_text(seen, table))))
    if table is not None:
        path = project_config_file(seen.key.root) if of_project else persons_file(os.environ)
        before, after = config.with_rules(path, [table], PROJECT if of_project else USER)
        if applies or live or _agrees(path, before, after):
            config.write(path, after)
            click.echo(legible(f"A rule was added to {path}."))
    return seen.status


def _agrees(path: str, before: str, after: str) -> bool:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    click.echo("\n" + "\n".join(map(legible, unified(path, before, after).splitlines())))
    return click.confirm("Make it part of the key?", default=False)


def _observe(words: tuple[str, ...], cwd: str, environ: Mapping[str, str], tracer: str, *, aside: bool) -> Observation:
    """`aside`: what the command prints goes to standard error. Raises SkillcacheError."""
    place = tempfile.mkdtemp(prefix="skillcache-observe-")
    try:
        log = f"{place}/trace"
        began = time.monotonic()
        status = _run([*traced.command(tracer, log), *words], environ, aside=aside)
        spent = (time.monotonic() - began) * 1000
        (trace,) = traced.read(log, cwd) if os.path.exists(log) else (Trace(),)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    if not trace.programs:
        raise SkillcacheError(
            f"strace could not run {words[0]}: see what it said above. A container needs, for that:"
            " docker run --cap-add SYS_PTRACE"
        )
    try:
        key = observed.held(words, cwd, environ, tracer)
    except (OSError, TimeoutError) as fault:
        raise SkillcacheError(f"what the key holds could not be observed: {fault}. {_KEY}") from None
    found = [] if key.bypass else observed.unheld(trace, key)
    ends = [finding for finding in found if _is_of_programs(finding, key)]
    paths = [finding for finding in found if finding not in ends and not _is_a_folder_around(finding, key.root)]
    servers = [address for address in trace.others() if not _is_of_system(address) and not trace.is_own(address)]
    return Observation(words, status, spent, key, paths, ends, servers, key.home)


def _run(argv: Sequence[str], environ: Mapping[str, str], *, aside: bool) -> int:
    """The status of the command, which a shell would say. An interrupt is the command's own affair."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        done = subprocess.Popen(
            argv,
            env=dict(environ),
            stdout=2 if aside else None,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - we have no threads
        ).wait()
    finally:
        signal.signal(signal.SIGINT, before)
    return done if done >= 0 else invocation.SIGNALLED - done


def _is_of_system(address: str) -> bool:
    return address in {"", "@"} or address.startswith((*_OF_SYSTEM, *_DESKTOP))


def _is_of_programs(finding: Finding, key: KeyInputs) -> bool:
    """A program that was started, or looked for where programs are."""
    return finding.kind == STARTED or (finding.kind == ABSENT and os.path.dirname(finding.path) in key.searched)


def _is_a_folder_around(finding: Finding, root: str) -> bool:
    """A folder that the project lies in was only asked for: it is there."""
    return finding.kind == LOOKED and root.startswith(finding.path.rstrip("/") + "/")


def _spelling(finding: Finding, seen: Observation) -> str | None:
    """As a rule names it, the same for every worktree and person; None where no rule can or should."""
    root, home = seen.key.root, seen.home
    if finding.kept or finding.path == "/" or "\0" in finding.path or not _is_text(finding.path):
        return None
    around = root.startswith(finding.path.rstrip("/") + "/") or home.startswith(finding.path.rstrip("/") + "/")
    if around and finding.kind != LISTED:
        return None
    spelled = os.path.normpath(finding.spelled)
    path = spelled if os.path.realpath(spelled) == os.path.realpath(finding.path) else finding.path
    if f"{path}/".startswith(f"{root}/") or _is_relative(path, finding.spelled, root, home):
        text = os.path.relpath(path, root)
    elif home != "/" and path.startswith(home + "/"):
        text = f"~/{path[len(home) + 1 :]}"
    else:
        text = os.path.relpath(path, root) if _is_beside(path, root) else path
    if text[0] in ":~" and not text.startswith("~/"):
        text = f"./{text}"
    return f"{text}/" if finding.kind == LISTED else text


def _is_relative(path: str, spelled: str, root: str, home: str) -> bool:
    """Whether the command came to it from the project: by `..`, or in its search through the folders above."""
    return (_is_above(path, root) and os.path.dirname(path) != home) or ("/../" in spelled and _is_beside(path, root))


def _is_above(path: str, root: str) -> bool:
    """Whether it stands in a folder above that of the project, as configuration does."""
    folder = os.path.dirname(path)
    return folder != "/" and root.startswith(folder + "/")


def _is_beside(path: str, root: str) -> bool:
    """Whether it lies in the folder that the project lies in."""
    beside = os.path.dirname(root)
    return beside != "/" and path.startswith(beside + "/")


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _program(finding: Finding, seen: Observation) -> str | None:
    """As a rule names it: by its name where PATH finds it."""
    if not _is_text(finding.spelled):
        return None
    if os.path.realpath(os.path.dirname(finding.spelled)) in seen.key.searched:
        return os.path.basename(finding.spelled)
    if seen.home != "/" and finding.spelled.startswith(seen.home + "/"):
        return f"~/{finding.spelled[len(seen.home) + 1 :]}"
    return os.path.normpath(finding.spelled)


def _named(seen: Observation) -> tuple[list[str], list[str]]:
    """The paths and the programs that a rule can name."""
    spelled = [text for finding in seen.paths if (text := _spelling(finding, seen))]
    reads = [text for text in _folded(spelled) if _is_readable(text, seen)]
    return reads[:_MOST], sorted({text for finding in seen.programs if (text := _program(finding, seen))})[:_MOST]


def _left_out(seen: Observation) -> list[str]:
    """What a rule could name but for what it is, or for its number."""
    spelled = _folded([text for finding in seen.paths if (text := _spelling(finding, seen))])
    named = {*_named(seen)[0]}
    return [text for text in spelled if text not in named]


def _is_readable(text: str, seen: Observation) -> bool:
    """Whether it can be part of each key: not there, a file, or a folder, none of them large, none of the moment."""
    path = os.path.normpath(os.path.join(seen.key.root, seen.home + text[1:] if text.startswith("~/") else text))
    temporary = os.path.realpath(tempfile.gettempdir())
    if not f"{seen.key.root}/".startswith(f"{temporary}/") and f"{os.path.realpath(path)}/".startswith(f"{temporary}/"):
        return False
    try:
        status = os.stat(path)
    except OSError:
        return True
    if not stat.S_ISDIR(status.st_mode):
        return stat.S_ISREG(status.st_mode) and status.st_size <= MAX_BYTES
    return text.endswith("/") or _is_small(path)


def _is_small(top: str) -> bool:
    """Whether a folder can be read for each key."""
    count = size = 0
    for folder, _, names in os.walk(top):
        for name in names:
            status = os.lstat(f"{folder}/{name}")
            count, size = count + 1, size + status.st_size
            if count > _MOST_FILES or size > MAX_BYTES:
                return False
    return True


def _remember(seen: Observation) -> None:
    """For all later runs of what the rule names in this project, on this machine. Raises OSError."""
    reads, tools = _named(seen)
    if seen.key.rule and not seen.key.bypass:
        cache = cache_folder(invocation.environment())
        remember(cache, identity(seen.key.root), seen.key.rule, tuple(reads), tuple(tools))


def _table(seen: Observation, live: int | bool) -> str | None:
    """The rule as TOML; None where there is nothing to say."""
    if seen.key.bypass:
        return None
    reads, tools = _named(seen)
    if not (reads or tools or live):
        return None
    pattern = seen.key.pattern or f"Bash({seen.words[0]}:*)"
    spaced = pattern.replace("-", " ")
    if " ".join(seen.words).startswith(spaced.removeprefix("Bash(").removesuffix(":*)")):
        pattern = spaced  # as it is typed
    lines = ["[[rules]]", f"match = {_quoted(pattern)}"]
    if reads:
        lines += ["reads = [", *(f"    {_quoted(text)}," for text in reads), "]"]
    if tools:
        lines.append(f"tools = [{', '.join(map(_quoted, tools))}]")
    if live:
        lines.append(f"live = {'true' if live is True else live}")
    return "\n".join(lines) + "\n"


def _folded(texts: Sequence[str]) -> list[str]:
    """Sorted; of many in one folder, the folder."""
    inside: dict[str, list[str]] = {}
    for text in dict.fromkeys(texts):
        inside.setdefault(os.path.dirname(text.rstrip("/")), []).append(text)
    found = set()
    for folder, below in inside.items():
        is_whole = len(below) > _MOST_OF_A_FOLDER and folder not in {"", "/", "~", ".."} and not folder.endswith("/..")
        found.update([folder] if is_whole else below)
    return sorted(found)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _as_text(seen: Observation, table: str | None) -> Iterator[str]:
    key = seen.key
    named = f"rule {key.rule}" if key.rule else "no rule names it: the key is that of `skillcache run`"
    yield ""
    yield f"observed  {' '.join(seen.words)} ({named}), {duration(seen.milliseconds)}, exit status {seen.status}"
    if key.bypass:
        yield f"It is never answered from the cache: {_said(key.bypass)}."
    yield from _found(seen)
    if seen.servers:
        yield from ("", f"It depends on what no key holds: it talks to {', '.join(map(_oneline, seen.servers))}.")
        yield "To give no results of it, or for a minute: skillcache observe --live never (or 60) -- COMMAND"
    if not (seen.paths or seen.programs or seen.servers or key.bypass):
        yield "Its key holds all that it read, looked for and started."
    if table is not None:
        yield from ("", "The rule that makes them part of the key:" if seen.paths or seen.programs else "The rule:", "")
        yield from table.splitlines()
        if left := _left_out(seen):
            yield ""
            yield (
                f"The rule leaves out {several(len(left), 'path')}, which no key can hold (a pipe, a device, a large or"
                f" temporary file) or which are more than {_MOST}: {', '.join(map(_oneline, left[:3]))}"
                + (", ..." if len(left) > 3 else "")
            )
        yield from ("", "Add it with: skillcache observe --apply [--user] -- COMMAND")


def _found(seen: Observation) -> Iterator[str]:
    if seen.paths:
        yield from ("", f"Its key would be the same whatever becomes of {several(len(seen.paths), 'path')}:")
        lines = list(_lines(seen))
        yield from lines[:_MOST_SHOWN]
        if len(lines) > _MOST_SHOWN:
            yield f"  and {len(lines) - _MOST_SHOWN} more: skillcache observe --json -- COMMAND"
    if seen.programs:
        yield from ("", "and of programs:" if seen.paths else "Its key would be the same whatever becomes of programs:")
        yield from (f"  started    {_oneline(each.spelled)}" for each in seen.programs if each.kind == STARTED)
        sought = [os.path.basename(each.spelled) for each in seen.programs if each.kind != STARTED]
        yield from (f"  looked for {_oneline(name)}" for name in dict.fromkeys(sought))


def _lines(seen: Observation) -> Iterator[str]:
    """One for each path; of many in one folder, one for all of them."""
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in seen.paths:
        key = (finding.kind, os.path.dirname(finding.path), _where(finding, seen))
        groups.setdefault(key, []).append(finding)
    for (kind, _, where), findings in groups.items():
        if len(findings) > _MOST_OF_A_FOLDER:
            folder = os.path.dirname(_spelling(findings[0], seen) or findings[0].path)
            yield f"  {_WORDS[kind]:11}{len(findings)} paths in {_oneline(folder)}/  ({where})"
        else:
            yield from (f"  {_WORDS[kind]:11}{_shown(finding, seen)}  ({where})" for finding in findings)


def _said(bypass: tuple[str, str]) -> str:
    text = next((outcome.text for outcome in ALL if outcome.name == bypass[0]), "")
    return ": ".join(filter(None, (text, bypass[1])))


def _shown(finding: Finding, seen: Observation) -> str:
    return _oneline(_spelling(finding, seen) or finding.path)


def _oneline(text: str) -> str:
    """A name on one line, whatever is in it."""
    plain = text.encode("utf-8", "backslashreplace").decode()
    return plain if plain.isprintable() else json.dumps(plain)


def _where(finding: Finding, seen: Observation) -> str:
    path, root = finding.path, seen.key.root
    if finding.kept:
        return "it writes it, too: what it keeps from run to run"
    if path.startswith(root + "/"):
        place = "left out of what counts in the project"
    elif (_spelling(finding, seen) or "").startswith("~/"):
        place = "at home"
    elif _is_beside(path, root):
        place = "beside the project"
    else:
        place = "above the project" if _is_above(path, root) else "elsewhere"
    return f"{place}, not there" if finding.kind == ABSENT else place


def _as_json(seen: Observation, table: str | None) -> str:
    return json.dumps(
        {
            "command": " ".join(seen.words),
            "status": seen.status,
            "milliseconds": int(seen.milliseconds),
            "rule": seen.key.pattern or None,
            "bypass": _said(seen.key.bypass) if seen.key.bypass else None,
            "paths": [
                {"path": each.path, "how": each.kind, "where": _where(each, seen), "rule": _spelling(each, seen)}
                for each in seen.paths
            ],
            "programs": [
                {"path": each.spelled, "how": each.kind, "rule": _program(each, seen)} for each in seen.programs
            ],
            "servers": seen.servers,
            "toml": table,
        },
        indent=2,
    )
