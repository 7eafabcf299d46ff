"""Pages of the site that stand elsewhere in the project: README.md, CHANGELOG.md and the programs of examples/.

MkDocs calls the `on_` functions. The files link to files of the project, so that the links work without the site too;
here they become links to pages of the site.
"""

import ast
import os
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PROGRAMS = sorted((ROOT / "examples").glob("*.py"))
MOVED = {
    ROOT / "README.md": "index.md",
    ROOT / "CHANGELOG.md": "changelog.md",
    **{program: f"examples/{program.stem}.md" for program in PROGRAMS},
}
SOURCES = {place: path for path, place in MOVED.items()}
# Pages that say again, of another door or for users of another library, what other pages say, and the page for those
# who change flyexpr. The search has them last.
WEIGHTS = {
    "changelog": 0.1,
    "coming-from": 0.3,
    "examples/": 0.3,
    "house": 0.3,
    "reference/aio": 0.3,
    "reference/curried": 0.3,
}
# In a table, code needs `\|` for other readers of Markdown, and not for this one.
CELL_CODE = re.compile(r"(?<!`)`[^`\n]*\\\|[^`\n]*`(?!`)")
LINK = re.compile(r"(?<=\]\()([^)#:\s]+)(?=[)#])")


def on_files(files: Files, config: Any) -> Files:
    """The files of docs/ and those from elsewhere; what else lies in examples/ is copied as it is."""
    for place, path in SOURCES.items():
        text = program_page(path) if path.suffix == ".py" else path.read_text()
        files.append(File.generated(config, place, content=text))
    for path in (ROOT / "examples").iterdir():
        if path.is_file() and path.suffix != ".py":
            files.append(File.generated(config, f"examples/{path.name}", abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page's text, with links that go where the site has the files.

    A page has a weight in the search; and one that stands alone needs no list of the pages beside it.
    """
    place = page.file.src_uri
    page.meta["hide"] = [] if page.parent else ["navigation"]
    page.meta["search"] = {"boost": next((weight for start, weight in WEIGHTS.items() if place.startswith(start)), 1)}
    folder = SOURCES.get(place, DOCS / place).parent
    markdown = CELL_CODE.sub(lambda match: match[0].replace("\\|", "|"), markdown)
    return LINK.sub(lambda match: site_link(match[1], folder, place), markdown)


def site_link(link: str, folder: Path, place: str) -> str:
    """The link as the page at that place of the site has to write it."""
    target = (folder / link).resolve()
    if target in MOVED:
        goal = MOVED[target]
    elif target.is_file() and target.is_relative_to(DOCS):
        goal = target.relative_to(DOCS).as_posix()
    elif target.is_file() and target.is_relative_to(ROOT / "examples"):
        goal = target.relative_to(ROOT).as_posix()
    else:
        return link
    return os.path.relpath(goal, os.path.dirname(place) or ".")


def program_page(path: Path) -> str:
    """A program as a page: its docstring, then the code."""
    code = path.read_text()
    about = ast.get_docstring(ast.parse(code)) or ""
    return f"# examples/{path.name}\n\n{about}\n\n```python\n{code}```\n"
