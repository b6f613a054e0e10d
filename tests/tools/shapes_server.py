"""A stdio MCP server whose tools give results of every shape that the client treats in its own way."""

from __future__ import annotations

import json
import sys
from typing import Any

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="


def text(content: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": content, **more}


RESULTS: dict[str, dict[str, Any]] = {
    "one": {"content": [text("one text")]},
    "several": {"content": [text("first"), text("second\n"), text("third")]},
    "spaces": {"content": [text("  keep \n\n me  \n")]},
    "odd": {"content": [text("a\x1b[31mred\x1b[0m\r\nb\u2028c\U0001f600 \x07")]},
    "noted": {"content": [text("annotated", annotations={"audience": ["user"]}, _meta={"k": 1})], "_meta": {"z": 1}},
    "structured": {"content": [text("for people")], "structuredContent": {"b": 1, "a": "é </x>", "n": [2.5, None]}},
    "link": {"content": [{"type": "resource_link", "uri": "file:///x.txt", "name": "x", "description": "d"}]},
    "resource": {
        "content": [
            {"type": "resource", "resource": {"uri": "file:///x.txt", "mimeType": "text/plain", "text": "in it"}}
        ]
    },
    "image": {"content": [text("see"), {"type": "image", "data": PNG, "mimeType": "image/png"}]},
    "audio": {"content": [{"type": "audio", "data": "AAAA", "mimeType": "audio/wav"}]},
    "blob": {
        "content": [
            {"type": "resource", "resource": {"uri": "file:///x", "mimeType": "application/x-y", "blob": "AAAA"}}
        ]
    },
    "empty": {"content": []},
    "blank": {"content": [text(" \n "), text("")]},
    "error": {"content": [text("it failed"), text("twice")], "isError": True},
    "long": {"content": [text("word " * 2_400)]},
}


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if "id" in request:
            answer = {"jsonrpc": "2.0", "id": request["id"], "result": answer_to(request)}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


def answer_to(request: dict[str, Any]) -> dict[str, Any]:
    parameters = request.get("params", {})
    if request["method"] == "initialize":
        version = parameters["protocolVersion"]
        server = {"name": "shapes", "version": "1"}
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server}
    if request["method"] == "tools/list":
        schema = {"type": "object", "properties": {}}
        return {"tools": [{"name": name, "description": name, "inputSchema": schema} for name in RESULTS]}
    if request["method"] == "tools/call":
        return RESULTS[parameters["name"]]
    return {}


if __name__ == "__main__":
    main()
