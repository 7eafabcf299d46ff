"""What numpy and pandas have in place of plain values: taken as those, or refused with what to write instead.

The classes of the first half stand in for theirs. The second half asks the real ones, where they are installed.
"""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from flyexpr import (
    Table,
    ValidationError,
    assign,
    connect,
    create_table,
    epoch,
    eq,
    ge,
    get,
    matches,
    put,
    run,
    scan,
    show,
    update,
)

FRAMES = Table(
    "frames",
    "id",
    attributes={
        "at": datetime,
        "until": epoch,
        "day": date,
        "whole": int,
        "part": float,
        "exact": Decimal,
        "flag": bool,
        "text": str,
        "data": bytes,
        "numbers": set[int],
        "log": list[int],
    },
)
HOLE = "leave the attribute out, or store None"
NO_TYPE = "declare the attribute's type on the table, or store a plain value"
LIST = "write value.tolist() for a plain list"


@pytest.fixture
def table() -> Table:
    made = FRAMES.on(connect("sqlite::memory:"))
    run(made, create_table())
    return made


def named(module: str, kind: type) -> type:
    """The class, as if the module had made it."""
    kind.__module__ = module
    return kind


class Nothing(datetime):
    """Like NaT of pandas: a datetime that equals nothing."""

    def __eq__(self, other: object) -> bool:
        return False

    def __ne__(self, other: object) -> bool:
        return True

    def __str__(self) -> str:
        return "NaT"

    __hash__ = datetime.__hash__


class NAType:
    """Like NA of pandas, which does not even know whether it equals itself."""

    def __eq__(self, other: object) -> Any:
        return self

    __ne__ = __eq__

    def __bool__(self) -> bool:
        raise TypeError("boolean value of NA is ambiguous")

    def __str__(self) -> str:
        return "<NA>"

    __hash__ = object.__hash__


class Array:
    """Like an array of numpy, which compares member by member."""

    def __len__(self) -> int:
        return 2

    def __ne__(self, other: object) -> Any:
        return self

    def __bool__(self) -> bool:
        raise ValueError("the truth value of an array is ambiguous")

    def tolist(self) -> list[int]:
        return [1, 2]


class Flag:
    """Like a bool of numpy."""

    shape = ()
    dtype = type("dtype", (), {"kind": "b"})

    def __bool__(self) -> bool:
        return True


NOTHING, NA, ARRAY, FLAG = Nothing(2026, 1, 1), NAType(), named("numpy", Array)(), named("numpy", Flag)()
NAN, OTHER = float("nan"), named("pandas._libs.interval", type("Interval", (), {}))()
REFUSED: list[tuple[str, Any, str, str | None]] = [
    ("x", NOTHING, "NaT is not a value that DynamoDB can store", HOLE),
    ("at", NOTHING, "expected datetime, got NaT", HOLE),
    ("until", NOTHING, "expected datetime, got NaT", HOLE),
    ("day", NOTHING, "expected date, got NaT", HOLE),
    ("text", NOTHING, "expected str, got NaT", HOLE),
    ("x", NA, "<NA> is not a value that DynamoDB can store", HOLE),
    ("at", NA, "expected datetime, got <NA>", HOLE),
    ("whole", NA, "expected int, got <NA>", HOLE),
    ("flag", NA, "expected bool, got <NA>", HOLE),
    ("x", NAN, "NaN is not a number that DynamoDB can store", HOLE),
    ("whole", NAN, "expected int, got nan", HOLE),
    ("part", NAN, "NaN is not a number that DynamoDB can store", HOLE),
    ("exact", NAN, "expected Decimal, got nan", HOLE),
    ("text", NAN, "expected str, got nan", HOLE),
    ("at", NAN, "expected datetime, got nan", HOLE),
    ("x", Decimal("NaN"), "NaN is not a number that DynamoDB can store", HOLE),
    ("whole", Decimal("NaN"), "expected int, got NaN", HOLE),
    ("id", NAN, "expected str, got nan", HOLE),
    ("x", float("inf"), "Infinity is not a number that DynamoDB can store", None),
    ("whole", 5.5, "expected int, got 5.5, which is not a whole number", None),
    ("x", ARRAY, "DynamoDB has no type for numpy.Array", LIST),
    ("log", ARRAY, "expected list, got numpy.Array", LIST),
    ("text", ARRAY, "expected str, got numpy.Array", None),
    ("whole", FLAG, "expected int, got numpy.Flag", None),
    ("x", OTHER, "DynamoDB has no type for pandas.Interval", NO_TYPE),
    ("text", OTHER, "expected str, got pandas.Interval", None),
]


def refusal(name: str, message: str, hint: str | None) -> str:
    return f"at `{name}`: {message}" + (f"\n  hint: {hint}" if hint else "")


@pytest.mark.parametrize("name, value, message, hint", REFUSED)
def test_what_has_no_plain_value(table: Table, name: str, value: Any, message: str, hint: str | None) -> None:
    with pytest.raises(ValidationError) as caught:
        put(table, {"id": "a", name: value})
    assert str(caught.value) == refusal(name, message, hint)


@pytest.mark.parametrize("value, text", [(NOTHING, "NaT"), (NA, "<NA>")], ids=["NaT", "NA"])
@pytest.mark.parametrize("wrap", [lambda value: value, lambda value: [value], lambda value: {"k": value}])
def test_no_expression_holds_what_stands_for_no_value(value: Any, text: str, wrap: Any) -> None:
    for make in (eq, assign):
        with pytest.raises(ValidationError) as caught:
            make("x", wrap(value))
        assert str(caught.value).endswith(f"{text} is not a value that DynamoDB can store\n  hint: {HOLE}")


def test_the_hint_names_a_type_that_can_be_declared(table: Table) -> None:
    class Stamp(datetime):
        """Like a Timestamp of pandas."""

    for value, kind in ((Stamp(2026, 1, 1, tzinfo=timezone.utc), "datetime"), (OTHER, "Codec(encode, decode, str)")):
        with pytest.raises(ValidationError) as caught:
            list(run(table, scan(eq("x", value))))
        assert str(caught.value).endswith(f"\n  hint: declare it: attributes={{'x': {kind}}}")


# --- the real ones

numpy_values: list[tuple[str, str, Any]] = [
    ("x", "int64(5)", 5),
    ("x", "uint8(200)", 200),
    ("x", "float64(1.5)", Decimal("1.5")),
    ("x", "float32(0.5)", Decimal("0.5")),
    ("x", "bool_(True)", True),
    ("x", "str_('a')", "a"),
    ("x", "bytes_(b'a')", b"a"),
    ("x", "array(5)", 5),
    ("whole", "int64(5)", 5),
    ("whole", "float64(5.0)", 5),
    ("part", "float32(0.5)", 0.5),
    ("exact", "int64(5)", Decimal(5)),
    ("flag", "bool_(False)", False),
    ("text", "str_('a')", "a"),
    ("data", "bytes_(b'a')", b"a"),
]


@pytest.mark.parametrize("name, code, plain", numpy_values)
def test_a_scalar_of_numpy_is_a_plain_value(table: Table, name: str, code: str, plain: Any) -> None:
    value = eval(f"numpy.{code}", {"numpy": pytest.importorskip("numpy")})
    new = put(table, {"id": "a", name: value, "l": [value]}, returns="NEW")
    assert new == get(table, "a")
    assert new is not None
    assert new[name] == plain
    assert type(new[name]) is type(plain)
    assert [item["id"] for item in run(table, scan(eq(name, value)))] == ["a"]
    assert update(table, "a", assign(name, value), returns="UPDATED_NEW") == {name: plain}
    assert eq("other", value) == eq("other", plain)
    assert matches(eq("other", value), {"other": plain})
    assert show(eq("other", value)) == show(eq("other", plain))


def test_more_of_numpy(table: Table) -> None:
    np = pytest.importorskip("numpy")
    item = {
        "id": np.str_("a"),
        "numbers": {np.int64(1), np.int64(2)},
        "log": [np.int8(1)],
        "m": {np.str_("k"): np.int64(1)},
    }
    put(table, item)
    assert get(table, np.str_("a")) == {"id": "a", "numbers": {1, 2}, "log": [1], "m": {"k": 1}}
    assert len(list(run(table, scan(limit=np.int64(1))))) == 1
    for name, value, message, hint in (
        ("whole", np.bool_(True), f"expected int, got numpy.{np.bool_.__name__}", None),
        ("flag", np.int64(1), "expected bool, got numpy.int64", None),
        ("text", np.int64(1), "expected str, got numpy.int64", None),
        ("whole", np.float64("nan"), "expected int, got nan", HOLE),
        ("x", np.float64("nan"), "NaN is not a number that DynamoDB can store", HOLE),
        ("x", np.datetime64("NaT", "D"), "NaT is not a value that DynamoDB can store", HOLE),
        ("x", np.array([1, 2]), "DynamoDB has no type for numpy.ndarray", LIST),
        ("log", np.array([1, 2]), "expected list, got numpy.ndarray", LIST),
        ("x", np.complex128(1), "DynamoDB has no type for numpy.complex128", NO_TYPE),
    ):
        with pytest.raises(ValidationError) as caught:
            put(table, {"id": "a", name: value})
        assert str(caught.value) == refusal(name, message, hint)


def test_times_and_holes_of_pandas(table: Table) -> None:
    pd = pytest.importorskip("pandas")
    moment = pd.Timestamp("2026-01-31 12:00:00.123456", tz="Europe/Berlin")
    plain = datetime(2026, 1, 31, 11, 0, 0, 123456, tzinfo=timezone.utc)
    new = put(table, {"id": "a", "at": moment, "until": moment, "day": moment.date()}, returns="NEW")
    assert new == get(table, "a") == {"id": "a", "at": plain, "until": plain, "day": date(2026, 1, 31)}
    assert [item["id"] for item in run(table, scan(ge("at", moment)))] == ["a"]
    assert list(run(table, scan(ge("at", moment + timedelta(seconds=1))))) == []
    for name, value, message, hint in (
        ("x", pd.NA, "<NA> is not a value that DynamoDB can store", HOLE),
        ("x", pd.NaT, "NaT is not a value that DynamoDB can store", HOLE),
        ("at", pd.NaT, "expected datetime, got NaT", HOLE),
        ("whole", pd.NA, "expected int, got <NA>", HOLE),
        ("x", moment, "DynamoDB has no type for pandas.Timestamp", NO_TYPE),
        ("x", pd.Series([1]), f"DynamoDB has no type for {pd.Series.__module__}.Series", LIST),
    ):
        with pytest.raises(ValidationError) as caught:
            put(table, {"id": "a", name: value})
        assert str(caught.value).startswith(refusal(name, message, None))
        assert hint is None or str(caught.value).endswith(hint)


def test_a_row_of_a_frame_is_an_item(table: Table) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"id": ["a", "b"], "whole": [1, 2], "part": [0.5, float("nan")], "flag": [True, False]})
    for row in frame.to_dict("records"):
        put(table, {name: value for name, value in row.items() if not pd.isna(value)})
    assert sorted(run(table, scan()), key=lambda item: str(item["id"])) == [
        {"id": "a", "whole": 1, "part": 0.5, "flag": True},
        {"id": "b", "whole": 2, "flag": False},
    ]
