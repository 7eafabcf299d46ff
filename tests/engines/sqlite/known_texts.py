"""Requests as clients write them, and whole answers: to compare an engine that learns texts with one that does not."""

import json
from typing import Any

from flyexpr import DynamoError
from flyexpr.engines.sqlite import SqliteEngine


def answer(engine: SqliteEngine, operation: str, body: bytes) -> Any:
    try:
        return json.loads(engine(operation, body))
    except DynamoError as error:
        return error.code, error.message, error.fields


def text_of(request: dict[str, Any], blank: str, ascii_only: bool = False) -> bytes:
    text = json.dumps(request, separators=(f",{blank}", f":{blank}"), ensure_ascii=ascii_only)
    return text.encode(errors="surrogatepass")
