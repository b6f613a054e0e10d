"""What messages cost: the hook of an agent whose inbox is empty, as a whole process, and 10,000 messages in all.

The hook's figures are medians of processes interleaved in one run, and their ratios to a bare interpreter. Of a server
and a cluster it is counted how often each node was asked for a message of the many; the readers' looking is in it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from tests.benchmarks.timing import timed
from tests.clusters import Cluster
from tests.conftest import RedisServer, start_redis
from tests.messages.client import HOOK, Project, Session
from tests.messages.crowd import Crowd

_BARE = [os.path.realpath(sys.executable), "-I", "-S", "-c", "pass"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--agents", type=int, default=32)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server, cluster = start_redis(Path(folder) / "server"), Cluster(Path(folder) / "nodes")
        os.environ["SKILLCACHE_HOME"] = f"{folder}/home"
        try:
            for name, url, nodes in (
                ("embedded", "", []),
                ("redis", server.url, [server]),
                ("cluster", cluster.url, cluster.masters),
            ):
                print(f"\n{name} store, {asked.rounds} rounds\n")
                print("| one process | median | to a bare interpreter |\n|---|---|---|")
                for case, milliseconds, ratio in measure(Project(Path(folder) / name, url), asked.rounds):
                    print(f"| {case} | {milliseconds:.1f} ms | {ratio:.2f} x |")
                target = url or f"embedded:{folder}/crowd/store.sqlite3"
                before = [scripts(node) for node in nodes]
                crowd = Crowd(target, agents=asked.agents, messages=asked.messages)
                begun = time.perf_counter()
                crowd.work()
                seconds = time.perf_counter() - begun
                print(
                    f"\n{asked.messages:,} messages between {asked.agents} agents: {seconds:.1f} s, {crowd.verdict()}"
                )
                for node, count in zip(nodes, before, strict=True):
                    print(f"{(scripts(node) - count) / asked.messages:.2f} scripts for each at {node.port}")
        finally:
            server.stop()
            cluster.stop()


def scripts(node: RedisServer) -> int:
    """How many it has run."""
    said = node.command("INFO", "commandstats").partition(b"cmdstat_eval:calls=")[2]
    return int(said.partition(b",")[0] or 0)


def measure(project: Project, rounds: int) -> list[tuple[str, float, float]]:
    session = Session(project)
    session.start()
    session.hook("SubagentStart", "a1")
    off = {**project.environ, "SKILLCACHE_MESSAGES_DELIVER": "0"}
    batch = session.event(
        "PostToolBatch", tool_calls=[{"tool_name": "Bash", "tool_input": {"command": "ls"}, "tool_response": "ok"}]
    )
    prompt = session.event("UserPromptSubmit", prompt="go on")
    stop = session.event("Stop", stop_hook_active=False)
    cases: dict[str, Callable[[], None]] = {
        "bare interpreter": lambda: run(project.environ, b"", _BARE),
        "PostToolBatch, empty inbox": lambda: run(project.environ, batch, HOOK),
        "UserPromptSubmit, empty inbox": lambda: run(project.environ, prompt, HOOK),
        "Stop, empty inbox": lambda: run(project.environ, stop, HOOK),
        "PostToolBatch, messages off": lambda: run(off, batch, HOOK),
    }
    times: dict[str, list[float]] = {name: [] for name in (*cases, "PostToolBatch, one message")}
    for _ in range(rounds):
        for name, case in cases.items():
            times[name].append(timed(case))
        project.run("send", "--to", "somebody-1", "hello")
        times["PostToolBatch, one message"].append(timed(lambda: run(project.environ, batch, HOOK)))
    bare = median(times["bare interpreter"])
    return [(name, median(values) * 1000, median(values) / bare) for name, values in times.items()]


def run(environ: dict[str, str], data: bytes, argv: list[str]) -> None:
    subprocess.run(argv, input=data, env=environ, stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    main()
