"""Whose an agent is: the installation's that registered it, for it alone knows the token.

The token is made of the key that never leaves the person's cache folder (`seal`). A store keeps its SHA-1, the proof,
beside the agent, and lets whoever has not the token neither take the agent's name, nor read its inbox, nor take
anything out of it, nor end it. An agent that was registered without a token is anybody's, until someone with one comes.

The id of a person ends with a mark, the beginning of the proof, so that two who have the same name on the same machine
are two. So does the id of a session or subagent that another installation had registered before.
"""

from skillcache.core.digest import blake2b, sha1
from skillcache.messages import seal

MARK = 12  # hexadecimal digits
_PERSON = "person:"


def token_of(cache: str) -> str:
    """Of the installation with this cache folder. Raises OSError."""
    return token_by(seal.key_of(cache))


def token_by(key: bytes) -> str:
    return blake2b(b"skillcache agents", digest_size=16, key=key).hexdigest()


def proof_of(token: str) -> str:
    """As `redis.sha1hex` has it; "" where there is no token."""
    return sha1(token.encode()).hexdigest() if token else ""


def marked(id_: str, token: str) -> str:
    """The id by which an installation knows as its own what others may call the same."""
    return f"{id_}:{proof_of(token)[:MARK]}" if token else id_


def person_id(user: str, host: str, token: str) -> str:
    return marked(f"{_PERSON}{user}@{host}", token)


def mark_of(id_: str) -> str:
    """Of a person's id; "" for any other, and for that of a version before there were any."""
    head, colon, mark = id_.rpartition(":")
    is_mark = len(mark) == MARK and all(c in "0123456789abcdef" for c in mark)
    return mark if colon and is_mark and head.startswith(_PERSON) else ""
