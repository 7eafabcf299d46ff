"""Runs tests that are written for the plain door through `flyexpr.aio`, in an event loop of another thread.

If the name of a test's engine ends in `+awaited`, the fixture `door` replaces the functions that the test's module
imported by those of `flyexpr.aio`.
"""

import asyncio
import inspect
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

import flyexpr
from flyexpr import Table, aio, connect
from flyexpr.records import replace


class Looped:
    """Makes a plain engine of an awaited one, which runs in a loop of its own."""

    def __init__(self, engine: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="loop", daemon=True)
        self._thread.start()
        self.awaited = engine

    def wait(self, awaitable: Any) -> Any:
        """The result of the awaitable."""

        async def waited() -> Any:
            return await awaitable

        if self.loop.is_closed():  # tests call closed engines too
            return asyncio.run(waited())
        return asyncio.run_coroutine_threadsafe(waited(), self.loop).result(60)

    def __call__(self, operation: str, body: bytes) -> bytes:
        answer: bytes = self.wait(self.awaited(operation, body))
        return answer

    def close(self) -> None:
        """Closes the engine and ends the loop."""
        if self.loop.is_closed():
            return
        self.wait(self.awaited.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    def __enter__(self) -> "Looped":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<looped {self.awaited!r}>"


def connected(url: str, transport: str) -> Any:
    """The engine of a URL with a transport: `direct`, `botocore`, or `awaited` for `direct` in a loop."""
    full = f"{url}{'&' if '?' in url else '?'}transport={'direct' if transport == 'awaited' else transport}"
    return Looped(aio.connect(full)) if transport == "awaited" else connect(full)


class LoopedItems(Iterator[Any]):
    """Wraps `aio.Items` for a plain `for`."""

    def __init__(self, engine: Looped, items: aio.Items) -> None:
        self._engine, self._items = engine, items

    def __next__(self) -> Any:
        async def taken() -> Any:  # created in the loop, so that the loop ends an iterator that is dropped
            return await anext(self._items)

        try:
            return self._engine.wait(taken())
        except StopAsyncIteration:
            raise StopIteration from None

    def page(self, most: int) -> Any:
        return self._engine.wait(self._items.page(most))

    def rest(self) -> Any:
        return self._engine.wait(self._items.rest())

    def close(self) -> None:
        self._engine.wait(self._items.aclose())

    def __enter__(self) -> "LoopedItems":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._items, name)


def through_the_loop(module: ModuleType, patch: pytest.MonkeyPatch) -> None:
    """Replaces the plain functions that the module imported by the awaited ones."""
    for name in aio.__all__:
        plain = getattr(flyexpr, name, None)
        if inspect.isfunction(plain) and getattr(module, name, None) is plain and name != "connect":
            patch.setattr(module, name, looped(getattr(aio, name), plain))


def looped(awaited: Callable[..., Any], plain: Callable[..., Any]) -> Callable[..., Any]:
    """The awaited function for tables of a `Looped` engine, the plain one for others."""

    def call(*arguments: Any, **refinements: Any) -> Any:
        engines = [each.engine for each in tables_in(arguments) if isinstance(each.engine, Looped)]
        if not engines:
            return plain(*arguments, **refinements)
        engine = engines[0]
        result = awaited(*rebound(arguments), **refinements)
        if isinstance(result, aio.Items):
            return LoopedItems(engine, result)
        result = engine.wait(result)
        return result.on(engine) if isinstance(result, Table) else result

    return call


def tables_in(value: Any) -> Iterator[Table]:
    """All tables in the arguments: alone, in pairs, in transactions."""
    if isinstance(value, Table):
        yield value
    elif isinstance(value, (tuple, list)):
        for one in value:
            yield from tables_in(one)
    elif hasattr(value, "operations"):
        yield from tables_in(value.operations)


def rebound(value: Any) -> Any:
    """The arguments with every table bound to the awaited engine itself."""
    if isinstance(value, Table):
        return value.on(value.engine.awaited) if isinstance(value.engine, Looped) else value
    if isinstance(value, (tuple, list)):
        return type(value)(map(rebound, value))
    if type(value).__name__.startswith("Transact"):
        return replace(value, operations=rebound(value.operations))
    return value
