"""An error with its whole text."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest


@contextmanager
def raises(kinds: Any, text: str) -> Iterator[pytest.ExceptionInfo[Any]]:
    """Like `pytest.raises`, with the whole text of the error: `match=` is content with a part of it.

    >>> with raises(ValueError, "invalid literal for int() with base 10: 'x'"):
    ...     int("x")
    """
    with pytest.raises(kinds) as caught:
        yield caught
    assert str(caught.value) == text
