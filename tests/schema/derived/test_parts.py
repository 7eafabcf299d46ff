"""Items without the parts of their derived keys, as other programs write them: found, read, updated and removed."""

import enum
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from itertools import product
from typing import Any
from uuid import UUID

import kept
import pytest
import strategies as some
from engines import Engine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from raised import raises
from scripted import Recording, before

from flyexpr import (
    Attribute,
    Codec,
    ConditionFailed,
    ExpressionError,
    F,
    GlobalIndex,
    PlanError,
    Table,
    ValidationError,
    all_of,
    assign,
    batch_get,
    batch_write,
    begins_with,
    between,
    computed,
    connect,
    contains,
    count,
    create_table,
    delete,
    delete_matching,
    epoch,
    eq,
    exists,
    explain,
    first,
    ge,
    get,
    get_item,
    gt,
    incr,
    is_in,
    le,
    lt,
    matches,
    modify,
    ne,
    not_exists,
    put,
    put_item,
    query,
    remove,
    request,
    run,
    scan,
    show,
    size,
    template,
    transact_get,
    transact_modify,
    transact_write,
    update,
    update_item,
    update_matching,
)
from flyexpr.expressions.nodes import ALWAYS, Compare, Condition, Path
from flyexpr.expressions.terms import operand
from flyexpr.requests.plan.access import access_of
from flyexpr.requests.reads import Access
from flyexpr.schema.derived.parts import fill
from flyexpr.schema.derived.read_templates import Inverse
from flyexpr.schema.stored_conditions import lower_condition
from flyexpr.values.encode import encode_item

engine_name, engine = kept.engine_name, kept.engine

# --- templates read backwards

no_transactions = pytest.mark.engine_fault("dynalite", reason="has no transactions")


class Color(enum.Enum):
    RED = "red"


class Level(enum.Enum):
    LOW = 1


MADE = UUID("12345678-1234-5678-1234-567812345678")
NOON = "2026-01-31T12:00:00.000000+00:00"
cents = Codec(lambda euros: round(euros * 100), lambda cents: cents / 100, int)

# template, declared types, text, parts
READ: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
    ("USER#{user}", {}, "USER#1", {"user": "1"}),
    ("USER#{user}", {}, "USER#", {"user": ""}),
    ("USER#{user}", {}, "USERS#1", {}),
    ("USER#{user}", {"user": str}, "USER#a#b", {"user": "a#b"}),
    ("USER#{user}!", {}, "USER#a!", {"user": "a"}),
    ("USER#{user}!", {}, "USER#a", {}),
    ("{a}#{b}", {}, "x#y#z", {"a": "x", "b": "y#z"}),  # the first part ends at the first separator
    ("{a}##{b}", {}, "x###y", {"a": "x", "b": "#y"}),
    ("{a}#b#", {}, "x#b#y#b#", {}),
    ("{a}#{b}#{a}", {}, "x#y#x", {"a": "x", "b": "y"}),
    ("{a}#{b}#{a}", {}, "x#y#z", {}),
    ("{n}", {"n": int}, "-7", {"n": -7}),
    ("{n}", {"n": int}, "7.5", {}),
    ("{n}", {"n": int}, "07", {}),
    ("{n}", {"n": int}, "seven", {}),
    ("{n}", {"n": int}, "１", {}),
    ("{n}", {"n": int}, "1_0", {}),
    ("{n:03d}", {"n": int}, "007", {"n": 7}),
    ("{n:03d}", {}, "007", {"n": 7}),
    ("{n:03d}", {"n": int}, "-07", {"n": -7}),
    ("{n:03d}", {"n": int}, "7", {}),
    ("{n:03d}", {"n": int}, "1007", {}),
    ("{n:>4}", {"n": int}, "   7", {"n": 7}),
    ("{n:04}", {"n": Attribute(Decimal)}, "01.5", {"n": Decimal("1.5")}),
    ("{n}", {"n": Decimal}, "1.50", {}),
    ("{n}", {"n": float}, "0.1", {"n": Decimal("0.1")}),
    ("{n:.2f}", {"n": Decimal}, "1.50", {}),  # 1.499 would give it too
    ("{n:x<3}", {"n": int}, "7xx", {}),
    ("{n:1>3}", {"n": int}, "115", {}),
    ("{n:03d}{tail}", {"n": int}, "007x", {"n": 7, "tail": "x"}),
    ("{day}", {"day": date}, "2026-01-31", {"day": "2026-01-31"}),
    ("{day}", {"day": date}, "20260131", {}),
    ("{at}", {"at": datetime}, NOON, {"at": NOON}),
    ("{at}", {"at": datetime}, "2026-01-31T12:00:00Z", {}),
    ("{day:%Y%m%d}{tail}", {"day": date}, "20260131x", {"day": "2026-01-31", "tail": "x"}),
    ("{day:%d.%m.%Y}", {"day": Attribute(date)}, "31.01.2026", {"day": "2026-01-31"}),
    ("{day:%Y.%j}", {"day": date}, "2026.031", {"day": "2026-01-31"}),
    ("{day:%Y.%j}", {"day": date}, "2026.366", {}),
    ("{day:%G-W%V-%u}", {"day": date}, "2026-W05-6", {"day": "2026-01-31"}),
    ("{day:%G-W%V-%u}", {"day": date}, "2026-W54-6", {}),
    ("{day:%Y-%m-%d %Y%%}", {"day": date}, "2026-01-31 2026%", {"day": "2026-01-31"}),
    ("{day:%Y-%m-%d %Y}", {"day": date}, "2026-01-31 2025", {}),
    ("{day:%Y-%m-%d}", {"day": date}, "2026-02-30", {}),
    ("{day:%Y-%m-%d}", {"day": date}, "2026-1-30x", {}),
    ("{day:%Y-%m}", {"day": date}, "2026-01", {}),  # any day of the month would give it too
    ("{at:%Y-%m-%d}", {"at": datetime}, "2026-01-31", {}),
    ("{at:%Y-%m-%dT%H:%M:%S.%f}", {"at": datetime}, "2026-01-31T12:00:00.000000", {"at": NOON}),
    ("{at:%Y-%m-%dT%H:%M:%S.%f}", {"at": datetime}, "2026-01-31T24:00:00.000000", {}),
    ("{at:%Y-%m-%dT%H:%M:%S.%f}", {"at": epoch}, "2026-01-31T12:00:00.000000", {}),
    ("{day:%Y-%m-%d}", {}, "2026-01-31", {}),
    ("{share:.1%}", {"share": Decimal}, "25.0%", {}),
    ("{id}", {"id": UUID}, str(MADE), {"id": str(MADE)}),
    ("{id}", {"id": UUID}, str(MADE).upper().replace("-", ""), {}),
    ("{color}", {"color": Color}, "red", {"color": "red"}),
    ("{color}", {"color": Color}, "blue", {}),
    ("{level}", {"level": Level}, "1", {"level": 1}),
    ("{at}", {"at": epoch}, NOON, {}),
    ("{flag}", {"flag": bool}, "True", {}),
    ("{a:5}", {}, "x    ", {}),
    ("{price}#{b}", {"price": cents}, "1.5#x", {"b": "x"}),  # only the Codec can read its text
    ("A", {}, "A", {}),
]


@pytest.mark.parametrize("text, types, key, parts", READ, ids=[f"{text} {key}" for text, _, key, _ in READ])
def test_a_template_read_backwards(text: str, types: dict[str, Any], key: str, parts: dict[str, Any]) -> None:
    assert Inverse("pk", template(text), types, unique=True).read(key) == parts


AMBIGUOUS = [
    ("{a}#{b}", "x#y", {"a": "x", "b": "y"}),
    ("{a}#{b}", "x#y#z", {}),
    ("{a}#{b}", "##", {}),
    ("P#{a}#{b}!", "P#x#y!", {"a": "x", "b": "y"}),
    ("P#{a}#{b}#{c}", "P#x#y#z", {"a": "x", "b": "y", "c": "z"}),
    ("P#{a}#{b}#{c}", "P#w#x#y#z", {}),
    ("{n:03d}#{a}", "007#x#y", {"n": 7, "a": "x#y"}),
    ("{a}#{n:03d}", "x#007", {"n": 7, "a": "x"}),
    ("{a}", "x#y", {"a": "x#y"}),
]


@pytest.mark.parametrize("text, key, parts", AMBIGUOUS, ids=[f"{text} {key}" for text, key, _ in AMBIGUOUS])
def test_a_key_of_an_index_that_can_be_cut_in_two_ways_says_nothing(text: str, key: str, parts: dict[str, Any]) -> None:
    assert Inverse("gs", template(text), {}, unique=False).read(key) == parts


@given(st.text("#x", max_size=3), st.text("#y", max_size=3), st.text("#", max_size=2), st.integers(-9, 999))
def test_what_a_template_has_made_is_read_back(a: str, b: str, between: str, n: int) -> None:
    made = template(f"K{{a}}#{between}{{n:03d}}!{{b}}")
    types = {"n": int}
    try:
        text = made.value({"a": a, "b": b, "n": n}, unique=True)
    except ValidationError:
        return
    assert Inverse("pk", made, types, unique=True).read(text) == {"a": a, "n": n, "b": b}


# --- items that another program wrote

SHOP = Table(
    "Shop",
    "pk",
    "sk",
    attributes={
        "pk": template("USER#{user}"),
        "sk": template("ORDER#{order:03d}#{day}"),
        "order": int,
        "day": date,
        "g": template("CAT#{cat}"),
        "gs": template("PRICE#{price:05d}#{user}"),
        "price": int,
    },
    indexes=[GlobalIndex("ByCat", "g", "gs")],
)
DAY = date(2026, 1, 31)
FOREIGN = {"pk": "USER#1", "sk": "ORDER#007#2026-01-31", "g": "CAT#tea", "gs": "PRICE#00005#1", "total": 5}
PARTS = {"user": "1", "order": 7, "day": DAY, "cat": "tea", "price": 5}
KEY = {"user": "1", "order": 7, "day": DAY}


@pytest.fixture
def raw(engine: Engine) -> Table:
    table = replace(SHOP, attributes={}, name=kept.unused("parts")).on(engine)
    run(table, create_table())
    put(table, FOREIGN)
    put(table, {"pk": "USER#9", "sk": "PROFILE", "mail": "a@b.c"})
    return table


@pytest.fixture
def shop(raw: Table) -> Table:
    return replace(SHOP, name=raw.name).on(raw.bound)


def by(**parts: Any) -> Condition:
    return all_of(Compare("=", Path((name,)), operand(value)) for name, value in parts.items())


CONDITIONS = [
    by(**KEY),
    by(user="1"),
    by(user="1", order=7),
    by(user="1") & ge("order", 7),
    by(user="1", day=DAY),
    by(user="1") & exists("order"),
    by(user="1") & is_in("order", [1, 7]) & (eq("day", DAY) | eq("total", 99)),
    by(pk="USER#1", user="1", order=7),
    by(user="1", sk=FOREIGN["sk"], order=7),
    by(cat="tea"),
    by(cat="tea", price=5),
    by(cat="tea", price=5, user="1"),
    by(cat="tea") & lt("price", 6) & ne("user", "2"),
    by(cat="tea") & begins_with("user", "1") & between("price", 5, 5),
]


@pytest.mark.parametrize("condition", CONDITIONS, ids=show)
def test_it_is_found_by_its_parts(shop: Table, raw: Table, condition: Condition) -> None:
    whole = FOREIGN | PARTS
    assert list(run(shop, query(condition))) == [whole]
    assert list(run(shop, scan(condition))) == [whole]
    assert count(shop, query(condition)) == 1
    assert list(run(shop, query(condition, project=["price", "total"]))) == [{"price": 5, "total": 5}]
    assert update_matching(shop, query(condition), incr("total", 1)) == 1
    assert (get(raw, (FOREIGN["pk"], FOREIGN["sk"])) or {})["total"] == 6
    assert delete_matching(shop, query(condition), dry_run=True) == 1
    assert delete_matching(shop, query(condition)) == 1
    assert [item["sk"] for item in run(raw, scan())] == ["PROFILE"]


MISSED = [
    by(user="1", order=8),
    by(pk="USER#1", user="2"),
    by(user="1", sk=FOREIGN["sk"]) & ne("order", 7),
    by(user="1") & not_exists("order") & eq("total", 5),
    by(cat="tea", price=6),
    by(cat="tea") & not_exists("price"),
    by(cat="tea", user="2"),
]


@pytest.mark.parametrize("condition", MISSED, ids=show)
def test_it_is_not_found_by_other_parts(shop: Table, condition: Condition) -> None:
    assert list(run(shop, query(condition))) == list(run(shop, scan(condition))) == []
    assert delete_matching(shop, query(condition)) == update_matching(shop, query(condition), incr("n")) == 0


@no_transactions
def test_every_read_fills_the_parts_in(shop: Table) -> None:
    whole = FOREIGN | PARTS
    place = (FOREIGN["pk"], FOREIGN["sk"])
    assert get(shop, place) == get(shop, KEY) == first(shop, scan(eq("total", 5))) == whole
    assert get(shop, KEY, project=["user", "total"]) == {"user": "1", "total": 5}
    assert run(shop, batch_get([place, KEY])) == [whole, whole]
    assert run(shop, batch_get([place], project=["order"])) == [{"order": 7}]
    assert transact_get([(shop, get_item(KEY))]) == [whole]
    assert transact_get([(shop, get_item(KEY, project=["day"]))]) == [{"day": DAY}]
    assert update(shop, KEY, assign("total", 7), returns="ALL_OLD") == whole | {"total": 5}
    assert get(shop, ("USER#9", "PROFILE")) == {"pk": "USER#9", "sk": "PROFILE", "user": "9", "mail": "a@b.c"}
    assert list(run(shop, scan(index="ByCat", segments=2))) == [whole | {"total": 7}]
    assert list(run(shop, scan(eq("total", 7), prefetch=True))) == [whole | {"total": 7}]


def test_what_an_item_holds_stays_as_it_is(shop: Table, raw: Table) -> None:
    put(raw, FOREIGN | {"user": "2", "order": None})
    assert get(shop, KEY) == FOREIGN | PARTS | {"user": "2", "order": None}
    assert list(run(shop, query(by(user="1", order=7)))) == []
    assert [item["user"] for item in run(shop, query(eq("pk", "USER#1") & eq("user", "2")))] == ["2"]


def test_an_update_gives_what_it_updated_and_no_more(shop: Table) -> None:
    place = (FOREIGN["pk"], FOREIGN["sk"])
    assert update(shop, place, assign("price", 6), returns="UPDATED_NEW") == {"price": 6, "gs": "PRICE#00006#1"}


@no_transactions
def test_a_write_is_held_to_the_parts(shop: Table, raw: Table) -> None:
    place = (FOREIGN["pk"], FOREIGN["sk"])
    update(shop, place, incr("total"), condition=eq("user", "1") & eq("order", 7) & exists("day"))
    transact_write([(shop, update_item(place, incr("total"), condition=ne("user", "2") & eq("user", "1")))])
    update(shop, place, assign("info.n", 1, parents=True), condition=eq("user", "1"))
    update(shop, place, assign("info.n", 1), condition=between("order", 7, 8) & is_in("order", [6, 7]))
    with pytest.raises(ConditionFailed) as caught:
        update(shop, place, incr("total"), condition=eq("user", "1") & gt("order", 7))
    assert str(caught.value) == "order > 7 was false: order is 7"
    assert caught.value.item == FOREIGN | PARTS | {"total": 7, "info": {"n": 1}}
    for wrong in (not_exists("user"), eq("user", "2"), ~eq("order", 7), between("order", 1, 6)):
        with pytest.raises(ConditionFailed):
            update(shop, place, incr("total"), condition=wrong)
    with pytest.raises(ConditionFailed):  # a missing item has no parts
        update(shop, ("USER#2", "ORDER#001#2026-01-31"), incr("total"), condition=eq("user", "2"))
    put(shop, {"user": "3", "order": 1, "day": DAY}, condition=not_exists("user"))
    with pytest.raises(ConditionFailed):
        put(shop, {"user": "3", "order": 1, "day": DAY}, condition=not_exists("user"))


def test_what_the_key_says_is_not_asked_again() -> None:
    plan = explain(SHOP, query(by(user="1") & ne("total", 5)))
    assert plan.filter == "(user = '1' OR attribute_not_exists(user)) AND total <> 5"
    assert plan.residue is None
    assert "an item without `user` is read with what its key says" in plan.warnings
    assert explain(SHOP, query(by(pk="USER#1", user="2"))).filter == "user = '2'"
    assert explain(SHOP, query(by(pk="USER#1") & ne("user", "1"))).filter == "user <> '1' AND attribute_exists(user)"
    assert explain(SHOP, query(by(user="1") & exists("user"))).filter == "user = '1' OR attribute_not_exists(user)"
    undecided = explain(SHOP, query(by(user="1", order=7)))
    assert undecided.filter == (
        "(user = '1' OR attribute_not_exists(user)) AND (order = 7 OR attribute_not_exists(order))"
    )
    assert undecided.residue == "order = 7"
    sized = explain(SHOP, query(by(cat="tea") & gt(size("cat"), 2) & ne(size("cat"), 3)))
    assert sized.filter == (
        "(cat = 'tea' OR attribute_not_exists(cat)) AND (size(cat) > 2 OR attribute_not_exists(cat)) "
        "AND size(cat) <> 3 AND attribute_exists(cat)"
    )
    several = explain(SHOP, scan(eq("user", F.cat)))
    assert several.filter == "user = cat OR attribute_not_exists(cat) OR attribute_not_exists(user)"
    assert several.residue == "user = cat"
    assert request(SHOP, query(by(user="1") & not_exists("user"))) == ("Nothing", {})
    assert request(SHOP, scan(by(pk="USER#1") & not_exists("user"))) == ("Nothing", {})
    assert explain(SHOP, query(by(user="1"), project=["order"])).requests[0][1]["ExpressionAttributeNames"] == {
        "#0": "pk",
        "#1": "sk",
        "#2": "user",
        "#3": "order",
    }


def test_a_table_without_templates_sends_what_it_did() -> None:
    plain = Table("t", "pk", "sk", attributes={"low": computed(len, "name", type=int)})
    assert plain.inverses == ()
    assert explain(plain, query(eq("pk", "a") & eq("name", "x"))).filter == "name = 'x'"
    assert explain(plain, scan(eq("name", "x") & eq("n", 1))).filter == "name = 'x' AND n = 1"


# --- the law: a read gives the items that match in the form in which the table reads them

VALUES: dict[str, list[Any]] = {"u": ["a", "b", "ab"], "t": ["x", "xy"], "n": [0, 7, 12]}
WORLDS = [
    Table("World1", "pk", "sk", attributes={"pk": template("U#{u}"), "sk": template("O#{n:02d}"), "n": int}),
    Table("World2", "pk", attributes={"pk": template("U#{u}#{t}"), "n": int}),
    Table("World3", "pk", "sk", attributes={"sk": template("O#{n:02d}#{t}"), "n": int}),
    Table(
        "World4",
        "pk",
        attributes={"pk": template("K{u}"), "h": template("H#{t}"), "gs": template("P#{n:02d}#{u}"), "n": int},
        indexes=[GlobalIndex("ByT", "h", "gs"), GlobalIndex("ByU", "u", "gs", project=["t", "n"])],
    ),
]


def made_of(table: Table, name: str, text: "str | None") -> dict[str, Any]:
    """The parts from which a key's template makes the text; all are tried."""
    derived = table.derived[name]
    for values in product(*(VALUES[part] for part in derived.parts)):
        parts = dict(zip(derived.parts, values, strict=True))
        if derived.value(parts) == text:
            return parts
    return {}


def as_read(table: Table, item: dict[str, Any]) -> dict[str, Any]:
    """The item with the parts from which its keys were made."""
    for name in table.key_attributes:
        if name in table.derived:
            item = made_of(table, name, item.get(name)) | item
    return item


def contradicts(table: Table, name: str, item: dict[str, Any]) -> bool:
    """Whether an item has other parts than those its key was made of: then its parts do not find it by that key."""
    made = made_of(table, name, item[name])
    return any(item[part] != made.get(part) for part in table.derived[name].parts if part in item)


@st.composite
def foreign_items(draw: st.DrawFn, table: Table) -> list[dict[str, Any]]:
    """Stored items: with keys from templates or not, and parts that exist, are missing, or contradict the key."""
    found: dict[str, dict[str, Any]] = {}
    for _ in range(draw(st.integers(0, 8))):
        parts = {name: draw(st.sampled_from(pool)) for name, pool in VALUES.items()}
        item = {name: value for name, value in parts.items() if draw(st.booleans())}
        if draw(st.integers(0, 5)) == 0:
            item["u"] = draw(st.sampled_from(VALUES["u"]))
        for name in table.key_attributes:
            derived, other = table.derived.get(name), draw(st.integers(0, 4)) == 0
            if derived and not (name in table.keys or draw(st.integers(0, 4))):
                continue
            if name not in VALUES:
                item[name] = derived.value(parts) if derived and not other else draw(st.sampled_from(["Z", "O#", "a"]))
        found[encode_item({name: item[name] for name in table.keys})] = item
    return list(found.values())


@st.composite
def part_conditions(draw: st.DrawFn, table: Table) -> Condition:
    """A condition on parts, and sometimes on a key itself."""

    def leaf() -> st.SearchStrategy[Condition]:
        names = [*VALUES, *(name for name in table.derived if draw(st.integers(0, 3)) == 0)]
        return st.sampled_from(names).flatmap(of)

    def of(name: str) -> st.SearchStrategy[Condition]:
        path = Path((name,))
        pool = st.sampled_from(VALUES.get(name, ["U#a", "U#a#x", "O#07", "H#x", "Z", "P#07#a"]))
        shapes = [
            st.builds(Compare, some.comparisons, st.just(path), st.builds(operand, pool)),
            st.builds(is_in, st.just(path), st.lists(pool, min_size=1, max_size=2)),
            st.sampled_from([exists(path), not_exists(path), eq("u", F.t), ne("t", F.u)]),
        ]
        return st.one_of(shapes)

    parts = [Compare("=", Path((name,)), operand(draw(st.sampled_from(VALUES[name])))) for name in VALUES]
    kept_parts = [part for part in parts if draw(st.booleans())]
    if "pk" not in table.derived:
        kept_parts.append(eq("pk", draw(st.sampled_from(["Z", "a"]))))
    more = draw(st.lists(some.trees(leaf(), 2), min_size=0 if kept_parts else 1, max_size=2))
    return all_of(draw(st.permutations([*kept_parts, *more])))


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Table, list[dict[str, Any]], Any]:
    table = draw(st.sampled_from(WORLDS))
    items, condition = draw(foreign_items(table)), draw(part_conditions(table))
    index = draw(st.sampled_from([None, None, *(one.name for one in table.indexes)]))
    refinements: dict[str, Any] = {"index": index, "page_size": draw(st.none() | st.integers(1, 2))}
    if draw(st.integers(0, 2)) == 0:
        return table, items, scan(condition, **refinements)
    return table, items, query(condition, **refinements)


def filled(table: Table, items: list[dict[str, Any]]) -> Table:
    run(table, create_table())
    run(replace(table, attributes={"n": int}), batch_write([put_item(item) for item in items]))
    return table


def texts(items: Any) -> list[str]:
    return sorted(encode_item(dict(sorted(item.items()))) for item in items)


@given(worlds())
@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_a_read_gives_what_matches_as_it_is_read(case: tuple[Table, list[dict[str, Any]], Any]) -> None:
    table, items, read = case
    try:
        way = access_of(table, read)
    except PlanError:
        return
    condition = lower_condition(table, read.condition)
    held = [item for item in items if {*table.keys_of(way.index)} <= item.keys()]
    seen = [as_read(table, projected(table, way.index, item)) for item in held]
    assert texts(fill(table, projected(table, way.index, item)) for item in held) == texts(seen)
    expected = [
        item for item in seen if matches(condition, item) and matches(ALWAYS if way.kind is None else way.kind, item)
    ]
    with closing(connect("sqlite::memory:")) as engine:
        bound = filled(table.on(engine), items)
        answer = list(run(bound, read))
        wrong = [item for item in seen if any(contradicts(table, name, item) for name in keyed(table, way))]
        assert texts(item for item in answer if item not in wrong) == texts(
            item for item in expected if item not in wrong
        )
        assert all(item in expected for item in answer)
        assert count(bound, read) == len(answer)
        wanted = replace(read, project=(Path(("n",)), Path(("t",))))
        if outcome(table, wanted) == way.index:
            assert texts(run(bound, wanted)) == texts({k: item[k] for k in ("n", "t") if k in item} for item in answer)


def outcome(table: Table, read: Any) -> Any:
    """The index that a read uses, or a word for a read that is impossible."""
    try:
        return access_of(table, read).index
    except PlanError:
        return "none"


def keyed(table: Table, way: Access) -> list[str]:
    """The derived keys by which a read finds its items."""
    return [name for name in table.keys_of(way.index) if name in table.derived and way.operation != "Scan"]


def projected(table: Table, index: Any, item: dict[str, Any]) -> dict[str, Any]:
    if index is None or index.project == "all":
        return dict(item)
    return {name: item[name] for name in item if name in {*table.keys, *index.attributes, *index.project}}


@given(worlds())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_what_a_read_gives_is_what_is_removed(case: tuple[Table, list[dict[str, Any]], Any]) -> None:
    table, items, read = case
    read = replace(read, index=None, page_size=None)
    with closing(connect("sqlite::memory:")) as engine:
        bound = filled(table.on(engine), items)
        try:
            keys = [{name: item[name] for name in table.keys} for item in run(bound, read)]
        except PlanError:
            return
        assert update_matching(bound, read, assign("seen", True)) == len(keys)
        assert count(bound, scan(exists("seen"))) == len(keys)
        assert delete_matching(bound, read) == len(keys)
        left = [item for item in items if {name: item[name] for name in table.keys} not in keys]
        assert texts(run(replace(bound, attributes={}), scan())) == texts(left)


@given(worlds())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_a_write_is_held_to_the_item_as_it_is_read(case: tuple[Table, list[dict[str, Any]], Any]) -> None:
    table, items, read = case
    if table.indexes:  # parts of an index's key are not known before the write
        return
    key = {"pk": "U#a#x" if table.name == "World2" else "U#a", **({"sk": "O#07"} if table.sort_key else {})}
    condition = lower_condition(table, read.condition)
    with closing(connect("sqlite::memory:")) as engine:
        bound = filled(table.on(engine), [*items, *([key] if len(items) % 2 else [])])
        found = get(bound, key)
        try:
            delete(bound, key, condition=read.condition)
            held = True
        except (ConditionFailed, ExpressionError):  # ExpressionError before sending, where it is never true
            held = False
        assert held is matches(condition, found or {})


# --- the table's own kind


KIND = Table(
    "Kinds",
    "pk",
    "sk",
    attributes={
        "pk": template("C#{customer}"),
        "sk": template("O#{order:03d}#{line}"),
        "order": int,
        "g": template("G#{cat}"),
        "gs": template("P#{price:03d}"),
        "price": int,
    },
    indexes=[GlobalIndex("ByCat", "g", "gs"), GlobalIndex("ByDay", "day", "sk")],
)
NAMED = [
    (by(customer="a"), "pk = 'C#a' AND begins_with(sk, 'O#')", "begins_with(sk, 'O#')"),
    (by(customer="a", line="x"), "pk = 'C#a' AND begins_with(sk, 'O#')", "begins_with(sk, 'O#')"),
    (by(customer="a", order=7), "pk = 'C#a' AND begins_with(sk, 'O#007#')", None),
    (by(customer="a") & gt("sk", "A"), "pk = 'C#a' AND sk > 'A'", None),
    (by(customer="a") & exists("sk"), "pk = 'C#a'", None),
    (by(pk="C#a"), "pk = 'C#a'", None),
    (by(pk="C#a", customer="a"), "pk = 'C#a'", None),
    (by(cat="x"), "g = 'G#x' AND begins_with(gs, 'P#')", "begins_with(gs, 'P#')"),
    (by(cat="x", price=5), "g = 'G#x' AND gs = 'P#005'", None),
    (by(g="G#x"), "g = 'G#x'", None),
    (by(day="d"), "day = 'd' AND begins_with(sk, 'O#')", "begins_with(sk, 'O#')"),
]


@pytest.mark.parametrize("condition, key, kind", NAMED, ids=[show(each) for each, *_ in NAMED])
def test_a_query_stays_with_its_kind(condition: Condition, key: str, kind: "str | None") -> None:
    plan = explain(KIND, query(condition))
    assert plan.key_condition == key
    told = f"reads only the table's own kind: {kind}"
    assert [warning for warning in plan.warnings if "own kind" in warning] == ([told] if kind else [])


def test_the_kind_does_not_choose_the_index() -> None:
    alike = [GlobalIndex("A", "day", "at"), GlobalIndex("B", "day", "sk")]
    with raises(
        PlanError,
        "A and B of 'Kinds' would serve this query equally well\n"
        "  condition: day = 'd'\n"
        "  hint: choose one: query(..., index='A')",
    ):
        access_of(replace(KIND, indexes=alike), query(eq("day", "d")))


def test_a_key_of_one_text_is_one_item() -> None:
    profile = replace(KIND, attributes={"pk": template("C#{customer}"), "sk": template("PROFILE")})
    plan = explain(profile, query(by(customer="a")))
    assert (plan.operation, plan.key_condition) == ("GetItem", "pk = 'C#a' AND sk = 'PROFILE'")
    assert plan.warnings[0] == "reads only the table's own kind: sk = 'PROFILE'"
    assert explain(profile, query(by(customer="a") & ge("sk", "A"))).operation == "Query"
    settings = Table("Settings", "pk", "name", attributes={"pk": template("SETTINGS")})
    assert explain(settings, query(eq("name", "x"))).key_condition == "pk = 'SETTINGS' AND name = 'x'"


# --- updates of parts


PRODUCTS = Table(
    "Products",
    "pk",
    attributes={
        "pk": template("P#{sku}"),
        "g": template("CAT#{cat}"),
        "gs": template("PRICE#{price:05d}#{sku}"),
        "place": template("{country}#{city}"),
        "total": computed(lambda price, amount: price * amount, "price", "amount", type=int),
        "price": int,
        "amount": int,
    },
    indexes=[GlobalIndex("ByCat", "g", "gs"), GlobalIndex("ByPlace", "place")],
)
LAMP = {"sku": "a", "cat": "x", "price": 5, "amount": 2, "country": "DE", "city": "Bonn"}


@pytest.fixture
def products(engine: Engine) -> Table:
    table = replace(PRODUCTS, name=kept.unused("products")).on(engine)
    run(table, create_table())
    put(table, LAMP)
    return table


def lamp(table: Table) -> dict[str, Any]:
    found = get(table, "P#a")
    assert found is not None
    return {name: found.get(name) for name in ("gs", "place", "total")}


@pytest.mark.parametrize("key", [{"sku": "a"}, "P#a", {"pk": "P#a"}], ids=repr)
def test_an_update_takes_the_parts_that_the_key_gives(products: Table, key: Any) -> None:
    update(products, key, assign("price", 6) + assign("amount", 3))
    assert lamp(products) == {"gs": "PRICE#00006#a", "place": "DE#Bonn", "total": 18}
    update(products, key, remove("price"))
    assert lamp(products) == {"gs": None, "place": "DE#Bonn", "total": None}
    update(products, key, assign("price", 7), condition=eq("amount", 3))
    assert lamp(products) == {"gs": "PRICE#00007#a", "place": "DE#Bonn", "total": 21}


@no_transactions
def test_an_update_takes_the_parts_that_its_condition_fixes(products: Table) -> None:
    update(products, "P#a", assign("city", "Ulm"), condition=eq("country", "DE") & gt("price", 1))
    assert lamp(products)["place"] == "DE#Ulm"
    with pytest.raises(ConditionFailed):
        update(products, "P#a", assign("city", "Wien"), condition=eq("country", "AT"))
    transact_write([(products, update_item("P#a", assign("city", "Köln"), condition=eq("country", "DE")))])
    assert lamp(products)["place"] == "DE#Köln"


UNKNOWN: list[tuple[Any, str]] = [
    (
        assign("city", "Ulm"),
        "`place` is made of `country` and `city`, and the new value of `country` is not known\n"
        "  expression: SET city = 'Ulm'\n"
        "  hint: assign a value to `country`, add eq('country', ...) to the condition, or use modify(...), which reads "
        "the item",
    ),
    (
        incr("price"),
        "`gs` is made of `price` and `sku`, and the new value of `price` is not known\n"
        "  expression: ADD price 1\n"
        "  hint: assign a value to `price`, or use modify(...), which reads the item",
    ),
    (
        assign("sku", "b"),
        "`sku` makes up `pk`, a part of the key of 'Products', and cannot be updated\n"
        "  expression: SET sku = 'b'\n"
        "  hint: put the item under its new key and delete the old one",
    ),
    (
        assign("pk", "P#b"),
        "`pk` is part of the key of 'Products' and cannot be updated\n"
        "  expression: SET pk = 'P#b'\n"
        "  hint: put the item under its new key and delete the old one",
    ),
]


@pytest.mark.parametrize("change, text", UNKNOWN, ids=[text.splitlines()[0] for _, text in UNKNOWN])
def test_a_part_that_nobody_knows(change: Any, text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        request(PRODUCTS, update_item("P#a", change))
    assert str(caught.value) == text


@no_transactions
def test_modify_knows_every_part(products: Table) -> None:
    assert (modify(products, "P#a", lambda item: item | {"city": "Ulm"}) or {})["place"] == "DE#Ulm"
    assert (modify(products, "P#a", lambda item: item | {"price": item["price"] * 2}) or {})["gs"] == "PRICE#00010#a"
    made = transact_modify([(products, "P#a")], lambda items: [items[0] | {"amount": 4, "country": "AT"}])
    assert made == [get(products, "P#a")]
    assert lamp(products) == {"gs": "PRICE#00010#a", "place": "AT#Ulm", "total": 40}
    gone = modify(products, "P#a", lambda item: {name: item[name] for name in item if name != "price"})
    assert gone == get(products, "P#a")
    assert lamp(products) == {"gs": None, "place": "AT#Ulm", "total": None}
    assert (modify(products, "P#a", lambda item: item | {"price": 3}) or {})["gs"] == "PRICE#00003#a"


def test_modify_guards_the_parts_that_it_took(products: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    engine = before(
        products.bound, "UpdateItem", lambda: modify(products, "P#a", lambda item: item | {"country": "AT"})
    )
    made = modify(products.on(engine), "P#a", lambda item: item | {"city": "Wien"})
    assert (made or {})["place"] == "AT#Wien"


def test_update_matching_knows_every_part(products: Table) -> None:
    put(products, LAMP | {"sku": "b", "country": "AT", "city": "Wien", "price": 9})
    everything = query(eq("cat", "x"))
    assert update_matching(products, everything, assign("city", "Ulm") + incr("price")) == 2
    places = [(item["gs"], item["place"], item["total"]) for item in run(products, everything)]
    assert places == [("PRICE#00006#a", "DE#Ulm", 12), ("PRICE#00010#b", "AT#Ulm", 20)]
    assert update_matching(products, scan(eq("country", "AT")), remove("city")) == 1
    assert [item["sku"] for item in run(products, scan(index="ByPlace"))] == ["a"]


def test_update_matching_guards_the_parts_that_it_took(products: Table, pauses: list[float]) -> None:
    def meanwhile() -> None:
        modify(products, "P#a", lambda item: item | {"country": "AT"})

    engine = before(products.bound, "UpdateItem", meanwhile)
    assert update_matching(products.on(engine), query(eq("cat", "x")), assign("city", "Wien")) == 1
    assert lamp(products)["place"] == "AT#Wien"
    engine = before(products.bound, "UpdateItem", lambda: delete(products, "P#a"))
    assert update_matching(products.on(engine), query(eq("cat", "x")), assign("city", "Linz")) == 0
    assert get(products, "P#a") is None
    put(products, LAMP)
    turn = iter(range(100))

    def flip() -> None:
        modify(products, "P#a", lambda item: item | {"country": f"C{next(turn)}"})

    engine = before(products.bound, "UpdateItem", flip, times=100)
    with pytest.raises(ConditionFailed):
        update_matching(products.on(engine), query(eq("cat", "x")), assign("city", "Linz"))


def test_update_matching_counts_versions(products: Table) -> None:
    versioned = replace(products, version="v")
    assert update_matching(versioned, query(eq("cat", "x")), assign("city", "Ulm")) == 1
    assert (get(versioned, "P#a") or {})["v"] == 1


def test_a_filled_part_is_counted_on_from(shop: Table, raw: Table) -> None:
    assert update_matching(shop, query(eq("cat", "tea")), incr("price", 2)) == 1
    found = get(raw, (FOREIGN["pk"], FOREIGN["sk"])) or {}
    assert (found["price"], found["gs"]) == (7, "PRICE#00007#1")
    assert update_matching(shop, query(eq("cat", "tea")), remove("price")) == 1
    assert "gs" not in (get(raw, (FOREIGN["pk"], FOREIGN["sk"])) or {})


def test_modify_of_a_foreign_item(shop: Table, raw: Table) -> None:
    made = modify(shop, KEY, lambda item: item | {"price": item["price"] + 1, "order": item["order"]})
    assert made == FOREIGN | PARTS | {"price": 6, "gs": "PRICE#00006#1"}
    assert get(raw, (FOREIGN["pk"], FOREIGN["sk"])) == FOREIGN | {"price": 6, "gs": "PRICE#00006#1"}
    recording = Recording(shop.bound)
    assert modify(shop.on(recording), KEY, lambda item: item) == made
    assert recording.names == ["GetItem"]


# --- puts


def test_a_put_makes_derived_attributes_anew(products: Table) -> None:
    read = get(products, "P#a") or {}
    put(products, read | {"price": 6})
    assert lamp(products) == {"gs": "PRICE#00006#a", "place": "DE#Bonn", "total": 12}
    put(products, read | {"gs": "PRICE#9", "total": 0})
    assert lamp(products) == {"gs": "PRICE#00005#a", "place": "DE#Bonn", "total": 10}
    low = replace(products, attributes={**products.attributes, "total": computed(lambda price: None, "price")})
    put(low, read)
    assert "total" not in (get(products, "P#a") or {})


def test_a_foreign_item_is_put_as_it_was_read(shop: Table, raw: Table) -> None:
    found = get(shop, KEY) or {}
    put(shop, found | {"total": 9})
    assert get(shop, KEY) == FOREIGN | PARTS | {"total": 9}
    put(shop, {"pk": "USER#8", "sk": "ORDER#001#2026-01-31"})
    assert get(shop, ("USER#8", "ORDER#001#2026-01-31")) == {
        "pk": "USER#8",
        "sk": "ORDER#001#2026-01-31",
        "user": "8",
        "order": 1,
        "day": DAY,
    }


PUTS: list[tuple[dict[str, Any], str]] = [
    (
        {"sku": "b", "pk": "P#a"},
        "at `pk`: `sku` makes it 'P#b', not 'P#a'\n"
        "  hint: leave `pk` out; the item then goes under the key of its parts",
    ),
    ({"pk": "Q"}, "at `pk`: `pk` is made of `sku`; `sku` is not given"),
    ({"sku": "a", "place": "DE#Bonn", "city": "Bonn"}, "at `place`: `place` is made of `country` and `city`; ..."),
    ({"sku": "a", "gs": "PRICE#00005#a"}, "at `gs`: `gs` is made of `price` and `sku`; `price` is not given"),
    (
        {"sku": "a", "total": 5},
        "at `total`: `total` is made of `price` and `amount`; `price` and `amount` are not given",
    ),
    (
        {"sku": "a", "price": 100_000, "amount": 1},
        "at `price`: '100000' is wider than its format in 'PRICE#{price:05d}#{sku}', so a key would sort it among "
        "smaller numbers\n  hint: a format that fills up to 6 characters holds it",
    ),
]


@pytest.mark.parametrize("item, text", PUTS, ids=[text.splitlines()[0] for _, text in PUTS])
def test_what_cannot_be_put(item: dict[str, Any], text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        request(PRODUCTS, put_item(item))
    assert str(caught.value).startswith(text.removesuffix(" ..."))
    assert text.endswith(" ...") or str(caught.value) == text


WIDE: list[tuple[str, Any, bool]] = [
    ("{n:03d}", 999, True),
    ("{n:03d}", 1000, False),
    ("{n:03d}", -100, False),
    ("{n:>2}", 100, False),
    ("{n:06.2f}", Decimal("999.99"), True),
    ("{n:06.2f}", Decimal("9999.99"), False),
    ("{n:06.2f}", 1e5, False),
    ("{n}", 10**30, True),
    ("{n:3}", "long text", True),
]


@pytest.mark.parametrize("text, value, fits", WIDE, ids=[f"{text} {value}" for text, value, _ in WIDE])
def test_a_number_wider_than_its_format_is_refused_in_a_key(text: str, value: Any, fits: bool) -> None:
    key = Table("t", "pk", attributes={"pk": template(text)})
    index = Table("t", "id", attributes={"g": template(text)}, indexes=[GlobalIndex("G", "g")])
    other = Table("t", "id", attributes={"g": template(text)})
    writes: list[tuple[Table, Any, bool]] = [
        (key, put_item({"n": value}), fits),
        (key, get_item({"n": value}), fits),
        (index, put_item({"id": "a", "n": value}), fits),
        (index, update_item("a", assign("n", value)), fits),
        (other, put_item({"id": "a", "n": value}), True),
    ]
    for table, operation, taken in writes:
        if taken:
            request(table, operation)
        else:
            with pytest.raises(ValidationError, match=r"at `n`: '.*' is wider than its format in"):
                request(table, operation)


MISSING: list[tuple[Any, str]] = [
    (
        get_item({"customer": "a"}),
        "the key of 'Kinds' lacks `sk`: `sk` is made of `order` and `line`; `order` and `line` are not given\n"
        "  hint: a key is (pk, sk) as a tuple, or a dict with these attributes",
    ),
    (
        get_item({"customer": "a", "order": 1}),
        "the key of 'Kinds' lacks `sk`: `sk` is made of `order` and `line`; `line` is not given\n"
        "  hint: a key is (pk, sk) as a tuple, or a dict with these attributes",
    ),
    (
        get_item("C#a"),
        "the key of 'Kinds' lacks `sk`\n  hint: a key is (pk, sk) as a tuple, or a dict with these attributes",
    ),
]


@pytest.mark.parametrize("operation, text", MISSING, ids=[text.splitlines()[0] for _, text in MISSING])
def test_a_missing_part_of_a_key_is_named(operation: Any, text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        request(KIND, operation)
    assert str(caught.value) == text


def test_a_missing_part_of_a_partition_key_is_named() -> None:
    table = Table(
        "Games",
        "pk",
        attributes={"pk": template("{a}#{b}"), "g": template("{c}#{d}#{e}")},
        indexes=[GlobalIndex("G", "g")],
    )
    for condition, words in (
        (eq("a", "x"), "`pk` is made of `a` and `b`; `b` is not given"),
        (eq("d", "x"), "`g` is made of `c` and `d` and `e`; `c` and `e` are not given"),
    ):
        with pytest.raises(PlanError) as caught:
            access_of(table, query(condition))
        assert str(caught.value).startswith(f"a query of 'Games' needs one partition key value: {words}\n")
    with raises(
        PlanError,
        "no index of 'Games' starts with `z`, and a query needs one partition key value\n"
        "  condition: z = 1\n"
        '  hint: add GlobalIndex("…", "z"), or use scan(...)',
    ):
        access_of(table, query(eq("z", 1)))


def test_a_condition_that_no_key_can_decide_is_guarded_by_what_was_found() -> None:
    """`u` and `t` are compared with each other, and only an index's key has `n`."""
    items = [{"t": "x", "u": "a", "pk": "Ka", "h": "H#x", "gs": "P#00#a"}, {"t": "x", "n": 0, "pk": "Z"}]
    read = query((eq("u", F.t) | is_in("n", [0])) & exists("u") & eq("t", "x"))
    with closing(connect("sqlite::memory:")) as engine:
        table = filled(WORLDS[3].on(engine), items)
        assert update_matching(table, read, assign("seen", True)) == 1
        assert delete_matching(table, read) == 1
        assert [item["pk"] for item in run(table, scan())] == ["Z"]


COMPARED = [
    eq("u", F.t),
    ne("u", F.t),
    ~eq("u", F.t),
    exists("u") | eq("u", F.t),
    between("u", F.t, F.v),
    between("t", F.u, "z"),
    is_in("u", [F.t, F.v]),
    is_in("t", ["x", F.u]),
    begins_with("t", F.u),
    contains("t", F.u),
    ge("n", F.m) & le("u", F.t),
    eq("u", F.n),
]
STORED: list[dict[str, Any]] = [
    {},
    {"t": "a"},
    {"t": "ab", "v": "a"},
    {"u": "b", "t": "b"},
    {"t": 7, "m": 7},
    {"n": 9, "m": 8},
]


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("stored", STORED, ids=str)
@pytest.mark.parametrize("condition", COMPARED, ids=show)
def test_a_part_that_the_key_says_is_compared_with_other_attributes(
    condition: Condition, stored: dict[str, Any], there: bool
) -> None:
    """A write holds where the condition is true of the item as it is read, whoever wrote it."""
    keys = {"pk": template("U#{u}"), "sk": template("O#{n:02d}")}
    table = Table("World", "pk", "sk", attributes={**keys, "n": int})
    with closing(connect("sqlite::memory:")) as engine:
        bound = table.on(engine)
        run(bound, create_table())
        if there:
            run(Table("World", "pk", "sk").on(engine), put_item({"pk": "U#a", "sk": "O#07", **stored}))
        read = get(bound, ("U#a", "O#07"))
        try:
            delete(bound, ("U#a", "O#07"), condition=condition)
            held = True
        except ConditionFailed:
            held = False
        assert held is matches(condition, read or {})
