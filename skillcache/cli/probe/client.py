"""The real Claude Code client, driven through one scripted session at a time."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from skillcache.cli.probe.api import Api, Request, Side, Turn
from skillcache.core.errors import SkillcacheError

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
