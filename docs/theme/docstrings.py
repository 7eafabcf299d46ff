"""Docstrings as the reference shows them: doctests become blocks that can be pasted, as on the other pages."""

import ast
import re
from doctest import DocTestParser
from itertools import groupby
from typing import Any

import griffe

PARSER = DocTestParser()
NAMED_DEFAULTS = {"_NOTHING": "{}"}


class PastedExamples(griffe.Extension):
    """Griffe calls it for every object that it reads."""

    def on_node(self, *, node: Any, agent: Any, **_: Any) -> None:
        """Griffe reads no docstring that is assigned, `Budget.__doc__ = ...`."""
        match node:
            case ast.Assign([ast.Attribute(ast.Name(name), "__doc__")], ast.Constant(str(text))):
                agent.current.members[name].docstring = griffe.Docstring(as_page(text))

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = as_page(obj.docstring.value)
        if isinstance(obj, griffe.Function):
            for parameter in obj.parameters:
                parameter.default = NAMED_DEFAULTS.get(str(parameter.default), parameter.default)


def as_page(docstring: str) -> str:
    return with_links(with_blocks(docstring))


def with_links(docstring: str) -> str:
    """The docstring, with a link for each "see `flyexpr.name`"."""
    return re.sub(r"see (`flyexpr\.\w+`)(?=[.;])", r"see [\1][]", docstring)


def with_blocks(docstring: str) -> str:
    """The docstring, with a block of Python for each paragraph that is a doctest."""
    paragraphs = (
        "\n".join(lines) for blank, lines in groupby(docstring.splitlines(), lambda line: not line.strip()) if not blank
    )
    return "\n\n".join(block(text) if text.lstrip().startswith(">>> ") else text for text in paragraphs)


def block(session: str) -> str:
    """A doctest without prompts; what a statement shows stands below it, in lines that begin with `#>`."""
    code = ""
    for example in PARSER.get_examples(session):
        want = example.want if example.exc_msg is None else re.sub(r"^(\w+\.)+(?=\w)", "", example.exc_msg)
        shown = "".join(f"#> {line}\n" for line in want.splitlines())
        apart = "\n" if shown or re.match(r"(async )?(class|def|for|try|with)\b|@", example.source) else ""
        code += example.source + shown + apart
    return f"```python\n{code.strip()}\n```"
