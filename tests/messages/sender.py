"""A program that sends numbered messages to one agent and prints each number once it is sent; any of it may be killed.

Its arguments: the store, the cache folder, the agent's id, the first number and the one after the last.
"""

from __future__ import annotations

import sys
import time

from skillcache.messages import message as seal
from skillcache.messages.inbox import Letter
from skillcache.messages.message import Message
from skillcache.messages.opening import open_post


def main() -> None:
    store, cache, to, first, end = sys.argv[1:]
    key = seal.key_of(cache)
    for number in range(int(first), int(end)):
        fields = {"id": f"number-{number}", "kind": "text", "from": "sender", "from_name": "sender", "to": to}
        message = Message({**fields, "text": str(number), "form": "text", "project": "p"})
        message.fields["seal"] = seal.seal(message, key)
        post = open_post(store, now=time.time(), patient=True)
        assert post.send([Letter(message, ttl=3_600)]) == [0]
        post.close()
        print(number, flush=True)  # noqa: T201 - what it is for
        time.sleep(0.003)


if __name__ == "__main__":
    main()
