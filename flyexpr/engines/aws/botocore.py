"""The `botocore` transport: sends our request bytes through a botocore client, and takes the answer's bytes unparsed.

All that people configure in botocore stays in force: credentials, proxies, client certificates, retry modes, endpoint
rules, event hooks, mocks. On botocore's `before-call` event our bytes replace the body that it wrote; a parser of our
own passes the answer's bytes through. botocore decides what to send again, but never a request that
flyexpr.engines.aws.retries calls unsafe.
"""

from __future__ import annotations

import threading
from typing import Any

import botocore
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    SSLError,
)
from botocore.model import OperationNotFoundError
from botocore.parsers import ResponseParserFactory

from flyexpr.engine import STREAM_READS, Plain
from flyexpr.engines.aws.answers import damage, is_foreign, perhaps_done, refusal
from flyexpr.engines.aws.connections import trusted_bundle
from flyexpr.engines.aws.credentials import LOCAL, SessionKeys, open_session
from flyexpr.engines.aws.retries import delay, may_repeat
from flyexpr.engines.aws.target import Target
from flyexpr.engines.aws.tls import tls_context
from flyexpr.errors import DynamoError, FlyexprError

_BODY = "flyexpr.body"  # the member in which our parser leaves the answer's bytes
# botocore's endpoint rules look for table names in these members, so they must be there.
_STUBS: dict[str, dict[str, Any]] = {
    "BatchGetItem": {"RequestItems": {}},
    "BatchWriteItem": {"RequestItems": {}},
    "TransactGetItems": {"TransactItems": []},
    "TransactWriteItems": {"TransactItems": []},
}
_FIRST_WITH = {"SearchVectors": "1.43.64"}  # the version of botocore that first knows an operation
_NEVER_SENT = (EndpointConnectionError, ConnectTimeoutError, ProxyConnectionError)


class BotocoreEngine(Plain):
    """DynamoDB through a botocore client; safe to share between threads.

    >>> from flyexpr.engines.aws.target import target_of
    >>> BotocoreEngine(target_of("http://localhost:8000"), "as asked")
    <engine http://localhost:8000 by botocore: as asked>
    """

    def __init__(self, target: Target, why: str = "") -> None:
        self.target, self.why = target, why
        self._now = threading.local()
        self._closed = False
        self._lock = threading.Lock()
        self._session = _session(target)
        self._client = self._made("dynamodb")
        self._streams: Any = None

    def __call__(self, operation: str, body: bytes) -> bytes:
        """The answer to one request; DynamoError, in the service's words, if it is refused."""
        if self._closed:
            raise FlyexprError(f"{self!r} is closed")
        self._now.body = body
        client = self._streams_client() if operation in STREAM_READS else self._client
        try:
            answer = client._make_api_call(operation, _STUBS.get(operation, {}))
        except ClientError as error:
            response = error.response
            raise refusal(response["ResponseMetadata"]["HTTPStatusCode"], response[_BODY]) from None
        except OperationNotFoundError:
            raise _unknown(operation) from None
        except (HTTPClientError, BotoCoreError) as error:
            raise self._no_answer(error) from error
        body_of_answer: bytes = answer[_BODY]
        return body_of_answer

    def _made(self, service: str) -> Any:
        client = _client(self._session, self.target, service)
        events, name = client.meta.events, client.meta.service_model.service_id.hyphenize()
        events.register(f"before-call.{name}", self._give_body)
        events.register_first(f"needs-retry.{name}", self._guard)
        return client

    def _streams_client(self) -> Any:
        """The client of DynamoDB Streams, which botocore has as a service of its own; made when it is needed."""
        with self._lock:
            if self._streams is None:
                self._streams = self._made("dynamodbstreams")
        return self._streams

    def _give_body(self, params: dict[str, Any], **_: Any) -> None:
        params["body"] = self._now.body

    def _guard(self, response: Any, operation: Any, attempts: int, caught_exception: Any, **_: Any) -> float | None:
        """Seconds to wait before the next attempt, if the answer came damaged; None leaves the decision to botocore.

        botocore calls this after each attempt. By itself it would repeat any operation whose answer was lost, and
        return a damaged answer after its last attempt; here both are errors.
        """
        damaged = response and _damage(response[0])
        lost = damaged or _lost(response, caught_exception)
        if lost and not may_repeat(operation.name, self._now.body):
            raise perhaps_done(self._no_answer(lost), operation.name) from caught_exception
        if not damaged:
            return None
        if attempts >= self.target.attempts:
            raise self._no_answer(damaged)
        return delay(attempts, False, 1.0)

    def _no_answer(self, why: object) -> DynamoError:
        return DynamoError.of("ConnectionFailed", f"no answer from {self.target.url}: {why}")

    def close(self) -> None:
        """Closes the connections; the engine cannot be used any more."""
        self._closed = True
        self._client.close()
        if self._streams is not None:
            self._streams.close()

    def __enter__(self) -> BotocoreEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<engine {self.target.url} by botocore{self.why and ': '}{self.why}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return BotocoreEngine, (self.target, self.why)


def _unknown(operation: str) -> FlyexprError:
    needed = _FIRST_WITH.get(operation)
    if needed is None:
        return DynamoError.of("UnknownOperationException", f"{operation!r} is not an operation of DynamoDB")
    return FlyexprError(
        f"{operation} needs botocore {needed} or later, which knows its host; botocore {botocore.__version__} is "
        f"installed\n  hint: pip install 'botocore>={needed}'"
    )


def _client(session: Any, target: Target, service: str) -> Any:
    try:
        client = session.create_client(service, endpoint_url=target.endpoint, config=_config(target))
    except (ValueError, BotoCoreError) as error:
        raise FlyexprError(f"cannot connect to {target.url!r}: {error}") from None
    bundle = trusted_bundle(session.get_config_variable("ca_bundle"))
    if bundle and client.meta.endpoint_url.startswith("https:"):
        tls_context(bundle)  # to fail now; botocore would fail at the first request, without naming the file
    return client


def _session(target: Target) -> Any:
    """A session for the clients, with our parsers, and with the keys that a second session finds.

    The second session stays as botocore made it, because it makes the clients that fetch keys (STS, SSO), even much
    later.
    """
    session, keys = open_session(target), SessionKeys(open_session(target))
    session.register_component("response_parser_factory", _Parsers())
    if target.endpoint and not keys.method:
        session.set_credentials(LOCAL.access_key, LOCAL.secret_key)
    else:
        session.register_component("credential_provider", keys)
    return session


def _config(target: Target) -> Config:
    return Config(
        parameter_validation=False,  # it would see only the stub; the request was checked when it was made
        user_agent=f"flyexpr botocore/{botocore.__version__}",  # fixed; botocore would build one for every request
        read_timeout=target.timeout,
        connect_timeout=target.connect_timeout,
        retries={"total_max_attempts": target.attempts, **({"mode": target.retry_mode} if target.retry_mode else {})},
    )


def _damage(http: Any) -> str | None:
    return damage({name.lower(): value for name, value in http.headers.items()}, http.content)


def _lost(response: Any, caught_exception: Exception | None) -> object:
    """Why it is unknown whether the request was done, or None if it is known."""
    if response is None:
        never_sent = isinstance(caught_exception, _NEVER_SENT) or _refused_certificate(caught_exception)
        return None if never_sent else caught_exception
    status = response[0].status_code
    error = refusal(status, response[0].content) if status >= 500 else None
    return error if error and is_foreign(status, error) else None


def _refused_certificate(error: Exception | None) -> bool:
    """True if TLS failed before anything was sent: Python and urllib3 both use a ValueError for it."""
    inner = error.kwargs.get("error") if isinstance(error, SSLError) else None
    return isinstance(inner, Exception) and bool(inner.args) and isinstance(inner.args[0], ValueError)


class _Parsers(ResponseParserFactory):  # type: ignore[misc]
    def create_parser(self, protocol_name: str) -> Any:
        return _Parser()


class _Parser:
    """Passes the answer's bytes through unparsed, with the error code from which botocore decides whether to retry."""

    def parse(self, response: dict[str, Any], shape: Any) -> dict[str, Any]:
        status, body = response["status_code"], response["body"]
        parsed = {
            _BODY: body,
            "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": dict(response["headers"])},
        }
        if status < 300:
            return parsed
        error = refusal(status, body)
        return parsed | {"Error": {"Code": error.code, "Message": error.message}}
