"""What a line of three checks takes where its later ones are run ahead: `python -m tests.benchmarks.line_ahead`.

The checks wait and use no processor, so that what is left is ours. Each line runs in a shell with the shims, as the
client starts it, on content that none of them has seen.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.fidelity.bash_tool import BashTool

CHECK = '#!/bin/sh\nsleep "$1"\ncat content\n'
RULE = '[[rules]]\nmatch = "Bash(./check:*)"\n'
SETTINGS = "min_duration = 0\nverify = 0\nahead_load = 1000\n"


class Project:
    def __init__(self, folder: Path, rules: str) -> None:
        self._project = folder / "project"
        self._environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"}
        config = folder / ".config/skillcache/config.toml"
        for made in (config.parent, self._project, folder / "calls"):
            made.mkdir(parents=True)
        config.write_text(SETTINGS + rules)
        (self._project / "check").write_text(CHECK)
        (self._project / "check").chmod(0o755)
        (self._project / "content").write_text("")
        for words in (
            ["init", "-q"],
            ["add", "-A"],
            ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"],
        ):
            subprocess.run(["git", *words], cwd=self._project, env=self._environ, check=True)
        self._tool = BashTool(folder / "calls")
        self._preamble = self._tool.begin("one", str(self._project), self._environ)

    def seconds(self, line: str, number: int) -> float:
        (self._project / "content").write_text(f"{number}\n")
        began = time.monotonic()
        ran = self._tool.run(line, str(self._project), self._environ, session="one", preamble=self._preamble)
        assert ran.text == f"{number}\n" * 3, ran
        return time.monotonic() - began


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, nargs=3, default=(1.0, 2.0, 4.0), help="of each check")
    given = parser.parse_args(words)
    line = " && ".join(f"./check {seconds:g}" for seconds in given.seconds)
    print(f"{line}\n{'':24}{'least':>8}{'median':>8}")
    for name, rules in (("one after the other", RULE), ("run ahead", f"{RULE}{RULE}ahead = true\n")):
        with tempfile.TemporaryDirectory() as folder:
            project = Project(Path(folder), rules)
            project.seconds(line, -1)  # what was never kept does not run ahead
            times = sorted(project.seconds(line, number) for number in range(given.rounds))
        print(f"{name:24}{times[0]:8.2f}{times[len(times) // 2]:8.2f}", flush=True)
    print(f"{'the longest of them':24}{max(given.seconds):8.2f}{max(given.seconds):8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
