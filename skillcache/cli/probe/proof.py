"""Whether a lane works in the client at hand: scripted sessions in a home folder of their own, offline.

A command that prints something else at every run is asked for twice; its runs leave a line each. What a rule refuses is
asked for as well, and calls are timed against the same ones without us.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from skillcache.cli.probe.api import Turn, bash
from skillcache.cli.probe.client import Client, Session
from skillcache.cli.setup.bundle import lay_out
from skillcache.cli.setup.present import present_edit
from skillcache.cli.setup.settings_file import USER
from skillcache.cli.setup.settings_text import add
from skillcache.core import counts
from skillcache.core.git import make_repository
from skillcache.core.paths import cache_folder, shims_folder

HOOKS, PLUGIN = "hooks", "plugin"
_CALLS = 6  # that are timed, of each kind
_CHECK = '#!/bin/sh\necho run >>"$SKILLCACHE_PROOF_RUNS"\necho "$@" $(date +%N)\n'
_NAME = "check"  # of the rule
_RULE = '[[rules]]\nmatch = "Bash(./check:*)"\n'
_ALLOWED, _DENIED = "./check", "./check denied"
_SETTINGS = {
    "SKILLCACHE_MIN_DURATION": "0",
    "SKILLCACHE_VERIFY": "0",
    "SKILLCACHE_CAPTURE_TIME": "30",
}


class Proof(NamedTuple):
    """What the sessions showed.

    prepared: whether the hook at a session's start was given a file for what Bash calls source; reached: whether a
    shim stood in for the command; answered: whether the second call was given the first one's result, byte for byte;
    spared: whether nothing ran for it; respected: whether a deny rule stopped a call that could have been answered;
    miss, hit: milliseconds that such a call takes more than without us, which is bare.
    """

    prepared: bool
    reached: bool
    answered: bool
    spared: bool
    respected: bool
    miss: float
    hit: float
    bare: float

    @property
    def works(self) -> bool:
        return self.prepared and self.reached and self.answered and self.spared and self.respected


def prove(binary: str, lane: str, environ: Mapping[str, str], tell: Callable[[str], None]) -> Proof:
    """`environ`: of the person, for PATH alone; `tell`: takes what is being done, for it takes many seconds.

    Raises SkillcacheError and OSError.
    """
    with _place(binary, lane, environ) as place:
        tell(f"proof of {lane}, session 1 of 4: a command and its repeat")
        first = place.play([_ALLOWED, _ALLOWED, _DENIED])
        ran = place.runs()
        rules = ["--disallowedTools", f"Bash({_DENIED}:*)"]
        tell(f"proof of {lane}, session 2 of 4: a command that a rule denies")
        second = place.play([_ALLOWED, _DENIED], mode="default", allow=[f"Bash({_ALLOWED}:*)"], options=rules)
        refused = [result.is_error for result in second.results] == [False, True]
        misses = [f"{_ALLOWED} {number}" for number in range(_CALLS)]
        tell(f"proof of {lane}, session 3 of 4: how long calls take")
        with_us = place.play([_ALLOWED, *misses, *misses]).times[1:]
        tell(f"proof of {lane}, session 4 of 4: how long they take without it")
        without = place.play([_ALLOWED, *misses], bare=True).times[1:]
        bare = median(without)
        return Proof(
            prepared=place.is_prepared(),
            reached=place.is_reached(),
            answered=len({result.text for result in (*first.results[:2], *second.results[:1])}) == 1,
            spared=ran == 2,
            respected=refused,
            miss=median(with_us[:_CALLS]) - bare,
            hit=median(with_us[_CALLS:]) - bare,
            bare=bare,
        )


class _Place:
    def __init__(self, root: Path, binary: str, lane: str, environ: Mapping[str, str]) -> None:
        self._project, self._runs = root / "project", root / "runs"
        home, runtime = root / "home", root / "run"
        for folder in (self._project, home / "tmp", home / ".config/skillcache", home / ".claude", runtime):
            folder.mkdir(parents=True)
        (home / ".config/skillcache/config.toml").write_text(_RULE)
        (self._project / "check").write_text(_CHECK)
        (self._project / "check").chmod(0o755)
        paths = {"XDG_RUNTIME_DIR": str(runtime), "SKILLCACHE_PROOF_RUNS": str(self._runs)}
        variables = {**_SETTINGS, **paths, "PATH": environ.get("PATH", "")}
        self._client = Client(binary, home, variables)
        (root / "bare/tmp").mkdir(parents=True)
        self._bare = Client(binary, root / "bare", variables)
        known = self._client.environment()
        make_repository(str(self._project), known)  # without git it is a project all the same
        self._cache = cache_folder(known)
        self._plugin = Path(lay_out(known, modern=True)) if lane == PLUGIN else None
        if lane == HOOKS:
            path = home / ".claude/settings.json"
            path.write_text(add("", present_edit(USER, str(self._project), known), str(path)))

    def play(
        self,
        commands: list[str],
        *,
        bare: bool = False,
        mode: str | None = None,
        allow: Sequence[str] = (),
        options: Sequence[str] = (),
    ) -> Session:
        client, plugin = (self._bare, None) if bare else (self._client, self._plugin)
        turns: list[Turn] = [bash(command) for command in commands]
        return client.run(self._project, turns, plugin=plugin, mode=mode, allow=allow, options=options)

    def runs(self) -> int:
        return len(self._runs.read_text().splitlines()) if self._runs.exists() else 0

    def is_prepared(self) -> bool:
        return any(Path(shims_folder(self._cache)).glob("*.sh"))

    def is_reached(self) -> bool:
        """Whether a shim's own process has counted what became of a command."""
        return any(count.rule == _NAME for count in counts.read(self._cache))


@contextmanager
def _place(binary: str, lane: str, environ: Mapping[str, str]) -> Iterator[_Place]:
    # Where a socket's path is short, whatever TMPDIR says.
    with tempfile.TemporaryDirectory(prefix="sc-", dir="/tmp", ignore_cleanup_errors=True) as root:
        yield _Place(Path(root), binary, lane, environ)
