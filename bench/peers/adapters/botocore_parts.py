"""botocore's parser and serializer for DynamoDB, joined as in a client, but without the HTTP between them."""

from __future__ import annotations

from typing import Any

import botocore.loaders
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from botocore.validate import ParamValidationDecorator, ParamValidator

_service = ServiceModel(botocore.loaders.Loader().load_service_model("dynamodb", "service-2"), "dynamodb")
_parser = create_parser("json")
_serializer = ParamValidationDecorator(ParamValidator(), create_serializer("json", include_validation=False))
_query, _batch = _service.operation_model("Query").output_shape, _service.operation_model("BatchWriteItem")


def parsed(page: bytes) -> list[dict[str, Any]]:
    """The wire items of a page as botocore gives them, with B as bytes."""
    items: list[dict[str, Any]] = _parser.parse({"body": page, "headers": {}, "status_code": 200}, _query)["Items"]
    return items


def batch(items: list[dict[str, Any]], validated: bool = True) -> bytes:
    """A batch write of wire items as botocore writes it."""
    request = {"RequestItems": {"items": [{"PutRequest": {"Item": item}} for item in items]}}
    body: bytes = (_serializer if validated else _serializer._serializer).serialize_to_request(request, _batch)["body"]
    return body
