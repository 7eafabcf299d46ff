"""Reads the URL of an AWS engine: where requests go, with which keys, and how long to wait."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import SplitResult, parse_qsl, urlsplit

from flyexpr.engines.urls import by_name, shown
from flyexpr.errors import FlyexprError, did_you_mean
from flyexpr.records import record

_OPTIONS = ("profile", "region", "transport", "timeout", "attempts", "retry_mode")
_CHOICES = {"transport": ("direct", "botocore"), "retry_mode": ("standard", "adaptive")}
_ATTEMPTS = 4  # as AWS's SDKs do for DynamoDB; for other services they make 3
_Number = TypeVar("_Number", int, float)


@record
class Target:
    """The parts of an engine's URL.

    >>> target_of("dynamodb://eu-west-1?profile=games")
    Target(url='dynamodb://eu-west-1?profile=games', region='eu-west-1', endpoint=None, profile='games', ...)

    `url` and `endpoint` are without user and password, which sign nothing; `url` is shown in texts and pickled.
    """

    url: str
    region: str | None
    endpoint: str | None
    profile: str | None
    transport: str | None
    timeout: float
    attempts: int
    retry_mode: str | None

    @property
    def connect_timeout(self) -> float:
        """Seconds to wait for a connection."""
        return min(self.timeout, 10.0)


def target_of(url: str) -> Target:
    """The parts of an engine's URL; FlyexprError for an unknown option.

    >>> target_of("http://localhost:8000?colour=red")
    Traceback (most recent call last):
    ...
    flyexpr.errors.FlyexprError: no option 'colour' in 'http://localhost:8000?colour=***'
      write one of: profile, region, transport, timeout, attempts, retry_mode
    """
    text = shown(url)
    parts = _parts(url, text)
    options = by_name(url, parse_qsl(parts.query, keep_blank_values=True))
    _check_options(text, options)
    aws, host = parts.scheme == "dynamodb", parts.netloc.rpartition("@")[2]
    if aws and host != parts.netloc:
        raise FlyexprError(f"{text!r} holds keys\n  set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile")
    start = f"{parts.scheme}://{host}{parts.path}"
    return Target(
        url=f"{start}?{parts.query}" if parts.query else start,
        region=(host or None) if aws else options.get("region"),
        endpoint=None if aws else start,
        profile=options.get("profile"),
        transport=options.get("transport"),
        timeout=_number(text, options, "timeout", 60.0, "number"),
        attempts=_number(text, options, "attempts", _ATTEMPTS, "whole number"),
        retry_mode=options.get("retry_mode"),
    )


def _check_options(text: str, options: Mapping[str, str]) -> None:
    for name in options:
        if name not in _OPTIONS:
            meant = did_you_mean(name, _OPTIONS, "{}=") or f"write one of: {', '.join(_OPTIONS)}"
            raise FlyexprError(f"no option {name!r} in {text!r}\n  {meant}")
    for name, choices in _CHOICES.items():
        if name in options and options[name] not in choices:
            raise FlyexprError(f"no {name} {options[name]!r} in {text!r}\n  write one of: {', '.join(choices)}")


def _parts(url: str, text: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:  # its text would quote the URL
        raise FlyexprError(f"{text!r} does not name a server") from None
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise FlyexprError(f"{text!r} has no valid port\n  write one from 1 to 65535")
    return parts


def _number(text: str, options: dict[str, str], name: str, default: _Number, expected: str) -> _Number:
    """The option as a number of the default's type."""
    try:
        number = type(default)(options.get(name, default))
    except ValueError:
        number = type(default)(0)
    if not 0 < number < 86_400:
        raise FlyexprError(f"{name}= in {text!r} takes a positive {expected}, not {options[name]!r}")
    return number
