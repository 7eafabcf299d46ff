"""A projection: what each customer has ordered so far, kept up to date from the stream of the orders.

    SHOP=sqlite:shop.db python examples/projection.py

Stop it at any time, even with kill -9, and start it again: each change of an order is counted once. SHOP takes any URL
of `flyexpr.connect`. `follow` goes on until Ctrl-C; with SECONDS, until so many seconds are over.
"""

import os
from typing import Any

from flyexpr import Operation, Table, connect, create_table, incr, run, update_item
from flyexpr.events import Change, changed, follow

ORDERS = Table("Orders", "id", attributes={"total": int}, stream="both")
TOTALS = Table("Totals", "customer", attributes={"orders": int, "total": int})


def difference(change: Change) -> list[Operation]:
    """What a change of an order adds to the totals of its customers, and takes from them."""
    sums: dict[str, tuple[int, int]] = {}
    for item, sign in ((change.old, -1), (change.new, 1)):
        if item is not None:
            orders, total = sums.get(item["customer"], (0, 0))
            sums[item["customer"]] = orders + sign, total + sign * item["total"]
    return [update_item(each, incr("orders", orders) + incr("total", total)) for each, (orders, total) in sums.items()]


def main() -> None:
    engine = connect(os.environ.get("SHOP", "sqlite:shop.db"))
    orders, totals = ORDERS.on(engine), TOTALS.on(engine)
    for table in (orders, totals):
        run(table, create_table(if_missing=True))
    seconds = os.environ.get("SECONDS")
    budget: Any = {"seconds": float(seconds)} if seconds else None
    wanted = changed("total") | changed("customer")
    print(follow(orders, totals, difference, condition=wanted, budget=budget, poll=0.1), "changes")


if __name__ == "__main__":
    main()
