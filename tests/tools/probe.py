"""Records what the real client gives its hooks and the model for calls of the web, of MCP tools and of agents.

    python -m tests.tools.probe

rewrites tests/tools/data/*.json: for each named call its last event, and the content that the model was given.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skillcache.cli.checks.client import Client
from skillcache.cli.checks.messages_api import ToolCall, blocks_of
from tests.e2e.client import find_client
from tests.e2e.pages import HOST, Page, Pages

DATA = Path(__file__).parent / "data"
SERVER = Path(__file__).parent / "shapes_server.py"
HOOK = "#!/bin/sh\n{ cat; echo; } >> %s\n"
PAGES = {
    "/a": Page("<h1>A title</h1><p>A page</p>"),
    "/same": Page("", 302, headers=("location: /a",)),
    "/elsewhere": Page("", 302, headers=("location: https://example.com/b",)),
    "/missing": Page("no such page", 404),
    "/broken": Page("boom", 500),
    "/empty": Page(""),
    "/part": Page("a part", 206, "text/plain", ("content-range: bytes 0-5/100",)),
    "/long": Page("word " * 30_000, 200, "text/plain"),
    "/binary": Page(b"%PDF-1.4\0\1", 200, "application/pdf"),
    "/nothing": Page("", 204),
}


def main() -> None:
    binary = find_client()
    if binary is None:
        raise SystemExit("no client: see tests/e2e/client.py")
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder).resolve(), binary)
        with Pages(place.root / "pages", PAGES) as pages:
            place.record("webfetch", fetches(), env=pages.environment, side=read_page)
        place.record("websearch", searches(), side=search)
        place.record("mcp", shapes(), mcp_config=place.servers())
        place.record(
            "mcp_limited", {"long": shapes()["long"]}, mcp_config=place.servers(), env={"MAX_MCP_OUTPUT_TOKENS": "500"}
        )
        place.record("agent", *agents())


class Place:
    """A project whose hooks keep every event."""

    def __init__(self, root: Path, binary: str) -> None:
        self.root = root
        self.project, self.events = root / "project", root / "events"
        for path in (self.project, root / "home/tmp"):
            path.mkdir(parents=True)
        hook = root / "hook"
        hook.write_text(HOOK % self.events)
        hook.chmod(0o755)
        entry = [{"hooks": [{"type": "command", "command": str(hook)}]}]
        names = ("PreToolUse", "PostToolUse", "PostToolUseFailure", "SubagentStop")
        self.settings = root / "settings.json"
        self.settings.write_text(json.dumps({"skipWebFetchPreflight": True, "hooks": dict.fromkeys(names, entry)}))
        self.client = Client(binary, root / "home")

    def servers(self) -> Path:
        path = self.root / "servers.json"
        path.write_text(json.dumps({"mcpServers": {"shapes": {"command": sys.executable, "args": [str(SERVER)]}}}))
        return path

    def record(
        self, name: str, calls: Mapping[str, ToolCall], agents: Mapping[str, Any] | None = None, **options: Any
    ) -> None:
        self.events.unlink(missing_ok=True)
        session = self.client.run(self.project, list(calls.values()), settings=self.settings, agents=agents, **options)
        given = {
            block["tool_use_id"]: block.get("content")
            for request in session.requests
            for message in request.messages
            for block in blocks_of(message)
            if block["type"] == "tool_result"
        }
        events = [json.loads(line) for line in self.events.read_text().split("\n") if line.strip()]
        last = {event["tool_use_id"]: event for event in events if "tool_use_id" in event}
        ids = [result.id for result in session.results]
        recorded: dict[str, Any] = {
            call: {"event": last[id_], "model": given[id_]} for call, id_ in zip(calls, ids, strict=True)
        }
        stops = [event for event in events if event["hook_event_name"] == "SubagentStop"]
        if stops:
            recorded["stops"] = stops
        text = json.dumps(recorded, indent=1).replace(str(self.root), "/place").replace(sys.executable, "python")
        (DATA / f"{name}.json").write_text(text + "\n")


def fetches() -> dict[str, ToolCall]:
    def fetch(path: str, **more: Any) -> ToolCall:
        return ToolCall("WebFetch", {"url": f"https://{HOST}{path}", "prompt": "what is it?", **more})

    plain = {path[1:]: fetch(path) for path in PAGES}
    return {
        **plain,
        "fragment": fetch("/a#part"),
        "past_the_end": fetch("/a", offset=99_999),
        "read_on": fetch("/long", offset=100_000),
        "localhost": ToolCall("WebFetch", {"url": "http://localhost/x", "prompt": "what is it?"}),
        "user": ToolCall("WebFetch", {"url": f"https://me:word@{HOST}/a", "prompt": "what is it?"}),
    }


def read_page(_body: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": "It is a page — “quoted”."}]


def searches() -> dict[str, ToolCall]:
    queries = ("plain", "two searches", "no links", "no search", "an error", "half an error", "silence")
    calls = {query.replace(" ", "_"): ToolCall("WebSearch", {"query": query}) for query in queries}
    return {
        **calls,
        "domains": ToolCall("WebSearch", {"query": "plain", "allowed_domains": ["b.example", "a.example"]}),
    }


def search(body: dict[str, Any]) -> list[dict[str, Any]]:
    asked = json.dumps(body["messages"])
    if "web_search" not in json.dumps(body.get("tools")):
        return read_page(body)
    one = _found("1", [("Title one", "https://a.example/1"), ("Title two", "https://b.example/2?x=1&y=2")])
    two = _found("2", [('É "q" </x>\u2028\x07', "https://a.example/3")])
    none = _found("1", [])
    failed = [_asked("3"), _result("3", {"type": "web_search_tool_result_error", "error_code": "unavailable"})]
    said = {"type": "text", "text": "Here is what I found."}
    scripts: dict[str, list[dict[str, Any]]] = {
        "two searches": [{"type": "text", "text": "I look."}, *one, *two, said, {"type": "text", "text": "And more."}],
        "no links": [*none, said],
        "no search": [said],
        "half an error": [*one, *failed, said],
        "an error": [*failed, said],
        "silence": [],
    }
    return next((script for query, script in scripts.items() if query in asked), [*one, said])


def _asked(number: str) -> dict[str, Any]:
    return {"type": "server_tool_use", "id": f"srvtoolu_{number}", "name": "web_search", "input": {"query": "q"}}


def _result(number: str, content: Any) -> dict[str, Any]:
    return {"type": "web_search_tool_result", "tool_use_id": f"srvtoolu_{number}", "content": content}


def _found(number: str, links: list[tuple[str, str]]) -> list[dict[str, Any]]:
    content = [
        {"type": "web_search_result", "title": title, "url": url, "encrypted_content": "xx", "page_age": None}
        for title, url in links
    ]
    return [_asked(number), _result(number, content)]


def shapes() -> dict[str, ToolCall]:
    from tests.tools.shapes_server import RESULTS

    return {name: ToolCall(f"mcp__shapes__{name}", {}) for name in RESULTS}


def agents() -> tuple[dict[str, ToolCall], dict[str, Any]]:
    def ask(prompt: str, kind: str = "general-purpose", **more: Any) -> ToolCall:
        given = {"description": "a task", "prompt": prompt, "subagent_type": kind, "run_in_background": False, **more}
        return ToolCall("Agent", given)

    look = ToolCall("Bash", {"command": "echo hi", "description": "look"})
    calls = {
        "plain": ask("task-plain"),
        "with_tools": ask("task-tools"),
        "explorer": ask("task-explore", "Explore"),
        "model": ask("task-model", model="haiku"),
        "odd": ask("task-odd"),
        "silent": ask("task-silent"),
        "unknown": ask("task-unknown", "nosuch"),
        "background": ask("task-background", run_in_background=True),
        "legacy": ToolCall("Task", ask("task-legacy").input),
        "named": ask("task-named", name="bob"),
    }
    scripts = {
        "task-plain": ["The answer is\n\n 42.\n"],
        "task-tools": [look, "Reviewed."],
        "task-explore": [look, "Explored."],
        "task-model": ["With another model."],
        "task-odd": ["a\r\nb\u2028c\x0bd\n"],
        "task-silent": ["", "", "", ""],
        "task-unknown": ["x"],
        "task-background": ["In the background."],
        "task-legacy": ["By the old name."],
        "task-named": ["By bob."],
    }
    return calls, scripts


if __name__ == "__main__":
    main()
