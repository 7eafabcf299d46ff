"""The command line: flyexpr in scripts and pipes.

environment  hints    the variables that it reads; errors in the words of a command line
formats/              items as text and back: JSON Lines, DynamoDB JSON, CSV, export folders, text for a terminal
notes                 what people read on stderr; exit codes
keys  schemas         keys and tables as people write them
index_words           indexes as people write them
session  options      the engine of a run; the options that commands share
completions  endings  names that a shell may complete; the exit code and the text of an error
jobs/                 long work
  job                   its options, its beginning and its end
  work  rate  progress  parts side by side, chunk after chunk; how fast; what a person sees
  journal  rejects      how far it is; what was refused
  bulk_reads  parts     which read finds the items to change; the chunks that it gives
  bulk_puts  bulk_writes  the put of a stream; batches, updates and deletes
commands/             query, put, copy, serve ...; each is imported when it is called
app                   which command is which, and a run of the program
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from typing import NoReturn

_MISSING = "flyexpr: the command line needs click and rich: pip install 'flyexpr[cli]'"


def main() -> NoReturn:
    """Runs the program with the arguments of the process, and ends it with its exit code: see flyexpr.cli.app."""
    is_main_thread = threading.current_thread() is threading.main_thread()  # no other may set what a signal does
    raises = is_main_thread and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if raises:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is begun yet, so a Ctrl-C need not say where it came
    try:
        import click  # noqa: F401
    except ImportError:
        sys.exit(_said(_MISSING))
    from flyexpr.cli.app import run_program

    gc.set_threshold(50_000)  # few objects are in cycles; with 700, a load takes a tenth longer
    if raises:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    code = run_program(sys.argv[1:])
    if any(thread.daemon for thread in threading.enumerate()):  # it may read the keyboard, and Python cannot end before
        os._exit(code)  # what it wrote is out already
    sys.exit(code)


def _said(message: str) -> int:
    print(message, file=sys.stderr)
    return 2
