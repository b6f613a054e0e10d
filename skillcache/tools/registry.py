"""The kinds of calls, one module each with one object; what they have in common is written elsewhere."""

from skillcache.claude import MCP_PREFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from skillcache.cache.decision import Described
    from skillcache.claude import Result, ToolEvent
    from skillcache.stores.entry import Row

    class Kind(Protocol):
        def describe(self, event: ToolEvent) -> Described:
            """What the call asks for; pure. Raises Bypass."""

        def surroundings(self, event: ToolEvent, folder: str, environ: Mapping[str, str]) -> tuple[Row, ...]:
            """Rows of what else its result depends on, read from the world. `folder`: the client's. Raises Bypass."""

        def read(self, event: ToolEvent, cap: int) -> Result:
            """What the call gave, as JSON of its structured result, `cap` bytes at most. Raises Unusable."""

        def text_of(self, output: bytes) -> str:
            """What the model reads of such a result. Raises Unusable where that is not one text."""

        def structured(self, output: bytes, tool_use_id: str) -> object:
            """The structured result as that of this call. Raises Unusable."""


_WEB = ("WebFetch", "WebSearch")
_AGENT = "Agent"


def may_be_ours(tool: str) -> bool:
    """Whether a rule can name calls of this tool."""
    return tool in _WEB or tool == _AGENT or tool.startswith(MCP_PREFIX)


def kind_of(tool: str) -> "Kind | None":
    """That of the tool's calls; None for tools that no rule can name."""
    if tool in _WEB:
        from skillcache.tools.web import WEB

        return WEB
    if tool == _AGENT:
        from skillcache.tools.agent import AGENT

        return AGENT
    if tool.startswith(MCP_PREFIX):
        from skillcache.tools.mcp import MCP

        return MCP
    return None
