"""The `botocore` transport: a botocore client, with request and answer left to us.

Everything that people configure in botocore stays in force: credentials, proxies, client certificates, retry modes,
endpoint rules, event hooks, mocks. Our bytes replace the ones that botocore wrote, on its `before-call` event, and a
parser of our own hands the answer's bytes through; errors are still parsed by botocore's, which its retries need.
"""

from __future__ import annotations

import json
import threading
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
)
from botocore.parsers import ResponseParserFactory

from flyexpr.errors import DynamoError, FlyexprError
from flyexpr.engines.aws import Target

_BODY = "flyexpr.body"  # where our parser leaves an answer's bytes
# botocore's endpoint rules look for table names in these members, which have to be there.
_STUBS: dict[str, dict[str, Any]] = {
    "BatchGetItem": {"RequestItems": {}},
    "BatchWriteItem": {"RequestItems": {}},
    "TransactGetItems": {"TransactItems": []},
    "TransactWriteItems": {"TransactItems": []},
}


class BotocoreEngine:
    """DynamoDB through a botocore client; safe to share between threads.

    >>> from flyexpr.engines.aws import target_of
    >>> BotocoreEngine(target_of("http://localhost:8000"))
    <engine http://localhost:8000 by botocore>
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self._now = threading.local()
        self._client = _client(target)
        self._client.meta.events.register("before-call.dynamodb", self._give_body)

    def __call__(self, operation: str, body: bytes) -> bytes:
        self._now.body = body
        try:
            answer = self._client._make_api_call(operation, _STUBS.get(operation, {"TableName": "table"}))
        except ClientError as error:
            raise _refusal(error) from None
        except (NoCredentialsError, PartialCredentialsError) as error:
            raise FlyexprError(
                f"{error}\n  hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile"
            ) from None
        except (HTTPClientError, BotoCoreError) as error:
            raise DynamoError.of("ConnectionFailed", f"no answer from {self.target.url}: {error}") from error
        found: bytes = answer[_BODY]
        return found

    def _give_body(self, params: dict[str, Any], **_: Any) -> None:
        params["body"] = self._now.body

    def __repr__(self) -> str:
        return f"<engine {self.target.url} by botocore>"

    def __reduce__(self) -> tuple[Any, ...]:
        return BotocoreEngine, (self.target,)


def _client(target: Target) -> Any:
    try:
        session = botocore.session.Session(profile=target.profile)
        region = target.region or session.get_config_variable("region") or (target.endpoint and "us-east-1")
        credentials = session.get_credentials()
        if credentials is None and target.endpoint:
            session._credentials = Credentials(
                "local", "local"
            )  # an endpoint of one's own rarely asks who is there
        # From here on, so that clients which credentials need (STS, SSO) keep botocore's own parsers.
        session.register_component("response_parser_factory", _Parsers())
        return session.create_client(
            "dynamodb", region_name=region, endpoint_url=target.endpoint, config=_config(target)
        )
    except NoRegionError:
        raise FlyexprError(
            f"{target.url!r} names no region, and neither does AWS's configuration\n  write dynamodb://eu-west-1"
        ) from None
    except ProfileNotFound:
        raise FlyexprError(
            f"AWS's configuration has no profile {target.profile!r}, which {target.url!r} names"
        ) from None
    except ValueError as error:
        raise FlyexprError(f"{target.url!r} names no endpoint: {error}") from None


def _config(target: Target) -> Config:
    return Config(
        parameter_validation=False,  # of the stub; the request was checked when it was written
        user_agent=f"flyexpr botocore/{botocore.__version__}",  # fixed: botocore builds its own anew for every request
        read_timeout=target.timeout,
        connect_timeout=min(target.timeout, 10),
        retries={"total_max_attempts": target.attempts},
    )


class _Parsers(ResponseParserFactory):  # type: ignore[misc]
    def create_parser(self, protocol_name: str) -> Any:
        return _Parser(super().create_parser(protocol_name))


class _Parser:
    """Hands the bytes of an answer through; an error is parsed by botocore, beside its bytes."""

    def __init__(self, parser: Any) -> None:
        self._parser = parser

    def parse(self, response: dict[str, Any], shape: Any) -> dict[str, Any]:
        status, body = response["status_code"], response["body"]
        if status >= 300:
            parsed: dict[str, Any] = self._parser.parse(response, shape)
            return parsed | {_BODY: body}
        return {
            _BODY: body,
            "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": dict(response["headers"])},
        }


def _refusal(error: ClientError) -> DynamoError:
    found = error.response
    code, message = found["Error"].get("Code", "Unknown"), found["Error"].get("Message") or ""
    try:
        fields = json.loads(found.get(_BODY) or b"{}")
    except ValueError:
        fields = {}
    message = message or fields.get("message") or fields.get("Message") or ""
    rest = {name: value for name, value in fields.items() if name not in ("__type", "message", "Message")}
    return DynamoError.of(str(code), message, rest)
