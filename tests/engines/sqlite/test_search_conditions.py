"""Search conditions of the wide language, which newer Regions take: `sqlite:...?searching=wide`."""

import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raised import raises
from vector_requests import CONDITION, FILTER, HASH, index, numbers, search, table, where

from flyexpr import (
    Condition,
    DynamoError,
    FlyexprError,
    Table,
    VectorIndex,
    all_of,
    any_of,
    begins_with,
    between,
    connect,
    create_table,
    eq,
    explain,
    gt,
    is_in,
    lt,
    matches,
    ne,
    near,
    put,
    run,
)
from flyexpr import search as search_for
from flyexpr.engines import call

WIDE = "sqlite::memory:?searching=wide"
ITEMS = [
    {"id": f"{lang}{pages}", **({"lang": lang} if lang else {}), **({"pages": pages} if pages is not None else {})}
    for lang in ("", "de", "en", "english")
    for pages in (None, -1, 0, 3, 40)
]
langs, pages = st.sampled_from(["de", "en", "eng", "x"]), st.sampled_from([-1, 0, 2, 3, 40])
LEAVES = st.one_of(
    st.builds(lambda make, value: make("lang", value), st.sampled_from([eq, ne, gt, lt]), langs),
    st.builds(lambda make, value: make("pages", value), st.sampled_from([eq, ne, gt, lt]), pages),
    st.builds(lambda ends: between("pages", *sorted(ends)), st.tuples(pages, pages)),
    st.builds(lambda values: is_in("lang", values), st.lists(langs, min_size=1, max_size=3)),
    st.sampled_from([begins_with("lang", "e"), begins_with("lang", "eng")]),
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda below: st.one_of(
        st.lists(below, min_size=2, max_size=3).map(lambda parts: all_of(*parts)),
        st.lists(below, min_size=2, max_size=3).map(lambda parts: any_of(*parts)),
        below.map(lambda part: ~part),
    ),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def docs() -> Any:
    indexes = [
        VectorIndex("ByV", "v", 2, filters=["lang", "pages"]),
        VectorIndex("ByLang", "v", 2, partition_key="lang", filters=["pages"]),
    ]
    with connect(WIDE) as engine:
        made = Table("Docs", "id", attributes={"pages": int}, indexes=indexes).on(engine)
        run(made, create_table())
        for number, item in enumerate(ITEMS):
            put(made, {**item, "v": [number, 1]})
        yield made


@given(CONDITIONS)
def test_the_service_gives_what_the_condition_says(docs: Any, condition: Condition) -> None:
    asked = search_for(near("v", [1, 0]), condition, index="ByV", wide=True, top=100)
    assert explain(docs, asked).residue is None
    assert {each.item["id"] for each in run(docs, asked)} == {it["id"] for it in ITEMS if matches(condition, it)}


@given(langs, st.one_of(LEAVES, CONDITIONS))
def test_within_one_partition_too(docs: Any, lang: str, condition: Condition) -> None:
    """What the condition says of the partition key besides its value is left to the client."""
    asked = search_for(near("v", [1, 0]), eq("lang", lang) & condition, index="ByLang", wide=True, top=100)
    wanted = {it["id"] for it in ITEMS if it.get("lang") == lang and matches(condition, it)}
    assert {each.item["id"] for each in run(docs, asked)} == wanted


INVALID = CONDITION + "Invalid comparator used in SearchConditionExpression"
G, ONE = {"S": "g"}, {"N": "1"}
REFUSALS: list[tuple[dict[str, Any], str]] = [
    (where("h = :h AND f = pk", h=G), INVALID),
    (where("h = :h AND attribute_exists(f)", h=G), INVALID),
    (where("h = :h AND size(f) = :f", h=G, f=ONE), INVALID),
    (where("h = :h AND contains(f, :f)", h=G, f=ONE), INVALID),
    (where("h = :h AND f IN (pk)", h=G), INVALID),
    (
        where("h = :h OR f = :f", h=G, f=ONE),
        "SearchConditionExpression must be provided when SearchSchema has a HASH key",
    ),
    (where("h > :h", h=G), "SearchConditionExpression must be provided when SearchSchema has a HASH key"),
    (where("h = :h AND h > :g", h=G, g={"S": "a"}), INVALID),
    (where("h = :h AND (f = :f OR h = :h)", h=G, f=ONE), INVALID),
    (
        where("h = :h AND f.a > :f", h=G, f=ONE),
        CONDITION + "SearchConditionExpression cannot have conditions on nested attributes",
    ),
    (
        where("h = :h AND NOT x > :x", h=G, x=ONE),
        "SearchConditionExpression must not contain any attributes that is not in SearchSchema. Invalid attribute: x",
    ),
    (
        where("h = :h AND f BETWEEN :f AND :g", h=G, f={"S": "1"}, g={"S": "2"}),
        "Type of 'f' attribute in SearchConditionExpression (S) does not match type in search schema (N)",
    ),
]


@pytest.mark.parametrize("members, text", REFUSALS)
def test_what_the_wide_language_does_not_have(members: dict[str, Any], text: str) -> None:
    with connect(WIDE) as engine:
        call(engine, "CreateTable", table("Tab", index(SearchSchema=[HASH, FILTER]), defined="pk:S h:S f:N"))
        with pytest.raises(DynamoError) as refused:
            call(engine, "SearchVectors", search("Tab", 1, 2, 3, **members))
        assert refused.value.message == text


def test_several_conditions_on_one_filter() -> None:
    with connect(WIDE) as engine:
        call(engine, "CreateTable", table("Tab", index(SearchSchema=[FILTER]), defined="pk:S f:N"))
        for number in range(6):
            item = {"pk": {"S": str(number)}, "v": {"L": numbers(1, 2, 3)}, "f": {"N": str(number)}}
            call(engine, "PutItem", {"TableName": "Tab", "Item": item})
        asked = search("Tab", 1, 2, 3, **where("f > :a AND f < :b", a={"N": "1"}, b={"N": "4"}))
        results = call(engine, "SearchVectors", asked)["SearchResults"]
        assert [each["Item"]["pk"]["S"] for each in results] == ["2", "3"]


def test_every_region_takes_equalities_only() -> None:
    with connect("sqlite::memory:") as engine:
        docs = Table("Docs", "id", indexes=[VectorIndex("ByV", "v", 2, filters=["lang"])]).on(engine)
        run(docs, create_table())
        text = (
            "ValidationException: Invalid SearchConditionExpression: Invalid comparator used in "
            "SearchConditionExpression\n"
            "  hint: leave out wide=True, and the client checks such conditions"
        )
        with raises(DynamoError, text):
            run(docs, search_for(near("v", [1, 0]), gt("lang", "a"), wide=True))
        assert run(docs, search_for(near("v", [1, 0]), gt("lang", "a"))) == []


def test_the_option(tmp_path: Path) -> None:
    with connect(f"sqlite:{tmp_path / 'docs.db'}?searching=wide") as engine:
        docs = Table("Docs", "id", indexes=[VectorIndex("ByV", "v", 2, filters=["lang"])])
        run(docs.on(engine), create_table())
        with pickle.loads(pickle.dumps(engine)) as again:
            assert run(docs.on(again), search_for(near("v", [1, 0]), gt("lang", "a"), wide=True)) == []
    with raises(FlyexprError, "searching= in 'sqlite::memory:?searching=all' takes 'equality' or 'wide', not 'all'"):
        connect("sqlite::memory:?searching=all")
