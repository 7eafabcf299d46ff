"""How much of a server one client may use, and the refusals of a request."""

from __future__ import annotations

from typing import NamedTuple

KB, MB = 1024, 1024 * 1024


class Limits(NamedTuple):
    """Sizes are in bytes, times in seconds."""

    head: int = 16 * KB  # as in the service; also for the trailers of a chunked body, and for its chunk extensions
    head_seconds: float = 10.0  # from the first byte of a head to its last
    body: int = 16 * MB  # a batch of 25 items of 400 KB fits; a compressed body counts before and after
    body_seconds: float = 60.0  # from the end of the head to the end of the body, and as long again for its memory
    answer_seconds: float = 300.0  # from the first byte of an answer to its last
    stall_seconds: float = 60.0  # a client that sends and takes nothing for this long is cut off ...
    crowded_seconds: float = 2.0  # ... and after this long, if others wait for the memory that it holds
    idle_seconds: float = 300.0  # between two requests
    hear_seconds: float = 5.0  # a refused client may be silent for this long before its connection is closed
    precision_seconds: float = 0.2  # all times for a connection at work are this inexact
    small: int = 64 * KB  # bodies and answers up to this size need not reserve memory
    memory: int = 128 * MB  # for larger bodies and answers, all together
    work: int = 16 * MB  # for larger bodies in the engine at one time: there they take up to 25 times as much
    threads: int = 1000
    connections: int = 10_000  # further ones wait until one is closed


USUAL = Limits()


class Refused(Exception):
    """A request is refused before it reaches the engine; its connection is closed."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code, self.message = status, code, message


def malformed(message: str, status: int = 400) -> Refused:
    """The refusal of a request that is not HTTP, or is ambiguous."""
    return Refused(status, "SerializationException", message)


def too_large(most: int) -> Refused:
    """The refusal of a body over `most` bytes."""
    return Refused(413, "RequestEntityTooLargeException", f"the body of the request is larger than {most // MB} MB")


def too_slow(what: str) -> Refused:
    """The refusal of a request whose head or body does not come in time."""
    return Refused(408, "RequestTimeoutException", f"the {what} of the request takes too long to arrive")


def too_many() -> Refused:
    """The refusal of a request for which there is not enough memory now."""
    return Refused(503, "ServiceUnavailable", "too many large requests and answers at once; send it again")
