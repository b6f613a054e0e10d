"""WebFetch and WebSearch: pages and searches by their address, prompt and query.

Observed on the client: a fetch's `result` is the model's text; the client answers for itself, in the same field, what
it did not fetch (code 0), a redirect to another host (its code), a status (its code) and, at the end in brackets, that
it read a part of the page only. A search's text is made of its results.
"""

from skillcache.cache.decision import Described
from skillcache.claude import Result, ToolEvent, Unusable, packed, parsed, response_of, shown, urls
from skillcache.core.json import dumps, quoted
from skillcache.core.outcomes import BAD_STATUS, CUT, EMPTY, NO_RULE, NOT_TEXT, SECRET, UNCAPTURABLE, Bypass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from skillcache.stores.entry import Row

_FETCH_FIELDS = frozenset(("url", "prompt", "offset"))
_SEARCH_FIELDS = frozenset(("query", "allowed_domains", "blocked_domains"))
# The client reads these with the person's own account.
_PERSONAL_HOSTS = ("claude.ai", "claudeusercontent.com")
# The client's agent of this type gets pages word for word, under a head with the address as it was written.
_READER = "web-fetch"
_NOTE = "[WebFetch note: "
_PAST_THE_END = "Nothing left to read from offset "
_SAVED = "\n\n[Binary content ("  # its bytes are in a file of the session
_NO_SEARCH = ("Web search error: ", "Web search was not performed: ")


class Web:
    """See `skillcache.tools.registry.Kind`."""

    def describe(self, event: ToolEvent) -> Described:
        fields = {name: value for name, value in event.input.items() if value is not None}
        return _search(fields) if event.tool == "WebSearch" else _fetch(fields, event.agent_type)

    def surroundings(self, event: ToolEvent, folder: str, environ: "Mapping[str, str]") -> "tuple[Row, ...]":  # noqa: ARG002
        """Nothing of this machine."""
        return ()

    def read(self, event: ToolEvent, cap: int) -> Result:
        response = response_of(event)
        if not isinstance(response, dict):
            raise Unusable(NOT_TEXT)
        if event.tool == "WebSearch":
            _require_search(response)
        else:
            _require_page(response)
        return packed(response, cap)

    def text_of(self, output: bytes) -> str:
        """Raises Unusable for a result that the model does not read as one text."""
        result = parsed(output)
        if not isinstance(result, dict):
            raise Unusable(NOT_TEXT)
        if "results" in result:
            _require_search(result)
            return shown(_text_of_search(result))
        text = result.get("result")
        if not isinstance(text, str):
            raise Unusable(NOT_TEXT)
        return shown(text)

    def structured(self, output: bytes, tool_use_id: str) -> object:
        result = parsed(output)
        if isinstance(result, dict) and isinstance(result.get("results"), list):
            result["results"] = [
                {**part, "tool_use_id": tool_use_id} if isinstance(part, dict) else part for part in result["results"]
            ]
        return result


WEB = Web()


def _fetch(fields: dict[str, object], agent_type: str) -> Described:
    address, prompt, offset = fields.get("url"), fields.get("prompt"), fields.get("offset", 0)
    if not isinstance(address, str) or not isinstance(prompt, str) or not isinstance(offset, int):
        raise Bypass(NO_RULE)
    if not fields.keys() <= _FETCH_FIELDS:
        raise Bypass(NO_RULE)
    try:
        host = urls.split(address).host.rstrip(".")
        normal = urls.normalise(address)
    except ValueError as fault:
        raise Bypass(NO_RULE, str(fault)) from None
    if urls.carries_credential(address):
        raise Bypass(SECRET)
    if host.endswith(_PERSONAL_HOSTS):
        raise Bypass(UNCAPTURABLE, f"what {host} shows depends on the account")
    rows: tuple[Row, ...] = (("tool", "", "WebFetch"), ("url", "", normal), ("prompt", "", prompt))
    rows += (("offset", "", str(int(offset))),)
    if agent_type == _READER:
        rows += (("reader", "", address),)
    return Described(f"WebFetch {normal}", rows)


def _search(fields: dict[str, object]) -> Described:
    query = fields.get("query")
    if not isinstance(query, str) or not fields.keys() <= _SEARCH_FIELDS:
        raise Bypass(NO_RULE)
    rows: tuple[Row, ...] = (("tool", "", "WebSearch"), ("query", "", query))
    for name in ("allowed_domains", "blocked_domains"):
        listed = fields.get(name, [])
        if not isinstance(listed, list) or not all(isinstance(domain, str) for domain in listed):
            raise Bypass(NO_RULE)
        rows += ((name, "", dumps(sorted(set(listed)))),)
    return Described(f"WebSearch {query}", rows)


def _require_page(response: dict[str, object]) -> None:
    code, size, text = response.get("code"), response.get("bytes"), response.get("result")
    if not isinstance(code, int) or not isinstance(size, int) or not isinstance(text, str):
        raise Unusable(NOT_TEXT)
    if response.get("artifactRead") is not None or _SAVED in text:
        raise Unusable(NOT_TEXT)
    if code == 206:
        raise Unusable(CUT)
    if not 200 <= code <= 299 or text.startswith("REDIRECT DETECTED: "):
        raise Unusable(BAD_STATUS)
    if not size or not text.strip() or text.startswith(_PAST_THE_END):
        raise Unusable(EMPTY)
    head = text.partition("\n")[0]
    if _NOTE in text or (head.startswith("Fetched http") and "truncated to the first" in head):
        raise Unusable(CUT)


def _require_search(response: dict[str, object]) -> None:
    results = response.get("results")
    if not isinstance(response.get("query"), str) or not isinstance(results, list):
        raise Unusable(NOT_TEXT)
    found = False
    for part in results:
        if isinstance(part, str):
            if part.startswith(_NO_SEARCH):
                raise Unusable(BAD_STATUS)
        elif isinstance(part, dict) and isinstance(part.get("content"), list):
            found |= bool(part["content"])
        else:
            raise Unusable(NOT_TEXT)
    if not found:
        raise Unusable(EMPTY)


def _text_of_search(response: dict[str, object]) -> str:
    results = response["results"]
    # With text of the pages beside their titles the client has two other ways to write them.
    if response.get("plainPageText") or not isinstance(results, list):
        raise Unusable(NOT_TEXT)
    text = f'Web search results for query: "{response["query"]}"\n\n'
    for part in results:
        if isinstance(part, str):
            text += part
        elif part["content"]:
            text += f"Links: [{','.join(_link(each) for each in part['content'])}]"
        else:
            text += "No links found."
        text += "\n\n"
    return (
        f"{text}\nREMINDER: You MUST include the sources above in your response to the user using markdown hyperlinks."
    )


def _link(link: object) -> str:
    if not isinstance(link, dict) or list(link) != ["title", "url"]:
        raise Unusable(NOT_TEXT)
    title, address = link["title"], link["url"]
    if not isinstance(title, str) or not isinstance(address, str):
        raise Unusable(NOT_TEXT)
    try:
        return f'{{"title":{quoted(title)},"url":{quoted(address)}}}'
    except ValueError:
        raise Unusable(NOT_TEXT) from None
