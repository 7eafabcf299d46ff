"""The chosen profile of AWS's files, if it has keys and a region at most.

The files are read by botocore's own reader. Its import takes a sixth of the time of that of a session, which all other
profiles need: the first request of a program takes 0.4 of the time.
https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from flyexpr.engines.aws.signing import Keys

_KEY, _SECRET, _TOKEN = "aws_access_key_id", "aws_secret_access_key", "aws_session_token"
_UNDERSTOOD = frozenset([_KEY, _SECRET, _TOKEN, "region", "output", "cli_pager"])


class Profile(NamedTuple):
    """A profile that says no more than this."""

    name: str
    keys: Keys | None = None
    region: str | None = None


def plain_profile(name: str | None, environ: Mapping[str, str]) -> Profile | None:
    """The profile of that name, or the one that the environment chooses; None if botocore's session must read it.

    >>> plain_profile(None, {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"})
    Profile(name='default', keys=None, region=None)

    None also for a profile that is not there, or is wrong: the session says what is wrong.
    """
    if name is None:  # botocore looks at the older variable first
        name = environ.get("AWS_DEFAULT_PROFILE", environ.get("AWS_PROFILE"))
    config_path = environ.get("AWS_CONFIG_FILE", "~/.aws/config")
    keys_path = environ.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")
    if not any(map(_has_text, (config_path, keys_path))):
        return None if name else Profile("default")
    parts = _parts("default" if name is None else name, config_path, keys_path)
    if parts is None or (not parts and name is not None):
        return None
    if not all(part.keys() <= _UNDERSTOOD and {*map(type, part.values())} <= {str} for part in parts):
        return None
    region = next((part["region"] for part in parts if "region" in part), None)
    keys = next((part for part in parts if _KEY in part), None)
    if keys is None:
        return Profile(name or "default", region=region)
    if _SECRET not in keys:
        return None
    return Profile(name or "default", Keys(keys[_KEY], keys[_SECRET], keys.get(_TOKEN) or None), region)


def _has_text(path: str) -> bool:
    try:
        return os.path.getsize(os.path.expanduser(os.path.expandvars(path))) > 0
    except OSError:
        return False  # the file does not exist or cannot be read


def _parts(name: str, config_path: str, keys_path: str) -> list[dict[str, Any]] | None:
    """What each of the files says of a profile, the one that has precedence first; None for a file that is wrong."""
    from botocore.configloader import load_config, raw_config_parse
    from botocore.exceptions import ConfigNotFound, ConfigParseError

    parts = []
    for path, profiles in (keys_path, raw_config_parse), (config_path, lambda path: load_config(path)["profiles"]):
        try:
            parts += [settings for known, settings in profiles(path).items() if known == name]
        except ConfigNotFound:
            continue
        except ConfigParseError:
            return None
    return parts
