"""Full exports of a table, as DynamoDB writes them to S3: written piece by piece, and read by `flyexpr import`."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from flyexpr.changes.export_folders import FILES, SUMMARY, DataFile, Export, check_file, checksum
from flyexpr.errors import FlyexprError
from flyexpr.steps.journals.files import naming, replace_file
from flyexpr.values.encode import encode_item
from flyexpr.values.types import Item


def data_files(export: Export) -> tuple[DataFile, ...]:
    """The data files of a full export in DynamoDB JSON; FlyexprError for one in another form."""
    if export.form != "DYNAMODB_JSON":
        raise FlyexprError(f"{export.folder} is an export in the form {export.form}; DYNAMODB_JSON can be read")
    return export.files


def packed(items: Iterable[Item]) -> bytes:
    """Items as a piece of a data file; pieces one after the other are a data file.

    >>> gzip.decompress(packed([{"id": "a"}]) + packed([{"id": "b"}])).decode().splitlines()
    ['{"Item":{"id":{"S":"a"}}}', '{"Item":{"id":{"S":"b"}}}']
    """
    text = "".join([f'{{"Item":{encode_item(item)}}}\n' for item in items])
    return gzip.compress(text.encode(), compresslevel=6, mtime=0) if text else b""


class GrowingFile:
    """A data file that is written piece by piece; a later run continues after the pieces that are known.

    >>> file = GrowingFile(Path("0000.json.gz"))
    >>> file.add([{"id": "a"}]); file.facts["items"]
    1
    >>> GrowingFile(Path("0000.json.gz"), file.facts).finished().items
    1
    >>> Path("0000.json.gz").unlink(); GrowingFile(Path("0000.json.gz"), file.facts)
    Traceback (most recent call last):
    ...
    flyexpr.errors.FlyexprError: 0000.json.gz is not as the journal says: it is gone
      hint: delete the journal and the folder to export anew
    """

    def __init__(self, path: Path, facts: Mapping[str, Any] | None = None) -> None:
        self.path, self._digest = path, hashlib.md5(usedforsecurity=False)
        known = facts or {}
        self._length, self._items = known.get("length", 0), known.get("items", 0)
        if facts:
            self._check(facts["md5"])

    @property
    def facts(self) -> dict[str, Any]:
        """What the journal keeps about the file."""
        return {"length": self._length, "items": self._items, "md5": self._digest.hexdigest()}

    def add(self, items: list[Item]) -> None:
        """Writes items after the known ones, over whatever stands there, and to the disk."""
        piece = packed(items)
        with naming(self.path), self.path.open("r+b" if self._length else "wb") as file:
            file.truncate(self._length)
            file.seek(self._length)
            file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        self._digest.update(piece)
        self._length += len(piece)
        self._items += len(items)

    def finished(self) -> DataFile:
        """The file as a manifest lists it."""
        return DataFile(self.path, self._items, b64encode(self._digest.digest()).decode())

    def _check(self, md5: str) -> None:
        if not self.path.is_file():
            raise self._refused("it is gone")
        with naming(self.path), self.path.open("rb") as file:
            left = self._length
            while block := file.read(min(left, 1 << 20)):
                self._digest.update(block)
                left -= len(block)
        if left:
            raise self._refused(f"{left:,} bytes of it are gone")
        if self._digest.hexdigest() != md5:
            raise self._refused("its content has changed")

    def _refused(self, why: str) -> FlyexprError:
        return FlyexprError(
            f"{self.path} is not as the journal says: {why}\n  hint: delete the journal and the folder to export anew"
        )


def write_manifest(folder: Path, table: str, files: Iterable[DataFile], began: str, ended: str) -> None:
    """Writes the manifest of a folder whose data files are complete; FlyexprError where one has changed since."""
    prefix, files = f"AWSDynamoDB/{folder.resolve().name}", list(files)
    for file in files:
        check_file(file)
    summary = {
        "version": "2023-08-01",
        "exportArn": None,
        "startTime": began,
        "endTime": ended,
        "tableArn": f"arn:aws:dynamodb:ddblocal:000000000000:table/{table}",
        "exportTime": began,
        "manifestFilesS3Key": f"{prefix}/{FILES}",
        "billedSizeBytes": sum(file.path.stat().st_size for file in files),
        "itemCount": sum(file.items for file in files),
        "outputFormat": "DYNAMODB_JSON",
        "exportType": "FULL_EXPORT",
    }
    _write_checked(folder / FILES, "".join(json.dumps(_listed(prefix, file)) + "\n" for file in files))
    _write_checked(folder / SUMMARY, json.dumps(summary))


def _listed(prefix: str, file: DataFile) -> dict[str, Any]:
    key = f"{prefix}/data/{file.path.name}"
    etag = b64decode(file.checksum).hex()
    return {"itemCount": file.items, "md5Checksum": file.checksum, "etag": etag, "dataFileS3Key": key}


def _write_checked(path: Path, text: str) -> None:
    replace_file(path, text.encode())
    replace_file(path.with_suffix(".md5"), checksum(path).encode())
