"""The key of an item: of what it holds, of what it is derived from, or refused."""

from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flyexpr import FlyexprError, Table, computed, key_of, template
from flyexpr.schema.stored_items import stored_item
from flyexpr.schema.stored_keys import stored_key

scores = Table("scores", "userid", "title")
orders = Table("orders", "pk", "sk", attributes={"pk": template("C#{customer}"), "sk": template("O#{day}#{n}")})


def initials(first: str, last: str) -> str:
    return first[:1] + last[:1]


people = Table(
    "people",
    "pk",
    attributes={
        "short": computed(initials, "first", "last"),
        "pk": template("P#{short}#{n}"),
        "label": template("{first} of {place}"),
    },
)

KEYS: list[tuple[Table, dict[str, Any], dict[str, Any]]] = [
    (scores, {"wins": 1, "title": "x", "userid": "a"}, {"userid": "a", "title": "x"}),
    (orders, {"customer": "ada", "day": "1", "n": 2, "total": 9}, {"pk": "C#ada", "sk": "O#1#2"}),
    (orders, {"pk": "C#ada", "sk": "O#1#2"}, {"pk": "C#ada", "sk": "O#1#2"}),
    (orders, {"pk": "C#ada", "day": "1", "n": 2}, {"pk": "C#ada", "sk": "O#1#2"}),
    (orders, {"pk": "C#ada", "sk": "O#1#2", "day": "1"}, {"pk": "C#ada", "sk": "O#1#2"}),
    (people, {"first": "Ada", "last": "King", "n": 1}, {"pk": "P#AK#1"}),
    (people, {"pk": "P#AK#1", "label": "Ada of nowhere"}, {"pk": "P#AK#1"}),
]


@pytest.mark.parametrize("table, item, key", KEYS)
def test_the_key_of_an_item(table: Table, item: dict[str, Any], key: dict[str, Any]) -> None:
    given = dict(item)
    assert list(key_of(table, item).items()) == list(key.items())
    assert item == given


def test_the_values_of_a_key_keep_their_types() -> None:
    log = Table("log", "at", attributes={"at": datetime})
    now = datetime(2026, 1, 31, tzinfo=timezone.utc)
    assert key_of(log, {"at": now, "text": "x"}) == {"at": now}


words = st.text(st.characters(codec="ascii", exclude_characters="#"), min_size=1, max_size=5)


@given(customer=words, day=words, n=st.integers(0, 99))
def test_a_put_stores_an_item_under_its_key(customer: str, day: str, n: int) -> None:
    item = {"customer": customer, "day": day, "n": n, "total": 3}
    stored = stored_item(orders, item)
    assert stored_key(orders, key_of(orders, item)) == {name: stored[name] for name in orders.keys}


REFUSED: list[tuple[Table, Any, str]] = [
    (scores, {"userid": "a"}, "at `title`: an item of 'scores' needs its key"),
    (scores, {"userid": "a", "title": None}, "at `title`: an item of 'scores' needs its key"),
    (scores, ("a", "x"), "key_of takes a table and an item, a dict, not ('a', 'x')"),
    (
        orders,
        {"customer": "ada", "day": "1"},
        "at `sk`: `sk` is made of `day` and `n`; `n` is not given",
    ),
    (
        orders,
        {"customer": "ada", "pk": "C#bob", "sk": "O#1#2"},
        "at `pk`: `customer` makes it 'C#ada', not 'C#bob'\n"
        "  hint: leave `pk` out; the item then goes under the key of its parts",
    ),
]


@pytest.mark.parametrize("table, item, text", REFUSED)
def test_an_item_without_a_key_is_refused(table: Table, item: Any, text: str) -> None:
    with pytest.raises((FlyexprError, TypeError)) as caught:
        key_of(table, item)
    assert str(caught.value) == text
