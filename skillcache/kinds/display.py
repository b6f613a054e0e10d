"""What the client shows the model of a result's text: all of it, or past a limit a preview and the name of a file."""

from skillcache.outcome import CUT
from skillcache.result import Unusable

# UTF-16 units of all texts of a result. Observed with WebFetch, WebSearch, MCP tools and agents alike.
MOST = 50_000


def shown(text: str) -> str:
    """The text. Raises Unusable for one of which the model would be shown a part only."""
    if len(text) > MOST or len(text.encode("utf-16-le", "surrogatepass")) // 2 > MOST:
        raise Unusable(CUT)
    return text
