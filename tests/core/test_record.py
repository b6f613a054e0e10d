"""Classes that name their fields, and what they do with a call that does not fit them."""

import copy
import pickle
from typing import Any

import pytest

from skillcache.core import KW_ONLY, Record, field


class Place(Record):
    """Where something is."""

    root: str  # top of the worktree
    branch: str = ""
    _: KW_ONLY
    owner: str
    times: dict[str, int] = field(default_factory=dict)
    seen: bool = False

    def name(self) -> str:
        return f"{self.root}@{self.branch}"


class Point(Record):
    x: int
    y: int


class Empty(Record):
    pass


def values(place: Place) -> tuple[object, ...]:
    return place.root, place.branch, place.owner, place.times, place.seen


def test_values_are_given_in_order_and_by_name() -> None:
    assert values(Place("/r", "main", owner="me", times={"a": 1}, seen=True)) == ("/r", "main", "me", {"a": 1}, True)
    assert values(Place(branch="b", owner="me", root="/r")) == ("/r", "b", "me", {}, False)
    point = Point(1, y=2)
    assert (point.x, point.y) == (1, 2)


def test_methods_see_the_fields() -> None:
    assert Place("/r", "main", owner="me").name() == "/r@main"


def test_a_default_that_is_made_is_made_for_each() -> None:
    one, other = Place("/r", owner="me"), Place("/r", owner="me")
    one.times["a"] = 1
    assert (one.times, other.times) == ({"a": 1}, {})


def test_an_empty_value_is_a_value() -> None:
    times: dict[str, int] = {}
    assert Place("", owner="", times=times).times is times


@pytest.mark.parametrize(
    ("given", "named", "text"),
    [
        ((), {}, "Place() missing required arguments: 'root', 'owner'"),
        (("/r",), {}, "Place() missing required arguments: 'owner'"),
        ((), {"owner": "me", "branch": "b"}, "Place() missing required arguments: 'root'"),
        (("/r", "b", "me"), {}, "Place() takes 2 positional arguments but 3 were given"),
        (("/r", "b", "me"), {"owner": "me"}, "Place() takes 2 positional arguments but 3 were given"),
        (("/r",), {"root": "/s", "owner": "me"}, "Place() got multiple values for argument 'root'"),
        (("/r",), {"owner": "me", "color": 1}, "Place() got an unexpected keyword argument 'color'"),
        (("/r",), {"color": 1}, "Place() got an unexpected keyword argument 'color'"),
        (("/r",), {"owner": "me", "name": 1}, "Place() got an unexpected keyword argument 'name'"),
        (("/r",), {"owner": "me", "_": 1}, "Place() got an unexpected keyword argument '_'"),
        (
            ("/r", "b"),
            {"owner": "me", "times": {}, "seen": True, "self": 1},
            "Place() got an unexpected keyword argument 'self'",
        ),
    ],
)
def test_a_call_that_does_not_fit_is_refused(given: tuple[str, ...], named: dict[str, object], text: str) -> None:
    with pytest.raises(TypeError) as refused:
        Place(*given, **named)  # type: ignore[arg-type]
    assert str(refused.value) == text
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_a_record_of_nothing() -> None:
    assert repr(Empty()) == "Empty()"
    with pytest.raises(TypeError, match=r"^Empty\(\) takes 0 positional arguments but 1 were given$"):
        Empty(1)


def test_fields_can_be_set_and_nothing_else() -> None:
    place = Place("/r", owner="me")
    place.seen = True
    assert place.seen
    with pytest.raises(AttributeError, match="'Place' object has no attribute 'sene'"):
        place.sene = True  # type: ignore[attr-defined]
    assert not hasattr(place, "__dict__")
    assert Place.__slots__ == ("root", "branch", "owner", "times", "seen")


def test_it_shows_what_it_holds() -> None:
    shown = "Place(root='/r', branch='', owner='me', times={'a': 1}, seen=False)"
    assert repr(Place("/r", owner="me", times={"a": 1})) == shown


def test_records_are_equal_only_where_they_are_one() -> None:
    point = Point(1, 2)
    assert point != Point(1, 2)
    assert len({point, Point(1, 2), point}) == 2


def test_records_are_copied_and_pickled_with_their_values() -> None:
    for again in (copy.copy(Point(1, 2)), pickle.loads(pickle.dumps(Point(1, 2)))):  # noqa: S301 - its own
        assert (again.x, again.y) == (1, 2)


def test_annotations_that_are_made_late_are_read() -> None:
    """As Python 3.14 has them."""
    declared: Any = type(Record)
    made = declared("Late", (Record,), {"__annotate_func__": lambda form: {"x": int} if form == 1 else {}})
    assert made(1).x == 1
