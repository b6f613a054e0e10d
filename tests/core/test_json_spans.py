import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.core.json_spans import BadJson, Node, parse

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def nodes(node: Node) -> list[Node]:
    inner = [child for _, child in node.members.values()] + node.items
    return [node, *[below for child in inner for below in nodes(child)]]


@given(VALUES, st.sampled_from([None, 1, 4, "\t"]), st.booleans())
def test_every_value_is_where_its_node_says(value: object, indent: int | str | None, escaped: bool) -> None:
    text = f" {json.dumps(value, indent=indent, ensure_ascii=escaped)}\n"

    root = parse(text)

    assert root.value == value
    for node in nodes(root):
        assert json.loads(text[node.start : node.end]) == node.value
        extents = node.extents()
        assert all(node.start < start < end < node.end for start, end in extents)
        assert all(text[end:start].strip() == "," for (_, end), (start, _) in pairwise(extents))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1, column 1: the text ends too early"),
        ('{"a": 1', "line 1, column 8: the text ends too early"),
        ('{\n  "a": 1,\n}', "line 2, column 9: a comma before } is not JSON"),
        ("[1, 2,]", "line 1, column 6: a comma before ] is not JSON"),
        ('{\n  // why\n  "a": 1}', "line 2, column 3: comments are not JSON"),
        ('{"a": 1} /* end */', "line 1, column 10: comments are not JSON"),
        ('{"a" 1}', "line 1, column 6: a colon is expected"),
        ('{"a": 1 "b": 2}', "line 1, column 9: a comma or } is expected"),
        ("{a: 1}", "line 1, column 2: a name in double quotes is expected"),
        ("[1 2]", "line 1, column 4: a comma or ] is expected"),
        ("[NaN]", "line 1, column 2: NaN is not JSON"),
        ("[-Infinity]", "line 1, column 2: -Infinity is not JSON"),
        ("\ufeff{}", "line 1, column 1: a byte order mark is not JSON"),
        ("{} {}", "line 1, column 4: more text after the end of the value"),
        ('{"a": 1,\n "a": 2}', 'line 2, column 2: "a" is given twice'),
        ("[" * 300, "line 1, column 202: nested too deeply"),
        ("[" + "1" * 5000 + "]", "line 1, column 2: a number too long to read"),
        ('["a\nb"]', "line 1, column 4: a value is missing or broken"),
        ("[tru]", "line 1, column 2: a value is missing or broken"),
    ],
)
def test_says_where_a_text_stops_being_json(text: str, message: str) -> None:
    with pytest.raises(BadJson) as caught:
        parse(text)

    assert str(caught.value) == message
