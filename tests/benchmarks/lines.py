"""Lines that agents wrote, each twice in a shell without and with stand-ins, whose tools are stubbed.

    python -m tests.benchmarks.lines FILE [COUNT]    FILE: a JSON string a line; COUNT: lines, spread over all

Prints how many lines came out the same, and how many of the real invocations were served.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from skillcache.commands.shims.programs import words_of
from tests.shims.shell import Shell

_MOST = 10  # seconds for a line
# What would reach out of the folder or go on for ever. A line that names a path from the root is left out as well.
_UNSAFE = (
    "sudo",
    "kill",
    "reboot",
    "shutdown",
    "docker",
    "curl",
    "ssh",
    "sleep",
    "while",
    "/",
    "~",
    "systemctl",
    "&\n",
)
_KEPT = frozenset(["sh", "bash"])


def main(file: str, count: int) -> None:
    lines = [json.loads(line) for line in Path(file).read_text().splitlines()]
    tools = [name for name in words_of() if name not in _KEPT]
    fit = [line for line in lines if not any(word in line for word in _UNSAFE) and any(tool in line for tool in tools)]
    chosen = fit[:: max(1, len(fit) // count)][:count]
    same, real, served = 0, 0, 0
    for line in chosen:
        with tempfile.TemporaryDirectory() as folder:
            bare, _ = _twice(Path(folder) / "bare", tools, line, ready=False)
            answered, runs = _twice(Path(folder) / "ready", tools, line, ready=True)
        if bare[0] == answered[0]:
            same += 1
        else:
            print("differs:", json.dumps(line), *bare[0], *answered[0], sep="\n  ")
        real += bare[1]
        served += bare[1] - runs
    print(f"{len(lines)} lines, {len(fit)} fit, {len(chosen)} tried: {same} the same")
    print(f"real invocations in two calls each: {real}, served {served}")


def _twice(base: Path, tools: list[str], line: str, *, ready: bool) -> tuple[tuple[list[object], int], int]:
    shell = Shell(base, "bash", plain=True)
    for tool in tools:
        shell.tool(tool)
    if ready:
        shell.start()
    said: list[object] = []
    for _ in range(2):
        try:
            done = shell.call(line)
            text = re.sub(r"line \d+:", "line:", done.stdout)  # the client's own text comes before it
            said += [text.replace(str(base), ""), done.returncode]
        except subprocess.TimeoutExpired:
            said.append("timeout")
    left = [path for path in shell.project.rglob("*") if path.is_file() and ".git" not in path.parts]
    said.append(sorted((str(path.relative_to(shell.project)), path.read_bytes()) for path in left))
    runs = shell.runs()
    shutil.rmtree(base, ignore_errors=True)
    return (said, runs), runs


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 200)
