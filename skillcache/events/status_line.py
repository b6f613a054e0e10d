"""The client's status line, which it asks for while a session runs: what the session was spared, in one short line."""

from skillcache.claude import BadEvent
from skillcache.commands.replayed import read, said
from skillcache.core import json
from skillcache.core.paths import cache_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from skillcache.tools import World


def handle(data: bytes, world: "World") -> str:
    """'' where nothing was replayed: a line that says nothing is in the way. Raises OSError."""
    whole = read(cache_folder(world.environ), _session(data))
    return f"skillcache: {said(whole)}\n" if whole.spared else ""


def _session(data: bytes) -> str:
    """Raises BadEvent."""
    try:
        given = json.loads(data)
    except ValueError:
        raise BadEvent("not JSON") from None
    session = given.get("session_id") if isinstance(given, dict) else None
    if not isinstance(session, str) or not session.isascii() or not session.replace("-", "").isalnum():
        raise BadEvent("no session")
    return session
