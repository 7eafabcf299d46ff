"""An engine's URL: its options, and how texts show it. People write passwords and tokens there, and logs keep texts."""

from __future__ import annotations

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
