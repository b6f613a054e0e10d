"""What the hooks of sessions cost as a project's history grows: whole processes, interleaved, medians and ratios."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from skillcache.sessions.delivery import open_journal
from skillcache.sessions.journal import Journal
from tests.benchmarks.timing import interleave
from tests.conftest import start_redis
from tests.sessions.conftest import Teller, bash, edit, end, prompt, reply, start, todo
from tests.sessions.test_repository import git

_HOOKS = Path(__file__).parents[2] / "hooks"
_SIZES = {"no session": (0, 0), "10 sessions, 1,000 events": (10, 100), "1,000 sessions, 100,000 events": (1_000, 100)}
_TTL = 86_400


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        server = start_redis(Path(folder) / "redis")
        try:
            for store in ("embedded", "redis"):
                _report(store, Path(folder) / store, server.url if store == "redis" else "", rounds)
        finally:
            server.stop()


def _report(store: str, folder: Path, url: str, rounds: int) -> None:
    cases: dict[str, Callable[[], None]] = {"bare interpreter": _bare}
    for number, (size, (sessions, events)) in enumerate(_SIZES.items()):
        # Redis holds all three; each is a project of its own.
        home = folder / str(number)
        project = home / "project"
        project.mkdir(parents=True)
        git(project, "init", "--quiet")
        git(project, "remote", "add", "origin", f"https://example.org/bench/{store}-{number}.git")
        git(project, "commit", "--quiet", "--allow-empty", "-m", "first")
        journal = open_journal(url or f"embedded:{home}/cache/store.sqlite3", now=time.time(), patient=True)
        fill(journal, f"example.org/bench/{store}-{number}", git(project, "rev-parse", "HEAD"), sessions, events)
        journal.close()
        environ = {"HOME": str(home), "PATH": os.environ["PATH"], "SKILLCACHE_HOME": f"{home}/cache"}
        environ |= {"CLAUDE_PROJECT_DIR": str(project), "SKILLCACHE_REDIS_URL": url}
        environ["CLAUDE_ENV_FILE"] = f"{home}/session.sh"  # the session's commands are answered as well
        cases[f"SessionStart, {size}"] = _hook("session_start", environ, project, "SessionStart", source="startup")
        edited = {"tool_name": "Edit", "tool_input": {"file_path": f"{project}/a.py"}, "tool_response": {}}
        cases[f"record an edit, {size}"] = _hook("record", environ, project, "PostToolUse", **edited)
    print(f"{store}:")
    medians = _measure(cases, rounds)
    for name, value in medians.items():
        print(f"  {name:48} {value:7.2f} ms  {value / medians['bare interpreter']:5.2f} x")


def fill(journal: Journal, project: str, commit: str, sessions: int, events: int) -> None:
    """A history of `sessions`, each of `events`, the last an hour ago."""
    teller = Teller(int(time.time() * 1000) - 3_600_000 - sessions * events * 1_000, commit=commit, project=project)
    for session in range(sessions):
        name = f"{project.rpartition('/')[2]}-{session}"
        story = [start(name), prompt("make the parser faster, please", name)]
        story += [
            edit(f"src/module{n % 30}.py", name) if n % 2 else bash(f"pytest -q tests/test_{n}.py", name, status=n % 3)
            for n in range(events - 5)
        ]
        story += [todo(("pending", "document it"), session=name), reply("half done", name), end(name)]
        journal.tell(teller.lines(*story), ttl=_TTL)


def _measure(cases: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    times = interleave(cases, rounds)
    return {name: statistics.median(values) * 1000 for name, values in times.items()}


def _bare() -> None:
    subprocess.run([sys.executable, "-I", "-S", "-c", "pass"], input=b"{}", check=True, capture_output=True)


def _hook(script: str, environ: dict[str, str], project: Path, name: str, **fields: object) -> Callable[[], None]:
    told = {"session_id": "bench", "cwd": str(project), "hook_event_name": name, **fields}
    data = json.dumps(told).encode()
    argv = [sys.executable, "-I", "-S", str(_HOOKS / f"{script}.py")]

    def run() -> None:
        subprocess.run(argv, input=data, env=environ, check=True, capture_output=True)

    return run


if __name__ == "__main__":
    main()
