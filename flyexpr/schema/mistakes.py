"""Error texts for what a table does not have: the call that is a function here, the option under its name here."""

from __future__ import annotations

from collections.abc import Sequence

from flyexpr.errors import nearest, unknown_option

_OPERATIONS = "query scan create_table delete_table update_table describe_table batch_get batch_write".split()
_VERBS = (
    "get put put_all update delete first one count modify explain request run update_matching delete_matching "
    "key_of live to_wire from_wire"
).split()
_CALLS = {  # what people write as a method of a table, and the call that they want
    **{name: f"run(table, {name}(...))" for name in _OPERATIONS},
    **{name: f"{name}(table, ...)" for name in _VERBS},
    "items": "run(table, scan())",
    **{name: f"{name}([(table, ...), ...])" for name in ("transact_write", "transact_get", "transact_modify")},
    **{f"{name}_item": f"{name}(table, ...)" for name in ("get", "put", "update", "delete")},
}
_OPTIONS = {"hash_key": "partition_key", "range_key": "sort_key", "schema": "attributes", "billing_mode": "throughput"}


def no_attribute(name: str, known: Sequence[str]) -> str:
    """What to say of an attribute that a table does not have.

    >>> print(no_attribute("query", ["keys"]))
    a table has no 'query'; write run(table, query(...))
    >>> print(no_attribute("kyes", ["keys"]))
    a table has no 'kyes'; did you mean `keys`?
    """
    meant = name if name in _CALLS else nearest(name, [*known, *_CALLS])
    instead = f"write {_CALLS[meant]}" if meant in _CALLS else f"did you mean `{meant}`?"
    return f"a table has no {name!r}{meant and '; '}{meant and instead}"


def no_option(name: str, option: str, options: Sequence[str]) -> str:
    """What to say of an option that a table does not have; some have another name in other libraries.

    >>> print(no_option("t", "hash_key", ["partition_key"]))
    table 't' has no option hash_key=; write partition_key=
    """
    if option in _OPTIONS:
        return f"table {name!r} has no option {option}=; write {_OPTIONS[option]}="
    return unknown_option(f"table {name!r}", option, options)
