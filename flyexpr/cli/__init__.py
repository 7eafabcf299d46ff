"""The command line: flyexpr in scripts and pipes.

marked  wire  sheets  plain       one value, one row: text and back; text for a terminal (pure)
words  hints                      keys and schemas in words; errors in the words of a command line (pure)
files  folders  journal  pace     files that last; export folders; how far a job is; how fast
reads                             which read answers a condition; what an update has to know of an item
sources  sinks                    items from streams and to streams
bulk  writes  rejects  progress   long work: parts side by side, what they write, what was refused, what is seen
session  options  jobs            what commands share
tables reading writing moving lines serving completion        the commands
app                               which command is which, and what an error comes to
"""

from __future__ import annotations

import os
import sys
import threading
from typing import NoReturn

_MISSING = "flyexpr: the command line needs click and rich: pip install 'flyexpr[cli]'"


def main() -> NoReturn:
    """Runs the program with the arguments of the process, and ends it with its exit code: see flyexpr.cli.app."""
    try:
        import click  # noqa: F401
    except ImportError:
        sys.exit(_said(_MISSING))
    from flyexpr.cli.app import run_program

    code = run_program(sys.argv[1:])
    if any(thread.daemon for thread in threading.enumerate()):  # it may read the keyboard, and Python cannot end before
        os._exit(code)  # what it wrote is out already
    sys.exit(code)


def _said(message: str) -> int:
    print(message, file=sys.stderr)
    return 2
