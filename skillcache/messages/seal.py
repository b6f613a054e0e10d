"""Who may write to an agent: a seal that only the same person on the same machine can set, and the setting's rule.

What a message says of its sender is the sender's own word, and whoever has the store can write anything into it. So a
message carries a keyed digest of what matters in it; the key never leaves the person's own cache folder.
"""

import os

from skillcache import files
from skillcache.digest import blake2b
from skillcache.messages.message import NOTICE, Message

_SEALED = ("id", "kind", "from", "to", "text", "form", "reply_to")
_SIZE = 32


def key_of(cache: str) -> bytes:
    """The person's key in this cache folder, made at its first use. Raises OSError."""
    path = f"{cache}/seal.key"
    key = files.read(path, _SIZE)
    if key is None or len(key) != _SIZE:
        draft = f"{path}.{os.getpid()}.new"
        files.write(draft, os.urandom(_SIZE))
        try:
            if key is not None:
                os.rename(draft, path)  # it was cut short
            else:
                os.link(draft, path)  # of several processes the first one's stays
        except FileExistsError:
            pass
        finally:
            files.remove(draft)
        key = files.read(path, _SIZE) or b""
    return key


def seal(message: Message, key: bytes) -> str:
    state = blake2b(digest_size=16, key=key)
    for name in _SEALED:
        part = message[name].encode("utf-8", "surrogatepass")
        state.update(b"%d:" % len(part))
        state.update(part)
    return state.hexdigest()


def may_reach(message: Message, reader: str, key: bytes, writers: str, team: str) -> bool:
    """Whether the setting `messages.from` lets it be shown to the agent `reader`.

    A message of one's own that comes back is judged by its own seal.
    """
    addressed = message["from"] if message.bounce else message["to"]
    if message["seal"] == seal(message, key) and addressed == reader:
        return True
    if message["kind"] == NOTICE:
        return False  # a hook on this machine wrote it, or nobody did
    return writers == "anyone" or (writers == "team" and team != "" and message["team"] == team)
