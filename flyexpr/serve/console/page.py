"""The page of the console: one text, made of three files, and the policy under which a browser shows it."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path

from flyexpr.serve.answers import Answer

GUARDED = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
)
"""Fields of every answer of the console: nobody keeps it, and no other page has it."""

_HERE = Path(__file__).parent
_PARTS = {  # what stands in page.html, and the element that it becomes
    r'<link rel="stylesheet" href="(page\.css)">': "style",
    r'<script src="(page\.js)"></script>': "script",
}


@cache
def whole_page() -> Answer:
    """The page, with a Content-Security-Policy that allows its own script and style, and calls of its own server."""
    text, allowed = (_HERE / "page.html").read_text("utf-8"), []
    for pattern, element in _PARTS.items():
        found = re.search(pattern, text)
        assert found is not None
        part = (_HERE / found[1]).read_text("utf-8")
        allowed.append(f"{element}-src 'sha256-{b64encode(sha256(part.encode()).digest()).decode()}'")
        text = text.replace(found[0], f"<{element}>{part}</{element}>")
    policy = "; ".join(
        [
            "default-src 'none'",
            *allowed,
            "connect-src 'self'",
            "img-src data:",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    return Answer(200, "text/html; charset=utf-8", text.encode(), (*GUARDED, ("Content-Security-Policy", policy)))
