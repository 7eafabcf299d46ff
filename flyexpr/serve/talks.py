"""One connection: reads its requests one after the other, and answers them."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import NamedTuple

from flyexpr.byte_readers import RECEIPT, read
from flyexpr.engine import READS, Engine
from flyexpr.serve.answers import Answer, ask, compressed, head_of, operation_of, refusal, without_engine
from flyexpr.serve.bodies import inflate, read_body
from flyexpr.serve.heads import Head, read_head
from flyexpr.serve.hosts import is_own_origin
from flyexpr.serve.limits import Limits, Refused, too_large, too_slow
from flyexpr.serve.line import Line, Patience
from flyexpr.serve.memory import Memory, Share


class Shared(NamedTuple):
    """What all connections of a server share."""

    engine: Engine
    accepts: Callable[[str], bool]
    limits: Limits
    memory: Memory  # for large bodies and answers
    work: Memory  # for large bodies in the engine
    console: Callable[[Head, bytes], Answer] | None = None  # answers what is asked below /console/


class Talk:
    """A connection; `since` is the time of its last request."""

    def __init__(self, connection: socket.socket, shared: Shared) -> None:
        self._shared, self._limits = shared, shared.limits
        self._line = Line(connection, shared.limits.linger_seconds)
        self._rest = bytearray()
        self.since = time.monotonic()

    @property
    def pending(self) -> bool:
        """True if the next request, or a part of it, has come already."""
        return bool(self._rest)

    def fileno(self) -> int:
        """For a selector."""
        return self._line.fileno()

    def close(self) -> None:
        """Closes at once."""
        self._line.close()

    def go_on(self, others_wait: Callable[[], bool]) -> bool:
        """Answers requests until the client is silent or other connections wait; False if it closed the connection."""
        try:
            while True:
                if not self._rest:
                    piece = self._line.glance(RECEIPT)
                    if piece is None:
                        return True
                    self._rest += piece
                if not self._rest or not self._one():
                    break
                self.since = time.monotonic()
                if others_wait():
                    return True
            self._line.end(self._limits.body_seconds, self._limits.hear_seconds)
        except OSError:  # the client is gone
            pass
        except BaseException:  # it ends the thread, and nothing else would close the connection
            self.close()
            raise
        self.close()
        return False

    def _one(self) -> bool:
        """Reads and answers one request; True if another may follow."""
        head = None
        with Share(self._shared.memory, self._limits.body_seconds) as share:
            try:
                head = self._head()
                if head is None:
                    return False
                self._check_origin(head)
                answer = self._answer(head, self._body(head, share), share)
                share.shrink(self._memory_for(len(answer.body)))
            except Refused as refused:
                self._send(refusal(refused), share, head and head._replace(keep=False))
                return False
            self._send(answer, share, head)
            return head.keep

    def _memory_for(self, size: int) -> int:
        return size if size > self._limits.small else 0

    def _patience(self, share: Share) -> Patience:
        return lambda: self._limits.crowded_seconds if share.wanted else self._limits.stall_seconds

    def _head(self) -> Head | None:
        until, patience = time.monotonic() + self._limits.head_seconds, lambda: self._limits.head_seconds
        try:
            return read(
                read_head(self._rest, self._limits.head), lambda size: self._line.receive(size, until, patience)
            )
        except TimeoutError:
            raise too_slow("head") from None

    def _check_origin(self, head: Head) -> None:
        # A web page from anywhere can make a browser send a POST here, but the browser adds the Origin.
        origin = head.headers.get("origin")
        if origin is not None and not (
            self._is_for_console(head) and is_own_origin(origin, head.headers.get("host", ""))
        ):
            raise Refused(403, "AccessDeniedException", "requests from web pages are not served")
        if not self._shared.accepts(head.host):
            hint = "allow another host with serve(..., hosts=[...]) or `flyexpr serve --allow-host`"
            raise Refused(
                403, "AccessDeniedException", f"the server does not answer to the host {head.host!r}\n  hint: {hint}"
            )

    def _is_for_console(self, head: Head) -> bool:
        return self._shared.console is not None and head.path.startswith("/console/")

    def _body(self, head: Head, share: Share) -> bytes:
        if head.length == 0:
            return b""
        most = self._limits.body if head.length is None else head.length
        if most > self._limits.body:
            raise too_large(self._limits.body)
        if head.expects:
            self._line.send(b"HTTP/1.1 100 Continue\r\n\r\n", self._until_answered(), self._patience(share))
        codings = head.headers.get("content-encoding", "")
        try:
            body = self._received(head, share, most + self._limits.body if codings else most)
        except TimeoutError:
            raise too_slow("body") from None
        if codings:
            body = self._inflated(body, codings, share)
        share.shrink(self._memory_for(len(body)))
        return body

    def _until_answered(self) -> float:
        return time.monotonic() + self._limits.answer_seconds

    def _received(self, head: Head, share: Share, need: int) -> bytes:
        """The body as it was sent; all the memory that it may need is taken once it is more than a small one."""
        seen, patience = len(self._rest), self._patience(share)
        until = time.monotonic() + self._limits.body_seconds

        def receive(size: int) -> bytes:
            nonlocal seen, until
            if seen > self._limits.small and not share.size:
                share.grow(need)
                until = time.monotonic() + self._limits.body_seconds
            piece = self._line.receive(size, until, patience)
            seen += len(piece)
            return piece

        return read(read_body(self._rest, head.length, self._limits), receive)

    def _inflated(self, body: bytes, codings: str, share: Share) -> bytes:
        if not share.size:
            try:
                return inflate(body, codings, self._limits.small)
            except Refused as refused:
                if refused.status != 413:
                    raise
            share.grow(self._limits.body)
        return inflate(body, codings, self._limits.body)

    def _answer(self, head: Head, body: bytes, share: Share) -> Answer:
        """The answer; a large one takes shared memory, because its client may be slow to receive it."""
        answer, operation = self._asked(head, body), operation_of(head)
        size = self._memory_for(len(answer.body))
        if not share.grown(size, 0):
            if operation in READS:
                del answer
                share.grow(size)
                return self._asked(head, body)
            share.grown(size, self._limits.body_seconds)  # a write that was done is answered in any case
        return answer

    def _asked(self, head: Head, body: bytes) -> Answer:
        with Share(self._shared.work, self._limits.body_seconds) as turn:
            turn.grow(self._memory_for(len(body)))
            if self._shared.console is not None and self._is_for_console(head):
                return self._shared.console(head, body)
            return without_engine(head, body) or ask(self._shared.engine, head, body)

    def _send(self, answer: Answer, share: Share, head: Head | None) -> None:
        coding, body = compressed(answer.body, head.headers.get("accept-encoding", "") if head else "")
        start = head_of(
            answer._replace(body=body), coding, head is not None and head.keep, head is not None and head.old
        )
        until, patience = self._until_answered(), self._patience(share)
        if head and head.method == "HEAD":
            body = b""
        if len(body) <= self._limits.small:
            self._line.send(start + body, until, patience)
        else:
            self._line.send(start, until, patience)
            self._line.send(body, until, patience)
