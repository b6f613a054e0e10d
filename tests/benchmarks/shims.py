"""What the shims cost: whole processes, in turn within one run; medians and minima, and what they are held against.

python -m tests.benchmarks.shims [--rounds 40] [--files 100] [--megabytes 100]
"""

import argparse
import marshal
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from skillcache.commands import stand_in as ruled
from skillcache.commands.invocation import Program
from skillcache.commands.stand_in import without_shims
from skillcache.core import bytecode
from skillcache.core.paths import package_folder
from skillcache.settings.in_force import load
from tests.benchmarks.timing import interleave
from tests.conftest import start_redis
from tests.fidelity.bash_tool import BashTool

_CHECKOUT = Path(__file__).parents[2]
_KNOWN_CAPTURE = Path(__file__).with_name("stand_in_with_known_capture.py")
_PYTHON = [os.path.realpath(sys.executable), "-I", "-S"]
_BARE, _COMMAND, _SHELL = "`python -I -S -c pass`", "the bare command", "`bash -c :`, as the client starts it"
_SHIM = "a shim that passes on"
_HIT, _KNOWN, _MISS = "hit", "hit, without the capture", "miss"


class Bench:
    """A project of so many files, a session in it, and programs that do next to nothing."""

    def __init__(self, base: Path, store: str, files: int) -> None:
        self.root = base / "project"
        self.programs = base / "bin"
        self.environ = {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "HOME": str(base / "home"),
            "LANG": "C.UTF-8",
            "SKILLCACHE_MIN_DURATION": "0",
            "SKILLCACHE_VERIFY": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            **({"SKILLCACHE_REDIS_URL": store} if store else {}),
        }
        for folder in (self.root, self.programs, base / "home", base / "calls"):
            folder.mkdir(parents=True)
        for number in range(files):
            path = self.root / f"d{number % 10}/file{number}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"NUMBER = {number}\n")
        for words in (["git", "init", "-q"], ["git", "add", "-A"]):
            subprocess.run(words, cwd=self.root, env=self.environ, check=True)
        self.program("pytest", "#!/bin/sh\necho 3 passed\n")
        self.program("ruff", "#!/bin/sh\n:\n")
        self.program("mypy", '#!/bin/sh\nexec head -c "$1" /dev/zero\n')
        self.tool = BashTool(base / "calls")
        self.preamble = self.tool.begin("bench", str(self.root), self.environ)
        told = subprocess.run(
            ["bash", "-c", self.preamble + "printf %s $PATH"], env=self.environ, capture_output=True, check=True
        )
        self.shims = told.stdout.decode().partition(":")[0]
        self.inside = {**self.environ, "PATH": told.stdout.decode()}

    def program(self, name: str, text: str) -> None:
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def start(self, *argv: str, output: int = subprocess.DEVNULL) -> Callable[[], None]:
        def once() -> None:
            subprocess.run(
                argv, cwd=self.root, env=self.inside, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=True
            )

        return once

    def captured(self) -> bytes:
        """The root and rows that a command captures here, for `stand_in_with_known_capture.py`."""
        program = Program(f"{self.programs}/pytest", ("pytest", "-q"), self.inside)
        environ = without_shims(self.inside)
        task = ruled.ruled(
            program, str(self.root), environ, load(self.inside, str(self.root)), fresh=False, joined=True
        )
        fingerprint = task.capture_key((), seconds=10).fingerprint
        return marshal.dumps((fingerprint.root, fingerprint.rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--files", type=int, default=100, help="in the project")
    parser.add_argument("--megabytes", type=int, default=100, help="of an output that is passed on")
    asked = parser.parse_args()
    bytecode.write(package_folder())  # as the first run that takes its time does
    with tempfile.TemporaryDirectory() as folder:
        (server_folder := Path(folder) / "server").mkdir()
        server = start_redis(server_folder)
        try:
            for name, url in (("embedded", ""), ("redis", server.url)):
                bench = Bench(Path(folder) / name, url, asked.files)
                print(f"\n{name} store, {asked.files} files, {asked.rounds} rounds\n")
                report(measure(bench, asked.rounds))
        finally:
            server.stop()
        print(f"\n{asked.megabytes} MB passed on: {throughput(bench, asked.megabytes)}")


def measure(bench: Bench, rounds: int) -> dict[str, list[float]]:
    known = bench.root.parent / "captured"
    known.write_bytes(bench.captured())
    numbers = iter(range(10**9))
    root = str(bench.root)

    def miss() -> None:
        bench.start(f"{bench.shims}/pytest", "-k", str(next(numbers)))()

    def fresh_shell() -> None:
        bench.tool.run(":", root, bench.environ, session="bench", preamble=":\n")

    def with_preamble() -> None:
        bench.tool.run(":", root, bench.environ, session="bench", preamble=bench.preamble)

    stand_in = (*_PYTHON, str(_KNOWN_CAPTURE), str(_CHECKOUT), str(known), "")
    cases = {
        _BARE: bench.start(*_PYTHON, "-c", "pass"),
        _SHELL: fresh_shell,
        "the same with the preamble": with_preamble,
        "a program": bench.start(f"{bench.programs}/ruff", "--version"),
        _SHIM: bench.start(f"{bench.shims}/ruff", "--version"),
        _COMMAND: bench.start(f"{bench.programs}/pytest", "-q"),
        "one that no rule names, after a look": bench.start(f"{bench.shims}/pytest", "--pdb"),
        _HIT: bench.start(f"{bench.shims}/pytest", "-q"),
        _KNOWN: bench.start(*stand_in, f"{bench.programs}/pytest", "pytest", "-q"),
        _MISS: miss,
        "`git status --porcelain`": bench.start("git", "status", "--porcelain"),
    }
    for case in cases.values():
        case()
    return interleave(cases, rounds)


def report(times: dict[str, list[float]]) -> None:
    middle = {name: median(values) * 1000 for name, values in times.items()}
    least = {name: min(values) * 1000 for name, values in times.items()}
    print("| | median | least | to a bare interpreter |\n|---|---|---|---|")
    for name, value in middle.items():
        print(f"| {name} | {value:.1f} ms | {least[name]:.1f} ms | {value / middle[_BARE]:.2f} x |")
    print()
    for what, of in (("median", middle), ("least", least)):
        capture = of[_HIT] - of[_KNOWN] - (of[_SHIM] - of["a program"])
        print(
            f"{what}: the preamble adds {of['the same with the preamble'] - of[_SHELL]:.2f} ms,"
            f" a shim that passes on {of[_SHIM] - of['a program']:.2f} ms;"
            f" a hit without the capture is {of[_KNOWN] / of[_BARE]:.2f} x a bare interpreter;"
            f" a miss adds {of[_MISS] - of[_COMMAND] - 2 * capture:.1f} ms beside two captures of {capture:.1f} ms"
        )


def throughput(bench: Bench, megabytes: int) -> str:
    size = str(megabytes * 10**6)
    told = []
    with tempfile.TemporaryFile(dir=bench.root.parent) as output:
        for name, folder in (("bare", bench.programs), ("through a shim", bench.shims)):
            os.ftruncate(output.fileno(), 0)
            begun = time.perf_counter()
            bench.start(f"{folder}/mypy", size, output=output.fileno())()
            took = time.perf_counter() - begun
            assert os.fstat(output.fileno()).st_size >= int(size)
            told.append(f"{name} {took:.2f} s")
            os.lseek(output.fileno(), 0, os.SEEK_SET)
    return ", ".join(told)


if __name__ == "__main__":
    main()
