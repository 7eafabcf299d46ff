"""Items of several kinds on every engine, through both doors; and the law that reading keeps to."""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from doors import Looped
from engines import Engine
from hypothesis import assume, given
from hypothesis import strategies as st
from raised import raises

from flyexpr import (
    Codec,
    ConditionFailed,
    ExpressionError,
    F,
    FlyexprError,
    GlobalIndex,
    NotFound,
    SeveralFound,
    Stats,
    Table,
    TransactionCancelled,
    ValidationError,
    aio,
    assign,
    batch_get,
    batch_write,
    call,
    condition_check,
    connect,
    count,
    create_table,
    delete,
    delete_item,
    delete_matching,
    epoch,
    eq,
    exists,
    first,
    from_wire,
    get,
    get_item,
    gt,
    incr,
    is_in,
    kinds,
    matches,
    modify,
    not_exists,
    one,
    put,
    put_item,
    query,
    run,
    scan,
    template,
    transact_get,
    transact_modify,
    transact_write,
    update,
    update_item,
    update_matching,
)
from flyexpr.schema.kinds import Kinds

NOON = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
LATER = NOON.replace(hour=13)
CUSTOMER = template("CUSTOMER#{customer}")
BY_STATUS = GlobalIndex("ByStatus", "status", "sk")
ORDER = {
    "type": "order",
    "pk": "CUSTOMER#ada",
    "sk": "ORDER#0007",
    "customer": "ada",
    "order": 7,
    "placed": NOON,
    "total": 9.5,
    "version": 1,
}
LINE = {"type": "line", "pk": "CUSTOMER#ada", "sk": "ORDER#0007#LINE#01", "customer": "ada", "order": 7, "line": 1}
ADA = {"type": "customer", "pk": "CUSTOMER#ada", "sk": "PROFILE", "customer": "ada", "placed": NOON}
NOTE = {"pk": "CUSTOMER#ada", "sk": "ZZZ", "type": "note", "placed": "gold", "total": 1}


@pytest.fixture
def shop(engine: Engine, fresh_name: str) -> Kinds:
    """A customer, an order with its line, and a note, which is of an unknown kind."""
    keys = ("pk", "sk")
    made = kinds(
        {
            "customer": Table(
                fresh_name, *keys, attributes={"pk": CUSTOMER, "sk": template("PROFILE"), "placed": epoch}
            ),
            "order": Table(
                fresh_name,
                *keys,
                attributes={
                    "pk": CUSTOMER,
                    "sk": template("ORDER#{order:04d}"),
                    "order": int,
                    "placed": datetime,
                    "total": float,
                },
                version="version",
                indexes=[BY_STATUS],
            ),
            "line": Table(
                fresh_name,
                *keys,
                attributes={
                    "pk": CUSTOMER,
                    "sk": template("ORDER#{order:04d}#LINE#{line:02d}"),
                    "order": int,
                    "line": int,
                },
            ),
        },
        by="type",
    ).on(engine)
    run(made, create_table())
    put(made, {"type": "customer", "customer": "ada", "placed": NOON})
    put(made["order"], {"customer": "ada", "order": 7, "placed": NOON, "total": 9.5})
    put(made, {"type": "line", "customer": "ada", "order": 7, "line": 1})
    put(Table(fresh_name, *keys).on(engine), NOTE)
    return made


def test_a_query_gives_each_item_in_its_kind(shop: Kinds) -> None:
    assert list(run(shop, query(eq("customer", "ada")))) == [ORDER, LINE, ADA, NOTE]
    assert list(run(shop, query(eq("pk", "CUSTOMER#ada"), reverse=True))) == [NOTE, ADA, LINE, ORDER]
    assert sorted(run(shop, scan()), key=lambda item: item["sk"]) == [ORDER, LINE, ADA, NOTE]
    assert sorted(run(shop, scan(segments=2)), key=lambda item: item["sk"]) == [ORDER, LINE, ADA, NOTE]
    assert list(run(shop, query(eq("customer", "ada"), prefetch=True, page_size=1))) == [ORDER, LINE, ADA, NOTE]


def test_conditions_go_by_kind(shop: Kinds) -> None:
    assert list(run(shop, query(eq("customer", "ada") & eq("placed", NOON)))) == [ORDER, ADA]
    assert list(run(shop, query(eq("customer", "ada") & eq("type", "order")))) == [ORDER]
    assert list(run(shop, query(eq("customer", "ada") & is_in("type", ["order", "line"])))) == [ORDER, LINE]
    assert list(run(shop, query(eq("customer", "ada") & eq("type", "note")))) == [NOTE]
    assert list(run(shop, query(eq("customer", "ada") & eq("order", 7) & is_in("type", ["order", "line"])))) == [
        ORDER,
        LINE,
    ]
    assert list(run(shop["line"], query(eq("customer", "ada") & eq("order", 7)))) == [LINE]


def test_projections_and_counts(shop: Kinds) -> None:
    assert list(run(shop, query(eq("customer", "ada"), project=["placed"]))) == [
        {"placed": NOON},
        {},
        {"placed": NOON},
        {"placed": "gold"},
    ]
    assert first(shop, query(eq("customer", "ada"), project=["order"])) == {"order": 7}
    assert count(shop, query(eq("customer", "ada"))) == 4
    assert count(shop, query(eq("customer", "ada") & eq("placed", NOON))) == 2
    assert one(shop, query(eq("customer", "ada") & eq("type", "order"))) == ORDER
    with pytest.raises(SeveralFound):
        one(shop, query(eq("customer", "ada")))
    with pytest.raises(NotFound):
        one(shop, query(eq("customer", "bob")))


def test_a_cursor_goes_on_in_the_middle(shop: Kinds) -> None:
    asked, cursor, taken = query(eq("customer", "ada"), limit=1), "", list[Any]()
    while cursor is not None:
        items = run(shop, query(asked.condition, limit=1, start=cursor))
        taken += list(items)
        cursor = items.cursor
    assert taken == [ORDER, LINE, ADA, NOTE]


@pytest.mark.engine_fault("dynalite", reason="knows no ReturnValuesOnConditionCheckFailure")
def test_single_items(shop: Kinds) -> None:
    assert get(shop, {"customer": "ada", "order": 7}) == ORDER
    assert get(shop, {"customer": "ada"}) == ADA
    assert get(shop, {"customer": "ada", "order": 7}, project=["placed"]) == {"placed": NOON}
    assert get(shop, ("CUSTOMER#ada", "ZZZ")) == NOTE
    assert get(shop, ("CUSTOMER#ada", "none")) is None
    assert update(shop, {"customer": "ada", "order": 7}, incr("total"), returns="ALL_NEW") == {
        **ORDER,
        "total": 10.5,
        "version": 2,
    }
    assert update(shop, {"customer": "ada"}, assign("placed", LATER), returns="UPDATED_NEW")["placed"] == LATER
    assert put(shop, {**ADA, "mail": "x"}, returns="ALL_OLD") == {**ADA, "placed": LATER}
    assert put(shop, {**LINE, "n": 1}, returns="NEW") == {**LINE, "n": 1}
    assert delete(shop, ("CUSTOMER#ada", "ZZZ"), returns="ALL_OLD") == NOTE
    with pytest.raises(ConditionFailed) as failed:
        delete(shop, {"customer": "ada", "order": 7}, condition=gt("placed", NOON))
    assert failed.value.item == {**ORDER, "total": 10.5, "version": 2}


def test_batches(shop: Kinds) -> None:
    keys = [("CUSTOMER#ada", "ZZZ"), {"customer": "ada", "order": 7}, {"customer": "bob"}, {"customer": "ada"}]
    assert run(shop, batch_get(keys)) == [NOTE, ORDER, None, ADA]
    assert run(shop, batch_get(keys, project=["placed"])) == [
        {"placed": "gold"},
        {"placed": NOON},
        None,
        {"placed": NOON},
    ]
    new = {"type": "line", "customer": "ada", "order": 7, "line": 2}
    assert run(shop, batch_write([put_item(new), delete_item({"customer": "ada", "order": 7, "line": 1})])) == 2
    assert [item.get("line") for item in run(shop, query(eq("customer", "ada") & exists("line")))] == [2]
    with raises(
        FlyexprError,
        f"a batch cannot guard the versions of {shop.name!r}\n"
        "  hint: use transact_write, or put one by one\n"
        "  in operation 0 of the batch",
    ):
        run(shop, batch_write([put_item(ORDER)]))


@pytest.mark.engine_fault("dynalite", reason="has no transactions")
def test_transactions(shop: Kinds) -> None:
    transact_write(
        [
            (shop, condition_check({"customer": "ada"}, eq("placed", NOON))),
            (shop, update_item({"customer": "ada", "order": 7}, assign("total", 1.5))),
            (shop, put_item({"type": "order", "customer": "ada", "order": 8, "placed": NOON})),
        ]
    )
    changed = {**ORDER, "total": 1.5, "version": 2}
    assert transact_get([(shop, get_item({"customer": "ada", "order": 7})), (shop, get_item({"customer": "ada"}))]) == [
        changed,
        ADA,
    ]
    with pytest.raises(TransactionCancelled) as cancelled:
        transact_write([(shop, update_item({"customer": "ada"}, incr("n"), condition=gt("placed", NOON)))])
    reason = cancelled.value.reasons[0]
    assert isinstance(reason, ConditionFailed)
    assert reason.item == ADA

    def swapped(items: list[Any]) -> list[Any]:
        order, customer = items
        assert (order, customer) == (changed, ADA)
        return [{**order, "total": 2.5}, {**customer, "mail": "x"}]

    keys = [(shop, {"customer": "ada", "order": 7}), (shop, {"customer": "ada"})]
    assert transact_modify(keys, swapped) == [{**ORDER, "total": 2.5, "version": 3}, {**ADA, "mail": "x"}]


def test_modify(shop: Kinds) -> None:
    def doubled(item: dict[str, Any]) -> dict[str, Any]:
        return {**item, "total": item["total"] * 2}

    assert modify(shop, {"customer": "ada", "order": 7}, doubled) == {**ORDER, "total": 19.0, "version": 2}
    assert modify(shop, ("CUSTOMER#ada", "ZZZ"), doubled) == {**NOTE, "total": 2}
    made = modify(shop, {"customer": "ada", "order": 9}, lambda item: {**item, "placed": NOON, "total": 0.5})
    assert made == {**ORDER, "order": 9, "sk": "ORDER#0009", "total": 0.5}

    def without_type(item: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in item.items() if name != "type"} | {"total": 0.25}

    assert modify(shop, {"customer": "ada", "order": 9}, without_type) == {**made, "total": 0.25, "version": 2}
    for key, kind in (({"customer": "ada", "order": 7}, "customer"), (("CUSTOMER#ada", "ZZZ"), "customer")):
        with pytest.raises(ExpressionError) as caught:
            modify(shop, key, lambda item, kind=kind: {**item, "type": kind})
        assert str(caught.value) == (
            f"the function changed the kind of the item, `type`, to {kind!r}\n"
            "  hint: put the new item, which then is checked as a whole"
        )
    with raises(
        ValidationError,
        f"at `type`: an item of {shop.name!r} needs its kind\n"
        "  hint: the kinds are 'customer', 'order', 'line'; or put it by its descriptor: "
        "put(table['customer'], item)",
    ):
        modify(shop, ("CUSTOMER#ada", "none"), lambda item: {**item, "total": 1})


def test_what_matches_is_written_by_kind(shop: Kinds) -> None:
    assert update_matching(shop, query(eq("customer", "ada") & eq("placed", NOON)), assign("seen", True)) == 2
    assert [item.get("seen") for item in run(shop, query(eq("customer", "ada")))] == [True, None, True, None]
    assert update_matching(shop, query(eq("customer", "ada") & eq("type", "line")), assign("seen", True)) == 1
    assert get(shop, {"customer": "ada", "order": 7})["version"] == 2
    assert delete_matching(shop, query(eq("customer", "ada") & not_exists("seen")), dry_run=True) == 1
    stats = Stats()
    assert delete_matching(shop, query(eq("customer", "ada")), stats=stats) == 4
    assert stats.requests == 1 + 4 + 2  # the note lacks `customer`, so it is looked at, and removed by what it has


def test_what_matches_by_parts_that_are_left_out_is_removed(shop: Kinds, engine: Engine) -> None:
    for kind in ("order", "line"):
        wire = {"pk": {"S": "CUSTOMER#bob"}, "sk": {"S": f"ORDER#0003{kind}"[: 10 if kind == "order" else None]}}
        call(engine, "PutItem", {"TableName": shop.name, "Item": {**wire, "type": {"S": kind}}})
    assert delete_matching(shop, query(eq("customer", "bob") & eq("order", 3))) == 1
    assert [item["type"] for item in run(shop, query(eq("customer", "bob")))] == ["line"]


def test_parts_that_another_program_left_out(shop: Kinds, engine: Engine) -> None:
    for sort_key, kind in (("ORDER#0003", "order"), ("ORDER#0003#LINE#02", "line"), ("ORDER#0004", "note")):
        wire = {"pk": {"S": "CUSTOMER#bob"}, "sk": {"S": sort_key}, "type": {"S": kind}}
        call(engine, "PutItem", {"TableName": shop.name, "Item": wire})
    order = {"pk": "CUSTOMER#bob", "sk": "ORDER#0003", "type": "order", "customer": "bob", "order": 3}
    line = {**order, "sk": "ORDER#0003#LINE#02", "type": "line", "line": 2}
    note = {"pk": "CUSTOMER#bob", "sk": "ORDER#0004", "type": "note"}
    assert list(run(shop, query(eq("customer", "bob")))) == [order, line, note]
    assert list(run(shop, query(eq("customer", "bob") & eq("order", 3)))) == [order, line]
    assert list(run(shop, query(eq("pk", "CUSTOMER#bob") & gt("order", 3)))) == [note]
    assert list(run(shop, query(eq("customer", "bob"), project=["order"]))) == [{"order": 3}, {"order": 3}, {}]
    assert get(shop, {"customer": "bob", "order": 3}, project=["customer"]) == {"customer": "bob"}


def test_a_function_that_tells_the_kind(shop: Kinds) -> None:
    def kind(item: dict[str, Any]) -> Any:
        return {"ORDER": "order", "PROFI": "customer"}.get(item["sk"][:5])

    told = kinds({"order": shop["order"], "customer": shop["customer"]}, by=kind)
    assert list(run(told, query(eq("customer", "ada"), project=["placed"]))) == [
        {"placed": NOON},
        {},
        {"placed": NOON},
        {"placed": "gold"},
    ]
    assert get(told, {"customer": "ada", "order": 7}, project=["placed"]) == {"placed": NOON}
    assert put(told, {**ORDER, "total": 2.0}, returns="ALL_OLD") == ORDER
    with pytest.raises(ValidationError) as caught:
        put(told, {"customer": "ada"})
    assert str(caught.value) == "by= cannot tell the kind of this item: KeyError: 'sk'"


# --- items that cannot be read


@pytest.fixture
def spoilt(shop: Kinds, engine: Engine) -> Kinds:
    """The shop with an order that another program has stored with a wrong type."""
    wire = {"pk": {"S": "CUSTOMER#ada"}, "sk": {"S": "ORDER#0008"}, "type": {"S": "order"}, "placed": {"S": "soon"}}
    call(engine, "PutItem", {"TableName": shop.name, "Item": wire})
    return shop


SPOILT = {"pk": "CUSTOMER#ada", "sk": "ORDER#0008", "type": "order", "placed": "soon", "customer": "ada", "order": 8}


def test_an_item_that_cannot_be_read_ends_the_read(spoilt: Kinds) -> None:
    items = run(spoilt, query(eq("customer", "ada")))
    assert [next(items), next(items)] == [ORDER, LINE]
    with pytest.raises(ValidationError) as caught:
        next(items)
    assert str(caught.value) == (
        "at `placed`: the stored value cannot be read as datetime: 'soon' is not a datetime\n"
        f"  item: {{'pk': 'CUSTOMER#ada', 'sk': 'ORDER#0008'}} of {spoilt.name!r}"
    )
    assert caught.value.item == SPOILT


@pytest.mark.parametrize(
    "read", [query(eq("customer", "ada")), scan(), scan(segments=2)], ids=["query", "scan", "lanes"]
)
def test_an_item_that_cannot_be_read_is_handed_over(spoilt: Kinds, read: Any) -> None:
    def by_key(items: Any) -> list[Any]:
        return sorted(items, key=lambda item: item["sk"])

    assert by_key(run(spoilt, replace(read, bad="keep"))) == [ORDER, LINE, SPOILT, ADA, NOTE]
    errors = list[ValidationError]()
    assert by_key(run(spoilt, replace(read, bad=errors.append))) == [ORDER, LINE, ADA, NOTE]
    assert [error.item for error in errors] == [SPOILT]
    assert [error.at for error in errors] == ["placed"]
    instead = {"sk": "none"}
    assert by_key(run(spoilt, replace(read, bad=lambda error: instead))) == [ORDER, LINE, ADA, NOTE, instead]


def test_a_plain_table_hands_over_too(spoilt: Kinds) -> None:
    orders = spoilt["order"]
    asked = eq("customer", "ada") & eq("type", "order")
    assert list(run(orders, query(asked, bad="keep"))) == [ORDER, SPOILT]
    left = run(orders, query(asked, bad=lambda error: None))
    assert (list(left), left.stats.returned, left.stats.examined) == ([ORDER], 1, 3)
    assert first(orders, query(asked & eq("order", 8), bad="keep")) == SPOILT
    assert list(run(orders, query(asked, bad="keep", project=["placed"]))) == [{"placed": NOON}, {"placed": "soon"}]


def test_a_batch_hands_over_too(spoilt: Kinds) -> None:
    keys = [{"customer": "ada", "order": 7}, {"customer": "ada", "order": 8}]
    with raises(
        ValidationError,
        "at `placed`: the stored value cannot be read as datetime: 'soon' is not a datetime\n"
        f"  item: {{'pk': 'CUSTOMER#ada', 'sk': 'ORDER#0008'}} of {spoilt.name!r}",
    ):
        run(spoilt, batch_get(keys))
    assert run(spoilt, batch_get(keys, bad="keep")) == [ORDER, SPOILT]
    errors = list[ValidationError]()
    assert run(spoilt, batch_get(keys, bad=errors.append)) == [ORDER, None]
    assert [error.item for error in errors] == [SPOILT]


@pytest.mark.engine_fault("dynalite", reason="knows no ReturnValuesOnConditionCheckFailure")
def test_an_item_whose_kind_cannot_be_told_is_handed_over(shop: Kinds) -> None:
    def kind(item: dict[str, Any]) -> Any:
        return {"order": "order", "customer": "customer"}[item["type"]]

    told = kinds({"order": shop["order"], "customer": shop["customer"]}, by=kind)
    key, text = {"pk": "CUSTOMER#ada", "sk": "REMARK"}, "by= cannot tell the kind of this item: KeyError: 'type'"
    put(shop.as_stored, {**key, "text": "hi"})
    asked = eq("pk", "CUSTOMER#ada") & eq("text", "hi")
    items = run(told, query(asked))
    with pytest.raises(ValidationError) as caught:
        next(items)
    assert (str(caught.value), caught.value.item) == (text, {**key, "text": "hi"})
    kept = list(run(told, query(asked, bad="keep")))
    assert kept == [{**key, "text": "hi"}]
    assert list(run(told, query(asked, bad=lambda error: None))) == []
    assert list(run(told, query(eq("pk", "CUSTOMER#ada") & eq("text", "ho")))) == []
    assert run(told, batch_get([key], bad="keep")) == kept
    with pytest.raises(ConditionFailed) as refused:
        delete(told, key, condition=eq("text", "ho"))
    assert refused.value.item == {**key, "text": "hi"}


@pytest.mark.parametrize("make", [query, scan, batch_get])
def test_what_bad_takes(make: Any) -> None:
    with pytest.raises(ValueError) as caught:
        make([] if make is batch_get else eq("pk", "a"), bad="drop")
    assert str(caught.value) == "bad= takes 'keep', or a function of the error, not 'drop'"


def test_a_limit_counts_what_is_given(spoilt: Kinds) -> None:
    asked = query(eq("customer", "ada"), limit=3, bad=lambda error: None)
    assert list(run(spoilt, asked)) == [ORDER, LINE, ADA]


# --- the law


TYPES: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "int": (int, st.integers(-2, 2)),
    "float": (float, st.sampled_from([0.5, 1.0, -2.0])),
    "str": (str, st.sampled_from(["", "a", "b"])),
    "datetime": (datetime, st.sampled_from([NOON, LATER])),
    "epoch": (epoch, st.sampled_from([NOON, LATER])),
    "cents": (Codec(lambda price: round(price * 100), lambda cents: cents / 100, int), st.sampled_from([0.5, 2.0])),
    "none": (None, st.integers(-2, 2) | st.sampled_from(["a", ""])),
}
NAMES = ["x", "y"]
VALUES = st.one_of(*(values for _, values in TYPES.values()))
OPERATORS: list[Callable[[Any, Any], Any]] = [
    lambda path, value: path == value,
    lambda path, value: path != value,
    lambda path, value: path < value,
    lambda path, value: path >= value,
]


@st.composite
def descriptors(draw: st.DrawFn) -> dict[str, dict[str, str]]:
    """The types of the attributes of each kind, by name."""
    mostly = st.sampled_from(["datetime", "epoch", "none"]) | st.sampled_from([*TYPES])
    declared = st.fixed_dictionaries(dict.fromkeys(NAMES, mostly))
    return draw(st.dictionaries(st.sampled_from(["a", "b", "c"]), declared, min_size=1, max_size=3))


@st.composite
def stored_items(draw: st.DrawFn, types: dict[str, dict[str, str]]) -> list[dict[str, Any]]:
    """Items in the types of their kinds, and some of unknown kinds, each with a sort key of its own."""
    items = []
    for number, kind in enumerate([*types, *draw(st.lists(st.sampled_from([*types, "other", None]), max_size=3))]):
        item: dict[str, Any] = {"pk": "A#1", "sk": f"{number}"} | ({} if kind is None else {"type": kind})
        for name in draw(st.sets(st.sampled_from(NAMES), min_size=1)):
            item[name] = draw(TYPES[types.get(kind or "", {}).get(name, "none")][1])
        items.append(item)
    return items


@st.composite
def conditions(draw: st.DrawFn, types: dict[str, dict[str, str]], depth: int = 2) -> Any:
    """Conditions on the attributes and on the kind, with constants that mostly fit one of the kinds."""
    if depth and draw(st.booleans()):
        left, right = draw(conditions(types, depth - 1)), draw(conditions(types, depth - 1))
        return draw(st.sampled_from([left & right, left | right, ~left]))
    if draw(st.integers(0, 3)) == 0:
        names = st.lists(st.sampled_from(["a", "b", "c", "other"]), min_size=1, max_size=2, unique=True)
        return is_in("type", draw(names))
    name = draw(st.sampled_from(NAMES))
    declared = draw(st.sampled_from([*types.values()]))[name]
    return draw(st.sampled_from(OPERATORS))(F[name], draw(TYPES[declared][1] | VALUES))


@pytest.fixture(scope="module", params=["plain", "awaited"])
def embedded(request: pytest.FixtureRequest) -> Iterator[Any]:
    with Looped(aio.connect("sqlite::memory:")) if request.param == "awaited" else connect("sqlite::memory:") as engine:
        run(Table("laws", "pk", "sk").on(engine), create_table())
        yield engine


@given(st.data())
def test_a_query_gives_the_items_that_match_as_they_are_read(embedded: Any, data: st.DataObject) -> None:
    types = data.draw(descriptors())
    tables = {
        kind: Table(
            "laws",
            "pk",
            "sk",
            attributes={name: TYPES[each][0] for name, each in declared.items() if each != "none"},
        )
        for kind, declared in types.items()
    }
    shop = kinds(tables, by="type").on(embedded)
    plain = Table("laws", "pk", "sk").on(embedded)
    delete_matching(plain, scan())
    items = data.draw(stored_items(types))
    for item in items:
        put(shop.of_stored(item), copy.deepcopy(item))
    condition = data.draw(conditions(types))
    read = list(run(shop, query(eq("pk", "A#1"))))
    assert read == [from_wire(shop, wire) for wire in wires(embedded)]
    try:
        answer = list(run(shop, query(eq("pk", "A#1") & condition)))
    except (ExpressionError, ValidationError, TypeError):
        assume(False)  # a constant that does not fit one of the kinds
    assert answer == [item for item in read if matches(condition, item)]


SORT_KEYS = ["S#{n:02d}", "S#{n:02d}#T#{m}", "T#{m}", "P"]
PARTS = {"n": st.integers(0, 3), "m": st.sampled_from(["u", "v"])}


@st.composite
def keyed(draw: st.DrawFn) -> dict[str, Table[Any]]:
    """Kinds of one partition key template, each with its own template of the sort key."""
    templates = draw(st.lists(st.sampled_from(SORT_KEYS), min_size=1, max_size=4, unique=True))
    pk = template("A#{a}")
    return {
        kind: Table("laws", "pk", "sk", attributes={"pk": pk, "sk": template(text), "n": int})
        for kind, text in zip("abcd", templates, strict=False)
    }


@st.composite
def items_of(draw: st.DrawFn, tables: dict[str, Table[Any]]) -> list[dict[str, Any]]:
    """Items of the kinds, whole or without the parts that their keys say, as other programs write them."""
    items = {}
    for _ in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from([*tables]))
        derived = tables[kind].derived["sk"]
        parts = {part: draw(PARTS[part]) for part in derived.parts}
        others = {name: draw(PARTS[name]) for name in draw(st.sets(st.sampled_from([*PARTS]))) if name not in parts}
        key = {"pk": f"A#{draw(st.sampled_from('12'))}", "sk": derived.value(parts)}
        stored = {"a": key["pk"][2:], **parts} if draw(st.booleans()) else {}
        items[key["pk"], key["sk"]] = {**key, **stored, **others, "type": kind}
    return [*items.values()]


@st.composite
def asked_by_parts(draw: st.DrawFn) -> Any:
    condition = draw(st.sampled_from([eq("a", "1"), is_in("a", ["1", "2"])]))
    for name in draw(st.sets(st.sampled_from([*PARTS]))):
        condition &= draw(st.sampled_from(OPERATORS))(F[name], draw(PARTS[name]))
    if draw(st.booleans()):
        condition &= is_in("type", draw(st.lists(st.sampled_from("abcd"), min_size=1, max_size=2, unique=True)))
    return condition


@given(st.data())
def test_a_query_by_parts_gives_what_matches_of_all_kinds(embedded: Any, data: st.DataObject) -> None:
    tables = data.draw(keyed())
    shop = kinds(tables, by="type").on(embedded)
    plain = Table("laws", "pk", "sk").on(embedded)
    delete_matching(plain, scan())
    for item in data.draw(items_of(tables)):
        put(plain, item)
    read = sorted(run(shop, scan()), key=lambda item: (item["pk"], item["sk"]))
    condition = data.draw(asked_by_parts())
    wanted = [item for item in read if matches(condition, item)]
    assert sorted(run(shop, query(condition)), key=lambda item: (item["pk"], item["sk"])) == wanted
    assert count(shop, query(condition)) == len(wanted)
    assert update_matching(shop, query(condition), assign("seen", True), dry_run=True) == len(wanted)


def wires(engine: Any) -> list[dict[str, Any]]:
    wire = {"TableName": "laws", "KeyConditionExpression": "pk = :k", "ExpressionAttributeValues": {":k": {"S": "A#1"}}}
    items: list[dict[str, Any]] = call(engine, "Query", wire)["Items"]
    return items
