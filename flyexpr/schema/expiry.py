"""The condition that an item has not expired, by the time to live that its table declares."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flyexpr.errors import FlyexprError
from flyexpr.expressions.conditions import le
from flyexpr.expressions.nodes import Condition, Path
from flyexpr.schema.codecs import epoch
from flyexpr.schema.table import Table, check_table
from flyexpr.values.freeze import freeze
from flyexpr.values.numbers import Number


def live(table: Table[Any], now: datetime | float | None = None) -> Condition:
    """True of an item that has not expired: its time is still to come, or it has none.

    >>> sessions = Table("sessions", "id", ttl="expires")
    >>> show(live(sessions, now=1_800_000_000))
    'NOT expires <= 1800000000'
    >>> matches(live(sessions), {"id": "a"}), matches(live(sessions), {"id": "a", "expires": 1_000_000_000})
    (True, False)

    DynamoDB removes an expired item within a few days, and gives it to reads until then. It never removes one that
    expired more than five years ago, nor one whose attribute is not a Number; that one is live here too. `now` is a
    datetime or a number of seconds since 1970; by default, the time at which the condition is made. The table must
    declare `ttl=`.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ttl-expired-items.html
    """
    check_table(table)
    if table.ttl is None:
        raise FlyexprError(
            f"table {table.name!r} has no time to live\n"
            f"  hint: name its attribute, such as Table({table.name!r}, ..., ttl='expires')"
        )
    codec = table.codecs.get(table.ttl)
    seconds = _seconds(now)
    return ~le(Path((table.ttl,)), codec.decode(seconds) if codec and codec.decode else seconds)


def _seconds(now: Any) -> Number:
    """The time as a stored attribute reads."""
    if now is None:
        from time import time  # the one clock above the engines: a default, which the caller may give

        return int(time())
    if not isinstance(now, (datetime, int, float)) or isinstance(now, bool):
        raise TypeError(f"now= takes a datetime or a number of seconds since 1970, not {now!r}")
    seconds: Number = freeze(epoch.encode(now) if isinstance(now, datetime) else now)[1]
    return seconds
