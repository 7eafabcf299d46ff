"""The parts that the page shows after the jobs, in its order; a new part is one line here."""

from __future__ import annotations

from bench import cli, partitions
from bench.engine import backfill, beside, serving, vectors
from bench.part import Part

PARTS: dict[str, Part] = {
    part.name: part for part in (cli.PART, backfill.PART, beside.PART, vectors.PART, serving.PART, partitions.PART)
}
