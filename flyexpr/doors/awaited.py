"""Steps driven on an engine whose answers are awaited; see `plain.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from inspect import iscoroutinefunction
from typing import Any, TypeVar

from flyexpr.drive import Pause, driven_awaited, noted
from flyexpr.engine import AsyncEngine as Engine
from flyexpr.engine import Awaited
from flyexpr.errors import DynamoError, FlyexprError
from flyexpr.requests.naming import add_tables
from flyexpr.requests.request import Request
from flyexpr.schema.table import Table
from flyexpr.steps.bulk import Bulk
from flyexpr.steps.course import common_engine
from flyexpr.steps.stats import Stats, counted
from flyexpr.steps.step import OnDisk, Step, Steps, Together
from flyexpr.values.answers import body_of

R = TypeVar("R")


def awaitable(engine: Any) -> Engine:
    """The engine, where it is one that can be awaited.

    >>> awaitable(connect("sqlite::memory:"))
    Traceback (most recent call last):
    ...
    flyexpr.errors.FlyexprError: <engine sqlite::memory:> cannot be awaited; bind the table with table.on(aio.connect...
    """
    # Whether an engine is ours is asked first: to look at its functions takes 1 µs longer.
    if (
        isinstance(engine, Awaited)
        or iscoroutinefunction(engine)
        or iscoroutinefunction(getattr(engine, "__call__", None))  # noqa: B004
    ):
        return engine  # type: ignore[no-any-return]
    raise FlyexprError(
        f"{engine!r} cannot be awaited; bind the table with table.on(aio.connect(...)), "
        "or use the functions of flyexpr itself"
    )


async def drive(steps: Steps[R], engine: Engine) -> R:
    """The result of the steps, their requests sent to an engine one by one.

    >>> from flyexpr.steps.items import get
    >>> async def answer(operation, body):
    ...     return b'{"Item":{"id":{"S":"a"}}}'
    >>> asyncio.run(drive(get(Table("t", "id"), get_item("a")), answer))
    {'id': 'a'}
    """
    return await driven_awaited(steps, _answer, engine, FlyexprError)


async def _answer(engine: Engine, step: Step) -> bytes | None:
    if isinstance(step, Request):
        return await asked(engine, step)
    if isinstance(step, Pause):
        await asyncio.sleep(noted(step))
    elif isinstance(step, Together):
        await _do_together(step, engine)
    else:
        await _done_on_disk(step)
    return None


async def _done_on_disk(step: OnDisk) -> None:
    """Does the work in a thread; who is cancelled meanwhile waits until it has ended, so that nothing is half done."""
    work = asyncio.ensure_future(asyncio.to_thread(step.work))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        raise


async def _do_together(step: Together, engine: Engine) -> None:
    """Does the units of a step, each in a task; see flyexpr.doors.threads.do_together.

    Who is cancelled gives up those under way, or waits until they have ended, if they must end.
    """
    flying = set[asyncio.Task[Any]]()
    failures: list[BaseException] = []
    try:
        while flying or not failures:
            while not failures and len(flying) < step.workers and (unit := next(step.units, None)) is not None:
                flying.add(asyncio.create_task(drive(unit, engine)))
            if not flying:
                return
            landed, flying = await asyncio.wait(flying, return_when=asyncio.FIRST_COMPLETED)
            for task in landed:
                try:
                    step.note(task.result())
                except BaseException as failure:  # a unit that is not noted would count as not done
                    failures.append(failure)
    except asyncio.CancelledError:
        if step.must_end and flying:  # who is cancelled a second time does not wait for them
            await asyncio.wait(flying)
        raise
    finally:
        await given_up(flying)
    raise failures[0]


async def perform(steps: Steps[R], tables: Sequence[Table[Any]], stats: Stats | None = None) -> R:
    """The result of the steps on the engine of the tables; an error for a missing table names it."""
    if stats is not None:
        steps = counted(steps, stats)
    try:
        return await driven_awaited(steps, _answer, awaitable(common_engine(tables)), FlyexprError)
    except DynamoError as error:
        add_tables(error, tables)
        raise


async def in_bulk(steps: Steps[R], tables: Sequence[Table[Any]], bulk: Bulk) -> R:
    try:
        return await perform(steps, tables)
    finally:
        bulk.release()


async def asked(engine: Engine, request: Request) -> bytes:
    """The engine's answer to one request."""
    answer = await engine(request.operation, request.body)
    return answer if type(answer) is bytes else body_of(answer)


async def given_up(tasks: Iterable[asyncio.Task[bytes]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
