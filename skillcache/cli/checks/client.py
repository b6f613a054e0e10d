"""The real client in a scripted session, and the proof that our lane answers in it.

A command that prints something else at every run is asked for twice; its runs leave a line each. What a rule refuses is
asked for as well, and calls are timed against the same ones without us.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from skillcache.cli.checks.messages_api import Api, Request, Side, Turn, bash
from skillcache.cli.setup.bundle import lay_out
from skillcache.cli.setup.settings_file import USER, add, present_edit
from skillcache.core import counts
from skillcache.core.git import make_repository
from skillcache.core.outcomes import SkillcacheError
from skillcache.core.paths import cache_folder, shims_folder

TIMEOUT = 60.0


class Silent(SkillcacheError):
    """The client ended without a word."""


class Result(NamedTuple):
    """What a tool call came to: the model's text, and the client's own structured result where it gives one."""

    id: str
    text: str
    is_error: bool
    structured: Any


class HookRun(NamedTuple):
    """One hook process as the client reports it."""

    event: str
    name: str
    stdout: str
    stderr: str
    exit_code: int | None
    outcome: str


class Session:
    """A finished run of the client."""

    def __init__(self, api: Api, stream: list[dict[str, Any]], stderr: str, exit_code: int, duration: float) -> None:
        self.api = api
        self.stream = stream
        self.stderr = stderr
        self.exit_code = exit_code
        self.duration = duration
        self.id = next(str(event["session_id"]) for event in stream if "session_id" in event)

    @property
    def requests(self) -> list[Request]:
        return self.api.of("main")

    @property
    def results(self) -> list[Result]:
        """The tool results in the order of the calls in the model's messages, subagents' left out."""
        calls, found = [], {}
        for event in self.stream:
            if event.get("parent_tool_use_id") or event["type"] not in ("assistant", "user"):
                continue
            content = event["message"]["content"]
            for block in content if isinstance(content, list) else []:
                if block["type"] == "tool_use":
                    calls.append(block["id"])
                elif block["type"] == "tool_result":
                    found[block["tool_use_id"]] = event.get("tool_use_result")
        texts = {result.id: result for request in self.requests for result in request.results()}
        return [Result(id_, texts[id_].text, texts[id_].is_error, found.get(id_)) for id_ in calls if id_ in texts]

    @property
    def times(self) -> list[float]:
        """Milliseconds from each message of the model to the request that carries what came of it."""
        return [(after.at - before.at) * 1_000 for before, after in pairwise(self.requests)]

    @property
    def texts(self) -> list[str]:
        return [result.text for result in self.results]

    @property
    def hooks(self) -> list[HookRun]:
        return [
            HookRun(
                event["hook_event"],
                event["hook_name"],
                event.get("stdout", ""),
                event.get("stderr", ""),
                event.get("exit_code"),
                event["outcome"],
            )
            for event in self.stream
            if event.get("subtype") == "hook_response"
        ]


class Client:
    """The client at `binary`, with a home of its own; `env` is what its environment has beyond the bare needs."""

    def __init__(self, binary: str, home: Path, env: Mapping[str, str] | None = None) -> None:
        self.binary = binary
        self.home = home
        self.env = dict(env or {})

    def run(
        self,
        project: Path,
        turns: Sequence[Turn],
        *,
        agents: Mapping[str, Sequence[Turn]] | None = None,
        side: Side | None = None,
        **options: Any,
    ) -> Session:
        """Play `turns` in `project`; `options`: see `start`. Raises Silent and subprocess.TimeoutExpired."""
        with Api(turns, agents, side) as api:
            started = time.monotonic()
            process = self.start(project, api, **options)
            try:
                stdout, stderr = process.communicate(timeout=TIMEOUT)
            except BaseException:
                process.kill()
                process.communicate()
                raise
            duration = time.monotonic() - started
        stream = [json.loads(line) for line in stdout.splitlines() if line.strip()]
        if not stream:
            raise Silent(f"the client said nothing: {stderr.decode(errors='replace')[-2000:]}")
        return Session(api, stream, stderr.decode(errors="replace"), process.returncode, duration)

    def start(
        self,
        project: Path,
        api: Api,
        *,
        prompt: str = "go",
        settings: Path | None = None,
        mode: str | None = None,
        allow: Sequence[str] = (),
        resume: str | None = None,
        plugin: Path | None = None,
        mcp_config: Path | None = None,
        env: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
        talk: bool = False,
    ) -> subprocess.Popen[bytes]:
        """Begin a session.

        `mode` None lets every call run without being asked about it; `talk`: the messages come on standard input.
        """
        command = [
            self.binary,
            "-p",
            *([] if talk else [prompt]),
            "--output-format",
            "stream-json",
            "--verbose",
            "--include-hook-events",
        ]
        command += ["--dangerously-skip-permissions"] if mode is None else ["--permission-mode", mode]
        command += ["--settings", str(settings)] if settings else []
        command += ["--allowedTools", *allow] if allow else []
        command += ["--resume", resume] if resume else []
        command += ["--plugin-dir", str(plugin)] if plugin else []
        command += ["--mcp-config", str(mcp_config), "--strict-mcp-config"] if mcp_config else []
        return subprocess.Popen(
            [*command, *options],
            cwd=project,
            env={**self.environment(), "ANTHROPIC_BASE_URL": api.url, **(env or {})},
            stdin=subprocess.PIPE if talk else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def environment(self) -> dict[str, str]:
        """What a login gives and what keeps the client to itself: nothing of the caller's own session leaks in."""
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "SHLVL": "1",  # without it every bash of the client reads ~/.bashrc
            "TMPDIR": str(self.home / "tmp"),
            "HOME": str(self.home),
            "ANTHROPIC_API_KEY": "not-a-key",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_ERROR_REPORTING": "1",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "IS_SANDBOX": "1",
            **self.env,
        }


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
    spared: whether nothing ran for a repeat; respected: whether a deny rule stopped a call that could have been
    answered; miss, hit: milliseconds that such a call takes more than without us, which is bare.
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


_UNPREPARED = Proof(
    prepared=False, reached=False, answered=False, spared=False, respected=False, miss=0.0, hit=0.0, bare=0.0
)


def prove(
    binary: str, lane: str, environ: Mapping[str, str], tell: Callable[[str], None], *, timed: bool = True
) -> Proof:
    """`environ`: of the person, for PATH alone; `tell`: takes what is being done, for it takes many seconds.

    `timed`: whether it is to say how long calls take. Raises SkillcacheError and OSError.
    """
    with _place(binary, lane, environ) as place:
        of = f"of {3 if timed else 2}"
        others = [f"{_ALLOWED} {number}" for number in range(_CALLS)] if timed else []
        tell(f"proof of {lane}, session 1 {of}: commands and their repeats")
        first = place.play([_ALLOWED, _ALLOWED, _DENIED, *others, *others])
        if not place.is_prepared():
            return _UNPREPARED
        ran = place.runs()
        rules = ["--disallowedTools", f"Bash({_DENIED}:*)"]
        tell(f"proof of {lane}, session 2 {of}: a command that a rule denies")
        second = place.play([_ALLOWED, _DENIED], mode="default", allow=[f"Bash({_ALLOWED}:*)"], options=rules)
        refused = [result.is_error for result in second.results] == [False, True]
        bare = miss = hit = 0.0
        if timed:
            tell(f"proof of {lane}, session 3 {of}: how long calls take without it")
            bare = median(place.play([_ALLOWED, *others], bare=True).times[1:])
            with_us = first.times[3:]
            miss, hit = median(with_us[:_CALLS]) - bare, median(with_us[_CALLS:]) - bare
        return Proof(
            prepared=True,
            reached=place.is_reached(),
            answered=len({result.text for result in (*first.results[:2], *second.results[:1])}) == 1,
            spared=ran == 2 + len(others),
            respected=refused,
            miss=miss,
            hit=hit,
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
