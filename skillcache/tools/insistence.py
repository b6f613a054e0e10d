"""Calls that were just answered by a refusal: the same call, made again by the same agent, goes through once."""

from skillcache.claude.event import ToolEvent
from skillcache.core import files
from skillcache.core.digest import digest as digest_of
from skillcache.core.paths import insisted_folder

SECONDS = 60
_CAP = 64


def answered(cache: str, event: ToolEvent, digest: str, now: float) -> None:
    """Remember that the call was answered. Raises OSError."""
    files.write(_path(cache, event, digest), str(int(now)).encode("ascii"))


def insists(cache: str, event: ToolEvent, digest: str, now: float) -> bool:
    """Whether the call was answered in the last minute; the answer after this one is a new one. Raises OSError."""
    path = _path(cache, event, digest)
    at = files.read(path, _CAP)
    if at is None or not at.isdigit():
        return False
    files.remove(path)
    return 0 <= now - int(at) <= SECONDS


def _path(cache: str, event: ToolEvent, digest: str) -> str:
    who = f"{event.session_id}\0{event.agent_id}\0{digest}".encode("utf-8", "surrogatepass")
    return f"{insisted_folder(cache)}/{digest_of(who)}"
