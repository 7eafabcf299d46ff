"""--at: reads of a table as it stood, and where that cannot be."""

import json
from datetime import datetime, timezone

import pytest
from program import Inside

READS = [
    ("get", "1"),
    ("query", "id = '1'"),
    ("query", "status = 'open'"),
    ("scan",),
    ("count",),
]


@pytest.mark.parametrize("read", READS, ids=[" ".join(words) for words in READS])
def test_a_read_shows_what_was(inside: Inside, read: tuple[str, ...]):
    inside("create", "Orders", "id", "--stream", "both", "--index", "ByStatus status")
    inside("put", "Orders", json.dumps({"id": "1", "status": "open"}))
    command, *words = read
    before = inside(command, "Orders", *words)
    noon = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
    inside("delete", "Orders", "1")
    assert inside(command, "Orders", *words).out in ("", "0\n")
    end = inside(command, "Orders", *words, "--at", noon)
    assert (end.code, end.out) == (0, before.out)
    assert before.out in ('{"id": "1", "status": "open"}\n', "1\n")


def test_what_is_refused(inside: Inside):
    inside("create", "Orders", "id")
    end = inside("scan", "Orders", "--at", "noon")
    assert (end.code, end.err) == (
        2,
        (
            "Usage: flyexpr scan [OPTIONS] TABLE [CONDITION]\n"
            "Try 'flyexpr scan --help' for help.\n"
            "\n"
            "Error: --at takes a time such as 2026-01-31T12:00:00Z, not 'noon'\n"
        ),
    )
    end = inside("scan", "Orders", "--at", "2026-01-31T12:00:00Z")
    assert end.code == 1
    assert end.err == (
        "flyexpr: PointInTimeRecoveryUnavailableException: no stream says how the items of table 'Orders' "
        "were\n"
        "  hint: flyexpr alter TABLE --stream both gives it one\n"
    )
    end = inside("scan", "Orders", "--at", "2999-01-31")
    assert (end.code, end.err) == (
        1,
        "flyexpr: no table can be read at 2999-01-31 00:00:00+00:00, which is still to come\n",
    )
