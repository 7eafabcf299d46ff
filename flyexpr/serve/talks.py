"""One connection: reads its requests one after the other, and answers them."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from flyexpr.byte_readers import RECEIPT, read
from flyexpr.engine import READS
from flyexpr.serve.answers import Answer, ask, compressed, head_of, kept, operation_of, refusal, without_engine
from flyexpr.serve.bodies import inflate, read_body
from flyexpr.serve.heads import Head, read_head
from flyexpr.serve.known import Known
from flyexpr.serve.limits import Refused, too_large, too_slow
from flyexpr.serve.line import Line, Patience
from flyexpr.serve.memory import Share
from flyexpr.serve.shared import Shared


class Talk:
    """A connection; `since` is the time of its last request."""

    def __init__(self, connection: socket.socket, shared: Shared) -> None:
        self._shared, self._limits = shared, shared.limits
        self._line = Line(connection, shared.limits.precision_seconds)
        self._rest = bytearray()
        self._owed = b""  # the end of an answer
        self._unkept: tuple[Answer, Head, int] | None = None  # what `at_once` has done, but the disk not yet
        self._asking = ""  # the operation that the engine does, until it is known whether that takes long
        self.since = time.monotonic()

    @property
    def pending(self) -> bool:
        """True if `go_on` has something to do: a request, or a part of it, has come, or an answer is not yet sent."""
        return bool(self._rest or self._owed)

    @property
    def unkept(self) -> bool:
        """True if `answer_kept` has something to do: an answer waits for the disk."""
        return self._unkept is not None

    def fileno(self) -> int:
        """For a selector."""
        return self._line.fileno()

    def close(self) -> None:
        """Closes at once."""
        self._line.close()

    def at_once(self) -> bool:
        """Reads what has come, and answers it if nothing keeps it waiting; False if the connection is over.

        That is so for a plain request of a known client, to an operation that is quick, if it has come whole. Then
        reading and answering take 15 µs beside the engine's time and the system's; in `go_on` they take 40, and the
        hand-over to its thread 50. If the answer has to wait for the disk, the connection is `unkept` then. After
        everything else it is `pending`.
        """
        try:
            data = self._line.take(RECEIPT)
            if not data:
                return data is None
            asked = self._shared.known.read(data)
            answer = asked and self._quickly(*asked)
            if asked and answer:
                if number := self._unkept_number(asked[0].operation, answer):
                    self._unkept = answer, asked[0].head, number
                else:
                    self._send_at_once(answer, asked[0].head)
            else:
                self._rest += data
            return True
        except OSError:  # the client is gone
            return False

    def answer_kept(self) -> bool:
        """Waits for the disk, then sends what can be sent without waiting; False if the connection is over.

        One thread does this for all connections: writes that are done while it waits share the next wait.
        """
        assert self._unkept is not None
        (answer, head, number), self._unkept = self._unkept, None
        try:
            self._send_at_once(self._kept(answer, head, number), head)
            return True
        except OSError:  # the client is gone
            return False

    def _send_at_once(self, answer: Answer, head: Head) -> None:
        message = b"".join(_message(answer, head))
        self._owed = message[self._line.put(message) :]
        self.since = time.monotonic()

    def _unkept_number(self, operation: str, answer: Answer) -> int:
        """The number for `keep`; 0 for an answer that need not wait for the disk."""
        keeper = self._shared.keeper
        return keeper.written if keeper is not None and operation not in READS and answer.status == 200 else 0

    def _kept(self, answer: Answer, head: Head, number: int) -> Answer:
        keeper = self._shared.keeper
        return kept(answer, head, lambda: keeper.keep(number)) if keeper is not None and number else answer

    def late(self) -> None:
        """Says, from another thread, that `at_once` takes long: if that comes again, the next ones do not try it."""
        if operation := self._no_more_asking():
            self._shared.durations.late(operation)

    def _no_more_asking(self) -> str:
        operation, self._asking = self._asking, ""
        return operation

    def _quickly(self, known: Known, body: bytes) -> Answer | None:
        """The answer; None if the engine may take long, or if the answer is large and can be asked for again."""
        if not self._shared.durations.is_quick(known.operation):
            return None
        answer = self._timed(known.head, known.operation, body)
        return None if self._memory_for(len(answer.body)) and known.operation in READS else answer

    def go_on(self, others_wait: Callable[[], bool]) -> bool:
        """Answers what has come, until nothing is left or other connections wait; False if it closed the connection."""
        try:
            self._line.wait()
            if self._owed:
                self._pay()
            while self._rest:
                if not self._one():
                    self._line.end(self._limits.body_seconds, self._limits.hear_seconds)
                    return False
                self.since = time.monotonic()
                if others_wait():
                    break
            self._line.wait_no_more()
            return True
        except OSError:  # the client is gone
            self.close()
            return False
        except BaseException:  # it ends the thread, and nothing else would close the connection
            self.close()
            raise

    def _pay(self) -> None:
        owed, self._owed = self._owed, b""
        with Share(self._shared.memory, self._limits.body_seconds) as share:
            share.grown(self._memory_for(len(owed)), self._limits.body_seconds)
            self._line.send(owed, self._until_answered(), self._patience(share))

    def _one(self) -> bool:
        """Reads and answers one request; True if another may follow."""
        head = None
        with Share(self._shared.memory, self._limits.body_seconds) as share:
            try:
                head = self._head()
                if head is None:
                    return False
                self._shared.check(head)
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
        answer = self._kept(answer, head, self._unkept_number(operation, answer))
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
            if console := self._shared.console_for(head):
                return console(head, body)
            return without_engine(head, body) or self._timed(head, operation_of(head), body)

    def _timed(self, head: Head, operation: str, body: bytes) -> Answer:
        began, self._asking = time.monotonic(), operation
        answer = ask(self._shared.engine, head, body)
        if self._no_more_asking():
            self._shared.durations.note(operation, time.monotonic() - began)
        return answer

    def _send(self, answer: Answer, share: Share, head: Head | None) -> None:
        start, body = _message(answer, head)
        until, patience = self._until_answered(), self._patience(share)
        if len(body) <= self._limits.small:
            self._line.send(start + body, until, patience)
        else:
            self._line.send(start, until, patience)
            self._line.send(body, until, patience)


def _message(answer: Answer, head: Head | None) -> tuple[bytes, bytes]:
    """The head and the body of an answer as they are sent; the request's head is None if it was not understood."""
    if head is None:
        return head_of(answer, "", False, False), answer.body
    coding, body = compressed(answer.body, head.headers.get("accept-encoding", ""))
    start = head_of(answer._replace(body=body) if coding else answer, coding, head.keep, head.old)
    return start, b"" if head.method == "HEAD" else body
