"""The options of an engine, from the query string of its URL."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from flyexpr.errors import FlyexprError, did_you_mean

_TIME = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_MAX_SHARDS = 64


class Option(NamedTuple):
    """An option: what may be written, what its value is, and the words for what it takes."""

    written: tuple[str, ...]
    read: Callable[[str], Any]
    takes: str = ""


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds < 86_400:
        raise ValueError
    return seconds


def _time(text: str) -> float:
    matched = _TIME.fullmatch(text)
    seconds = float(matched[1]) * _SECONDS[matched[2]] if matched else 0.0
    if not seconds:
        raise ValueError
    return seconds


def _shards(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _MAX_SHARDS):
        raise ValueError
    return int(text)


def _searching(text: str) -> str:
    if text not in ("equality", "wide"):
        raise ValueError
    return text


OPTIONS = {
    "sync": Option(("sync=normal", "sync=full"), str),
    "mode": Option(("mode=ro",), str),
    "timeout": Option(("timeout=SECONDS",), _seconds, "a number of seconds"),
    "retention": Option(("retention=24h",), _time, "a time, such as 90s, 24h or 30d"),
    "shards": Option(("shards=1",), _shards, f"a number from 1 to {_MAX_SHARDS}"),
    "shard_time": Option(("shard_time=4h",), _time, "a time, such as 90s, 24h or 30d"),
    "indexing": Option(("indexing=30s",), _time, "a time, such as 90s, 24h or 30d"),
    "searching": Option(("searching=wide",), _searching, "'equality' or 'wide'"),
}


def read_options(path: str, options: dict[str, str]) -> dict[str, Any]:
    """The arguments of an engine that the options of its URL give.

    >>> read_options("scores.db", {"retention": "30d", "timeout": "5"})
    {'retention': 2592000.0, 'timeout': 5.0}

    FlyexprError for an option that no engine has, and for a value that it does not take.
    """
    read = {}
    for name, text in options.items():
        if name not in OPTIONS:
            meant = did_you_mean(name, OPTIONS, "{}=")
            every = f"write one of: {', '.join(text for option in OPTIONS.values() for text in option.written)}"
            raise FlyexprError(f"no option {name!r} in 'sqlite:{path}?{name}=***'\n  {meant or every}")
        try:
            read[name] = OPTIONS[name].read(text)
        except ValueError:
            raise FlyexprError(
                f"{name}= in 'sqlite:{path}?{name}={text}' takes {OPTIONS[name].takes}, not {text!r}"
            ) from None
    return read
