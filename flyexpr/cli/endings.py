"""How a command ends: its exit code, and what an error says.

0 done · 1 failed · 2 the command line is wrong · 3 a condition was false · 4 nothing found · 130 interrupted
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import click

from flyexpr.cli import notes
from flyexpr.errors import ConditionFailed, ExpressionError, FlyexprError, PlanError, ValidationError
from flyexpr.records import later

in_words, meant_option = later("flyexpr.cli.hints", "in_words"), later("flyexpr.cli.other_names", "meant_option")

INTERRUPTED = 130
_WRONG = (ExpressionError, PlanError, ValidationError)


def ended(arguments: Sequence[str], run: Callable[[], Any]) -> int:
    """The exit code of a command with these arguments, once it has run; an error is written to stderr.

    >>> ended([], lambda: None)
    0

    BrokenPipeError where the reader of the output is gone.
    """
    try:
        code = run()
        return code if isinstance(code, int) else 0
    except notes.NothingFound:
        return notes.NOTHING_FOUND
    except (KeyboardInterrupt, click.exceptions.Abort):
        notes.note("interrupted")
        return INTERRUPTED
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        notes.warn(_said(error), "error")
        return notes.USAGE
    except ConditionFailed as error:
        notes.note(str(error), "error")
        return notes.CONDITION_FALSE
    except FlyexprError as error:
        notes.note(in_words(error, arguments), "error")
        return notes.USAGE if isinstance(error, _WRONG) else notes.FAILED
    except BrokenPipeError:
        raise
    except OSError as error:
        note_of_system(error)
        return notes.FAILED


def note_of_system(error: OSError) -> None:
    """Writes an error of the operating system to stderr, with the name of its file."""
    notes.note(": ".join(filter(None, [error.filename, error.strerror or str(error)])), "error")


def _said(error: click.ClickException) -> str:
    """What click says of an error, with what to write instead of an option that is not there, or of many words."""
    text = io.StringIO()
    error.show(text)
    said = text.getvalue().rstrip("\n")
    if not isinstance(error, click.NoSuchOption):
        return f"{said}\n  hint: what has spaces in it takes quotes" if "unexpected extra" in error.message else said
    if error.option_name[1:2].isdigit():
        return f"{said}\n  hint: write -- before a key that begins with a minus sign"
    meant = meant_option(error.option_name)
    return f"{said.partition(' Did you mean')[0]}\n  hint: write {meant}" if meant else said
