"""From an ended command to an entry: what may be stored, and what the run says of what is stored already."""

import os
import time

from skillcache.cache import history
from skillcache.cache.decision import BASH, CallKey, place_of_home
from skillcache.cache.put import own_names, provenance, put, put_result
from skillcache.cache.relocation import expand, relocate, shows_home
from skillcache.claude import ToolEvent
from skillcache.commands.invocation import joined
from skillcache.commands.replay import POSITION
from skillcache.core.credentials.find import find as find_secret
from skillcache.core.files import digest
from skillcache.core.outcomes import (
    CHANGED_INPUTS,
    CONFIRMED,
    CUT,
    FAILURE,
    INTERRUPTED,
    NOT_WORTH,
    REFUTED,
    SECRET,
    STORED,
    SUPERSEDED,
    TOO_BIG,
    UNDECLARED,
    VERIFY,
    Bypass,
    Outcome,
    StoreError,
)
from skillcache.fingerprint.capture import with_ignored, without_own_outputs
from skillcache.fingerprint.changes import mentions_root
from skillcache.stores import forget, open_store
from skillcache.stores.contract import entry_key
from skillcache.stores.entry import ERROR, STREAMS, Entry, File, Unreadable, decode

_FOR_THE_SERVICE = ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE")
# What npm (8 to 11) adds to a run's text once in some days, and to no other.
_OF_THE_DAY = b"npm notice New "
_NOT_STARTED = 126  # from here on a status is a shell's, or a signal's

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeVar

    from skillcache.commands.child import Ended
    from skillcache.commands.invocation import Begun, Task
    from skillcache.commands.replay import Failure
    from skillcache.commands.rewritten import Rewritten
    from skillcache.commands.streams import Input
    from skillcache.settings.in_force import Settings
    from skillcache.stores.contract import Store

    T = TypeVar("T")


class Recorder:
    """One ended run of a task. `begun`: what was so before it."""

    __slots__ = ("_begun", "_failure", "_settings", "_task")

    def __init__(self, task: "Task", settings: "Settings", begun: "Begun", failure: "Failure") -> None:
        self._task = task
        self._settings = settings
        self._begun = begun
        self._failure = failure

    def keep(self, ended: "Ended", given: "Input") -> Outcome:
        """What became of the run. Raises Bypass, StoreError and OSError."""
        if ended.interrupted:
            return INTERRUPTED
        if self._task.learns:
            history.learn(self._settings.cache, self._task.cwd, self._task.plan.command, ended.milliseconds)
        if ended.status:
            self._doubt()
        if (outcome := self._unfit(ended)) is not None:
            return outcome
        try:
            return self._keep(ended, given)
        except Bypass as bypass:
            if bypass.outcome is UNDECLARED:  # a replay of what is stored would not do what this run did
                self._doubt()
            raise

    def _unfit(self, ended: "Ended") -> Outcome | None:
        """Why a run that has ended so is not to be stored."""
        task, settings = self._task, self._settings
        is_asked_for = self._begun.outcome is VERIFY or task.plan.fresh
        is_quick = task.learns and ended.milliseconds < history.least_duration(settings, declared=task.plan.declared)
        # One that a signal ended says nothing of what it would have said.
        if ended.status and (is_quick or not task.learns or ended.signal or ended.status >= _NOT_STARTED):
            return FAILURE
        if not ended.whole:
            return CUT
        if ended.streams is None:
            return TOO_BIG
        return NOT_WORTH if is_quick and not is_asked_for else None

    def _keep(self, ended: "Ended", given: "Input") -> Outcome:
        assert ended.streams is not None  # noqa: S101 - `_unfit` has seen to it
        self._require_unwritten()
        if any(stream.startswith(_OF_THE_DAY) or b"\n" + _OF_THE_DAY in stream for stream in ended.streams):
            return CHANGED_INPUTS  # of when npm has last looked for a newer one, which it keeps at home
        found = self._found(ended, given)
        if found is None:
            return CHANGED_INPUTS
        left = self._left(found)
        texts = (*ended.streams, *(file.content for file in left))
        if find_secret(self._task.plan.command) or any(find_secret(text.decode("utf-8", "replace")) for text in texts):
            return SECRET
        entry = self._entry(found, ended, left, given.position())
        entry.details |= self._around(found, left)
        return self._compare(entry) if self._begun.outcome is VERIFY else self._store(found, entry)

    def _found(self, ended: "Ended", given: "Input") -> "CallKey | None":
        """What the command depends on at its end; None when that is not what it was all along."""
        seconds = self._settings.number("capture_time")
        begun, task = self._begun, self._task
        found = task.capture_key(given.rows(), seconds=seconds)
        if found.workplace is not None:
            deadline = time.monotonic() + seconds
            found.workplace.require_untouched(begun.trace, task.program.environ, deadline=deadline)
        began = begun.found
        settled = self._without_outputs(found)
        if settled is None:
            return None
        found = settled
        reports = task.reports(self._settings.cache, always=False)
        is_same = found.key == begun.found.key
        if not (reports is not None and reports.known) and (
            is_same and not task.is_disturbed(found, since=begun.since, seconds=seconds)
        ):
            return found
        reports = reports or task.reports(self._settings.cache)
        return None if reports is None else self._but_for_reports(reports, began, found, ended, given)

    def _without_outputs(self, found: "CallKey") -> "CallKey | None":
        """What is so at the end, once is known which files the run has left itself; None where others changed.

        That is the state which the next call finds: its result is kept for that.
        """
        begun = self._begun
        unread = begun.watch.unread if begun.watch is not None else frozenset[str]()
        untouched = begun.watch.untouched if begun.watch is not None else frozenset[str]()
        settled = without_own_outputs(begun.found.fingerprint, found.fingerprint, unread, untouched)
        if settled is None or settled is found.fingerprint:
            return found if settled is not None else None
        begun.found = CallKey(begun.found.called, with_ignored(begun.found.fingerprint, settled), begun.found.workplace)
        begun.key = entry_key(self._task.plan.name, begun.found.digest)
        return CallKey(found.called, settled, found.workplace)

    def _but_for_reports(
        self, reports: "Rewritten", began: "CallKey", found: "CallKey", ended: "Ended", given: "Input"
    ) -> "CallKey | None":
        """`found`, if nothing has changed but what each run writes anew; None for another run that only shows what."""
        from skillcache.cache.verify import normalized
        from skillcache.commands.rewritten import Watch, changed, may_be_report

        begun, task, seconds = self._begun, self._task, self._settings.number("capture_time")
        others, unknown = task.touched(found, since=begun.since, seconds=seconds)
        watch = begun.watch or Watch(reports.root, ())
        new = [path for path in unknown if path not in reports.known]
        differs = changed(begun.found, found)
        if others or differs is None or not differs.issubset(new) or not all(map(may_be_report, new)):
            return None
        assert ended.streams is not None  # noqa: S101 - `_unfit` has seen to it
        text = b"\n".join(ended.streams).decode("utf-8", "replace")
        said = digest(f"{ended.status} {normalized(text, reports.root, task.plan.normalize)}".encode())
        free = tuple(path for path in reports.known if reports.is_free(path, watch))
        if free != reports.known:
            reports.known = free
            reports.keep(None, said, (), watch)
            return None
        if not new:
            reports.keep(found, said, (), watch)
            return found
        if begun.outcome is VERIFY or not reports.began_where_the_last_ended(began, said):
            reports.keep(found, said, new, watch)
            return None
        if not all(path in watch.paths and reports.is_free(path, watch) for path in new):
            reports.keep(found, said, new, watch)
            return None
        reports.known = tuple(sorted({*reports.known, *new}))
        found = task.capture_key(given.rows(), seconds=seconds)
        others, unknown = task.touched(found, since=begun.since, seconds=seconds)
        if others or not set(unknown).issubset(reports.known):
            return None
        reports.keep(found, said, (), watch)
        begun.found, begun.key = found, entry_key(task.plan.name, found.digest)
        return found

    def _require_unwritten(self) -> None:
        """Raises Bypass (UNDECLARED) where the run has written what a service reads after it: no replay does."""
        for name in _FOR_THE_SERVICE:
            try:
                changed = os.stat(self._task.program.environ.get(name) or "\0").st_ctime_ns
            except (OSError, ValueError):
                continue
            if changed >= self._begun.since:
                raise Bypass(UNDECLARED, f"the file of {name} was written")

    def _left(self, found: "CallKey") -> tuple[File, ...]:
        """The files that a skill's script has written. Raises Bypass."""
        if found.workplace is None:
            return ()
        cap, seconds = int(self._settings.number("max_output")), self._settings.number("capture_time")
        deadline = time.monotonic() + seconds
        return found.workplace.collect(self._begun.trace, since=self._begun.since, cap=cap, deadline=deadline)

    def _around(self, found: "CallKey", left: tuple[File, ...]) -> dict[str, object]:
        """What else stands where the script writes. Raises Bypass."""
        if found.workplace is None:
            return {}
        deadline = time.monotonic() + self._settings.number("capture_time")
        return found.workplace.around(self._begun.trace, left, deadline=deadline)

    def _doubt(self) -> None:
        """A pass that is stored for the same inputs is now in doubt."""
        try:
            self._with_store(self._take_out)
        except StoreError:
            history.quarantine(self._settings.cache, self._begun.project, self._task.plan.name, time.time())
            raise

    def _with_store(self, work: "Callable[[Store], T]") -> "T":
        """What `work` gives, over a connection of its own: one that lay idle while the command ran may be closed."""
        store = open_store(self._settings.store, now=time.time())
        try:
            return work(store)
        finally:
            store.close()

    def _take_out(self, store: "Store") -> None:
        begun = self._begun
        store.delete(begun.key)
        forget(self._settings.cache)
        if not begun.team:
            return
        shared = entry_key(self._task.plan.name, begun.found.digest, begun.team)
        if self._settings.word("team_mode") == "write":
            store.delete(shared)
        elif store.get(shared, ()).entry is not None:  # it is not ours to take back
            history.quarantine(self._settings.cache, begun.project, self._task.plan.name, time.time())

    def _entry(self, found: "CallKey", ended: "Ended", left: tuple[File, ...], position: int | None) -> Entry:
        assert ended.streams is not None  # noqa: S101 - `keep` has seen to it
        root, work = found.fingerprint.root, found.workplace
        (output, error), relocated = self._freed(found, ended.streams)
        if work is not None and not work.holds_elsewhere(left):
            (output, error), relocated = ended.streams, False
        environ = self._task.program.environ
        places = [place_of_home(environ)] if shows_home((output, error), root, environ) else []
        if work is not None:
            places.append(work.bound_to(b"\n".join(ended.streams), left))
        details = dict(found.fingerprint.details)
        if position is not None:
            details[POSITION] = position
        return Entry(
            key=found.key,
            names=own_names(self._begun.generations),
            status=ended.status,
            meaning="",
            failed=ended.status != 0,
            output=output,
            directory=None,
            relocated=relocated,
            root=root,
            project=self._begun.project,
            duration=ended.milliseconds,
            started=self._begun.started,
            finished=int(time.time() * 1000),
            writer=provenance(_event(self._task), self._task.program.environ),
            details=details,
            form=STREAMS,
            files=(*((File(ERROR, 0o644, error),) if error else ()), *left),
            place="\n".join(filter(None, places)),
        )

    def _freed(self, found: "CallKey", streams: tuple[bytes, bytes]) -> tuple[tuple[bytes, bytes], bool]:
        """The streams freed from the root and True; or as they are and False, where they hold in their own only."""
        root = found.fingerprint.root
        (output, free), (error, free_as_well) = (relocate(stream, root) for stream in streams)
        if not free or not free_as_well:
            return streams, False
        for stream in streams:
            if os.fsencode(root) in stream:
                deadline = time.monotonic() + self._settings.number("capture_time")
                environ = self._task.program.environ
                # In a format that counts its bytes a path of another length would break it.
                if not _is_text(stream) or mentions_root(root, found.fingerprint.rows, environ, deadline=deadline):
                    return streams, False
        return (output, error), True

    def _compare(self, entry: Entry) -> Outcome:
        """Hold a verifying run against what it would have been answered by: one's own result, else the team's."""
        from skillcache.cache.skills.outputs import are_alike
        from skillcache.cache.verify import normalized

        begun, plan = self._begun, self._task.plan
        shared = entry_key(plan.name, begun.found.digest, begun.team) if begun.team else None
        held = self._with_store(lambda store: store.get(begun.key, (), shared))
        stored = _readable(held.entry) or _readable(held.also)
        if stored is None:  # gone meanwhile
            return SUPERSEDED
        root = begun.found.fingerprint.root

        def level(text: str) -> str:
            return normalized(text, root, plan.normalize)

        texts = [level(_text_of(one, root)) for one in (stored, entry)]
        kept = [[file for file in one.files if file.path != ERROR] for one in (stored, entry)]
        if stored.status == entry.status and texts[0] == texts[1] and are_alike(kept[0], kept[1], level):
            self._observe()
            return CONFIRMED
        history.quarantine(self._settings.cache, begun.project, plan.name, time.time())
        self._doubt()
        return REFUTED

    def _observe(self) -> None:
        """Have a command that only reads run once more, observed, where the person has said so."""
        from skillcache.commands.readers import is_reader, observe

        task, settings = self._task, self._settings
        rule = getattr(getattr(task, "verdict", None), "rule", None)
        if settings.flag("observe") and rule is not None and is_reader(rule):
            observe(settings.cache, self._begun.project, rule, task.program.words, task.cwd, task.program.environ)

    def _store(self, found: "CallKey", entry: Entry) -> Outcome:
        plan, begun = self._task.plan, self._begun
        ttl = plan.failures_ttl if entry.failed else plan.ttl
        team = begun.team if self._settings.word("team_mode") == "write" and not entry.failed else ""

        def put_all(store: "Store") -> bool:
            if not put_result(store, plan, found, entry, ttl, begun.generations, team):
                return False
            self._put_joined(store, found, entry, ttl)
            return True

        if not self._with_store(put_all):
            return SUPERSEDED
        if entry.failed and not plan.findings:
            self._failure.keep(found.digest)
            return FAILURE
        return STORED

    def _put_joined(self, store: "Store", found: "CallKey", entry: Entry, ttl: int) -> None:
        """A run that wrote nothing to standard error would have written the same where both are one file."""
        if self._task.joined or not self._task.learns or any(file.path == ERROR for file in entry.files):
            return
        other = CallKey(joined(found.called), found.fingerprint, found.workplace)
        entry.key = other.key
        put(store, entry_key(self._task.plan.name, other.digest), entry, ttl)


def _text_of(entry: Entry, root: str) -> str:
    error = b"".join(file.content for file in entry.files if file.path == ERROR)
    texts = [expand(stream, root) if entry.relocated else stream for stream in (entry.output, error)]
    return b"\n".join(texts).decode("utf-8", "replace")


def _readable(data: bytes | None) -> Entry | None:
    try:
        return decode(data or b"")
    except Unreadable:
        return None


def _is_text(stream: bytes) -> bool:
    try:
        return "\0" not in stream.decode("utf-8")
    except UnicodeDecodeError:
        return False


def _event(task: "Task") -> ToolEvent:
    session = task.program.environ.get("CLAUDE_CODE_SESSION_ID", "")
    return ToolEvent("command", tool=BASH, input={}, tool_use_id="", cwd=task.cwd, session_id=session)
