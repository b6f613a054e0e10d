"""Values of one class that differ in what their fields do not say, and classes that share a name."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import InitVar, dataclass, field
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, PrivateAttr, create_model


@dataclass
class Base:
    x: int


class Undecorated(Base):
    def __init__(self, x: int, y: int) -> None:
        super().__init__(x)
        self.y = y


class Slotted(Base):
    __slots__ = ("y",)


@dataclass
class Rows(list[int]):
    name: str = ""


@dataclass
class Failure(Exception):
    name: str = ""


@dataclass
class Scaled:
    x: int
    by: InitVar[int] = 0

    def __post_init__(self, by: int) -> None:
        self.y = self.x * by


@dataclass
class Quiet:
    x: int
    y: int = field(compare=False, default=0)


@dataclass
class Late:
    x: int
    y: int = field(init=False)


class Pair(NamedTuple):
    a: int


class Named(Pair):
    pass


class Secretive(BaseModel):
    x: int
    _p: int = PrivateAttr(0)


class Optional(BaseModel):
    x: int = 0
    y: int = 0


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Permission(enum.IntFlag):
    READ = 1
    WRITE = 2


def with_(value: Any, **attributes: Any) -> Any:
    for name, each in attributes.items():
        (setattr if isinstance(value, BaseModel) else object.__setattr__)(value, name, each)
    return value


def rows(*items: int) -> Rows:
    made = Rows("a")
    made.extend(items)
    return made


def made(value: int) -> type:
    return type("Made", (), {"value": value})


# Other values, each group: keys of their own.
APART: list[list[Any]] = [
    [Undecorated(1, 2), Undecorated(1, 3), Base(1)],
    [with_(Slotted(1), y=1), with_(Slotted(1), y=2), Slotted(1)],
    [Scaled(1, 2), Scaled(1, 3)],
    [Quiet(1, 1), Quiet(1, 2)],
    [with_(Base(1), z=1), with_(Base(1), z=2), Base(1)],
    [with_(Named(1), z=1), with_(Named(1), z=2), Named(1), Pair(1), (1,)],
    [with_(Secretive(x=1), _p=1), with_(Secretive(x=1), _p=2)],
    [Optional(x=0), Optional(y=0), Optional(x=0, y=0), Optional()],
    [Open(a=1, b=2), Open(b=2, a=1), Open(a=1)],  # type: ignore[call-arg]
    [Permission(0), Permission(4), Permission(8), Permission(5), Permission.READ, Permission.WRITE, Permission(3)],
    [{"a": 1, "b": 2}, {"b": 2, "a": 1}, [["a", 1], ["b", 2]], {"$dict": [["b", 2], ["a", 1]]}],
    [{1: 1, 2: 2}, {2: 2, 1: 1}],
]

# What has no form: the value, and what is said of it.
REFUSED: list[tuple[Any, str]] = [
    (rows(1), "the argument given is a Rows, which is no value"),
    (with_(Failure("a"), args=(1,)), "the argument given is a Failure, which is no value"),
    (Late(1), "the argument given is a Late whose y is not set"),
    (with_(Base(1), z=print), r"the argument given\['z'\] is a builtin_function_or_method, which is no value"),
    (made(1), "the argument given: the class Made is not what tests.library.holding calls so"),
    (create_model("Row", x=(int, 1)), "the argument given: the class Row is not what .* calls so"),
    (create_model("Base", x=(int, 1))(), "the argument given: the class Base is not what .* calls so"),
    (dataclasses.make_dataclass("Base", ["x"])(1), "the argument given: the class Base is not what .* calls so"),
]
