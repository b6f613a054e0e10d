"""Which failed results a session or subagent has already seen: whoever runs a failing command again wants it run."""

from skillcache import files
from skillcache.digest import digest as digest_of
from skillcache.paths import seen_folder

_CAP = 1 << 20


def has_seen(cache: str, session_id: str, agent_id: str, digest: str) -> bool:
    try:
        return digest.encode("ascii") in (files.read(_path(cache, session_id, agent_id), _CAP) or b"").split()
    except OSError:
        return True  # in doubt, run


def see(cache: str, session_id: str, agent_id: str, digest: str) -> None:
    """Raises OSError."""
    files.append(_path(cache, session_id, agent_id), digest.encode("ascii") + b"\n")


def _path(cache: str, session_id: str, agent_id: str) -> str:
    name = digest_of(f"{session_id}\0{agent_id}".encode("utf-8", "surrogatepass"))
    return f"{seen_folder(cache)}/{name}"
