"""The members of a call, each taken as what it has to be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flyexpr.serve.console.failures import Failure
from flyexpr.values.plain_json import read_item
from flyexpr.values.types import Item


class Members:
    """The members of a call; a Failure names the one that is missing or wrong.

    >>> members = Members({"table": "Movies", "size": 20})
    >>> members.text("table"), members.number("size", 1, 100), members.flag("descending")
    ('Movies', 20, False)
    >>> members.text("text")
    Traceback (most recent call last):
    ...
    flyexpr.serve.console.failures.Failure: `text` has to be a text
    """

    def __init__(self, members: Mapping[str, Any]) -> None:
        self._members = members

    def text(self, name: str) -> str:
        """A text."""
        text: str = self._of(name, str, "a text")
        return text

    def text_or_none(self, name: str) -> str | None:
        """A text, or None where the member is null or missing."""
        return None if self._members.get(name) is None else self.text(name)

    def flag(self, name: str) -> bool:
        """True or false; false where the member is missing."""
        return self._members.get(name) is not None and self._of(name, bool, "true or false")

    def number(self, name: str, least: int, most: int) -> int:
        """A whole number between two others."""
        what = f"a whole number from {least} to {most}"
        value: int = self._of(name, int, what)
        if isinstance(value, bool) or not least <= value <= most:
            raise Failure(400, f"`{name}` has to be {what}")
        return value

    def numbers(self, name: str) -> list[float]:
        """A list of numbers."""
        what = "a list of numbers"
        values = self._of(name, list, what)
        if not all(type(value) in (int, float) for value in values):
            raise Failure(400, f"`{name}` has to be {what}")
        return list(values)

    def budget(self) -> float | None:
        """The read units that a scan may take; None where nobody says."""
        if self._members.get("scan") is None:
            return None
        budget = self._of("scan", dict, "an object with a budget").get("budget")
        if type(budget) not in (int, float) or not 0 < budget < 1e9:
            raise Failure(400, "the budget of a scan is a number of read units, above 0")
        return float(budget)

    def item(self, name: str) -> Item:
        """An item, from its text."""
        return read_item(self.text(name))

    def item_or_none(self, name: str) -> Item | None:
        """An item, or None where the member is null or missing."""
        return None if self._members.get(name) is None else self.item(name)

    def _of(self, name: str, kind: type, what: str) -> Any:
        value = self._members.get(name)
        if not isinstance(value, kind):
            raise Failure(400, f"`{name}` has to be {what}")
        return value


def members_of(body: bytes, names: str) -> Members:
    """The members in the body of a call that takes members of these names.

    >>> members_of(b'{"tabel": "Movies"}', "table text")
    Traceback (most recent call last):
    ...
    flyexpr.serve.console.failures.Failure: this call has no member `tabel`; it takes table, text
    """
    try:
        members = json.loads(body)
    except (ValueError, RecursionError):
        members = None
    if not isinstance(members, dict):
        raise Failure(400, "the body of a call is a JSON object")
    for name in members:
        if name not in names.split():
            raise Failure(400, f"this call has no member `{name}`; it takes {', '.join(names.split())}")
    return Members(members)
