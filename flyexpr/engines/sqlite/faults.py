"""The engine's refusals, by the service's error codes.

PutItem, UpdateItem and DeleteItem put most refusals of their values and expressions into an envelope, "1 validation
error detected: ...". A refusal that the service gives without it is marked as bare where it is raised.
"""

from __future__ import annotations

from typing import Any

from flyexpr.errors import DynamoError

INVALID_PARAMETERS = "One or more parameter values were invalid: "
IN_USE = "Attempt to change a resource which is still in use: "
NO_REPLICAS = "The embedded engine is a single Region, and replicates no table"
UNUSABLE_PARAMETERS = "One or more parameter values are not valid. "


def invalid(message: str) -> DynamoError:
    """The commonest error: the request is understood and refused.

    >>> str(invalid("The provided key element does not match the schema"))
    'ValidationException: The provided key element does not match the schema'
    """
    return DynamoError.of("ValidationException", message)


def invalid_parameter(message: str) -> DynamoError:
    """As `invalid`, with the words that the service puts before most errors about a value.

    >>> invalid_parameter("Missing the key pk in the item").message
    'One or more parameter values were invalid: Missing the key pk in the item'
    """
    return invalid(INVALID_PARAMETERS + message)


def validation_errors(problems: list[str]) -> DynamoError:
    """All that is wrong with the members of a request, in one envelope.

    >>> validation_errors(["a", "b"]).message
    '2 validation errors detected: a; b'
    """
    plural = "s" if len(problems) > 1 else ""
    return bare(invalid(f"{len(problems)} validation error{plural} detected: {'; '.join(problems)}"))


def bare(error: DynamoError) -> DynamoError:
    """The same refusal, marked as one that needs no envelope."""
    vars(error)[_BARE] = True
    return error


def enveloped(error: DynamoError) -> DynamoError:
    """A refusal in an envelope, if it is one that the service puts into it.

    >>> enveloped(invalid("Empty attribute name")).message
    '1 validation error detected: Empty attribute name'
    >>> enveloped(bare(invalid("Item size has exceeded the maximum allowed size"))).message
    'Item size has exceeded the maximum allowed size'
    """
    if error.code != "ValidationException" or _BARE in vars(error):
        return error
    return validation_errors([error.message])


_BARE = "bare"


def unreadable(message: str) -> DynamoError:
    """The body is not a request: not JSON, too deep, or a member of the wrong JSON type.

    >>> unreadable("Unexpected token received from parser").code
    'SerializationException'
    """
    return DynamoError.of("SerializationException", message)


def not_found(message: str = "Requested resource not found") -> DynamoError:
    """A table or another resource is not there.

    >>> not_found().code
    'ResourceNotFoundException'
    """
    return DynamoError.of("ResourceNotFoundException", message)


def in_use(message: str) -> DynamoError:
    """A table is there already, or is being changed.

    >>> in_use("Table already exists: scores").code
    'ResourceInUseException'
    """
    return DynamoError.of("ResourceInUseException", message)


def one_index_at_a_time() -> DynamoError:
    """A second index is to be made or deleted while one is.

    >>> one_index_at_a_time().code
    'LimitExceededException'
    """
    return DynamoError.of(
        "LimitExceededException",
        "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table",
    )


class DamagedFileError(Exception):
    """What is stored cannot be read: another program wrote to the file, or the disk lost it."""


class BackfillingIndex(DynamoError):
    """An index is read that does not have all its entries yet."""


def backfilling(index: str) -> BackfillingIndex:
    """The refusal of a read from such an index.

    >>> backfilling("by_level").message
    'Cannot read from backfilling global secondary index: by_level'
    """
    return BackfillingIndex("ValidationException", f"Cannot read from backfilling global secondary index: {index}")


class EmptyIndexKey(DynamoError):
    """An update would empty an index key; a transaction gives this as a plain error, not as a reason."""


class WrongKeyType(DynamoError):
    """A key value in a statement is of another type than the table's; a transaction says it in the words of others."""


class NoKeyType(WrongKeyType):
    """A key value in a statement is of a type that no key has; a transaction says so of a write as it is."""


class UnusableKey(DynamoError):
    """A key value is too large, or an update would change it; a batch of statements names the table beside it."""


def unusable_key(message: str) -> UnusableKey:
    """The refusal of a key, in the words that follow INVALID_PARAMETERS.

    >>> unusable_key("Cannot update attribute pk. This attribute is part of the key").code
    'ValidationException'
    """
    return UnusableKey("ValidationException", INVALID_PARAMETERS + message)


class InvalidConstant(DynamoError):
    """A value among ExpressionAttributeValues is refused; transactions also name its placeholder, `key`."""

    key = ""


def invalid_constant(key: str, problem: DynamoError) -> InvalidConstant:
    """The refusal of the value behind a placeholder, for the problem that was found in it.

    >>> invalid_constant(":v", invalid("Empty attribute name")).key
    ':v'
    """
    error = InvalidConstant(problem.code, problem.message)
    vars(error).update({name: mark for name, mark in vars(problem).items() if name == _BARE})
    error.key = key
    return error


def duplicate_item() -> DynamoError:
    """An INSERT finds an item with the key.

    >>> duplicate_item().code
    'DuplicateItemException'
    """
    return DynamoError.of("DuplicateItemException", "Duplicate primary key exists in table")


def only_read(path: str, operation: str) -> DynamoError:
    """The refusal of a write to a file that was opened to be read.

    >>> only_read("scores.db", "PutItem").message.partition(",")[0]
    'scores.db was opened to be read only'
    """
    return DynamoError.of(
        "AccessDeniedException",
        f"{path} was opened to be read only, and {operation} writes\n  hint: connect without mode=ro",
    )


def only_past(path: str, operation: str) -> DynamoError:
    """The refusal of anything but a read of items, where a file is read as it stood.

    >>> only_past("scores.db", "PutItem").message.partition("\\n")[0]
    'PutItem cannot be done on scores.db as it stood at a moment, where items can only be read'
    """
    return DynamoError.of(
        "AccessDeniedException",
        f"{operation} cannot be done on {path} as it stood at a moment, where items can only be read\n"
        "  hint: use the table itself, without .at(...)",
    )


def condition_failed(item: dict[str, Any] | None) -> DynamoError:
    """The condition of a write is false; with the item (wire form) if the request asked for it.

    >>> condition_failed(None).fields
    {}
    """
    fields = {"Item": item} if item is not None else {}
    return DynamoError.of("ConditionalCheckFailedException", "The conditional request failed", fields)
