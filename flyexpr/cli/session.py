"""One run of the program: its engine, and the tables as the engine describes them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from flyexpr.cli import environment
from flyexpr.doors.plain import drive
from flyexpr.engine import Engine
from flyexpr.engines import connect
from flyexpr.engines.urls import shown
from flyexpr.errors import FlyexprError, NoSuchTable, nearest
from flyexpr.schema.table import Table
from flyexpr.steps.lifecycle import described, table_names

AWS = "dynamodb://"  # region, keys and endpoint by AWS's own configuration


@dataclass(frozen=True)
class Session:
    """The engine of a run: by its URL, else by FLYEXPR_ENGINE, else AWS's own configuration.

    >>> Session("sqlite::memory:").engine
    <engine sqlite::memory:>
    >>> Session("sqlite:none.db").engine
    Traceback (most recent call last):
    ...
    flyexpr.errors.FlyexprError: there is no file none.db for the engine sqlite:none.db
      hint: flyexpr create makes it, with its first table

    `makes` is for commands that make the file of an engine where it does not exist. Copies of a session share its
    connections.
    """

    url: str | None = None
    makes: bool = False
    connected: dict[str, Engine] = field(default_factory=dict, compare=False, repr=False)  # by URL

    @cached_property
    def place(self) -> str:
        """The URL of the engine."""
        return self.url or os.environ.get(environment.ENGINE) or AWS

    @property
    def shown(self) -> str:
        """The URL of the engine without its password, for texts and files.

        >>> Session("https://user:password@example.com").shown
        'https://***@example.com'
        """
        return shown(self.place)

    @property
    def engine(self) -> Engine:
        """The engine, connected when it is first asked for."""
        if self.place not in self.connected:
            if not (self.makes or self.exists()):
                raise self._missing()
            self.connected[self.place] = self._connect()
        return self.connected[self.place]

    def _connect(self) -> Engine:
        try:
            return connect(self.place)
        except FlyexprError as error:
            if self.place != AWS:
                raise
            raise FlyexprError(f"{error}, or name another engine by --engine or {environment.ENGINE}") from None

    def exists(self) -> bool:
        """False for a file that connecting would make."""
        path = self._file
        return path is None or path.exists()

    @property
    def is_embedded(self) -> bool:
        """Whether reads cost nothing: the engine is in this process."""
        return self.place.startswith("sqlite:")

    @property
    def is_aws(self) -> bool:
        """Whether the tables are those of an account of AWS."""
        return self.place.startswith(AWS)

    @property
    def _file(self) -> Path | None:
        kind, _, rest = self.place.partition(":")
        path = rest.partition("?")[0]
        # a URL that connect refuses is left to it
        return Path(path) if kind == "sqlite" and path.strip(":") not in ("", "memory") and path[:2] != "//" else None

    def _missing(self) -> FlyexprError:
        path = self._file or Path()
        near = nearest(path.name, (each.name for each in path.parent.glob("*") if each.is_file()))
        hint = f"did you mean {path.with_name(near)}?" if near else "flyexpr create makes it, with its first table"
        return FlyexprError(f"there is no file {path} for the engine {self.place}\n  hint: {hint}")

    def table(self, name: str) -> Table:
        """The table as the engine describes it, bound to the engine; NoSuchTable where there is none."""
        return self.described(name)[0]

    def described(self, name: str) -> tuple[Table, dict[str, Any]]:
        """The table, and the engine's own description of it: how many items, how large, in which state."""
        try:
            table, members = drive(described(name), self.engine)
        except NoSuchTable as error:
            hint = f"flyexpr tables lists those that are there, and flyexpr create {name} KEY makes it"
            error.args = (f"there is no table {name!r} in {self.shown}\n  hint: {hint}",)
            raise
        return table.on(self.engine), members

    def names(self, prefix: str = "") -> list[str]:
        """The names of the engine's tables, those that begin with a prefix."""
        return [name for name in drive(table_names(), self.engine) if name.startswith(prefix)]
