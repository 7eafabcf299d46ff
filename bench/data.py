"""The items that are read and written: made from a seed, as plain values and in DynamoDB's wire form.

The wire form is made here, by the simplest code, so that it depends on none of the libraries compared.
"""

from __future__ import annotations

import base64
import os
import random
from decimal import Decimal
from typing import Any

Item = dict[str, Any]

PAGES, PAGE = 20, int(os.environ.get("BENCH_PAGE", 1000))  # the number of pages, and of items on a page
SEED = 2026
_WORDS = "amber birch cedar delta ember fjord grove haven inlet jetty knoll larch maple north opal pearl quartz".split()


def items(page: int, size: int = 0) -> list[Item]:
    """The items of a page, all or the first few; each has 15 attributes, and 41 values with nested ones and members.

    >>> one = items(0, 1)[0]
    >>> len(one), one["pk"], one["sk"], values(one)
    (15, 'customer#0001', 0, 41)
    """
    chance = random.Random(SEED * 1000 + page)
    return [_item(chance, page * PAGE + number) for number in range(size or PAGE)]


def unlike(items: list[Item]) -> list[Item]:
    """The items, each with an attribute that no other has.

    >>> [list(item) for item in unlike([{"pk": "a"}, {"pk": "b"}])]
    [['pk', 'extra0'], ['pk', 'extra1']]
    """
    return [item | {f"extra{number}": "x"} for number, item in enumerate(items)]


def _item(chance: random.Random, number: int) -> Item:
    return {
        "pk": "customer#0001",
        "sk": number,
        "name": _words(chance, 6),
        "email": f"{number}.{_words(chance, 1)}@customers.example.com",
        "status": chance.choice(["open", "closed", "waiting"]),
        "active": chance.random() < 0.5,
        "deleted_at": None,
        "score": _fraction(chance, 100),
        "visits": chance.randrange(100_000),
        "balance": -chance.randrange(1, 10**9),
        "tags": set(chance.sample(_WORDS, 5)),
        "marks": set(chance.sample(range(1000), 3)),
        "digest": chance.randbytes(33),
        "address": {
            "street": f"{chance.randrange(1, 400)} {_words(chance, 2)} “Straße”",
            "city": _words(chance, 1),
            "zip": f"{chance.randrange(100_000):05}",
            "place": {"lat": _fraction(chance, 90), "lon": _fraction(chance, 180)},
        },
        "history": [
            {"at": f"2026-0{month}-11T08:30:00.000Z", "what": _words(chance, 4), "count": chance.randrange(500)}
            for month in (1, 2, 3)
        ],
    }


def _words(chance: random.Random, count: int) -> str:
    return " ".join(chance.choices(_WORDS, k=count))


def _fraction(chance: random.Random, below: int) -> Decimal:
    return Decimal(f"{chance.randrange(below)}.{chance.randrange(10, 100)}{chance.randrange(1, 10)}")


SMALL = {"pk": "customer#0001", "sk": 7, "name": "amber birch", "status": "open", "visits": 42, "score": Decimal("9.5")}


def wire(value: Any) -> dict[str, Any]:
    """A plain value as DynamoDB's wire dict.

    >>> wire([1, {"a"}, None])
    {'L': [{'N': '1'}, {'SS': ['a']}, {'NULL': True}]}
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | Decimal():
            return {"N": str(value)}
        case bytes():
            return {"B": base64.b64encode(value).decode()}
        case list():
            return {"L": [wire(member) for member in value]}
        case dict():
            return {"M": wire_item(value)}
        case set() if all(isinstance(member, str) for member in value):
            return {"SS": sorted(value)}
        case set():
            return {"NS": [str(member) for member in sorted(value)]}
    raise TypeError(f"no wire form for {value!r}")


def wire_item(item: Item) -> dict[str, Any]:
    """An item as DynamoDB's wire dict, which has no outer type."""
    return {name: wire(value) for name, value in item.items()}


def plain(value: dict[str, Any]) -> Any:
    """A wire value as a plain one.

    >>> plain(wire([1, {"a"}, None]))
    [1, {'a'}, None]
    """
    ((type_code, body),) = value.items()
    match type_code:
        case "N":
            return int(body) if body.lstrip("-").isdecimal() else Decimal(body)
        case "B":
            return base64.b64decode(body)
        case "NULL":
            return None
        case "L":
            return [plain(member) for member in body]
        case "M":
            return {name: plain(member) for name, member in body.items()}
        case "SS":
            return set(body)
        case "NS":
            return {plain({"N": member}) for member in body}
    return body


def values(value: Any) -> int:
    """How many attribute values a value contains, not counting itself.

    >>> values({"a": 1, "b": [1, 2]})
    4
    """
    if isinstance(value, dict):
        return len(value) + sum(map(values, value.values()))
    if isinstance(value, list | set):
        return len(value) + sum(map(values, value))
    return 0


def alike(value: Any) -> Any:
    """A value in a form that is equal for equal data, whatever types a library gives: numbers by value, sets frozen.

    >>> alike({"a": 1.5, "b": [bytearray(b"x")]}) == alike({"a": Decimal("1.50"), "b": [b"x"]})
    True
    """
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | float | Decimal):
        return Decimal(str(value)).normalize()
    if isinstance(value, dict):
        return {name: alike(member) for name, member in value.items()}
    if isinstance(value, set | frozenset):
        return frozenset(map(alike, value))
    if isinstance(value, list | tuple):
        return [alike(member) for member in value]
    return bytes(value)


def with_floats(value: Any) -> Any:
    """A value with floats in place of decimals, for libraries that know only floats."""
    if isinstance(value, dict):
        return {name: with_floats(member) for name, member in value.items()}
    if isinstance(value, list):
        return [with_floats(member) for member in value]
    return float(value) if isinstance(value, Decimal) else value
