"""Where things are: the project, its pages, the data of the tests, and the shared folder beside the project."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
DOCS = ROOT / "docs"
SHARED = ROOT.parent / "shared"
