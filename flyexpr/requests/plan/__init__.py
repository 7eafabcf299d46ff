"""The planner: how a read is done, and which part of its condition goes where.

For every condition on every table there is exactly one `Access` (flyexpr.requests.reads), or a `PlanError` that names
the nearest fix:

    key condition    bounds what is read: `=` on the partition key, one condition on the sort key
    filter           the service drops items that were read, and paid for
    residue          what neither may hold; the client evaluates it with `matches`

Key condition, filter and residue together are the condition, on every item that the index holds. (An item that lacks a
key attribute of an index is not in that index.) The residue sees an item as the table reads it, with the parts of its
derived keys that another writer left out (flyexpr.schema.derived.parts). Key condition and filter see the item as it
is stored, and are written so that they agree. A condition on parts of a derived key reads the items of the table's own
kind: those whose sort key begins as its template does.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
"""
