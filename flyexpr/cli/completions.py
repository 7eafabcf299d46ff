"""What a shell may complete: names of tables, indexes and attributes, functions, and the beginnings of URLs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import click

from flyexpr.cli.session import Session
from flyexpr.requests.operations import Scan
from flyexpr.schema.table import Table
from flyexpr.sync import run

_FUNCTIONS = {
    False: "attribute_exists attribute_not_exists attribute_type begins_with contains size".split(),
    True: "if_not_exists list_append".split(),
}
_WORDS = {False: "AND OR NOT BETWEEN IN".split(), True: "SET REMOVE ADD DELETE".split()}
_ENGINES = ("sqlite:", "dynamodb://", "http://localhost:8000")
_SAMPLE = 25  # items of an embedded engine, whose attributes are offered


def table_names(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """The names of the engine's tables."""
    return _names(context, lambda session: session.names(begun))


def index_names(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """The names of the table's indexes."""
    return _names(context, lambda session: _begun(begun, [index.name for index in _table(context, session).indexes]))


def conditions(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """A condition with its last word completed: an attribute, a function, or AND, OR, NOT, BETWEEN, IN."""
    return _expressions(context, begun, updating=False)


def updates(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """An update with its last word completed: an attribute, a function, or SET, REMOVE, ADD, DELETE."""
    return _expressions(context, begun, updating=True)


def attributes(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
    """A list of attributes with its last one completed."""
    before, word = _last_word(begun)
    return _names(context, lambda session: [before + name for name in _begun(word, _attributes(context, session))])


def engines(_: click.Context, __: click.Parameter, begun: str) -> list[str]:
    """How the URL of an engine begins."""
    return _begun(begun, _ENGINES)


def _expressions(context: click.Context, begun: str, updating: bool) -> list[str]:
    before, word = _last_word(begun)
    if before.count("'") % 2:
        return []  # in a text there is nothing to complete
    functions = [f"{name}(" for name in _FUNCTIONS[updating]]

    def found(session: Session) -> list[str]:
        return _begun(word, [*_attributes(context, session), *functions, *_WORDS[updating]])

    return [before + each for each in _names(context, found)]


def _last_word(text: str) -> tuple[str, str]:
    word = re.search(r"\w*$", text)
    assert word is not None  # it matches everywhere
    return text[: word.start()], word[0]


def _attributes(context: click.Context, session: Session) -> list[str]:
    """The attributes that the table's description names; those of a few items where reading them costs nothing."""
    table = _table(context, session)
    names = {*table.key_attributes, *_projected(table)}
    if session.is_embedded:
        names.update(name for item in islice(run(table, Scan(limit=_SAMPLE)), _SAMPLE) for name in item)
    return sorted(name for name in names if name.isidentifier() and name.isascii())


def _projected(table: Table) -> Iterator[str]:
    for index in table.indexes:
        yield from () if isinstance(index.project, str) else index.project


def _table(context: click.Context, session: Session) -> Table:
    """The table that the command line names; what comes before an option's value is not taken for arguments yet."""
    [name, *_] = [context.params["table"]] if context.params.get("table") else context.args
    return session.table(name)


def _begun(begun: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(begun)]


def _names(context: click.Context, find: Callable[[Session], list[str]]) -> list[str]:
    """Names for the shell's completion, or none: a shell that completes shows no errors, and makes no database."""
    root = context.find_root()
    session = root.obj or Session(root.params.get("engine"))
    try:
        return find(session) if session.exists() else []
    except Exception:
        return []
