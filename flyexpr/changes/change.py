"""A change of one item, from a record of DynamoDB Streams, a Lambda event or an export."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from functools import cached_property
from typing import Any, Literal, NoReturn

from flyexpr.errors import ValidationError
from flyexpr.expressions.memory import matches
from flyexpr.expressions.mistakes import need
from flyexpr.expressions.nodes import Condition
from flyexpr.expressions.sides import asks_before, both_sides, of_both_sides
from flyexpr.records import record
from flyexpr.requests.mistakes import need_table
from flyexpr.schema.kinds import Kinds
from flyexpr.schema.stored_conditions import lower_condition
from flyexpr.schema.stored_items import read_item
from flyexpr.schema.table import Table
from flyexpr.values.types import Item
from flyexpr.values.wire_json import item_of_wire

Kind = Literal["INSERT", "MODIFY", "REMOVE"]
_SIDES: dict[str, tuple[bool, bool]] = {"INSERT": (False, True), "MODIFY": (True, True), "REMOVE": (True, False)}
_OLD, _NEW = "OldImage", "NewImage"


@record(hidden=("image", "by"))
class Change:
    """What happened to one item: `kind`, `key`, and the item before and after, `old` and `new`, as plain dicts.

    >>> change, = changes(
    ...     {"Records": [{"eventName": "MODIFY", "dynamodb": {
    ...         "Keys": {"userid": {"S": "abc"}, "title": {"S": "Comet Quest"}}, "SequenceNumber": "111",
    ...         "ApproximateCreationDateTime": 1790000000,
    ...         "OldImage": {"userid": {"S": "abc"}, "title": {"S": "Comet Quest"}, "wins": {"N": "3"}},
    ...         "NewImage": {"userid": {"S": "abc"}, "title": {"S": "Comet Quest"}, "wins": {"N": "4"}}}}]},
    ...     scores)
    >>> change
    <Change MODIFY of GameScores: {'userid': 'abc', 'title': 'Comet Quest'}>
    >>> change.old["wins"], change.new["wins"], change.at.year
    (3, 4, 2026)
    >>> from flyexpr.events import changed, was
    >>> change.matches(changed("wins") & was(lt("wins", 4)))
    True

    `kind` is "INSERT", "MODIFY" or "REMOVE". `old` is None for an item that is new, `new` for one that was deleted.
    Items are read in the table's types when they are asked for. `at` is when the change was made, to the second, in UTC
    (from an incremental export to the microsecond). `sequence` rises with each change of the same item. `by_ttl` says
    that DynamoDB deleted the item because its time to live had passed. `table` is the table's name.

    ValidationError for a side that the stream does not keep. Source of the form of records:
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
    """

    kind: Kind
    table: str
    sequence: str
    at: datetime | None
    by_ttl: bool
    image: Mapping[str, Any]
    by: Table[Any]

    _public = ("at", "by_ttl", "key", "kind", "matches", "new", "old", "sequence", "table")

    @cached_property
    def key(self) -> Item:
        """The item's primary key, in the table's types."""
        keys = item_of_wire(self.image.get("Keys"), "Keys")
        if isinstance(self.by, Kinds):
            image = self.image.get(_NEW) or self.image.get(_OLD)
            return read_item(self.by.of_stored(item_of_wire(image)) if image else self.by.as_stored, keys)
        return read_item(self.by, keys)

    @cached_property
    def old(self) -> Item | None:
        """The item before the change; None where there was none."""
        return self._side(_OLD, _SIDES[self.kind][0])

    @cached_property
    def new(self) -> Item | None:
        """The item after the change; None where it was deleted."""
        return self._side(_NEW, _SIDES[self.kind][1])

    def matches(self, condition: Condition) -> bool:
        """Whether a condition holds: of the new item, or, by `was`, `changed` and `appeared`, of both sides.

        >>> deleted = Change("REMOVE", "GameScores", "1", None, True, {"Keys": {}, "OldImage": {}}, scores)
        >>> deleted.matches(exists("wins")), deleted.matches(~exists("wins"))
        (False, True)
        """
        need(condition, Condition, "matches takes a condition such as eq('a', 1)")
        before = self.old if asks_before(condition) else None
        return matches(of_both_sides(condition), both_sides(before, self.new))

    def _side(self, image: str, there: bool) -> Item | None:
        if not there:
            return None
        wire = self.image.get(image)
        if wire is None:
            self._refuse(image)
        return read_item(self.by, item_of_wire(wire, image))

    def _refuse(self, image: str) -> NoReturn:
        view = self.image.get("StreamViewType")
        kept = f"the stream keeps {view}" if view else "the record has no such image"
        side = "was before" if image == _OLD else "is now"
        raise ValidationError(
            f"what the item {side} is not known: {kept}\n  item: {self.key} of {self.table!r}",
            hint="a stream of NEW_AND_OLD_IMAGES keeps both",
        )

    def __repr__(self) -> str:
        return f"<Change {self.kind} of {self.table}: {self.key}>"


def changes(source: Mapping[str, Any] | Iterable[Mapping[str, Any]], table: Table[Any]) -> list[Change]:
    """The changes in a Lambda event, in an answer of GetRecords, or in a list of their records, in their order.

    >>> from flyexpr.events import changes
    >>> changes({"Records": []}, scores)
    []
    >>> changes({"Records": [{"eventName": "INSERT"}]}, scores)
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: at `Records[0].dynamodb`: not a record of DynamoDB Streams

    Each is a `Change`, in the table's types. ValidationError for what is not a record; a value that is not of its
    declared type is an error when its item is asked for. Source of the form of events:
    https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
    """
    need(table, Table, "changes takes an event and a table")
    records = source.get("Records") if isinstance(source, Mapping) else source
    if records is None or isinstance(records, (str, bytes)) or not isinstance(records, Iterable):
        raise TypeError(f"changes takes a Lambda event, or a list of its records, not {type(source).__name__}")
    return [change_of(each, table, f"Records[{number}]") for number, each in enumerate(records)]


def change_of(of_stream: Mapping[str, Any], table: Table[Any], at: str = "") -> Change:
    """The change that a record of a stream describes; `at` says in errors where the record stands."""
    source: Any = of_stream  # from outside
    image = source.get("dynamodb") if isinstance(source, Mapping) else None
    if not isinstance(image, Mapping):
        raise ValidationError("not a record of DynamoDB Streams", at=f"{at}.dynamodb".lstrip("."))
    kind: Any = of_stream.get("eventName")
    if kind not in (*_SIDES,):  # a list cannot be looked up in a dict
        raise ValidationError("a change is INSERT, MODIFY or REMOVE", at=f"{at}.eventName".lstrip("."))
    if not isinstance(image.get("Keys"), Mapping):
        raise ValidationError("a record has the key of its item", at=f"{at}.dynamodb.Keys".lstrip("."))
    return Change(
        kind,
        _table_name(of_stream.get("eventSourceARN")) or table.name,
        str(image.get("SequenceNumber", "")),
        _moment(image.get("ApproximateCreationDateTime"), at),
        _is_by_ttl(of_stream.get("userIdentity")),
        image,
        table,
    )


def check_condition(table: Table[Any], condition: Condition | None) -> None:
    """None for a condition that can be asked of changes of this table; else the error that a read would give.

    >>> check_condition(scores, begins_with("wins", "1"))
    Traceback (most recent call last):
    ...
    flyexpr.errors.ExpressionError: begins_with cannot work on `wins`, which holds int
      expression: begins_with(wins, '1')
    """
    need_table(table)
    if condition is not None:
        need(condition, Condition, "a change is chosen by a condition such as eq('a', 1)")
        matches(of_both_sides(condition), both_sides(None, None))
        lower_condition(table, condition, sent=False)


def _table_name(arn: Any) -> str | None:
    """The name in the ARN of a stream: `arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/LABEL`."""
    parts: Sequence[str] = arn.split(":", 5)[-1].split("/") if isinstance(arn, str) else ()
    return parts[1] if len(parts) > 1 and parts[0] == "table" else None


def _moment(seconds: Any, at: str) -> datetime | None:
    """The moment of a record: seconds, as in a Lambda event, or a datetime, as botocore gives it."""
    if seconds is None or isinstance(seconds, datetime):
        return seconds
    try:
        return datetime.fromtimestamp(float(seconds), timezone.utc)
    except (TypeError, ValueError, OverflowError, OSError):
        where = f"{at}.dynamodb.ApproximateCreationDateTime".lstrip(".")
        raise ValidationError("a moment is a number of seconds", at=where) from None


def _is_by_ttl(identity: Any) -> bool:
    """Whether the service itself made the change; only its deletion of expired items has such an identity."""
    if not isinstance(identity, Mapping):
        return False
    # An event of Lambda has `principalId`, what botocore gives `PrincipalId`.
    members = {str(name).lower(): value for name, value in identity.items()}
    return members.get("type") == "Service" and members.get("principalid") == "dynamodb.amazonaws.com"
