"""What other programs call the commands and options of this one."""

from __future__ import annotations

from collections.abc import Iterable

from flyexpr.errors import nearest

_COMMANDS = {
    "drop": "drop-table delete-table remove-table rm dropdb delete_table",
    "alter": "update-table add-index create-index update_table",
    "create": "create-table make mk create_table",
    "describe": "describe-table desc show info schema",
    "tables": "list-tables ls list",
    "get": "get-item read",
    "put": "put-item batch-write-item load insert write",
    "delete": "delete-item remove",
    "update": "update-item set",
    "query": "find select",
    "explain": "plan",
    "export": "backup dump",
    "import": "restore bootstrap",
    "shell": "repl prompt",
    "serve": "server start local",
}
_OPTIONS = {
    "--region": "--engine dynamodb://REGION",
    "--profile": "--engine 'dynamodb://REGION?profile=NAME'",
    "--endpoint-url": "--engine http://HOST:PORT",
    "--output": "--format",
    "--max-items": "--limit",
    "--table-name": "the name alone: it is the first argument",
    "--filter-expression": "the condition alone: it is an argument",
    "--index-name": "--index",
    "--projection-expression": "--project",
    "--consistent-read": "--consistent",
    "--force": "--yes",
}


def meant_command(name: str, commands: Iterable[str]) -> str:
    """The command that a wrong name stands for, or that is spelt like it; "" where there is none.

    >>> meant_command("delete-table", ["drop"]), meant_command("quary", ["query"]), meant_command("x", ["query"])
    ('drop', 'query', '')
    """
    same = (command for command, names in _COMMANDS.items() if name.lower() in names.split())
    return next(same, "") or nearest(name.lower(), commands)


def meant_option(option: str) -> str:
    """What to write instead of an option that other programs have; "" where there is nothing.

    >>> meant_option("--max-items"), meant_option("--limits")
    ('--limit', '')
    """
    return _OPTIONS.get(option, "")
