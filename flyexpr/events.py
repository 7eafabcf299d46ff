"""Change events: the same conditions over streams, Lambda events and exports.

    >>> from flyexpr.events import changed, changes, now, was
    >>> done = was(eq("status", "open")) & now(eq("status", "done"))
    >>> show(done)
    "old(status) = 'open' AND status = 'done'"

A change has the item before and after as plain dicts. A condition asks about the item after the change; `was`,
`changed`, `appeared` and `old` ask about both.
"""

from flyexpr.changes.change import Change, changes
from flyexpr.changes.event_filter import event_filter
from flyexpr.changes.exports import export_filter, read_export
from flyexpr.changes.handler import handler
from flyexpr.expressions.sides import appeared, changed, now, old, was

__all__ = [
    "appeared",
    "Change",
    "changed",
    "changes",
    "event_filter",
    "export_filter",
    "handler",
    "now",
    "old",
    "read_export",
    "was",
]
