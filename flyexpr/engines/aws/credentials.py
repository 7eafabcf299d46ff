"""Who asks: keys from the environment where they are all there is, else from a botocore session.

Looking into the environment saves importing botocore: 150 ms of the 200 that the first request of a Lambda would take.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from flyexpr.engines.aws import Target
from flyexpr.engines.aws.signing import Keys
from flyexpr.errors import DynamoError, FlyexprError

# What these say is either read here or cannot matter to a request that has its keys; any other AWS_… variable might.
_UNDERSTOOD = frozenset(
    """
    AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION AWS_CA_BUNDLE
    AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE AWS_EC2_METADATA_DISABLED AWS_EXECUTION_ENV AWS_DEFAULT_OUTPUT AWS_PAGER
    """.split()
)
_UNDERSTOOD_BEGINNINGS = ("AWS_LAMBDA_", "AWS_XRAY_")
_FILES = {"AWS_CONFIG_FILE": "~/.aws/config", "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials"}

LOCAL = Keys("local", "local")
"""What a server on one's own machine is shown where there are no keys: it rarely asks."""

KeysNow = Callable[[], Keys]
"""Gives the keys that are valid now."""


def environment_keys(environ: Mapping[str, str]) -> Keys | None:
    """The keys in the environment, or None.

    >>> environment_keys({"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret"})
    Keys('AKIA', ...)
    """
    access_key, secret_key = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if not access_key or not secret_key:
        return None
    return Keys(access_key, secret_key, environ.get("AWS_SESSION_TOKEN") or None)


def settings_in_sight(environ: Mapping[str, str]) -> str | None:
    """The first thing in sight that only botocore understands, or None where the environment says it all.

    >>> settings_in_sight({"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"})
    >>> settings_in_sight({"AWS_USE_FIPS_ENDPOINT": "true"})
    'AWS_USE_FIPS_ENDPOINT'
    """
    for name, value in environ.items():
        if (
            name.startswith("AWS_")
            and value
            and name not in _UNDERSTOOD
            and not name.startswith(_UNDERSTOOD_BEGINNINGS)
        ):
            return name
    for name, place in _FILES.items():
        path = environ.get(name) or place
        try:
            if os.path.getsize(os.path.expanduser(path)):
                return path
        except OSError:
            continue  # no such file, or none that anyone could read
    return None


def open_session(target: Target) -> Any:
    """A botocore session with the target's profile; FlyexprError if there is no such profile."""
    import botocore.session
    from botocore.exceptions import BotoCoreError, ProfileNotFound

    try:
        session = botocore.session.Session(profile=target.profile)
        session.get_scoped_config()  # which is where a profile is looked up
    except ProfileNotFound as error:
        name, where = error.kwargs["profile"], repr(target.url) if target.profile else "AWS_PROFILE"
        raise FlyexprError(f"AWS's configuration has no profile {name!r}, which {where} names") from None
    except BotoCoreError as error:
        raise FlyexprError(f"AWS's configuration cannot be read: {error}") from None
    return session


def region_of(session: Any, target: Target) -> str:
    """The region that the URL names, or AWS's configuration; FlyexprError if neither does."""
    region = target.region or session.get_config_variable("region") or (target.endpoint and "us-east-1")
    if not region:
        raise FlyexprError(
            f"{target.url!r} names no region, and neither does AWS's configuration\n  write dynamodb://eu-west-1"
        )
    return str(region)


def session_credentials(session: Any) -> Any:
    """The credentials that botocore finds, or None; FlyexprError when it finds the half of some."""
    from botocore.exceptions import BotoCoreError

    try:
        return session.get_credentials()
    except BotoCoreError as error:
        raise no_keys(error) from None


def session_keys(credentials: Any) -> KeysNow:
    """Gives the keys of botocore's credentials, which refresh themselves shortly before they expire."""
    from botocore.exceptions import BotoCoreError

    def keys() -> Keys:
        if credentials is None:
            raise no_keys()
        try:
            frozen = credentials.get_frozen_credentials()
        except BotoCoreError as error:
            raise DynamoError.of("ConnectionFailed", f"no keys to sign with: {error}") from error
        return Keys(frozen.access_key, frozen.secret_key, frozen.token)

    return keys


def no_keys(error: object = "Unable to locate credentials") -> FlyexprError:
    """The error for a request that nobody can sign.

    >>> print(no_keys())
    Unable to locate credentials
      hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile
    """
    return FlyexprError(f"{error}\n  hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile")
