"""The way of messages from an agent's inbox into what it reads, each once.

Who takes messages holds a lock until it has settled them, or its process ends, so that no two hooks of an agent show
the same ones. What was taken before by a hook that did not get as far as to say it was shown is looked for in the
agent's own transcript: the client writes there what it gave the model.
"""

import os
from fcntl import LOCK_EX, LOCK_NB, flock
from time import monotonic, sleep

from skillcache.core import files
from skillcache.messages import message as limits
from skillcache.messages.inbox import Post
from skillcache.messages.message import NOTICE, REFUSED, Message, decode, foreign, is_own, key_of, may_reach
from skillcache.messages.page import mark_of
from skillcache.settings.in_force import Settings

_LOCKS = 61  # files; agents that share one wait for each other
_PATIENCE = 0.1  # seconds; who does not get it leaves its messages to the next event
_STEP = 0.005
_TAIL = 16 << 20  # bytes of a transcript that are looked through


class Arrived:
    """messages: to be shown, oldest first; name: the reader's; now: unix ms by the store's clock."""

    __slots__ = ("_dropped", "_entries", "_lock", "_post", "_reader", "_returned", "messages", "name", "now")

    def __init__(self, post: Post, reader: str, lock: int) -> None:
        self._post = post
        self._reader = reader
        self._lock = lock
        self._entries: list[str] = []
        self._dropped: list[tuple[str, str]] = []
        self._returned: list[tuple[str, str]] = []
        self.messages: list[Message] = []
        self.name = ""
        self.now = 0

    def settle(self, count: int, *, size: int = 0, stopped: bool = False) -> None:
        """The first `count` messages were shown; what was not to be shown goes where it belongs.

        `size` and `stopped`: as the post takes them. Raises StoreError.
        """
        shown = [(entry, message["id"]) for entry, message in zip(self._entries, self.messages, strict=True)][:count]
        try:
            if shown or self._dropped or self._returned:
                gone = [*shown, *self._dropped]
                self._post.settle(self._reader, gone, self._returned, size=size, stopped=stopped and count > 0)
        finally:
            os.close(self._lock)

    def _add(self, entry: str, message: Message | None, *, shown: bool, allowed: bool) -> None:
        if message is None or shown:
            self._dropped.append((entry, message["id"] if message is not None else ""))
        elif allowed:
            self._entries.append(entry)
            self.messages.append(message)
        elif message.bounce or message["kind"] == NOTICE:
            self._dropped.append((entry, ""))
        else:
            self._returned.append((entry, REFUSED))


def receive(post: Post, reader: str, settings: Settings, transcript: str = "") -> Arrived | None:
    """None while another process of this agent is at it. Raises StoreError and OSError."""
    lock = _lock(settings.cache, reader)
    if lock is None:
        return None
    arrived = Arrived(post, reader, lock)
    try:
        taken = post.take(reader, limits.BATCH)
    except BaseException:
        os.close(lock)  # a reader that goes on would shut itself out
        raise
    arrived.name, arrived.now = taken.name, taken.now
    if not taken.deliveries:
        return arrived
    key = key_of(settings.cache)
    writers, team = settings.word("messages.from"), settings.word("team")
    before: bytes | None = None
    seen: set[str] = set()
    for each in taken.deliveries:
        message = foreign(each.text) if each.bare else decode(each.text)
        shown = False
        if message is not None:
            if each.again and transcript and message["id"]:
                before = _tail(transcript) if before is None else before
                shown = mark_of(message).encode() in before
            shown = shown or (message["id"] != "" and message["id"] in seen)
            seen.add(message["id"])
            message.own = is_own(message, reader, key)
        allowed = message is not None and may_reach(message, writers, team, own=message.own)
        arrived._add(each.entry, message, shown=shown, allowed=allowed)  # noqa: SLF001 - one module
    return arrived


def transcript_of(path: str, agent: str) -> str:
    """Where the client writes a subagent's conversation, by its session's `transcript_path`."""
    return f"{path.removesuffix('.jsonl')}/subagents/agent-{agent}.jsonl" if agent and path else path


def _lock(cache: str, reader: str) -> int | None:
    """A descriptor that holds the lock until it is closed, or its process ends; None where it was not free in time."""
    number = int.from_bytes(reader.encode("utf-8", "surrogateescape")) % _LOCKS
    path = f"{cache}/messages/{number:02}.lock"
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        handle = os.open(path, flags, 0o600)
    except FileNotFoundError:
        files.make_folder(path.rpartition("/")[0])
        handle = os.open(path, flags, 0o600)
    deadline = monotonic() + _PATIENCE
    while True:
        try:
            flock(handle, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            if monotonic() >= deadline:
                os.close(handle)
                return None
            sleep(_STEP)
        else:
            return handle


def _tail(path: str) -> bytes:
    """The end of a file; nothing where it cannot be read."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return b""
    try:
        size = os.fstat(handle).st_size
        return os.pread(handle, min(size, _TAIL), max(0, size - _TAIL))
    except OSError:
        return b""
    finally:
        os.close(handle)
