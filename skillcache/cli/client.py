"""Claude Code's part in one Bash call: the events it writes to the hooks, and what it does with their answer."""

import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping
from typing import Any, NamedTuple

from skillcache.claude_settings import EVENTS, MARK
from skillcache.outcome import Outcome
from skillcache.paths import cache_folder, hooks_folder
from skillcache.tally import read

_HOOK_SECONDS = 10


class Ran(NamedTuple):
    """What a call came to. `output`: both streams, as the model reads them."""

    output: bytes
    status: int
    seconds: float
    hook_seconds: float
    outcomes: list[Outcome]


class Client:
    """One session in `project`; `environ` is the whole environment of hooks and commands."""

    def __init__(self, project: str, environ: Mapping[str, str]) -> None:
        self.environ = {**environ, "CLAUDE_PROJECT_DIR": project}
        self._project = project
        self._session = str(uuid.uuid4())

    def call(self, line: str) -> Ran:
        counted = len(read(cache_folder(self.environ)))
        started = time.monotonic()
        id_ = f"toolu_{uuid.uuid4().hex}"
        answer = self._hook("PreToolUse", id_, line)
        rewritten = answer.get("hookSpecificOutput", {}).get("updatedInput", {}).get("command")
        before = time.monotonic()
        shell = shutil.which("bash", path=self.environ["PATH"]) or "/bin/sh"
        done = subprocess.run(
            [shell, "-c", rewritten or line],
            cwd=self._project,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        after = time.monotonic()
        if rewritten is None:  # the client starts no hook behind a replay: no entry's `if` matches it
            self._settle(id_, line, done, int((after - before) * 1000))
        ended = time.monotonic()
        hooks = ended - started - (after - before)
        outcomes = [count.outcome for count in read(cache_folder(self.environ))[counted:]]
        return Ran(done.stdout, done.returncode, ended - started, hooks, outcomes)

    def _settle(self, id_: str, line: str, done: "subprocess.CompletedProcess[bytes]", milliseconds: int) -> None:
        text = done.stdout.decode("utf-8", "replace")
        if done.returncode:
            error = f"Exit code {done.returncode}\n{text}"
            more: dict[str, Any] = {"error": error, "is_interrupt": False}
        else:
            more = {"tool_response": {"stdout": text, "stderr": "", "interrupted": False, "isImage": False}}
        self._hook(
            "PostToolUseFailure" if done.returncode else "PostToolUse", id_, line, duration_ms=milliseconds, **more
        )

    def _hook(self, event: str, id_: str, line: str, **more: Any) -> dict[str, Any]:
        """The hook's answer; {} when it said nothing."""
        told = {
            "session_id": self._session,
            "transcript_path": os.path.join(self._project, "none.jsonl"),
            "cwd": self._project,
            "permission_mode": "default",
            "hook_event_name": event,
            "tool_name": "Bash",
            "tool_input": {"command": line, "description": "Run the tests"},
            "tool_use_id": id_,
            **more,
        }
        done = subprocess.run(
            [sys.executable, "-I", "-S", os.path.join(hooks_folder(), EVENTS[event]), MARK],
            cwd=self._project,
            env=self.environ,
            input=json.dumps(told).encode(),
            capture_output=True,
            timeout=_HOOK_SECONDS,
            check=False,
        )
        answer = json.loads(done.stdout or b"{}")
        return answer if isinstance(answer, dict) else {}
