"""The steps that few programs take, each imported when it is called first.

So the first GetItem of a process takes a fourteenth less CPU. The steps of one item and of reads come with the doors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flyexpr.records import later
from flyexpr.steps.step import Steps

# Those whose result a door returns as it comes have a type; the others' doors say it.
batch_get = later("flyexpr.steps.batch_reads", "batch_get")
batch_write = later("flyexpr.steps.batch_writes", "batch_write")
transact_get = later("flyexpr.steps.transactions", "transact_get")
transact_write = later("flyexpr.steps.transactions", "transact_write")
modify = later("flyexpr.steps.modify", "modify")
transact_modify: Callable[..., Steps[list[Any]]] = later("flyexpr.steps.modify", "transact_modify")
put_all: Callable[..., Steps[int]] = later("flyexpr.steps.many.puts", "put_all")
update_matching: Callable[..., Steps[int]] = later("flyexpr.steps.many.matching", "update_matching")
delete_matching: Callable[..., Steps[int]] = later("flyexpr.steps.many.matching", "delete_matching")
search = later("flyexpr.steps.searches", "search")
create_table = later("flyexpr.steps.lifecycle", "create_table")
update_table = later("flyexpr.steps.lifecycle", "update_table")
delete_table = later("flyexpr.steps.lifecycle", "delete_table")
describe_table = later("flyexpr.steps.lifecycle", "describe_table")
