"""Calls of the console of a server, over HTTP as its page makes them."""

import http.client
import json
from typing import Any, NamedTuple

from flyexpr.serve import Server


class Answer(NamedTuple):
    """What a server answered; `json` is its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def token_of(server: Server) -> str:
    assert server.console_url is not None
    return server.console_url.partition("?token=")[2]


def sent(server: Server, method: str, target: str, body: bytes | None = None, **headers: str) -> Answer:
    """The answer to one request; `_` in the name of a header stands for `-`."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"))
    connection.request(method, target, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    found = Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    connection.close()
    return found


def called(server: Server, name: str, members: Any, **headers: str) -> Answer:
    """The answer to a call, as a browser on the server's own page makes it; headers replace those of the page."""
    usual = {"Content_Type": "application/json", "X_Flyexpr_Token": token_of(server), "Origin": server.url}
    return sent(server, "POST", f"/console/api/{name}", json.dumps(members).encode(), **{**usual, **headers})


def done(server: Server, name: str, **members: Any) -> Any:
    """What a call gives that does not fail."""
    answer = called(server, name, members)
    assert answer.status == 200, answer.body
    return answer.json


def failed(server: Server, name: str, **members: Any) -> tuple[int, Any]:
    """The status and the members of a call that fails."""
    answer = called(server, name, members)
    assert answer.status >= 400, answer.body
    return answer.status, answer.json
