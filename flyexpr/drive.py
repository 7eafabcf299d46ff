"""Steps driven to their end: a generator yields what it wants, and is sent the answer or has the error thrown in.

The same loop stands here three times, because `await` and `yield from` cannot be arguments. A step is answered by
`answer(source, step)`, and not by a closure, which would cost 0.3 us more for each request.

What is waited for, and why, goes to the log `flyexpr`: never a part of a key or an item.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

from flyexpr.records import record

C = TypeVar("C")
S = TypeVar("S")
R = TypeVar("R")


DEBUG, INFO, WARNING = 10, 20, 30  # levels of the log


@record(hidden=("why", "level"))
class Pause:
    """A wait before the next request, in seconds; `why` is for the log.

    >>> Pause(0.1, "PutItem: ThrottlingException").seconds
    0.1
    """

    seconds: float
    why: str = ""
    level: int = INFO


def noted(pause: Pause) -> float:
    """The seconds of a pause, once the log has the reason for it."""
    if pause.why:
        note(pause.level, "%s; again in %.2f s", pause.why, pause.seconds)
    return pause.seconds


def note(level: int, text: str, *arguments: object) -> None:
    """Writes to the log `flyexpr`, which is silent until the program sets up `logging`.

    >>> note(WARNING, "no answer from %s", "localhost:8000")

    `logging` is not imported for it: a program that has not imported it reads no log.
    """
    logging = sys.modules.get("logging")
    if logging is not None:
        log = logging.getLogger("flyexpr")
        if not log.handlers:
            log.addHandler(logging.NullHandler())  # or `logging` would print warnings by itself
        log.log(level, text, *arguments)


def driven(steps: Generator[S, Any, R], answer: Callable[[C, S], Any], source: C, caught: type[Exception]) -> R:
    """The result of the steps, each answered by a function; an error of the type `caught` goes back into the steps.

    >>> def doubled():
    ...     return 2 * (yield "number")
    >>> driven(doubled(), dict.get, {"number": 8}, LookupError)
    16

    A StopIteration of the function is not taken for the end of the steps, which it would be without a word.
    """
    try:
        step = next(steps)
        while True:
            try:
                reply = answer(source, step)
            except caught as error:
                step = steps.throw(error)
            except StopIteration as error:
                raise RuntimeError("an answer raised StopIteration") from error
            else:
                step = steps.send(reply)
    except StopIteration as end:
        result: R = end.value
        return result


async def driven_awaited(
    steps: Generator[S, Any, R], answer: Callable[[C, S], Awaitable[Any]], source: C, caught: type[Exception]
) -> R:
    """The same for answers that are awaited."""
    try:
        step = next(steps)
        while True:
            try:
                reply = await answer(source, step)
            except caught as error:
                step = steps.throw(error)
            else:
                step = steps.send(reply)
    except StopIteration as end:
        result: R = end.value
        return result


def relayed(
    steps: Generator[S, Any, R], answer: Callable[[C, S], Generator[S, Any, Any]], source: C, caught: type[Exception]
) -> Generator[S, Any, R]:
    """The same as steps again: each step is answered by steps of its own, which can see and change what it wants.

    >>> def doubled():
    ...     return 2 * (yield "number")
    >>> def renamed(names, step):
    ...     return (yield names[step])
    >>> next(relayed(doubled(), renamed, {"number": "price"}, LookupError))
    'price'
    """
    try:
        step = next(steps)
        while True:
            try:
                reply = yield from answer(source, step)
            except caught as error:
                step = steps.throw(error)
            else:
                step = steps.send(reply)
    except StopIteration as end:
        result: R = end.value
        return result
