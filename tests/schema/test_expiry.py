"""The condition that an item has not expired: what it says, for each type of the attribute, and what is refused."""

from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from raised import raises

from flyexpr import Attribute, Codec, FlyexprError, Table, epoch, gt, live, matches, show
from flyexpr.schema.stored_conditions import lower_condition

NOW = datetime(2027, 1, 15, 8, tzinfo=timezone.utc)
SECONDS = 1_800_000_000


def minutes(text: str) -> int:
    return int(text.removesuffix(" min")) * 60


def text(seconds: int) -> str:
    return f"{seconds // 60} min"


TYPES: list[Any] = [None, int, float, Decimal, int | Decimal, epoch, Attribute(epoch), Codec(minutes, text, int)]


def table_of(kind: Any) -> Table:
    return Table("sessions", "id", attributes={} if kind is None else {"expires": kind}, ttl="expires")


@pytest.mark.parametrize("kind", TYPES, ids=str)
@pytest.mark.parametrize("now", [NOW, SECONDS, float(SECONDS)], ids=repr)
def test_what_is_sent_is_a_number_whatever_the_type(kind: Any, now: Any) -> None:
    table = table_of(kind)
    assert show(lower_condition(table, live(table, now))) == f"NOT expires <= {SECONDS}"


def test_what_is_live() -> None:
    condition = live(table_of(None), NOW)
    for seconds, expected in ((SECONDS - 1, False), (SECONDS, False), (SECONDS + 1, True)):
        assert matches(condition, {"expires": seconds}) is expected
    assert matches(condition, {})
    assert matches(condition, {"expires": None})
    assert matches(condition, {"expires": "never"})


def test_an_item_in_the_types_of_its_table() -> None:
    condition = live(table_of(epoch), NOW)
    assert matches(condition, {"expires": NOW + timedelta(seconds=1)})
    assert not matches(condition, {"expires": NOW})


def test_the_default_is_the_time_of_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: SECONDS + 0.9)
    assert live(table_of(None)) == live(table_of(None), SECONDS)


def test_a_table_without_a_time_to_live() -> None:
    with pytest.raises(FlyexprError) as caught:
        live(Table("scores", "id"))
    assert str(caught.value) == (
        "table 'scores' has no time to live\n  hint: name its attribute, such as Table('scores', ..., ttl='expires')"
    )


def test_an_undeclared_time_to_live_has_a_type_to_declare() -> None:
    with pytest.raises(FlyexprError) as caught:
        lower_condition(table_of(None), gt("expires", NOW) & gt("made", NOW))
    assert str(caught.value) == (
        "at `expires`: DynamoDB has no type for datetime\n  hint: declare it: attributes={'expires': epoch}"
    )
    with raises(
        FlyexprError, "at `made`: DynamoDB has no type for datetime\n  hint: declare it: attributes={'made': datetime}"
    ):
        lower_condition(table_of(None), gt("made", NOW))


@pytest.mark.parametrize("now", ["2027-01-15", True, timedelta(1)], ids=repr)
def test_what_is_not_a_time(now: Any) -> None:
    with pytest.raises(TypeError) as caught:
        live(table_of(None), now)
    assert str(caught.value) == f"now= takes a datetime or a number of seconds since 1970, not {now!r}"


def test_a_datetime_needs_its_zone() -> None:
    with raises(
        FlyexprError,
        "a datetime needs a time zone\n  hint: use datetime.now(timezone.utc), or datetime(..., tzinfo=timezone.utc)",
    ):
        live(table_of(epoch), datetime(2027, 1, 15))
