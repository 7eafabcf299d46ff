"""Hides the secrets in an engine's URL: people write passwords and tokens there, and error texts end up in logs."""

from __future__ import annotations

_OPTIONS = frozenset("profile region transport timeout attempts sync mode".split())


def shown(url: str) -> str:
    """The URL without user and password, and with the values of known options only, so that a text may show it.

    >>> shown("https://user:password@example.com/?timeout=never&token=secret")
    'https://***@example.com/?timeout=never&token=***'
    """
    start, slashes, rest = url.partition("//")
    # Hides all up to the last `@`: a password that is not escaped may hold any of `/ ? # @`.
    rest = f"***@{rest.rpartition('@')[2]}" if "@" in rest else rest
    address, mark, query = f"{start}{slashes}{rest}".partition("?")
    pairs = (pair.partition("=") for pair in query.split("&"))
    texts = (f"{name}{sign}{value if name in _OPTIONS else value and '***'}" for name, sign, value in pairs)
    return f"{address}{mark}{'&'.join(texts)}"
