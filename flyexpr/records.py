"""Frozen records: classes whose instances are equal where their fields are, and never change.

They work like frozen dataclasses with slots: with `match`, `==`, hash, pickle, `dataclasses.replace` and `fields`, and
for type checkers. They are made here because dataclasses cost too much. To import that module and make forty classes
with it took 32 of the 60 ms of `import flyexpr`. And expressions consist of such instances: to make one takes half as
long again with it (0.49 µs against 0.32 for three fields).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache, cached_property
from operator import attrgetter
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from flyexpr.errors import unknown_option

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
def record(*, hidden: tuple[str, ...] = (), options: bool = False) -> Callable[[type[R]], type[R]]: ...
def record(cls: type[R] | None = None, *, hidden: tuple[str, ...] = (), options: bool = False) -> Any:
    """The class as a record: its annotations are its fields, in their order, with their defaults.

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

    A method `__post_init__` is called when all fields are filled in. A class with its own `__init__` fills them in with
    `fill`. With `options`, the error for an argument that is not a field asks for the field that was meant (it makes an
    instance a little slower to make). Equality and `repr` do not look at `hidden` fields. A `__repr__` that the class
    has or inherits stays. The result is a new class, so its methods cannot call `super()`.
    """
    return _recorded(cls, hidden, options) if cls is not None else lambda cls: _recorded(cls, hidden, options)


def fill(instance: Any, **fields: Any) -> None:
    """Sets fields of a record while it is being made.

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
    """The record with other values in some of its fields.

    >>> @record
    ... class Point:
    ...     x: int
    ...     y: int = 0
    >>> replace(Point(1, 2), y=3)
    Point(x=1, y=3)
    """
    fields: tuple[str, ...] = instance.__match_args__  # type: ignore[attr-defined]
    return type(instance)(**{name: getattr(instance, name) for name in fields} | changes)


def later(module: str, name: str) -> Callable[..., Any]:
    """A function or method that is a function of a module, which is imported when it is called first.

    >>> class Point:
    ...     __repr__ = later("flyexpr.values.code", "code")

    The code that prints lies above what it prints, and few programs print. Other rare work, such as the creation of
    tables, would also make `import flyexpr` slower.
    """

    def function(*arguments: Any) -> Any:
        return getattr(__import__(module, fromlist=[name]), name)(*arguments)

    return function


def generated(name: str, lines: Iterable[str], scope: dict[str, Any]) -> FunctionType:
    """The function of a name that lines of code define; they see what is in the scope, and add to it what they define.

    >>> times = generated("times", ["def times(number):", " return factor * number"], {"factor": 6})
    >>> times(7)
    42

    Such a function is made for one class, or for the items of one form, and says once what a loop would ask on every
    call. That pays in four places: the `__init__` of records, and the functions that read the items of one form, write
    their lines of a match, and write them (values/patterns.py, item_lines.py, text_code.py). They take 0.65, 0.62,
    0.38 and 0.55 of the time.

    The code consists of flyexpr's own words: operators, constants and numbered names. What comes from a program, a
    request or an answer, such as the name of an attribute, is never code: it is a value in the scope, or in a string
    that `repr` has written.
    """
    exec("\n".join(lines), scope)
    function: FunctionType = scope[name]
    return function


copy, deepcopy = later("copy", "copy"), later("copy", "deepcopy")
"""Python's own; few programs need them, and that module takes a sixtieth of `import flyexpr`."""


def _recorded(cls: type, hidden: tuple[str, ...], options: bool) -> type:
    names = tuple(cls.__annotations__)
    members = {name: member for name, member in vars(cls).items() if name not in (*names, "__dict__", "__weakref__")}
    cached = any(isinstance(member, cached_property) for member in members.values())
    slots = names if not cached or cls.__mro__[1].__dictoffset__ else (*names, "__dict__", "__weakref__")
    shared = _shared([name for name in names if name not in hidden])
    if any("__repr__" in vars(base) for base in cls.__mro__[:-1]):
        del shared["__repr__"]
    made = type(cls)(
        cls.__name__,
        cls.__bases__,
        {
            **shared,
            **members,
            "__slots__": slots,
            "__match_args__": names,
        },
    )
    _HIDDEN[made] = hidden
    if "__init__" not in members:
        defaults = {name: member for name, member in vars(cls).items() if name in names}
        made.__init__ = _initializer(made, names, defaults, options)  # type: ignore[misc]
    return made


def _initializer(made: type, names: tuple[str, ...], defaults: dict[str, Any], options: bool) -> Callable[..., None]:
    """The function that fills in an instance by its slots; object.__setattr__ takes twice as long."""
    code = _filling(len(names), hasattr(made, "__post_init__"), options)
    code = code.replace(co_varnames=("self", *names, *code.co_varnames[1 + len(names) :]))
    scope = {f"set_{number}": vars(made)[name].__set__ for number, name in enumerate(names)}
    default_values = tuple(defaults[name] for name in names if name in defaults)
    function = FunctionType(code, {**scope, "refuse": _refuse_options}, "__init__", default_values)
    function.__qualname__, function.__module__ = f"{made.__qualname__}.__init__", made.__module__
    function.__annotations__ = {**made.__annotations__, "return": "None"}
    return function


@cache  # to compile it for each record was a tenth of `import flyexpr`
def _filling(count: int, post: bool, options: bool) -> CodeType:
    """The code of an `__init__` with `count` fields, which has placeholders for their names."""
    parameters = ["self", *(f"field_{number}" for number in range(count))]
    body = [f"set_{number}(self, field_{number})" for number in range(count)]
    if post:
        body.append("self.__post_init__()")
    if options:
        parameters.append("**unknown")
        body.insert(0, "unknown and refuse(self, unknown)")
    lines = [f"def __init__({', '.join(parameters)}):", f" {'; '.join(body) or 'pass'}"]
    return generated("__init__", lines, {}).__code__


def _shared(shown: list[str]) -> dict[str, Any]:
    """The methods of a record whose equality and `repr` look at these fields."""
    values: Callable[[Any], tuple[Any, ...]]
    if len(shown) > 1:
        values = attrgetter(*shown)
    else:

        def values(self: Any) -> tuple[Any, ...]:
            return tuple([getattr(self, name) for name in shown])

    def __eq__(self: Any, other: object) -> Any:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self: Any) -> int:
        return hash(values(self))

    def __repr__(self: Any) -> str:
        fields = [f"{name}={value!r}" for name, value in zip(shown, values(self), strict=True)]
        return f"{self.__class__.__qualname__}({', '.join(fields)})"

    return {**_SAME, "__eq__": __eq__, "__hash__": __hash__, "__repr__": __repr__}


def _names(self: Any) -> list[str]:
    """The public names: those that the class lists as `_public`, where it has others that only other stages use."""
    names = object.__dir__(self)
    public = getattr(type(self), "_public", None) or [name for name in names if not name.startswith("_")]
    return [name for name in names if name.startswith("__") or name in public]


def _refuse_assignment(self: Any, name: str, value: Any = None) -> None:
    from dataclasses import FrozenInstanceError

    record_name = self.__class__.__name__
    raise FrozenInstanceError(
        f"`{name}` of a {record_name} stays as it is; make another one: dataclasses.replace(..., {name}=...)"
    )


def _refuse_options(self: Any, unknown: dict[str, Any]) -> None:
    raise TypeError(unknown_option(type(self).__name__, next(iter(unknown)), self.__match_args__))


def _reduce(self: Any) -> tuple[Any, ...]:
    """Pickles the fields and a subclass's own attributes, but not cached properties."""
    kept = {name: getattr(self, name) for name in self.__match_args__}
    for name, value in getattr(self, "__dict__", {}).items():
        if not isinstance(getattr(type(self), name, None), cached_property):
            kept[name] = value
    return _remade, (self.__class__, kept)


def _remade(cls: type[R], fields: dict[str, Any]) -> R:
    made = cls.__new__(cls)  # without __init__: that of a subclass may take other arguments
    fill(made, **fields)
    return made


class _Twin:
    """An attribute for the functions of `dataclasses`: that of a dataclass with the same fields, made when they ask."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: Any) -> Any:
        return getattr(_twin(owner), self._name)


@cache
def _twin(cls: type) -> type:
    from dataclasses import field, make_dataclass
    from inspect import Parameter, signature

    record = next(each for each in cls.__mro__ if each in _HIDDEN)
    fields = []
    parameters = signature(record).parameters
    for parameter in map(parameters.__getitem__, record.__match_args__):  # type: ignore[attr-defined]
        shown = parameter.name not in _HIDDEN[record]
        options: dict[str, Any] = {"repr": shown, "compare": shown, "kw_only": parameter.kind is Parameter.KEYWORD_ONLY}
        if parameter.default is not Parameter.empty:
            value = parameter.default
            options["default_factory"] = lambda value=value: value
        fields.append((parameter.name, record.__annotations__[parameter.name], field(**options)))
    return make_dataclass(cls.__name__, fields, frozen=True, repr=False)


_HIDDEN: dict[type, tuple[str, ...]] = {}  # the hidden fields of every record

_SAME = {
    "__dir__": _names,
    "__setattr__": _refuse_assignment,
    "__delattr__": _refuse_assignment,
    "__reduce__": _reduce,
    "__replace__": replace,
    "__dataclass_fields__": _Twin("__dataclass_fields__"),
    "__dataclass_params__": _Twin("__dataclass_params__"),
}
