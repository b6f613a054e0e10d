"""Keys of the library: the same for equal inputs in any order, other for others, and the same tomorrow."""

from __future__ import annotations

import hashlib
import itertools
import json
import random
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from skillcache import generate_cache_key

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
PINNED = [
    ({}, None, "skill_cache:report:44136fa355b3678a1146ad16f7e8649e94fb4fc2"),
    (None, None, "skill_cache:report:74234e98afe7498fb5daf1f36ac2d78acc339464"),
    ({"b": 1, "a": [1.0, "é"]}, None, "skill_cache:report:8717ac25ea6b88548fae92fcf938c6f0764f8591"),
    ({"a": ["1", True], "b": 1e21}, 2, "skill_cache:report:10266754a1917c82fd2a9cd3507334026165f805:v2"),
]


def shuffled(value: Any, order: random.Random) -> Any:
    """The same value with the names of its objects in another order."""
    if isinstance(value, list):
        return [shuffled(item, order) for item in value]
    if isinstance(value, dict):
        names = list(value)
        order.shuffle(names)
        return {name: shuffled(value[name], order) for name in names}
    return value


@pytest.mark.parametrize(("inputs", "version", "key"), PINNED)
def test_keys_stay_what_they_are(inputs: Any, version: int | None, key: str) -> None:
    assert generate_cache_key("report", inputs, version) == key


@given(inputs=JSON)
def test_a_key_is_the_digest_of_the_canonical_text_as_another_implementation_writes_it(inputs: Any) -> None:
    digest = hashlib.sha256(rfc8785.dumps(inputs)).hexdigest()[:40]

    assert generate_cache_key("report", inputs) == f"skill_cache:report:{digest}"


@given(inputs=JSON, order=st.randoms(use_true_random=False))
def test_the_order_of_names_does_not_matter(inputs: Any, order: random.Random) -> None:
    assert generate_cache_key("report", shuffled(inputs, order)) == generate_cache_key("report", inputs)


@given(one=JSON, other=JSON)
def test_other_inputs_have_another_key(one: Any, other: Any) -> None:
    equal = rfc8785.dumps(one) == rfc8785.dumps(other)

    assert (generate_cache_key("report", one) == generate_cache_key("report", other)) is equal


def test_values_that_look_alike_have_keys_of_their_own() -> None:
    values: list[Any] = [None, False, True, 0, 1, "", "0", "1", "null", [], {}, [0], [[0]], {"0": 0}, [None], "[]"]
    keys = [generate_cache_key("report", value) for value in values]

    assert [pair for pair in itertools.combinations(keys, 2) if pair[0] == pair[1]] == []


def test_one_number_has_one_key() -> None:
    assert generate_cache_key("report", {"n": 1}) == generate_cache_key("report", {"n": 1.0})
    assert generate_cache_key("report", 0.0) == generate_cache_key("report", -0.0)


def test_skills_and_versions_have_keys_of_their_own() -> None:
    keys = [
        generate_cache_key(skill, {"a": 1}, version)
        for skill in ("report", "report:v2", "Report", "r")
        for version in (None, 1, 2, "2.0", "v2")
    ]

    assert len(set(keys)) == len(keys)
    assert generate_cache_key("report", {}, "2") == generate_cache_key("report", {}, 2)


@pytest.mark.parametrize("inputs", [(1, 2), {1: "x"}, {"x": {None: 1}}, b"x", {1}, object(), {"x": [(1,)]}])
def test_what_is_not_json_is_refused(inputs: Any) -> None:
    with pytest.raises(TypeError):
        generate_cache_key("report", inputs)


DEEP: Any = []
for _ in range(5_000):
    DEEP = [DEEP]


@pytest.mark.parametrize("inputs", [float("nan"), [float("inf")], {"x": "\ud800"}, 2**53 + 1, DEEP], ids=range(5))
def test_json_without_a_sure_text_is_refused(inputs: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        generate_cache_key("report", inputs)


@pytest.mark.parametrize("skill", ["", "@team:acme"])
def test_a_skill_has_a_name_of_its_own(skill: str) -> None:
    with pytest.raises(ValueError, match="name"):
        generate_cache_key(skill, {})


@pytest.mark.parametrize("version", ["", "1:2", "a b", "*"])
def test_a_version_cannot_be_taken_for_another_part_of_the_key(version: str) -> None:
    with pytest.raises(ValueError, match="version"):
        generate_cache_key("report", {}, version)


def test_inputs_stay_as_they_are() -> None:
    inputs = {"b": [2, 1], "a": {}}
    text = json.dumps(inputs)
    generate_cache_key("report", inputs)

    assert json.dumps(inputs) == text
