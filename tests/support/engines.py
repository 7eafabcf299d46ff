"""The engines that the parity tests run on: two embedded, moto in process, and the servers that run, each over both
transports.

FLYEXPR_ENDPOINTS names the servers, as "name=url name=url"; tests of an absent engine are skipped with the reason.
"""

import atexit
import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from doors import Looped

from flyexpr import aio, connect

Engine = Callable[[str, bytes], bytes]

EMBEDDED = ("embedded-memory", "embedded-file")
AWAITED = "+awaited"
SERVERS = ("dynoxide", "dynalite", "moto-server")


def endpoints(text: str) -> dict[str, str]:
    """Name and URL of each server in `text`.

    >>> endpoints("dynalite=http://127.0.0.1:8001 mine=http://127.0.0.1:8002")
    {'dynalite': 'http://127.0.0.1:8001', 'mine': 'http://127.0.0.1:8002'}
    """
    return dict(pair.split("=", 1) for pair in text.split())


ENDPOINTS = endpoints(os.environ.get("FLYEXPR_ENDPOINTS", ""))
BY_BOTOCORE = "+botocore"
NAMES = (
    *EMBEDDED,
    EMBEDDED[0] + AWAITED,
    "moto",
    *dict.fromkeys((*SERVERS, *ENDPOINTS)),
    *(name + way for way in (BY_BOTOCORE, AWAITED) for name in ENDPOINTS),
)


def without_transport(name: str) -> str:
    """The name of the engine itself: it has the same faults over both transports and through both doors.

    >>> without_transport("dynalite+botocore"), without_transport("embedded-memory+awaited")
    ('dynalite', 'embedded-memory')
    """
    return name.removesuffix(BY_BOTOCORE).removesuffix(AWAITED)


def absence(name: str) -> str | None:
    """Why the engine cannot take part, or None."""
    if without_transport(name) in EMBEDDED or without_transport(name) in ENDPOINTS:
        return None
    if name == "moto":
        return None if importlib.util.find_spec("moto") else "moto is not installed"
    return "not in FLYEXPR_ENDPOINTS"


@contextmanager
def opened(name: str) -> Iterator[Engine]:
    """The engine, new and empty; a server is shared by all tests."""
    if name == "moto":
        import moto

        with moto.mock_aws():
            yield by_botocore("dynamodb://us-east-1?transport=botocore")
    elif name.endswith(BY_BOTOCORE):
        yield by_botocore(url(name, Path()))
    else:
        with TemporaryDirectory() as folder, closing(connected_to(name, Path(folder))) as engine:
            yield engine


@cache
def by_botocore(url: str) -> Engine:
    """The engine of that URL, which all tests share: it keeps only connections, and to make one takes 0.15 s of CPU."""
    engine: Any = connect(url)
    atexit.register(engine.close)
    return engine  # type: ignore[no-any-return]


def url(name: str, folder: Path) -> str:
    """The URL of the engine of that name."""
    if without_transport(name) in EMBEDDED:
        return "sqlite::memory:" if without_transport(name) == "embedded-memory" else f"sqlite:{folder / 'engine.db'}"
    return ENDPOINTS[without_transport(name)] + ("?transport=botocore" if name.endswith(BY_BOTOCORE) else "")


def connected_to(name: str, folder: Path) -> Engine:
    """The engine of that name, through the door that the name says."""
    engine: Engine = Looped(aio.connect(url(name, folder))) if name.endswith(AWAITED) else connect(url(name, folder))
    return engine


@contextmanager
def closing(engine: Engine) -> Iterator[Engine]:
    """The engine, which is closed afterwards if it can be; a plain function is an engine too."""
    try:
        yield engine
    finally:
        getattr(engine, "close", lambda: None)()
