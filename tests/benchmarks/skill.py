"""What a line with a skill's script costs a hook: whole processes, interleaved, medians and their ratios in one run."""

import argparse
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from tests.benchmarks.hook import _CHECKOUT, _PYTHON, event, run
from tests.benchmarks.timing import interleave
from tests.handlers.conftest import Place
from tests.skill.conftest import Skills


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--files", type=int, default=100, help="in the worktree")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        skills = Skills(Place(Path(folder)))
        for number in range(asked.files):
            path = skills.root / f"src/{number % 100}/{number}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"x = {number}\n")
        for words in (("add", "-A"), ("commit", "-qm", "files")):
            subprocess.run(["git", *words], cwd=skills.root, env=skills.environ, check=True)
        print(f"{asked.files} files in the worktree, embedded store, {asked.rounds} rounds\n")
        print("| | median | to a bare interpreter |\n|---|---|---|")
        for case, milliseconds, ratio in measure(skills, asked.rounds):
            print(f"| {case} | {milliseconds:.1f} ms | {ratio:.2f} x |")


def measure(skills: Skills, rounds: int) -> list[tuple[str, float, float]]:
    root, environ = str(skills.root), {**skills.environ, "CLAUDE_PROJECT_DIR": str(skills.root)}
    skills.declare("{ttl: 3600}")
    skills.declare('{ttl: 3600, outputs: ["out/*"]}', skills.home / ".claude/skills/files", "files")
    skills.declare(None, skills.home / ".claude/skills/silent", "silent")
    lines = {name: skills.line.replace("report", name) for name in ("report", "files", "silent")}
    skills.place.call("pytest -q")
    skills.call("notes.txt")
    skills.writes(out__a="x", out__b="y" * 10_000, out__c="z")
    skills.call(line=lines["files"])
    hook = str(_CHECKOUT / "hooks/pre_tool_use.py")
    calls = iter(range(10**9))

    def ask(command: str) -> Callable[[], None]:
        return lambda: run(environ, event(root, command, f"b{next(calls)}"), *_PYTHON, hook)

    cases: dict[str, Callable[[], None]] = {
        "bare interpreter (`python -I -S -c pass`)": lambda: run(environ, b"", *_PYTHON, "-c", "pass"),
        "hit of a test run": ask("pytest -q"),
        "hit of a skill that is given a file": ask(f"{skills.line} notes.txt"),
        "hit of a skill with three files to put back": ask(lines["files"]),
        "miss of a skill": ask(f"{skills.line} --never-seen"),
        "a skill that declares nothing": ask(lines["silent"]),
    }
    times = interleave(cases, rounds)
    bare = median(next(iter(times.values())))
    return [(name, median(values) * 1000, median(values) / bare) for name, values in times.items()]


if __name__ == "__main__":
    main()
