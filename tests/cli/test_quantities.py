import pytest

from skillcache.cli.output import duration, several, share, size


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 ms"),
        (999, "999 ms"),
        (1_000, "1.0 s"),
        (59_940, "59.9 s"),
        (59_960, "1 min 0 s"),
        (3_599_000, "59 min 59 s"),
        (3_600_000, "1 h 0 min"),
        (-7_040, "-7.0 s"),
    ],
)
def test_durations_have_the_unit_that_fits(milliseconds: int, text: str) -> None:
    assert duration(milliseconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1_500, "1.5 kB"), (2e15, "2000.0 TB")]
)
def test_sizes_have_the_unit_that_fits(count: float, text: str) -> None:
    assert size(count) == text


def test_one_is_singular() -> None:
    assert [several(n, "hit") for n in (0, 1, 1_200)] == ["0 hits", "1 hit", "1,200 hits"]
    assert several(2, "entry", "entries") == "2 entries"


@pytest.mark.parametrize(
    ("part", "whole", "text"), [(999, 1_000, "over 99 %"), (1, 1_000, "under 1 %"), (3, 4, "75 %")]
)
def test_a_share_is_all_or_nothing_only_when_it_is(part: int, whole: int, text: str) -> None:
    assert share(part, whole) == text
    assert share(whole, whole) == "100 %"
    assert share(0, whole) == "0 %"
