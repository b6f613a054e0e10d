"""From an ended command to an entry: what may be stored, and under what it then is."""

import os
import shlex
import time
from collections.abc import Callable
from typing import TypeVar

from skillcache import writer
from skillcache.entry import STREAMS, Entry, File, encode
from skillcache.errors import Bypass
from skillcache.event import ToolEvent
from skillcache.fingerprint.disturbance import disturbed
from skillcache.fingerprint.mention import mentions_root
from skillcache.lookup import Lookup
from skillcache.outcome import CHANGED_INPUTS, CUT, FAILURE, INTERRUPTED, SECRET, STORED, SUPERSEDED, TOO_BIG, Outcome
from skillcache.redis_keys import entry_key
from skillcache.relocation import relocate
from skillcache.running import words
from skillcache.running.child import Ended
from skillcache.running.job import Begun, Job, look, narrowing_of, place_of
from skillcache.running.replay import ERROR, POSITION
from skillcache.running.standard_input import Input
from skillcache.secrets import find as find_secret
from skillcache.stores import Store, open_store

T = TypeVar("T")


def keep(target: str, job: Job, begun: Begun, ended: Ended, given: Input) -> Outcome:
    """Store the run in the store `target`, or say why not. Raises Bypass, StoreError and OSError."""
    if ended.interrupted:
        return INTERRUPTED
    if ended.status:
        if begun.is_known:  # a pass that is stored for the same inputs is now in doubt
            _with_store(target, lambda store: store.delete(entry_key(job.name, begun.found.digest)))
        return FAILURE
    if not ended.whole:
        return CUT
    if ended.streams is None:
        return TOO_BIG
    place = place_of(job, begun.seconds)
    try:
        return _keep(target, job, begun, ended, given)
    except Bypass as bypass:
        place.blame(bypass)  # whichever of the looks it was
        raise


def _keep(target: str, job: Job, begun: Begun, ended: Ended, given: Input) -> Outcome:
    assert ended.streams is not None  # noqa: S101 - its caller has looked
    found = look(job, given.rows(), seconds=begun.seconds)
    if found.key != begun.found.key or _is_disturbed(job, begun, found):
        return CHANGED_INPUTS
    texts = (shlex.join(job.words), *(stream.decode("utf-8", "replace") for stream in ended.streams))
    if any(find_secret(text) for text in texts):
        return SECRET
    entry = _entry(job, begun, found, ended.streams, ended.milliseconds, given.position())
    accepted = _with_store(
        target,
        lambda store: store.put(
            entry_key(job.name, found.digest),
            encode(entry),
            ttl=job.ttl,
            started=entry.started,
            names=tuple(entry.names),
            generations=tuple(entry.names.values()),
        ),
    )
    return STORED if accepted else SUPERSEDED


def _with_store(target: str, work: Callable[[Store], T]) -> T:
    """What `work` gives. Raises StoreError.

    Over a connection of its own: one that lay idle while the command ran may be closed.
    """
    store = open_store(target, now=time.time())
    try:
        return work(store)
    finally:
        store.close()


def _is_disturbed(job: Job, begun: Begun, found: Lookup) -> bool:
    """Whether anything was touched meanwhile, even if it is now as it was."""
    named = [*words.paths(job.words, job.cwd, job.environ)]
    narrowing = narrowing_of(job)
    depends = None
    if narrowing is not None:
        named += narrowing.files
        depends = narrowing.globs
    if any(os.path.isfile(path) and os.stat(path).st_ctime_ns >= begun.since for path in named):
        return True
    if depends == ():
        return False
    seen, deadline = found.fingerprint, time.monotonic() + begun.seconds
    return disturbed(seen.root, seen.rows, job.environ, since=begun.since, deadline=deadline, depends=depends)


def _entry(
    job: Job, begun: Begun, found: Lookup, streams: tuple[bytes, bytes], milliseconds: int, position: int | None
) -> Entry:
    root = found.fingerprint.root
    (output, error), relocated = _freed(job, begun, found, streams)
    details = dict(found.fingerprint.details)
    if position is not None:
        details[POSITION] = position
    return Entry(
        key=found.key,
        names=begun.generations,
        status=0,
        meaning="",
        failed=False,
        output=output,
        directory=None,
        relocated=relocated,
        root=root,
        project=begun.project,
        duration=milliseconds,
        started=begun.started,
        finished=int(time.time() * 1000),
        writer=writer.describe(_event(job), job.environ),
        details=details,
        form=STREAMS,
        files=(File(ERROR, 0o644, error),) if error else (),
    )


def _freed(job: Job, begun: Begun, found: Lookup, streams: tuple[bytes, bytes]) -> tuple[tuple[bytes, bytes], bool]:
    """The streams freed from the root and True; or as they are and False, where they hold in their own root only."""
    root = found.fingerprint.root
    (output, free), (error, free_as_well) = (relocate(stream, root) for stream in streams)
    if not free or not free_as_well:
        return streams, False
    for stream in streams:
        if os.fsencode(root) in stream:
            deadline = time.monotonic() + begun.seconds
            # In a format that counts its bytes a path of another length would break it.
            if not _is_text(stream) or mentions_root(root, found.fingerprint.rows, job.environ, deadline=deadline):
                return streams, False
    return (output, error), True


def _is_text(stream: bytes) -> bool:
    try:
        return "\0" not in stream.decode("utf-8")
    except UnicodeDecodeError:
        return False


def _event(job: Job) -> ToolEvent:
    session = job.environ.get("CLAUDE_CODE_SESSION_ID", "")
    return ToolEvent("run", tool="run", tool_input={}, tool_use_id="", cwd=job.cwd, session_id=session)
