"""One run of the program: which engine, and what it says of a table."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from flyexpr.engines import Engine, call, connect
from flyexpr.engines.urls import shown
from flyexpr.errors import FlyexprError
from flyexpr.requests import Request
from flyexpr.responses import described_table, fields_of
from flyexpr.table_requests import table_request
from flyexpr.tables import Table

ENVIRONMENT = "FLYEXPR_ENGINE"
AWS = "dynamodb://"  # region, keys and endpoint by AWS's own configuration


@dataclass(frozen=True)
class Session:
    """The engine of a run: by its URL, else by FLYEXPR_ENGINE, else AWS's own configuration.

    >>> Session("sqlite::memory:").engine
    <engine sqlite::memory:>
    """

    url: str | None = None

    @cached_property
    def place(self) -> str:
        """The URL of the engine."""
        return self.url or os.environ.get(ENVIRONMENT) or AWS

    @property
    def shown(self) -> str:
        """The URL of the engine as a text or a file may show it.

        >>> Session("https://user:password@example.com").shown
        'https://***@example.com'
        """
        return shown(self.place)

    @cached_property
    def engine(self) -> Engine:
        """The engine, connected when it is first asked for."""
        try:
            engine: Engine = connect(self.place)
        except FlyexprError as error:
            if self.place != AWS:
                raise
            raise FlyexprError(f"{error}, or name another engine by --engine or {ENVIRONMENT}") from None
        return engine

    def exists(self) -> bool:
        """False for a file that connecting would make."""
        kind, _, path = self.place.partition(":")
        return kind != "sqlite" or Path(path.partition("?")[0]).is_file()

    def table(self, name: str) -> Table:
        """The table as the engine describes it, bound to the engine; NoSuchTable where there is none."""
        return self.described(name)[0]

    def described(self, name: str) -> tuple[Table, dict[str, Any]]:
        """The table, and the engine's own words on it: how many items, how large, in which state."""
        request: Request = table_request(Table(name, "unknown"), "DescribeTable")
        body = self.engine(request.operation, request.body)
        return described_table(body).on(self.engine), fields_of(body)["Table"]

    def names(self, prefix: str = "") -> list[str]:
        """The names of the engine's tables, those that begin with a prefix."""
        found: list[str] = []
        answer = call(self.engine, "ListTables", {})
        found += answer["TableNames"]
        while last := answer.get("LastEvaluatedTableName"):
            answer = call(self.engine, "ListTables", {"ExclusiveStartTableName": last})
            found += answer["TableNames"]
        return [name for name in found if name.startswith(prefix)]
