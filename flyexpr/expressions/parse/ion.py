"""The types of Ion literals, which stand in backticks. A statement takes none; what is said of one names its type.

https://amazon-ion.github.io/ion-docs/docs/spec.html
"""

from __future__ import annotations

import re

_ION = re.compile(
    r"""
      (?P<CLOB>\{\{\s*(?:"|''').*\}\})
    | (?P<BLOB>\{\{[A-Za-z0-9+/=\s]*\}\})
    | (?P<STRUCT>\{(?!\{).*\})
    | (?P<LIST>\[.*\])
    | (?P<SEXP>\(.*\))
    | (?P<STRING>".*"|'''.*''')
    | (?P<SYMBOL>'.*'|(?!(?:null|true|false|nan)\b)[A-Za-z_$][A-Za-z0-9_$]*)
    | (?P<NULL>null(?:\.[a-z]+)?)
    | (?P<BOOL>true|false)
    | (?P<TIMESTAMP>[0-9]{4}[-T][0-9:TZ.+-]*)
    | (?P<FLOAT>nan|[+-]inf|-?[0-9][0-9_]*(?:\.[0-9_]*)?[eE][+-]?[0-9_]+)
    | (?P<DECIMAL>-?[0-9][0-9_]*(?:\.[0-9_]*(?:[dD][+-]?[0-9_]+)?|[dD][+-]?[0-9_]+))
    | (?P<INT>-?(?:0[xX][0-9A-Fa-f_]+|0[bB][01_]+|[0-9][0-9_]*))
    """,
    re.VERBOSE | re.DOTALL,
)


def ion_type(text: str) -> str | None:
    """The type of an Ion literal; None for any other text.

    >>> [ion_type(text) for text in ("`{{YWJj}}`", "`[1]`", "`2020-01-01T`", "`1.5`", "`abc`", "`1 2`", "`1")]
    ['BLOB', 'LIST', 'TIMESTAMP', 'DECIMAL', 'SYMBOL', None, None]
    """
    if len(text) < 2 or text[-1] != "`":
        return None
    match = _ION.fullmatch(text[1:-1].strip())
    return match.lastgroup if match else None
