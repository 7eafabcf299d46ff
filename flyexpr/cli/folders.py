"""Exports of a table as DynamoDB writes them to S3: a folder of packed DynamoDB JSON, and what it must add up to.

    manifest-summary.json     one object: the table, when, how many items, in which form
    manifest-files.json       one object a line: a data file, its number of items and its MD5 in base64
    data/*.json.gz            one {"Item": ...} a line

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html
"""

from __future__ import annotations

import gzip
import hashlib
import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flyexpr.cli.journal import replace_file
from flyexpr.errors import FlyexprError
from flyexpr.values import Item, encode_item

SUMMARY, FILES = "manifest-summary.json", "manifest-files.json"


@dataclass(frozen=True, slots=True)
class DataFile:
    """One data file of an export: where it is, how many items it has, its MD5 in base64.

    >>> DataFile(Path("data/a.json.gz"), 8, "md5").items
    8
    """

    path: Path
    items: int
    checksum: str


def find_export(folder: Path) -> Path | None:
    """The folder with the manifest: this one, or the only one under it; None where there is none.

    >>> find_export(Path(".")) is None
    True
    """
    if (folder / SUMMARY).is_file():
        return folder
    found = sorted(folder.glob(f"**/{SUMMARY}")) if folder.is_dir() else []
    if len(found) > 1:
        raise FlyexprError(f"{folder} holds {len(found)} exports; name one of them, such as {found[0].parent}")
    return found[0].parent if found else None


def data_files(folder: Path) -> list[DataFile]:
    """The data files that an export's manifest lists; FlyexprError for a form that is not DynamoDB JSON.

    Only names are taken from the manifest, which holds keys of a bucket: the files are looked for in `data`.
    """
    summary = _json(folder / SUMMARY)
    form = summary.get("outputFormat", "DYNAMODB_JSON")
    if form != "DYNAMODB_JSON":
        raise FlyexprError(f"{folder} is an export in the form {form}; DYNAMODB_JSON can be read")
    if summary.get("exportType", "FULL_EXPORT") != "FULL_EXPORT":
        raise FlyexprError(f"{folder} is an incremental export, which holds changes and not items")
    listed = [json.loads(line) for line in _text(folder / FILES).splitlines() if line]
    return [
        DataFile(folder / "data" / Path(each["dataFileS3Key"]).name, int(each["itemCount"]), each["md5Checksum"])
        for each in listed
    ]


def check_file(file: DataFile) -> None:
    """None for a data file that is as the manifest says; FlyexprError for one that is missing or damaged."""
    if not file.path.is_file():
        raise FlyexprError(f"{file.path} is missing, and the manifest lists it")
    if checksum(file.path) != file.checksum:
        raise FlyexprError(f"{file.path} is damaged: its MD5 is not what the manifest says")


def checksum(path: Path) -> str:
    """The MD5 of a file in base64.

    >>> _ = Path("a").write_bytes(b""); checksum(Path("a"))
    '1B2M2Y8AsgTpgAmY7PhCfg=='
    """
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return b64encode(digest.digest()).decode()


def packed(items: Iterable[Item]) -> bytes:
    """Items as a piece of a data file; pieces one after the other are a data file.

    >>> gzip.decompress(packed([{"id": "a"}]) + packed([{"id": "b"}])).decode().splitlines()
    ['{"Item":{"id":{"S":"a"}}}', '{"Item":{"id":{"S":"b"}}}']
    """
    text = "".join([f'{{"Item":{encode_item(item)}}}\n' for item in items])
    return gzip.compress(text.encode(), compresslevel=6, mtime=0) if text else b""


def write_manifest(folder: Path, table: str, counts: Mapping[str, int], began: str, ended: str) -> None:
    """Writes the manifest of a folder whose data files are complete; `counts` has the items of each."""
    prefix = f"AWSDynamoDB/{folder.resolve().name}"
    lines = [_listed(prefix, folder / "data" / name, items) for name, items in counts.items()]
    summary = {
        "version": "2023-08-01",
        "exportArn": None,
        "startTime": began,
        "endTime": ended,
        "tableArn": f"arn:aws:dynamodb:ddblocal:000000000000:table/{table}",
        "exportTime": began,
        "manifestFilesS3Key": f"{prefix}/{FILES}",
        "billedSizeBytes": sum((folder / "data" / name).stat().st_size for name in counts),
        "itemCount": sum(counts.values()),
        "outputFormat": "DYNAMODB_JSON",
        "exportType": "FULL_EXPORT",
    }
    _write_checked(folder / FILES, "".join(json.dumps(line) + "\n" for line in lines))
    _write_checked(folder / SUMMARY, json.dumps(summary))


def _listed(prefix: str, path: Path, items: int) -> dict[str, Any]:
    md5 = checksum(path)
    key = f"{prefix}/data/{path.name}"
    return {"itemCount": items, "md5Checksum": md5, "etag": b64decode(md5).hex(), "dataFileS3Key": key}


def _write_checked(path: Path, text: str) -> None:
    replace_file(path, text.encode())
    replace_file(path.with_suffix(".md5"), checksum(path).encode())


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise FlyexprError(f"{path} cannot be read: {error}") from None


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(_text(path))
    except ValueError as error:
        raise FlyexprError(f"{path} is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise FlyexprError(f"{path} is no manifest")
    return found
