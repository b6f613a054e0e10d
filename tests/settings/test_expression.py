"""What a person's expressions may say: no search by them is slow, and they mean what they mean in Python."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from skillcache.core.outcomes import ConfigError
from skillcache.settings.configuration import LONGEST, fault_of, leveled


@pytest.mark.parametrize(
    "pattern",
    [
        "seed=[0-9]+",
        r"\d+ms of \d+ms$",
        "^DONE .*$",
        "[^ ]* ms",
        r"v\d{1,3}\.\d{2,}",
        r"a\\$",
        r"a\$",
        "[^\\]]x",
        "ok?",
    ],
)
def test_an_everyday_expression_is_taken(pattern: str) -> None:
    assert fault_of(pattern) == ""


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(a+)+$", "groups, | and what looks around are not taken"),
        ("a|b", "'|b' cannot be read"),
        ("(?=a)", "cannot be read"),
        (r"\1", "cannot be read"),
        ("a+?", "nor two repeats together"),
        ("a++", "nor two repeats together"),
        (".* ms", ".* takes in what   is to match"),
        (r"\w+x?\d", r"\w+ takes in what x? is to match"),
        ("a*b?a", "a* takes in what a is to match"),
        ("\u00e9*[\u00e0-\u00fc]", "takes in"),
        ("[z-a]", "bad character range"),
        ("[a--b]", "a sign stands twice"),
        ("^$", "nothing in it names a character"),
        ("[", "cannot be read"),
    ],
)
def test_what_could_be_slow_is_refused_and_named(pattern: str, why: str) -> None:
    assert why in fault_of(pattern)
    with pytest.raises(ConfigError, match="normalize"):
        leveled("x", (pattern,))


ONES = st.sampled_from(["a", "1", " ", "-", ".", r"\d", r"\w", r"\S", r"\.", "[a1]", "[^a]", "[^ ]", "[-a]"])
TIMES = st.sampled_from(["", "", "*", "+", "?", "{2}", "{0,2}", "{1,}"])


@given(st.lists(st.tuples(ONES, TIMES), min_size=1, max_size=4), st.booleans(), st.text("a1. \n-", max_size=30))
@settings(suppress_health_check=[HealthCheck.filter_too_much], max_examples=300)
def test_it_means_what_it_means_in_python(parts: list[tuple[str, str]], whole: bool, text: str) -> None:
    pattern = "".join(map("".join, parts))
    pattern = f"^{pattern}$" if whole else pattern
    assume(not fault_of(pattern))
    lines = [re.sub(pattern, "<any>", line) for line in text.split("\n")]
    assert leveled(text, (pattern,)) == "\n".join(lines)


def test_a_long_line_stays_as_it_is() -> None:
    assert leveled("1" * LONGEST + "\n" + "1" * (LONGEST + 1), ("1+",)) == "<any>\n" + "1" * (LONGEST + 1)
