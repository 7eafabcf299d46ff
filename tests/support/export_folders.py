"""Exports as S3 would hold them."""

import base64
import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

STAMP = 1767571200123456  # 2026-01-05T00:00:00.123456Z


def written(
    folder: Path,
    lines: list[bytes],
    *,
    pack: Callable[[bytes], bytes] = gzip.compress,
    data: str = "EXPORT/data",
    **summary: Any,
) -> Path:
    """An export of two data files, as S3 would hold it."""
    (folder / "EXPORT").mkdir(parents=True)
    (folder / data).mkdir(parents=True, exist_ok=True)
    listed = []
    for name, part in (("a.json.gz", lines[:1]), ("b.json.gz", lines[1:])):
        content = pack(b"".join(line + b"\n" for line in part))
        (folder / data / name).write_bytes(content)
        md5 = base64.b64encode(hashlib.md5(content).digest()).decode()
        listed.append({"itemCount": len(part), "md5Checksum": md5, "dataFileS3Key": f"prefix/AWSDynamoDB/data/{name}"})
    (folder / "EXPORT/manifest-files.json").write_text("".join(json.dumps(each) + "\n" for each in listed))
    whole = {"version": "2020-06-30", "itemCount": len(lines), "outputFormat": "DYNAMODB_JSON", **summary}
    (folder / "EXPORT/manifest-summary.json").write_text(json.dumps(whole))
    return folder
