"""Runs real tools under strace, each in a project of its own, and fails for what the key does not hold.

python -m tests.benchmarks.coverage_of_key [TOOL...]

Tools of PyPI and npm are installed where they are missing; those of Debian are skipped where they are.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

from tests.benchmarks.coverage_of_key.bench import folder_of
from tests.benchmarks.coverage_of_key.probing import is_above
from tests.benchmarks.coverage_of_key.projects import PROJECT, TOOLS, Tool
from tests.benchmarks.coverage_of_key.sandbox import BRIEF, LOOK

_ALONE = ("unshare", "-m", "--propagation", "private")
_TOP = Path(__file__).parents[3]


def observe(name: str, tools: str = "/nowhere", mode: str = "") -> dict[str, Any]:
    """The report of one tool, or its fault. tools: the folder with what is installed; mode: of `sandbox`."""
    alone = _ALONE if os.geteuid() == 0 else (*_ALONE, "--map-root-user")
    with tempfile.TemporaryDirectory() as scratch:
        words = ["-m", "tests.benchmarks.coverage_of_key.sandbox", name, tools, scratch, mode]
        done = subprocess.run(
            [*alone, sys.executable, *words], cwd=_TOP, capture_output=True, text=True, errors="replace", check=False
        )
    if done.returncode:
        return {"tool": name, "fault": done.stderr[-600:]}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def install(tool: Tool, tools: str) -> str:
    """Has the packages of a tool in the folder of tools; what went wrong otherwise."""
    for packages in filter(None, (tool.js, tool.py)):
        folder = folder_of(tools, packages)
        if os.path.exists(f"{folder}/complete"):
            continue
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        words = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", *packages]
        if packages is tool.py:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            words = [f"{folder}/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages]
        else:
            Path(folder, "package.json").write_text('{"private": true}\n')
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            return done.stderr[-200:].strip()
        Path(folder, "complete").touch()
    return ""


def together(wanting: list[list[str]]) -> list[str]:
    """A line for each name that is looked for in the folders above, and for all files of a folder of packages."""
    named: dict[tuple[str, str, str], list[str]] = {}
    for kind, why, path in wanting:
        place, name = os.path.split(path)
        where = name if is_above(place) else path
        if why == "packages":
            where = path.removeprefix(f"{PROJECT}/").partition("/")[0]
        named.setdefault((kind, why, where), []).append(path)
    more = {key: f" and {len(paths) - 1} like it" if paths[1:] else "" for key, paths in named.items()}
    return [f"{key[0]} {key[1]}: {paths[0]}{more[key]}".replace(" :", ":") for key, paths in named.items()]


def _told(found: dict[str, Any]) -> Iterator[str]:
    if "fault" in found:
        yield f"{found['tool']}: FAULT: {found['fault']}"
        return
    total, key = sum(found["counts"].values()), found["key"]
    yield (
        f"{found['tool']}: {total} paths, {found['asked']} asked after, {len(found['exempt'])} exempt,"
        f" {len(found['wanting'])} not held; a run of {found['run']} s, all in {found['whole']} s"
    )
    if key.startswith(("bypass", "fault")):
        yield f"    {key}"
    if found["status"] != found["expected"]:
        yield f"    ended with {found['status']}: {' '.join(found['output'].split())[-300:]}"
    yield from (f"    {line}" for line in together(found["wanting"]))


def _is_good(found: dict[str, Any]) -> bool:
    if "fault" in found or found["status"] != found["expected"] or found["key"].startswith("fault"):
        return False
    return not found["wanting"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tools", nargs="*", metavar="TOOL")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--installed", default=os.path.expanduser("~/.cache/skillcache-test/coverage"))
    parser.add_argument("--look", action="store_true", help="ask no key, only see what is looked at")
    parser.add_argument("--briefly", action="store_true", help="ask after a few paths of each kind")
    parser.add_argument("--json", help="a file for the reports")
    asked = parser.parse_args()
    begun = time.monotonic()
    installing = Lock()
    mode = LOOK if asked.look else BRIEF if asked.briefly else ""

    def one(name: str) -> dict[str, Any] | None:
        tool = TOOLS[name]
        program = tool.words[0]
        if not (tool.js or tool.py) and not shutil.which(program, path=os.pathsep.join([*tool.path, os.defpath])):
            return None
        with installing:
            fault = install(tool, asked.installed)
        return {"tool": name, "fault": fault} if fault else observe(name, asked.installed, mode)

    reports: list[dict[str, Any]] = []
    names = asked.tools or list(TOOLS)
    with ThreadPoolExecutor(asked.jobs) as pool:
        for name, found in zip(names, pool.map(one, names), strict=True):
            if found is None:
                print(f"{name}: skipped: it is not installed", flush=True)
                continue
            reports.append(found)
            print("\n".join(_told(found)), flush=True)
            if asked.json:
                Path(asked.json).write_text(json.dumps(reports))
    good = sum(map(_is_good, reports))
    paths = sum(sum(found.get("counts", {}).values()) for found in reports)
    print(f"\n{len(reports)} tools, {good} of them with all held; {paths} paths; {time.monotonic() - begun:.0f} s")
    return 0 if good == len(reports) else 1


if __name__ == "__main__":
    raise SystemExit(main())
