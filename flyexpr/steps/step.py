"""The two things that steps ask their driver for: a request to send, and a pause."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

from flyexpr.drive import Pause
from flyexpr.requests.request import Request

R = TypeVar("R")
Step = Request | Pause
Steps = Generator[Step, Any, R]  # is sent the bytes that answer a Request, and None after a Pause


def backoff(attempt: int) -> Pause:
    """The wait before the `attempt`-th try again: random, so that clients spread out, up to 50 ms · 2^attempt or 10 s.

    >>> 0 <= backoff(1).seconds <= 0.1
    True
    """
    import random  # here, to keep `import flyexpr` quick

    return Pause(random.uniform(0, min(0.05 * 2**attempt, 10)))
