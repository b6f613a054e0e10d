"""What of the safe repeats in real repositories is served: `repositories.py DIR...`, clones with their tools installed.

`repositories.toml` beside this file, or the one of `--table`, says of each what is run in it. DIR is not touched: what
is done is done in a copy. Each command is run twice on the content as it is, after an edit, after that is taken back
and, where that makes sense, in a worktree; whatever is served is held against a fresh run at that moment, in a copy
in which the same was done.

A repeat is safe where the same line has passed on the same content, in the same environment, with the same text but
for what verification forgets, and where no run has to put something there that was not (a first coverage/ of a
worktree): no replay makes that. Of a tool that says another thing each time, such as the order of tests that run side
by side, or one that fails now and then, what was served is held against bare runs of which two differ: its status is
that of one of them, and so are its lines but for durations, in any order.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from skillcache.cache.verify import normalized
from skillcache.core import counts
from skillcache.core.outcomes import HIT, Outcome
from skillcache.fingerprint.ignored import is_cache
from tests.fidelity.bash_tool import BashTool, Ran

HOME = os.path.expanduser("~")
_NOTHING = ":\n"  # as many lines as the preamble has
_DURATION = re.compile(r"\d+(?:\.\d+)?\s?m?s\b")
_BARE = 4  # runs, until two differ
_PATIENCE = 900  # seconds for one line
_COPIED = ("cp", "-a", "--reflink=auto")


class Repository:
    """One of the table, in a copy below `base`."""

    def __init__(self, base: Path, source: Path, told: dict[str, object]) -> None:
        self.base = base
        self.name = source.name
        self.told = told
        self.root = base / source.name
        self.calls = self.hits = self.safe = self.served = 0
        self.wrong: list[str] = []
        self.missed: Counter[str] = Counter()
        self.known: dict[tuple[str, str], str] = {}
        self.preambles: dict[str, str] = {}
        for name in ("home", "calls"):
            (base / name).mkdir()
        # As in a home that is not new, where npm has no newer one to tell of: that is said once in some days.
        (base / "home/.npm").mkdir()
        (base / "home/.npm/_update-notifier-last-checked").touch()
        (base / "gitconfig").write_text("[user]\nname = x\nemail = x@x\n[init]\ndefaultBranch = main\n")
        self.tool = BashTool(base / "calls")
        self.tool.seconds = _PATIENCE
        # Bare runs are made in a twin: what they leave is nothing that the runs of the place itself would find there.
        self.twins = {self.root: base / "twin" / source.name}
        (base / "twin").mkdir()
        for root in (self.root, *self.twins.values()):
            subprocess.run([*_COPIED, str(source), str(root)], check=True)
        self.environ = {
            "HOME": str(base / "home"),
            "LANG": "C.UTF-8",
            "USER": "someone",
            "GIT_CONFIG_GLOBAL": str(base / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "SKILLCACHE_HOME": str(base / "cache"),
            "SKILLCACHE_MIN_DURATION": "0",
            "SKILLCACHE_VERIFY": "0",
            "SKILLCACHE_CAPTURE_TIME": "60",  # a busy machine decides nothing
        }
        for root in (self.root, *self.twins.values()):
            _move(root, source)

    def _words(self, name: str) -> list[str]:
        found = self.told.get(name, [])
        assert isinstance(found, list)
        return [str(word) for word in found]

    def go(self) -> None:
        lines = self._words("commands")
        edited = str(self.told["edit"])
        text = (self.root / edited).read_text()
        places = [(self.root, "as it is"), (self.root, "edited"), (self.root, "as it is")]
        for root, content in places:
            for place in (root, self.twins[root]):
                (place / edited).write_text(text + (str(self.told["mark"]) + "\n" if content == "edited" else ""))
            for _ in range(2):
                for line in lines:
                    self.call(line, root, content)
        if self.told.get("worktree"):
            other = self.base / "annexe"
            self.twins[other] = self.base / "twin/annexe"
            for root, place in ((self.root, other), (self.twins[self.root], self.twins[other])):
                self._git(root, "worktree", "add", "-q", "--detach", str(place))
                for name in self._words("copies"):
                    subprocess.run([*_COPIED, str(root / name), str(place / name)], check=True)
            for _ in range(2):
                for line in lines:
                    self.call(line, other, "as it is")

    def call(self, line: str, root: Path, content: str) -> None:
        self.calls += 1
        place = str(root)
        environ = self._environ(root)
        counted = len(self._outcomes())
        there = _names(root)
        ran = self._run(line, place, environ, self._preamble(place, environ))
        outcomes = self._outcomes()[counted:]
        text = normalized(ran.text, place)
        known = self.known.get((line, content))
        if any(outcome.kind == HIT for outcome in outcomes):
            self.hits += 1
            self.safe += 1
            self.served += 1
            twin = str(self.twins[root])
            run = partial(self._run, line, twin, self._environ(self.twins[root]), _NOTHING)
            fresh = run()
            if not _is_alike((ran.status, text), fresh, run, twin):
                self.wrong.append(f"{line} in {place}, {content}:\n--- served\n{ran.text}\n--- fresh\n{fresh.text}")
        elif known == text and _names(root) <= there:
            self.safe += 1
            why = ", ".join(outcome.name for outcome in outcomes) or "no rule"
            self.missed[f"{line}: {why}"] += 1
        if ran.status == 0:
            self.known[line, content] = text

    def _environ(self, root: Path) -> dict[str, str]:
        path = [os.path.join(root, name.replace("{home}", HOME)) for name in self._words("path")]
        given = {**self.environ, "PATH": os.pathsep.join([*path, "/usr/local/bin", "/usr/bin", "/bin"])}
        named = self.told.get("variables", {})
        assert isinstance(named, dict)
        return {
            **given,
            **{name: value.replace("{root}", str(root)).replace("{home}", HOME) for name, value in named.items()},
        }

    def _git(self, root: Path, *words: str) -> None:
        subprocess.run(["git", *words], cwd=root, env=self._environ(root), check=True, capture_output=True)

    def _run(self, line: str, place: str, environ: dict[str, str], preamble: str) -> Ran:
        return self.tool.run(line, place, environ, session=f"s{self.calls}", preamble=preamble)

    def _preamble(self, place: str, environ: dict[str, str]) -> str:
        if place not in self.preambles:
            self.preambles[place] = self.tool.begin(f"b{len(self.preambles)}", place, environ)
        return self.preambles[place]

    def _outcomes(self) -> list[Outcome]:
        return [count.outcome for count in counts.read(self.environ["SKILLCACHE_HOME"])]


def _is_alike(one: tuple[int, str], fresh: Ran, again: Callable[[], Ran], place: str) -> bool:
    """Whether a status and a text are what a fresh run gives, as exactly as bare runs agree with each other."""
    bare = [(fresh.status, normalized(fresh.text, place))]
    while one not in bare:
        if len(bare) > _BARE:
            return False
        fresh = again()
        bare.append((fresh.status, normalized(fresh.text, place)))
        loose = [(status, _loose(text)) for status, text in bare]
        if bare[-1] != bare[0] and (one[0], _loose(one[1])) in loose:
            return True
    return True


def _names(root: Path) -> set[str]:
    """Of what lies at the top, but for caches."""
    return {name for name in os.listdir(root) if not is_cache(os.fsencode(name))}


def _loose(text: str) -> list[str]:
    """What is the same of two texts that differ in the order of their lines and in durations."""
    return sorted(_DURATION.sub("<duration>", line) for line in text.splitlines())


def _move(root: Path, source: Path) -> None:
    """Environments of Python name their place: in a copy it is another."""
    for path in root.glob(".venv/bin/*"):
        _replace(path, source, root)
    for pattern in ("*.pth", "__editable__*", "*.dist-info/direct_url.json"):
        for path in root.glob(f".venv/lib/python3*/site-packages/{pattern}"):
            _replace(path, source, root)


def _replace(path: Path, old: Path, new: Path) -> None:
    if path.is_symlink() or not path.is_file():
        return
    data = path.read_bytes()
    if os.fsencode(old) in data:
        path.write_bytes(data.replace(os.fsencode(old), os.fsencode(new)))


def main(argv: Iterable[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR")
    parser.add_argument("--table", type=Path, default=Path(__file__).with_suffix(".toml"))
    asked = parser.parse_args(list(argv) if argv is not None else None)
    table = tomllib.loads(asked.table.read_text())
    rows = []
    for folder in asked.folders:
        source = folder.resolve()
        begun = time.monotonic()
        base = Path(tempfile.mkdtemp(prefix="repositories-")).resolve()
        try:
            one = Repository(base, source, table[source.name])
            one.go()
        finally:
            shutil.rmtree(base, ignore_errors=True)
        rows.append(one)
        print(f"{one.name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
        for text in one.wrong:
            print(f"WRONG {one.name}: {text}", flush=True)
        for missed, count in one.missed.most_common():
            print(f"{count:4}  safe, not served in {one.name}: {missed}", flush=True)
    print(
        "\n| repository | kind | calls | hits | wrong | safe repeats | served of these |\n|---|---|---|---|---|---|---|"
    )
    for one in rows:
        print(_row(one.name, str(one.told.get("kind", "")), [one]))
    print(_row("all", "", rows))
    return 1 if any(one.wrong for one in rows) else 0


def _row(name: str, kind: str, of: list[Repository]) -> str:
    calls, hits, safe, served = (sum(getattr(one, what) for one in of) for what in ("calls", "hits", "safe", "served"))
    share = 100 * served / max(1, safe)
    wrong = sum(len(one.wrong) for one in of)
    return f"| {name} | {kind} | {calls} | {hits} | {wrong} | {safe} | {served} ({share:.0f} %) |"


if __name__ == "__main__":
    raise SystemExit(main())
