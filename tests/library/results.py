"""Results that come back with all that they hold, and results that would not."""

from __future__ import annotations

import enum
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import cached_property
from typing import Annotated, Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from tests.library.holding import Base, Named, Optional, Pair, Quiet, Scaled, Secretive, Undecorated, with_

ROME = ZoneInfo("Europe/Rome")


class Text(str, enum.Enum):  # noqa: UP042 - as older code has it
    A = "a"


class Word(str):
    __slots__ = ()


class Extra(BaseModel):
    model_config = ConfigDict(extra="allow")
    x: int


class Hidden(BaseModel):
    shown: int = 0
    hidden: Annotated[float, Field(exclude=True)] = 0


class Rows(BaseModel):
    rows: list[int] = Field(default_factory=list)


class Parent(BaseModel):
    a: int = 0


class Kid(Parent):
    b: int = 1


class Holder(BaseModel):
    parent: Parent


@dataclass(frozen=True)
class Key:
    a: int
    b: float = field(compare=False, default=0.0)


@dataclass
class Slow:
    x: int

    @cached_property
    def twice(self) -> int:
        return 2 * self.x


class Two(NamedTuple):
    a: int
    b: Any


def evaluated() -> Slow:
    slow = Slow(1)
    assert slow.twice == 2
    return slow


def grown() -> Rows:
    rows = Rows()
    rows.rows.append(1)
    return rows


COME_BACK: list[tuple[Any, Any]] = [
    (Optional, Optional(x=0)),
    (Optional, Optional()),
    (list[Optional], [Optional(y=1), Optional(x=1, y=1)]),
    (Rows, Rows()),
    (Extra, Extra(x=1, word="a")),  # type: ignore[call-arg]
    (Secretive, Secretive(x=1)),
    (Quiet, Quiet(1, 2)),
    (Slow, evaluated()),
    (set[Key], {Key(1, 2.5), Key(2)}),
    (deque[int], deque([1, 2])),
    (OrderedDict[str, int], OrderedDict(b=1, a=2)),
    (dict[Decimal, str], {Decimal("1.00"): "a"}),
    (tuple[float, ...], (-0.0, 1.0, 1e-320)),
    (complex, complex(1, -0.0)),
    (datetime, datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=1)))),
    (time, time(1, 2, tzinfo=UTC)),
    (list[UUID], [UUID(int=1)]),
    (Two, Two(1, [2])),
]

# The value, and where it would come back otherwise.
OTHERWISE: list[tuple[Any, Any, str]] = [
    (Base, with_(Base(1), z=3), r"\.z"),
    (Base, Undecorated(1, 2), "the whole"),
    (Scaled, Scaled(1, 3), r"\.y"),
    (Named, with_(Named(1), z=3), r"\.z"),
    (Pair, Named(1), "the whole"),
    (Secretive, with_(Secretive(x=1), _p=5), r"\._p"),
    (Extra, Extra(x=1, pair=(1, 2)), r"\.pair"),  # type: ignore[call-arg]
    (Hidden, Hidden(hidden=1.5), r"\.hidden"),
    (Rows, grown(), r"\.rows"),
    (Holder, Holder(parent=Kid(a=1)), r"\.parent"),
    (datetime, datetime(2024, 1, 1, tzinfo=ROME), "the whole"),
    (list[datetime], [datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=1), "CET"))], r"\[0\]"),
    (datetime, datetime(2024, 10, 27, 2, 30, fold=1), "the whole"),  # noqa: DTZ001
    (dict[datetime, str], {datetime(2024, 1, 1, tzinfo=ROME): "a"}, "the whole"),
    (deque[int], deque([1, 2], maxlen=5), "the whole"),
    (deque[float], deque([1]), r"\[0\]"),
    (set[float], {1}, r"\{\}"),
    (set[int], {True}, r"\{\}"),
    (set[str], {Text.A}, r"\{\}"),
    (frozenset[str], frozenset([Word("a")]), r"\{\}"),
    (dict[str, Decimal], {Text.A: Decimal(1)}, "the whole"),
    (set[Key], {with_(Key(1), z=1)}, r"\{\}\.z"),
    (defaultdict[str, int], defaultdict(lambda: 1, a=1), "the whole"),
    (Two, Two(1, (2, 3)), r"\[1\]"),
]
