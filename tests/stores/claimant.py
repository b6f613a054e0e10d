"""A process that claims, releases and waits, as a hook does; started by `test_claims_between_processes.py`.

    python -I -S claimant.py <top> <target> once <owner>      claims when its input ends, and says who holds the claim
    python -I -S claimant.py <top> <target> hold <lease>      claims, says so, and does nothing more
    python -I -S claimant.py <top> <target> <part> <rounds>   plays its part with another process, over fd 0 and 1

In a round the keeper claims; the waiter is refused, says so, and waits, while the keeper releases after a moment
of its own. The waiter ends with how many releases it did not hear of within PATIENCE seconds.
"""

import os
import sys
import time
from random import Random

if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])

from skillcache.stores import link_to, open_store
from skillcache.stores.connection import Limits
from skillcache.stores.contract import Store
from skillcache.stores.redis import RedisStore

DIGEST = "d" * 40
PATIENCE = 10.0
LEASE = 60.0


def main() -> None:
    _, _, target, part, given = sys.argv
    store = open_here(target)
    if part == "once":
        say("r")
        sys.stdin.read()
        say(f"{store.claim(DIGEST, given, LEASE).holder}\n")
    elif part == "hold":
        say(f"{store.claim(DIGEST, 'killed', float(given)).holder}\n")
        time.sleep(LEASE)
    elif part == "keep":
        keep(store, int(given))
    else:
        say(f"{wait(store, int(given))}\n")


def open_here(target: str) -> Store:
    if target.startswith("embedded:"):
        return open_store(target, now=time.time())
    return RedisStore(link_to(target, Limits(connect=20, silence=20, operation=20)))


def keep(store: Store, rounds: int) -> None:
    random = Random(rounds)
    for _ in range(rounds):
        require(store.claim(DIGEST, "keeper", LEASE).holder == "")
        say("c")
        hear()
        for _ in range(
            random.randrange(5000)
        ):  # up to 0.2 ms: the release meets the waiter before, in and after its step
            pass
        require(store.release(DIGEST, "keeper"))
        hear()


def wait(store: Store, rounds: int) -> int:
    lost = 0
    for _ in range(rounds):
        hear()
        refused = store.claim(DIGEST, "waiter", LEASE)
        require(refused.holder == "keeper")
        say("r")
        lost += not store.wait(DIGEST, refused.mark, PATIENCE)
        say("w")
        if lost:
            break
    return lost


def say(text: str) -> None:
    os.write(1, text.encode())


def hear() -> None:
    require(os.read(0, 1) != b"")


def require(so: bool) -> None:
    if not so:
        sys.exit("out of step")


if __name__ == "__main__":
    main()
