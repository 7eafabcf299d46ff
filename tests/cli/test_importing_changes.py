"""flyexpr import of an incremental export: only items that are as they were are changed, and the others are printed."""

import json
from pathlib import Path
from typing import Any

import pytest
from export_folders import STAMP, written
from program import Inside, settled


def exported(folder: Path, *changes: tuple[Any, Any], **about: Any) -> str:
    """The incremental export of changes of the statuses of items, None for one that is not there."""

    def line(key: int, old: str | None, new: str | None) -> bytes:
        wire: dict[str, Any] = {
            "Metadata": {"WriteTimestampMicros": {"N": f"{STAMP}"}},
            "Keys": {"id": {"S": str(key)}},
        }
        for name, status in ("OldImage", old), ("NewImage", new):
            if status is not None:
                wire[name] = {"id": {"S": str(key)}, "status": {"S": status}}
        return json.dumps(wire).encode()

    kind = {"exportType": "INCREMENTAL_EXPORT", "outputView": "NEW_AND_OLD_IMAGES", **about}
    lines = [line(key, *change) for key, change in enumerate(changes)]
    return str(written(folder / "of S3", lines, data="data", **kind))


@pytest.fixture
def orders(inside: Inside) -> Inside:
    inside("create", "Orders", "id")
    for number in range(3):
        inside("put", "Orders", json.dumps({"id": str(number), "status": "open"}))
    return inside


def statuses(inside: Inside) -> dict[str, str]:
    items = map(json.loads, inside("scan", "Orders").out.splitlines())
    return dict(sorted((item["id"], item["status"]) for item in items))


def test_the_changes_are_done_and_can_be_done_again(orders: Inside, tmp_path: Path):
    folder = exported(tmp_path, ("open", "done"), ("open", None), ("open", "open"), (None, "new"))
    end = orders("import", "Orders", folder, "--dry-run")
    assert (end.code, end.err) == (0, "flyexpr: 4 items would be as the export says\n")
    assert statuses(orders) == {"0": "open", "1": "open", "2": "open"}
    for more in (), ("--resume", "journal"), ("--rate", "100"):
        end = orders("import", "Orders", folder, *more)
        assert (end.code, end.out, end.err) == (0, "", "flyexpr: 4 items are as the export says\n")
        assert statuses(orders) == {"0": "done", "2": "open", "3": "new"}
    assert not Path("journal").exists()
    assert orders("import", "Orders", folder, "--quiet").err == ""


def test_what_was_changed_since_is_left_alone_and_printed(orders: Inside, tmp_path: Path):
    folder = exported(tmp_path, ("late", "done"), ("open", "done"))
    for more in ("--dry-run",), ():
        end = orders("import", "Orders", folder, *more)
        assert end.code == 1
        assert (
            end.err == f"flyexpr: 1 item {'would be' if more else 'is'} as the export says, and 1 was changed again\n"
        )
        assert json.loads(end.out.splitlines()[-1]) == {"key": {"id": "0"}, "now": {"id": "0", "status": "open"}}
    assert statuses(orders) == {"0": "open", "1": "done", "2": "open"}


def test_the_plan_touches_nothing(orders: Inside, tmp_path: Path):
    end = orders("import", "Orders", exported(tmp_path, ("open", "done")), "--explain")
    first, second, _ = end.out.splitlines()
    assert first.split(maxsplit=1) == ["operation", "GetItem, then PutItem, UpdateItem or DeleteItem on Orders"]
    assert second.split(maxsplit=1) == ["changes", "1, each where the item is as before it"]
    assert statuses(orders)["0"] == "open"


def test_what_is_refused(orders: Inside, tmp_path: Path):
    end = orders("import", "Orders", exported(tmp_path / "a", ("open", "done"), outputView="NEW_IMAGE"))
    assert (end.code, end.err) == (
        1,
        (
            f"flyexpr: {tmp_path}/a/of S3/EXPORT has no old images, so it cannot be told whether an item has "
            "changed since\n"
        ),
    )
    end = orders("import", "Orders", exported(tmp_path / "b", ("open", "done")), "--rejects", "rejects")
    assert (end.code, settled(end.err)) == (
        2,
        "Error: --rejects is for items; what an incremental export does not change is printed\n",
    )
    Path(tmp_path / "b/of S3/data/a.json.gz").write_bytes(b"x")
    end = orders("import", "Orders", str(tmp_path / "b"))
    assert (end.code, end.err) == (
        1,
        f"flyexpr: {tmp_path}/b/of S3/data/a.json.gz is damaged: its MD5 is not what the manifest says\n",
    )
    assert statuses(orders) == {"0": "open", "1": "open", "2": "open"}
