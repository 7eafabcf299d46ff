"""Where requests go: the endpoint that a URL names, the plain one of a region, or the one from botocore's rules."""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from urllib.parse import urlsplit

# In AWS's main partition the host is dynamodb.REGION.amazonaws.com; elsewhere (China, government, …) botocore's rules
# are asked.
_MAIN_PARTITION = re.compile(r"(?:us|eu|ap|sa|ca|me|af|il|mx)-[a-z]+-[0-9]+")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_IPV6 = re.compile(r"[0-9a-f:.]*:[0-9a-f:.]*")
_PATH = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9_~.-]*)*/?")
_PORTS = {"http": 80, "https": 443}


class Endpoint(NamedTuple):
    """Where requests go, and for which region they are signed."""

    secure: bool
    host: str
    port: int
    path: str
    region: str

    @property
    def authority(self) -> str:
        """Host and port as they stand in the `Host` header and in signatures.

        >>> Endpoint(True, "::1", 443, "/", "eu-west-1").authority
        '[::1]'
        >>> Endpoint(False, "db", 8000, "/", "eu-west-1").authority
        'db:8000'
        """
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    @property
    def on_this_machine(self) -> bool:
        """True for a loopback address.

        >>> Endpoint(False, "127.0.0.1", 8000, "/", "us-east-1").on_this_machine
        True
        """
        return self.host in ("localhost", "::1") or self.host.startswith("127.")


def endpoint_at(url: str, region: str) -> Endpoint | None:
    """The endpoint that an `http(s)://` URL names, or None for a URL that only botocore's rules can read.

    >>> endpoint_at("http://LocalHost:8000", "us-east-1")
    Endpoint(secure=False, host='localhost', port=8000, path='/', region='us-east-1')
    >>> endpoint_at("https://user:secret@example.com/%7Ea/../b", "us-east-1")

    That is a URL with a user, with a path to escape or normalise, or with a host that is not plain ASCII.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    plain_host = _HOST.fullmatch(host) or ("[" in parts.netloc and _IPV6.fullmatch(host))
    if (
        parts.scheme not in _PORTS
        or port == 0
        or "@" in parts.netloc
        or not plain_host
        or not _PATH.fullmatch(parts.path)
    ):
        return None
    secure = parts.scheme == "https"
    return Endpoint(secure, host, _PORTS[parts.scheme] if port is None else port, parts.path or "/", region)


def plain_endpoint(region: str) -> Endpoint | None:
    """The endpoint of a region of AWS's main partition, or None.

    >>> plain_endpoint("eu-west-1").host, plain_endpoint("cn-north-1")
    ('dynamodb.eu-west-1.amazonaws.com', None)
    """
    if not _MAIN_PARTITION.fullmatch(region):
        return None
    return Endpoint(True, f"dynamodb.{region}.amazonaws.com", 443, "/", region)


def ruled_endpoint(session: Any, region: str, account: str | None) -> Endpoint | None:
    """The endpoint that botocore's rules give for a session's settings, or None if it does not take a plain signature.

    None also if the region's name cannot be part of a host name. The rules know FIPS, dual stack and endpoints by
    account. `account` is a preference: the account of the keys, if it is known before the first keys are fetched.
    Asking the rules takes 15 ms; making a client would take 130.
    """
    if not re.fullmatch(_LABEL, region, re.IGNORECASE):
        return None
    from botocore.endpoint_provider import EndpointProvider

    setting = session.get_config_variable
    loader = session.get_component("data_loader")
    rules = EndpointProvider(
        loader.load_service_model("dynamodb", "endpoint-rule-set-1"), loader.load_data("partitions")
    )
    ruled = rules.resolve_endpoint(
        Region=region,
        UseFIPS=bool(setting("use_fips_endpoint")),
        UseDualStack=bool(setting("use_dualstack_endpoint")),
        **({"AccountId": account, "AccountIdEndpointMode": setting("account_id_endpoint_mode")} if account else {}),
    )
    schemes = ruled.properties.get("authSchemes") or [{"name": "sigv4"}]
    if schemes[0]["name"] != "sigv4" or schemes[0].get("signingName", "dynamodb") != "dynamodb" or ruled.headers:
        return None
    return endpoint_at(ruled.url, schemes[0].get("signingRegion", region))
