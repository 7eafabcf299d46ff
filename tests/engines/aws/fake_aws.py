"""All the services that give keys, on loopback, and a DynamoDB that takes only requests signed with those keys.

The services are STS, the portal of SSO and its tokens, and the metadata of containers and instances. The nth keys are
`AKIA{n}`, `secret{n}`, `token{n}`; they are valid for an hour by the clock that `later` moves.
"""

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from signatures import fault_of_signature

from flyexpr.engines.aws.signing import Keys

TIMES = "%Y-%m-%dT%H:%M:%SZ"
Answer = tuple[int, bytes]

STS = """<{name}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{name}Result><Credentials>
<AccessKeyId>{keys.access_key}</AccessKeyId><SecretAccessKey>{keys.secret_key}</SecretAccessKey>
<SessionToken>{keys.token}</SessionToken><Expiration>{until}</Expiration></Credentials></{name}Result></{name}Response>"""


class FakeAws:
    """One server for all of them; requests are signed for `region`."""

    def __init__(self, region: str = "eu-west-1") -> None:
        self.region = region
        self.keys: dict[str, Keys] = {}  # that DynamoDB and STS accept
        self.ends: dict[str, datetime] = {}
        self.handed_out = 0
        self.signers: list[str] = []  # the access key of each request to DynamoDB
        self.asked: list[str] = []  # all other requests, in order
        self.ahead = timedelta()
        self.instead: Callable[[str, str], Answer | None] = lambda path, body: None
        self._lock = threading.Lock()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, text = fake.answer(self.command, self.path, headers, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_: Any) -> None:
                """Logs nothing, so that the test's output stays clean."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.place = f"127.0.0.1:{self._server.server_port}"
        self.url = f"http://{self.place}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self) -> None:
        """Stops the server."""
        self._server.shutdown()
        self._server.server_close()

    def now(self) -> datetime:
        """The time on this server's clock."""
        return datetime.now(timezone.utc) + self.ahead

    def later(self) -> None:
        """Moves the clock two hours ahead."""
        self.ahead += timedelta(hours=2)

    def know(self, keys: Keys) -> None:
        """Keys that never expire."""
        self.keys[keys.access_key] = keys

    def hand_out(self) -> tuple[Keys, str]:
        """The next keys, and the time when they expire."""
        with self._lock:
            self.handed_out += 1
            keys = Keys(f"AKIA{self.handed_out}", f"secret{self.handed_out}", f"token{self.handed_out}")
            self.keys[keys.access_key], self.ends[keys.access_key] = keys, self.now() + timedelta(hours=1)
            return keys, self.ends[keys.access_key].strftime(TIMES)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """The answer to one request; a request with a target is for DynamoDB."""
        if "x-amz-target" in headers:
            return self._dynamodb(headers, body)
        text = body.decode()
        self.asked.append(f"{method} {path} {parse_qs(text).get('Action', [''])[0]}".strip())
        return self.instead(path, text) or self._service(method, path, headers, text)

    def _dynamodb(self, headers: dict[str, str], body: bytes) -> Answer:
        fault = fault_of_signature(self.keys, headers, body, region=self.region)
        access_key = headers["authorization"].partition("Credential=")[2].partition("/")[0]
        if fault or (access_key in self.ends and self.ends[access_key] < self.now()):
            return 400, json.dumps({"__type": "x#UnrecognizedClientException", "message": fault or "expired"}).encode()
        self.signers.append(access_key)
        return 200, b'{"TableNames":[]}'

    def _service(self, method: str, path: str, headers: dict[str, str], text: str) -> Answer:
        if path.startswith("/federation/credentials"):
            return self._portal(headers)
        if path.startswith("/token"):
            return self._token(json.loads(text))
        if path.startswith("/role"):
            return self._container(headers)
        if path.startswith("/latest/"):
            return self._instance(method, path, headers)
        return self._sts(headers, text)

    def _sts(self, headers: dict[str, str], text: str) -> Answer:
        asked = {name: values[0] for name, values in parse_qs(text).items()}
        if asked["Action"] == "AssumeRoleWithWebIdentity":
            fault = None if asked["WebIdentityToken"] == "web-identity" else "wrong token"
        else:
            fault = fault_of_signature(self.keys, headers, text.encode(), service="sts", region=self.region)
        if fault:
            return 403, sts_error("SignatureDoesNotMatch", fault)
        keys, until = self.hand_out()
        return 200, STS.format(name=asked["Action"], keys=keys, until=until).encode()

    def _portal(self, headers: dict[str, str]) -> Answer:
        if headers.get("x-amz-sso_bearer_token") != "sso-token":
            return 401, b'{"message":"Session token not found or invalid"}'
        keys, _ = self.hand_out()
        end = int(self.ends[keys.access_key].timestamp() * 1000)
        found = {"accessKeyId": keys.access_key, "secretAccessKey": keys.secret_key, "sessionToken": keys.token}
        return 200, json.dumps({"roleCredentials": {**found, "expiration": end}}).encode()

    def _token(self, asked: dict[str, str]) -> Answer:
        assert (asked["grantType"], asked["refreshToken"]) == ("refresh_token", "sso-refresh")
        return 200, b'{"accessToken":"sso-token","expiresIn":28800,"refreshToken":"sso-refresh","tokenType":"Bearer"}'

    def _container(self, headers: dict[str, str]) -> Answer:
        if headers.get("authorization", "container-token") != "container-token":
            return 401, b"wrong token"
        keys, until = self.hand_out()
        return 200, metadata(keys, until)

    def _instance(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        if path == "/latest/api/token":
            assert (method, headers["x-aws-ec2-metadata-token-ttl-seconds"]) == ("PUT", "21600")
            return 200, b"instance-token"
        if headers.get("x-aws-ec2-metadata-token") != "instance-token":
            return 401, b""
        if path.endswith("/security-credentials/"):
            return 200, b"the-role"
        assert path.endswith("/the-role")
        return 200, metadata(*self.hand_out())


def metadata(keys: Keys, until: str) -> bytes:
    """Keys in the form in which containers and instances get them."""
    found = {"AccessKeyId": keys.access_key, "SecretAccessKey": keys.secret_key, "Token": keys.token}
    return json.dumps({**found, "Expiration": until, "Code": "Success"}).encode()


def sts_error(code: str, message: str) -> bytes:
    """A refusal in the words of STS."""
    return (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
        f"<Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    ).encode()
