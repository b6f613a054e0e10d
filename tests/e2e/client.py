"""The real Claude Code client, driven through one scripted session at a time.

The client is the file that SKILLCACHE_TEST_CLAUDE names, else the one that `.ci/run` installs, else `claude` on PATH
where it is of the version the tests pin.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.e2e.api import Api, Request, Side, Turn

VERSION = "2.1.330"
OLD_VERSION = "2.1.296"  # the newest whose mods cannot answer a call that is allowed
TIMEOUT = 60.0
_NOTE = "PreToolUse:Bash hook additional context: "


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

    @property
    def replays(self) -> list[str]:
        """The notes beside replayed results, in the order in which the model received them."""
        # Those of one batch of calls come joined into one text.
        parts = [part for note in self.requests[-1].notes() for part in f"\n\n{note}".split(f"\n\n{_NOTE}")[1:]]
        return [part for part in parts if part.startswith("skillcache")]


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
        prompt: str = "go",
        agents: Mapping[str, Sequence[Turn]] | None = None,
        settings: Path | None = None,
        mode: str | None = None,
        allow: Sequence[str] = (),
        resume: str | None = None,
        plugin: Path | None = None,
        mcp_config: Path | None = None,
        env: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
        side: Side | None = None,
    ) -> Session:
        """Play `turns` in `project`. `mode` None lets every call run without being asked about it."""
        command = [self.binary, "-p", prompt, "--output-format", "stream-json", "--verbose", "--include-hook-events"]
        command += ["--dangerously-skip-permissions"] if mode is None else ["--permission-mode", mode]
        command += ["--settings", str(settings)] if settings else []
        command += ["--allowedTools", *allow] if allow else []
        command += ["--resume", resume] if resume else []
        command += ["--plugin-dir", str(plugin)] if plugin else []
        command += ["--mcp-config", str(mcp_config), "--strict-mcp-config"] if mcp_config else []
        with Api(turns, agents, side) as api:
            started = time.monotonic()
            done = subprocess.run(
                [*command, *options],
                cwd=project,
                env={**self.environment(), "ANTHROPIC_BASE_URL": api.url, **(env or {})},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=TIMEOUT,
                check=False,
            )
            duration = time.monotonic() - started
        stream = [json.loads(line) for line in done.stdout.splitlines() if line.strip()]
        assert stream, f"the client said nothing: {done.stderr.decode(errors='replace')[-2000:]}"
        return Session(api, stream, done.stderr.decode(errors="replace"), done.returncode, duration)

    def environment(self) -> dict[str, str]:
        """What a login gives and what section A of the facts asks for: nothing of the caller's own session leaks in."""
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


def find_client() -> str | None:
    """The path of the client, or None where this machine has none of the pinned version."""
    named = os.environ.get("SKILLCACHE_TEST_CLAUDE")
    if named:
        return named
    installed = tools_folder() / "node_modules/@anthropic-ai/claude-code-linux-x64/claude"
    if installed.exists():
        return str(installed)
    on_path = shutil.which("claude")
    if on_path:
        said = subprocess.run([on_path, "--version"], capture_output=True, text=True, timeout=TIMEOUT, check=False)
        if said.stdout.startswith(VERSION):
            return on_path
    return None


def find_old_client() -> str | None:
    """The path of a client of OLD_VERSION, or None."""
    path = Path(f"{tools_folder()}-old") / "node_modules/@anthropic-ai/claude-code-linux-x64/claude"
    return str(path) if path.exists() else None


def tools_folder() -> Path:
    """Where `.ci/run` installs the client."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache) / "skillcache-test"
