import json
import math
import struct

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from skillcache.core.json import canonical

# RFC 8785, appendix B: the bits of a double and its text.
NUMBERS = [
    ("0000000000000000", "0"),
    ("8000000000000000", "0"),
    ("0000000000000001", "5e-324"),
    ("8000000000000001", "-5e-324"),
    ("7fefffffffffffff", "1.7976931348623157e+308"),
    ("ffefffffffffffff", "-1.7976931348623157e+308"),
    ("4340000000000000", "9007199254740992"),
    ("c340000000000000", "-9007199254740992"),
    ("4430000000000000", "295147905179352830000"),
    ("44b52d02c7e14af5", "9.999999999999997e+22"),
    ("44b52d02c7e14af6", "1e+23"),
    ("44b52d02c7e14af7", "1.0000000000000001e+23"),
    ("444b1ae4d6e2ef4e", "999999999999999700000"),
    ("444b1ae4d6e2ef4f", "999999999999999900000"),
    ("444b1ae4d6e2ef50", "1e+21"),
    ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
    ("3eb0c6f7a0b5ed8d", "0.000001"),
    ("41b3de4355555553", "333333333.3333332"),
    ("41b3de4355555554", "333333333.33333325"),
    ("41b3de4355555555", "333333333.3333333"),
    ("41b3de4355555556", "333333333.3333334"),
    ("41b3de4355555557", "333333333.33333343"),
    ("becbf647612f3696", "-0.0000033333333333333333"),
    ("43143ff3c1cb0959", "1424953923781206.2"),
]

# Sections 3.2.2 to 3.2.4 of the RFC, and the inputs published beside it.
VALUES = [
    (
        r"""{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
        "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}""",
        r"""{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],
        "string":"€$\u000f\nA'B\"\\\\\"/"}""",
    ),
    (
        r"""{"\u20ac": "Euro Sign", "\r": "Carriage Return", "\ufb33": "Hebrew Letter Dalet With Dagesh", "1": "One",
        "\ud83d\ude00": "Emoji: Grinning Face", "\u0080": "Control", "\u00f6": "Latin Small Letter O With Diaeresis"}
        """,
        """{"\\r":"Carriage Return","1":"One","\x80":"Control","ö":"Latin Small Letter O With Diaeresis",
        "€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}""",
    ),
    ('[56, {"d": true, "10": null, "1": []}]', '[56,{"1":[],"10":null,"d":true}]'),
    (
        """{"peach": "This sorting order", "péché": "is wrong according to French",
        "pêche": "but canonicalization MUST", "sin": "ignore locale"}""",
        """{"peach":"This sorting order","péché":"is wrong according to French",
        "pêche":"but canonicalization MUST","sin":"ignore locale"}""",
    ),
    (
        r"""{"1": {"f": {"f": "hi", "F": 5}, "\n": 56.0}, "10": {}, "": "empty", "a": {},
        "111": [{"e": "yes", "E": "no"}], "A": {}}""",
        r'{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}',
    ),
    (r'{"Unnormalized Unicode": "A\u030a"}', '{"Unnormalized Unicode":"A\u030a"}'),
]

TEXTS = st.text()  # no halves of surrogate pairs
INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | INTEGERS | FLOATS | TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner),
)


@pytest.mark.parametrize(("bits", "text"), NUMBERS)
def test_a_number_of_the_rfc_has_the_text_of_the_rfc(bits: str, text: str) -> None:
    assert canonical(struct.unpack(">d", bytes.fromhex(bits))[0]) == text


@pytest.mark.parametrize(("value", "text"), VALUES)
def test_a_value_of_the_rfc_has_the_text_of_the_rfc(value: str, text: str) -> None:
    assert canonical(json.loads(value)) == "".join(line.strip() for line in text.split("\n"))


@given(JSON)
def test_another_implementation_writes_the_same(value: object) -> None:
    assert canonical(value).encode() == rfc8785.dumps(value)  # type: ignore[arg-type]


@given(st.integers(0, 2**64 - 1))
def test_every_double_is_written_as_another_implementation_writes_it(bits: int) -> None:
    value = struct.unpack(">d", bits.to_bytes(8))[0]
    if not math.isfinite(value):
        with pytest.raises(ValueError, match="is not JSON"):
            canonical(value)
    else:
        assert canonical(value).encode() == rfc8785.dumps(value)
        assert float(canonical(value)) == value


@given(JSON)
def test_the_text_reads_back_as_the_value(value: object) -> None:
    assert json.loads(canonical(value), parse_int=float) == value


def test_an_integer_and_its_float_are_one() -> None:
    assert canonical({"n": 1}) == canonical({"n": 1.0}) == '{"n":1}'


@pytest.mark.parametrize("value", [2**60, 1152921504606847000, 10**21, -(10**22)])
def test_a_large_integer_that_is_a_double_is_written_as_the_double(value: int) -> None:
    assert canonical(value) == canonical(float(value))


@pytest.mark.parametrize("value", [2**53 + 1, 10**400, float("nan"), float("-inf"), "\ud800", {"\udc00": 1}])
def test_what_has_no_sure_text_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r".+"):
        canonical(value)


@pytest.mark.parametrize("value", [{1, 2}, b"x", {1: 2}, {None: 1}, object(), 1j])
def test_what_is_not_json_is_refused(value: object) -> None:
    with pytest.raises(TypeError, match="is not JSON"):
        canonical(value)


def test_a_value_within_itself_is_refused() -> None:
    value: list[object] = []
    value.append(value)

    with pytest.raises(ValueError, match="nested"):
        canonical(value)
