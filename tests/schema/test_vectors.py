"""Vectors: what can be written, how it is stored and read, and what is refused before anything is sent."""

import ctypes
import json
import pickle
import struct
from array import array
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raised import raises

from flyexpr import (
    FlyexprError,
    GlobalIndex,
    LocalIndex,
    Table,
    ValidationError,
    VectorIndex,
    assign,
    connect,
    create_table,
    get,
    near,
    put,
    request,
    run,
    search,
    to_wire,
    update,
    update_item,
    vector,
)
from flyexpr.records import replace
from flyexpr.requests.descriptions import described_table
from flyexpr.schema.vectors import numbers_of
from flyexpr.steps.alter_table import alterations
from flyexpr.values.encode import encode

DOCS = Table("Docs", "id", attributes={"v": vector(3)})
BY_V = VectorIndex("ByV", "v", 3, "dot_product", partition_key="tenant", filters=["lang", "pages"], project=["title"])
INDEXED = Table("Docs", "id", "day", indexes=[BY_V, GlobalIndex("ByDay", "day")], attributes={"pages": int})


def float32(number: float) -> float:
    rounded: float = struct.unpack("f", struct.pack("f", number))[0]
    return rounded


def numpy_array(values: list[float], kind: str) -> Any:
    return pytest.importorskip("numpy").array(values, dtype=kind)


VALUES: list[tuple[str, Callable[[], Any], list[str]]] = [
    ("list", lambda: [0.1, 2, -3.5], ["0.1", "2", "-3.5"]),
    ("tuple", lambda: (Decimal("0.1"), 2.0, 1e-7), ["0.1", "2", "0.0000001"]),
    ("array of float32", lambda: array("f", [0.1, 2, 1e-9]), ["0.100000001", "2", "0.000000000999999972"]),
    ("array of float64", lambda: array("d", [0.1, 2, -3.5]), ["0.1", "2", "-3.5"]),
    ("array of int", lambda: array("i", [1, 2, -3]), ["1", "2", "-3"]),
    ("memoryview", lambda: memoryview(array("d", [0.1, 2, -3.5])), ["0.1", "2", "-3.5"]),
    ("numpy float32", lambda: numpy_array([0.1, 2, -3.5], "float32"), ["0.100000001", "2", "-3.5"]),
    ("numpy float64", lambda: numpy_array([0.1, 2, -3.5], "float64"), ["0.1", "2", "-3.5"]),
    ("numpy float16", lambda: numpy_array([0.5, 2, -3.5], "float16"), ["0.5", "2", "-3.5"]),
    ("numpy float32 of the other order", lambda: numpy_array([0.1, 2, -3.5], ">f4"), ["0.100000001", "2", "-3.5"]),
    ("numpy int64 of the other order", lambda: numpy_array([1, 2, -3], ">i8"), ["1", "2", "-3"]),
    ("every second of numpy", lambda: numpy_array([1, 0, 2, 0, 3, 0], "float32")[::2], ["1", "2", "3"]),
    ("backwards by numpy", lambda: numpy_array([1, 2, 3], "float32")[::-1], ["3", "2", "1"]),
    ("ctypes", lambda: (ctypes.c_double * 3)(0.1, 2, -3.5), ["0.1", "2", "-3.5"]),
    ("fractions", lambda: [Fraction(1, 4), 2, 3], ["0.25", "2", "3"]),
    ("list of numpy", lambda: list(numpy_array([0.5, 2, -3.5], "float32")), ["0.5", "2", "-3.5"]),
]


@pytest.mark.parametrize("make, stored", [row[1:] for row in VALUES], ids=[row[0] for row in VALUES])
@pytest.mark.parametrize("table", [DOCS, Table("Docs", "id", indexes=[VectorIndex("ByV", "v", 3)])])
def test_a_vector_is_stored_as_a_list_of_numbers(table: Table, make: Callable[[], Any], stored: list[str]) -> None:
    assert to_wire(table, {"id": "a", "v": make()})["v"] == {"L": [{"N": text} for text in stored]}
    if isinstance(make(), memoryview):
        return  # in an expression, a memoryview is binary
    _, wire = request(table, update_item("a", assign("v", make())))
    assert list(wire["ExpressionAttributeValues"].values()) == [{"L": [{"N": text} for text in stored]}]


@pytest.mark.parametrize("make, stored", [row[1:] for row in VALUES], ids=[row[0] for row in VALUES])
def test_a_vector_is_searched_as_it_would_be_stored(make: Callable[[], Any], stored: list[str]) -> None:
    _, wire = request(Table("Docs", "id", indexes=[VectorIndex("ByV", "v", 3)]), search(near("v", make())))
    assert wire["SearchVector"] == [{"N": text} for text in stored]


REFUSED: list[tuple[Any, str]] = [
    ([1, 2], "the vector has 2 of 3 dimensions"),
    ([1, 2, 3, 4], "the vector has 4 of 3 dimensions"),
    ([], "the vector has 0 of 3 dimensions"),
    ([1, 2, "3"], "str, at [2] of the vector, is not a number"),
    ([1, True, 3], "bool, at [1] of the vector, is not a number"),
    ([1, None, 3], "NoneType, at [1] of the vector, is not a number"),
    ([0.5, 1e39, 0.5], "1e+39, at [1] of the vector, is not a number of 32 bits"),
    ([0.5, 0.5, float("nan")], "nan, at [2] of the vector, is not a number of 32 bits"),
    ([0.5, float("-inf"), float("inf")], "-inf, at [1] of the vector, is not a number of 32 bits"),
    ([Decimal("NaN"), 1, 1], "NaN, at [0] of the vector, is not a number of 32 bits"),
    (array("d", [1, 1e39, 1]), "1e+39, at [1] of the vector, is not a number of 32 bits"),
    (array("f", [1, float("inf"), 1]), "inf, at [1] of the vector, is not a number of 32 bits"),
    ([10**5000, 1, 1], "1.00000000e+5000, at [0] of the vector, is not a number of 32 bits"),
    ([array("d", [1]), 1, 1], "array, at [0] of the vector, is not a number"),
    (memoryview(b"abc").cast("c"), "this memoryview is not a vector"),
    ("abc", "str is not a vector"),
    (b"abc", "this bytes is not a vector"),
    ({1, 2, 3}, "set is not a vector"),
    (memoryview(array("d", [1, 2, 3])).cast("B").cast("d", (1, 3)), "this memoryview is not a vector"),
]


@pytest.mark.parametrize("value, text", REFUSED, ids=[text for _, text in REFUSED])
def test_what_is_not_a_vector_is_refused(value: Any, text: str) -> None:
    with pytest.raises(ValidationError) as refused:
        to_wire(DOCS, {"id": "a", "v": value})
    assert str(refused.value) == (
        f"at `v`: {text}\n  hint: a vector is a list or an array of numbers up to 3.4028235E38"
    )


def test_truth_values_and_masks_of_numpy_are_not_numbers() -> None:
    truth = numpy_array([1, 0, 1], "bool")
    for value, text in (
        (
            truth,
            (
                "at `v`: this ndarray is not a vector\n"
                "  hint: a vector is a list or an array of numbers up to 3.4028235E38"
            ),
        ),
        (
            pytest.importorskip("numpy").ma.array([1.0, 2.0, 3.0], mask=truth),
            (
                "at `v`: this MaskedArray is not a vector\n"
                "  hint: a vector is a list or an array of numbers up to 3.4028235E38"
            ),
        ),
        (
            list(truth),
            (
                "at `v`: bool, at [0] of the vector, is not a number\n"
                "  hint: a vector is a list or an array of numbers up to 3.4028235E38"
            ),
        ),
    ):
        with raises(ValidationError, text):
            to_wire(DOCS, {"id": "a", "v": value})


def test_a_vector_reads_as_an_array() -> None:
    docs = DOCS.on(connect("sqlite::memory:"))
    run(docs, create_table())
    put(docs, {"id": "a", "v": [0.1, 2, -3.5]})
    assert get(docs, "a") == {"id": "a", "v": array("f", [0.1, 2, -3.5])}
    assert get(Table("Docs", "id").on(docs.engine), "a") == {"id": "a", "v": [Decimal("0.1"), 2, Decimal("-3.5")]}
    update(docs, "a", assign("v", array("f", [1, 2, 3])))
    assert get(docs, "a") == {"id": "a", "v": array("f", [1, 2, 3])}


def test_a_vector_reads_as_an_array_of_numpy() -> None:
    numpy = pytest.importorskip("numpy")
    docs = Table("Docs", "id", attributes={"v": vector(2, numpy=True)}).on(connect("sqlite::memory:"))
    run(docs, create_table())
    put(docs, {"id": "a", "v": numpy.array([0.1, 2], dtype="float32")})
    found = get(docs, "a")
    assert found is not None
    assert (found["v"].dtype.name, found["v"].tolist()) == ("float32", [float32(0.1), 2.0])


def test_stored_values_that_are_no_vector_name_the_item() -> None:
    docs = DOCS.on(connect("sqlite::memory:"))
    run(docs, create_table())
    put(Table("Docs", "id").on(docs.engine), {"id": "a", "v": ["x"]})
    with raises(
        ValidationError,
        "at `v`: the stored value cannot be read as a Codec: a vector has numbers of 32 bits\n"
        "  item: {'id': 'a'} of 'Docs'",
    ):
        get(docs, "a")


floats = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(floats, min_size=1, max_size=40))
def test_an_array_comes_back_as_it_was(numbers: list[float]) -> None:
    wire = to_wire(Table("Docs", "id", attributes={"v": vector(len(numbers))}), {"id": "a", "v": array("f", numbers)})
    assert array("f", [float(each["N"]) for each in wire["v"]["L"]]) == array("f", numbers)
    index = VectorIndex("ByV", "v", len(numbers))
    _, asked = request(Table("Docs", "id", indexes=[index]), search(near("v", array("f", numbers))))
    assert asked["SearchVector"] == wire["v"]["L"]


numbers = st.one_of(
    floats, st.integers(-(10**38), 10**38), st.decimals(allow_nan=False, allow_infinity=False, places=3)
)


usual = st.sampled_from([0.25, -0.0, 3.0, -7e-5, 1e-99, 1.5e-7, -1e16, 9.99e22, 1e99]) | st.floats(-1, 1)


@given(
    st.one_of(*(st.lists(numbers, min_size=low, max_size=40) for low in (0, 16)))
    | st.one_of(*(st.lists(each, min_size=16, max_size=40) for each in (floats, usual)))
)
def test_a_list_of_numbers_is_written_as_each_of_them(values: list[Any]) -> None:
    """Long lists of floats are written as one."""
    try:
        each = [json.loads(encode(value)) for value in values]
    except ValidationError:
        with pytest.raises(ValidationError):
            encode(values)
    else:
        assert json.loads(encode(values)) == {"L": each}


@given(st.lists(st.decimals(allow_nan=True, allow_infinity=True), min_size=16, max_size=20))
def test_a_list_of_decimals_is_written_as_each_of_them(values: list[Any]) -> None:
    try:
        each = [json.loads(encode(value)) for value in values]
    except ValidationError:
        with pytest.raises(ValidationError):
            encode(values)
    else:
        assert json.loads(encode(values)) == {"L": each}


def test_the_type_is_a_value() -> None:
    assert vector(3) == pickle.loads(pickle.dumps(vector(3))) != vector(4)
    assert repr(vector(3)) == "vector(3)"
    assert repr(vector(3, numpy=True)) == "vector(3, numpy=True)"
    assert numbers_of([0.5, 1.5]) == [0.5, 1.5]
    for dimensions in (0, 4097, 1.5, True, "3"):
        with pytest.raises(FlyexprError, match="a vector has 1 to 4,096 dimensions"):
            vector(dimensions)  # type: ignore[arg-type]


# --- the index


def test_an_index_is_created_described_and_compared() -> None:
    _, wire = request(INDEXED, create_table())
    assert wire["VectorIndexes"] == [
        {
            "IndexName": "ByV",
            "VectorAttribute": {"AttributeName": "v"},
            "Dimensions": 3,
            "DistanceFunction": "DOT_PRODUCT",
            "SearchSchema": [
                {"AttributeName": "tenant", "SearchSchemaElementType": "HASH"},
                {"AttributeName": "lang", "SearchSchemaElementType": "INLINE_FILTER"},
                {"AttributeName": "pages", "SearchSchemaElementType": "INLINE_FILTER"},
            ],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["title"]},
        }
    ]
    assert {each["AttributeName"]: each["AttributeType"] for each in wire["AttributeDefinitions"]} == {
        "id": "S",
        "day": "S",
        "tenant": "S",
        "lang": "S",
        "pages": "N",
    }
    described = described_table({**wire, "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"}})
    assert {*described.indexes} == {*INDEXED.indexes}
    assert alterations(described, INDEXED) == []


def test_an_index_is_added_and_dropped() -> None:
    plain = Table("Docs", "id", "day", indexes=[GlobalIndex("ByDay", "day")])
    (step,) = alterations(plain, INDEXED)
    assert step.words == "create index ByV"
    (create,) = json.loads(step.request.body)["VectorIndexUpdates"]
    assert create["Create"]["Dimensions"] == 3
    (step,) = alterations(INDEXED, plain, drop=True)
    assert json.loads(step.request.body) == {
        "TableName": "Docs",
        "VectorIndexUpdates": [{"Delete": {"IndexName": "ByV"}}],
    }


def test_an_index_cannot_change() -> None:
    other = Table("Docs", "id", "day", indexes=[VectorIndex("ByV", "v", 4)])
    with raises(
        FlyexprError,
        "index 'ByV' of 'Docs' is there, and differs: it is VectorIndex('ByV', 'v', 3, "
        "distance='dot_product', partition_key='tenant', filters=('lang', 'pages'), project=['title'])\n"
        "  hint: give the new index another name, or drop the old one first",
    ):
        alterations(INDEXED, other)


MISTAKES: list[tuple[Callable[[], Any], str]] = [
    (lambda: VectorIndex("I", "v", 0), "a vector has 1 to 4,096 dimensions, not 0"),
    (lambda: VectorIndex("I", "v", 4097), "a vector has 1 to 4,096 dimensions, not 4097"),
    (
        lambda: VectorIndex("I", "v", 3, "cos"),  # type: ignore[arg-type]
        "index 'I': distance= is one of 'cosine', 'euclidean', 'dot_product', not 'cos'",
    ),
    (lambda: VectorIndex("I", "v", 3, filters=["v"]), "index 'I' names an attribute twice"),
    (lambda: VectorIndex("I", "v", 3, partition_key="a", filters=["a"]), "index 'I' names an attribute twice"),
    (
        lambda: VectorIndex("I", "v", 3, filters=[f"a{n}" for n in range(19)]),
        "index 'I' has 19 filters; DynamoDB takes 18",
    ),
    (lambda: VectorIndex("I", "", 3), "the attribute of index 'I' needs a name, a str, not ''"),
    (lambda: VectorIndex("I", "v", 3, filters=[""]), "a filter of index 'I' needs a name, a str, not ''"),
    (
        lambda: Table("Docs", "id", indexes=[BY_V], throughput=(1, 1)),
        "table 'Docs': a vector index needs an on-demand table, without throughput=",
    ),
    (
        lambda: Table("Docs", "id", indexes=[VectorIndex("I", "v", 3), VectorIndex("J", "v", 1024)]),
        "table 'Docs': 'v' has 3 dimensions in index 'I' and 1,024 in 'J'; DynamoDB takes one number",
    ),
    (
        lambda: Table("Docs", "id", indexes=[GlobalIndex("ByV", "day", "v"), VectorIndex("I", "v", 3)]),
        "table 'Docs': index 'I' holds the vectors of 'v', so it cannot be a key or a filter of index 'ByV'",
    ),
    (
        lambda: Table("Docs", "id", indexes=[VectorIndex("I", "v", 3), VectorIndex("J", "w", 3, filters=["v"])]),
        "table 'Docs': index 'I' holds the vectors of 'v', so it cannot be a key or a filter of index 'J'",
    ),
    (
        lambda: Table("Docs", "id", indexes=[BY_V], attributes={"lang": list}),
        "key attribute 'lang' of table 'Docs' must hold strings, numbers or bytes",
    ),
]


@pytest.mark.parametrize("make, text", MISTAKES, ids=[text for _, text in MISTAKES])
def test_an_index_that_cannot_be(make: Callable[[], Any], text: str) -> None:
    with raises(FlyexprError, text):
        make()


def test_a_sixth_index_is_refused_before_it_is_sent() -> None:
    docs = Table("Docs", "id", indexes=[VectorIndex(f"By{number}", "v", 3) for number in range(6)])
    with raises(FlyexprError, "table 'Docs' has 6 vector indexes; DynamoDB takes 5"):
        request(docs, create_table())
    with raises(FlyexprError, "table 'Docs' has 6 vector indexes; DynamoDB takes 5"):
        alterations(replace(docs, indexes=docs.indexes[:5]), docs)
    local = [LocalIndex(f"By{number}", f"a{number}") for number in range(6)]
    with raises(FlyexprError, "table 'Days' has 6 local indexes; DynamoDB takes 5"):
        request(Table("Days", "id", "day", indexes=local), create_table())


def test_filters_given_as_one_name_are_refused() -> None:
    with raises(TypeError, "index 'I': filters= takes a list of names, such as ['lang']"):
        VectorIndex("I", "v", 3, filters="lang")  # type: ignore[arg-type]


def test_an_empty_partition_key_is_refused() -> None:
    with raises(
        ValidationError,
        "at `tenant`: a key attribute of an index may not be empty or None\n"
        "  hint: leave it out, and the item is not in that index",
    ):
        to_wire(INDEXED, {"id": "a", "day": "1", "tenant": ""})
    assert to_wire(INDEXED, {"id": "a", "day": "1", "lang": ""})["lang"] == {"S": ""}


@pytest.mark.parametrize("declared", [str, dict, set[float], vector(4)])
def test_the_attribute_of_a_vector_index_cannot_be_declared_otherwise(declared: Any) -> None:
    with pytest.raises(FlyexprError) as refused:
        Table("Docs", "id", indexes=[VectorIndex("ByV", "v", 3)], attributes={"v": declared})
    assert str(refused.value) == (
        "attribute 'v' of table 'Docs' must hold the vectors of index 'ByV', of 3 dimensions\n"
        "  hint: declare it so, attributes={'v': vector(3)}, or leave it out"
    )


@pytest.mark.parametrize("declared", [list, list[float], vector(3), vector(3, numpy=True)])
def test_the_attribute_of_a_vector_index_can_be_declared_as_a_list(declared: Any) -> None:
    table = Table("Docs", "id", indexes=[VectorIndex("ByV", "v", 3)], attributes={"v": declared})
    assert to_wire(table, {"id": "a", "v": [0.5, 1.5, 2.5]})["v"] == {"L": [{"N": "0.5"}, {"N": "1.5"}, {"N": "2.5"}]}


def test_a_key_cannot_hold_vectors() -> None:
    with raises(FlyexprError, "table 'Docs': 'id' is a key, so it cannot hold the vectors of index 'ByV'"):
        Table("Docs", "id", indexes=[VectorIndex("ByV", "id", 3)])
