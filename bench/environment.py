"""The environment of the processes that measure."""

from __future__ import annotations

import os


def environment() -> dict[str, str]:
    """The environment of a process that measures: made-up keys and a region, and no other settings of AWS."""
    # Bytecode must be written: otherwise flyexpr's source would be compiled at each import, but installed packages not.
    dropped = ("AWS_", "PYTHONDONTWRITEBYTECODE")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return plain | {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
