import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.claude import ToolEvent, Unusable
from skillcache.core.credentials import find
from skillcache.core.outcomes import (
    BAD_STATUS,
    CUT,
    EMPTY,
    FAILURE,
    INTERRUPTED,
    NO_RULE,
    NOT_TEXT,
    SECRET,
    TOO_BIG,
    UNCAPTURABLE,
    Bypass,
    Outcome,
)
from skillcache.tools.web import WEB
from tests.tools.conftest import called, recorded

CAP = 1 << 20
PAGE = {"bytes": 10, "code": 200, "codeText": "OK", "result": "an answer", "durationMs": 1, "url": "https://x.example/"}


def fetch(**fields: Any) -> ToolEvent:
    return called("WebFetch", {"url": "https://x.example/a", "prompt": "p", **fields})


def search(**fields: Any) -> ToolEvent:
    return called("WebSearch", {"query": "q", **fields})


def fetched(**fields: Any) -> ToolEvent:
    return called("WebFetch", {"url": "https://x.example/a", "prompt": "p"}, response={**PAGE, **fields})


def found(*results: Any, **fields: Any) -> ToolEvent:
    return called("WebSearch", {"query": "q"}, response={"query": "q", "results": list(results), **fields})


def outcome_of(event: ToolEvent, cap: int = CAP) -> Outcome:
    with pytest.raises(Unusable) as caught:
        WEB.read(event, cap)
    return caught.value.outcome


@pytest.mark.parametrize(
    ("file", "call"),
    [
        *(("webfetch", call) for call in ("a", "same", "fragment", "read_on")),
        *(("websearch", call) for call in ("plain", "two_searches", "domains")),
    ],
)
def test_a_recorded_result_is_stored_and_gives_the_model_s_text(file: str, call: str) -> None:
    event, model = recorded(file, call)

    result = WEB.read(event, CAP)

    assert json.loads(result.output) == event.response
    assert WEB.text_of(result.output) == model
    assert find.find(result.output.decode()) is None


@pytest.mark.parametrize(
    ("file", "call", "outcome"),
    [
        ("webfetch", "elsewhere", BAD_STATUS),
        ("webfetch", "missing", BAD_STATUS),
        ("webfetch", "broken", BAD_STATUS),
        ("webfetch", "empty", EMPTY),
        ("webfetch", "nothing", EMPTY),
        ("webfetch", "past_the_end", EMPTY),
        ("webfetch", "part", CUT),
        ("webfetch", "long", CUT),
        ("webfetch", "binary", NOT_TEXT),
        ("webfetch", "localhost", FAILURE),
        ("webfetch", "user", FAILURE),
        ("websearch", "an_error", BAD_STATUS),
        ("websearch", "half_an_error", BAD_STATUS),
        ("websearch", "no_links", EMPTY),
        ("websearch", "no_search", EMPTY),
        ("websearch", "silence", EMPTY),
    ],
)
def test_what_the_client_did_not_get_whole_is_not_stored(file: str, call: str, outcome: Outcome) -> None:
    assert outcome_of(recorded(file, call).event) is outcome


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (fetched(code=0), BAD_STATUS),
        (fetched(code=301), BAD_STATUS),
        (fetched(result="REDIRECT DETECTED: The URL redirects"), BAD_STATUS),
        (fetched(bytes=0, result="Already fetched https://x.example/a with the same prompt 3s ago"), EMPTY),
        (fetched(result=" \n"), EMPTY),
        (fetched(result="x\n\n[WebFetch note: this result comes from a stored copy of the page]"), CUT),
        (
            fetched(
                result="Fetched https://x.example/a (HTTP 200 OK, text/html, 9 characters, truncated to the first 4)"
            ),
            CUT,
        ),
        (fetched(artifactRead={"slug": "x"}), NOT_TEXT),
        (fetched(result=["x"]), NOT_TEXT),
        (fetched(code="200"), NOT_TEXT),
        (fetched(bytes=None), NOT_TEXT),
        (called("WebFetch", {"url": "https://x.example/", "prompt": "p"}, response="text"), NOT_TEXT),
        (
            called("WebFetch", {"url": "https://x.example/", "prompt": "p"}, response=PAGE, interrupted=True),
            INTERRUPTED,
        ),
        (found("Web search was not performed: the budget is used up"), BAD_STATUS),
        (found({"tool_use_id": "1"}), NOT_TEXT),
        (found(3), NOT_TEXT),
        (called("WebSearch", {"query": "q"}, response={"results": []}), NOT_TEXT),
        (called("WebSearch", {"query": "q"}, response=None), NOT_TEXT),
    ],
)
def test_an_unusable_result_is_named(event: ToolEvent, outcome: Outcome) -> None:
    assert outcome_of(event) is outcome


def test_a_result_over_the_cap_is_not_stored() -> None:
    assert outcome_of(fetched(result="x" * 2_000), cap=1_000) is TOO_BIG


def test_the_rows_of_a_fetch_hold_all_that_it_asks() -> None:
    described = WEB.describe(fetch(url="HTTPS://X.example:443/a/../%62", offset=7))

    assert described.rows == (
        ("tool", "", "WebFetch"),
        ("url", "", "https://x.example/b"),
        ("prompt", "", "p"),
        ("offset", "", "7"),
    )
    assert described.text == "WebFetch https://x.example/b"


def test_every_part_of_a_call_tells_it_from_others() -> None:
    events = [
        fetch(),
        fetch(url="https://x.example/b"),
        fetch(url="https://x.example/a#b"),
        fetch(prompt="q"),
        fetch(offset=1),
        called("WebFetch", {"url": "https://x.example/a", "prompt": "p"}, agent_id="a", agent_type="web-fetch"),
        search(),
        search(query="Q"),
        search(allowed_domains=["a"]),
        search(blocked_domains=["a"]),
    ]

    assert len({WEB.describe(event).rows for event in events}) == len(events)


def test_what_does_not_matter_tells_no_calls_apart() -> None:
    assert WEB.describe(fetch()).rows == WEB.describe(fetch(offset=0)).rows == WEB.describe(fetch(offset=None)).rows
    in_agent = called("WebFetch", {"url": "https://x.example/a", "prompt": "p"}, agent_id="a", agent_type="Explore")
    assert WEB.describe(in_agent).rows == WEB.describe(fetch()).rows
    assert WEB.describe(search()).rows == WEB.describe(search(allowed_domains=[])).rows
    one, other = (search(allowed_domains=domains) for domains in (["a", "b", "a"], ["b", "a"]))
    assert WEB.describe(one).rows == WEB.describe(other).rows


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (fetch(url="ftp://x.example/"), NO_RULE),
        (fetch(url="not a url"), NO_RULE),
        (fetch(url=None), NO_RULE),
        (fetch(prompt=3), NO_RULE),
        (fetch(offset="1"), NO_RULE),
        (fetch(depth=1), NO_RULE),
        (fetch(url="https://x.example/?token=abc"), SECRET),
        (fetch(url="https://claude.ai/public/artifacts/x"), UNCAPTURABLE),
        (fetch(url="https://x.frame.claudeusercontent.com./"), UNCAPTURABLE),
        (search(query=None), NO_RULE),
        (search(mode="deep"), NO_RULE),
        (search(allowed_domains="a"), NO_RULE),
        (search(blocked_domains=[1]), NO_RULE),
    ],
)
def test_a_call_that_is_not_surely_understood_is_not_looked_up(event: ToolEvent, outcome: Outcome) -> None:
    with pytest.raises(Bypass) as caught:
        WEB.describe(event)
    assert caught.value.outcome is outcome


def test_nothing_of_the_machine_matters_to_the_web() -> None:
    assert WEB.surroundings(fetch(), "/work", {}) == ()


def test_a_text_that_the_client_would_not_show_whole_is_not_given() -> None:
    limit = WEB.read(fetched(result="\U0001f600" * 25_000), CAP).output
    beyond = WEB.read(fetched(result="\U0001f600" * 25_000 + "x"), CAP).output

    assert len(WEB.text_of(limit)) == 25_000
    with pytest.raises(Unusable):
        WEB.text_of(beyond)


@pytest.mark.parametrize(
    "content",
    [
        [{"title": "T", "url": "u", "snippet": "page text"}],
        [{"title": None, "url": "u"}],
        [{"title": "\ud800", "url": "u"}],
    ],
)
def test_links_of_another_shape_are_kept_and_not_put_into_words(content: Any) -> None:
    output = WEB.read(found({"tool_use_id": "1", "content": content}), CAP).output

    with pytest.raises(Unusable):
        WEB.text_of(output)


def test_a_search_given_again_is_of_the_current_call() -> None:
    event, _ = recorded("websearch", "two_searches")

    again = WEB.structured(WEB.read(event, CAP).output, "toolu_now")

    assert isinstance(again, dict)
    assert [part["tool_use_id"] for part in again["results"] if isinstance(part, dict)] == ["toolu_now"] * 2
    assert isinstance(event.response, dict)
    strip = [part["content"] if isinstance(part, dict) else part for part in again["results"]]
    assert strip == [part["content"] if isinstance(part, dict) else part for part in event.response["results"]]
    assert {**again, "results": 0} == {**event.response, "results": 0}


def test_a_page_given_again_is_as_it_was() -> None:
    assert WEB.structured(WEB.read(fetched(), CAP).output, "toolu_now") == PAGE


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_response_is_read_or_refused(response: Any) -> None:
    for tool in ("WebFetch", "WebSearch"):
        event = called(tool, {"url": "https://x.example/", "query": "q", "prompt": "p"}, response=response)
        with pytest.raises(Unusable):
            WEB.read(event, CAP)
