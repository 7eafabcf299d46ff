"""The engine's refusals, by the service's error codes."""

from __future__ import annotations

from typing import Any

from flyexpr.errors import DynamoError

INVALID_PARAMETERS = "One or more parameter values were invalid: "
IN_USE = "Attempt to change a resource which is still in use: "
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


def unreadable(message: str) -> DynamoError:
    """The body is no request: not JSON, too deep, or a member of the wrong JSON type.

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


class DamagedFileError(Exception):
    """What is stored cannot be read: somebody else wrote to the file, or the disk lost it."""


class BackfillingIndex(DynamoError):
    """An index is read that does not have all its entries yet."""

    def __init__(self, name: str) -> None:
        super().__init__("ValidationException", f"Cannot read from backfilling global secondary index: {name}")


class EmptyIndexKey(DynamoError):
    """An update would empty an index key; a transaction gives this as a plain error, not as a reason."""


class InvalidConstant(DynamoError):
    """A value among ExpressionAttributeValues is refused; transactions also say which."""

    def __init__(self, key: str, problem: str) -> None:
        super().__init__("ValidationException", problem)
        self.key = key


def condition_failed(item: dict[str, Any] | None) -> DynamoError:
    """The condition of a write is false; with the item (wire form) if the request asked for it.

    >>> condition_failed(None).fields
    {}
    """
    fields = {"Item": item} if item is not None else {}
    return DynamoError.of("ConditionalCheckFailedException", "The conditional request failed", fields)
