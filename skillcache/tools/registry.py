"""The kinds of calls, one module each of one shape; what they have in common is written elsewhere.

describe(event) -> Described               what the call asks for; pure. Raises Bypass.
surroundings(event, folder, environ)       rows of what else its result depends on, read from the world. Raises Bypass.
    -> tuple[Row, ...]
read(event, cap) -> Result                 what the call gave, as JSON of its structured result. Raises Unusable.
text_of(output) -> str                     what the model reads of such a result
structured(output, tool_use_id) -> object  the structured result as that of this call
"""

from skillcache.claude.event import MCP_PREFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

_MODULES = {"WebFetch": "web", "WebSearch": "web", "Agent": "agent"}


def may_be_ours(tool: str) -> bool:
    """Whether a rule can name calls of this tool."""
    return tool in _MODULES or tool.startswith(MCP_PREFIX)


def kind_of(tool: str) -> "ModuleType | None":
    """The module for calls of this tool; None for tools that no rule can name."""
    name = "mcp" if tool.startswith(MCP_PREFIX) else _MODULES.get(tool)
    if name is None:
        return None
    module: ModuleType = __import__(f"skillcache.tools.{name}", fromlist=["describe"])
    return module
