"""What one client may take of a server, and the refusal of a request."""

from __future__ import annotations

from typing import NamedTuple

KB, MB = 1024, 1024 * 1024


class Limits(NamedTuple):
    """Sizes are in bytes, times in seconds."""

    head: int = 16 * KB  # as the service; the trailers of a body in chunks, and its chunk extensions, have as much
    head_seconds: float = 10.0  # from the first byte of a head to its last
    body: int = 16 * MB  # a batch of 25 items of 400 KB fits; a compressed body counts before and after
    body_seconds: float = 60.0  # from the end of the head to the end of the body, and as long again for its place
    answer_seconds: float = 300.0  # from the first byte of an answer to its last
    stall_seconds: float = 60.0  # a client that sends or takes nothing for this long is given up ...
    crowded_seconds: float = 2.0  # ... and for this long while others wait for the memory that it holds
    idle_seconds: float = 300.0  # between two requests
    hear_seconds: float = 5.0  # a client that was refused may be silent for this long before the connection closes
    linger_seconds: float = 0.2  # a thread waits for the next request of its client; also how exact all times are
    small: int = 64 * KB  # bodies and answers up to here need no place
    memory: int = 128 * MB  # of larger bodies and answers, all together
    work: int = 16 * MB  # of larger bodies that the engine works on at once: there they take up to 25 times as much
    threads: int = 1000
    connections: int = 10_000  # further ones wait outside


USUAL = Limits()


class Refused(Exception):
    """A request that does not get as far as the engine; its connection is closed."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status, self.code, self.message = status, code, message


def malformed(message: str, status: int = 400) -> Refused:
    """The refusal of what is not HTTP, or not clearly so."""
    return Refused(status, "SerializationException", message)


def too_large(most: int) -> Refused:
    """The refusal of a body."""
    return Refused(413, "RequestEntityTooLargeException", f"the body of a request has at most {most // MB} MB")


def too_slow(what: str) -> Refused:
    """The refusal of a request that does not come to its end."""
    return Refused(408, "RequestTimeoutException", f"the {what} of the request takes too long to come")


def too_many() -> Refused:
    """The refusal of a request that there is not enough memory for now."""
    return Refused(503, "ServiceUnavailable", "too many large requests and answers at once; send it again")
