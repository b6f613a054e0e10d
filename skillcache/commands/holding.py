"""Which of a project's last checks have a result that holds for the content as it is now.

A check is told of only where its shim would give the result: the steps are the shim's own (`way.Way.consult`), on a key
that is made here and now. The environment of a hook is not that of a command, so what the client adds is added, and the
digests that were kept of the check say whether that makes the environment it had; where it does not, nothing is said.
Nothing is counted, claimed or stored.
"""

import os
import time

from skillcache.cache import history
from skillcache.claude import plugin_options
from skillcache.claude.permissions import client_arguments, is_sandboxed
from skillcache.commands.invocation import Invocation, Program, environment, find_program
from skillcache.commands.replayed import Check, checks, content_of, digest_of, folders_of, shell_of
from skillcache.commands.shims import script
from skillcache.commands.stand_in import is_fresh, ruled, without_shims
from skillcache.commands.streams import Input
from skillcache.commands.way import Way
from skillcache.core import Record, files, processes
from skillcache.core.files import keyed
from skillcache.core.git import Git, find_root, identity
from skillcache.core.outcomes import NO_ENTRY, TOO_FAST, Bypass, StoreError
from skillcache.core.paths import shims_folder
from skillcache.fingerprint import variables
from skillcache.settings.in_force import load
from skillcache.stores import open_store
from skillcache.stores.contract import Lookup, Store, entry_key, project_name, team_name
from skillcache.stores.entry import Entry, Unreadable, decode

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from skillcache.cache.decision import Answer, CallKey
    from skillcache.commands.invocation import Begun
    from skillcache.commands.stand_in import Ruled
    from skillcache.fingerprint.capture import Fingerprint
    from skillcache.fingerprint.worktree import Reading
    from skillcache.settings.in_force import Settings

_MOST, _STALE = 8, 3  # checks looked at; of those whose content has changed
_AGE = 7 * 86_400_000  # ms; no result is kept for longer, unless a person says so
_SECONDS = 3.0  # for all captures: a hook has five for all that it does
_OF_GIT = 0.5  # seconds, for what commits have changed
_LEAST = 0.05  # seconds that another capture must have
# What a Bash call has beyond what its client was started with (observed on 2.1.332); of AI_AGENT only what stands
# before the first `_` counts.
_EDITOR = ("GIT_EDITOR", "true")
_ADDED = {
    "CLAUDECODE": "1",
    "AI_AGENT": "claude-code_agent",
    "NoDefaultCurrentDirectoryInExePath": "1",
    "COREPACK_ENABLE_AUTO_PIN": "0",
}
_VENVS = (".venv", "venv", "env")
_SNAPSHOT_CAP = 4 << 20
_SLACK = 0.1  # seconds by which the start of a process is known
_ENV_CAP = 1 << 16
_HEX = frozenset("0123456789abcdef")


class Look(Record):
    """Where and for whom. environs: of commands, as they may be; session: '' for none; cwd: as a shell spells it."""

    environs: "tuple[Mapping[str, str], ...]"
    cwd: str
    project: str  # whose settings count
    session: str
    client: int = 0  # the process whose hook asks, 0 for none


class Holds(Record):
    command: str
    below: str  # folder, relative to the top, '' for the top itself
    entry: Entry
    active: str = ""  # the virtual environment that must be activated, '' for none


class Changed(Record):
    """A check whose content is another now. entry: its last result; since: what has changed, at least one sentence."""

    command: str
    below: str
    entry: Entry
    since: list[str]


class Known(Record):
    holds: list[Holds]
    changed: list[Changed]
    seen: bool  # whether any check of the project is known at all


def of_client(environ: "Mapping[str, str]") -> dict[str, str]:
    """The environment of a Bash call of a client whose own, or a hook's, this is."""
    given = {**environ}
    if "LC_CTYPE" in given and "LC_CTYPE" not in environment():
        del given["LC_CTYPE"]  # of our interpreter's own making
    for name, value in _ADDED.items():
        given.setdefault(name, value)
    return {**given, **dict([_EDITOR])}


def look(place: Look, seconds: float = _SECONDS, *, changes: bool = False) -> Known:
    """seconds: for all captures; changes: also where nothing holds, what has changed.

    Raises ConfigError, StoreError and OSError.
    """
    found = _looked(place, seconds)
    if isinstance(found, bool):
        return Known([], [], found)
    looking, settings, root = found
    asked, others, present = looking.asked, looking.others, looking.present
    store = open_store(settings.store, now=time.time())
    try:
        known = _read(store, asked, others if asked or changes else [])
    finally:
        store.close()
    holds = []
    for way, check in asked:
        entry = way.served(known)
        if entry is not None:
            holds.append(Holds(" ".join(check.words), check.below, entry, way.active))
    if present is None or not (holds or changes):
        return Known(holds, [], True)
    git = Git(root, place.environs[0], time.monotonic() + _OF_GIT)
    return Known(holds, _changed(others, known, present, int(settings.number("max_output")), git), True)


def unseen(place: Look, seconds: float = _SECONDS) -> "list[tuple[Program, str]]":
    """The checks of the project that its content as it is now has not seen, and their folders.

    Of each the newest, where there is an environment here that is like that of the check. Raises as `look`.
    """
    found = _looked(place, seconds)
    if isinstance(found, bool):
        return []
    looking, settings, root = found
    programs = []
    for check in looking.others:
        try:
            way = _way(check, place, settings, root, _spelled(place.cwd, os.path.realpath(place.cwd), root))
        except (Bypass, OSError):
            continue
        if way is not None:
            programs.append((way.program, f"{root}/{check.below}".rstrip("/")))
    return programs


def _looked(place: Look, seconds: float) -> "tuple[_Looking, Settings, str] | bool":
    """What is found out of the project's last checks, without the store; whether any is known, where none is looked at.

    Raises ConfigError and OSError.
    """
    real = os.path.realpath(place.cwd)
    root = find_root(real)
    given = plugin_options(place.environs[0])
    if root is None or given is None:
        return False
    settings = load({**given, **place.environs[0]}, place.project)
    now = time.time()
    found = [group for group in checks(settings.cache, identity(root)) if 0 <= now * 1000 - group[0].at <= _AGE]
    if not found or settings.flag("disable") or settings.number("verify") >= 1:
        return bool(found)
    if is_fresh(place.environs[0]) or _is_away(place, root, settings.cache):
        return True
    top = _spelled(place.cwd, real, root)
    seconds = min(seconds, _SECONDS, settings.number("capture_time"))
    looking = _Looking(lambda check: _way(check, place, settings, root, top), seconds)
    for group in found[:_MOST]:
        looking.add(group)
    return looking, settings, root


def _is_away(place: Look, root: str, cache: str) -> bool:
    """Whether commands run where no shim answers, or with variables that nobody knows before they do."""
    environ = place.environs[0]
    config = environ.get("CLAUDE_CONFIG_DIR") or f"{environ.get('HOME', '')}/.claude"
    if is_sandboxed(root, place.project, config, client_arguments(environ)):
        return True
    folder = f"{config}/session-env/{place.session}"
    try:
        names = os.listdir(folder) if place.session else []
    except OSError:
        return False
    texts = [files.read(f"{folder}/{name}", _ENV_CAP) for name in names]
    return any(text is None or (text.strip() and not _is_ours(text, cache)) for text in texts)


def _is_ours(text: bytes, cache: str) -> bool:
    """Whether a hook of ours alone has written it: other folders are called shims, too."""
    given = shims_folder(cache)
    try:
        names = [name for name in os.listdir(given) if name.endswith(".sh")]
    except OSError:
        return False
    return any(text == script.line(f"{given}/{name}") for name in names if os.fsencode(name) in text)


def _spelled(cwd: str, real: str, root: str) -> str:
    """The top of the worktree as a shell in `cwd` spells it."""
    below = real[len(root) :]
    return cwd[: len(cwd) - len(below)] if cwd.endswith(below) else root


class _Looking:
    """What is found out of checks, on one reading of the content, until the time is up.

    asked: what is to be looked up; others: checks whose content is another now; present: what is there now.
    """

    __slots__ = ("_ends", "_make", "_readings", "asked", "others", "present")

    def __init__(self, make: "Callable[[Check], _Asked | None]", seconds: float) -> None:
        self._make = make
        self._ends = time.monotonic() + seconds
        self._readings: dict[object, Reading] = {}
        self.asked: list[tuple[_Asked, Check]] = []
        self.others: list[Check] = []
        self.present: Fingerprint | None = None

    def add(self, group: list[Check]) -> None:
        """One command, by the states that it was seen in, the newest first."""
        if self.present is None:  # any of them shows the content, if its environment is one that there is here
            way, check = self._first(group)
            if way is None:
                return
            self.present = way.found.fingerprint if way.is_whole else None
            if self.present is None or content_of(self.present) == check.content:
                self.asked.append((way, check))
                return
        content = content_of(self.present)
        known = [check for check in group if check.content in ("", content)]
        if not known:
            self.others.append(group[0])
            return
        way, check = self._first(known)
        if way is not None:
            self.asked.append((way, check))

    def _first(self, group: list[Check]) -> "tuple[_Asked | None, Check]":
        for check in group:
            left = self._ends - time.monotonic()
            if left < _LEAST:
                break
            try:
                way = self._make(check)
                if way is not None:
                    way.capture(self._readings, left)
                    return way, check
            except (Bypass, OSError):
                continue
        return None, group[0]


def _way(check: Check, place: Look, settings: "Settings", root: str, top: str) -> "_Asked | None":
    """None where no environment that a command has here is like that of the check. Raises Bypass and OSError."""
    cwd = f"{root}/{check.below}".rstrip("/")
    for environ, active in _environs(place, root, check):
        environ["PWD"] = f"{top}/{check.below}".rstrip("/")
        program = Program(find_program(check.words[0], environ), tuple(check.words), environ)
        task = ruled(program, cwd, environ, settings, fresh=False, joined=True)
        rows = variables.capture({**environ, **dict(task.verdict.assignments)}, task.plan.variables, root)
        told = [(name, keyed(value)) for name, value in rows]  # as a fingerprint has them
        if task.verdict.skill is None and digest_of(told) == check.variables:
            call = Invocation(settings.cache, {"CLAUDE_CODE_SESSION_ID": place.session})
            way = _Asked(task, settings, call)
            way.active = active
            return way
    return None


def _environs(place: Look, root: str, check: Check) -> "Iterator[tuple[dict[str, str], str]]":
    """Those whose programs are found as the check's were, each also as an activated virtual environment makes it.

    And that environment's name, '' for none.
    """
    for given in (*place.environs, *map(_of_zsh, place.environs)):
        environ = without_shims({**given})
        if shell_of(environ) != check.shell:
            continue
        for path in _paths(place, environ):
            if folders_of(path) == check.path:
                yield {**environ, "PATH": path}, ""
            for name in _VENVS:
                active = f"{root}/{name}/bin:{path}"
                if folders_of(active) == check.path:
                    rest = {name: value for name, value in environ.items() if name != "PYTHONHOME"}
                    yield {**rest, "PATH": active, "VIRTUAL_ENV": f"{root}/{name}"}, name


def _of_zsh(environ: "Mapping[str, str]") -> dict[str, str]:
    """A zsh exports the name of its user where there is none."""
    if "LOGNAME" in environ:
        return {**environ}
    from pwd import getpwuid  # nearly every login has it

    try:
        return {**environ, "LOGNAME": getpwuid(os.geteuid()).pw_name}
    except KeyError:
        return {**environ}


def _paths(place: Look, environ: "Mapping[str, str]") -> list[str]:
    """PATH of a Bash call, as far as it is known: each begins with a snapshot of the person's shell.

    The client makes one with a session's first Bash call, and takes it away at the session's end (observed on 2.1.332).
    Which of several is this session's nobody says.
    """
    own = environ.get("PATH", os.defpath)
    since = processes.began(place.client) if place.client else 0
    if not since:
        return [own]
    config = environ.get("CLAUDE_CONFIG_DIR") or f"{environ.get('HOME', '')}/.claude"
    found = []
    try:
        with os.scandir(f"{config}/shell-snapshots") as there:
            made = [item.path for item in there if item.name.endswith(".sh") and item.stat().st_mtime >= since - _SLACK]
        for path in made:
            text = (files.read(path, _SNAPSHOT_CAP) or b"").decode("utf-8", "surrogateescape")
            _, named, rest = text.rpartition("\nexport PATH=")
            word = rest.partition("\n")[0]
            word = word[1:-1].replace("'\\''", "'") if word[:1] == word[-1:] == "'" else word
            found.append(without_shims({"PATH": word})["PATH"] if named else own)
    except OSError:
        return [own]
    return found[:1] if len({folders_of(path) for path in found}) == 1 else [] if found else [own]


class _Asked(Way):
    """One that only asks: what it depends on was captured ahead, and what is stored of it read with all else."""

    __slots__ = ("_answers", "active", "found")

    active: str
    found: "CallKey"
    _answers: Store
    _task: "Ruled"

    @property
    def program(self) -> Program:
        return self._task.program

    @property
    def is_whole(self) -> bool:
        """Whether all of the content counts, as it does for nearly every command."""
        return self._task.plan.depends is None

    def capture(self, readings: "dict[object, Reading]", seconds: float) -> None:
        """Raises Bypass and OSError."""
        task, settings = self._task, self._settings
        learnt = history.learnt(settings.cache, task.cwd, task.plan.command)
        if learnt is not None and learnt < history.least_duration(settings, declared=task.plan.declared):
            raise Bypass(TOO_FAST)
        task.readings = readings
        task.reports(settings.cache, always=False)
        breaker = self._breaker()
        breaker.require_quick()
        try:
            self.found = task.capture_key(Input().rows(), seconds=min(seconds, settings.number("capture_time")))
        except Bypass as bypass:
            breaker.blame(bypass)  # where it had as long as a command has
            raise

    def asks(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The keys and the names that are to be read for it."""
        plan, found = self._task.plan, self.found
        team = self._settings.word("team") if plan.shared else ""
        keys = (entry_key(plan.name, found.digest),)
        names = (*plan.names, project_name(identity(found.fingerprint.root)))
        if not team:
            return keys, names
        return (*keys, entry_key(plan.name, found.digest, team)), (*names, team_name(team))

    def served(self, known: "_Read") -> Entry | None:
        """What would be given, None where the command would run."""
        self._answers = known
        try:
            _, answer = self.consult(Input())
        except (Bypass, StoreError, OSError):
            return None
        return None if answer is None else answer.entry

    def _capture(self, given: Input) -> "tuple[int, CallKey]":  # noqa: ARG002 - there is none
        return 0, self.found

    def _open_store(self) -> Store:
        return self._answers

    def _near(self, store: Store) -> Store:
        return store

    def _keep_open(self, store: Store) -> None:  # noqa: ARG002 - it is none that is opened
        return

    def _board(self, begun: "Begun", given: Input) -> "tuple[Begun, Answer | None]":  # noqa: ARG002 - nobody waits
        return begun, None

    def _is_chosen(self) -> bool:
        return False


class _Read(Store):
    """What one round trip has read."""

    def __init__(self, entries: dict[str, bytes | None], generations: dict[str, int]) -> None:
        self.entries = entries
        self.generations = generations

    def get(self, key: str, names: tuple[str, ...], also: str | None = None) -> Lookup:
        """Raises Bypass for what was not asked for, such as a name of another project's."""
        try:
            generations = tuple([self.generations[name] for name in names])
            return Lookup(self.entries[key], generations, self.entries[also] if also is not None else None)
        except KeyError:
            raise Bypass(NO_ENTRY) from None

    def close(self) -> None:
        return


def _read(store: Store, asked: "list[tuple[_Asked, Check]]", others: list[Check]) -> _Read:
    """Raises StoreError."""
    keys: dict[str, None] = {}
    names: dict[str, None] = {}
    for way, _ in asked:
        more, counted = way.asks()
        keys.update(dict.fromkeys(more))
        names.update(dict.fromkeys(counted))
    keys.update(dict.fromkeys([entry_key(check.name, check.key) for check in others[:_STALE]]))
    if not keys:
        return _Read({}, {})
    found = store.get_many(tuple(keys), tuple(names))
    entries = {key: lookup.entry for key, lookup in zip(keys, found, strict=True)}
    return _Read(entries, dict(zip(names, found[0].generations, strict=True)))


def _changed(others: list[Check], known: _Read, present: "Fingerprint", most: int, git: Git) -> list[Changed]:
    found = []
    for check in others[:_STALE]:
        data = known.entries.get(entry_key(check.name, check.key))
        try:
            entry = decode(data or b"", details=True, most=most)
            since = _files(entry.details, present, git)
        except (Unreadable, Bypass, TypeError, ValueError):  # gone meanwhile, or made up by others
            continue
        if since:
            found.append(Changed(" ".join(check.words), check.below, entry, since))
    return found


def _files(old: "Mapping[str, object]", present: "Fingerprint", git: Git) -> list[str]:
    """What has become of files since a run, that changed last first. Raises Bypass, TypeError and ValueError."""
    if "overlay" in [*_listed(old.get("cut")), *_listed(present.details.get("cut"))]:
        return []
    before, after = _overlay(old), _overlay(present.details)
    heads = [_commit(details.get("head")) for details in (old, present.details)]
    committed: dict[str, tuple[object, object]] = {}
    if heads[0] != heads[1]:
        if not all(heads):
            return []
        said = os.fsdecode(git.run("diff-tree", "-r", "-z", "--no-renames", "--no-abbrev", *heads, "--")).split("\0")
        for row, path in zip(said[:-1:2], said[1::2], strict=False):
            _, mode, _, oid, _ = row.split(" ")
            committed[path] = (None, None) if mode == "000000" else (mode, keyed(oid))
    changed = []
    for path in {**before, **after, **committed}:
        was, now = before.get(path), after.get(path, committed.get(path))
        if was != now:
            changed.append((_stamp(f"{present.root}/{path}"), path, was))
    return [_sentence(stamp, path, was) for stamp, path, was in sorted(changed, key=lambda each: (-each[0], each[1]))]


def _sentence(stamp: int, path: str, was: tuple[object, object] | None) -> str:
    if not stamp:
        return f"{path} was deleted"
    return f"{path} {'is new' if was == (None, None) else 'changed'}"


def _stamp(path: str) -> int:
    try:
        return os.lstat(path).st_mtime_ns
    except (OSError, ValueError):
        return 0


def _overlay(details: "Mapping[str, object]") -> dict[str, tuple[object, object]]:
    """Raises TypeError and ValueError."""
    found: dict[str, tuple[object, object]] = {}
    for path, mode, oid in _listed(details.get("overlay")):
        found[str(path)] = (mode, oid.partition(" ")[0] if isinstance(oid, str) else None)
    return found


def _listed(value: object) -> "list[Any]":
    return value if isinstance(value, list) else []


def _commit(value: object) -> str:
    """An object's whole name, '' for anything else, which git might take for an option."""
    return value if isinstance(value, str) and len(value) in (40, 64) and _HEX.issuperset(value) else ""
