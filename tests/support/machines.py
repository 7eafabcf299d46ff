"""What other processes do with the parts of a read; they import it from here."""

from typing import Any

from flyexpr import DynamoError, ItemPage, Scan, Table, run


def rest(table: Table, part: Any) -> ItemPage[Any]:
    """All items of a part."""
    return run(table, part).rest()


def total(table: Table, part: Scan) -> tuple[int, ItemPage[Any]]:
    """A number made of the items of a part, and its stats and cursor."""
    items = run(table, part)
    wins = sum(item["wins"] for item in items)
    return wins, items.rest()


def broken(table: Table, part: Scan) -> ItemPage[Any]:
    """What a machine does whose engine fails."""

    def engine(operation: str, body: bytes) -> bytes:
        raise DynamoError.of("InternalServerError", "this machine is broken")

    return rest(table.on(engine), part)
