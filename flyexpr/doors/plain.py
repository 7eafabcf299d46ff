"""Steps driven on an engine that is called, and answers. See `awaited.py` for one whose answers are awaited."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any, TypeVar

from flyexpr.drive import Pause, driven, noted
from flyexpr.engine import Engine
from flyexpr.errors import DynamoError, FlyexprError
from flyexpr.requests.naming import add_tables
from flyexpr.requests.request import Request
from flyexpr.schema.table import Table
from flyexpr.steps.bulk import Bulk
from flyexpr.steps.course import common_engine
from flyexpr.steps.stats import Stats, counted
from flyexpr.steps.step import Step, Steps, Together
from flyexpr.values.answers import body_of

R = TypeVar("R")


def drive(steps: Steps[R], engine: Engine) -> R:
    """The result of the steps, their requests sent to an engine one by one.

    >>> from flyexpr.steps.items import get
    >>> drive(get(scores, get_item(("abc", "Comet Quest"))), scores.engine)["wins"]
    3
    """
    return driven(steps, _answer, engine, FlyexprError)


def _answer(engine: Engine, step: Step) -> bytes | None:
    if isinstance(step, Request):
        return asked(engine, step.operation, step.body)
    if isinstance(step, Pause):
        time.sleep(noted(step))
    elif isinstance(step, Together):
        _do_together(step, engine)
    else:
        step.work()
    return None


def _do_together(step: Together, engine: Engine) -> None:
    if step.workers > 1:
        from flyexpr.doors.threads import do_together  # threads, for those who want them

        do_together(step, partial(drive, engine=engine))
    else:
        for unit in step.units:
            step.note(drive(unit, engine))


def asked(engine: Engine, operation: str, body: bytes) -> bytes:
    """The engine's answer to one request."""
    answer = engine(operation, body)
    return answer if type(answer) is bytes else _of_other_type(answer)


def _of_other_type(answer: Any) -> bytes:
    """The bytes of an answer of another type; an error for an awaitable, which an engine of `flyexpr.aio` returns."""
    if hasattr(answer, "__await__"):
        answer.close()
        raise FlyexprError("this engine has to be awaited: use flyexpr.aio, or bind the table with connect(...)")
    return body_of(answer)


def perform(steps: Steps[R], tables: Sequence[Table[Any]], stats: Stats | None = None) -> R:
    """The result of the steps on the engine of the tables; an error for a missing table names it.

    >>> from flyexpr.steps.items import get
    >>> perform(get(scores, get_item(("abc", "Comet Quest"))), [scores])["wins"]
    3
    """
    if stats is not None:
        steps = counted(steps, stats)
    try:
        return driven(steps, _answer, common_engine(tables), FlyexprError)
    except DynamoError as error:
        add_tables(error, tables)
        raise


def in_bulk(steps: Steps[R], tables: Sequence[Table[Any]], bulk: Bulk) -> R:
    """The result of bulk work; its journal is free for others afterwards, however the work ends."""
    try:
        return perform(steps, tables)
    finally:
        bulk.release()
