"""Records behave like frozen dataclasses."""

import copy
import dataclasses
import inspect
import pickle
import pprint
import weakref
from typing import Any

import pytest
from raised import raises

from flyexpr import GlobalIndex, Table, eq, query
from flyexpr.expressions.nodes import Compare, Path, Value
from flyexpr.records import record
from flyexpr.requests.operations import Query

CONDITION = Compare("=", Path(("a",)), Value("N", 1))
INDEX = GlobalIndex("by_b", "b", "a")
TABLE = Table("t", "a", attributes={"n": int}, indexes=[INDEX], ttl="n")
READ = query(eq("a", "x"), limit=3)
RECORDS = pytest.mark.parametrize("made", [CONDITION, INDEX, TABLE, READ], ids=lambda made: type(made).__name__)


@RECORDS
def test_copies_are_equal(made: Any) -> None:
    for other in (pickle.loads(pickle.dumps(made)), copy.copy(made), copy.deepcopy(made), dataclasses.replace(made)):
        assert other == made
        assert hash(other) == hash(made)
        assert repr(other) == repr(made)


def test_a_record_that_remembers_can_be_referred_to_weakly() -> None:
    table = Table("t", "a")
    reference = weakref.ref(table)
    assert reference() is table
    del table
    assert reference() is None


@RECORDS
def test_nothing_can_be_changed(made: Any) -> None:
    for name in made.__match_args__:
        with raises(
            dataclasses.FrozenInstanceError,
            f"`{name}` of a {type(made).__name__} stays as it is; make another one: "
            f"dataclasses.replace(..., {name}=...)",
        ):
            setattr(made, name, None)
        with raises(
            dataclasses.FrozenInstanceError,
            f"`{name}` of a {type(made).__name__} stays as it is; make another one: "
            f"dataclasses.replace(..., {name}=...)",
        ):
            delattr(made, name)
    with pytest.raises(AttributeError):
        made.unknown = 1


@RECORDS
def test_the_functions_of_dataclasses_know_them(made: Any) -> None:
    assert dataclasses.is_dataclass(made)
    assert [field.name for field in dataclasses.fields(made)] == list(type(made).__match_args__)


def test_some_fields_can_be_replaced() -> None:
    assert dataclasses.replace(READ, limit=5) == query(eq("a", "x"), limit=5)
    assert dataclasses.replace(TABLE, name="u").indexes == (INDEX,)
    with raises(TypeError, "Query.__init__() got an unexpected keyword argument 'colour'"):
        dataclasses.replace(READ, colour="red")  # type: ignore[call-arg]


def test_fields_are_matched_in_their_order() -> None:
    match CONDITION:
        case Compare("=", Path((name,)), Value(kind, body)):
            assert (name, kind, body) == ("a", "N", 1)
        case _:
            pytest.fail("not matched")


def test_two_shapes_are_never_equal() -> None:
    @record
    class One:
        a: int

    @record
    class Other:
        a: int

    assert One(1) != Other(1)
    assert One(1) != 1
    assert One(1) == One(1)


def test_arguments_are_those_of_the_fields() -> None:
    with raises(TypeError, "Query.__init__() missing 1 required positional argument: 'condition'"):
        Query()  # type: ignore[call-arg]
    with raises(TypeError, "Query.__init__() got an unexpected keyword argument 'colour'"):
        Query(CONDITION, colour="red")  # type: ignore[call-arg]


def test_what_is_hidden_is_not_looked_at() -> None:
    bound = TABLE.on(lambda operation, body: b"{}")
    assert bound == TABLE
    assert hash(bound) == hash(TABLE)
    assert "engine" not in repr(bound)
    assert dataclasses.replace(bound, name="u").engine is bound.engine


def test_what_is_remembered_of_a_table_is_not_pickled() -> None:
    assert TABLE.codecs
    assert "codecs" not in vars(pickle.loads(pickle.dumps(TABLE)))


class Mine(Table):
    """A user's own subclass of Table, with its own `__init__`."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "id")
        object.__setattr__(self, "owner", "me")


def test_a_subclass_with_other_arguments_is_copied_and_pickled() -> None:
    for other in (pickle.loads(pickle.dumps(Mine("a"))), copy.deepcopy(Mine("a"))):
        assert (other, other.owner, type(other)) == (Mine("a"), "me", Mine)


@RECORDS
def test_they_print_prettily_and_say_what_they_hold(made: Any) -> None:
    assert pprint.pformat(made, width=20).replace("\n", "").replace(" ", "") == repr(made).replace(" ", "")
    assert "engine" not in [field.name for field in dataclasses.fields(made) if field.repr]
    assert type(made).__dataclass_fields__ is type(made).__dataclass_fields__, "made once"


def test_a_text_of_the_class_or_of_its_base_stays() -> None:
    class Base:
        def __repr__(self) -> str:
            return "base"

    @record
    class Inheriting(Base):
        x: int

    @record
    class Own(Base):
        x: int

        def __repr__(self) -> str:
            return f"own {self.x}"

    assert (repr(Inheriting(1)), repr(Own(1))) == ("base", "own 1")


def test_defaults_and_types_are_told() -> None:
    by_name = {field.name: field for field in dataclasses.fields(Query)}
    assert by_name["condition"].default_factory is dataclasses.MISSING
    assert by_name["limit"].type == "int | None"
    assert inspect.signature(GlobalIndex).parameters["name"].annotation == "str"
    assert Query.__init__.__qualname__ == "Query.__init__"
