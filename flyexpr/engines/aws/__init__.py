"""Engines for AWS, and for any endpoint that speaks its protocol.

    dynamodb://REGION                 AWS; `dynamodb://` alone takes the region of the profile or environment
    http://HOST:PORT  https://…       DynamoDB Local, ScyllaDB Alternator, a proxy, any endpoint

Options in the query string: `profile=NAME` of AWS's configuration, `region=NAME` (for endpoints; us-east-1 if nothing
names one), `timeout=SECONDS` for an answer, `attempts=N` for one request (4 as in AWS's SDKs; with `attempts=1` nothing
is ever sent twice, see flyexpr.engines.aws.retries), `retry_mode=adaptive` to send no faster than the table allows (see
flyexpr.engines.aws.adaptive), `transport=direct` or `transport=botocore`.

Both transports give the same answers. `direct` signs and sends by itself, and is some ten times faster for a single
item. `botocore` uses a botocore client, so proxies, client certificates, mocks and instrumentation work. If the URL
does not name one, flyexpr.engines.aws.choice picks it; `repr(engine)` says which, and why.
"""

from __future__ import annotations

from flyexpr.engine import AsyncConnection, Connection
from flyexpr.engines.aws.target import target_of


def connect_aws(url: str) -> Connection:
    """The engine for a `dynamodb:` or `http(s):` URL, with the transport that suits the set-up.

    >>> connect_aws("http://localhost:8000")
    <engine http://localhost:8000 by direct: a server on this machine, no keys needed>
    >>> connect_aws("http://localhost:8000?transport=botocore")
    <engine http://localhost:8000?transport=botocore by botocore: as asked>
    """
    target = target_of(url)  # before the import: a faulty URL is refused without loading a transport
    from flyexpr.engines.aws.direct import open_engine

    return open_engine(target)


def connect_aws_awaited(url: str) -> AsyncConnection:
    """The same engine for `flyexpr.aio`; botocore does its work in threads.

    >>> connect_aws_awaited("http://localhost:8000")
    <awaited engine http://localhost:8000 by direct: a server on this machine, no keys needed>
    >>> connect_aws_awaited("http://localhost:8000?transport=botocore")
    <awaited engine http://localhost:8000?transport=botocore by botocore: as asked>
    """
    target = target_of(url)
    from flyexpr.engines.aws.aio import open_awaited_engine

    return open_awaited_engine(target)
