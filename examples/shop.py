"""A shop in one table: five kinds of items, an index that is loaded three ways, one that holds only open orders.

    python examples/shop.py [URL]

Without a URL the table is in memory.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from flyexpr import (
    Attribute,
    GlobalIndex,
    Item,
    Table,
    TransactionCancelled,
    assign,
    computed,
    condition_check,
    connect,
    count,
    create_table,
    decr,
    eq,
    exists,
    explain,
    ge,
    is_in,
    kinds,
    not_exists,
    put,
    put_item,
    query,
    run,
    template,
    transact_write,
    update,
    update_item,
)


def open_or_none(status: str) -> str | None:
    return "OPEN" if status in ("placed", "packed") else None


# --- the schema
KEYS = ("Shop", "PK", "SK")
CUSTOMER, ORDER = template("CUSTOMER#{username}"), template("ORDER#{order}")
SHOP = kinds(
    {
        "customer": Table(*KEYS, attributes={"PK": CUSTOMER, "SK": template("#PROFILE"), "joined": datetime}),
        "email": Table(*KEYS, attributes={"PK": template("EMAIL#{email}"), "SK": template("EMAIL")}),
        "order": Table(*KEYS, version="version", indexes=[GlobalIndex("GSI2", "GSI2PK", "placed")], attributes={
            "PK": CUSTOMER, "SK": ORDER, "GSI1PK": ORDER, "GSI1SK": template("#ORDER"), "placed": datetime,
            "status": Attribute(str, default="placed"), "GSI2PK": computed(open_or_none, "status"), "total": Decimal,
        }),
        "line": Table(*KEYS, indexes=[GlobalIndex("GSI1", "GSI1PK", "GSI1SK")], attributes={
            "PK": template("ORDER#{order}#LINE#{sku}"), "SK": template("LINE"), "amount": int, "price": Decimal,
            "GSI1PK": ORDER, "GSI1SK": template("LINE#{sku}"),
        }),
        "product": Table(*KEYS, attributes={
            "PK": template("PRODUCT#{sku}"), "SK": template("PRODUCT"), "stock": int, "price": Decimal,
            "GSI1PK": template("CATEGORY#{category}"), "GSI1SK": template("PRICE#{price:09.2f}#{sku}"),
        }),
    },
    by="type",
)  # fmt: skip
# --- the end of the schema


def sign_up(shop: Table[Any], username: str, email: str, joined: datetime) -> None:
    """Writes the customer and their e-mail address; neither may be taken."""
    customer = {"type": "customer", "username": username, "email": email, "joined": joined}
    new = not_exists("PK")
    transact_write(
        [
            (shop, put_item(customer, condition=new)),
            (shop, put_item({"type": "email", "email": email}, condition=new)),
        ]
    )


def place(shop: Table[Any], username: str, order: str, placed: datetime, amounts: Mapping[str, int]) -> None:
    """Writes the order with its lines, and takes the products from the stock: all of it, or nothing."""
    prices = {sku: price_of(shop, sku) for sku in amounts}
    total = sum((prices[sku] * amount for sku, amount in amounts.items()), Decimal(0))
    new = {"type": "order", "username": username, "order": order, "placed": placed, "total": total}
    transact_write(
        [
            (shop, condition_check({"username": username}, exists("PK"))),
            (shop, put_item(new, condition=not_exists("PK"))),
            *(
                (shop, put_item({"type": "line", "order": order, "sku": sku, "amount": amount, "price": prices[sku]}))
                for sku, amount in amounts.items()
            ),
            *(
                (shop, update_item({"sku": sku}, decr("stock", amount), condition=ge("stock", amount)))
                for sku, amount in amounts.items()
            ),
        ]
    )


def price_of(shop: Table[Any], sku: str) -> Decimal:
    (product,) = run(shop, query(eq("sku", sku) & eq("type", "product")))
    price: Decimal = product["price"]
    return price


def page_of(shop: Table[Any], username: str) -> tuple[Item, list[Item]]:
    """A customer and their orders, by one query."""
    customer, *orders = run(shop, query(eq("username", username)))
    return customer, orders


def main(url: str) -> None:
    with connect(url) as engine:
        shop = SHOP.on(engine)
        run(shop, create_table())
        january = [datetime(2026, 1, day, tzinfo=timezone.utc) for day in range(1, 32)]

        sign_up(shop, "ada", "ada@example.org", january[0])
        try:
            sign_up(shop, "ada2", "ada@example.org", january[1])
        except TransactionCancelled as error:
            print("refused:", str(error).splitlines()[0])

        for sku, price, stock in (("lamp", "12.50", 3), ("desk", "199", 1), ("bulb", "2.25", 100)):
            put(shop["product"], {"sku": sku, "category": "home", "price": Decimal(price), "stock": stock})
        place(shop, "ada", "0007", january[9], {"lamp": 2, "bulb": 4})
        place(shop, "ada", "0012", january[19], {"desk": 1})
        try:
            place(shop, "ada", "0013", january[20], {"bulb": 1, "desk": 1})
        except TransactionCancelled as error:
            print("refused:", str(error).splitlines()[0])

        customer, orders = page_of(shop, "ada")
        print("customer:", customer["username"], "joined", customer["joined"].date())
        for order in orders:
            print("order:", order["order"], order["placed"].date(), order["status"], order["total"])

        wanted = query(eq("order", "0007") & is_in("type", ["order", "line"]))
        for item in run(shop, wanted):
            print(f"{item['type']}:", *([item["sku"], item["amount"]] if "sku" in item else [item["order"]]))
        plan = explain(shop, wanted)
        print("by", plan.index, "where", plan.key_condition)

        print("cheapest first:", *(product["sku"] for product in run(shop, query(eq("category", "home")))))
        update(shop, {"sku": "lamp"}, assign("price", Decimal("1.99")) + assign("category", "home"))
        print("cheapest first:", *(product["sku"] for product in run(shop, query(eq("category", "home")))))

        late = query(eq("GSI2PK", "OPEN") & ge("placed", january[14]))
        print("open since the 15th:", *(order["order"] for order in run(shop, late)))
        update(shop, {"username": "ada", "order": "0012"}, assign("status", "sent"))
        print("open since the 15th:", count(shop, late), "of", count(shop["order"], query(eq("username", "ada"))))


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "sqlite::memory:")
