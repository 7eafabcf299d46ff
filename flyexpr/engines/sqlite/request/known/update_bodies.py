"""Updates that ask for the same as an earlier one, but of another key or with other values.

Programs send few expressions. What stands around the key and the values of a request says all the rest: the table, the
expressions, the names and what is to be answered. Where that text, and the types of the values, are those of an update
that was carried out, it is neither read nor checked again: an update takes the engine 0.6 of the time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from flyexpr.engines.sqlite.request.body import NOT_AS_KNOWN, Bodies, scan, value_start
from flyexpr.engines.sqlite.request.expressions import MAX_MAPS, VALUES, find_nodes
from flyexpr.engines.sqlite.request.intents.update_charge import update_charge
from flyexpr.engines.sqlite.request.intents.writes import Write, WriteAsked
from flyexpr.engines.sqlite.request.known.slots import Slots
from flyexpr.engines.sqlite.request.members import Members
from flyexpr.engines.sqlite.request.templates import fill
from flyexpr.engines.sqlite.request.wire import read_item
from flyexpr.errors import DynamoError
from flyexpr.expressions.check import parts_by_value
from flyexpr.expressions.nodes import Value, walk
from flyexpr.records import replace
from flyexpr.values.memo import Memo
from flyexpr.values.pattern_cache import SEVERAL
from flyexpr.values.refusals import check_pairs
from flyexpr.values.types import MAX_ITEM

_KEY, _VALUES = '"Key":', f'"{VALUES}":'
_MANY, _LONG = 256, 2048  # texts, and characters of one


class _Known(NamedTuple):
    """What an update asks for, and its expressions with slots for its values.

    In a body of up to `room` bytes no values make the update's charge too large.
    """

    asked: WriteAsked
    update: Any
    condition: Any
    slots: Slots
    room: int


class UpdateBodies(Bodies):
    """Reads the bodies of UpdateItem.

    >>> UpdateBodies().known(b'{"TableName":"tab","Key":{"id":{"S":"a"}}}') is None
    True
    """

    def __init__(self) -> None:
        self._read = 0
        self._known = Memo[tuple[str, ...], _Known](_MANY)  # by the texts around the key and the values

    def known(self, body: bytes) -> WriteAsked | None:
        try:
            around, key_wire, values_wire = _parts(body)
            known = self._known.get(around)
            if known is None or len(body) > known.room:
                return None
            values = known.slots.filled(values_wire)
            if values is None:
                return None
            key = read_item(key_wire)
        except (*NOT_AS_KNOWN, DynamoError):
            return None  # what is wrong is said where the whole request is read
        write, returns, _ = known.asked
        update = fill(known.update, values)
        condition = None if known.condition is None else fill(known.condition, values)
        asked = Write("Update", write.table, key, None, condition, update, write.shows_failed, write.by, write.names)
        return WriteAsked(asked, returns)

    def learn(self, members: Members, asked: WriteAsked, body: bytes) -> None:
        self._read += 1
        if self._read % SEVERAL or asked.write.update is None or not members.get(VALUES):
            return  # to take note of a text takes longer than to read it
        try:
            around, _, wire = _parts(body)
            rest, _ = scan("0".join(around), 0)
        except NOT_AS_KNOWN:
            return
        update, condition = (find_nodes(member, members) for member in ("UpdateExpression", "ConditionExpression"))
        if update is None or rest != {**members, "Key": 0, VALUES: 0} or sum(map(len, around)) > _LONG:
            return
        if any(node is not None and parts_by_value(node) for node in (update, condition)):
            return
        # The charge of a value is at most its bytes in the body.
        uses = sum([isinstance(node, Value) for node in walk(update)])
        room = (MAX_ITEM - update_charge(asked.write.update)) // max(uses, 1)
        write = replace(asked.write, item={}, update=None, condition=None)  # without the values, which may be long
        self._known.keep(around, _Known(WriteAsked(write, asked.returns), update, condition, Slots.of(wire), room))


def _parts(body: bytes) -> tuple[tuple[str, str, str], Any, Any]:
    """The texts before, between and after the key and the values of a request; its key; its values."""
    # Names and values never have more bytes than the body: a body of up to MAX_MAPS keeps their limit.
    if len(body) > MAX_MAPS:
        raise ValueError("it is too long")
    text = body.decode()
    key_start = value_start(text, _KEY, 0)
    key, key_end = scan(text, key_start)
    values_start = value_start(text, _VALUES, key_end)
    values, values_end = scan(text, values_start)
    check_pairs(text, [key, values])
    return (text[:key_start], text[key_end:values_start], text[values_end:]), key, values
