"""Exports: full and incremental ones, in each form and packing, and what is wrong with a damaged one."""

import gzip
import json
import sys
from collections.abc import Callable
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from export_folders import STAMP, written
from raised import raises

from flyexpr import ExpressionError, F, FlyexprError, Table, eq, exists, gt, template
from flyexpr.changes import export_folders
from flyexpr.events import Change, appeared, changed, export_filter, old, read_export, was

TABLE = Table("Orders", "id", attributes={"day": date, "total": float})
ITEMS = [
    {"id": {"S": "1"}, "day": {"S": "2026-01-31"}, "total": {"N": "2.5"}},
    {"id": {"S": "2"}, "tags": {"SS": ["a", "b"]}, "photo": {"B": "aGk="}, "gone": {"NULL": True}},
]
READ = [
    {"id": "1", "day": date(2026, 1, 31), "total": 2.5},
    {"id": "2", "tags": {"a", "b"}, "photo": b"hi", "gone": None},
]
CHANGES = [
    {"Metadata": {"WriteTimestampMicros": {"N": f"{STAMP}"}}, "Keys": {"id": {"S": "1"}}, "NewImage": ITEMS[0]},
    {
        "Metadata": {"WriteTimestampMicros": {"N": f"{STAMP + 1}"}},
        "Keys": {"id": {"S": "2"}},
        "OldImage": {"id": {"S": "2"}},
        "NewImage": ITEMS[1],
    },
    {"Metadata": {"WriteTimestampMicros": STAMP}, "Keys": {"id": {"S": "3"}}, "OldImage": {"id": {"S": "3"}}},
]


def full(folder: Path, **options: Any) -> Path:
    return written(folder, [json.dumps({"Item": item}).encode() for item in ITEMS], **options)


def incremental(folder: Path, lines: list[Any] = CHANGES, **options: Any) -> Path:
    summary = {"exportType": "INCREMENTAL_EXPORT", "outputView": "NEW_AND_OLD_IMAGES", "data": "data"} | options
    return written(folder, [json.dumps(line).encode() for line in lines], **summary)


def zstandard(content: bytes) -> bytes:
    module = pytest.importorskip("zstandard")
    packed: bytes = module.ZstdCompressor().compress(content)
    return packed


@pytest.mark.parametrize("pack", [gzip.compress, zstandard, bytes])
def test_a_full_export_gives_items(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    assert list(read_export(full(tmp_path, pack=pack), TABLE)) == READ
    assert list(read_export(str(tmp_path / "EXPORT"), TABLE)) == READ


def test_a_condition_chooses_items(tmp_path: Path) -> None:
    assert list(read_export(full(tmp_path), TABLE, gt("total", 2))) == READ[:1]


def test_items_come_as_they_are_asked_for(tmp_path: Path) -> None:
    """A damaged second file is found when the first has been read."""
    reading = read_export(full(tmp_path), TABLE)
    (tmp_path / "EXPORT/data/b.json.gz").write_bytes(b"damaged")
    assert next(reading) == READ[0]
    with raises(FlyexprError, f"{tmp_path}/EXPORT/data/b.json.gz is damaged: its MD5 is not what the manifest says"):
        next(reading)


def test_an_export_in_ion_gives_the_same(tmp_path: Path) -> None:
    pytest.importorskip("amazon.ion")
    lines = [
        b'$ion_1_0 {Item:{id:"1",day:"2026-01-31",total:2.5}}',
        b'$ion_1_0 {Item:{id:"2",tags:$dynamodb_SS::["a","b"],photo:{{aGk=}},gone:null}}',
        b'$ion_1_0 {Item:{id:"3",m:{n:[1.,true,-6d2]},ns:$dynamodb_NS::[1.,2.5],bs:$dynamodb_BS::[{{aGk=}}]}}',
    ]
    deeper = {"id": "3", "m": {"n": [1, True, -600]}, "ns": {1, 2.5}, "bs": {b"hi"}}
    assert list(read_export(written(tmp_path, lines, outputFormat="ION"), TABLE)) == [*READ, deeper]


def test_an_export_in_ion_without_the_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "amazon.ion.simpleion", None)
    folder = written(tmp_path, [b'$ion_1_0 {Item:{id:"1"}}'], outputFormat="ION")
    with raises(FlyexprError, "this export is in Ion\n  hint: pip install 'flyexpr[exports]'"):
        list(read_export(folder, TABLE))


def test_a_file_packed_by_zstandard_without_the_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    folder = written(tmp_path, [b'{"Item":{"id":{"S":"1"}}}'], pack=lambda content: b"\x28\xb5\x2f\xfd" + content)
    packed = tmp_path / "EXPORT/data/a.json.gz"
    with raises(FlyexprError, f"{packed} is packed by Zstandard\n  hint: pip install 'flyexpr[exports]'"):
        list(read_export(folder, TABLE))


def test_changes_in_ion(tmp_path: Path) -> None:
    pytest.importorskip("amazon.ion")
    line = f'$ion_1_0 {{Metadata:{{WriteTimestampMicros:{STAMP}.}},Keys:{{id:"1"}},NewImage:{{id:"1",total:3.}}}}'
    folder = written(tmp_path, [line.encode()], outputFormat="ION", exportType="INCREMENTAL_EXPORT")
    (change,) = read_export(folder, TABLE)
    assert isinstance(change, Change)
    assert (change.kind, change.new, change.sequence) == ("INSERT", {"id": "1", "total": 3.0}, f"{STAMP}")


def test_an_incremental_export_gives_changes(tmp_path: Path) -> None:
    first, second, third = read_export(incremental(tmp_path), TABLE)
    assert isinstance(first, Change)
    assert isinstance(second, Change)
    assert isinstance(third, Change)
    assert [(each.kind, each.key, each.old, each.new) for each in (first, second, third)] == [
        ("INSERT", {"id": "1"}, None, READ[0]),
        ("MODIFY", {"id": "2"}, {"id": "2"}, READ[1]),
        ("REMOVE", {"id": "3"}, {"id": "3"}, None),
    ]
    assert first.at == datetime(2026, 1, 5, 0, 0, 0, 123456, tzinfo=timezone.utc)
    assert (first.sequence, third.sequence, first.by_ttl) == (f"{STAMP}", f"{STAMP}", False)


@pytest.mark.parametrize(
    "condition, keys",
    [(changed("photo"), ["2"]), (appeared("id"), ["1"]), (was(exists("id")), ["2", "3"]), (eq("total", 2.5), ["1"])],
)
def test_conditions_ask_about_both_sides(tmp_path: Path, condition: Any, keys: list[str]) -> None:
    found = read_export(incremental(tmp_path), TABLE, condition)
    assert [change.key["id"] for change in found if isinstance(change, Change)] == keys


@pytest.mark.parametrize("view", ["NEW_IMAGE", "NEW_IMAGES"])
def test_without_old_images_nothing_is_known_of_them(tmp_path: Path, view: str) -> None:
    lines = [{name: part for name, part in line.items() if name != "OldImage"} for line in CHANGES]
    found = list(read_export(incremental(tmp_path, lines, outputView=view), TABLE))
    assert [each.kind for each in found if isinstance(each, Change)] == ["MODIFY", "MODIFY", "REMOVE"]
    with raises(
        FlyexprError,
        "what the item was before is not known: the stream keeps NEW_IMAGE\n"
        "  item: {'id': '1'} of 'Orders'\n"
        "  hint: a stream of NEW_AND_OLD_IMAGES keeps both",
    ):
        list(read_export(tmp_path, TABLE, changed("photo")))


def test_a_full_export_has_no_changes_to_ask_about(tmp_path: Path) -> None:
    with raises(
        ExpressionError,
        "a full export holds items, and this condition asks about changes\n  expression: total > old(total)",
    ):
        read_export(full(tmp_path), TABLE, gt("total", old("total")))


def test_where_there_is_no_export(tmp_path: Path) -> None:
    with raises(FlyexprError, f"{tmp_path} holds no export: there is no manifest-summary.json in it"):
        read_export(tmp_path, TABLE)
    full(tmp_path / "one")
    full(tmp_path / "two")
    with pytest.raises(TypeError, match="the folder of an export is a path, not 5"):
        read_export(5, TABLE)  # type: ignore[arg-type]
    with raises(FlyexprError, f"{tmp_path} holds 2 exports; name one of them, such as {tmp_path}/one/EXPORT"):
        read_export(tmp_path, TABLE)


@pytest.mark.parametrize(
    "summary, text",
    [
        ({"outputFormat": "CSV"}, " is an export in the form CSV; DYNAMODB_JSON and ION can be read"),
        ({"exportType": "OTHER"}, " is an export of a kind that is not known: 'OTHER'"),
        ({"itemCount": 7}, "/manifest-files.json lists 2 items, and manifest-summary.json says 7"),
    ],
)
def test_a_manifest_that_is_not_understood(tmp_path: Path, summary: dict[str, Any], text: str) -> None:
    folder = full(tmp_path, **summary)
    with raises(FlyexprError, f"{tmp_path}/EXPORT{text}"):
        read_export(folder, TABLE)


LINES: list[tuple[bytes, str]] = [
    (b"text", "this is not a line of an export"),
    (b"[]", "this is not a line of an export"),
    (b'{"Item": 3}', "a map of attribute values was expected"),
    (b'{"Other": {}}', "this is not a line of an export"),
    (b'{"Item": {"id": {"X": "1"}}}', "at `id`: 'X' is not a type of DynamoDB"),
    (b'{"Item": {"id": {"S": "1"}, "total": {"S": "1"}}}', "at `total`: the stored value cannot be read as float"),
    (b"[" * 100_000, "this is not a line of an export"),
]


@pytest.mark.parametrize("line, text", LINES, ids=[text for _, text in LINES])
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, line: bytes, text: str) -> None:
    folder = written(tmp_path, [json.dumps({"Item": ITEMS[0]}).encode(), json.dumps({"Item": ITEMS[1]}).encode(), line])
    reading = read_export(folder, TABLE)
    assert [next(reading), next(reading)] == READ
    with pytest.raises(FlyexprError) as refused:
        next(reading)
    assert "b.json.gz, line 2: " in str(refused.value)
    assert text in str(refused.value)


@pytest.mark.parametrize("stamp", [None, {}, {"N": "soon"}, "x", {"N": "9" * 30}])
def test_a_change_without_its_moment_is_named(tmp_path: Path, stamp: Any) -> None:
    line = CHANGES[0] | {"Metadata": {"WriteTimestampMicros": stamp}}
    with raises(FlyexprError, f"{tmp_path}/data/a.json.gz, line 1: this is not a line of an export"):
        list(read_export(incremental(tmp_path, [line]), TABLE))


def test_a_file_that_unpacks_to_one_endless_line_is_not_read_to_its_end(tmp_path: Path) -> None:
    folder = written(tmp_path, [b" " * 3 * export_folders.MOST_IN_LINE])
    with raises(
        FlyexprError, f"{tmp_path}/EXPORT/data/a.json.gz has a line of more than 33,554,432 bytes, which no item has"
    ):
        list(read_export(folder, TABLE))


def test_a_file_with_more_lines_than_listed_is_damaged(tmp_path: Path) -> None:
    folder = full(tmp_path)
    manifest = folder / "EXPORT/manifest-files.json"
    manifest.write_text(manifest.read_text().replace('"itemCount": 1', '"itemCount": 0', 1))
    summary = folder / "EXPORT/manifest-summary.json"
    summary.write_text(summary.read_text().replace('"itemCount": 2', '"itemCount": 1'))
    with raises(FlyexprError, f"{tmp_path}/EXPORT/data/a.json.gz has 1 lines, and the manifest lists 0"):
        list(read_export(folder, TABLE))


# --- filters


def test_a_filter_is_what_a_scan_would_send() -> None:
    assert export_filter(gt("total", 2) & eq("day", date(2026, 1, 31)), TABLE, project=["id", "total"]) == {
        "FilterExpression": "#0 > :0 AND #1 = :1",
        "ProjectionExpression": "#2, #0",
        "ExpressionAttributeNames": {"#0": "total", "#1": "day", "#2": "id"},
        "ExpressionAttributeValues": {":0": {"N": "2"}, ":1": {"S": "2026-01-31"}},
    }


def test_a_filter_lets_items_through_that_lack_a_part_of_their_key() -> None:
    """Reading fills it in, and checks the condition again."""
    table = Table("Shop", "pk", attributes={"pk": template("U#{user}")})
    assert export_filter(eq("user", "ada"), table)["FilterExpression"] == "#0 = :0 OR attribute_not_exists(#0)"


def test_a_filter_that_cannot_be() -> None:
    with raises(ExpressionError, "no item can match this condition\n  expression: id = 'a' AND id = 'b'"):
        export_filter(eq("id", "a") & eq("id", "b"), TABLE)
    with raises(
        ExpressionError,
        "The function is not allowed to be used this way in an expression; function: changed\n"
        "  expression: changed(total)\n"
        "  hint: it asks about a change of an item, as flyexpr.events gives them",
    ):
        export_filter(changed("total"), TABLE)
    with raises(
        ExpressionError,
        "The first operand must be distinct from the remaining operands for this operator or function; "
        "operator: =, first operand: [total]\n"
        "  expression: total = total",
    ):
        export_filter(eq("total", F.total), TABLE)
