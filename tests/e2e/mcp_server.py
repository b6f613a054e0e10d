"""A stdio MCP server of three small tools, by the standard library alone.

Every real call leaves a line in the file that $E2E_LOG names, as the project's commands do. Words are counted once
there is a file $E2E_GO_LOCK, where that is set.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

PROTOCOL = "2025-06-18"
TEXT = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
NOTHING = {"type": "object", "properties": {}}
TOOLS = {
    "count_words": ("Counts the words of a text.", TEXT),
    "fail": ("Always fails.", NOTHING),
    "now": ("Tells the time.", NOTHING),
}


def main() -> None:
    for line in sys.stdin:
        request = json.loads(line)
        if "id" in request:  # a notification wants no answer
            answer = {"jsonrpc": "2.0", "id": request["id"], **answer_to(request["method"], request.get("params", {}))}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


def answer_to(method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method == "initialize":
        version = params.get("protocolVersion", PROTOCOL)
        server = {"name": "words", "version": "1"}
        return {"result": {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": server}}
    if method == "tools/list":
        return {
            "result": {
                "tools": [
                    {"name": name, "description": description, "inputSchema": schema}
                    for name, (description, schema) in TOOLS.items()
                ]
            }
        }
    if method == "tools/call":
        return {"result": call(params["name"], params.get("arguments", {}))}
    if method == "ping":
        return {"result": {}}
    return {"error": {"code": -32601, "message": f"no method {method}"}}


def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    runs = os.environ.get("E2E_LOG")
    if runs:
        with open(runs, "a", encoding="utf-8") as file:
            file.write(f"{name} {json.dumps(arguments)}\n")
    if name == "count_words":
        while "E2E_GO_LOCK" in os.environ and not os.path.exists(os.environ["E2E_GO_LOCK"]):
            time.sleep(0.05)
        return said(f"{len(arguments['text'].split())} words")
    if name == "now":
        return said(f"{time.time_ns()}")
    return {**said("it failed"), "isError": True}


def said(text: str) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}]}


if __name__ == "__main__":
    main()
