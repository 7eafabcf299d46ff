"""Engines that stand in for a service: one records the requests, another answers from a list."""

import json
from collections.abc import Callable, Iterable
from typing import Any

Engine = Callable[[str, bytes], bytes]
Wire = dict[str, Any]


class Recording:
    """An engine in front of another that records the requests.

    >>> engine = Recording(lambda operation, body: b"{}")
    >>> engine("ListTables", b'{"Limit":1}'), engine.names, engine.bodies
    (b'{}', ['ListTables'], [{'Limit': 1}])
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.asked: list[tuple[str, Wire]] = []

    def __call__(self, operation: str, body: bytes) -> bytes:
        self.asked.append((operation, json.loads(body)))
        return self.engine(operation, body)

    @property
    def names(self) -> list[str]:
        """The operations in order."""
        return [name for name, _ in self.asked]

    @property
    def bodies(self) -> list[Wire]:
        """The requests in order."""
        return [body for _, body in self.asked]


def scripted(answers: Iterable[Wire | Exception]) -> Recording:
    """An engine that gives or raises one answer after the other; a request after the last answer fails.

    >>> scripted([{"Count": 1}])("Scan", b"{}")
    b'{"Count": 1}'
    """
    waiting = iter(answers)

    def answer(operation: str, body: bytes) -> bytes:
        found = next(waiting, None)
        assert found is not None, f"asked once too often: {operation} {body!r}"
        if isinstance(found, Exception):
            raise found
        return json.dumps(found).encode()

    return Recording(answer)


def before(engine: Engine, operation: str, does: Callable[[], Any], times: int = 1) -> Engine:
    """The engine, but before its first answers to that operation something is done, such as another write."""
    left = [times]

    def answer(asked: str, body: bytes) -> bytes:
        if asked == operation and left[0]:
            left[0] -= 1
            does()
        return engine(asked, body)

    return answer
