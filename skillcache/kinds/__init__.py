"""The kinds of calls, one module each of one shape; what they have in common is written elsewhere.

describe(event) -> Described               what the call asks for; pure. Raises Bypass.
surroundings(event, folder, environ)       rows of what else its result depends on, read from the world. Raises Bypass.
    -> tuple[Row, ...]
read(event, cap) -> Result                 what the call gave, as JSON of its structured result. Raises Unusable.
text_of(output) -> str                     what the model reads of such a result
structured(output, tool_use_id) -> object  the structured result as that of this call
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

    from skillcache.key import Row

_MODULES = {"WebFetch": "web", "WebSearch": "web", "Agent": "agent"}
MCP_PREFIX = "mcp__"
DEFAULT_AGENT = "general-purpose"  # the type of one that is asked for without


class Described:
    """text: the call for people, in one line; rows: of the key, the tool's first."""

    __slots__ = ("rows", "text")

    def __init__(self, text: str, rows: "tuple[Row, ...]") -> None:
        self.text = text
        self.rows = rows


def may_be_ours(tool: str) -> bool:
    """Whether a rule can name calls of this tool."""
    return tool in _MODULES or tool.startswith(MCP_PREFIX)


def kind_of(tool: str) -> "ModuleType | None":
    """The module for calls of this tool; None for tools that no rule can name."""
    name = "mcp" if tool.startswith(MCP_PREFIX) else _MODULES.get(tool)
    if name is None:
        return None
    module: ModuleType = __import__(f"skillcache.kinds.{name}", fromlist=["describe"])
    return module
