"""Checks a signature as a service does: botocore's signer computes it from the request, and the two are compared."""

from collections.abc import Mapping

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from flyexpr.engines.aws.signing import Keys

TESTING = {"testing": Keys("testing", "testing")}
"""The keys that tests/conftest.py puts into the environment, by access key."""

SIGNED_ALWAYS = {"host", "x-amz-date"}


def fault_of_signature(
    keys: Mapping[str, Keys],
    headers: Mapping[str, str],
    body: bytes,
    *,
    path: str = "/",
    service: str = "dynamodb",
    region: str = "us-east-1",
) -> str | None:
    """Why a request is refused, or None; `headers` are by lower-case name, `keys` by access key."""
    method, _, parameters = headers.get("authorization", "").partition(" ")
    parts = dict(part.strip().split("=", 1) for part in parameters.split(",") if part)
    if method != "AWS4-HMAC-SHA256" or parts.keys() != {"Credential", "SignedHeaders", "Signature"}:
        return f"no signature: {headers.get('authorization')!r}"
    access_key, _, scope = parts["Credential"].partition("/")
    if access_key not in keys:
        return f"unknown access key {access_key!r}"
    if scope != f"{headers['x-amz-date'][:8]}/{region}/{service}/aws4_request":
        return f"scope {scope!r} is not of {region} and {service}"
    signed, owner = set(parts["SignedHeaders"].split(";")), keys[access_key]
    if headers.get("x-amz-security-token") != owner.token:
        return f"the session token is not the one of {access_key!r}"
    wanted = SIGNED_ALWAYS | ({"x-amz-security-token"} if owner.token else set())
    wanted |= {"x-amz-target"} if service == "dynamodb" else set()
    if not wanted <= signed:
        return f"not signed: {sorted(wanted - signed)}"
    request = AWSRequest("POST", f"http://{headers['host']}{path}", data=body)
    for name in signed:
        request.headers[name] = headers[name]
    request.context["timestamp"] = headers["x-amz-date"]
    signer = SigV4Auth(Credentials(owner.access_key, owner.secret_key), service, region)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    if signer.signature(text, request) != parts["Signature"]:
        return "the signature is wrong"
    return None
