"""The embedded engine: DynamoDB's operations on one SQLite file, without a server.

disk/         the file, its stores, and what a table is to those who read and write it
request/      what a request asks for: from its body, by its members, to an intent (intents/)
rules/        what the service makes of an intent; nothing here touches the file
operations/   the answers: intents carried out, each in one transaction
engine.py     the table of operations, one row each, and the door
"""

from __future__ import annotations

from flyexpr.engines.sqlite.engine import SqliteEngine, connect_sqlite

__all__ = ["SqliteEngine", "connect_sqlite"]
