"""Items as columns: which type each declared type has in Arrow and pandas, and how much is held in memory."""

import enum
import io
import json
import sys
import tracemalloc
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any, TypedDict

import pytest
from raised import raises
from scripted import Engine

from flyexpr import (
    Attribute,
    Codec,
    FlyexprError,
    Found,
    GlobalIndex,
    Table,
    ValidationError,
    aio,
    connect,
    create_table,
    epoch,
    from_json,
    kinds,
    put_all,
    run,
    scan,
    segments,
    template,
    to_arrow,
    to_pandas,
    vector,
)


class Colour(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    LARGE = 3


class Place(TypedDict):
    city: str


def cents(euros: float) -> int:
    return round(euros * 100)


def euros(cents: Any) -> float:
    return float(cents / 100)


NOON = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=timezone.utc)
DAY = date(2026, 1, 31)

# declared · value · type of Arrow · cell of Arrow · type of pandas · cell of pandas where it is another
TYPES: dict[str, tuple[Any, Any, str, Any, str]] = {
    "text": (str, "a", "string", "a", "string"),
    "rule": (Attribute(int, check=bool), 5, "int64", 5, "Int64"),
    "whole": (int, -(2**63), "int64", -(2**63), "Int64"),
    "real": (float, 0.1, "double", 0.1, "float64"),
    "exact": (Decimal, Decimal("0.123456789"), "decimal128(38, 9)", Decimal("0.123456789"), "object"),
    "number": (int | Decimal, 7, "decimal128(38, 9)", Decimal(7), "object"),
    "truth": (bool, False, "bool", False, "boolean"),
    "raw": (bytes, b"\x00\xff", "binary", b"\x00\xff", "object"),
    "moment": (datetime, NOON, "timestamp[us, tz=UTC]", NOON, "datetime64[us, UTC]"),
    "until": (epoch, NOON, "timestamp[us, tz=UTC]", NOON, "datetime64[us, UTC]"),
    "day": (date, DAY, "date32[day]", DAY, "datetime64[s]"),
    "uuid": (uuid.UUID, uuid.UUID(int=7), "string", str(uuid.UUID(int=7)), "string"),
    "colour": (Colour, Colour.RED, "string", "red", "string"),
    "size": (Size, Size.LARGE, "int64", 3, "Int64"),
    "price": (Codec(cents, euros, int), 1.25, "int64", 125, "Int64"),
    "tags": (set[str], {"b", "a"}, "list<item: string>", ["a", "b"], "object"),
    "marks": (list[int], [3, 1], "list<item: int64>", [3, 1], "object"),
    "days": (set[date], {DAY, date(1, 1, 1)}, "list<item: date32[day]>", [date(1, 1, 1), DAY], "object"),
    "colours": (set[Colour], {Colour.RED}, "list<item: string>", ["red"], "object"),
    "vector": (vector(2), [0.5, -1], "list<item: float>", [0.5, -1.0], "object"),
    "place": (Place, {"city": "Rom"}, "string", '{"city": "Rom"}', "string"),
    "map": (dict[str, int], {"a": 1}, "string", '{"a": 1}', "string"),
    "list": (list, [1, {"a": b"x"}], "string", '[1, {"a": {"$bytes": "eA=="}}]', "string"),
    "any": (Any, {1, 2}, "string", '{"$set": [1, 2]}', "string"),
}
TABLE = Table("Columns", "id", "sk", attributes={"sk": int, **{name: case[0] for name, case in TYPES.items()}})
FULL = {"id": "a", "sk": 1, **{name: case[1] for name, case in TYPES.items()}}
FRAMES = pytest.mark.parametrize("frame", ["arrow", "pandas"])


@pytest.fixture
def table() -> Iterator[Table]:
    with closing(connect("sqlite::memory:")) as engine:
        table = TABLE.on(engine)
        run(table, create_table())
        put_all(table, [FULL, {"id": "a", "sk": 2, "text": None, "odd": {1, 2}, "n": Decimal("0.10")}])
        yield table


def made(frame: str, table: Table, items: Any, **options: Any) -> Any:
    """What either function makes, read to its end."""
    pytest.importorskip("pyarrow" if frame == "arrow" else "pandas")
    return to_arrow(table, items, **options).read_all() if frame == "arrow" else to_pandas(table, items, **options)


def test_types_of_arrow(table: Table) -> None:
    read = made("arrow", table, run(table, scan()))
    expected = {"id": "string", "sk": "int64", **{name: case[2] for name, case in TYPES.items()}, "others": "string"}
    assert {field.name: str(field.type) for field in read.schema} == expected
    full, empty = read.to_pylist()
    assert full == {"id": "a", "sk": 1, **{name: case[3] for name, case in TYPES.items()}, "others": None}
    assert empty.pop("others") == '{"odd": {"$set": [1, 2]}, "n": 0.1}'
    assert empty == {"id": "a", "sk": 2, **dict.fromkeys(TYPES)}


def test_types_of_pandas(table: Table) -> None:
    frame = made("pandas", table, run(table, scan()))
    expected = {"id": "string", "sk": "Int64", **{name: case[4] for name, case in TYPES.items()}, "others": "string"}
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == expected
    for name, (_, _, _, cell, _) in TYPES.items():
        found = frame[name][0]
        assert (found.date() if name == "day" else found) == cell, name
        assert frame[name].isna().tolist() == [False, True]
    assert from_json(frame["others"][1]) == {"odd": {1, 2}, "n": Decimal("0.1")}


def test_the_columns_come_from_the_table_alone(table: Table) -> None:
    """So the parts of a read have the same, even one without items."""
    pytest.importorskip("pyarrow")
    schemas = [to_arrow(table, run(table, part)).schema for part in segments(scan(), 3)]
    assert schemas == [to_arrow(TABLE, []).schema] * 3
    assert to_arrow(TABLE, []).read_all().num_rows == 0
    pytest.importorskip("pandas")
    assert list(to_pandas(TABLE, [], rows=5)) == []
    assert to_pandas(TABLE, []).dtypes.equals(to_pandas(TABLE, [FULL]).dtypes)


def test_keys_that_are_not_declared_and_derived_ones() -> None:
    pytest.importorskip("pyarrow")
    shop = Table(
        "Shop", "pk", attributes={"pk": template("C#{customer}"), "n": int}, indexes=[GlobalIndex("ByN", "n", "at")]
    )
    read = to_arrow(shop, [{"pk": "C#ada", "customer": "ada", "n": 1, "at": "x", "z": 1}], others=None).read_all()
    assert read.to_pylist() == [{"pk": "C#ada", "n": 1, "at": "x"}]


def test_frames_of_some_rows_are_alike(table: Table) -> None:
    pandas = pytest.importorskip("pandas")
    items = [{"id": "a", "sk": number, "real": 0.5} for number in range(7)] + [{"id": "b", "sk": 7}]
    frames = list(to_pandas(table, items, rows=3))
    assert [len(frame) for frame in frames] == [3, 3, 2]
    assert pandas.concat(frames, ignore_index=True).equals(to_pandas(table, items))
    pytest.importorskip("pyarrow")
    assert [batch.num_rows for batch in to_arrow(table, items, rows=3)] == [3, 3, 2]


def test_a_parquet_file_reads_back(table: Table) -> None:
    pytest.importorskip("pyarrow")
    from pyarrow import parquet

    file = io.BytesIO()
    reader = to_arrow(table, run(table, scan()))
    with parquet.ParquetWriter(file, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
    assert parquet.read_table(file).to_pylist() == to_arrow(table, run(table, scan())).read_all().to_pylist()


BAD: list[tuple[dict[str, Any], str, str | None]] = [
    ({"whole": 2**63}, "whole", "a column of int has 64 bits; declare it as Decimal, or as float, for larger numbers"),
    ({"whole": "x"}, "whole", None),
    ({"day": "no day"}, "day", None),
    ({"moment": "no time"}, "moment", None),
    ({"tags": 3}, "tags", None),
    ({"price": "x"}, "price", None),
]


@FRAMES
@pytest.mark.parametrize("bad, name, hint", BAD, ids=[str(case[0]) for case in BAD])
def test_what_does_not_fit_names_its_column(frame: str, bad: dict[str, Any], name: str, hint: str | None) -> None:
    """Such as an item that a read with bad="keep" gives as it is stored."""
    with pytest.raises(ValidationError) as caught:
        made(frame, TABLE, [{"id": "a", "sk": 1, **bad}])
    assert str(caught.value).startswith(f"at `{name}`: ")
    assert hint is None or caught.value.hint == hint


@FRAMES
def test_one_line_says_why_a_value_does_not_fit(frame: str) -> None:
    with pytest.raises(ValidationError) as caught:
        made(frame, TABLE, [{"id": "a", "sk": 1, "day": "no day\nof a week"}])
    assert str(caught.value).startswith("at `day`: a value does not fit its column: ")
    assert "of a week" not in str(caught.value)


def test_digits_are_never_lost() -> None:
    pytest.importorskip("pyarrow")
    import pyarrow

    item = {"id": "a", "sk": 1, "exact": Decimal("1E-20")}
    with pytest.raises(ValidationError) as caught:
        to_arrow(TABLE, [item]).read_all()
    assert caught.value.hint == (
        "a column of Decimal has 29 digits before the point and 9 after it; types= gives it another type"
    )
    reader = to_arrow(TABLE, [item], types={"exact": pyarrow.decimal256(76, 38)})
    assert str(reader.schema.field("exact").type) == "decimal256(76, 38)"
    assert reader.read_all()["exact"].to_pylist() == [Decimal("1E-20")]
    assert to_pandas(TABLE, [item])["exact"][0] == Decimal("1E-20")


@FRAMES
def test_bad_arguments(frame: str, table: Table) -> None:
    shop = kinds({"a": Table("Shop", "pk"), "b": Table("Shop", "pk")}, by="type")
    for arguments, options, kind, text in (
        (
            (shop, []),
            {},
            FlyexprError,
            "a frame has items of one kind; give it table[kind] and the items of that kind: 'a', 'b'",
        ),
        ((TABLE, []), {"rows": 0}, ValueError, "rows= takes a whole number from 1, not 0"),
        ((TABLE, []), {"rows": True}, ValueError, "rows= takes a whole number from 1, not True"),
        (
            (TABLE, []),
            {"others": "text"},
            FlyexprError,
            "the table has an attribute 'text'; give others= another name, or None",
        ),
        ((TABLE, scan()), {}, TypeError, "a scan reads nothing by itself; write run(table, ...)"),
        (
            (TABLE, TABLE),
            {},
            TypeError,
            "a frame takes items, such as run(table, scan()), not <Table Columns (id, sk), not bound>",
        ),
        ((TABLE, {"id": "a"}), {}, TypeError, "a frame takes items, such as run(table, scan()), not {'id': 'a'}"),
        ((TABLE, 3), {}, TypeError, "a frame takes items, such as run(table, scan()), not 3"),
        (([], TABLE), {}, TypeError, "a frame takes the table first, and then its items, not []"),
        (("Scores", []), {}, TypeError, "a frame takes the table first, and then its items, not 'Scores'"),
        (
            (TABLE, []),
            {"others": False},
            TypeError,
            "others= takes the name of a column, or None for no such column, not False",
        ),
        ((TABLE, [1]), {}, TypeError, "a frame takes items, which are dicts, not 1"),
        (
            (TABLE, [Found({"id": "a"}, 0.5)]),
            {},
            TypeError,
            (
                "a frame takes items, which are dicts, not Found(item={'id': 'a'}, score=0.5); write "
                "(found.item for found in ...)"
            ),
        ),
    ):
        with pytest.raises(kind) as caught:
            made(frame, *arguments, **options)
        assert str(caught.value) == text


def test_types_name_columns() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    with raises(FlyexprError, "types= names 'txet', which is not a column: declare it in attributes= of the table"):
        to_arrow(TABLE, [], types={"txet": pyarrow.string()})
    with raises(TypeError, "types= takes a dict of columns and types of pyarrow, not ['whole']"):
        to_arrow(TABLE, [], types=["whole"])  # type: ignore[arg-type]
    with raises(TypeError, "types= takes types such as pyarrow.int32(), not <class 'int'> for 'whole'"):
        to_arrow(TABLE, [], types={"whole": int})


@FRAMES
def test_awaited_items_are_refused(frame: str) -> None:
    async def engine(operation: str, body: bytes) -> bytes:
        raise AssertionError("nothing is sent")

    with raises(TypeError, "write `async for`, not `for`; or use the functions of flyexpr itself"):
        made(frame, TABLE, aio.run(TABLE.on(engine), scan()))


@pytest.mark.parametrize("package, function", [("pyarrow", to_arrow), ("pandas", to_pandas)])
def test_a_missing_extra_is_named(package: str, function: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(FlyexprError) as caught:
        function(TABLE, [])
    extra = {"pyarrow": "arrow"}.get(package, package)
    assert str(caught.value) == f"{function.__name__} needs {package}\n  hint: pip install 'flyexpr[{extra}]'"


def endless(pages: int, size: int) -> Engine:
    """An engine whose table has so many pages, of which it keeps none."""

    def answer(operation: str, body: bytes) -> bytes:
        start = json.loads(body).get("ExclusiveStartKey")
        number = int(start["sk"]["N"]) + 1 if start else 0
        keys = [{"id": {"S": "a"}, "sk": {"N": str(number * size + each)}} for each in range(size)]
        items = [{**key, "text": {"S": "x" * 200}, "real": {"N": "0.5"}, "odd": {"N": "1"}} for key in keys]
        page: dict[str, Any] = {"Items": items, "Count": size, "ScannedCount": size}
        if number + 1 < pages:
            page["LastEvaluatedKey"] = {"id": {"S": "a"}, "sk": {"N": str(number)}}
        return json.dumps(page).encode()

    return answer


def peak(pages: int, frame: str) -> tuple[int, int, int]:
    """The rows of so many pages, and the most bytes held: by Python, and by Arrow."""
    table, rows, held = TABLE.on(endless(pages, 100)), 0, 0
    items = run(table, scan())
    tracemalloc.start()
    try:
        if frame == "pandas":
            for part in to_pandas(table, items, rows=200):
                rows += len(part)
        else:
            import pyarrow

            for batch in to_arrow(table, items, rows=200):
                rows, held = rows + batch.num_rows, max(held, pyarrow.total_allocated_bytes())
        return rows, tracemalloc.get_traced_memory()[1], held
    finally:
        tracemalloc.stop()


@FRAMES
def test_many_pages_take_no_more_memory_than_a_few(frame: str) -> None:
    """A hundred pages, of which no more than three are held: what a batch needs, and the page that is read."""
    pytest.importorskip("pyarrow" if frame == "arrow" else "pandas")
    peak(2, frame)  # what is imported and learned at first
    _, few, few_held = peak(4, frame)
    rows, many, many_held = peak(100, frame)
    assert rows == 10_000
    assert many < 1.3 * few + 200_000 < 10_000_000
    assert many_held <= 1.5 * few_held


def test_nothing_is_read_before_a_batch_is_taken() -> None:
    pytest.importorskip("pyarrow")
    asked = []

    def engine(operation: str, body: bytes) -> bytes:
        asked.append(operation)
        return b'{"Items":[{"id":{"S":"a"},"sk":{"N":"1"}}],"Count":1,"ScannedCount":1}'

    reader = to_arrow(TABLE.on(engine), run(TABLE.on(engine), scan()))
    assert asked == []
    assert reader.read_next_batch().num_rows == 1
    assert asked == ["Scan"]
