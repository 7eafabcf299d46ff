"""Requests byte by byte: the status of the answer, whether the connection is kept, and what the engine gets."""

import gzip
import re
import tracemalloc
import zlib
from binascii import crc32
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from io import BytesIO

import pytest
from places import DATA
from raised import raises
from raw import CHUNKED, FIELDS, GOOD, HEAD, LINE, answered, connected, only_list_tables

from flyexpr.byte_readers import read
from flyexpr.serve import Server, serve
from flyexpr.serve.answers import operation_of
from flyexpr.serve.bodies import inflate, read_body
from flyexpr.serve.heads import Head, parse_head, read_head
from flyexpr.serve.known import KnownHeads
from flyexpr.serve.limits import USUAL, Refused, malformed

OK, BAD = "200 OK", "400 Bad Request"
NOT_FOUND, FORBIDDEN = "404 Not Found", "403 Forbidden"
LARGE = f"413 {HTTPStatus(413).phrase}"  # Python 3.13 has another word for it
UNSUPPORTED, BROKEN = "415 Unsupported Media Type", "500 Internal Server Error"
KEPT, CLOSED = True, False
NO_TARGET = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n"
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n"


def fields(*more: bytes, body: bytes = b"{}") -> bytes:
    """A request with these additional fields."""
    return HEAD + b"".join(line + b"\r\n" for line in more) + b"\r\n" + body


def first_line(line: bytes) -> bytes:
    return line + b"\r\n" + FIELDS + b"Content-Length: 2\r\n\r\n{}"


def host(*lines: bytes, version: bytes = b"1.1") -> bytes:
    rest = FIELDS.partition(b"\r\n")[2]
    return b"POST / HTTP/%b\r\n" % version + b"".join(lines) + rest + b"Content-Length: 2\r\n\r\n{}"


def typed(content_type: bytes, line: bytes = LINE) -> bytes:
    """A request with another Content-Type."""
    return (
        line + HEAD[len(LINE) :].replace(b"application/x-amz-json-1.0", content_type) + b"Content-Length: 2\r\n\r\n{}"
    )


def coded(coding: bytes, body: bytes) -> bytes:
    return fields(b"Content-Encoding: " + coding, b"Content-Length: %d" % len(body), body=body)


ROWS: dict[str, tuple[bytes, str, bool]] = {
    "as it should be": (GOOD, OK, KEPT),
    "empty lines in front": (b"\r\n\r\n" + GOOD, OK, KEPT),
    "two at once": (GOOD + GOOD, OK, KEPT),
    # the first line
    "another minor version": (first_line(b"POST / HTTP/1.7"), OK, KEPT),
    "HTTP/2.0": (first_line(b"POST / HTTP/2.0"), "505 HTTP Version Not Supported", CLOSED),
    "HTTP/0.9 with a version": (first_line(b"POST / HTTP/0.9"), "505 HTTP Version Not Supported", CLOSED),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505 HTTP Version Not Supported", CLOSED),
    "HTTP/0.9": (b"GET /\r\n\r\n", BAD, CLOSED),
    "a version of two digits": (first_line(b"POST / HTTP/1.10"), BAD, CLOSED),
    "a version in small letters": (first_line(b"POST / http/1.1"), BAD, CLOSED),
    "two blanks": (first_line(b"POST  / HTTP/1.1"), BAD, CLOSED),
    "a blank at the end": (first_line(b"POST / HTTP/1.1 "), BAD, CLOSED),
    "a blank in front": (first_line(b" POST / HTTP/1.1"), BAD, CLOSED),
    "a tab": (first_line(b"POST\t/ HTTP/1.1"), BAD, CLOSED),
    "a blank in the target": (first_line(b"POST /a b HTTP/1.1"), BAD, CLOSED),
    "a method that is no token": (first_line(b"PO(ST / HTTP/1.1"), BAD, CLOSED),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", BAD, CLOSED),
    # the target
    "a query": (first_line(b"POST /?a=b HTTP/1.1"), OK, KEPT),
    "a URL": (first_line(b"POST http://localhost:8000/ HTTP/1.1"), OK, KEPT),
    "a URL without a path": (first_line(b"POST HTTP://localhost HTTP/1.1"), OK, KEPT),
    "a URL of another host": (first_line(b"POST http://evil.example/ HTTP/1.1"), FORBIDDEN, CLOSED),
    "a URL with a user": (first_line(b"POST http://a@localhost/ HTTP/1.1"), BAD, CLOSED),
    "a URL of another scheme": (first_line(b"POST ftp://localhost/ HTTP/1.1"), BAD, CLOSED),
    "another path": (first_line(b"POST /tables HTTP/1.1"), NOT_FOUND, KEPT),
    "no slash": (first_line(b"POST tables HTTP/1.1"), BAD, CLOSED),
    "a fragment": (first_line(b"POST /#a HTTP/1.1"), BAD, CLOSED),
    "a star for POST": (first_line(b"POST * HTTP/1.1"), BAD, CLOSED),
    "a target that is not ASCII": (first_line("POST /é HTTP/1.1".encode()), BAD, CLOSED),
    # the Host
    "no Host": (host(), BAD, CLOSED),
    "no Host in HTTP/1.0": (host(version=b"1.0"), OK, CLOSED),
    "two Hosts": (host(b"Host: localhost\r\n", b"Host: localhost\r\n"), BAD, CLOSED),
    "an empty Host": (host(b"Host:\r\n"), BAD, CLOSED),
    "a Host with a path": (host(b"Host: localhost/\r\n"), BAD, CLOSED),
    "two names in a Host": (host(b"Host: localhost, evil.example\r\n"), BAD, CLOSED),
    "a Host with a port": (host(b"Host: LocalHost:8000\r\n"), OK, KEPT),
    "a Host with a dot at its end": (host(b"Host: localhost.\r\n"), OK, KEPT),
    "a name below localhost": (host(b"Host: db.localhost\r\n"), OK, KEPT),
    "an address": (host(b"Host: 127.0.0.1:8000\r\n"), OK, KEPT),
    "an address of IPv6": (host(b"Host: [::1]:8000\r\n"), OK, KEPT),
    "another Host": (host(b"Host: evil.example:8000\r\n"), FORBIDDEN, CLOSED),
    "a Host that begins alike": (host(b"Host: localhost.evil.example\r\n"), FORBIDDEN, CLOSED),
    "a Host that ends alike": (host(b"Host: evillocalhost\r\n"), FORBIDDEN, CLOSED),
    "an address in a name": (host(b"Host: 127.0.0.1.evil.example\r\n"), FORBIDDEN, CLOSED),
    "an address as one number": (host(b"Host: 2130706433\r\n"), FORBIDDEN, CLOSED),
    "a page of another site": (fields(b"Origin: http://evil.example", b"Content-Length: 2"), FORBIDDEN, CLOSED),
    "a page of no site": (fields(b"Origin: null", b"Content-Length: 2"), FORBIDDEN, CLOSED),
    # fields
    "blanks around a value": (fields(b"Content-Length: \t 2 \t"), OK, KEPT),
    "an empty value": (fields(b"A:", b"Content-Length: 2"), OK, KEPT),
    "names in any case": (fields(b"cONTENT-lENGTH: 2"), OK, KEPT),
    "a value that is not ASCII": (fields("A: é".encode(), b"Content-Length: 2"), OK, KEPT),
    "a blank before the colon": (fields(b"Content-Length : 2"), BAD, CLOSED),
    "a tab before the colon": (fields(b"Content-Length\t: 2"), BAD, CLOSED),
    "no colon": (fields(b"nothing", b"Content-Length: 2"), BAD, CLOSED),
    "no name": (fields(b": a", b"Content-Length: 2"), BAD, CLOSED),
    "a folded line": (fields(b"A: b", b" c", b"Content-Length: 2"), BAD, CLOSED),
    "a folded first line": (fields(b" A: b", b"Content-Length: 2"), BAD, CLOSED),
    "a line of blanks": (fields(b" ", b"Content-Length: 2"), BAD, CLOSED),
    "a bare CR in a value": (fields(b"A: b\rC: d", b"Content-Length: 2"), BAD, CLOSED),
    "a bare CR at the end of a line": (fields(b"A: b\r", b"Content-Length: 2"), BAD, CLOSED),
    "a bare LF in a value": (fields(b"A: b\nC: d", b"Content-Length: 2"), BAD, CLOSED),
    "a NUL in a value": (fields(b"A: b\0c", b"Content-Length: 2"), BAD, CLOSED),
    "a NUL in a name": (fields(b"A\0b: c", b"Content-Length: 2"), BAD, CLOSED),
    "lines that end with LF": (GOOD.replace(b"\r\n", b"\n"), BAD, CLOSED),
    "lines that end with CR": (GOOD.replace(b"\r\n", b"\r"), BAD, CLOSED),
    "an end with LF": (HEAD + b"Content-Length: 2\r\n\n{}", BAD, CLOSED),
    "two targets": (fields(b"X-Amz-Target: DynamoDB_20120810.Scan", b"Content-Length: 2"), BAD, CLOSED),
    "two types": (fields(b"Content-Type: text/plain", b"Content-Length: 2"), BAD, CLOSED),
    "16 KB": (fields(b"A: " + b"a" * (16384 - len(HEAD) - 26), b"Content-Length: 2"), OK, KEPT),
    "one byte more": (fields(b"A: " + b"a" * (16385 - len(HEAD) - 26), b"Content-Length: 2"), BAD, CLOSED),
    "a head without end": (HEAD + b"A: b\r\n" * 3000, BAD, CLOSED),
    "a first line without end": (b"POST /" + b"a" * 20000, BAD, CLOSED),
    "empty lines without end": (b"\r\n" * 9000, BAD, CLOSED),
    # lengths
    "no length": (fields(body=b""), BAD, KEPT),
    "length 0": (fields(b"Content-Length: 0", body=b""), BAD, KEPT),
    "a length with zeros": (fields(b"Content-Length: 0002"), OK, KEPT),
    "two lengths": (fields(b"Content-Length: 2", b"Content-Length: 3"), BAD, CLOSED),
    "one length twice": (fields(b"Content-Length: 2", b"Content-Length: 2"), BAD, CLOSED),
    "a list of lengths": (fields(b"Content-Length: 2, 2"), BAD, CLOSED),
    "an empty length": (fields(b"Content-Length:"), BAD, CLOSED),
    "a negative length": (fields(b"Content-Length: -2"), BAD, CLOSED),
    "a length with a sign": (fields(b"Content-Length: +2"), BAD, CLOSED),
    "a length of hexadecimal digits": (fields(b"Content-Length: 0x2"), BAD, CLOSED),
    "a length with a fraction": (fields(b"Content-Length: 2.0"), BAD, CLOSED),
    "a length with an underline": (fields(b"Content-Length: 0_2"), BAD, CLOSED),
    "a length with a blank": (fields(b"Content-Length: 2 2"), BAD, CLOSED),
    "a length of other digits": (fields("Content-Length: ２".encode()), BAD, CLOSED),
    "16 MB and a byte": (fields(b"Content-Length: 16777217", body=b""), LARGE, CLOSED),
    "16 MB and a byte without a target": (NO_TARGET + b"Content-Length: 16777217\r\n\r\n", LARGE, CLOSED),
    "a length of 10,000 digits": (fields(b"Content-Length: " + b"9" * 10_000, body=b""), LARGE, CLOSED),
    # chunks
    "chunks": (CHUNKED + b"1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", OK, KEPT),
    "chunks in another case": (fields(b"transfer-encoding: CHUNKED", body=b"2\r\n{}\r\n0\r\n\r\n"), OK, KEPT),
    "a size with zeros": (CHUNKED + b"0000000000000002\r\n{}\r\n000\r\n\r\n", OK, KEPT),
    "an extension": (CHUNKED + b"2;a=b\r\n{}\r\n0;c\r\n\r\n", OK, KEPT),
    "an extension in quotes": (CHUNKED + b'2 ; a = "b\\";" ;c\r\n{}\r\n0\r\n\r\n', OK, KEPT),
    "a trailer": (CHUNKED + b"2\r\n{}\r\n0\r\nA: b\r\nContent-Length: 7\r\n\r\n", OK, KEPT),
    "chunks and a length": (
        fields(b"Content-Length: 2", b"Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n"),
        BAD,
        CLOSED,
    ),
    "a length and chunks": (
        fields(b"Transfer-Encoding: chunked", b"Content-Length: 12", body=b"2\r\n{}\r\n0\r\n\r\n"),
        BAD,
        CLOSED,
    ),
    "chunks in HTTP/1.0": (
        first_line(b"POST / HTTP/1.0").replace(b"Content-Length: 2", b"Transfer-Encoding: chunked"),
        BAD,
        CLOSED,
    ),
    "identity": (fields(b"Transfer-Encoding: identity", body=b""), BAD, CLOSED),
    "chunked and identity": (fields(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"), BAD, CLOSED),
    "chunked twice": (fields(b"Transfer-Encoding: chunked, chunked"), BAD, CLOSED),
    "another coding": (fields(b"Transfer-Encoding: gzip"), BAD, CLOSED),
    "another coding in chunks": (fields(b"Transfer-Encoding: gzip, chunked"), "501 Not Implemented", CLOSED),
    "a coding that ends alike": (fields(b"Transfer-Encoding: xchunked"), BAD, CLOSED),
    "a coding with a parameter": (fields(b"Transfer-Encoding: chunked;a=b"), BAD, CLOSED),
    "an empty coding": (fields(b"Transfer-Encoding:"), BAD, CLOSED),
    "an empty coding in a list": (fields(b"Transfer-Encoding: , chunked"), BAD, CLOSED),
    "a blank that is not ASCII": (fields(b"Transfer-Encoding: chunked\xa0"), BAD, CLOSED),
    "a line break that is not ASCII": (fields(b"Transfer-Encoding: chunked\x85"), BAD, CLOSED),
    "a vertical tab": (fields(b"Transfer-Encoding: \x0bchunked"), BAD, CLOSED),
    "a chunk that is longer": (CHUNKED + b"1\r\n{}\r\n0\r\n\r\n", BAD, CLOSED),
    "a chunk that is shorter": (CHUNKED + b"3\r\n{}\r\n0\r\n\r\n", BAD, CLOSED),
    "a negative size": (CHUNKED + b"-1\r\n{}\r\n0\r\n\r\n", BAD, CLOSED),
    "a size with 0x": (CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n", BAD, CLOSED),
    "no size": (CHUNKED + b"\r\n{}\r\n0\r\n\r\n", BAD, CLOSED),
    "a blank in front of a size": (CHUNKED + b" 2\r\n{}\r\n0\r\n\r\n", BAD, CLOSED),
    "a blank after a size": (CHUNKED + b"2 \r\n{}\r\n0\r\n\r\n", BAD, CLOSED),
    "an extension without a name": (CHUNKED + b"2;\r\n{}\r\n0\r\n\r\n", BAD, CLOSED),
    "a CR in an extension": (CHUNKED + b"2;a\rb\r\n{}\r\n0\r\n\r\n", BAD, CLOSED),
    "a LF after a size": (CHUNKED + b"2\n{}\r\n0\r\n\r\n", BAD, CLOSED),
    "a LF after a chunk": (CHUNKED + b"2\r\n{}\n0\r\n\r\n", BAD, CLOSED),
    "a LF at the end": (CHUNKED + b"2\r\n{}\r\n0\r\n\n", BAD, CLOSED),
    "a folded trailer": (CHUNKED + b"2\r\n{}\r\n0\r\nA: b\r\n c\r\n\r\n", BAD, CLOSED),
    "a chunk of too many bytes": (CHUNKED + b"1000001\r\n", LARGE, CLOSED),
    "a size of 100 digits": (CHUNKED + b"f" * 100 + b"\r\n", LARGE, CLOSED),
    "a long extension": (CHUNKED + b"2;" + b"a" * 16384 + b"\r\n", BAD, CLOSED),
    "many extensions": (CHUNKED + (b"1;" + b"a" * 1000 + b"\r\n \r\n") * 17, BAD, CLOSED),
    "many trailers": (CHUNKED + b"2\r\n{}\r\n0\r\n" + b"A: b\r\n" * 3000, BAD, CLOSED),
    # methods
    "GET": (GET + b"\r\n", OK, KEPT),
    "GET of length 0": (GET + b"Content-Length: 0\r\n\r\n", OK, KEPT),
    "GET with a body": (GET + b"Content-Length: 2\r\n\r\n{}", BAD, CLOSED),
    "GET with a request in it": (GET + b"Content-Length: %d\r\n\r\n" % len(GOOD) + GOOD, BAD, CLOSED),
    "GET with chunks": (GET + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", BAD, CLOSED),
    "GET of another path": (b"GET /favicon.ico HTTP/1.1\r\nHost: localhost\r\n\r\n", NOT_FOUND, KEPT),
    "PUT": (first_line(b"PUT / HTTP/1.1"), NOT_FOUND, KEPT),
    "DELETE": (b"DELETE / HTTP/1.1\r\nHost: localhost\r\n\r\n", NOT_FOUND, KEPT),
    "OPTIONS": (b"OPTIONS / HTTP/1.1\r\nHost: localhost\r\n\r\n", NOT_FOUND, KEPT),
    "OPTIONS of all": (b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", NOT_FOUND, KEPT),
    "CONNECT": (b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", NOT_FOUND, KEPT),
    "an unknown method": (b"FETCH / HTTP/1.1\r\nHost: localhost\r\n\r\n", NOT_FOUND, KEPT),
    "post in small letters": (first_line(b"post / HTTP/1.1"), NOT_FOUND, KEPT),
    # the connection
    "close": (fields(b"Connection: foo, CLOSE", b"Content-Length: 2"), OK, CLOSED),
    "HTTP/1.0": (first_line(b"POST / HTTP/1.0"), OK, CLOSED),
    "HTTP/1.0, kept": (
        first_line(b"POST / HTTP/1.0").replace(b"\r\nX", b"\r\nConnection: keep-alive\r\nX"),
        OK,
        KEPT,
    ),
    "an upgrade": (fields(b"Connection: Upgrade", b"Upgrade: h2c", b"Content-Length: 2"), OK, KEPT),
    "another Expect": (fields(b"Expect: a", b"Content-Length: 2"), "417 Expectation Failed", CLOSED),
    # what is asked for
    "no target": (NO_TARGET + b"Content-Length: 2\r\n\r\n{}", BAD, KEPT),
    "JSON as other services name it": (typed(b"application/json"), OK, KEPT),
    "a type with a parameter": (typed(b"Application/X-Amz-JSON-1.0; charset=utf-8"), OK, KEPT),
    "a form": (typed(b"application/x-www-form-urlencoded"), NOT_FOUND, KEPT),
    "another version of JSON": (typed(b"application/x-amz-json-1.1"), NOT_FOUND, KEPT),
    "no type": (GOOD.replace(b"Content-Type", b"X-Type"), NOT_FOUND, KEPT),
    # compressed
    "gzip": (coded(b"gzip", gzip.compress(b"{}")), OK, KEPT),
    "x-gzip": (coded(b"X-GZIP", gzip.compress(b"{}")), OK, KEPT),
    "gzip in two members": (coded(b"gzip", gzip.compress(b"{") + gzip.compress(b"}")), OK, KEPT),
    "deflate": (coded(b"deflate", zlib.compress(b"{}")), OK, KEPT),
    "identity of a body": (coded(b"identity", b"{}"), OK, KEPT),
    "deflate, then gzip": (coded(b"deflate, gzip", gzip.compress(zlib.compress(b"{}"))), OK, KEPT),
    "brotli": (coded(b"br", b"{}"), UNSUPPORTED, CLOSED),
    "not compressed": (coded(b"gzip", b"{}"), BROKEN, CLOSED),
    "gzip that is cut short": (coded(b"gzip", gzip.compress(b"{}")[:-1]), BROKEN, CLOSED),
    "gzip and more": (coded(b"gzip", gzip.compress(b"{}") + b"more"), BROKEN, CLOSED),
    "deflate in two parts": (coded(b"deflate", zlib.compress(b"{") + zlib.compress(b"}")), BROKEN, CLOSED),
    "gzip in 100 members": (coded(b"gzip", gzip.compress(b"{}") + gzip.compress(b"") * 99), OK, KEPT),
    "gzip in 101 members": (coded(b"gzip", gzip.compress(b"{}") + gzip.compress(b"") * 100), BROKEN, CLOSED),
    "16 MB in gzip": (coded(b"gzip", gzip.compress(b"{}" + b" " * (16 * 2**20 - 2))), OK, KEPT),
    "a byte more": (coded(b"gzip", gzip.compress(b"{}" + b" " * (16 * 2**20 - 1))), LARGE, CLOSED),
    "a bomb": (coded(b"gzip", gzip.compress(bytes(20 * 2**20), 1)), LARGE, CLOSED),
    "a bomb in a bomb": (coded(b"gzip, gzip", gzip.compress(gzip.compress(bytes(20 * 2**20), 1))), LARGE, CLOSED),
}


BLOCKS = [block.splitlines() for block in (DATA / "refused_requests.txt").read_text().split("\n\n")]
REFUSALS = {name: body for body, *names in BLOCKS for name in names}  # the whole body by the name of the request


@pytest.fixture(scope="module", params=[1, 2], ids=["one process", "two processes"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serve(only_list_tables, workers=request.param) as server:
        yield server


@pytest.mark.parametrize("before", [0, 1], ids=["at first", "after others"])
@pytest.mark.parametrize("name", ROWS)
def test_status_and_connection(server: Server, name: str, before: int) -> None:
    data, status, kept = ROWS[name]
    with connected(server) as connection:
        for _ in range(before):  # whose heads are known, so the thread that watches answers them
            connection.send(GOOD)
            assert connection.answer().status == OK
        connection.send(data)
        answer = connection.answer()
        assert answer.status == status, answer
        assert (answer.fields.get("connection") == "close") is not kept
        if status != OK:
            assert answer.body.decode().rstrip("\n") == REFUSALS[name]
        assert answer.fields["x-amz-crc32"] == str(crc32(answer.body))
        if name == "two at once":
            assert connection.answer().status == OK
        if kept:
            connection.send(GOOD)
            assert connection.answer().status == OK
        else:
            assert connection.ended()


@pytest.mark.parametrize("name", ROWS)
def test_a_known_head_is_read_as_any_other(name: str) -> None:
    data = ROWS[name][0]
    heads = KnownHeads(lambda head: None)
    first, again = heads.read(data), heads.read(data)
    assert first == again
    if again is None:
        assert name not in ("as it should be", "another Host", "names in any case", "JSON as other services name it")
        return
    known, body = again
    rest = bytearray(data)
    head = read(read_head(rest, USUAL.head), lambda size: b"")
    assert head is not None
    text = read(read_body(rest, head.length, USUAL), lambda size: b"")
    assert (known.operation, body, bytes(rest)) == (operation_of(head), text, b"")
    changing = {"content-length", "authorization", "x-amz-date"}
    assert known.head == head._replace(
        length=0, headers={name: value for name, value in head.headers.items() if name not in changing}
    )


SIGNED = fields(b"Authorization: AWS4 a", b"X-Amz-Date: 1", b"amz-sdk-invocation-id: 2", b"Content-Length: 2")


@pytest.mark.parametrize(
    "data, body",
    [
        (SIGNED.replace(b"AWS4 a", b"AWS4 b").replace(b"Date: 1", b"Date: 2"), b"{}"),
        (SIGNED.replace(b"Length: 2", b"Length: 9") + b" " * 7, b"{}       "),
        (SIGNED.replace(b"Length: 2", b"Length: 9"), None),
        (SIGNED + b"{}", None),
        (SIGNED.replace(b"AWS4 a", b"AWS4\0a"), None),
        (SIGNED.replace(b"AWS4 a", b"AWS4\ra"), None),
        (SIGNED.replace(b"AWS4 a", b"AWS4\r\n a"), None),
        (SIGNED.replace(b"AWS4 a", b"AWS4\r\nContent-Length: 2"), None),
        (SIGNED.replace(b"AWS4 a", b"AWS4\r\nTransfer-Encoding: chunked"), None),
        (SIGNED.replace(b"AWS4 a", b"AWS4\r\nExpect: 100-continue"), None),
        (SIGNED.replace(b"AWS4 a", b"AWS4\r\nContent-Encoding: gzip"), None),
        (SIGNED.replace(b"AWS4 a", b"AWS4\r\nConnection: close"), None),
        (SIGNED.replace(b"AWS4 a", b"AWS4\r\nHost: localhost"), None),
    ],
)
def test_what_may_change_in_a_known_head(data: bytes, body: bytes | None) -> None:
    heads = KnownHeads(lambda head: None)
    known = heads.read(SIGNED)
    assert known is not None
    assert not {"authorization", "x-amz-date", "content-length"} & known[0].head.headers.keys()
    read = heads.read(data)
    assert read == (None if body is None else (known[0], body))
    assert (read is None) or read[0] is known[0], "it is not read again"


def test_a_head_that_is_refused_is_not_known() -> None:
    def refuse(head: Head) -> None:
        raise malformed("no")

    assert KnownHeads(refuse).read(GOOD) is None


HIDDEN = HEAD.replace(b"ListTables", b"Hidden") + b"Content-Length: 2\r\n\r\n{}"
HIDING = {
    "GET with a body": GET + b"Content-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN,
    "a length and chunks": fields(b"Content-Length: 6", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN),
    "two lengths": fields(b"Content-Length: 0", b"Content-Length: %d" % len(HIDDEN), body=HIDDEN),
    "two codings": fields(b"Transfer-Encoding: chunked", b"Transfer-Encoding: x", body=b"0\r\n\r\n" + HIDDEN),
    "a blank before the colon": fields(b"Content-Length : %d" % len(HIDDEN), body=HIDDEN),
    "another type": typed(b"text/plain").replace(b"Length: 2", b"Length: %d" % len(HIDDEN))[:-2] + HIDDEN,
    "another page": fields(b"Origin: http://a", b"Content-Length: %d" % len(HIDDEN), body=HIDDEN),
}


@pytest.mark.parametrize("name", HIDING)
def test_no_request_hides_in_another(name: str) -> None:
    seen = []

    def noting(operation: str, body: bytes) -> bytes:
        seen.append(operation)
        return only_list_tables(operation, body)

    with serve(noting) as server, connected(server, HIDING[name]) as connection:
        if connection.answer().fields.get("connection") != "close":
            connection.send(GOOD)
            assert connection.answer().status == OK
    assert "Hidden" not in seen


TEXTS: dict[bytes, tuple[str, str]] = {
    b"GET /\r\n": (BAD, "the request does not begin with METHOD TARGET HTTP/1.1"),
    b"GET / HTTP/3.0\r\n": ("505", "the server speaks HTTP/1.1"),
    b"GET / HTTP/1.1\r\n": (BAD, "the request has no Host"),
    GET + b"Content-Length: 2\r\n": (BAD, "a GET request cannot have a body"),
    GET + b"Host: a\r\n": (BAD, "the request has the field 'host' twice"),
    GET + b"A : b\r\n": (BAD, "the line 'A : b' of the request is not `name: value`"),
    b"GET ftp://a/ HTTP/1.1\r\nHost: a\r\n": (
        BAD,
        "the target of the request is neither a path nor an http URL",
    ),
    b"GET / HTTP/1.1\r\nHost: a b\r\n": (BAD, "the Host of the request is not `name` or `name:port`"),
    HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n": (
        BAD,
        "the request has both a Content-Length and a Transfer-Encoding",
    ),
    HEAD + b"Content-Length: x\r\n": (BAD, "the Content-Length of the request is not a number of bytes"),
    HEAD + b"Transfer-Encoding: gzip\r\n": (BAD, "the Transfer-Encoding must be `chunked`, in HTTP/1.1"),
    HEAD + b"Transfer-Encoding: gzip, chunked\r\n": ("501", "the Transfer-Encoding must be `chunked` alone"),
    HEAD + b"Content-Length: 2\r\nExpect: more\r\n": ("417", "the Expect of a request must be `100-continue`"),
}


@pytest.mark.parametrize("data", TEXTS)
def test_what_a_refusal_of_a_head_says(data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        parse_head(data.removesuffix(b"\r\n"))
    status, text = TEXTS[data]
    assert (str(refused.value.status), refused.value.message) == (status[:3], text)


def test_what_a_head_says() -> None:
    data = (
        b"POST http://[::1]:8000/a?b HTTP/1.0\r\nHost: x\r\nAccept: a\r\naccept: b\r\nContent-Length: 5\r\n"
        b"Connection: keep-alive\r\nExpect: 100-continue"
    )
    headers = {
        "host": "x",
        "accept": "a, b",
        "content-length": "5",
        "connection": "keep-alive",
        "expect": "100-continue",
    }
    assert parse_head(data) == Head("POST", "::1", "/a", "b", headers, 5, keep=True, old=True, expects=False)


@pytest.mark.parametrize("data", [b"\r\n" + GOOD, CHUNKED + b"1;a\r\n{\r\n1\r\n}\r\n0\r\nA: b\r\n\r\n"])
def test_it_does_not_matter_in_which_pieces_a_request_comes(data: bytes) -> None:
    for most in range(1, len(data) + 1):
        rest, left = bytearray(), BytesIO(data)

        def receive(size: int, most: int = most, left: BytesIO = left) -> bytes:
            return left.read(min(size, most))

        head = read(read_head(rest, USUAL.head), receive)
        assert head
        assert read(read_body(rest, head.length, USUAL), receive) == b"{}"
        assert (bytes(rest), left.read()) == (b"", b"")


NOT_AS_LONG = "a chunk of the body is not as long as its size says"
NOT_CHUNKED = "the body is not chunked, although the Transfer-Encoding says so"
BODIES = [
    (b"1\r\n{}\r\n0\r\n\r\n", NOT_AS_LONG),
    (b"3\r\n{}\r\n0\r\n\r\n", NOT_AS_LONG),
    (b"2\r\n{}\n0\r\n\r\n", NOT_AS_LONG),
    (b"2\n{}\r\n0\r\n\r\n", NOT_CHUNKED),
    (b"two\r\n{}\r\n0\r\n\r\n", NOT_CHUNKED),
    (b"2;" + b"a" * USUAL.head + b"\r\n", NOT_CHUNKED),
    (b"2;" + b"a" * USUAL.head, f"a line of the body is longer than {USUAL.head} bytes"),
    (b"1;%b\r\n \r\n" % (b"a" * 10_000) * 2, f"the extensions of the chunks are longer than {USUAL.head} bytes in all"),
    (b"%x\r\n" % (USUAL.body + 1), "the body of the request is larger than 16 MB"),
    (b"2\r\n{}\r\n0\r\n", "the request was cut short"),
]


@pytest.mark.parametrize("data, text", BODIES)
def test_what_a_refusal_of_a_body_says(data: bytes, text: str) -> None:
    with pytest.raises(Refused) as caught:
        read(read_body(bytearray(data), None, USUAL), lambda _: b"")
    assert caught.value.message == text


def test_a_body_of_as_many_bytes_as_may_be() -> None:
    limits = USUAL._replace(body=4)
    chunked = b"2\r\n{}\r\n2\r\n  \r\n0\r\n\r\n"
    assert read(read_body(bytearray(b"{}  "), 4, limits), lambda _: b"") == b"{}  "
    assert read(read_body(bytearray(chunked), None, limits), lambda _: b"") == b"{}  "
    for data, length in ((b"{}   ", 5), (chunked.replace(b"2\r\n  ", b"3\r\n   "), None)):
        with pytest.raises(Refused) as caught:
            read(read_body(bytearray(data), length, limits), lambda _: b"")
        assert caught.value.status == 413


@pytest.mark.parametrize("data", [GOOD, CHUNKED + b"2\r\n{}\r\n0\r\n\r\n"])
def test_a_request_that_is_cut_short(data: bytes) -> None:
    for end in range(1, len(data)):
        pieces = iter([data[:end], b""])
        with raises(Refused, "(400, 'SerializationException', 'the request was cut short')"):
            rest = bytearray()
            head = read(read_head(rest, USUAL.head), lambda _, pieces=pieces: next(pieces))
            read(read_body(rest, head.length, USUAL), lambda _, pieces=pieces: next(pieces))
    assert read(read_head(bytearray(), USUAL.head), lambda _: b"") is None


def test_a_bomb_takes_little_memory() -> None:
    bomb = gzip.compress(bytes(64 * 2**20), 1)
    tracemalloc.start()
    with raises(Refused, "(413, 'RequestEntityTooLargeException', 'the body of the request is larger than 1 MB')"):
        inflate(bomb, "gzip", 2**20)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 2**20


def test_the_client_is_asked_for_the_body_it_holds_back(server: Server) -> None:
    head = HEAD + b"Content-Length: 2\r\nExpect: 100-Continue\r\n\r\n"
    with connected(server, head) as connection:
        assert connection.answer().status == "100 Continue"
        connection.send(b"{}")
        assert connection.answer().status == OK


@pytest.mark.parametrize(
    "data, status",
    [
        (HEAD + b"Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n", LARGE),
        (HEAD + b"Content-Length: 2\r\nOrigin: a\r\nExpect: 100-continue\r\n\r\n", FORBIDDEN),
        (GET + b"Expect: 100-continue\r\n\r\n", OK),
        (GOOD.replace(b"HTTP/1.1", b"HTTP/1.0").replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"), OK),
    ],
)
def test_nobody_is_asked_for_a_body_in_vain(server: Server, data: bytes, status: str) -> None:
    assert answered(server, data).status == status


def test_a_head_is_answered_without_a_body(server: Server) -> None:
    with connected(server, b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n" + GOOD) as connection:
        assert connection.answer(body=False).fields["content-length"] == str(len(b"healthy: flyexpr\n"))
        assert connection.answer().body == b'{"TableNames":[]}'
    with connected(server, b"HEAD / HTTP/1.1\r\nHost: evil.example\r\n\r\n") as connection:
        assert connection.answer(body=False).status == FORBIDDEN
        assert connection.ended()


UNKNOWN, SERIALIZATION = (
    b'{"__type": "com.amazon.coral.service#UnknownOperationException"}',
    b'{"__type": "com.amazon.coral.service#SerializationException"}',
)


@pytest.mark.parametrize(
    "target, body, answer",
    [
        (b"", b"{}", UNKNOWN),
        (b"", b"", UNKNOWN),
        (b"", b"{", SERIALIZATION),
        (b"", b"[" * 100_000, SERIALIZATION),
        (b"X-Amz-Target: ListTables\r\n", b"{}", UNKNOWN),
        (b"X-Amz-Target: DynamoDB_20111205.ListTables\r\n", b"{", SERIALIZATION),
        (b"X-Amz-Target: DynamoDB_20120810.\r\n", b"{}", UNKNOWN),
        (b"X-Amz-Target: DynamoDB_20120810.Nothing\r\n", b"{}", UNKNOWN),
        (b"X-Amz-Target: DynamoDB_20120810.Nothing\r\n", b"{", SERIALIZATION),
        (b"X-Amz-Target: DynamoDB_20120810.ListTables\r\n", b"{", SERIALIZATION),
    ],
)
def test_json_comes_before_the_operation(server: Server, target: bytes, body: bytes, answer: bytes) -> None:
    data = NO_TARGET + target + b"Content-Length: %d\r\n\r\n" % len(body) + body
    found = answered(server, data)
    assert (found.status, found.body, found.fields["content-type"]) == (BAD, answer, "application/x-amz-json-1.0")


def test_what_is_no_operation_of_the_service(server: Server) -> None:
    found = answered(server, first_line(b"PUT / HTTP/1.1"))
    assert (found.status, found.body) == (NOT_FOUND, b"<UnknownOperationException/>\n")


def test_json_is_answered_as_it_was_named(server: Server) -> None:
    assert answered(server, typed(b"application/json")).fields["content-type"] == "application/json"


def test_a_request_has_an_id_of_its_own(server: Server) -> None:
    ids = {answered(server, GOOD).fields["x-amzn-requestid"] for _ in range(10)}
    assert len(ids) == 10
    assert all(re.fullmatch("[0-9A-Z]{52}", one) for one in ids)


def test_an_answer_has_the_date(server: Server) -> None:
    sent = parsedate_to_datetime(answered(server, GOOD).fields["date"])
    assert abs(sent - datetime.now(timezone.utc)) < timedelta(seconds=10)


LONG, SHORT = b'"' + b"x" * 4095 + b'"', b'"' + b"x" * 4094 + b'"'
UNPACK = {"gzip": gzip.decompress, "deflate": zlib.decompress, None: bytes}


@pytest.mark.parametrize(
    "accepted, coding",
    [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("GZIP , deflate", "gzip"),
        ("gzip;q=0.5, deflate;q=0.7", "deflate"),
        ("br, *", "gzip"),
        ("*;q=0", None),
        ("gzip;q=0, deflate; q=0.0", None),
        ("gzip;q=x", None),
        ("identity", None),
        ("identity;q=1, gzip;q=0.5", None),
        ("br", None),
        ("", None),
    ],
)
def test_long_answers_are_compressed_for_those_who_want_it(accepted: str, coding: str | None) -> None:
    with serve(lambda operation, body: body) as server:
        for body, expected in ((LONG, coding), (SHORT, None)):
            head = b"Accept-Encoding: %b" % accepted.encode()
            answer = answered(server, fields(head, b"Content-Length: %d" % len(body), body=body))
            assert answer.fields.get("content-encoding") == expected
            assert UNPACK[expected](answer.body) == body
            assert answer.fields["x-amz-crc32"] == str(crc32(answer.body))
