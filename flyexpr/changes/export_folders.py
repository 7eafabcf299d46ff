"""Exports of a table as DynamoDB writes them to S3: what their manifest lists, and the lines of their files.

    manifest-summary.json     one object: the table, when, how many items, in which form
    manifest-files.json       one object a line: a data file, its number of items and its MD5 in base64
    data/*.json.gz            one {"Item": ...} a line; of an incremental export, one change a line

The data of incremental exports lies beside their folders, in one folder for all.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.Output.html
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from base64 import b64encode
from collections.abc import Iterator
from importlib import import_module
from io import BufferedReader
from os import PathLike
from pathlib import Path
from typing import IO, Any

from flyexpr.errors import FlyexprError
from flyexpr.records import record

SUMMARY, FILES = "manifest-summary.json", "manifest-files.json"
MOST_IN_LINE = 32 * 1024 * 1024  # bytes; two images of 400 KB are far below that, however they are written


@record
class DataFile:
    """One data file of an export: where it is, how many items it has, its MD5 in base64.

    >>> DataFile(Path("data/a.json.gz"), 8, "md5").items
    8
    """

    path: Path
    items: int
    checksum: str


def find_export(folder: Path) -> Path | None:
    """The folder with the manifest: this one, or the only one below it; else None.

    >>> find_export(Path(".")) is None
    True
    """
    if (folder / SUMMARY).is_file():
        return folder
    manifests = sorted(folder.glob(f"**/{SUMMARY}")) if folder.is_dir() else []
    if len(manifests) > 1:
        raise FlyexprError(f"{folder} holds {len(manifests)} exports; name one of them, such as {manifests[0].parent}")
    return manifests[0].parent if manifests else None


def export_in(folder: str | PathLike[str]) -> Export:
    """The export in a folder or somewhere below it; FlyexprError where there is none, or several."""
    if not isinstance(folder, (str, PathLike)):
        raise TypeError(f"the folder of an export is a path, not {folder!r}")
    try:
        manifest_folder = find_export(Path(folder))
    except OSError as error:  # such as of a folder that nobody may look into
        raise FlyexprError(f"cannot look for an export in {folder}: {error.strerror}") from None
    if manifest_folder is None:
        raise FlyexprError(f"{folder} holds no export: there is no manifest-summary.json in it")
    return read_manifest(manifest_folder)


@record
class Export:
    """What the manifest of an export says: the form and the kind of its lines, and its data files.

    `view` is None for a full export; an incremental one has NEW_IMAGE or NEW_AND_OLD_IMAGES of each changed item.
    """

    folder: Path
    form: str
    view: str | None
    files: tuple[DataFile, ...]


def read_manifest(folder: Path) -> Export:
    """The export in a folder with a manifest; FlyexprError for a manifest that is damaged.

    Only names are taken from the manifest, which holds keys of a bucket: the files are looked for in `data`.
    """
    summary = _json(folder / SUMMARY)
    kind, view = summary.get("exportType", "FULL_EXPORT"), None
    if kind not in ("FULL_EXPORT", "INCREMENTAL_EXPORT"):
        raise FlyexprError(f"{folder} is an export of a kind that is not known: {kind!r}")
    if kind == "INCREMENTAL_EXPORT":
        view = str(summary.get("outputView", "NEW_AND_OLD_IMAGES")).replace("IMAGES", "IMAGE")
        view = "NEW_IMAGE" if view == "NEW_IMAGE" else "NEW_AND_OLD_IMAGES"
    lines = enumerate(_text(folder / FILES).splitlines(), 1)
    files = tuple(_listed_file(folder, number, line) for number, line in lines if line)
    items = sum(file.items for file in files)
    if summary.get("itemCount", items) != items:
        raise FlyexprError(f"{folder / FILES} lists {items} items, and {SUMMARY} says {summary['itemCount']}")
    return Export(folder, str(summary.get("outputFormat", "DYNAMODB_JSON")), view, files)


def _listed_file(folder: Path, number: int, line: str) -> DataFile:
    match _parsed(line):
        case {"dataFileS3Key": str(key), "itemCount": int(items), "md5Checksum": str(md5)} if items >= 0:
            inside, beside = (place / "data" / Path(key).name for place in (folder, folder.parent))
            return DataFile(beside if beside.is_file() and not inside.is_file() else inside, items, md5)
    raise FlyexprError(f"{folder / FILES} is damaged: line {number} does not list a data file")


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


def lines_of(file: DataFile) -> Iterator[bytes]:
    """The lines of a data file that is as the manifest says: packed by gzip or Zstandard, or plain.

    FlyexprError for a file that cannot be unpacked, and for one with other than the listed number of lines.
    """
    check_file(file)
    count = 0
    try:
        with file.path.open("rb") as packed, _unpacked(packed, file.path) as plain:
            while line := plain.readline(MOST_IN_LINE):
                if len(line) == MOST_IN_LINE:
                    raise FlyexprError(f"{file.path} has a line of more than {MOST_IN_LINE:,} bytes, which no item has")
                if line.strip():
                    count += 1
                    yield line
    except (OSError, EOFError, zlib.error) as error:
        raise FlyexprError(f"{file.path} cannot be read: {error}") from None
    if count != file.items:
        raise FlyexprError(f"{file.path} has {count} lines, and the manifest lists {file.items}")


def _unpacked(packed: IO[bytes], path: Path) -> IO[bytes]:
    magic = packed.read(4)
    packed.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        return gzip.open(packed)  # type: ignore[return-value]
    if magic == b"\x28\xb5\x2f\xfd":
        return BufferedReader(_zstandard(path).ZstdDecompressor().stream_reader(packed, read_across_frames=True))
    return packed


def _zstandard(path: Path) -> Any:
    try:
        return import_module("zstandard")
    except ImportError:
        raise FlyexprError(f"{path} is packed by Zstandard\n  hint: pip install 'flyexpr[exports]'") from None


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise FlyexprError(f"{path} cannot be read: {error}") from None


def _json(path: Path) -> dict[str, Any]:
    manifest = _parsed(_text(path))
    if not isinstance(manifest, dict):
        raise FlyexprError(f"{path} is not a manifest")
    return manifest


def _parsed(text: str) -> Any:
    """What a JSON text says; None where it is not JSON, which no manifest says."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
