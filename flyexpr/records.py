"""Frozen records: classes whose instances are what their fields are, and stay so.

To whoever uses them they are frozen dataclasses with slots: `match`, `==`, hash, pickle, `dataclasses.replace` and
`fields`, and type checkers take them for such. They are made here because of what dataclasses cost: importing that
module and making forty classes with it was 32 of the 60 ms of `import flyexpr`, and filling one in, of which building
an expression consists, takes half as long again (0.49 us against 0.32 for three fields).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar, overload

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform
else:

    def dataclass_transform(**_):
        return lambda function: function


R = TypeVar("R")


@overload
@dataclass_transform(frozen_default=True)
def record(cls: type[R]) -> type[R]: ...
@overload
@dataclass_transform(frozen_default=True)
def record(*, hidden: tuple[str, ...]) -> Callable[[type[R]], type[R]]: ...
def record(cls: type[R] | None = None, *, hidden: tuple[str, ...] = ()) -> Any:
    """The class as a record: its annotations are its fields, in their order, with the defaults that they are given.

    >>> @record
    ... class Point:
    ...     x: int
    ...     y: int = 0
    >>> Point(1), Point(1) == Point(1, 0), hash(Point(1)) == hash(Point(1))
    (Point(x=1, y=0), True, True)
    >>> Point(1).x = 2
    Traceback (most recent call last):
    ...
    dataclasses.FrozenInstanceError: `x` of a Point stays as it is; make another one: dataclasses.replace(..., x=...)

    A method `__post_init__` is called when all fields are filled in; an `__init__` of the class's own fills them in
    with `fill`. Neither equality nor `repr` look at `hidden` fields. The class is made anew, so its methods cannot say
    `super()`.
    """
    return _recorded(cls, hidden) if cls is not None else lambda cls: _recorded(cls, hidden)


def fill(instance: Any, **fields: Any) -> None:
    """Sets fields of a record that is being made.

    >>> @record
    ... class Name:
    ...     text: str
    ...     def __post_init__(self) -> None:
    ...         fill(self, text=self.text.strip())
    >>> Name(" a ")
    Name(text='a')
    """
    for name, value in fields.items():
        object.__setattr__(instance, name, value)


def replace(instance: R, **changes: Any) -> R:
    """A record with other values in some of its fields.

    >>> @record
    ... class Point:
    ...     x: int
    ...     y: int = 0
    >>> replace(Point(1, 2), y=3)
    Point(x=1, y=3)
    """
    fields: tuple[str, ...] = instance.__match_args__  # type: ignore[attr-defined]
    return type(instance)(**{name: getattr(instance, name) for name in fields} | changes)


def _recorded(cls: type, hidden: tuple[str, ...]) -> type:
    names = tuple(cls.__annotations__)
    own = {name: member for name, member in vars(cls).items() if name not in (*names, "__dict__", "__weakref__")}
    cached = any(isinstance(member, cached_property) for member in own.values())
    made = type(cls)(
        cls.__name__,
        cls.__bases__,
        {
            **_shared([name for name in names if name not in hidden]),
            **own,
            "__slots__": (*names, "__dict__", "__weakref__") if cached else names,
            "__match_args__": names,
            "__dataclass_fields__": _Fields(),
        },
    )
    if "__init__" not in own:
        defaults = {name: member for name, member in vars(cls).items() if name in names}
        made.__init__ = _initializer(made, names, defaults)  # type: ignore[misc]
    return made


def _initializer(made: type, names: tuple[str, ...], defaults: dict[str, Any]) -> Callable[..., None]:
    """The function that fills an instance in, by its slots: object.__setattr__ takes twice as long."""
    parameters = [f"{name}=_{name}" if name in defaults else name for name in names]
    body = [f"set_{name}(self, {name})" for name in names]
    if hasattr(made, "__post_init__"):
        body.append("self.__post_init__()")
    scope = {f"set_{name}": vars(made)[name].__set__ for name in names}
    scope |= {f"_{name}": default for name, default in defaults.items()}
    exec(f"def __init__({', '.join(['self', *parameters])}):\n {'; '.join(body) or 'pass'}", scope)
    return scope["__init__"]  # type: ignore[no-any-return]


def _shared(spoken: list[str]) -> dict[str, Any]:
    """The methods of a record that looks at these fields."""
    values: Callable[[Any], tuple[Any, ...]]
    if len(spoken) > 1:
        values = attrgetter(*spoken)
    else:

        def values(self: Any) -> tuple[Any, ...]:
            return tuple([getattr(self, name) for name in spoken])

    def __eq__(self: Any, other: object) -> Any:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self: Any) -> int:
        return hash(values(self))

    def __repr__(self: Any) -> str:
        fields = [f"{name}={value!r}" for name, value in zip(spoken, values(self), strict=True)]
        return f"{self.__class__.__qualname__}({', '.join(fields)})"

    return {**_SAME, "__eq__": __eq__, "__hash__": __hash__, "__repr__": __repr__}


def _refuse_assignment(self: Any, name: str, value: Any = None) -> None:
    from dataclasses import FrozenInstanceError

    kind = self.__class__.__name__
    raise FrozenInstanceError(
        f"`{name}` of a {kind} stays as it is; make another one: dataclasses.replace(..., {name}=...)"
    )


def _reduce(self: Any) -> tuple[Any, ...]:
    return _remade, (self.__class__, {name: getattr(self, name) for name in self.__match_args__})


def _remade(cls: type[R], fields: dict[str, Any]) -> R:
    return cls(**fields)


_SAME = {
    "__setattr__": _refuse_assignment,
    "__delattr__": _refuse_assignment,
    "__reduce__": _reduce,
    "__replace__": replace,
}


class _Fields:
    """What the functions of `dataclasses` look for, made when they do."""

    def __get__(self, instance: Any, owner: Any) -> Any:
        from dataclasses import make_dataclass

        return make_dataclass(owner.__name__, owner.__match_args__).__dataclass_fields__  # type: ignore[attr-defined]
