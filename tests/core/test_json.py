"""JSON without the json package reads and writes what the json package does."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skillcache.core import json as jsontext

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_writes_what_the_json_package_reads(value: object) -> None:
    text = jsontext.dumps(value)
    assert text.isascii()
    assert json.loads(text) == value


@given(VALUES, st.sampled_from([None, 2]))
def test_reads_what_the_json_package_writes(value: object, indent: int | None) -> None:
    assert jsontext.loads(json.dumps(value, indent=indent).encode()) == value


@pytest.mark.parametrize(
    "text", ["", " ", "{", "[1,]", "1 2", "NaN", "Infinity", '{"a":}', "nul", '"\n"', "[" * 100_000, b"\xff\xfe{}"]
)
def test_anything_else_is_a_value_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the message is the scanner's own
        jsontext.loads(text)


@pytest.mark.parametrize("text", ["", "{", "[1,]", "NaN", "[" * 100_000])
def test_it_is_a_value_error_where_the_json_package_was_never_imported(text: str) -> None:
    program = (
        f"import sys; sys.path.insert(0, {sys.path[0]!r}); sys.path.extend({sys.path!r})\n"
        "from skillcache.core import json as jsontext\n"
        "try:\n    jsontext.loads(sys.stdin.read())\nexcept ValueError:\n    print('refused')\n"
    )
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program], input=text, capture_output=True, text=True, check=True
    )
    assert run.stdout == "refused\n"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_what_is_not_json_is_not_written(value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        jsontext.dumps(value)
