"""A Messages API on loopback that answers from a script: the model's part in a session of the real client.

A script is a list of turns, one for each request of the main conversation. A turn is what the model says: a text, or
the tool calls of one message, which the client runs in parallel; or a function of the request that returns either,
which is also the place to change the world between two turns. A script that has run out answers "done".
A subagent's conversation has a script of its own, found by a text that its first prompt contains.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeAlias

MODEL = "claude-sonnet-4-5"


class ToolCall(NamedTuple):
    tool: str
    input: dict[str, Any]


def bash(command: str, **more: Any) -> ToolCall:
    return ToolCall("Bash", {"command": command, "description": "a step of the script", **more})


class Result(NamedTuple):
    """One tool_result block as the model received it."""

    id: str
    text: str
    is_error: bool


class Request(NamedTuple):
    """One request of the client for the next message of a conversation; at: when it came, by time.monotonic."""

    conversation: str
    body: dict[str, Any]
    at: float

    @property
    def messages(self) -> list[dict[str, Any]]:
        return list(self.body["messages"])

    def results(self) -> list[Result]:
        """Every tool result of the conversation so far, in order."""
        return [
            Result(block["tool_use_id"], text_of(block.get("content")), bool(block.get("is_error")))
            for message in self.messages
            for block in blocks_of(message)
            if block["type"] == "tool_result"
        ]

    def notes(self) -> list[str]:
        """The texts beside the tool results: what the client and its hooks told the model, in order."""
        return [
            block["text"]
            for message in self.messages
            if message["role"] != "assistant"
            for block in blocks_of(message)
            if block["type"] == "text"
        ]


# What the API says to a request beside the conversation: content blocks.
Side: TypeAlias = Callable[[dict[str, Any]], list[dict[str, Any]]]
Turn: TypeAlias = "str | ToolCall | Sequence[ToolCall] | Callable[[Request], Turn]"


def blocks_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def text_of(content: Any) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    return "".join(block.get("text", f"<{block['type']}>") for block in content)


class Api:
    """Serves one script while it is entered; `requests` is what the client asked, in order of arrival."""

    def __init__(
        self, turns: Sequence[Turn], agents: Mapping[str, Sequence[Turn]] | None = None, side: Side | None = None
    ) -> None:
        self.requests: list[Request] = []
        self._side = side or (lambda _body: [{"type": "text", "text": "side"}])
        self._scripts = {"main": list(turns), **{key: list(value) for key, value in (agents or {}).items()}}
        self._served = dict.fromkeys(self._scripts, 0)
        self._lock = threading.Lock()
        self._ids = uuid.uuid4().hex  # a real tool_use_id never comes twice
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def of(self, conversation: str = "main") -> list[Request]:
        return [request for request in self.requests if request.conversation == conversation]

    def answer(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """The content blocks that the script has for this request."""
        if not any("input_schema" in tool for tool in body.get("tools", ())):
            return self._side(body)  # a title, a page to be summed up, a search: no part of the conversation
        request = Request(self._conversation(body), body, time.monotonic())
        with self._lock:
            self.requests.append(request)
            number = self._served[request.conversation]
            self._served[request.conversation] = number + 1
        script = self._scripts[request.conversation]
        turn = script[number] if number < len(script) else "done"
        while callable(turn):
            turn = turn(request)
        if isinstance(turn, str):
            return [{"type": "text", "text": turn}]
        calls = [turn] if isinstance(turn, ToolCall) else turn
        name = list(self._scripts).index(request.conversation)
        return [
            {
                "type": "tool_use",
                "id": f"toolu_{self._ids}_{name}_{number}_{place}",
                "name": call.tool,
                "input": call.input,
            }
            for place, call in enumerate(calls)
        ]

    def _conversation(self, body: dict[str, Any]) -> str:
        first = "".join(block.get("text", "") for block in blocks_of(body["messages"][0]))
        return next((key for key in self._scripts if key != "main" and key in first), "main")


def _handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # a head and a body sent apart would wait 40 ms for each other
        wbufsize = -1

        def do_HEAD(self) -> None:
            self._send(b"")

        def do_GET(self) -> None:
            self._send(b"{}")

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
            path = self.path.partition("?")[0]
            if path.endswith("/count_tokens"):
                self._send(b'{"input_tokens": 10}')
            elif not path.endswith("/messages"):
                self._send(b"{}")
            elif body.get("stream"):
                self._send(_stream(api.answer(body)), "text/event-stream")
            else:
                content = api.answer(body)
                self._send(json.dumps(_message(content) | {"stop_reason": _stop_reason(content)}).encode())

        def log_message(self, *_args: Any) -> None:
            """Silence: the log is `Api.requests`."""

        def _send(self, body: bytes, kind: str = "application/json") -> None:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    return Handler


def _message(content: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": f"msg_{uuid.uuid4().hex}",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": content,
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 10},
    }


def _stop_reason(content: list[dict[str, Any]]) -> str:
    return "tool_use" if any(block["type"] == "tool_use" for block in content) else "end_turn"


def _stream(content: list[dict[str, Any]]) -> bytes:
    events: list[dict[str, Any]] = [{"type": "message_start", "message": _message([])}]
    for index, block in enumerate(content):
        start, delta = block, None
        if block["type"] == "text":
            start = {"type": "text", "text": ""}
            delta = {"type": "text_delta", "text": block["text"]}
        elif "input" in block:
            start = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        events += [
            {"type": "content_block_start", "index": index, "content_block": start},
            *([{"type": "content_block_delta", "index": index, "delta": delta}] if delta else ()),
            {"type": "content_block_stop", "index": index},
        ]
    events += [
        {
            "type": "message_delta",
            "delta": {"stop_reason": _stop_reason(content), "stop_sequence": None},
            "usage": {"output_tokens": 10},
        },
        {"type": "message_stop"},
    ]
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()
