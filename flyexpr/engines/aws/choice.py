"""Chooses the transport: `direct` where the set-up is plain, `botocore` where only botocore can follow it."""

from __future__ import annotations

import os
import sys
import types
from typing import Any, NamedTuple

from flyexpr.engines.aws.connections import trusted_bundle
from flyexpr.engines.aws.credentials import (
    LOCAL,
    KeysNow,
    SessionKeys,
    environment_keys,
    environment_region,
    no_keys,
    open_session,
    variable_in_sight,
)
from flyexpr.engines.aws.endpoints import Endpoint, endpoint_at, plain_endpoint, ruled_endpoint
from flyexpr.engines.aws.profiles import Profile, plain_profile
from flyexpr.engines.aws.signing import Keys, fault_of
from flyexpr.engines.aws.target import Target
from flyexpr.errors import FlyexprError


class Setup(NamedTuple):
    """What the `direct` transport needs to know, and why it was chosen."""

    endpoint: Endpoint
    keys: KeysNow
    bundle: str | None
    why: str


class _Unusual(Exception):
    """A setting that `direct` cannot follow; the text of the exception says which."""


def choose(target: Target) -> Setup | str:
    """The set-up of the `direct` transport, or the reason for `botocore`.

    >>> from flyexpr.engines.aws.target import target_of
    >>> choose(target_of("http://localhost:8000")).endpoint
    Endpoint(secure=False, host='localhost', port=8000, path='/', region='us-east-1')
    >>> choose(target_of("http://localhost:8000?transport=botocore"))
    'as asked'

    FlyexprError if the URL says `?transport=direct` and that transport cannot follow the set-up.
    """
    if target.transport == "botocore":
        return "as asked"
    if target.transport is None:
        if mock_is_active():
            return "moto's mock is active"
        if is_instrumented():
            return "botocore's client is instrumented"
    try:
        setup = _plain_setup(target) or _session_setup(target)
    except _Unusual as reason:
        if target.transport is None:
            return str(reason)
        raise FlyexprError(
            f"the direct transport cannot serve {target.url!r}: {reason}\n  write ?transport=botocore"
        ) from None
    return setup if target.transport is None else setup._replace(why=f"as asked, {setup.why}")


def _plain_setup(target: Target) -> Setup | None:
    """The set-up, if the environment and a plain profile say all of it, so that no session is needed; else None."""
    environ = os.environ
    profile = None if variable_in_sight(environ) else plain_profile(target.profile, environ)
    if profile is None:
        return None
    region = target.region or environment_region(environ) or profile.region or (target.endpoint and "us-east-1")
    if not region:
        return None
    endpoint = _own_endpoint(target, region) if target.endpoint else plain_endpoint(region)
    if endpoint is None:
        return None
    keys, why = _plain_keys(target, profile, endpoint)
    if keys is None:
        return None
    _refuse_proxy(endpoint)
    return Setup(endpoint, lambda: keys, trusted_bundle(environ.get("AWS_CA_BUNDLE")), why)


def _plain_keys(target: Target, profile: Profile, endpoint: Endpoint) -> tuple[Keys | None, str]:
    """The keys and where they are from; None if only botocore can find them, or say what is wrong with them."""
    if os.environ.get("AWS_ACCESS_KEY_ID") and not target.profile:
        keys = environment_keys(os.environ)
        wrong = keys and fault_of(keys)
        if wrong:
            raise no_keys(wrong, "env")
        return keys, "keys in the environment" if target.endpoint else "keys and region in the environment"
    if profile.keys is not None:
        return None if fault_of(profile.keys) else profile.keys, f"keys of the profile {profile.name!r}"
    # botocore would ask the network for the role of an EC2 instance, and wait for an answer.
    local = target.endpoint and endpoint.on_this_machine
    return LOCAL if local else None, "a server on this machine, no keys needed"


def _session_setup(target: Target) -> Setup:
    """The set-up that AWS's configuration describes, as botocore reads it."""
    session = open_session(target)
    region = session.get_config_variable("region")
    _refuse_unusual(session, target)
    own = _own_endpoint(target, region) if target.endpoint else None
    keys = SessionKeys(session)
    endpoint = own or _ruled_endpoint(session, region, keys.account_id)
    _refuse_proxy(endpoint)
    bundle = trusted_bundle(session.get_config_variable("ca_bundle"))
    why = f"keys by botocore from {keys.method}" if keys.method else "no keys are known"
    return Setup(endpoint, (lambda: LOCAL) if own and not keys.method else keys, bundle, why)


def _own_endpoint(target: Target, region: str) -> Endpoint:
    endpoint = endpoint_at(target.endpoint or "", region)
    if endpoint is None:
        raise _Unusual("the endpoint is not a plain host, port and path")
    return endpoint


def _ruled_endpoint(session: Any, region: str, account: str | None) -> Endpoint:
    from botocore.exceptions import BotoCoreError

    try:
        endpoint = ruled_endpoint(session, region, account)
    except BotoCoreError as error:
        raise _Unusual(str(error)) from None
    if endpoint is None:
        raise _Unusual("the region is not one that a plain endpoint and signature serve")
    return endpoint


def _refuse_unusual(session: Any, target: Target) -> None:
    setting, configured = session.get_config_variable, session.get_scoped_config()
    if setting("retry_mode") not in (None, "legacy", "standard"):
        raise _Unusual(f"the retry mode is {setting('retry_mode')}")
    if str(setting("endpoint_discovery_enabled")).lower() == "true":
        raise _Unusual("endpoint discovery is enabled")
    if setting("account_id_endpoint_mode") == "required":
        raise _Unusual("endpoints by account are required")
    if target.endpoint:
        if setting("use_fips_endpoint") or setting("use_dualstack_endpoint"):
            raise _Unusual("FIPS or dual stack is set together with an endpoint")
    elif not setting("ignore_configured_endpoint_urls"):
        if {"AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL"} & os.environ.keys():
            raise _Unusual("the environment names an endpoint")
        if {"services", "endpoint_url"} & configured.keys():
            raise _Unusual("AWS's configuration names an endpoint")


def _refuse_proxy(endpoint: Endpoint) -> None:
    scheme = "https" if endpoint.secure else "http"
    # On other systems urllib too looks only at the environment; importing it takes 20 ms.
    named = any(name.lower() == f"{scheme}_proxy" for name in os.environ)
    if named or sys.platform in ("darwin", "win32"):
        from urllib.request import getproxies, proxy_bypass

        if getproxies().get(scheme) and not proxy_bypass(endpoint.authority):
            raise _Unusual(f"there is a proxy for {scheme}")


def mock_is_active() -> bool:
    """True while moto, which works inside botocore, stands in for AWS.

    >>> mock_is_active()
    False
    """
    moto = sys.modules.get("moto.core.models")
    return moto is not None and bool(getattr(getattr(moto, "botocore_stubber", None), "enabled", False))


def is_instrumented() -> bool:
    """True if something wraps every call of botocore's clients: a tracer, a profiler, a patch.

    >>> is_instrumented()
    False
    """
    client = sys.modules.get("botocore.client")
    if client is None:
        return False
    call = vars(client.BaseClient).get("_make_api_call")
    # A wrapper may copy the function's name and module, but not its globals.
    return not (isinstance(call, types.FunctionType) and call.__globals__["__name__"].startswith("botocore."))
