"""What a skill's script takes, run and replayed in a session: by the time the script works and the files it leaves.

python -m tests.benchmarks.skills [--rounds 15] [--files 100] [--work 0 30 60 100 200 700]

Whole Bash calls, in turn within one run, medians and minima in milliseconds: without us, with us where the result is
not stored (it runs), and replayed. A replay pays where it takes less than the bare call; the last column says how
much, by the minima. Outputs are there when a replay begins, or gone; one that is gone is written.
"""

import argparse
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from skillcache.core import counts
from tests.benchmarks.timing import interleave
from tests.shims.shell import Shell

_SCRIPT = """\
import sys, time
ends = time.perf_counter() + float(sys.argv[2]) / 1000
print(len(open(sys.argv[1]).read()))
for number in range(int(sys.argv[3])):
    with open(f"out/{number}.csv", "w") as file:
        file.write("1,2\\n" * 2500)
while time.perf_counter() < ends:
    pass
"""
_PAGE = "---\nname: work\nmetadata:\n  skillcache:\n    ttl: 3600\n    outputs:\n      - out/*.csv\n---\n"
_BARE, _MISS, _HIT, _GONE = "bare", "stored anew", "replayed", "replayed, outputs gone"


class Bench:
    """A project of so many files and a skill in the home folder."""

    def __init__(self, base: Path, files: int) -> None:
        self.shell = Shell(base, "bash", plain=True)
        folder = self.shell.home / ".claude/skills/work"
        (folder / "scripts").mkdir(parents=True)
        (folder / "SKILL.md").write_text(_PAGE)
        (folder / "scripts/work.py").write_text(_SCRIPT)
        for number in range(files):
            path = self.shell.project / f"d{number % 10}/file{number}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"NUMBER = {number}\n")
        self.outputs = self.shell.project / "out"
        self.outputs.mkdir()
        self.shell.start()

    def line(self, work: float, outputs: int) -> str:
        return f"python3 ~/.claude/skills/work/scripts/work.py data {work:g} {outputs}"

    def cases(self, work: float, outputs: int) -> dict[str, Callable[[], object]]:
        line = self.line(work, outputs)

        def gone() -> object:
            shutil.rmtree(self.outputs)
            self.outputs.mkdir()
            return self.shell.call(line)

        cases: dict[str, Callable[[], object]] = {
            _BARE: lambda: self.shell.run(line),
            _MISS: lambda: self.shell.call(line, SKILLCACHE_FRESH="1"),
            _HIT: lambda: self.shell.call(line),
        }
        return {**cases, _GONE: gone} if outputs else cases

    def replayed(self) -> int:
        return [count.outcome.name for count in counts.read(str(self.shell.cache))].count("replayed")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--files", type=int, default=100)
    parser.add_argument("--work", type=float, nargs="*", default=[0, 30, 60, 100, 200, 700], help="milliseconds")
    given = parser.parse_args()
    print(f"| work, outputs | {_BARE} | {_MISS} | {_HIT} | {_GONE} | saved |\n|---|---|---|---|---|---|")
    for outputs in (0, 1, 10):
        for work in given.work:
            with tempfile.TemporaryDirectory() as base:
                bench = Bench(Path(base).resolve(), given.files)
                cases = bench.cases(work, outputs)
                for case in cases.values():
                    case()
                before = bench.replayed()
                times = interleave(cases, given.rounds)
                answered = bench.replayed() - before
                if answered != given.rounds * (len(cases) - 2):
                    raise SystemExit(f"only {answered} were replayed")
            least = {name: min(taken) * 1000 for name, taken in times.items()}
            cells = [
                f"{median(times[name]) * 1000:.0f} / {least[name]:.0f}" if name in times else ""
                for name in (_BARE, _MISS, _HIT, _GONE)
            ]
            saved = least[_BARE] - least.get(_GONE, least[_HIT])
            print(f"| {work:g} ms, {outputs} | {' | '.join(cells)} | {saved:.0f} |", flush=True)


if __name__ == "__main__":
    main()
