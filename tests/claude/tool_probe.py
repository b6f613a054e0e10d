"""Asks the real client what it does with every rule and call of tool_matrix.py.

    python -m tests.claude.tool_probe > tests/data/tool_permission_matrix.json

One session a rule and kind: deny and ask rules with permissions skipped, allow rules in the default mode. The file has
for each rule one mark for each call: 1 for stopped, or for made under an allow rule. A call was made when the client
told its hooks of its success; a page need not be there.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from skillcache.cli.checks.client import Client
from skillcache.cli.checks.messages_api import ToolCall
from tests.claude.tool_matrix import AGENT, ASKED, CALLS, RULES, SERVERS
from tests.e2e.client import VERSION, find_client
from tests.e2e.pages import Page, Pages

MCP_SERVER = Path(__file__).parent.parent / "e2e/mcp_server.py"
RULES_OF = {"deny": RULES, "ask": ASKED, "allow": [*RULES, ""]}


def main() -> None:
    binary = find_client()
    if binary is None:
        raise SystemExit("no client: see tests/e2e/client.py")
    tables: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder).resolve()
        with Pages(root / "pages", {"/a": Page("<p>A page</p>")}) as pages:
            place = _Place(root, binary, pages)
            for kind, rules in RULES_OF.items():
                tables[kind] = {rule: place.play(kind, rule) for rule in rules}
    json.dump({"client": VERSION, "calls": CALLS, **tables}, sys.stdout, indent=1)
    sys.stdout.write("\n")


class _Place:
    """A project with an agent of its own, and a hook that leaves a line for every call that has ended."""

    def __init__(self, root: Path, binary: str, pages: Pages) -> None:
        self.project, self.ended = root / "project", root / "ended"
        for path in (self.project / ".claude/agents", root / "home/tmp"):
            path.mkdir(parents=True)
        (self.project / ".claude/agents/rev.md").write_text(AGENT)
        hook = root / "hook"
        hook.write_text(f"#!/bin/sh\n{{ cat; echo; }} >> {self.ended}\n")
        hook.chmod(0o755)
        entry = [{"hooks": [{"type": "command", "command": str(hook)}]}]
        self.hooks = {"PostToolUse": entry, "PostToolUseFailure": entry}
        self.settings, self.servers = root / "settings.json", root / "servers.json"
        server = {"command": sys.executable, "args": [str(MCP_SERVER)]}
        self.servers.write_text(json.dumps({"mcpServers": dict.fromkeys(SERVERS, server)}))
        self.client = Client(binary, root / "home", pages.environment)

    def play(self, kind: str, rule: str) -> str:
        permissions = {kind: [rule] if rule else []}
        self.settings.write_text(
            json.dumps({"skipWebFetchPreflight": True, "permissions": permissions, "hooks": self.hooks})
        )
        self.ended.unlink(missing_ok=True)
        session = self.client.run(
            self.project,
            [ToolCall(tool, given) for tool, given in CALLS],
            agents={"the task": ["done"] * len(CALLS)},
            settings=self.settings,
            mcp_config=self.servers,
            mode="default" if kind == "allow" else None,
        )
        lines = self.ended.read_text().split("\n") if self.ended.exists() else []
        events = [json.loads(line) for line in lines if line.strip()]
        made_by = {event["tool_use_id"] for event in events if event["tool_name"] == "WebFetch" or "error" not in event}
        results = session.results
        if not results:  # the rule took every tool away
            made = "0" * len(CALLS)
        else:
            assert len(results) == len(CALLS)
            made = "".join("01"[result.id in made_by] for result in results)
        sys.stderr.write(f"{kind} {rule!r} {made}\n")
        return made if kind == "allow" else made.translate(str.maketrans("01", "10"))


if __name__ == "__main__":
    main()
