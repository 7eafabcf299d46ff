"""What the operations that write items ask for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from flyexpr.engines.sqlite.disk.images import Image
from flyexpr.engines.sqlite.request.intents import EXPRESSIONS, STATEMENT
from flyexpr.expressions.nodes import Condition, Update
from flyexpr.records import record


@record
class Returns:
    """What the answer to a write must hold: which attributes, whose capacity, and whether the collection's size.

    With `responses` it has a list of them, empty for writes, as ExecuteTransaction answers.
    """

    values: str = "NONE"
    capacity: str = "NONE"
    metrics: bool = False
    responses: bool = False

    @property
    def is_nothing(self) -> bool:
        """Whether the answer to a write may be empty."""
        return self.values == self.capacity == "NONE" and not self.metrics


@record
class Write:
    """One write. A Put has the item and its image; the others have the key instead of the item.

    `by` is what asks for it: its expressions, the older parameters or a statement. Some rules differ by that. `names`
    are the attributes that its condition and its update name.
    """

    action: str
    table: str
    item: Mapping[str, Any]
    image: Image | None
    condition: Condition | None
    update: Update | None = None
    shows_failed: bool = False
    by: str = EXPRESSIONS
    names: frozenset[str] = frozenset()

    @property
    def is_insert(self) -> bool:
        """Whether it is an INSERT, whose condition is that there is no such item."""
        return self.by == STATEMENT and self.action == "Put"

    def of(self, image: Image) -> Write:
        """The same Put, but of another item."""
        return Write("Put", self.table, image.item, image, self.condition, None, self.shows_failed, self.by, self.names)


class WriteAsked(NamedTuple):
    """What PutItem, UpdateItem and DeleteItem ask for; `too_large` says that UpdateItem is charged for too much."""

    write: Write
    returns: Returns
    too_large: bool = False


class Token(NamedTuple):
    """What makes a transaction safe to send again: its ClientRequestToken, and a digest of its actions."""

    text: str
    digest: bytes


@record
class WritesAsked:
    """What BatchWriteItem and TransactWriteItems ask for."""

    writes: tuple[Write, ...]
    returns: Returns
    token: Token | None = None
