"""An engine's URL: its options, and how texts show it. People write passwords and tokens there, and logs keep texts."""

from __future__ import annotations

import re
from collections.abc import Iterable

from flyexpr.errors import FlyexprError

_OPTIONS = frozenset(
    "profile region transport timeout attempts retry_mode sync "
    "mode retention shards shard_time indexing searching".split()
)


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


def by_name(url: str, options: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The options of a URL by their names; FlyexprError for one that stands twice, since either may be meant.

    >>> by_name("sqlite:a.db?mode=ro&sync=full", [("mode", "ro"), ("sync", "full")])
    {'mode': 'ro', 'sync': 'full'}
    """
    values: dict[str, str] = {}
    for name, value in options:
        if name in values:
            raise FlyexprError(f"the option {name!r} stands twice in {shown(url)!r}\n  write it once")
        values[name] = value
    return values


_WITHOUT_SCHEME = {  # what the name of an engine alone looks like, and what stands before it
    r"[a-z]{2}(-[a-z]+){1,2}-\d": "dynamodb://",
    r"(localhost|\d+(\.\d+){3}):\d+": "http://",
    r"[^:?@{}]+\.(db|sqlite3?)": "sqlite:",
}


def with_scheme(text: str) -> str | None:
    """The URL for the name of a Region, a host with a port, or a database file; None for other texts.

    >>> with_scheme("eu-west-1"), with_scheme("localhost:8000"), with_scheme("data/scores.db"), with_scheme("scores")
    ('dynamodb://eu-west-1', 'http://localhost:8000', 'sqlite:data/scores.db', None)
    """
    schemes = (scheme for pattern, scheme in _WITHOUT_SCHEME.items() if re.fullmatch(pattern, text))
    scheme = next(schemes, None)
    return scheme and f"{scheme}{text}"
