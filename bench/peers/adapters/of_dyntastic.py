"""dyntastic: items are pydantic models over boto3's resource."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import islice
from typing import Any

from boto3.dynamodb.types import TypeDeserializer
from dyntastic import A, Dyntastic
from pydantic import BaseModel

from bench import data
from bench.peers import micro
from bench.peers.adapters import botocore_parts
from bench.peers.jobs import BATCH, FEW, Job, Jobs, numbers, shown_writes


class Place(BaseModel):  # type: ignore[misc,unused-ignore]
    lat: Decimal
    lon: Decimal


class Address(BaseModel):  # type: ignore[misc,unused-ignore]
    street: str
    city: str
    zip: str
    place: Place


class Event(BaseModel):  # type: ignore[misc,unused-ignore]
    at: str
    what: str
    count: int


class Customer(Dyntastic):  # type: ignore[misc,unused-ignore]
    """The items of the data set; all attributes but the key may be missing, as in the small item."""

    __table_name__ = "items"
    __hash_key__ = "pk"
    __range_key__ = "sk"
    __table_region__ = "us-east-1"

    pk: str
    sk: int
    name: str | None = None
    email: str | None = None
    status: str | None = None
    active: bool | None = None
    deleted_at: str | None = None
    score: Decimal | None = None
    visits: int | None = None
    balance: int | None = None
    tags: set[str] | None = None
    marks: set[int] | None = None
    digest: bytes | None = None
    address: Address | None = None
    history: list[Event] | None = None


def jobs(url: str, _: str) -> Jobs:
    """The jobs of dyntastic."""
    Customer.__table_host__ = url
    return _reads() | _writes(url) | _micro()


def plain(found: Any) -> Any:
    """A model as a dict, without the attributes that are None."""
    return [plain(one) for one in found] if isinstance(found, list) else found.model_dump(exclude_none=True)


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

    return {
        "query pages": Job(drain, lambda: plain(list(Customer.query(f"pages#{FEW}")))),
        "pages kept": Job(kept, lambda: plain(kept())),
        "first three": Job(three, lambda: plain(three())),
        "get": Job(get, lambda: plain(get())),
    }


def _writes(url: str) -> Jobs:
    items = [Customer(**item) for item in data.items(0, BATCH)]
    one, refused = Customer(**data.SMALL), Customer(**data.SMALL | {"name": "refuse"})

    def update() -> None:
        one.ignore_unrefreshed()
        condition = (A.status == "open") & (A.visits < next(numbers))
        one.update(A.status.set("closed"), A.visits.add(1), condition=condition, require_condition=True, refresh=False)

    def batch() -> None:
        with Customer.batch_writer():
            for item in items:
                item.save()

    def failed() -> bool:
        try:
            refused.save(condition=A.pk.not_exists())
        except Customer.ConditionException():
            return True
        return False

    writes: dict[str, Callable[[], Any]] = {"update": update, "put": items[0].save, "batch write": batch}
    return {**shown_writes(url, writes), "failed condition": Job(failed)}


def _micro() -> Jobs:
    page = micro.page()
    deserialize = TypeDeserializer().deserialize

    def decode() -> list[Any]:
        wire = botocore_parts.parsed(page)
        items = [{name: deserialize(value) for name, value in item.items()} for item in wire]
        return [Customer._dyntastic_load_model(item) for item in items]

    return {"decode": Job(decode, lambda: plain(decode()))}
