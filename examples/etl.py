"""A messy CSV file into a table: cleaned, written in bulk, corrected, and read back as a report.

    python examples/etl.py orders.csv [URL]

Rows that cannot be used go to orders.csv.rejects with the reason. An order replaces only an older one, so the same
command can be given again.
"""

import csv
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

from flyexpr import (
    GlobalIndex,
    Stats,
    Table,
    assign,
    connect,
    create_table,
    eq,
    lt,
    not_exists,
    put_all,
    query,
    run,
    scan,
    update_matching,
)

ORDERS = Table(
    "Orders",
    "order",
    attributes={"order": str, "day": str, "price": Decimal, "at": datetime, "zip": str},
    indexes=[GlobalIndex("ByDay", "day", "at")],
)


def cleaned(row: dict[str, str]) -> dict[str, Any]:
    """A row as an item; ValueError or ArithmeticError for one that cannot be used."""
    at = datetime.fromisoformat(row["at"].strip().replace("Z", "+00:00"))
    at = at if at.tzinfo else at.replace(tzinfo=timezone.utc)
    item: dict[str, Any] = {
        "order": row["order"].strip(),
        "day": at.date().isoformat(),
        "price": Decimal(row["price"].strip().lstrip("$").replace(",", "")),
        "at": at,
        "zip": row["zip"].strip(),  # a text, so that 02858 keeps its zero
        "state": row["state"].strip().lower(),
    }
    if not item["order"] or not item["price"].is_finite():
        raise ValueError("no order number, or no price")
    return {name: value for name, value in item.items() if value != ""}


def usable(path: str) -> Iterator[dict[str, Any]]:
    """The items of a file; the rows that cannot be used are written beside it."""
    with open(path, newline="") as file, open(f"{path}.rejects", "w") as rejects:
        for number, row in enumerate(csv.DictReader(file), 2):
            try:
                yield cleaned(row)
            except (ValueError, ArithmeticError, AttributeError, KeyError) as error:
                print(f"line {number}: {type(error).__name__}: {error}", file=rejects)


def newer(item: dict[str, Any]) -> Any:
    return not_exists("order") | lt("at", item["at"])


def main(path: str, url: str) -> None:
    with connect(url) as engine:
        orders, stats = ORDERS.on(engine), Stats()
        run(orders, create_table(if_missing=True))
        written = put_all(orders, usable(path), condition=newer, workers=8, stats=stats)
        print(f"{written} orders written, for {stats.write_capacity:g} units")
        mended = update_matching(orders, scan(eq("state", "canceled")), assign("state", "cancelled"), workers=8)
        print(f"{mended} states mended")
        days = Counter(item["day"] for item in run(orders, scan(project=["day"])))
        for day in sorted(days):
            prices = [item["price"] for item in run(orders, query(eq("day", day), project=["price"]))]
            print(day, len(prices), sum(prices))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "sqlite:orders.db")
