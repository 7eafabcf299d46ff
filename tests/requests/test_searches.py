"""Searches: which index, what is sent, what is left to the client, and what a plan says of it."""

from array import array
from collections.abc import Callable
from typing import Any

import pytest
from raised import raises

from flyexpr import (
    Condition,
    F,
    FlyexprError,
    PlanError,
    Table,
    ValidationError,
    VectorIndex,
    all_of,
    begins_with,
    between,
    connect,
    create_table,
    eq,
    exists,
    explain,
    gt,
    is_in,
    kinds,
    near,
    put,
    query,
    request,
    run,
    scan,
    search,
    show,
    size,
    template,
)
from flyexpr.requests.plan.searches import access_of_search

BY_V = VectorIndex("ByV", "v", 2, filters=["lang", "pages"])
BY_TENANT = VectorIndex("ByTenant", "v", 2, partition_key="tenant", filters=["lang"], project="keys")
DOCS = Table("Docs", "id", indexes=[BY_V, BY_TENANT], attributes={"pages": int})
ASKED = near("v", [1, 0.5])


def test_a_request() -> None:
    assert request(DOCS, search(ASKED, eq("lang", "en") & eq("pages", 3), top=5, project=["title"])) == (
        "SearchVectors",
        {
            "TableName": "Docs",
            "IndexName": "ByV",
            "SearchVector": [{"N": "1"}, {"N": "0.5"}],
            "TopK": 5,
            "SearchConditionExpression": "#0 = :0 AND #1 = :1",
            "ProjectionExpression": "#2, #3",
            "ExpressionAttributeNames": {"#0": "lang", "#1": "pages", "#2": "title", "#3": "id"},
            "ExpressionAttributeValues": {":0": {"S": "en"}, ":1": {"N": "3"}},
            "ReturnConsumedCapacity": "TOTAL",
        },
    )


SHARES: list[tuple[Condition, bool, str | None, str | None]] = [
    (all_of(), False, None, None),
    (eq("lang", "en"), False, "lang = 'en'", None),
    (eq("lang", "en") & gt("pages", 3), False, "lang = 'en'", "pages > 3"),
    (eq("lang", "en") & gt("pages", 3), True, "lang = 'en' AND pages > 3", None),
    (eq("lang", "en") | eq("pages", 3), False, None, "lang = 'en' OR pages = 3"),
    (eq("lang", "en") | eq("pages", 3), True, "lang = 'en' OR pages = 3", None),
    (is_in("pages", [1, 2]), False, None, "pages IN (1, 2)"),
    (is_in("pages", [1, 2]) & between("pages", 1, 5), True, "pages IN (1, 2) AND pages BETWEEN 1 AND 5", None),
    (begins_with("lang", "e"), True, "begins_with(lang, 'e')", None),
    (exists("lang"), True, None, "attribute_exists(lang)"),
    (eq("title", "x"), True, None, "title = 'x'"),
    (eq("lang", F.title), False, None, "lang = title"),
    (eq("lang", "en") & eq("other", True), False, "lang = 'en'", "other = true"),
]


@pytest.mark.parametrize("condition, wide, sent, rest", SHARES, ids=[f"{row[0]} {row[1]}" for row in SHARES])
def test_what_is_sent_and_what_is_left(condition: Condition, wide: bool, sent: str | None, rest: str | None) -> None:
    plan = explain(Table("Docs", "id", indexes=[BY_V], attributes={"pages": int}), search(ASKED, condition, wide=wide))
    assert (plan.operation, plan.index, plan.filter, plan.residue) == ("SearchVectors", "ByV", sent, rest)
    assert plan.requests[0][1]["TopK"] == (10 if rest is None else 100)
    assert any("fewer than `top` may come" in warning for warning in plan.warnings) is (rest is not None)


def test_the_index_that_leaves_least_to_the_client_is_chosen() -> None:
    assert explain(DOCS, search(ASKED, eq("tenant", "a") & eq("lang", "en"))).index == "ByTenant"
    assert explain(DOCS, search(ASKED, eq("lang", "en") & eq("pages", 3))).index == "ByV"
    plan = explain(DOCS, search(ASKED, eq("tenant", "a") & eq("title", "x")))
    assert (plan.index, plan.residue) == ("ByV", "tenant = 'a' AND title = 'x'")
    assert ("ByTenant", "it does not project `title`") in plan.rejected


def test_a_plan_says_what_the_score_means_and_what_is_missing() -> None:
    plan = explain(DOCS, search(ASKED, eq("tenant", "a")))
    assert plan.warnings == (
        "the score is 1 - cosine: 0 for the same direction, 2 for the opposite one; the smallest is best",
        "items without `v` or `tenant` are not in this index",
        "a vector index follows its table with a delay, and a search is approximate",
    )
    assert "cost          by the bytes that the search examines, at least 1,024\n" in str(plan)
    wide = explain(DOCS, search(ASKED, gt("pages", 3), wide=True, index="ByV"))
    assert "some Regions refuse a condition of more than equalities: pages > 3" in wide.warnings
    assert "<svg" in plan.svg()


def test_a_condition_that_is_never_true_sends_nothing() -> None:
    assert request(DOCS, search(ASKED, eq("lang", "en") & eq("lang", "de"))) == ("Nothing", {})


NO_INDEX: list[tuple[Table, Any, str]] = [
    (
        Table("Docs", "id"),
        search(ASKED),
        "'Docs' has no vector index\n  hint: declare it: indexes=[VectorIndex('ByVector', 'v', 2)]",
    ),
    (
        Table("Docs", "id", indexes=[BY_TENANT]),
        search(ASKED),
        "no vector index of 'Docs' can serve this search "
        "(ByTenant: it needs a value of its partition key: eq('tenant', ...))",
    ),
    (
        Table("Docs", "id", indexes=[BY_V]),
        search(near("v", [1, 2, 3])),
        "no vector index of 'Docs' can serve this search (ByV: it has 2 dimensions, and the vector 3)",
    ),
    (
        Table("Docs", "id", indexes=[BY_V]),
        search(near("w", [1, 2])),
        "no vector index of 'Docs' can serve this search (ByV: it holds the vectors of `v`)",
    ),
    (
        Table("Docs", "id", indexes=[BY_V]),
        search(ASKED, size("v") == 2),
        "no vector index of 'Docs' can serve this search (ByV: it gives `v`, which the condition asks about, "
        "only if project= names attributes)\n  condition: size(v) = 2",
    ),
    (
        Table("Docs", "id", indexes=[BY_V, VectorIndex("Twin", "v", 2, "euclidean")]),
        search(ASKED),
        "ByV and Twin of 'Docs' would serve this search equally well\n  hint: choose one: search(..., index='ByV')",
    ),
]


@pytest.mark.parametrize("table, asked, text", NO_INDEX)
def test_where_no_index_serves(table: Table, asked: Any, text: str) -> None:
    with pytest.raises(PlanError) as refused:
        explain(table, asked)
    assert str(refused.value) == text


def test_other_reads_do_not_look_at_vector_indexes() -> None:
    assert explain(DOCS, query(eq("id", "a"))).rejected == ()
    for read in (query(eq("tenant", "a"), index="ByTenant"), scan(index="ByV")):
        with pytest.raises(PlanError, match=r"is a vector index\n  hint: run\(table, search\(near\('v', vector\)\)\)"):
            explain(DOCS, read)


MISTAKES: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: search(ASKED, top=0), ValueError, "top= is 1 to 100, not 0"),
    (lambda: search(ASKED, top=101), ValueError, "top= is 1 to 100, not 101"),
    (lambda: search(ASKED, top=True), ValueError, "top= is 1 to 100, not True"),
    (lambda: search(ASKED, wait=-1), ValueError, "wait= is a number of seconds, not -1"),
    (
        lambda: search(ASKED, limit=3),  # type: ignore[arg-type]
        TypeError,
        "search has no option limit=; it has top=, index=, project=, wide=, wait=",
    ),
    (lambda: search("v"), TypeError, "search takes near('embedding', vector) first, not 'v'"),  # type: ignore[arg-type]
    (lambda: ASKED & eq("a", 1), TypeError, "near(...) is not a condition; write search(near(...), condition)"),
    (lambda: ASKED | eq("a", 1), TypeError, "near(...) is not a condition; write search(near(...), condition)"),
    (
        lambda: eq("a", 1) & ASKED,
        TypeError,
        f"& and | join conditions, not {ASKED!r}; write search(near(...), condition)",
    ),
    (
        lambda: eq("a", 1) | ASKED,
        TypeError,
        f"& and | join conditions, not {ASKED!r}; write search(near(...), condition)",
    ),
    (
        lambda: query(ASKED),  # type: ignore[arg-type]
        TypeError,
        f"query takes a condition such as eq('userid', 'abc'), not {ASKED!r}; write search(near(...), condition)",
    ),
    (
        lambda: search(ASKED, "a = 1"),  # type: ignore[arg-type]
        TypeError,
        "search takes a condition such as eq('lang', 'en'), not 'a = 1'; write parse_condition('a = 1')",
    ),
    (lambda: near("a.b", [1]), ValidationError, "at `a.b`: a vector is a whole attribute"),
    (
        lambda: near("v", [1, "x"]),
        ValidationError,
        (
            "str, at [1] of the vector, is not a number\n"
            "  hint: a vector is a list or an array of numbers up to 3.4028235E38"
        ),
    ),
    (lambda: near("v", []), FlyexprError, "a vector has 1 to 4,096 dimensions, not 0"),
    (lambda: near("v", [0.5] * 4097), FlyexprError, "a vector has 1 to 4,096 dimensions, not 4097"),
]


@pytest.mark.parametrize("make, kind, text", MISTAKES, ids=[text for *_, text in MISTAKES])
def test_mistakes_are_found_at_once(make: Callable[[], Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as refused:
        make()
    assert str(refused.value) == text


def test_a_search_is_a_value() -> None:
    asked = search(near(F.v, array("d", [1, 0.5])), eq("lang", "en"), top=3, project=["title"])
    assert repr(asked) == "search(near('v', [1.0, 0.5]), eq('lang', 'en'), top=3, project=['title'])"
    assert asked == search(near("v", (1.0, 0.5)), eq("lang", "en"), top=3, project=["title"])


def test_a_template_makes_the_partition_key_and_the_client_checks_its_parts() -> None:
    index = VectorIndex("ByV", "v", 2, partition_key="pk", filters=["lang", "note"])
    keys = {"pk": template("T#{tenant}"), "sk": template("N#{note}")}
    notes = Table("Notes", "pk", "sk", indexes=[index], attributes=keys).on(connect("sqlite::memory:"))
    asked = search(ASKED, eq("tenant", "a") & eq("note", "1") & eq("lang", "en"), top=3)
    access = access_of_search(notes, asked)
    assert (show(access.filter), show(access.residue)) == ("pk = 'T#a' AND lang = 'en'", "tenant = 'a' AND note = '1'")
    run(notes, create_table())
    for tenant, note, lang in (("a", "1", "en"), ("a", "2", "en"), ("a", "3", "de"), ("b", "1", "en")):
        put(notes, {"tenant": tenant, "note": note, "lang": lang, "v": [1, 0.5]})
    bare = {"pk": "T#a", "sk": "N#1", "lang": "en", "v": [1, 0.5]}  # as another program writes it
    put(notes.as_stored, bare)
    assert [found.item["note"] for found in run(notes, asked)] == ["1"]
    with raises(
        PlanError,
        "no vector index of 'Notes' can serve this search (ByV: it needs a value of its partition key: "
        "eq('pk', ...))\n"
        "  condition: tenant IN ('a', 'b')",
    ):
        access_of_search(notes, search(ASKED, is_in("tenant", ["a", "b"])))


def test_a_search_of_a_table_of_several_kinds_reads_each_item_by_its_kind() -> None:
    index = VectorIndex("ByV", "v", 2, partition_key="pk", filters=["type"])
    pages = {
        name: Table("Shop", "pk", "sk", indexes=[index], attributes={"pk": template("C#{user}"), "sk": template(sort)})
        for name, sort in {"note": "N#{note}", "doc": "D#{doc}"}.items()
    }
    shop = kinds(pages, by="type").on(connect("sqlite::memory:"))
    run(shop, create_table())
    put(shop["note"], {"user": "ada", "note": "1", "v": [1, 0.5]})
    put(shop["doc"], {"user": "ada", "doc": "2", "v": [1, 0]})
    put(shop["doc"], {"user": "bob", "doc": "3", "v": [1, 0.5]})
    found = run(shop, search(ASKED, eq("user", "ada")))
    assert [(one.item["type"], one.item.get("note"), one.item.get("doc")) for one in found] == [
        ("note", "1", None),
        ("doc", None, "2"),
    ]
    assert [one.item["doc"] for one in run(shop, search(ASKED, eq("user", "ada") & eq("type", "doc")))] == ["2"]
