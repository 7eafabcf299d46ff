"""The operations of `request/settings/probes.py`, which are answered in one way, whatever is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flyexpr.engines.sqlite.answers import json_text
from flyexpr.engines.sqlite.disk.storage import Storage
from flyexpr.engines.sqlite.faults import not_found
from flyexpr.engines.sqlite.request.intents.settings import ProbeAsked
from flyexpr.engines.sqlite.request.settings.probes import PROBES, Refusal
from flyexpr.errors import DynamoError


def answer_probe(storage: Storage, asked: ProbeAsked, now: float) -> bytes:
    """The answer to an operation that has only one; DynamoError for one that is refused.

    >>> from flyexpr.engines.sqlite.disk.file.files import TableFile
    >>> storage = Storage(TableFile(":memory:"))
    >>> answer_probe(storage, ProbeAsked("ListExports", {}), 0)
    b'{"ExportSummaries":[]}'
    >>> answer_probe(storage, ProbeAsked("DescribeGlobalTable", {"GlobalTableName": "scores"}), 0)
    Traceback (most recent call last):
    ...
    flyexpr.errors.DynamoError: GlobalTableNotFoundException: Global table not found: scores
    >>> storage.close()
    """
    probe, members = PROBES[asked.operation], asked.members
    if probe.missing:
        with storage.transaction("DEFERRED"):
            _check_there(storage, members, probe.missing)
    if isinstance(probe.answer, Refusal):
        raise DynamoError.of(probe.answer.code, probe.answer.message.format_map(members))
    return json_text(_filled(probe.answer, members))


def _check_there(storage: Storage, members: Mapping[str, Any], missing: str) -> None:
    name = members.get("TableName") or members["TableArn"]
    table = storage.find(name)
    if table is None:
        if missing == "TableNotFoundException":
            raise DynamoError.of(missing, f"Table not found: {name}")
        raise not_found(f"Requested resource not found: Table: {name} not found")
    if "IndexName" in members and table.index(members["IndexName"]) is None:
        raise not_found(f"Requested resource not found: Index: {members['IndexName']} not found")


def _filled(template: Any, members: Mapping[str, Any]) -> Any:
    """A template with the members that it names; what names a member that the request does not have is left out."""
    if isinstance(template, Mapping):
        return {
            name: _filled(part, members) for name, part in template.items() if part != f"{{{name}}}" or name in members
        }
    return members[template[1:-1]] if isinstance(template, str) and template.startswith("{") else template
