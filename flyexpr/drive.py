"""Steps driven to their end: a generator yields what it wants, and is sent the answer or has the error thrown in.

The same loop stands here three times, because `await` and `yield from` cannot be arguments.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, TypeVar

S = TypeVar("S")
R = TypeVar("R")


def driven(steps: Generator[S, Any, R], answer: Callable[[S], Any], caught: type[Exception]) -> R:
    """The result of the steps, each answered by a function; an error of the type `caught` goes back into the steps.

    >>> def doubled():
    ...     return 2 * (yield "a number")
    >>> driven(doubled(), len, LookupError)
    16
    """
    resume: Any = steps.send
    argument = None
    try:
        while True:
            step = resume(argument)
            try:
                resume, argument = steps.send, answer(step)
            except caught as error:
                resume, argument = steps.throw, error
    except StopIteration as end:
        result: R = end.value
        return result


async def driven_awaited(
    steps: Generator[S, Any, R], answer: Callable[[S], Awaitable[Any]], caught: type[Exception]
) -> R:
    """The same for answers that are awaited."""
    resume: Any = steps.send
    argument = None
    try:
        while True:
            step = resume(argument)
            try:
                resume, argument = steps.send, await answer(step)
            except caught as error:
                resume, argument = steps.throw, error
    except StopIteration as end:
        result: R = end.value
        return result


def relayed(
    steps: Generator[S, Any, R], answer: Callable[[S], Generator[S, Any, Any]], caught: type[Exception]
) -> Generator[S, Any, R]:
    """The same as steps again: each answer is found by steps of its own, so what one wants can be seen and changed.

    >>> def doubled():
    ...     return 2 * (yield "a number")
    >>> def loudly(step):
    ...     return (yield step.upper())
    >>> next(relayed(doubled(), loudly, LookupError))
    'A NUMBER'
    """
    resume: Any = steps.send
    argument = None
    try:
        while True:
            step = resume(argument)
            try:
                resume, argument = steps.send, (yield from answer(step))
            except caught as error:
                resume, argument = steps.throw, error
    except StopIteration as end:
        result: R = end.value
        return result
