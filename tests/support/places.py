"""Where things are: the project, its pages, the data of the tests, and the shared folder beside the project."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "data"
DOCS = ROOT / "docs"
SHARED = ROOT.parent / "shared"


def loaded(program: Path) -> ModuleType:
    """A program that is not in a package, as a module of its own."""
    spec = spec_from_file_location(program.stem, program)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
