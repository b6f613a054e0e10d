"""Many processes that ask for one value at once: `crowd.py URL COUNT FILE SECONDS`.

Prints what each got, as a JSON list of [data, cached, errors]. Each computation adds a byte to FILE and takes SECONDS.
The cache object is made before the processes fork.
"""

import json
import os
import sys
import time

from skillcache import SkillCache
from skillcache.library import source


def main(url: str, count: int, log: str, seconds: float) -> None:
    source.SECONDS = 20.0  # a machine that is busy with them all is no fault of the store
    cache = SkillCache(url)
    cache.set("warm", 1, 1)  # over a connection that the children must not share
    gate, opener = os.pipe()
    results, answer = os.pipe()
    children = []
    for _ in range(count):
        child = os.fork()
        if child == 0:
            os.close(opener)
            os.read(gate, 1)  # until the gate is closed, for all at once
            fetched = cache.fetch("report", {"q": 1}, lambda: compute(log, seconds))
            os.write(answer, f"{json.dumps([*fetched, cache.errors])}\n".encode())
            os._exit(0)
        children.append(child)
    os.close(opener)
    os.close(answer)
    text = b""
    while piece := os.read(results, 65536):
        text += piece
    for child in children:
        os.waitpid(child, 0)
    sys.stdout.write(json.dumps([json.loads(line) for line in text.splitlines()]))


def compute(log: str, seconds: float) -> int:
    handle = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(handle, b".")
    os.close(handle)
    time.sleep(seconds)
    return os.getpid()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
