"""The embedded engine: DynamoDB's operations on one SQLite file, without a server.

files → storage → schema → keys                                       what is on disk
numerals → wire → rules → members → templates → expressions, legacy   what a request says
checks  ranges  starts  selection  writes  charge                     what the service makes of it (pure)
reads  items  batches  transactions  tables  tags  ttl                the operations
engine                                                                which operation is which, locks, processes
"""

from __future__ import annotations

from flyexpr.engines.sqlite.engine import SqliteEngine, connect_sqlite

__all__ = ["SqliteEngine", "connect_sqlite"]
