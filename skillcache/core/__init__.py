"""What knows nothing of caching: files, git, processes, JSON, outcomes, credentials in text.

    class Place(Record):
        root: str  # top of the worktree
        branch: str = ""
        _: KW_ONLY  # those below it are given by name
        edits: dict[str, int] = field(default_factory=dict)

A `Record` says once what an object of values holds, as with `dataclasses`, whose import alone costs a hook more than
all that it does with records. Two records are equal only where they are one object; nothing but the fields can be set.
No record stands on another: its fields are its own.
"""

TYPE_CHECKING = False


if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from dataclasses import KW_ONLY, field
    from typing import ClassVar, dataclass_transform
else:
    KW_ONLY = None

    class field:  # noqa: N801 - by its name in `dataclasses`
        """A default that is made anew for each record."""

        __slots__ = ("default_factory",)

        def __init__(self, *, default_factory: "Callable[[], object]") -> None:
            self.default_factory = default_factory

    def dataclass_transform(**_: object) -> "Callable[[type], type]":
        return lambda kind: kind


__all__ = ["KW_ONLY", "Record", "field"]


class _Declared(type):
    """Makes slots of a class's annotations."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, object]) -> "_Declared":
        fields = positional = tuple(_annotated(namespace))
        if "_" in fields:
            at = fields.index("_")
            fields, positional = fields[:at] + fields[at + 1 :], fields[:at]
        namespace["_positional"] = positional
        namespace["_defaults"] = {name: namespace.pop(name) for name in fields if name in namespace}
        namespace["__slots__"] = fields
        return super().__new__(cls, name, bases, namespace)


def _annotated(namespace: dict[str, object]) -> "Iterable[str]":
    annotate = namespace.get("__annotate_func__")  # from Python 3.14 on; 1: with the values as they are
    return annotate(1) if callable(annotate) else namespace.get("__annotations__", ())  # type: ignore[return-value]


@dataclass_transform(eq_default=False, field_specifiers=(field,))
class Record(metaclass=_Declared):
    if TYPE_CHECKING:
        __slots__: tuple[str, ...]
        _positional: ClassVar[tuple[str, ...]]
        _defaults: ClassVar[dict[str, object]]

    def __init__(self, /, *values: object, **named: object) -> None:
        """Raises TypeError where a value is missing, or one too many."""
        given = dict(zip(self._positional, values, strict=False), **named)
        if len(given) != len(values) + len(named):
            raise self._refusal(values, named)
        fields = self.__slots__
        if len(given) != len(fields):
            for name, default in self._defaults.items():
                if name not in given:
                    given[name] = default.default_factory() if type(default) is field else default  # type: ignore[attr-defined]
        try:
            for name in fields:
                setattr(self, name, given.pop(name))
        except KeyError:
            raise self._refusal(values, named) from None
        if given:
            raise self._refusal(values, named)

    def _refusal(self, values: tuple[object, ...], named: dict[str, object]) -> TypeError:
        order = self._positional
        missing = [name for name in self.__slots__ if name not in {*order[: len(values)], *named, *self._defaults}]
        if len(values) > len(order):
            text = f"takes {len(order)} positional arguments but {len(values)} were given"
        elif twice := [name for name in order[: len(values)] if name in named]:
            text = f"got multiple values for argument '{twice[0]}'"
        elif unknown := [name for name in named if name not in self.__slots__]:
            text = f"got an unexpected keyword argument '{unknown[0]}'"
        else:
            text = "missing required arguments: " + ", ".join(map(repr, missing))
        return TypeError(f"{type(self).__qualname__}() {text}")

    def __repr__(self) -> str:
        values = (f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__qualname__}({', '.join(values)})"
