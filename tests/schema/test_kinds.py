"""Tables with items of several kinds: what they are made of, and what is refused."""

import enum
import pickle
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from raised import raises

from flyexpr import (
    Attribute,
    ExpressionError,
    FlyexprError,
    GlobalIndex,
    Table,
    ValidationError,
    assign,
    begins_with,
    connect,
    delete_item,
    epoch,
    eq,
    explain,
    from_wire,
    get_item,
    gt,
    is_in,
    key_of,
    kinds,
    live,
    ne,
    put_item,
    query,
    request,
    scan,
    template,
    to_wire,
    update_item,
)
from flyexpr.expressions.show import show
from flyexpr.schema.stored_conditions import lower_condition


class Type(enum.Enum):
    ORDER = "order"


CUSTOMER = template("CUSTOMER#{customer}")
BY_MAIL = GlobalIndex("ByMail", "mail")
CUSTOMERS = Table("Shop", "pk", "sk", attributes={"pk": CUSTOMER, "sk": template("PROFILE")}, indexes=[BY_MAIL])
ORDERS = Table(
    "Shop",
    "pk",
    "sk",
    attributes={
        "pk": CUSTOMER,
        "sk": template("ORDER#{order:04d}"),
        "order": int,
        "total": Attribute(Decimal, required=True),
        "status": Attribute(str, default="new"),
        "until": epoch,
    },
    version="version",
)
LINES = Table(
    "Shop",
    "pk",
    "sk",
    attributes={"pk": CUSTOMER, "sk": template("ORDER#{order:04d}#LINE#{line}"), "order": int, "line": int},
)
PRODUCTS = Table("Shop", "pk", "sk", attributes={"pk": template("PRODUCT#{sku}"), "sk": template("PRODUCT")})
EACH = {"customer": CUSTOMERS, "order": ORDERS, "line": LINES, "product": PRODUCTS}
SHOP = kinds(EACH, by="type")


def kind_of_all(item: dict[str, Any]) -> Any:
    return str(item["sk"]).split("#")[0].lower()


def test_it_is_a_table_with_the_indexes_of_all_kinds() -> None:
    assert isinstance(SHOP, Table)
    assert (SHOP.name, SHOP.keys, SHOP.indexes) == ("Shop", ("pk", "sk"), (BY_MAIL,))
    assert [index.name for index in SHOP["order"].indexes] == ["ByMail"]


def test_equality_hash_pickle_and_text() -> None:
    again = kinds(dict(EACH), by="type")
    assert (again == SHOP, hash(again) == hash(SHOP)) == (True, True)
    assert kinds(EACH, by="kind") != SHOP
    assert kinds({**EACH, "order": LINES}, by="type") != SHOP
    assert SHOP != CUSTOMERS
    assert pickle.loads(pickle.dumps(SHOP)) == SHOP
    assert pickle.loads(pickle.dumps(kinds(EACH, by=kind_of_all))) == kinds(EACH, by=kind_of_all)


def test_it_prints() -> None:
    assert repr(SHOP) == "<Table Shop (pk, sk) of kinds customer, order, line, product, not bound>"
    html = SHOP._repr_html_()
    assert "kinds by" in html
    assert "template(&#x27;PRODUCT#{sku}&#x27;)" in html
    assert "kind_of_all" in kinds(EACH, by=kind_of_all)._repr_html_()


def test_copies_keep_the_kinds() -> None:
    with connect("sqlite::memory:") as engine:
        bound = SHOP.on(engine)
        assert (bound.engine, bound["order"].engine, bound.as_stored.engine) == (engine,) * 3
        assert bound == SHOP
        assert kinds({"customer": CUSTOMERS.on(engine), "order": ORDERS}, by="type")["order"].engine is engine
    assert SHOP.named("test-{}").name == SHOP.named("test-{}")["line"].name == "test-Shop"
    assert SHOP.named("test-{}").of_stored({"type": "line"}) == LINES_NAMED


LINES_NAMED = SHOP["line"].named("test-Shop")


@pytest.mark.parametrize(
    "descriptors, by, text",
    [
        ({}, "type", "kinds takes a dict of names and tables, such as {'order': orders}, not {}"),
        ([ORDERS], "type", f"kinds takes a dict of names and tables, such as {{'order': orders}}, not {[ORDERS]!r}"),
        ({"a": 1}, "type", "kinds takes a dict of names and tables, not 'a': 1"),
        ({1: ORDERS}, "type", f"kinds takes a dict of names and tables, not 1: {ORDERS!r}"),
        ({"a": SHOP}, "type", f"kinds takes a dict of names and tables, not 'a': {SHOP!r}"),
        ({"a": ORDERS}, 1, "by= takes the name of an attribute, or a function of the item, not 1"),
        ({"a": ORDERS}, "", "by= takes the name of an attribute, or a function of the item, not ''"),
        (
            {"a": ORDERS, "b": Table("Shop", "pk")},
            "type",
            "kinds are descriptors of one table: 'a' is of 'Shop' (pk, sk), and 'b' is of 'Shop' (pk)",
        ),
        (
            {"a": Table("Tab", "id", ttl="x"), "b": Table("Tab", "id"), "c": Table("Tab", "id", ttl="y")},
            "type",
            "kinds 'a' and 'c' have different ttl=: 'x' and 'y'",
        ),
        (
            {"a": Table("Tab", "id", indexes=[BY_MAIL]), "b": Table("Tab", "id", indexes=[GlobalIndex("ByMail", "m")])},
            "type",
            "kinds 'a' and 'b' declare index 'ByMail' differently",
        ),
        (
            {"a": Table("Tab", "id", attributes={"id": int}), "b": Table("Tab", "id", attributes={"id": str})},
            "type",
            "kinds 'a' and 'b' store the key attribute `id` differently: as N and as S",
        ),
    ],
)
def test_what_is_refused(descriptors: Any, by: Any, text: str) -> None:
    with pytest.raises((FlyexprError, TypeError)) as caught:
        kinds(descriptors, by=by)
    assert str(caught.value) == text


def test_a_kind_that_is_not_there() -> None:
    with pytest.raises(FlyexprError) as caught:
        SHOP["ordr"]
    assert str(caught.value) == (
        "table 'Shop' has no kind 'ordr'; did you mean 'order'? the kinds are 'customer', 'order', 'line', 'product'"
    )


# --- writing


def test_a_put_goes_by_the_kind_of_its_item() -> None:
    sent = request(SHOP, put_item({"type": "order", "customer": "ada", "order": 7, "total": Decimal(1)}))[1]
    assert sent["Item"] == {
        "type": {"S": "order"},
        "customer": {"S": "ada"},
        "order": {"N": "7"},
        "total": {"N": "1"},
        "status": {"S": "new"},
        "version": {"N": "1"},
        "pk": {"S": "CUSTOMER#ada"},
        "sk": {"S": "ORDER#0007"},
    }
    assert sent["ConditionExpression"] == "attribute_not_exists(#0)"
    assert request(SHOP, put_item({"type": Type.ORDER, "customer": "ada", "order": 7, "total": Decimal(1)}))[1] == sent
    assert request(SHOP["order"], put_item({"customer": "ada", "order": 7, "total": Decimal(1)}))[1]["Item"][
        "type"
    ] == {"S": "order"}


@pytest.mark.parametrize(
    "item, text",
    [
        (
            {"customer": "ada"},
            "at `type`: an item of 'Shop' needs its kind\n  hint: the kinds are 'customer', 'order', 'line', 'product'"
            "; or put it by its descriptor: put(table['customer'], item)",
        ),
        (
            {"type": "custmer", "customer": "ada"},
            "at `type`: 'custmer' is not a kind of 'Shop'\n"
            "  hint: did you mean 'customer'? the kinds are 'customer', 'order', 'line', 'product'",
        ),
        (
            {"type": "order", "customer": "ada", "order": 7},
            "at `total`: an item of 'Shop' needs this attribute",
        ),
        (
            {"type": "line", "customer": "ada", "order": 7},
            "at `sk`: `sk` is made of `order` and `line`; `line` is not given",
        ),
    ],
)
def test_puts_that_are_refused(item: dict[str, Any], text: str) -> None:
    for attempt in (lambda: request(SHOP, put_item(item)), lambda: to_wire(SHOP, item)):
        with pytest.raises(ValidationError) as caught:
            attempt()
        assert str(caught.value) == text


def test_a_descriptor_of_one_kind_takes_no_other() -> None:
    with pytest.raises(ValidationError) as caught:
        request(SHOP["line"], put_item({"type": "order", "customer": "ada", "order": 7, "line": 1}))
    assert str(caught.value) == "at `type`: it is always 'line' here, not 'order'\n  hint: leave `type` out"
    with pytest.raises(ExpressionError) as refused:
        request(SHOP["line"], update_item(("CUSTOMER#ada", "ORDER#0007#LINE#1"), assign("type", "order")))
    assert str(refused.value).split("\n")[0] == "`type` is always 'line' here and cannot be set by itself"


@pytest.mark.parametrize("declared", [str, Attribute(str, required=True), Attribute(str, default="other")])
def test_a_kind_attribute_that_is_declared_as_text_is_filled_in(declared: Any) -> None:
    attributes = {"n": int, "id": template("{type}#{n}"), "type": declared}
    own = kinds({"order": Table("Tab", "id", attributes=attributes)}, by="type")
    assert to_wire(own["order"], {"n": 1}) == {"n": {"N": "1"}, "type": {"S": "order"}, "id": {"S": "order#1"}}
    assert show(lower_condition(own, eq("type", "order") & gt("n", 1))) == "type = 'order' AND n > 1"
    with pytest.raises(ValidationError) as caught:
        to_wire(own["order"], {"n": 1, "type": "other"})
    assert str(caught.value) == "at `type`: it is always 'order' here, not 'other'\n  hint: leave `type` out"


@pytest.mark.parametrize("declared", [Type, Attribute(Type), Attribute(Type, required=True)])
def test_a_kind_attribute_of_another_type_has_to_be_given(declared: Any) -> None:
    own = kinds({"order": Table("Tab", "id", attributes={"type": declared})}, by="type")
    assert to_wire(own["order"], {"id": "a", "type": Type.ORDER}) == {"id": {"S": "a"}, "type": {"S": "order"}}
    with pytest.raises(ValidationError) as caught:
        to_wire(own["order"], {"id": "a"})
    assert str(caught.value) == "at `type`: an item of 'Tab' needs this attribute"


def test_a_declared_kind_attribute_stays_as_it_is_declared() -> None:
    own = kinds({"order": Table("Tab", "id", attributes={"type": Attribute(Type, default=Type.ORDER)})}, by="type")
    assert own["order"].attributes["type"] == Attribute(Type, default=Type.ORDER)
    assert to_wire(own["order"], {"id": "a"}) == {"id": {"S": "a"}, "type": {"S": "order"}}


def test_a_name_in_braces() -> None:
    own = kinds({"{a}": Table("Tab", "id")}, by="type")
    assert to_wire(own["{a}"], {"id": "x"})["type"] == {"S": "{a}"}


@pytest.mark.parametrize(
    "key, sort_key",
    [
        ({"customer": "ada"}, "PROFILE"),
        ({"customer": "ada", "order": 7}, "ORDER#0007"),
        ({"customer": "ada", "order": 7, "line": 2}, "ORDER#0007#LINE#2"),
        (("CUSTOMER#ada", "anything"), "anything"),
        ({"pk": "CUSTOMER#ada", "sk": "anything"}, "anything"),
    ],
)
def test_a_key_is_found_by_its_parts(key: Any, sort_key: str) -> None:
    wanted = {"pk": {"S": "CUSTOMER#ada"}, "sk": {"S": sort_key}}
    assert request(SHOP, get_item(key))[1]["Key"] == wanted
    assert request(SHOP, delete_item(key))[1]["Key"] == wanted


@pytest.mark.parametrize(
    "key, text",
    [
        (
            {"customer": "ada", "x": 1},
            "the key of 'Shop' lacks `pk`, and `customer`, `x` are not part of it\n  hint: a key of 'Shop' is made by "
            "kind: 'customer' by customer; 'order' by customer, order; 'line' by customer, order, line; "
            "'product' by sku",
        ),
        (
            ("a", "b", "c"),
            (
                "the key of 'Shop' has 2 parts, not 3\n"
                "  hint: a key of 'Shop' is made by kind: 'customer' by customer; 'order' by customer, order; "
                "'line' by customer, order, line; 'product' by sku"
            ),
        ),
        (
            None,
            "a key of 'Shop' cannot be None\n  hint: a key is (pk, sk) as a tuple, or a dict with these attributes",
        ),
    ],
)
def test_keys_that_no_kind_has(key: Any, text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        request(SHOP, get_item(key))
    assert str(caught.value) == text


def test_a_key_of_two_kinds() -> None:
    two = kinds(
        {
            "a": Table("Tab", "pk", attributes={"pk": template("A#{id}")}),
            "b": Table("Tab", "pk", attributes={"pk": template("B#{id}")}),
        },
        by="type",
    )
    with pytest.raises(ValidationError) as caught:
        request(two, get_item({"id": "7"}))
    assert str(caught.value) == (
        "this can be the key of 'a' or 'b' in 'Tab'\n  hint: name the kind: table['a']; or give one value of pk"
    )


def test_an_update_goes_by_the_kind_of_its_key() -> None:
    order = update_item(("CUSTOMER#ada", "ORDER#0007"), assign("total", Decimal(2)))
    assert request(SHOP, order) == request(SHOP["order"], order)
    assert "ADD" in request(SHOP, order)[1]["UpdateExpression"]  # the version
    other = update_item(("CUSTOMER#ada", "NOTE"), assign("total", "x"))
    assert request(SHOP, other) == request(Table("Shop", "pk", "sk"), other)


def test_an_update_by_parts_stores_them_and_the_kind() -> None:
    sent = request(SHOP, update_item({"customer": "ada"}, assign("mail", "x")))[1]
    names = sent["ExpressionAttributeNames"]
    assert {*names.values()} == {"mail", "customer", "type"}


def test_an_update_of_which_the_kind_is_not_certain() -> None:
    two = kinds(
        {"a": Table("Tab", "id", attributes={"n": int}), "b": Table("Tab", "id", attributes={"n": epoch})},
        by="type",
    )
    alike = update_item("x", assign("other", 1))
    assert request(two, alike) == request(two["a"], alike)
    with pytest.raises(FlyexprError) as caught:
        request(two, update_item("x", assign("n", 1)))
    assert str(caught.value).split("\n")[0] == "at `n`: expected datetime, got int"
    versioned = kinds({"a": Table("Tab", "id"), "b": Table("Tab", "id", version="v")}, by="type")
    with pytest.raises(ExpressionError) as refused:
        request(versioned, alike)
    assert str(refused.value) == (
        "kinds 'a' and 'b' of 'Tab' write this differently\n"
        "  hint: write it by its descriptor, table['a'] or table['b'], or add eq('type', ...) to the condition"
    )
    narrowed = update_item("x", assign("other", 1), condition=eq("type", "b"))
    assert request(versioned, narrowed) == request(versioned["b"], narrowed)


def test_the_key_of_an_item() -> None:
    key = {"pk": "CUSTOMER#ada", "sk": "ORDER#0007"}
    assert [key_of(SHOP, {"type": kind, "customer": "ada", "order": 7}) for kind in ("order", Type.ORDER)] == [key, key]
    assert key_of(SHOP, {"pk": "a", "sk": "b", "x": 1}) == {"pk": "a", "sk": "b"}


def test_wire_images_by_kind() -> None:
    item = {"type": "order", "customer": "ada", "order": 7, "total": Decimal("1.5")}
    wire = to_wire(SHOP, item)
    assert wire == to_wire(ORDERS, item)
    assert from_wire(SHOP, wire) == {**item, "status": "new", "pk": "CUSTOMER#ada", "sk": "ORDER#0007"}
    assert from_wire(SHOP, {"total": {"N": "1"}}) == {"total": 1}
    keys = {"pk": {"S": "CUSTOMER#ada"}, "sk": {"S": "ORDER#0007"}}
    assert from_wire(SHOP, {**keys, "type": {"S": "order"}})["order"] == 7


# --- conditions

TWO = kinds(
    {"a": Table("Tab", "id", attributes={"at": epoch, "n": int}), "b": Table("Tab", "id", attributes={"at": datetime})},
    by="type",
)
NOON = datetime.fromisoformat("2026-01-31T12:00:00+00:00")
TEXT = "'2026-01-31T12:00:00.000000+00:00'"


@pytest.mark.parametrize(
    "condition, stored",
    [
        (gt("n", 3.0), "n > 3"),
        (eq("at", NOON), f"type IN ('a') AND at = 1769860800 OR NOT type IN ('a') AND at = {TEXT}"),
        (eq("type", "a") & eq("at", NOON), "type = 'a' AND at = 1769860800"),
        (eq("type", "b") & eq("at", NOON), f"type = 'b' AND at = {TEXT}"),
        (eq("type", "c") & eq("at", NOON), f"type = 'c' AND at = {TEXT}"),
        (
            is_in("type", ["a", "b"]) & ne("at", NOON),
            f"type IN ('a', 'b') AND (type IN ('a') AND at <> 1769860800 OR type IN ('b') AND at <> {TEXT})",
        ),
        (
            (eq("type", "a") & gt("at", NOON)) | (eq("type", "b") & gt("at", NOON)),
            f"type = 'a' AND at > 1769860800 OR type = 'b' AND at > {TEXT}",
        ),
        (eq("undeclared", NOON), f"undeclared = {TEXT}"),
        (eq("undeclared", Type.ORDER), "undeclared = 'order'"),
    ],
)
def test_a_condition_is_stored_by_kind(condition: Any, stored: str) -> None:
    assert show(lower_condition(TWO, condition)) == stored


def test_an_index_key_is_stored_alike_by_all_kinds() -> None:
    by_time = kinds(
        {"a": Table("Tab", "id", attributes={"at": epoch}, indexes=[GlobalIndex("ByAt", "x", "at")]), "b": TABLE},
        by="type",
    )
    plan = explain(by_time, query(eq("x", "y") & gt("at", NOON)))
    assert plan.key_condition == "x = 'y' AND at > 1769860800"
    assert show(lower_condition(by_time, gt("at", NOON))) == "at > 1769860800"
    two = kinds({"a": Table("Tab", "id", attributes={"id": datetime}), "b": TABLE}, by="type")
    assert show(lower_condition(two, eq("type", "b") & eq("id", "x"))) == "type = 'b' AND id = 'x'"
    assert show(lower_condition(two, eq("id", NOON))) == f"id = {TEXT}"


TABLE = Table("Tab", "id")


@pytest.mark.parametrize(
    "condition, text",
    [
        (
            begins_with("n", "1"),
            "begins_with cannot work on `n`, which holds int\n  expression: begins_with(n, '1')\n  kind: 'a'\n"
            "  hint: ask for one kind: eq('type', ...) & ...",
        ),
        (
            eq("type", "a") & begins_with("n", "1"),
            "begins_with cannot work on `n`, which holds int\n  expression: begins_with(n, '1')",
        ),
        (eq("n", "x") & is_in("type", ["a"]), "at `n`: expected int, got str"),
    ],
)
def test_a_condition_that_does_not_fit_a_kind(condition: Any, text: str) -> None:
    with pytest.raises(FlyexprError) as caught:
        request(TWO, scan(condition))
    assert str(caught.value) == text
    request(TWO, scan(eq("type", "b") & condition))


def test_a_condition_that_does_not_fit_a_kind_where_a_function_tells_the_kinds() -> None:
    two = kinds({"a": TWO["a"], "b": TWO["b"]}, by=lambda item: "a")
    with pytest.raises(FlyexprError) as caught:
        request(two, scan(begins_with("n", "1")))
    assert str(caught.value) == (
        "begins_with cannot work on `n`, which holds int\n  expression: begins_with(n, '1')\n  kind: 'a'\n"
        "  hint: read one kind: table['a']"
    )


def test_a_function_cannot_tell_kinds_to_the_service() -> None:
    own = kinds(dict(TWO.kinds), by=kind_of_all)
    with pytest.raises(ExpressionError) as caught:
        request(own, scan(eq("at", NOON)))
    assert str(caught.value) == (
        f"kinds store this attribute differently, and by= is a function, which no engine can evaluate\n"
        f"  expression: at = {NOON!r}\n  hint: read one kind: table['a']"
    ).replace(repr(NOON), TEXT)


@pytest.mark.parametrize(
    "condition, key, warning",
    [
        (eq("customer", "ada"), "pk = 'CUSTOMER#ada'", "items of kind 'product' are not under this key"),
        (eq("pk", "CUSTOMER#ada"), "pk = 'CUSTOMER#ada'", "reads every item under the partition key"),
        (
            eq("customer", "ada") & is_in("type", ["order", "line"]),
            "pk = 'CUSTOMER#ada' AND begins_with(sk, 'ORDER#')",
            "reads only the kinds asked for: begins_with(sk, 'ORDER#')",
        ),
        (
            eq("customer", "ada") & (eq("type", "order") | (eq("type", "line") & gt("line", 1))),
            "pk = 'CUSTOMER#ada' AND begins_with(sk, 'ORDER#')",
            "reads only the kinds asked for: begins_with(sk, 'ORDER#')",
        ),
        (
            eq("customer", "ada") & eq("order", 7) & is_in("type", ["order", "line"]),
            "pk = 'CUSTOMER#ada' AND begins_with(sk, 'ORDER#0007')",
            "the filter drops items that were read and paid for",
        ),
        (
            eq("customer", "ada") & eq("type", "line"),
            "pk = 'CUSTOMER#ada' AND begins_with(sk, 'ORDER#')",
            "reads only the table's own kind: begins_with(sk, 'ORDER#')",
        ),
    ],
)
def test_plans(condition: Any, key: str, warning: str) -> None:
    plan = explain(SHOP, query(condition))
    assert (plan.key_condition, warning in plan.warnings) == (key, True)


def test_a_query_of_several_partitions() -> None:
    two = kinds(
        {
            "a": Table("Tab", "pk", "at", attributes={"pk": template("A#{id}")}),
            "b": Table("Tab", "pk", "at", attributes={"pk": template("B#{id}")}),
        },
        by="type",
    )
    assert explain(two, query(eq("id", "7"))).key_condition == "pk = 'A#7' or pk = 'B#7'"


def test_an_index_that_does_not_tell_the_kind() -> None:
    keys = GlobalIndex("ByMail", "mail", project="keys")
    own = kinds({"a": Table("Tab", "id", indexes=[keys])}, by="type")
    plan = explain(own, query(eq("mail", "x"), index="ByMail"))
    assert "the index does not project `type`, so items come as they are stored" in plan.warnings


def test_a_query_of_one_kind_that_its_key_cannot_tell() -> None:
    own = kinds({"a": Table("Tab", "pk", "at", attributes={"pk": CUSTOMER})}, by="type")
    warning = "items of other kinds under this key are read too: `at` does not begin with a text of this kind"
    assert warning in explain(own["a"], query(eq("customer", "ada"))).warnings
    for told in (eq("pk", "CUSTOMER#ada"), eq("customer", "ada") & gt("at", "2026")):
        assert warning not in explain(own["a"], query(told)).warnings
    assert warning not in explain(ORDERS, query(eq("customer", "ada"))).warnings
    assert warning not in explain(own["a"], scan(eq("customer", "ada"))).warnings, "a scan has no key"


def test_a_key_attribute_of_one_kinds_own_type() -> None:
    two = kinds({"a": Table("Tab", "id", attributes={"id": datetime}), "b": TABLE}, by="type")
    assert request(two, get_item(NOON))[1]["Key"] == {"id": {"S": TEXT.strip("'")}}
    assert request(two, get_item("x"))[1]["Key"] == {"id": {"S": "x"}}


def test_strict_kinds_refuse_what_none_of_them_declares() -> None:
    strict = kinds(
        {
            "a": Table("Tab", "id", attributes={"n": int}, strict=True),
            "b": Table("Tab", "id", attributes={"m": int}, strict=True),
        },
        by="type",
    )
    request(strict, scan(gt("n", 1) & gt("m", 1) & eq("type", "a") | eq("type", "b")))
    for attempt in (scan(gt("k", 1)), scan(project=["k"]), scan(eq("type", "a") & gt("m", 1))):
        with pytest.raises(ExpressionError, match=r"'Tab' is strict and does not declare `[km]`"):
            request(strict, attempt)
    with raises(
        ValidationError, "at `m`: 'Tab' is strict and does not declare `m`\n  hint: declare it: attributes={'m': ...}"
    ):
        request(strict, put_item({"type": "a", "id": "x", "m": 1}))


def test_only_what_is_public_is_completed() -> None:
    assert {"kinds", "by", "name", "on"} <= {*dir(SHOP)}
    assert {"of_stored", "as_stored", "speakers", "every"}.isdisjoint(dir(SHOP))


BY_TYPE = {"pk": CUSTOMER, "sk": template("{type}#{id}")}
TYPED = kinds(
    {"order": Table("Tab", "pk", "sk", attributes=BY_TYPE), "note": Table("Tab", "pk", "sk", attributes=BY_TYPE)},
    by="type",
)


def test_the_name_of_the_kind_is_a_part_of_the_key() -> None:
    assert to_wire(TYPED["order"], {"customer": "ada", "id": "7"})["sk"] == {"S": "order#7"}
    wanted = {"pk": {"S": "CUSTOMER#ada"}, "sk": {"S": "order#7"}}
    assert request(TYPED["order"], get_item({"customer": "ada", "id": "7"}))[1]["Key"] == wanted
    assert request(TYPED, get_item({"customer": "ada", "id": "7", "type": "order"}))[1]["Key"] == wanted
    with raises(
        ValidationError,
        "this can be the key of 'order' or 'note' in 'Tab'\n"
        "  hint: name the kind: table['order']; or give (pk, sk) as a tuple",
    ):
        request(TYPED, get_item({"customer": "ada", "id": "7"}))
    change = update_item(("CUSTOMER#ada", "order#7"), assign("n", 1))
    assert request(TYPED, change) == request(TYPED["order"], change)


@pytest.mark.parametrize(
    "condition, key",
    [
        (eq("customer", "ada"), "pk = 'CUSTOMER#ada' AND begins_with(sk, 'order#')"),
        (eq("customer", "ada") & eq("id", "7"), "pk = 'CUSTOMER#ada' AND sk = 'order#7'"),
        (eq("pk", "CUSTOMER#ada"), "pk = 'CUSTOMER#ada'"),
    ],
)
def test_a_key_that_begins_with_the_name_of_the_kind(condition: Any, key: str) -> None:
    assert explain(TYPED["order"], query(condition)).key_condition == key


def test_an_update_of_a_key_with_the_name_of_the_kind() -> None:
    attributes = {"shelf": template("{type}#{price:03d}"), "price": int}
    own = kinds({"a": Table("Tab", "id", attributes=attributes, indexes=[GlobalIndex("ByShelf", "shelf")])}, by="type")
    values = request(own, update_item("x", assign("price", 7)))[1]["ExpressionAttributeValues"]
    assert values == {":0": {"N": "7"}, ":1": {"S": "a#007"}}


def test_an_index_by_kind() -> None:
    own = kinds({"order": Table("Tab", "id", indexes=[GlobalIndex("ByType", "type", "at")])}, by="type")
    plan = explain(own, query(eq("type", "order") & gt("at", "2026")))
    assert (plan.index, plan.key_condition) == ("ByType", "type = 'order' AND at > '2026'")


def test_the_time_to_live_is_stored_alike_by_all_kinds() -> None:
    own = kinds({"a": Table("Tab", "id", attributes={"until": epoch}, ttl="until"), "b": TABLE}, by="type")
    assert request(own, scan(live(own, now=NOON)))[1]["ExpressionAttributeValues"] == {":0": {"N": "1769860800"}}
