"""Our signatures are botocore's, bit by bit."""

from datetime import datetime, timezone
from unittest.mock import patch

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import example, given
from hypothesis import strategies as st
from raised import raises

from flyexpr import FlyexprError
from flyexpr.engines.aws.endpoints import endpoint_at
from flyexpr.engines.aws.signing import CONTENT_TYPE, TARGET, Keys, Signer

GRAPHIC = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
LABELS = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?", fullmatch=True)
HOSTS = st.one_of(
    st.lists(LABELS, min_size=1, max_size=4).map(".".join),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
)
PORTS = st.one_of(st.just(""), st.sampled_from([":80", ":443", ":8000", ":"]), st.integers(1, 65535).map(":{}".format))
PATHS = st.sampled_from(["", "/", "/alternator", "/a/b_c/~d.e-f/"])
SECRETS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50)
KEYS = st.builds(Keys, GRAPHIC, SECRETS, st.none() | GRAPHIC)
TIMES = st.integers(0, 4_102_444_799)


def by_botocore(url: str, region: str, operation: str, body: bytes, keys: Keys, second: int) -> dict[str, str]:
    """The headers that botocore's signer writes, by lower-case name."""
    headers = {"X-Amz-Target": TARGET + operation, "Content-Type": CONTENT_TYPE}
    request = AWSRequest("POST", url, headers=headers, data=body)
    moment = datetime.fromtimestamp(second, timezone.utc)
    with patch("botocore.auth.get_current_datetime", return_value=moment):
        SigV4Auth(Credentials(*keys), "dynamodb", region).add_auth(request)
    signed = {name.lower(): value for name, value in request.headers.items()}
    return {name: value for name, value in signed.items() if name != "content-type"}


def by_us(signer: Signer, operation: str, body: bytes, keys: Keys, now: float) -> dict[str, str]:
    lines = signer.headers(operation, body, keys, now).split("\r\n")
    assert lines.pop() == ""
    return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}


@given(
    scheme=st.sampled_from(["http", "https"]),
    host=HOSTS,
    port=PORTS,
    path=PATHS,
    region=st.sampled_from(["eu-west-1", "us-gov-west-1", "local", "región"]),
    operation=st.sampled_from(["GetItem", "TransactWriteItems"]),
    body=st.binary(max_size=200) | st.text(max_size=50).map(lambda text: text.encode("utf-8", "surrogatepass")),
    keys=KEYS,
    second=TIMES,
    fraction=st.floats(0, 0.999),
)
@example(
    "https", "dynamodb.eu-west-1.amazonaws.com", "", "", "eu-west-1", "Query", b"{}", Keys("A", "é", "t+/="), 0, 0.5
)
@example("http", "[::1]", ":8000", "/", "eu-west-1", "Query", b"", Keys("A", " "), 951_782_400, 0.0)
def test_signatures_equal_botocores(
    scheme: str,
    host: str,
    port: str,
    path: str,
    region: str,
    operation: str,
    body: bytes,
    keys: Keys,
    second: int,
    fraction: float,
) -> None:
    url = f"{scheme}://{host}{port}{path}"
    endpoint = endpoint_at(url, region)
    assert endpoint is not None
    signer = Signer(region, endpoint.authority, endpoint.path)
    ours = by_us(signer, operation, body, keys, second + fraction)
    assert ours == by_botocore(url, region, operation, body, keys, second)


@given(st.lists(st.tuples(KEYS, st.integers(0, 3), st.integers(0, 5)), min_size=2, max_size=12))
def test_what_is_kept_is_not_kept_too_long(steps: list[tuple[Keys, int, int]]) -> None:
    """One signer, used with several keys over days and seconds, signs as a new one would."""
    kept = Signer("eu-west-1", "localhost:8000")
    for keys, day, second in steps:
        now = 1_700_000_000 + day * 86_400 + second
        for some_keys in (keys, steps[0][0]):
            signed = by_us(kept, "GetItem", b"{}", some_keys, now)
            assert signed == by_us(Signer("eu-west-1", "localhost:8000"), "GetItem", b"{}", some_keys, now)


@pytest.mark.parametrize(
    "keys, what",
    [
        (Keys("AKIA\n", "s"), "access key"),
        (Keys("AKIA", "s", "token "), "session token"),
        (Keys("AKIA\r\nX: y", "s"), "access key"),
        (Keys("é", "s"), "access key"),
    ],
)
def test_keys_that_would_break_their_line_are_refused(keys: Keys, what: str) -> None:
    with raises(FlyexprError, f"the {what} holds a space, a line break or a character that no header can carry"):
        Signer("eu-west-1", "localhost").headers("GetItem", b"{}", keys, 0)


def test_keys_do_not_show_their_secret() -> None:
    assert "secret" not in f"{Keys('AKIA', 'secret', 'secret')!r} {Keys('AKIA', 'secret')}"
