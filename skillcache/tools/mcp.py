"""MCP tools: whatever a server offers, by what the server is and the arguments in their canonical form.

Observed on the client: `tool_response` is the list of content blocks, or the text of `structuredContent`; images, audio
and binary resources are kept in a file of the session, whose path stands in a text block; a result with `isError` is a
PostToolUseFailure.
"""

import os

from skillcache.cache import put
from skillcache.cache.decision import Described
from skillcache.claude import Result, ToolEvent, Unusable, packed, parsed, response_of, shown
from skillcache.claude.mcp_servers import PLUGIN_ROOT, Server, find_server
from skillcache.core import files
from skillcache.core.files import digest, keyed
from skillcache.core.git import find_root, identity
from skillcache.core.json import canonical
from skillcache.core.outcomes import CUT, EMPTY, FAILURE, NOT_TEXT, UNCAPTURABLE, UNKNOWN_SERVER, Bypass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from skillcache.stores.entry import Row

_LARGEST = 1 << 20  # bytes of a server's own file; of a larger one its size and time stand for it
_TOO_LONG = "exceeds maximum allowed tokens"
_TRUNCATED = "[OUTPUT TRUNCATED - exceeded "
_SESSION_FILE = "/tool-results/"


class Mcp:
    """See `skillcache.tools.registry.Kind`."""

    def describe(self, event: ToolEvent) -> Described:
        try:
            arguments = canonical(event.input)
        except ValueError as fault:
            raise Bypass(UNCAPTURABLE, str(fault)) from None
        return Described(f"{event.tool} {arguments}", (("tool", "", event.tool), ("arguments", "", arguments)))

    def surroundings(self, event: ToolEvent, folder: str, environ: "Mapping[str, str]") -> "tuple[Row, ...]":
        server = find_server(event.tool, event.server, folder, environ)
        if server.definition is None:
            return ("server", server.name, server.source), _person(event, environ)
        try:
            text = canonical(server.definition)
        except ValueError as fault:
            raise Bypass(UNKNOWN_SERVER, str(fault)) from None
        rows: tuple[Row, ...] = (("server", server.name, keyed(digest(text.encode("utf-8")))),)
        if "command" in server.definition:  # it runs in the project, with the client's environment
            root = find_root(os.path.realpath(folder)) or folder
            return (*rows, ("project", "", _identity(root)), *_files(server, folder))
        if "url" not in server.definition:
            raise Bypass(UNKNOWN_SERVER, server.name)
        # Without headers the client logs in by itself, and the results are those of an account.
        signed_in = not server.definition.get("headers") or "headersHelper" in server.definition
        return (*rows, _person(event, environ)) if signed_in else rows

    def read(self, event: ToolEvent, cap: int) -> Result:
        response = response_of(event)
        if isinstance(response, dict) and response.get("isError"):
            raise Unusable(FAILURE)
        if not isinstance(response, str | list | dict):
            raise Unusable(EMPTY if response is None else NOT_TEXT)
        texts = _texts(response)
        if isinstance(response, str) and response.startswith("Error: ") and _TOO_LONG in response:
            raise Unusable(CUT)
        if any(_TRUNCATED in text for text in texts):
            raise Unusable(CUT)
        if any(_SESSION_FILE in text for text in texts):
            raise Unusable(NOT_TEXT)
        if not response or not _says_something(response, texts):
            raise Unusable(EMPTY)
        return packed(response, cap)

    def text_of(self, output: bytes) -> str:
        """Several blocks are put together as the client puts those of a failure."""
        response = parsed(output)
        if isinstance(response, str):
            return shown(response)
        texts = _texts(response)
        if not isinstance(response, list) or not texts or len(texts) != len(response):
            raise Unusable(NOT_TEXT)
        shown("".join(texts))
        return "\n".join(texts)

    def structured(self, output: bytes, tool_use_id: str) -> object:  # noqa: ARG002 - all kinds have one shape
        return parsed(output)


MCP = Mcp()


def _texts(response: object) -> list[str]:
    """Raises Unusable for a list of anything but blocks."""
    if isinstance(response, str):
        return [response]
    texts = []
    for block in response if isinstance(response, list) else ():
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            raise Unusable(NOT_TEXT)
        if block["type"] == "text":
            text = block.get("text")
            if not isinstance(text, str):
                raise Unusable(NOT_TEXT)
            texts.append(text)
    return texts


def _says_something(response: object, texts: list[str]) -> bool:
    """Of blank texts alone the client tells the model that there was no output."""
    others = len(response) - len(texts) if isinstance(response, list | dict) else 0
    return others > 0 or any(text.strip() for text in texts)


def _person(event: ToolEvent, environ: "Mapping[str, str]") -> "Row":
    who = put.provenance(event, environ)
    return "person", "", f"{who['uid']} on {who['machine']}"


def _identity(root: str) -> str:
    try:
        return identity(root)
    except OSError as fault:
        raise Bypass(UNKNOWN_SERVER, f"{root}: {fault.strerror}") from None


def _files(server: Server, folder: str) -> "Iterator[Row]":
    """What a local server's command line names that is a file: its program is often one."""
    definition = server.definition or {}
    command, arguments = definition.get("command"), definition.get("args")
    words = [command] if isinstance(command, str) and "/" in command else []
    words += [word for word in arguments if isinstance(word, str)] if isinstance(arguments, list) else []
    for word in words:
        path = os.path.join(folder, word.replace(PLUGIN_ROOT, server.plugin))
        if os.path.isfile(path):
            yield "server file", word, _content(path)


def _content(path: str) -> str:
    try:
        content = files.read(path, _LARGEST)
        if content is not None:
            return keyed(digest(content))
        status = os.stat(path)
    except OSError as fault:
        raise Bypass(UNKNOWN_SERVER, f"{path}: {fault.strerror}") from None
    return f"{status.st_size} bytes of {status.st_mtime_ns}"
