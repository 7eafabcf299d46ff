"""PynamoDB: items are objects of a model."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from pynamodb.attributes import (
    BinaryAttribute,
    BooleanAttribute,
    ListAttribute,
    MapAttribute,
    NullAttribute,
    NumberAttribute,
    NumberSetAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
)
from pynamodb.connection import Connection
from pynamodb.exceptions import PutError
from pynamodb.expressions.update import Update
from pynamodb.models import Model
from pynamodb.transactions import TransactWrite

from bench import data
from bench.peers import micro
from bench.peers.adapters import botocore_parts
from bench.peers.jobs import BATCH, EACH, FEW, THREADS, Job, Jobs, numbers, shown_writes


class Place(MapAttribute[str, Any]):  # type: ignore[misc,unused-ignore]
    lat = NumberAttribute()
    lon = NumberAttribute()


class Address(MapAttribute[str, Any]):  # type: ignore[misc,unused-ignore]
    street = UnicodeAttribute()
    city = UnicodeAttribute()
    zip = UnicodeAttribute()
    place: Any = Place()  # type: ignore[no-untyped-call,unused-ignore]


class Event(MapAttribute[str, Any]):  # type: ignore[misc,unused-ignore]
    at = UnicodeAttribute()
    what = UnicodeAttribute()
    count = NumberAttribute()


class Customer(Model):  # type: ignore[misc,unused-ignore]
    """The items of the data set; all attributes but the key may be missing, as in the small item."""

    class Meta:
        host = ""
        table_name = "items"
        region = "us-east-1"
        aws_access_key_id = "key"
        aws_secret_access_key = "secret"

    pk = UnicodeAttribute(hash_key=True)
    sk = NumberAttribute(range_key=True)
    name = UnicodeAttribute(null=True)
    email = UnicodeAttribute(null=True)
    status = UnicodeAttribute(null=True)
    active = BooleanAttribute(null=True)
    deleted_at = NullAttribute(null=True)
    score = NumberAttribute(null=True)
    visits = NumberAttribute(null=True)
    balance = NumberAttribute(null=True)
    tags: Any = UnicodeSetAttribute(null=True)
    marks: Any = NumberSetAttribute(null=True)
    digest = BinaryAttribute(null=True, legacy_encoding=False)
    address: Any = Address(null=True)  # type: ignore[no-untyped-call,unused-ignore]
    history: Any = ListAttribute(of=Event, null=True)


def jobs(url: str, _: str) -> Jobs:
    """The jobs of PynamoDB. Several threads share a model, as PynamoDB says they may."""
    Customer.Meta.host = url
    return _reads() | _writes(url) | _micro()


def plain(found: Any) -> Any:
    """A model object as a dict, nested ones too; None attributes that the small item lacks are left out."""
    if isinstance(found, Model | MapAttribute):
        return {name: plain(value) for name, value in found.attribute_values.items()}
    return [plain(member) for member in found] if isinstance(found, list) else found


def model(item: data.Item) -> Any:
    """An item as an object of the model, whose numbers are ints or floats."""
    return Customer(**data.with_floats(item))


def _reads() -> Jobs:
    def drain() -> None:
        for _ in Customer.query(f"pages#{FEW}"):
            pass

    def kept() -> list[Any]:
        return list(Customer.query(f"pages#{data.PAGES}"))

    def three() -> list[Any]:
        return list(islice(Customer.query(f"pages#{data.PAGES}"), 3))

    def get() -> Any:
        return Customer.get(data.SMALL["pk"], data.SMALL["sk"])

    pool = ThreadPoolExecutor(THREADS)

    def threads() -> list[Any]:
        found = pool.map(lambda _: [get() for _ in range(EACH)], range(THREADS))
        return [item for items in found for item in items]

    return {
        "query pages": Job(drain, lambda: plain(list(Customer.query(f"pages#{FEW}")))),
        "pages kept": Job(kept, lambda: plain(kept())),
        "first three": Job(three, lambda: plain(three())),
        "get": Job(get, lambda: plain(get())),
        "get, 8 threads": Job(threads, lambda: plain(threads())),
    }


def _writes(url: str) -> Jobs:
    items, one = [model(item) for item in data.items(0, BATCH)], Customer("customer#0001", 7)
    small, refused = model(data.SMALL), model(data.SMALL | {"name": "refuse"})

    def update() -> None:
        condition = (Customer.status == "open") & (Customer.visits < next(numbers))
        one.update([Customer.status.set("closed"), Customer.visits.add(1)], condition)

    def batch() -> None:
        with Customer.batch_write() as writer:
            for item in items:
                writer.save(item)

    connection = Connection(host=url)

    def transaction() -> None:
        with TransactWrite(connection=connection) as writer:
            writer.save(small)
            writer.update(Customer("customer#0001", 8), [Customer.status.set("closed")])
            writer.delete(Customer("customer#0001", 9))

    def failed() -> bool:
        try:
            refused.save(Customer.pk.does_not_exist())
        except PutError:
            return True
        return False

    writes: dict[str, Callable[[], Any]] = {
        "update": update,
        "put": items[0].save,
        "batch write": batch,
        "transaction": transaction,
    }
    return {**shown_writes(url, writes), "failed condition": Job(failed)}


def condition() -> Any:
    """Builds the condition that is compiled."""
    return (
        (Customer.status == "open")
        & Customer.visits.between(100, next(numbers))
        & Customer.name.startswith("a")
        & (Customer.deleted_at.does_not_exist() | (Customer.score >= 8))
        & Customer.tags.contains("opal")
    )


def actions() -> list[Any]:
    """Builds the update that is compiled."""
    return [
        Customer.status.set("closed"),
        Customer.score.set((Customer.score | 0) + 1),
        Customer.deleted_at.remove(),
        Customer.visits.add(next(numbers)),
        Customer.tags.add({"opal"}),
    ]


def _micro() -> Jobs:
    reused_condition, reused_update = condition(), actions()
    page, batch = micro.page(), [model(item) for item in micro.batch()]

    def decode() -> list[Any]:
        return [Customer.from_raw_data(item) for item in botocore_parts.parsed(page)]

    return {
        "decode": Job(decode, lambda: plain(decode())),
        "encode": micro.encoding(lambda: botocore_parts.batch([item.serialize() for item in batch], validated=False)),
        "compile condition": micro.compiling(lambda: compiled("ConditionExpression", condition())),
        "compile condition, reused": micro.compiling(lambda: compiled("ConditionExpression", reused_condition)),
        "compile update": micro.compiling(lambda: compiled("UpdateExpression", Update(*actions()))),
        "compile update, reused": micro.compiling(lambda: compiled("UpdateExpression", Update(*reused_update))),
    }


def compiled(member: str, expression: Any) -> str:
    """The members of a condition or an update, as JSON."""
    names: dict[str, str] = {}
    constants: dict[str, Any] = {}
    text = expression.serialize(names, constants)
    return json.dumps(
        {
            member: text,
            "ExpressionAttributeNames": dict(zip(names.values(), names, strict=True)),
            "ExpressionAttributeValues": constants,
        }
    )
