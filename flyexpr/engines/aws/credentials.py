"""The keys that sign requests: from the environment or a plain profile if they say everything, else from botocore.

Reading the environment saves importing botocore: 150 ms of the 200 that the first request of a Lambda would take.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flyexpr.engines.aws.signing import Keys, fault_of
from flyexpr.engines.aws.target import Target
from flyexpr.errors import FlyexprError

# These variables are read here or in profiles.py, or do not matter to a request that has its keys; any other might.
_UNDERSTOOD = frozenset(
    """
    AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_REGION AWS_DEFAULT_REGION AWS_CA_BUNDLE
    AWS_PROFILE AWS_DEFAULT_PROFILE AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE
    AWS_EC2_METADATA_DISABLED AWS_EXECUTION_ENV AWS_DEFAULT_OUTPUT AWS_PAGER
    """.split()
)
_UNDERSTOOD_BEGINNINGS = ("AWS_LAMBDA_", "AWS_XRAY_")
# botocore's names for the providers that do not look at a profile.
_WITHOUT_PROFILE = ("env", "container-role", "iam-role")

LOCAL = Keys("local", "local")
"""Made-up keys for an endpoint of your own where no keys are set: such a server rarely checks them."""

KeysNow = Callable[[], Keys]
"""Gives the keys that are valid now."""

_Result = TypeVar("_Result")


def environment_keys(environ: Mapping[str, str]) -> Keys | None:
    """The keys in the environment, or None.

    >>> environment_keys({"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret"})
    Keys('AKIA', ...)
    """
    access_key, secret_key = environ.get("AWS_ACCESS_KEY_ID"), environ.get("AWS_SECRET_ACCESS_KEY")
    if not access_key or not secret_key:
        return None
    return Keys(access_key, secret_key, environ.get("AWS_SESSION_TOKEN") or None)


def environment_region(environ: Mapping[str, str]) -> str | None:
    """The region that the environment names, or None; botocore reads AWS_DEFAULT_REGION only, other SDKs AWS_REGION.

    >>> environment_region({"AWS_REGION": "eu-west-1"})
    'eu-west-1'
    """
    return environ.get("AWS_DEFAULT_REGION") or environ.get("AWS_REGION") or None


def variable_in_sight(environ: Mapping[str, str]) -> str | None:
    """The first variable that only botocore understands, or None.

    >>> variable_in_sight({"AWS_USE_FIPS_ENDPOINT": "true", "AWS_PROFILE": "games"})
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
    return None


def open_session(target: Target) -> Any:
    """A botocore session with the target's profile, and the target's region or the one that AWS's configuration names.

    FlyexprError if there is no such profile, or no region. The region is set on the session, so that the services that
    give keys are asked in the same region.
    """
    import botocore.session
    from botocore.exceptions import ProfileNotFound

    session = botocore.session.Session(profile=target.profile)
    try:
        session.get_scoped_config()  # this looks the profile up
    except ProfileNotFound as error:
        source = repr(target.url) if target.profile else _profile_variable(os.environ)
        raise FlyexprError(
            f"{source} names the profile {error.kwargs['profile']!r}, but AWS's configuration does not have it"
        ) from None
    except Exception as error:
        raise FlyexprError(f"AWS's configuration cannot be read: {_cause(error)}") from None
    session.set_config_variable("region", _region(session, target))
    return session


def _profile_variable(environ: Mapping[str, str]) -> str:
    """The variable that names the profile; botocore looks at the older one first."""
    return next(name for name in ("AWS_DEFAULT_PROFILE", "AWS_PROFILE") if name in environ)


def _region(session: Any, target: Target) -> str:
    region = target.region or environment_region(os.environ) or session.get_config_variable("region")
    if not region and not target.endpoint:
        raise FlyexprError(
            f"no region: {target.url!r} names none, AWS_REGION is not set, and AWS's configuration has none\n"
            "  write dynamodb://eu-west-1"
        )
    return str(region or "us-east-1")


class SessionKeys:
    """The keys that botocore's providers find; a call gives those that are valid now.

    Any problem with the keys is one FlyexprError that names the profile or the provider. botocore fetches keys that
    expire again, some minutes before they do. For a botocore client this object is both credentials and their provider.
    """

    def __init__(self, session: Any) -> None:
        self._profile = session.get_config_variable("profile") or "default"
        self._named = self._profile in session.full_config["profiles"]
        self._checked: Any = None
        resolver = self._asked(None, lambda: session.get_component("credential_provider"))
        self._credentials = self._first_of(resolver.providers)

    def _first_of(self, providers: list[Any]) -> Any:
        for provider in providers:
            credentials = self._asked(provider.METHOD, provider.load)
            if credentials is not None:
                return credentials
        return None

    def _asked(self, method: str | None, ask: Callable[[], _Result]) -> _Result:
        try:
            return ask()
        except Exception as error:  # a program, a file or a service gives the keys, so any error may come
            failure = no_keys(_cause(error), self._source(method))
        raise failure  # outside the `except`: the first error may hold the keys, so it is not chained

    def _source(self, method: str | None = None) -> str | None:
        if method in _WITHOUT_PROFILE or not self._named:
            return method
        return f"profile {self._profile!r} by {method}" if method else f"profile {self._profile!r}"

    @property
    def method(self) -> str | None:
        """botocore's name for the provider that found the keys; None if none did."""
        return str(self._credentials.method) if self._credentials else None

    @property
    def account_id(self) -> str | None:
        """The account, if it is known before the first keys are fetched."""
        account: str | None = vars(self._credentials).get("account_id") if self._credentials else None
        return account

    @property
    def are_due(self) -> bool:
        """Whether the keys must be fetched again, which may take seconds."""
        return bool(getattr(self._credentials, "refresh_needed", bool)())

    def __call__(self) -> Keys:
        frozen = self.get_frozen_credentials()
        return Keys(frozen.access_key, frozen.secret_key, frozen.token)

    def get_frozen_credentials(self) -> Any:
        """The same as the method of botocore's credentials."""
        if self._credentials is None:
            raise no_keys(source=self._source())
        method = self._credentials.method
        frozen = self._asked(method, self._credentials.get_frozen_credentials)
        if frozen != self._checked:
            wrong = fault_of(frozen)
            if wrong:
                del frozen  # because error reports may show the variables of each function
                raise no_keys(wrong, self._source(method))
            self._checked = frozen
        return frozen

    def get_deferred_property(self, name: str) -> Callable[[], Any]:
        """The same as the method of botocore's credentials."""
        return lambda: getattr(self.get_frozen_credentials(), name, None)

    def load_credentials(self) -> SessionKeys:
        """The same as the method of botocore's providers."""
        return self


def may_wait(keys: KeysNow) -> bool:
    """Whether the next call for the keys may have to fetch them.

    >>> may_wait(lambda: LOCAL)
    False
    """
    return isinstance(keys, SessionKeys) and keys.are_due


def _cause(error: Exception) -> str:
    """What went wrong, in one line: further lines may quote an unreadable answer, and the keys in it."""
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

    if type(error).__name__ in ("EOFError", "GetPassWarning"):
        return "it needs a code of its MFA device, and there is no terminal to type it in"
    if isinstance(error, ParamValidationError):  # about a setting of the profile, such as an `external_id`
        return str(error).replace("\n", " ")
    text = str(error).partition("\n")[0].rstrip(" :")
    return text if isinstance(error, (BotoCoreError, ClientError)) else f"{type(error).__name__}: {text}"


def no_keys(cause: str = "Unable to locate credentials", source: str | None = None) -> FlyexprError:
    """The error for a request that cannot be signed.

    >>> print(no_keys("No such file or directory: 'token'", "profile 'games' by assume-role-with-web-identity"))
    no keys from profile 'games' by assume-role-with-web-identity: No such file or directory: 'token'
      hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile
    """
    start = f"no keys from {source}" if source else "no keys"
    return FlyexprError(f"{start}: {cause}\n  hint: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile")
