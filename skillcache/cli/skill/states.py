"""Each skill that declares something, and why its results are kept or not.

A permission rule that is missing keeps no skill out: the client asks about a line as it was written, before any command
of it starts, and answers that the same way whether a result is replayed then or the script runs.
"""

import contextlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from skillcache.claude.mcp_servers import config_folder, read_object
from skillcache.core import files
from skillcache.core.counts import Count
from skillcache.core.git import find_root
from skillcache.core.outcomes import (
    BYPASS,
    CHANGED_INPUTS,
    CONFIRMED,
    FAILURE,
    HIT,
    NOT_WORTH,
    STORE,
    STORED,
    TOO_FAST,
    UNCAPTURABLE,
    UNDECLARED,
    Bypass,
    SkillcacheError,
)
from skillcache.fingerprint import globs
from skillcache.fingerprint.ignored import is_cache
from skillcache.rules.rule import Rule, rules_of
from skillcache.rules.skills import find, manifest
from skillcache.rules.skills.manifest import FILE, Declaration, Manifest
from skillcache.settings.in_force import Settings

_ENDINGS = (".py", ".sh", ".bash", ".zsh", ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".rb", ".pl")
_CAP = 1 << 20
_MOST = 2_000  # files of a skill that are looked at
_SCRIPT = re.compile(
    r"(?:\$\{CLAUDE_SKILL_DIR\}/|(?<![\w./~-])(?:\./)?(?=scripts/))([\w./-]*\w\.(?:py|sh|js|mjs|ts|rb|pl))(?![\w/])"
)
NAME_ONE = "Name one that has it, as in: skillcache skill check .claude/skills/NAME -- COMMAND"
_EXPLAIN = "skillcache explain -- COMMAND, with that command, says what"
_FOR_LAST = {
    UNDECLARED: "declare all that it writes under outputs, or let it write nothing",
    CHANGED_INPUTS: "let it write elsewhere than into its own folder and what it is given",
    FAILURE: "failures: true, where another status than 0 is a report as well",
    NOT_WORTH: "a lower min_duration_declared, where a hit is worth it",
    TOO_FAST: "a lower min_duration_declared, where a hit is worth it",
}


class State(NamedTuple):
    """why: not cached, and why, "" where nothing is known to keep it out; mend: what would change that.

    sure: whether that is so whatever is run; last: unix seconds of what became of its last command, 0 for none yet;
    hits: since the cache folder was made.
    """

    name: str
    folder: str
    why: str
    mend: str
    sure: bool
    last: int
    hits: int


def states(environ: Mapping[str, str], project: str, settings: Settings, counts: Sequence[Count] = ()) -> list[State]:
    """The person's skills, the project's and those of plugins, of which each is named once. `counts`: oldest first."""
    rules = [rule for rule in rules_of(settings) if rule.tool == "Skill"]
    ttl = int(settings.number("ttl"))
    found: dict[str, State] = {}
    for folder in _folders(environ, project):
        state = _state(folder, rules, counts, ttl)
        if state is not None:
            found.setdefault(os.path.realpath(folder), state)
    return list(found.values())


def _folders(environ: Mapping[str, str], project: str) -> Iterator[str]:
    config = config_folder(environ)
    plugins: list[str] = []
    with contextlib.suppress(Bypass):
        noted = read_object(f"{config}/plugins/installed_plugins.json", UNCAPTURABLE).get("plugins")
        for installs in noted.values() if isinstance(noted, dict) else ():
            each = installs if isinstance(installs, list) else []
            plugins += [str(one.get("installPath")) for one in each if isinstance(one, dict)]
    tops = dict.fromkeys([project, find_root(os.path.realpath(project)) or project])
    for top in (config, *(f"{top}/.claude" for top in tops), *plugins):
        shelf = os.path.join(top, manifest.SHELF)
        with contextlib.suppress(OSError):
            yield from (os.path.join(shelf, name) for name in sorted(os.listdir(shelf)))


def _state(folder: str, rules: Sequence[Rule], counts: Sequence[Count], ttl: int) -> State | None:
    """None for what is no skill, or one that does not declare itself."""
    name = os.path.basename(folder)
    try:
        said = manifest.read(folder, frozenset())
        if said is None or said.declared is None:
            return None
        name = said.name
        own = next((rule for rule in rules if rule.specifier in said.names), None)
        if own is not None and not own.enabled:
            mend = f"remove enabled = false from {own.pattern} in {own.origin}"
            return State(name, folder, "not cached: a rule of yours switches it off", mend, sure=False, last=0, hits=0)
        rule, _ = find.rule_of(said, own, ttl)
        why, mend = _fault(folder)
    except Bypass as bypass:
        why, mend = bypass.detail, "correct it there"
    except OSError as fault:
        why, mend = f"{manifest.FILE}: {fault.strerror}", "make it readable"
    if why:
        return State(name, folder, f"not cached: {why}", mend, sure=True, last=0, hits=0)
    return _lately(name, folder, rule.outputs, [count for count in counts if count.rule == name[:80]])


def _fault(folder: str) -> tuple[str, str]:
    """Why no result of it is ever given, and what mends that; "" twice where it may be."""
    held = list(_held(folder))
    scripts = [path for path in held if path.endswith(_ENDINGS) or os.access(os.path.join(folder, path), os.X_OK)]
    if not scripts:
        return "it has no script, and only commands that run one are replayed", "remove metadata.skillcache"
    mentioned = _mentioned(folder)
    if mentioned and not any(path in held for path in mentioned):
        return f"{manifest.FILE} names {mentioned[0]}, which is not there", f"put it there, or correct {manifest.FILE}"
    unlocked = [bypass for path in scripts if (bypass := _unlocked(os.path.join(folder, path))) is not None]
    return (unlocked[0].detail, "make the lock") if len(unlocked) == len(scripts) else ("", "")


def _landed(held: Sequence[str], outputs: Sequence[str]) -> str:
    """The first file in the skill's folder that is one of its outputs, were it run there; "" for none."""
    texts = [glob for glob in outputs if not manifest.is_named(glob)]
    return next((path for path in held if path != manifest.FILE and any(globs.matches(it, path) for it in texts)), "")


def _in_its_own(path: str) -> str:
    return (
        f"seldom replayed: its output {path} lies in its own folder, which its results depend on: they hold while that"
        " file stays as it is"
    )


def _unlocked(path: str) -> Bypass | None:
    try:
        find.require_locked(path, "")
    except Bypass as bypass:
        return bypass
    return None


def _held(folder: str) -> Iterator[str]:
    """Paths, below the folder, of the first files in it."""
    left = _MOST
    for top, names, held in os.walk(folder):
        names[:] = sorted(name for name in names if not is_cache(name.encode("utf-8", "surrogateescape")))
        for name in sorted(held):
            left -= 1
            if left < 0:
                return
            yield os.path.relpath(os.path.join(top, name), folder)


def _mentioned(folder: str) -> list[str]:
    """Scripts that the text tells the model to run."""
    text = (files.read(os.path.join(folder, manifest.FILE), _CAP) or b"").decode("utf-8", "replace")
    return list(dict.fromkeys(_SCRIPT.findall(text)))


def _lately(name: str, folder: str, outputs: Sequence[str], counts: Sequence[Count]) -> State:
    """By what became of its last command."""
    hits = sum(count.outcome.kind == HIT for count in counts)
    ended = [count for count in counts if count.outcome.kind in (HIT, STORE, BYPASS)]
    last = ended[-1] if ended else None
    at = last.at if last is not None else 0
    held = list(_held(folder))
    # A pattern such as *.md may name anything of a skill; out/*.csv names what a run has left.
    if landed := _landed(held, [glob for glob in outputs if globs.is_plain(glob.partition("/")[0])]):
        mend = f"let it write elsewhere, and remove {os.path.join(folder, landed)}"
        return State(name, folder, _in_its_own(landed), mend, sure=False, last=at, hits=hits)
    landed = _landed(held, outputs)
    if last is None or last.outcome.kind == HIT or last.outcome in (STORED, CONFIRMED):
        return State(name, folder, "", "", sure=False, last=at, hits=hits)
    why = f"not cached: its last command ended with {last.outcome.name}: {last.outcome.text}"
    if last.outcome is UNDECLARED and not outputs:
        why = "not cached: its last command wrote files, and it declares no outputs"
    elif last.outcome in (UNDECLARED, CHANGED_INPUTS) and landed:
        why = _in_its_own(landed)
    return State(name, folder, why, _FOR_LAST.get(last.outcome, _EXPLAIN), sure=False, last=at, hits=hits)


_AT = re.compile(r"line (\d+): (.*)", re.DOTALL)
_FIELD = re.compile(r"(?:metadata\.skillcache: )?(\w+)")
_ITEM = re.compile(r"'((?:[^'\\]|\\.)*+)")
_FIELDS = "ttl, depends, args_are_files, failures, version, env, outputs"
# (words of the reason, what mends it)
_MENDS = (
    ("must be quoted", "put it in quotes"),
    ("without quotes", "put the text in quotes"),
    ("a tab", "write blanks in place of the tab"),
    ("goes on in the next line", "write the value on one line"),
    ("stands there twice", "keep one of them"),
    ("a key without a value", "write its value, or take the key out"),
    ("a list within a list", "write one text behind each dash"),
    ("indented in another way", "indent it as the lines around it"),
    ("belongs to nothing", "take the blanks before it away"),
    ("right after a value", "put a blank before the #"),
    ("more after a", "put the whole value in quotes"),
    ("does not close", "close the quote on the same line"),
    ("is not closed", "close it, or write the value in lines of their own"),
    ("an escape", "write the text in single quotes"),
    ("the frontmatter has no end", "write a line --- below it"),
    ("begins with ---", "write --- alone on the line"),
    ("cannot be printed", "take the character out"),
    ("no plain key", "write it as key: value"),
    ("is not a field", f"use one of {_FIELDS}"),
    ("whole number of seconds", "write a number without quotes and units, such as 3600"),
    ("neither true nor false", "write true or false, without quotes"),
    ("neither a text nor a number", "write a number or a text"),
    ("is no list of texts", "write one text in each line, behind a dash, numbers in quotes"),
    ("is no mapping", "write its fields in lines of their own, indented below it"),
    ("name of a variable", "write the name alone, without $ and without a value"),
    ("is not below the directory", "write it relative to the directory that the script runs in"),
    ("may hold only", "write a line of its own for each, with *, ? and ** alone"),
    ("holds a part that is no name", "write it without . and .., and ** between two / alone"),
    ("is git's own", "name another file"),
    ("is no path", "write a path such as data/**"),
    ("letters, digits", "name the skill in letters, digits and -"),
)


class Standing(NamedTuple):
    """name: of the skill; declared: what is in force of SKILL.md; cached: whether its scripts' calls are.

    line: of SKILL.md that keeps them out, 0 where none does; why: they are out, or whose word has them in; instead:
    what to do.
    """

    name: str
    declared: Declaration
    cached: bool
    line: int
    why: str
    instead: str


def stand(folder: str, rules: Sequence[Rule]) -> Standing:
    """`folder`: absolute, as it was come by; `rules`: the person's. Raises SkillcacheError and OSError."""
    data = files.read(f"{folder}/{FILE}", _CAP)
    base = os.path.basename(folder)
    nothing = Declaration()
    if data is None:
        raise SkillcacheError(f"{folder} is no folder of a skill: there is no {FILE} in it. {NAME_ONE}")
    named = [rule for rule in rules if rule.tool == "Skill"]
    try:
        said = manifest.read(folder, frozenset([rule.specifier for rule in named]))
    except Bypass as bypass:
        line, why = _told(bypass.detail.removeprefix(f"{folder}/{FILE}: "), data.decode("utf-8", "replace"))
        return Standing(base, nothing, cached=False, line=line, why=why, instead=mend_of(why))
    if said is None:
        return Standing(
            base, nothing, cached=False, line=0, why=f"{FILE} has no metadata.skillcache, and no rule names the skill",
            instead=f"see what could stand there with: skillcache skill propose {folder}",
        )  # fmt: skip
    declared = said.declared or nothing
    own = next((rule for rule in named if rule.specifier in said.names), None)
    if own is not None and not own.enabled:
        why = f"your rule {own.pattern} says enabled = false"
        return Standing(said.name, declared, cached=False, line=0, why=why, instead=f"change it in {own.origin}")
    if all(os.path.basename(os.path.dirname(path)) != manifest.SHELF for path in (folder, os.path.realpath(folder))):
        return Standing(
            said.name, declared, cached=False, line=0,
            why=f"{folder} lies in no folder of the name {manifest.SHELF}",
            instead=f"move it to .claude/{manifest.SHELF}/{base}, or to {manifest.SHELF}/{base} of a plugin",
        )  # fmt: skip
    return Standing(said.name, declared, cached=True, line=0, why=_whose(said, own), instead="")


def _whose(said: Manifest, own: Rule | None) -> str:
    parts = [f"metadata.skillcache of {FILE}"] if said.declared is not None else []
    parts += [f"your rule {own.pattern}"] if own is not None else []
    return " and ".join(parts)


def mend_of(why: str) -> str:
    return next((mend for words, mend in _MENDS if words in why), "write it as key: value, with texts in quotes")


def _told(detail: str, text: str) -> tuple[int, str]:
    """The line and the reason."""
    if found := _AT.fullmatch(detail):
        return int(found[1]), found[2]
    lines = text.split("\n")
    ours = next((at for at, line in enumerate(lines) if re.match(r"\s+[\"']?skillcache\b", line)), 0)
    at = 0
    if named := _FIELD.match(detail):
        key = re.compile(rf"(?:^|[\s{{,\"'])(?:{named[1]})[\"']?\s*:")
        at = next((at for at in range(ours, len(lines)) if key.search(lines[at])), ours)
    item = _ITEM.search(detail)
    if item is not None and "- " in "".join(lines[at + 1 : at + 2]):
        at = next((each for each in range(at + 1, len(lines)) if item[1] in lines[each]), at)
    if detail.startswith("neither its name"):
        at = next((at for at, line in enumerate(lines) if line.startswith("name:")), 0)
    return at + 1, detail.removeprefix("metadata.skillcache: ")
