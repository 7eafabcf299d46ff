"""The data of the jobs without a network, and how their results are checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bench import data
from bench.peers.jobs import BATCH, Job, batch_of, constants, numbers
from bench.peers.server import page_items

body = b"x" * 1024  # to be signed


def page() -> bytes:
    """The body of an answer that is one page."""
    return b'{"Count":%d,"Items":%b,"ScannedCount":%d}' % (data.PAGE, page_items(0), data.PAGE)


def unlike_page() -> bytes:
    """The same page, but every item has other attributes."""
    items = [data.wire_item(item) for item in data.unlike(data.items(0))]
    text = json.dumps(items, ensure_ascii=False, separators=(",", ":")).encode()
    return b'{"Count":%d,"Items":%b,"ScannedCount":%d}' % (data.PAGE, text, data.PAGE)


def batch() -> list[data.Item]:
    """The items of a batch write."""
    return data.items(0, BATCH)


def new_name() -> str:
    """A new attribute name, for an expression that is in no cache."""
    return f"status{next(numbers)}"


def encoding(run: Callable[[], bytes]) -> Job:
    """The job of writing a batch's request."""
    return Job(run, lambda: batch_of(json.loads(run())))


def compiling(run: Callable[[], str | dict[str, Any]]) -> Job:
    """The job of compiling an expression to the members of a request, as JSON text."""
    return Job(run, lambda: constants(json.loads(str(run()))))
