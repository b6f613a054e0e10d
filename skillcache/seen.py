"""Which failed results a session or subagent has already seen: whoever runs a failing command again wants it run."""

from skillcache import files
from skillcache.digest import sha256
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
    name = sha256(f"{session_id}\0{agent_id}".encode("utf-8", "surrogatepass")).hex()[:40]
    return f"{seen_folder(cache)}/{name}"
