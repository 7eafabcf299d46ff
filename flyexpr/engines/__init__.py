"""Connects to engines, where tables live; an engine is any callable `(operation, body) -> body` over wire JSON.

sqlite:PATH  sqlite::memory:        embedded, durable, no server
dynamodb://REGION                   AWS
http://HOST:PORT  https://…         DynamoDB Local, ScyllaDB Alternator, any endpoint
"""

from __future__ import annotations

import json
from typing import Any

from flyexpr.engine import AsyncConnection, Connection, Engine
from flyexpr.errors import FlyexprError
from flyexpr.values.answers import body_of, fields_of

_SCHEMES = "sqlite:PATH, sqlite::memory:, dynamodb://REGION, http://HOST:PORT, https://HOST:PORT"


def connect(url: str) -> Connection:
    """The engine that a URL names; options go in its query string.

    >>> engine = connect("sqlite::memory:")
    >>> engine
    <engine sqlite::memory:>
    >>> call(engine, "ListTables", {})
    {'TableNames': []}
    >>> connect("mysql://localhost")
    Traceback (most recent call last):
    ...
    flyexpr.errors.FlyexprError: no engine for 'mysql://localhost'
      write one of: sqlite:PATH, sqlite::memory:, dynamodb://REGION, http://HOST:PORT, https://HOST:PORT

    `sqlite:PATH?sync=full` waits for the disk on every write, `?mode=ro` only reads, `?timeout=5` waits 5 seconds for
    another process that writes (30 by default); `?retention=30d`, `?shards=2` and `?shard_time=10s` are about streams,
    `?indexing=30s` and `?searching=wide` about vector indexes.
    The others take profile=, region=, timeout=, attempts=, retry_mode= and transport=; docs/engines.md explains them.
    sqlite3 and botocore are imported only when an engine needs them.
    """
    if not isinstance(url, str):
        raise TypeError(
            f"connect takes a URL such as 'sqlite:scores.db', not {url!r}; for a path write f\"sqlite:{{path}}\""
        )
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and (rest.startswith("//") or rest.partition("?")[0] in (":memory", "memory", "memory:")):
        raise _refused(
            "no engine for {}\n  write sqlite:scores.db or sqlite:/data/scores.db, or sqlite::memory: for no file", url
        )
    if scheme == "sqlite" and rest:
        from flyexpr.engines.sqlite import connect_sqlite

        path, _, options = rest.partition("?")
        return connect_sqlite(path, **_options(url, options))
    if scheme in ("dynamodb", "http", "https") and rest.startswith("//"):
        from flyexpr.engines.aws import connect_aws

        return connect_aws(url)
    raise _without_engine(url)


def _without_engine(url: str) -> FlyexprError:
    from flyexpr.engines.urls import with_scheme

    return _refused(f"no engine for {{}}\n  write {with_scheme(url) or f'one of: {_SCHEMES}'}", url)


def _refused(text: str, url: str) -> FlyexprError:
    from flyexpr.engines.urls import shown  # here, so that `import flyexpr` is quick

    return FlyexprError(text.format(repr(shown(url))))


def connect_awaited(url: str) -> AsyncConnection:
    """The engine that a URL names, for `flyexpr.aio`; URLs and options are the same as for `connect`.

    >>> connect_awaited("sqlite::memory:")
    <awaited engine sqlite::memory:>

    `async with` or `await engine.close()` closes it.
    """
    if str(url).startswith(("dynamodb://", "http://", "https://")):
        from flyexpr.engines.aws import connect_aws_awaited

        return connect_aws_awaited(url)
    from flyexpr.engines.awaited import AwaitedEngine

    return AwaitedEngine(connect(url))


def _options(url: str, text: str) -> dict[str, str]:
    if not text:
        return {}
    from urllib.parse import parse_qsl  # here, so that `import flyexpr` is quick

    from flyexpr.engines.urls import by_name

    try:
        options = parse_qsl(text, keep_blank_values=True, strict_parsing=True)
    except ValueError:
        raise _refused(
            "the options of {} cannot be read\n  write them as ?sync=full; the name of a file cannot have a `?`", url
        ) from None
    return by_name(url, options)


def call(engine: Engine, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """The answer to one request; both are wire dicts.

    >>> call(lambda operation, body: b'{"Count":0}', "Scan", {"TableName": "scores"})
    {'Count': 0}

    ConnectionFailed if the answer is not a JSON object.
    """
    if not callable(engine):
        raise TypeError(f"call takes an engine first, such as connect('sqlite:scores.db'), not {engine!r}")
    if not isinstance(operation, str):
        raise TypeError(f"call takes the name of an operation second, such as 'Scan', not {operation!r}")
    try:
        body = json.dumps(request).encode()
    except (TypeError, ValueError, RecursionError) as error:  # such as bytes, which the wire has as base64 text
        raise TypeError(
            f"call takes a request in DynamoDB's own JSON, such as {{'TableName': 'scores'}}: {error}"
        ) from None
    return fields_of(body_of(engine(operation, body)))
