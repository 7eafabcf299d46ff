"""The errors of flyexpr, as one small tree: there is a subclass only where a caller would act differently.

    FlyexprError
    ├── ExpressionError          a condition, update or path that DynamoDB would refuse
    ├── PlanError                a read that no index can serve, or that several serve equally well
    ├── ValidationError          a key, item or attribute value that cannot be stored
    │   └── BadCursor            `start=` was given what is not a cursor of this read
    ├── NotBound                 a table without an engine
    ├── NotFound                 `one` found no item
    ├── SeveralFound             `one` found more than one item
    ├── BatchIncomplete          a batch that ended early: `.failed`, `.written`, `.items`
    └── DynamoError              an engine refused a request: `.code`, `.message`, `.fields`
        ├── ConditionFailed      the condition of a write was false: `.item`, `.reason`
        ├── TransactionCancelled nothing of a transaction was done; one reason per operation: `.reasons`
        ├── Throttled            too many requests; the engine has already tried again
        ├── NoSuchTable          the table, index or resource does not exist
        ├── TableExists          `create_table` found a table of that name
        └── ConnectionFailed     no usable answer came from the engine

A text says what is wrong, in which expression, and what to write instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class FlyexprError(Exception):
    """Every error that flyexpr raises on purpose.

    >>> issubclass(PlanError, FlyexprError)
    True
    """


class ExpressionError(FlyexprError, ValueError):
    """An expression that the service is sure to refuse; `.message` is the clause that says why.

    >>> print(ExpressionError("two paths overlap: a and a.b", expression="SET a = 1, a.b = 2", hint="keep one"))
    two paths overlap: a and a.b
      expression: SET a = 1, a.b = 2
      hint: keep one

    Where a text cannot be read, `.position` is the character where reading stopped, counted from 0; else it is None.
    """

    def __init__(
        self, message: str, *, expression: str | None = None, hint: str | None = None, position: int | None = None
    ) -> None:
        super().__init__(_text(message, expression=expression, hint=hint))
        self.message, self.hint, self.position = message, hint, position


class PlanError(FlyexprError, ValueError):
    """A read that cannot be turned into one request, and the nearest thing that can.

    >>> error = PlanError("a query needs one partition key value", condition="wins > 3", hint="use scan(...)")
    >>> print(error)
    a query needs one partition key value
      condition: wins > 3
      hint: use scan(...)
    >>> error.condition
    'wins > 3'

    `.condition` is the text of the read's condition; None for an error that is not about one.
    """

    def __init__(
        self, message: str, *, condition: str | None = None, hint: str | None = None, why: str | None = None
    ) -> None:
        super().__init__(_text(message, condition=condition, hint=hint))
        self.message, self.condition = message, condition
        self.why = why or message
        """Why no query serves, in short; the message, where nothing shorter says it."""


class ValidationError(FlyexprError, ValueError):
    """A key, an item or a value that cannot be stored; the text has the path to the value at fault.

    >>> raise ValidationError("a set may not be empty", at="info.tags", hint="leave the attribute out")
    Traceback (most recent call last):
    ...
    flyexpr.errors.ValidationError: at `info.tags`: a set may not be empty
      hint: leave the attribute out
    """

    def __init__(self, message: str, *, at: str = "", hint: str | None = None) -> None:
        super().__init__(_text(f"at `{at}`: {message}" if at else message, hint=hint))
        self.message, self.at, self.hint = message, at, hint
        self.item: dict[str, Any] | None = None  # the item as it is stored, where reading it failed


class BadCursor(ValidationError):
    """A text that is not a cursor of this read: forged, damaged, or of another read.

    >>> list(run(scores, scan(start="xyz")))
    Traceback (most recent call last):
    ...
    flyexpr.errors.BadCursor: start= takes the .cursor of an earlier read; this is not one

    It is raised before anything is sent. A web service answers it with status 400: its caller made up the cursor, or
    changed the question between two pages.
    """


class NotBound(FlyexprError):
    """A table without an engine.

    >>> str(NotBound("scores"))
    "table 'scores' has no engine; bind one with `table.on(connect('sqlite:scores.db'))`"
    """

    def __init__(self, table: str) -> None:
        self.table = table
        super().__init__(
            f"table {table!r} has no engine; bind one with `table.on(connect('sqlite:{table.lower()}.db'))`"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.table,)


class NotFound(FlyexprError, LookupError):
    """`one` was asked for the only item, and there is none.

    >>> issubclass(NotFound, LookupError)
    True
    """


class SeveralFound(FlyexprError, LookupError):
    """`one` was asked for the only item, and there is more than one.

    >>> issubclass(SeveralFound, LookupError)
    True
    """


class BatchIncomplete(FlyexprError):
    """Work over many items that ended early: a part was left unprocessed time and again, or a request failed.

    >>> error = BatchIncomplete(40, ["operation"])
    >>> str(error), error.written, error.failed
    ('40 writes of the batch are done, and 1 is not: left unprocessed after 10 tries', 40, ('operation',))

    `.written` is the number of operations that are done. `.failed` holds those that are not; for a batch of reads,
    their keys as they were given. What was not yet taken from an iterator was not tried. For `update_matching` and
    `delete_matching`, `.failed` are the keys that were read and not written, and the read goes on after them from
    `.cursor`; it is None once nothing is left. After a lost connection, a part of `.failed` may be done. With
    `journal=`, the same call does the rest; at its end, `.failed` may hold items of which nobody can know whether they
    are done.

    `.items` is what a batch of reads has read, one for each key as `run` would have given them: None for a key of
    `.failed`, and for an item that does not exist. It is empty for writes.
    """

    def __init__(
        self,
        written: int,
        failed: Iterable[Any],
        what: str = "writes of the batch",
        why: str = "left unprocessed after 10 tries",
        cursor: str | None = None,
        items: Iterable[Any] = (),
    ) -> None:
        self.written, self.failed, self.cursor, self.items = written, tuple(failed), cursor, tuple(items)
        self._what, self._why = what, why
        are = "1 is not" if len(self.failed) == 1 else f"{len(self.failed)} are not"
        super().__init__(f"{written} {what} are done, and {are}: {why}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.written, self.failed, self._what, self._why, self.cursor, self.items)


class DynamoError(FlyexprError):
    """A request that an engine refused, with DynamoDB's error code and message and the error's other members.

    >>> error = DynamoError.of("ResourceNotFoundException", "Requested resource not found")
    >>> type(error).__name__, error.code, str(error)
    ('NoSuchTable', 'ResourceNotFoundException', 'ResourceNotFoundException: Requested resource not found')

    `.fields` holds wire values (`Item`, `CancellationReasons`) exactly as they came.
    """

    def __init__(self, code: str, message: str, fields: Mapping[str, Any] | None = None) -> None:
        # A traceback has the class before the text, so a code that is the name of the class would be there twice.
        start = "" if code == type(self).__name__ else f"{code}: "
        super().__init__(f"{start}{message}" if message else code)
        self.code = code
        self.message = message
        self.fields: dict[str, Any] = dict(fields or {})

    @staticmethod
    def of(code: str, message: str, fields: Mapping[str, Any] | None = None) -> DynamoError:
        """The error for a code, in the class that callers catch.

        >>> type(DynamoError.of("ThrottlingException", "Rate exceeded")).__name__
        'Throttled'
        """
        return _CLASSES.get(code, DynamoError)(code, message, fields)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.message, self.fields), {**self.__dict__, "args": self.args}


class ConditionFailed(DynamoError):
    """The condition of a write was false, so nothing was written.

    >>> error = DynamoError.of("ConditionalCheckFailedException", "The conditional request failed")
    >>> isinstance(error, ConditionFailed), error.item, error.reason
    (True, None, None)

    `.item` is the stored item (None where there is none). `.reason` names the part that was false and the value that
    the item has there. `run` fills in both.
    """

    item: dict[str, Any] | None = None
    reason: str | None = None

    def __str__(self) -> str:
        return self.reason or super().__str__()


class TransactionCancelled(DynamoError):
    """A transaction that was refused as a whole: nothing was done. It has one reason per operation.

    >>> error = DynamoError.of("TransactionCanceledException", "cancelled", {"CancellationReasons": [{"Code": "None"}]})
    >>> isinstance(error, TransactionCancelled), error.reasons
    (True, ())

    `.reasons` has an entry for each operation: its error, or None where it was fine. `.operations` says what each one
    is. `transact_write` fills in both.
    """

    reasons: tuple[DynamoError | None, ...] = ()
    operations: tuple[str, ...] = ()

    def __str__(self) -> str:
        reasons = [(number, reason) for number, reason in enumerate(self.reasons) if reason is not None]
        lines = [f"operation {number}{self._named(number)}: {reason}" for number, reason in reasons]
        return "\n".join(lines) or super().__str__()

    def _named(self, number: int) -> str:
        return f" ({self.operations[number]})" if number < len(self.operations) else ""


class Throttled(DynamoError):
    """More requests than the table or the account allows; the engine has already tried again.

    >>> limit = {"reason": "TableReadKeyRangeThroughputExceeded", "resource": "arn:aws:dynamodb:eu-west-1:1:table/t"}
    >>> raise DynamoError.of("ThrottlingException", "Throughput exceeds ...", {"throttlingReasons": [limit]})
    Traceback (most recent call last):
    ...
    flyexpr.errors.Throttled: ThrottlingException: Throughput exceeds ...
      TableReadKeyRangeThroughputExceeded: arn:aws:dynamodb:eu-west-1:1:table/t

    The service names the limits in `.fields`, as `ThrottlingReasons` or `throttlingReasons`.
    """

    def __str__(self) -> str:
        field = self.fields.get("ThrottlingReasons") or self.fields.get("throttlingReasons")
        reasons = [each for each in field if isinstance(each, dict)] if isinstance(field, list) else []
        lines = [f"  {each.get('reason', 'unknown')}: {each.get('resource', 'unknown')}" for each in reasons]
        return "\n".join([super().__str__(), *lines])


class NoSuchTable(DynamoError):
    """A table, index or resource that does not exist.

    >>> str(DynamoError.of("ResourceNotFoundException", "Requested resource not found"))
    'ResourceNotFoundException: Requested resource not found'

    Where the operation is known, the text names its table and engine. `.tables` has the names of the tables that there
    are, if the engine knows them without a request: the embedded one does.
    """

    text: str = ""
    tables: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text or super().__str__()


class TableExists(DynamoError):
    """`create_table` found that there is a table of that name.

    >>> run(scores, create_table())
    Traceback (most recent call last):
    ...
    flyexpr.errors.TableExists: there is already a table 'GameScores' on sqlite::memory:
      hint: run(table, create_table(if_missing=True)) takes it as it is

    `create_table(if_missing=True)` raises it only for a table with other keys. `.message` has the service's words.
    """


class ConnectionFailed(DynamoError):
    """No usable answer came from the engine; a write may have happened or not.

    >>> raise DynamoError.of("ConnectionFailed", "connection refused")
    Traceback (most recent call last):
    ...
    flyexpr.errors.ConnectionFailed: connection refused
    """


_CLASSES: dict[str, type[DynamoError]] = {
    "ConditionalCheckFailedException": ConditionFailed,
    "ConditionalCheckFailed": ConditionFailed,
    "TransactionCanceledException": TransactionCancelled,
    "ProvisionedThroughputExceededException": Throttled,
    "ThrottlingException": Throttled,
    "RequestLimitExceeded": Throttled,
    "ResourceNotFoundException": NoSuchTable,
    "ConnectionFailed": ConnectionFailed,
}


def did_you_mean(name: str, known: Iterable[str], form: str = "`{}`") -> str:
    """A question for a name that is nearly one of those known; empty where it is not.

    >>> did_you_mean("user_id", ["title", "userid"]), did_you_mean("Limit", ["limit"], "{}="), did_you_mean("x", ["y"])
    ('did you mean `userid`?', 'did you mean limit=?', '')
    """
    near = nearest(name, known)
    return near and f"did you mean {form.format(near)}?"


def unknown_option(what: str, option: str, options: Iterable[str]) -> str:
    """What to say of an option that something does not have.

    >>> unknown_option("scan", "Limit", ["limit", "page_size"]), unknown_option("scan", "x", ["limit", "page_size"])
    ('scan has no option Limit=; did you mean limit=?', 'scan has no option x=; it has limit=, page_size=')
    """
    options = list(options)
    others = f"it has {', '.join(f'{each}=' for each in options)}" if options else "it has none"
    return f"{what} has no option {option}=; {did_you_mean(option, options, '{}=') or others}"


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that is nearly this one, whatever the case of its letters; empty where none is.

    >>> nearest("GameTitle", ["GameTitleIndex", "ByUser"])
    'GameTitleIndex'
    """
    from difflib import get_close_matches  # here, because `import flyexpr` is to be quick

    by_lower = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), by_lower, 1, 0.7)
    return by_lower[near[0]] if near else ""


def _text(message: str, **notes: str | None) -> str:
    text = "\n".join([message, *(f"  {name}: {note}" for name, note in notes.items() if note)])
    return text.encode(errors="backslashreplace").decode()  # a file takes no half of a surrogate pair, as in a name
