"""The console of a server: who may ask it, and which function answers."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from flyexpr.engine import Engine
from flyexpr.serve.answers import Answer, type_of
from flyexpr.serve.console.catalogue import Catalogue, table, tables
from flyexpr.serve.console.failures import Failure, failure_of
from flyexpr.serve.console.members import Members, members_of
from flyexpr.serve.console.page import GUARDED, whole_page
from flyexpr.serve.console.reading import explain, item, page
from flyexpr.serve.console.searching import search
from flyexpr.serve.console.watching import Watches
from flyexpr.serve.console.writing import create, delete, diff, save
from flyexpr.serve.heads import Head

_CALLS = "/console/api/"


class _Call(NamedTuple):
    """What answers a call, and the members that it takes."""

    do: Callable[[Catalogue, Members], dict[str, Any]]
    members: str
    writes: bool = False


_BY_NAME = {  # and "tables" and "changes", which need to know the console
    "table": _Call(table, "table"),
    "explain": _Call(explain, "table text index descending"),
    "page": _Call(page, "table text index descending cursor size scan"),
    "item": _Call(item, "table key"),
    "diff": _Call(diff, "table key old item"),
    "save": _Call(save, "table key old item", writes=True),
    "create": _Call(create, "table item", writes=True),
    "delete": _Call(delete, "table key old", writes=True),
    "search": _Call(search, "table attribute vector text top index"),
}


class Console:
    """Answers requests below /console/: the page, and the calls that it makes. It writes only if `writes` says so."""

    def __init__(self, engine: Engine, token: str, writes: bool) -> None:
        self._catalogue, self._token, self._writes = Catalogue(engine), token.encode(), writes
        self._calls = {
            **_BY_NAME,
            "tables": _Call(partial(tables, writes), "start"),
            "changes": _Call(Watches().changes, "table cursor"),
        }

    def __call__(self, head: Head, body: bytes) -> Answer:
        """The answer to a request."""
        try:
            if head.path == "/console/" and head.method in ("GET", "HEAD"):
                self._check(parse_qs(head.query).get("token", [""])[0])
                return whole_page()
            return _answer(200, self._called(head, body))
        except Exception as error:  # whatever it is, the page has to say it
            failure = failure_of(error)
            return _answer(failure.status, failure.members)

    def _called(self, head: Head, body: bytes) -> dict[str, Any]:
        self._check(head.headers.get("x-flyexpr-token", ""))
        name = head.path.removeprefix(_CALLS)
        if head.method != "POST" or name not in self._calls or not head.path.startswith(_CALLS):
            raise Failure(404, "the console has no such page and no such call")
        if type_of(head) != "application/json":
            raise Failure(400, "the Content-Type of a call is application/json")
        call = self._calls[name]
        if call.writes and not self._writes:
            raise Failure(403, "this console only reads", "start it with --console=write")
        return call.do(self._catalogue, members_of(body, call.members))

    def _check(self, token: str) -> None:
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self._token):
            raise Failure(
                403, "the token is wrong or missing", "open the console by the URL that was printed at its start"
            )


def _answer(status: int, members: dict[str, Any]) -> Answer:
    return Answer(status, "application/json", json.dumps(members).encode(), GUARDED)
