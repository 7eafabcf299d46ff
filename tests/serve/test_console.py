"""Who may ask the console, and what its page may do in a browser."""

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256

import pytest
from calls import called, done, failed, sent, token_of
from raised import raises

from flyexpr import FlyexprError, Table, connect, create_table, get, put, run
from flyexpr.serve import Server, serve

NOTES = Table("Notes", "id")
KEY = '{"id": "a"}'
WRITES = {
    "save": {"table": "Notes", "key": KEY, "old": KEY, "item": '{"id": "a", "n": 1}'},
    "create": {"table": "Notes", "item": '{"id": "b"}'},
    "delete": {"table": "Notes", "key": KEY, "old": KEY},
}


@pytest.fixture(params=["read", "write"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with connect("sqlite::memory:") as engine, serve(engine, console=request.param) as server:
        run(NOTES.on(engine), create_table())
        put(NOTES.on(engine), {"id": "a"})
        yield server


reading = pytest.mark.parametrize("server", ["read"], indirect=True)


def test_the_page_is_for_who_knows_the_token(server: Server):
    page = sent(server, "GET", f"/console/?token={token_of(server)}")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert sent(server, "HEAD", f"/console/?token={token_of(server)}").status == 200
    for target in ("/console/", "/console/?token=", "/console/?token=x", f"/console/?tokens={token_of(server)}"):
        refused = sent(server, "GET", target)
        assert (refused.status, refused.json["error"]) == (403, "the token is wrong or missing"), target
        assert b"<script" not in refused.body


def test_every_server_has_a_token_of_its_own(server: Server):
    with serve(lambda operation, body: b"{}", console="read") as other:
        assert token_of(other) != token_of(server)
        assert len(token_of(other)) >= 43  # 32 bytes
        assert sent(server, "GET", f"/console/?token={token_of(other)}").status == 403


@pytest.mark.parametrize("name", ["tables", *WRITES])
@pytest.mark.parametrize("token", ["", "x", "é"])
def test_a_call_without_the_token_is_refused(server: Server, name: str, token: str):
    answer = called(server, name, WRITES.get(name, {}), X_Flyexpr_Token=token)
    assert (answer.status, answer.json["error"]) == (403, "the token is wrong or missing")
    in_url = sent(
        server, "POST", f"/console/api/{name}?token={token_of(server)}", b"{}", Content_Type="application/json"
    )
    assert (
        in_url.status == 403
    )  # a token in the URL is enough for the page alone: any site can make a browser send that
    assert token_of(server).encode() not in answer.body + in_url.body
    assert done(server, "item", table="Notes", key=KEY) == {"item": '{\n  "id": "a"\n}'}


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1", "https://{}"]
)
def test_a_page_of_another_origin_is_refused(server: Server, origin: str):
    named = origin.format(server.url.removeprefix("http://"))
    answer = called(server, "tables", {}, Origin=named)
    assert (answer.status, answer.json["message"]) == (403, "requests from web pages are not served")
    assert "access-control-allow-origin" not in answer.headers
    asked_before = sent(server, "OPTIONS", "/console/api/tables", Origin=named, Access_Control_Request_Method="POST")
    assert asked_before.status == 403
    assert "access-control-allow-origin" not in asked_before.headers


def test_the_own_origin_is_for_the_console_alone(server: Server):
    answer = sent(server, "POST", "/", b"{}", Origin=server.url, X_Amz_Target="DynamoDB_20120810.ListTables")
    assert answer.status == 403


def test_another_host_is_refused(server: Server):
    port = server.url.rpartition(":")[2]
    for host, status in ((f"evil.example:{port}", 403), (f"localhost:{port}", 200)):
        answer = called(server, "tables", {}, Host=host, Origin=f"http://{host}")
        assert answer.status == status
        assert sent(server, "GET", f"/console/?token={token_of(server)}", Host=host).status == status


@reading
@pytest.mark.parametrize("name", [*WRITES])
def test_without_the_right_to_write_nothing_is_written(server: Server, name: str):
    assert failed(server, name, **WRITES[name]) == (
        403,
        {"error": "this console only reads", "hint": "start it with --console=write"},
    )
    assert done(server, "item", table="Notes", key=KEY) == {"item": '{\n  "id": "a"\n}'}
    assert done(server, "item", table="Notes", key='{"id": "b"}') == {"item": None}


def test_it_says_whether_it_may_write(server: Server, request: pytest.FixtureRequest):
    writable = request.node.callspec.params["server"] == "write"
    assert done(server, "tables") == {"engine": "sqlite::memory:", "writable": writable, "tables": ["Notes"]}


def test_what_is_not_there(server: Server):
    token = {"X_Flyexpr_Token": token_of(server), "Content_Type": "application/json"}
    gone = "the console has no such page and no such call"
    for method, target in (
        ("POST", "/console/api/nothing"),
        ("POST", "/console/api/"),
        ("POST", "/console/tables"),
        ("POST", "/console/"),
        ("GET", "/console/api/tables"),
        ("PUT", "/console/api/tables"),
        ("GET", "/console/page.js"),
        ("GET", "/console/../console/"),
    ):
        answer = sent(server, method, target, None if method == "GET" else b"{}", **token)
        assert (answer.status, answer.json) == (404, {"error": gone}), target
    assert sent(server, "GET", f"/console?token={token_of(server)}").status == 404


@pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_call_is_json(server: Server, type_: str):
    """A form of another site can send these types without asking; not that of JSON."""
    answer = called(server, "tables", {}, Content_Type=type_)
    assert (answer.status, answer.json) == (400, {"error": "the Content-Type of a call is application/json"})


@pytest.mark.parametrize("body", [b"", b"[]", b"nothing", b'"text"', b"[" * 100_000, b"\xff"])
def test_a_body_that_is_no_object(server: Server, body: bytes):
    headers = {"Content_Type": "application/json", "X_Flyexpr_Token": token_of(server)}
    answer = sent(server, "POST", "/console/api/tables", body, **headers)
    assert (answer.status, answer.json) == (400, {"error": "the body of a call is a JSON object"})


def test_the_policy_lets_the_page_run_its_own_scripts_and_call_its_own_server(server: Server):
    page = sent(server, "GET", f"/console/?token={token_of(server)}")
    text = page.body.decode()
    policy = dict(part.split(" ", 1) for part in page.headers["content-security-policy"].split("; "))
    for element in ("script", "style"):
        inside = re.findall(rf"<{element}>(.*?)</{element}>", text, re.S)
        digests = [b64encode(sha256(each.encode()).digest()).decode() for each in inside]
        assert policy.pop(f"{element}-src") == " ".join(f"'sha256-{digest}'" for digest in digests) != ""
    assert policy == {
        "default-src": "'none'",
        "connect-src": "'self'",
        "img-src": "data:",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert all(link.startswith(("data:", "#")) for link in re.findall(r'\b(?:src|href)="([^"]*)"', text))
    assert len(page.body) < 100_000


def test_nobody_keeps_an_answer(server: Server):
    answers = [
        sent(server, "GET", f"/console/?token={token_of(server)}"),
        sent(server, "GET", "/console/"),
        called(server, "tables", {}),
        called(server, "nothing", {}),
    ]
    for answer in answers:
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_the_api_of_the_server_is_as_without_a_console(server: Server):
    with connect(server.url) as client:
        assert get(NOTES.on(client), "a") == {"id": "a"}
    assert sent(server, "GET", "/").body == b"healthy: flyexpr\n"


def test_a_server_without_a_console_has_no_page():
    with serve(lambda operation, body: b"{}") as server:
        assert server.console_url is None
        assert sent(server, "GET", "/console/?token=").status == 404
        assert sent(server, "POST", "/console/api/tables", b"{}", Origin=server.url).status == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "example.com"])
def test_a_console_is_for_this_machine_alone(host: str):
    with pytest.raises(FlyexprError) as refused:
        serve(lambda operation, body: b"{}", host=host, console="read")
    assert str(refused.value) == (
        f"a console is for this machine alone, and other machines can reach the host {host!r}\n  hint: leave host= out"
    )


def test_rights_that_there_are():
    with raises(ValueError, "console= is 'read' or 'write', not 'all'"):
        serve(lambda operation, body: b"{}", console="all")  # type: ignore[arg-type]


def test_the_token_is_in_no_text(server: Server):
    token = token_of(server)
    texts = [json.dumps(failed(server, name)) for name in ("nothing", "table", "page", "item")]
    assert token not in "".join([repr(server), repr(vars(server)["_shared"]), *texts])
