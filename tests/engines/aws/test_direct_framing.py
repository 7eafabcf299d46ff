"""Answers are read whole or not at all, whatever parts they come in."""

from collections.abc import Callable, Iterable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from raised import raises

from flyexpr.engines.aws.framing import MAX_BODY, MAX_HEAD, Answer, Malformed, read_answer

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWERS = {
    "plain": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
    "empty": (b"HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", b""),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n\r\n", b"\r\n"),
    "chunked": (CHUNKED + b"3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n", b"hello"),
    "trailer": (CHUNKED + b"A\r\n\r\n\r\n0\r\n\r\n:\r\n00\r\nA: b\r\nC: d\r\n\r\n", b"\r\n\r\n0\r\n\r\n:"),
    "continued": (b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!", b"!"),
    "no content": (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
}
MALFORMED = {
    "nothing": b"",
    "not HTTP": b"SSH-2.0\r\n\r\n",
    "a later HTTP": b"HTTP/2 200\r\nContent-Length: 0\r\n\r\n",
    "a status of letters": b"HTTP/1.1 ABC OK\r\n\r\n",
    "bare line feeds": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "a header without a colon": b"HTTP/1.1 200 OK\r\nContent-Length\r\n\r\n",
    "a header without a name": b"HTTP/1.1 200 OK\r\n: 5\r\n\r\n",
    "a space before the colon": b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
    "a folded header": b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "a signed length": b"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\n!",
    "a length of other digits": "HTTP/1.1 200 OK\r\nContent-Length: ²\r\n\r\n".encode("latin-1"),
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n!!",
    "a length out of reason": b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1),
    "a length of many digits": b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "an unknown encoding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a chunk of no size": CHUNKED + b"\r\nhello\r\n0\r\n\r\n",
    "a chunk of odd size": CHUNKED + b"0x5\r\nhello\r\n0\r\n\r\n",
    "a chunk of a larger size": CHUNKED + b"3\r\nhello\r\n0\r\n\r\n",
    "chunks out of reason": CHUNKED + b"FFFFFFFF\r\n",
    "a head out of reason": b"HTTP/1.1 200 OK\r\nA: " + b"x" * MAX_HEAD + b"\r\n\r\n",
    "a head without end": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * MAX_HEAD,
    "headers without number": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 101 + b"\r\n",
    "trailers without number": CHUNKED + b"0\r\n" + b"A: b\r\n" * 101 + b"\r\n",
}


def receiving(pieces: Iterable[bytes]) -> Callable[[int], bytes]:
    """Gives the parts one by one, as a socket would, and smaller ones if less is asked for; then the end."""
    left = [piece for piece in pieces if piece]

    def receive(size: int) -> bytes:
        if not left:
            return b""
        piece, rest = left[0][:size], left[0][size:]
        left[:1] = [rest] if rest else []
        return piece

    return receive


@st.composite
def cut(draw: st.DrawFn) -> tuple[str, list[bytes]]:
    """The name of an answer, and its bytes cut anywhere."""
    name = draw(st.sampled_from(sorted(ANSWERS)))
    text = ANSWERS[name][0]
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    return name, [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


@given(cut())
def test_the_pieces_do_not_matter(pieces: tuple[str, list[bytes]]) -> None:
    name, parts = pieces
    answer = read_answer(receiving(parts))
    assert (answer.body, answer.reusable) == (ANSWERS[name][1], True)


@pytest.mark.parametrize("name", ANSWERS)
def test_no_part_of_an_answer_is_an_answer(name: str) -> None:
    text = ANSWERS[name][0]
    for end in range(len(text)):
        with pytest.raises(Malformed):
            read_answer(receiving([text[:end]]))


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_answer(name: str) -> None:
    with pytest.raises(Malformed):
        read_answer(receiving([MALFORMED[name]]))


@given(st.binary(max_size=300))
def test_noise_is_no_answer_and_no_other_error(noise: bytes) -> None:
    for text in (noise, b"HTTP/1.1 200 OK\r\n" + noise, CHUNKED + noise):
        with suppress(Malformed):
            assert isinstance(read_answer(receiving([text])), Answer)


def test_headers_are_named_in_lower_case_and_joined() -> None:
    answer = read_answer(receiving([b"HTTP/1.1 404 X\r\nA: 1\r\na:  2 \r\nContent-Length: 0\r\n\r\n"]))
    assert (answer.status, answer.headers) == (404, {"a": "1, 2", "content-length": "0"})


@pytest.mark.parametrize(
    "text",
    [
        b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n\r\n!",
        b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n!",
        b"HTTP/1.1 200 OK\r\n\r\n!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n!HTTP/1.1 200 OK",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n1\r\n!\r\n0\r\n\r\n",
    ],
)
def test_connections_that_are_not_used_again(text: bytes) -> None:
    answer = read_answer(receiving([text]))
    assert (answer.body, answer.reusable) == (b"!", False)


def test_an_answer_without_a_length_in_pieces() -> None:
    pieces = [b"HTTP/1.1 200 OK\r\n\r\n{", b'"a"', b":", b"1}"]
    answer = read_answer(receiving(pieces))
    assert (answer.body, answer.reusable, answer.early) == (b'{"a":1}', False, False)


@pytest.mark.parametrize("end", [0, 1])
def test_an_answer_without_a_length_has_a_limit(end: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flyexpr.engines.aws.framing.MAX_BODY", 1000)
    pieces = [b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 600, b"x" * 400, b"x" * end]
    if end:
        with raises(Malformed, "the answer is longer than 1000 bytes"):
            read_answer(receiving(pieces))
    else:
        assert len(read_answer(receiving(pieces)).body) == 1000


@pytest.mark.parametrize("more", [0, 1])
@pytest.mark.parametrize("length", ["Content-Length", "chunks"])
def test_the_largest_answer(length: str, more: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flyexpr.engines.aws.framing.MAX_BODY", 1000)
    body = b"x" * (1000 + more)
    chunks = CHUNKED + b"1F4\r\n" + body[:500] + b"\r\n%X\r\n" % (500 + more) + body[500:] + b"\r\n0\r\n\r\n"
    text = chunks if length == "chunks" else b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    if more:
        with raises(Malformed, "the answer is longer than 1000 bytes"):
            read_answer(receiving([text]))
    else:
        assert read_answer(receiving([text])).body == body


@pytest.mark.parametrize("count, fits", [(100, True), (101, False)])
def test_the_most_headers_and_trailers(count: int, fits: bool) -> None:
    lines = b"A: b\r\n" * count
    for text in (b"HTTP/1.1 204 X\r\n" + lines + b"\r\n", CHUNKED + b"0\r\n" + lines[:-6] + b"\r\n"):
        if fits:
            assert read_answer(receiving([text])).body == b""
        else:
            where = " after its body" if text.startswith(CHUNKED) else ""
            with raises(Malformed, f"the answer has more than 100 headers{where}"):
                read_answer(receiving([text]))


# The whole error text for some of them.
SAID = {
    "nothing": "the connection was closed before the answer was whole",
    "not HTTP": "the answer begins with 'SSH-2.0', not with an HTTP status",
    "a header without a colon": "the header line 'Content-Length' of the answer is not `name: value`",
    "a negative length": "the Content-Length '-1' of the answer is not a number of bytes",
    "an unknown encoding": "the Transfer-Encoding 'gzip, chunked' of the answer is not `chunked`",
    "a chunk of odd size": "a chunk of the answer begins with b'0x5', not with its size",
    "a chunk of a larger size": "a chunk of the answer has another length than its size says",
    "a head out of reason": f"the head of the answer is longer than {MAX_HEAD} bytes",
    "a head without end": f"the head of the answer is longer than {MAX_HEAD} bytes",
    "trailers without number": "the answer has more than 100 headers after its body",
}


@pytest.mark.parametrize("name", SAID)
def test_what_is_said(name: str) -> None:
    with pytest.raises(Malformed) as caught:
        read_answer(receiving([MALFORMED[name]]))
    assert str(caught.value) == SAID[name]
