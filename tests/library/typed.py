"""Functions of all kinds, as a module of a project has them: for the tests of @cached, and for mypy."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from functools import partial
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from pydantic import BaseModel
from typing_extensions import TypedDict

from skillcache import cached

RUNS: list[object] = []


class Colour(Enum):
    RED = "red"


class Point(NamedTuple):
    x: int
    y: float


class Row(TypedDict):
    at: date


@dataclass(frozen=True)
class Report:
    city: str
    day: date
    price: Decimal = Decimal("1.50")
    raw: bytes = b"\xff\x00"
    size: tuple[int, ...] = (1, 2)
    tags: frozenset[str] = frozenset()
    colour: Colour = Colour.RED
    more: list[Report] = field(default_factory=list)


class Page(BaseModel):
    url: str
    read: datetime
    report: Report | None = None


class Client:
    """Something that is no value, as a connection is none."""


VALUES: dict[str, object] = {
    "date": date(2024, 2, 29),
    "utc": datetime(2024, 2, 29, 1, 2, 3, 456, tzinfo=UTC),
    "naive": datetime(2024, 2, 29, 1, 2, 3),  # noqa: DTZ001
    "zoned": datetime(2024, 2, 29, tzinfo=timezone(timedelta(hours=2))),
    "span": timedelta(days=-1, microseconds=1),
    "decimal": Decimal("1.10"),
    "bytes": b"\xfe\xff\x00",
    "tuple": (1, "x", None),
    "set": {1, 2},
    "uuid": UUID(int=7),
    "path": Path("/a/b"),
    "enum": Colour.RED,
    "point": Point(1, 2.0),
    "row": {"at": date(2024, 1, 1)},
    "report": Report("Paris", date(2024, 1, 1), more=[Report("Rome", date(2024, 1, 2), tags=frozenset(["a"]))]),
    "page": Page(url="x", read=datetime(2024, 1, 1, tzinfo=UTC), report=Report("Bonn", date(2024, 1, 3), raw=b"text")),
}
TYPES: dict[str, object] = {
    "date": date,
    "utc": datetime,
    "naive": datetime,
    "zoned": datetime,
    "span": timedelta,
    "decimal": Decimal,
    "bytes": bytes,
    "tuple": tuple[int, str, None],
    "set": set[int],
    "uuid": UUID,
    "path": Path,
    "enum": Colour,
    "point": Point,
    "row": Row,
    "report": Report,
    "page": Page,
}


@cached
def bare(city: str, days: int = 7) -> dict[str, int]:
    RUNS.append(city)
    return {city: days}


@cached(ttl="1h")
def report(city: str, day: date) -> Report:
    RUNS.append(city)
    return Report(city, day)


@cached(ttl=timedelta(hours=1), ignore="client")
async def fetched(client: Client | None, url: str) -> Page:
    RUNS.append(client)
    return Page(url=url, read=datetime(2024, 1, 1, tzinfo=UTC))


@dataclass
class Site:
    name: str

    @cached
    def read(self, number: int) -> tuple[str, int]:
        RUNS.append(number)
        return self.name, number

    @cached(ignore=["self"])
    def shared(self, number: int) -> int:
        RUNS.append(number)
        return number

    @classmethod
    @cached
    def named(cls, name: str) -> str:
        RUNS.append(name)
        return f"{cls.__name__} {name}"

    @staticmethod
    @cached(ttl=None)
    def total(one: int, two: int) -> int:
        RUNS.append(one)
        return one + two


class Other(Site):
    pass


def _add(one: int, two: int = 0) -> int:
    RUNS.append(one)
    return one + two


add = cached(_add)
add_one = cached(partial(_add, 1))


@cached(skill="any", type=None)
def anything(given: object) -> str:
    RUNS.append(given)
    return repr(given)
