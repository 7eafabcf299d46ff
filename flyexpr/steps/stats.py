"""What operations cost: requests and units, counted as answers come."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from flyexpr.drive import Pause, relayed
from flyexpr.engine import READS
from flyexpr.errors import FlyexprError
from flyexpr.records import replace
from flyexpr.requests.request import Request, asking_cost
from flyexpr.steps.many.rate import Pace
from flyexpr.steps.step import OnDisk, Step, Steps, Together
from flyexpr.values.answers import decoding, fields_of, units

R = TypeVar("R")


class Stats:
    """What a read has cost so far, or all the operations that were given it as `stats=`.

    >>> Stats(requests=2, capacity=1.5)
    Stats(requests=2, examined=0, returned=0, capacity=1.5, write_capacity=0.0)
    >>> Stats(requests=2) == Stats(requests=2)
    True

    Of queries and scans, `examined` items were read and paid for, and `returned` ones were given. `capacity` is in
    read units, `write_capacity` in write units. All but `returned` count whole answers, once they are through.
    Threads that run at the same time take one each, and `add` them up.
    """

    __slots__ = ("capacity", "examined", "requests", "returned", "write_capacity")

    def __init__(
        self,
        requests: int = 0,
        examined: int = 0,
        returned: int = 0,
        capacity: float = 0.0,
        write_capacity: float = 0.0,
    ) -> None:
        self.requests, self.examined, self.returned = requests, examined, returned
        self.capacity, self.write_capacity = capacity, write_capacity

    def add(self, other: Stats) -> None:
        """Adds what another read or operation has cost.

        >>> stats = Stats(requests=1)
        >>> stats.add(Stats(requests=2, capacity=1.5)); stats.requests, stats.capacity
        (3, 1.5)
        """
        for name in _FIELDS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stats) and all(getattr(self, name) == getattr(other, name) for name in _FIELDS)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Stats({', '.join(f'{name}={getattr(self, name)}' for name in _FIELDS)})"


_FIELDS = ("requests", "examined", "returned", "capacity", "write_capacity")


def counted(steps: Steps[R], stats: Stats, pace: Pace | None = None) -> Steps[R]:
    """The same steps; their requests also ask what they cost, which is added to the stats, and keep the pace.

    >>> from flyexpr.steps.items import write
    >>> stats = Stats()
    >>> steps = counted(write(Table("t", "id"), put_item({"id": "a"})), stats)
    >>> next(steps).body
    b'{"TableName":"t","Item":{"id":{"S":"a"}},"ReturnConsumedCapacity":"TOTAL"}'

    A request that is refused counts as a request; the service does not say what it cost.
    """
    check_stats(stats)
    return relayed(steps, _answer, (stats, pace), FlyexprError)


def _answer(meters: tuple[Stats, Pace | None], step: Step) -> Steps[bytes | None]:
    stats, pace = meters
    if isinstance(step, Together):
        yield from _all_counted(step, stats, pace)
        return None
    if isinstance(step, (Pause, OnDisk)):
        yield step
        return None
    taken = len(step.body) / 1024  # a write unit for each KB, and JSON is somewhat longer than what counts
    while pace is not None and (seconds := pace.delay(taken)) > 0:
        yield Pause(seconds)
    stats.requests += 1
    body: bytes = yield asking_cost(step)
    spent = _count(stats, step, body)
    if pace is not None:
        pace.spend(spent - taken)
    return body


def _all_counted(step: Together, stats: Stats, pace: Pace | None) -> Steps[None]:
    """All units of a step. Each counts for itself, since threads may do them; its counts are added at its end."""
    under_way: dict[int, Stats] = {}

    def counted_unit(unit: Steps[Any], unit_stats: Stats) -> Steps[tuple[Any, int]]:
        return (yield from counted(unit, unit_stats, pace)), id(unit_stats)

    def units_counted() -> Iterator[Steps[Any]]:
        for unit in step.units:
            unit_stats = Stats()
            under_way[id(unit_stats)] = unit_stats
            yield counted_unit(unit, unit_stats)

    def note(outcome: tuple[Any, int]) -> None:
        result, number = outcome
        stats.add(under_way.pop(number))
        step.note(result)

    try:
        yield replace(step, units=units_counted(), note=note)
    finally:
        for failed in under_way.values():
            stats.add(failed)


def check_stats(stats: Stats | None) -> None:
    """TypeError for what is not a Stats.

    >>> check_stats(True)
    Traceback (most recent call last):
    ...
    TypeError: stats= takes a Stats(), to which the costs are added, not True
    """
    if stats is not None and not isinstance(stats, Stats):
        raise TypeError(f"stats= takes a Stats(), to which the costs are added, not {stats!r}")


def refuse_stats(stats: Stats | None) -> None:
    """TypeError where a query or scan is given stats: it has its own.

    >>> refuse_stats(None)
    """
    if stats is not None:
        raise TypeError("a query or scan has .stats of its own; leave stats= out: items = run(...), then items.stats")


def _count(stats: Stats, request: Request, body: bytes) -> float:
    """Adds to the stats what an answer says; the units that were consumed."""
    with decoding:
        fields = fields_of(body)
        spent = units(fields)
        stats.examined += int(fields.get("ScannedCount") or 0)
        if request.operation in READS or _is_replay(fields):
            stats.capacity += spent
        else:
            stats.write_capacity += spent
    return spent


def _is_replay(fields: Mapping[str, Any]) -> bool:
    """Whether a transaction was done before, as its token says: then its items are only read."""
    consumed = fields.get("ConsumedCapacity")
    return isinstance(consumed, list) and any("ReadCapacityUnits" in one for one in consumed)
