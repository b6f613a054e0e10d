"""Claude Code's part in one session: the events it writes to the hook, and the transcript it keeps of the answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from skillcache.core.paths import hooks_folder
from skillcache.messages.inbox import Post
from skillcache.messages.message import token_of
from skillcache.messages.opening import open_post
from tests import ready
from tests.sessions.test_repository import git

HOOK = [sys.executable, "-I", "-S", f"{hooks_folder()}/deliver.py"]


class Project:
    """A repository with a home folder beside it; messages are delivered into its sessions."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.folder = folder
        self.root = folder / "project"
        self.root.mkdir(parents=True)
        git(self.root, "init", "--quiet")
        git(self.root, "checkout", "--quiet", "-b", "main")
        git(self.root, "commit", "--quiet", "--allow-empty", "-m", "first")
        self.environ = {
            "HOME": str(folder / "home"),
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "USER": "somebody",
            "CLAUDE_PID": str(os.getpid()),
            "CLAUDE_PROJECT_DIR": str(self.root),
            "SKILLCACHE_MESSAGES_DELIVER": "1",
            **({"SKILLCACHE_REDIS_URL": url} if url else {}),
        }

    @property
    def cache(self) -> Path:
        return Path(self.environ["HOME"]) / ".cache/skillcache"

    def skillcache(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        ran = ready.skillcache(*words, folder=self.root, environ={**self.environ, **more})
        return subprocess.CompletedProcess(words, *ran)

    def run(self, *words: str, **more: str) -> str:
        done = self.skillcache(*words, **more)
        assert done.returncode == 0, done
        assert done.stderr in ("", "No message for you.\n"), done
        return done.stdout

    @contextmanager
    def post(self) -> Iterator[Post]:
        """As this person's own programs open it."""
        target = self.environ.get("SKILLCACHE_REDIS_URL") or f"embedded:{self.cache}/store.sqlite3"
        post = open_post(target, now=time.time(), patient=True, token=token_of(str(self.cache)))
        yield post
        post.close()

    def agents(self, *words: str) -> list[dict[str, str]]:
        found: list[dict[str, str]] = json.loads(self.run("agents", "--json", *words))
        return found


class Session:
    """One session of the project and its subagents. `heard`: what the hooks told each agent, in order."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.id = str(uuid.uuid4())
        self.transcript = project.folder / f"{self.id}.jsonl"
        self.heard: dict[str, list[str]] = {}

    def event(self, name: str, agent: str = "", **fields: Any) -> bytes:
        told = {"session_id": self.id, "cwd": str(self.project.root), "transcript_path": str(self.transcript)}
        told |= {"agent_id": agent, "agent_type": "reviewer"} if agent else {}
        return json.dumps({**told, "hook_event_name": name, **fields}).encode()

    def hook(self, name: str, agent: str = "", **fields: Any) -> str:
        """What the hook told the agent; "" for nothing."""
        status, out, err = ready.hook("deliver.py", self.event(name, agent, **fields), self.project.environ)
        assert (status, err) == (0, b"")
        return self.hear(out, agent)

    def hear(self, stdout: bytes, agent: str = "") -> str:
        """As the client takes an answer: whole, or not at all."""
        if not stdout:
            return ""
        output = json.loads(stdout)["hookSpecificOutput"]
        text: str = output["additionalContext"]
        self.heard.setdefault(agent, []).append(text)
        path = self.transcript
        if agent:
            path = self.transcript.with_suffix("") / "subagents" / f"agent-{agent}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            attachment = {"type": "hook_additional_context", "content": [text], "hookEvent": output["hookEventName"]}
            file.write(json.dumps({"type": "attachment", "attachment": attachment}) + "\n")
        return text

    def start(self) -> str:
        return self.hook("SessionStart", source="startup")

    def batch(self, agent: str = "", tool: str = "Bash", **given: Any) -> str:
        call = {"tool_name": tool, "tool_input": given or {"command": "ls"}, "tool_use_id": "toolu_1"}
        return self.hook("PostToolBatch", agent, tool_calls=[{**call, "tool_response": "ok"}])


def quoted(text: str) -> list[str]:
    """The lines that others wrote, of an answer."""
    return [line[2:] for line in text.split("\n") if line.startswith("> ")]
