"""Who may write to an agent: a seal that only the same person on the same machine can set, and the setting's rule.

What a message says of its sender is the sender's own word, and whoever has the store can write anything into it. So a
message carries a keyed digest of all that its sender wrote; the key never leaves the person's own cache folder.
"""

import os

from skillcache.core import files
from skillcache.core.digest import blake2b
from skillcache.messages.message import FIELDS, NOTICE, Message

_SEALED = tuple([name for name in FIELDS if name != "seal"])
_SIZE = 32


def key_of(cache: str) -> bytes:
    """The person's key in this cache folder, made at its first use. Raises OSError."""
    path = f"{cache}/seal.key"
    key = files.read(path, _SIZE)
    if key is None or len(key) != _SIZE:
        draft = files.draft_of(path)
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


def is_own(message: Message, reader: str, key: bytes) -> bool:
    """Whether the same person on the same machine wrote it to the agent `reader`.

    A message that comes back to the reader is judged by the reader's own seal.
    """
    addressed = message["from"] if message.bounce else message["to"]
    return addressed == reader and message["seal"] == seal(message, key)


def may_reach(message: Message, writers: str, team: str, *, own: bool) -> bool:
    """Whether the setting `messages.from` lets it be shown."""
    if own:
        return True
    if message.bounce or message["kind"] == NOTICE:
        return False  # the reader itself, or a hook on this machine, wrote it, or nobody did
    return writers == "anyone" or (writers == "team" and team != "" and message["team"] == team)
